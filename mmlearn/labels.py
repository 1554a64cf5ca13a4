"""Labels, indicators and other values of items: what is missing is never taken for present.

One rule for the fit of a method, for scoring and for the data sets. Missing are None, NaN, NaT,
pandas' NA, what a masked array masks, and the four texts that these become when a column is turned
into text ("None", "nan", "NaT", "<NA>"). A message names the rows.
"""

from collections.abc import Mapping, Set
from datetime import datetime
from numbers import Number, Real

import numpy as np
import torch

from mmlearn.arrays import check_finite, to_numpy

__all__ = [
    "as_plain",
    "check_indicators",
    "check_label_pair",
    "check_label_values",
    "check_labels",
    "check_strings",
    "comparable_labels",
    "is_missing",
    "is_unordered",
    "name_rows",
    "refuse_missing",
]

WRITTEN_OUT = ("nan", "None", "<NA>", "NaT")
PLAIN = "biufUS"  # numpy's kinds of numbers and text
# What may stand side by side in one list of classes; an int is no float to numpy, but to a reader.
KINDS = {"bool": bool | np.bool_, "number": Real, "str": str, "bytes": bytes}


def check_labels(labels, n, multilabel=False):
    """Check the labels that a supervised method is to learn from and return them as an array.

    Class labels (n,); with `multilabel` also indicators (n, t), each item with its set of labels.
    What a label may be is said at :func:`check_label_values`.
    """
    if labels is None:
        raise ValueError("this method is supervised: pass labels=train.labels to fit.")
    labels = as_plain(labels)
    if multilabel and labels.ndim == 2 and len(labels) == n:
        labels = check_indicators(labels)
        if (labels == labels[0]).all():
            raise ValueError("every item has the same set of labels; there is nothing to learn.")
        return labels
    if labels.shape != (n,):
        raise ValueError(f"labels must have shape ({n},), one per pair, got {labels.shape}.")
    labels = _decoded(check_label_values(labels))
    if len(np.unique(labels)) < 2:
        raise ValueError("labels hold a single class; a supervised method needs at least two.")
    return labels


def _decoded(labels):
    """Bytes as the text that they are, which all that learns from classes can take."""
    return np.char.decode(labels, "utf-8") if labels.dtype.kind == "S" else labels


def check_label_values(labels, name="labels"):
    """Check labels, whoever uses them, and return them as a plain array of numbers or of text.

    Classes (n,) are whole numbers (floats such as 2.0 too), bool, str or bytes, all of one kind;
    indicators (n, t) are as :func:`check_indicators` has them. Lists, tensors, pandas' columns and
    masked arrays are welcome.

    Raises
    ------
    ValueError
        If a label is missing (the rows are named), blank, no whole number or not of the others'
        kind, or the shape is neither (n,) nor (n, t).

    >>> check_label_values(["cat", "dog", "cat"])
    array(['cat', 'dog', 'cat'], dtype='<U3')
    >>> check_label_values(["cat", None, "dog", float("nan")])
    Traceback (most recent call last):
        ...
    ValueError: labels are missing in rows 1, 3: none may be missing; fill them in or drop them.
    """
    if labels is None:
        raise ValueError(f"{name} are missing: give one an item.")
    labels = as_plain(labels)
    if labels.ndim == 2:
        return check_indicators(labels, name)
    if labels.ndim != 1:
        raise ValueError(
            f"{name} must be classes of shape (n,) or indicators (n, t), got {labels.shape}."
        )
    refuse_missing(labels, name)
    labels = _of_one_kind(labels, name)
    if labels.dtype.kind in "US":
        blank = np.char.str_len(np.char.strip(labels)) == 0
        _refuse(blank, name, "empty", "a class needs a name; fill them in or drop the items")
    elif labels.dtype.kind == "f":
        odd = ~np.isfinite(labels) | (labels != np.round(labels))
        _refuse(odd, name, "no whole numbers", "classes are whole numbers or names")
    return labels


def comparable_labels(labels, name="labels"):
    """The labels of a batch as :func:`check_label_values` has them; a tensor stays on its device.

    >>> comparable_labels(torch.tensor([2, 0])), comparable_labels(["cat", "dog"]).dtype.kind
    (tensor([2, 0]), 'U')
    """
    if not isinstance(labels, torch.Tensor):
        return check_label_values(labels, name)
    labels = check_finite(labels.detach(), name, "leave those items out")
    if labels.ndim == 2 and not bool(((labels == 0) | (labels == 1)).all()):
        raise ValueError(
            f"{name} of shape (n, t) must be indicators, 0 or 1: got shape {tuple(labels.shape)} "
            "with other values; classes have shape (n,)."
        )
    return labels


def check_label_pair(a, b, names=("query_labels", "gallery_labels")):
    """Check labels of two sides that are to be compared: both of one kind, over the same columns.

    >>> check_label_pair(["cat"], [0])
    Traceback (most recent call last):
        ...
    ValueError: query_labels are text and gallery_labels numbers: no item would share a class.
    """
    a, b = (check_label_values(side, name) for side, name in zip((a, b), names, strict=True))
    if a.shape[1:] != b.shape[1:]:
        raise ValueError(
            "labels of two sides must be of one kind: two lists of classes, (n,), or two indicator "
            f"matrices over the same labels, (n, t); got shapes {a.shape} and {b.shape}."
        )
    kinds = [{"U": "text", "S": "bytes"}.get(side.dtype.kind, "numbers") for side in (a, b)]
    if kinds[0] != kinds[1]:
        raise ValueError(
            f"{names[0]} are {kinds[0]} and {names[1]} {kinds[1]}: no item would share a class."
        )
    return a, b


def check_indicators(values, name="labels"):
    """Check indicators (n, t), 1 or True where an item has a label and 0 or False elsewhere.

    >>> check_indicators([[1, 0], [True, True]])
    array([[1., 0.],
           [1., 1.]])
    """
    values = as_plain(values)
    if values.ndim != 2:
        raise ValueError(f"{name} must be indicators of shape (n, t), got shape {values.shape}.")
    if values.shape[1] == 1 and values.shape[0] > 1 and not _is_bool(values):
        raise ValueError(
            f"{name} are one column, {values.shape}: give classes as (n,), such as .ravel(), and "
            "one indicator an item as bool."
        )
    missing = _missing(values)
    if missing.any():
        raise ValueError(
            f"{name} are missing in {_name_cells(missing)}: none may be missing; 0 says that an "
            "item does not have a label."
        )
    if values.dtype.kind in "biuf":
        wrong = (values != 0) & (values != 1)
    else:
        no_bit = [not isinstance(v, Real | np.bool_) or v not in (0, 1) for v in values.flat]
        wrong = np.reshape(no_bit, values.shape)
    if wrong.any():
        found = values[tuple(np.argwhere(wrong)[0])]
        raise ValueError(
            f"{name} of shape (n, t) must be indicators: 0 or 1, False or True, as numbers and not "
            f"as text; got {_shown(found)} in {_name_cells(wrong)}."
        )
    return values if values.dtype.kind in "biuf" else values.astype(np.float64)


def check_strings(values, name, each="picture", any_text=False):
    """Check that `values` are strings, none missing, and return them as a list.

    An empty text is a text without words. With `any_text` "nan" is a word like others, as in a
    query or in a part of a text.

    >>> check_strings(np.array(["red car", ""]), "captions")
    ['red car', '']
    """
    one = isinstance(values, str | bytes) or not hasattr(values, "__iter__")
    if one or is_unordered(values):
        raise TypeError(
            f"{name} must be a list of str, one per {each}, got a {type(values).__name__}."
        )
    values = list(values)
    refuse_missing(["" if any_text and isinstance(v, str) else v for v in values], name)
    for row, value in enumerate(values):
        if not isinstance(value, str):
            kind = type(value).__name__
            raise TypeError(
                f"{name} must be a list of str, one per {each}; row {row} is of type {kind}."
            )
    return [str(value) for value in values]  # numpy's str among them become Python's


def is_unordered(values):
    """Whether going through `values` gives no items in their order: a table, a dict or a set.

    >>> is_unordered({"a": 1}), is_unordered(["a"])
    (True, False)
    """
    return hasattr(values, "columns") or isinstance(values, Mapping | Set)


def as_plain(values):
    """`values` as an array of numbers or text where they are that already, else of objects.

    Nothing is turned into text or filled in on the way: a masked value becomes None.
    """
    if isinstance(values, torch.Tensor):
        return to_numpy(values)
    if hasattr(values, "toarray"):  # a sparse matrix
        values = values.toarray()
    if isinstance(values, np.ma.MaskedArray):
        values = values.tolist() if np.ma.is_masked(values) else values.data
    array = np.asarray(values) if hasattr(values, "__array__") else None
    if array is not None and array.dtype.kind in PLAIN:
        return array
    if array is not None and array.dtype.kind in "mM":  # as dates, in which NaT becomes None
        array = array.astype(f"{array.dtype.kind}8[us]")
    array = np.array(values if array is None else array, dtype=object)
    if array.ndim == 0 and hasattr(values, "__iter__") and not isinstance(values, str | bytes):
        raise TypeError(f"a {type(values).__name__} is no list of values; give a list or an array.")
    if any(issubclass(kind, np.ndarray | torch.Tensor) for kind in set(map(type, array.flat))):
        for i, value in enumerate(array.flat):
            if _is_number_in_an_array(value):
                array.flat[i] = value.item()
    return array


def is_missing(value):
    """Whether one value stands for a missing one: None, NaN, NaT, pandas' NA, masked, "nan".

    >>> [is_missing(v) for v in (None, float("nan"), "nan", 0, "", False)]
    [True, True, True, False, False, False]
    """
    if isinstance(value, str | bytes):
        return value in WRITTEN_OUT or value in map(str.encode, WRITTEN_OUT)
    if value is None or value is np.ma.masked or type(value).__name__ == "NAType":
        return True
    return isinstance(value, Number | np.generic | datetime) and bool(value != value)


def refuse_missing(values, name):
    """Refuse a sequence of values of which any is missing, in a sentence that names the rows."""
    _refuse(_missing(values), name, "missing", "none may be missing; fill them in or drop them")


def name_rows(rows):
    """The first of `rows` and how many they are, for a message.

    >>> name_rows([7]), name_rows([1, 2]), name_rows(range(30))
    ('row 7', 'rows 1, 2', '30 rows (0, 1, 2, ...)')
    """
    shown = ", ".join(str(row) for row in rows[:3])
    if len(rows) > 3:
        return f"{len(rows)} rows ({shown}, ...)"
    return f"row{'s' if len(rows) > 1 else ''} {shown}"


def _is_bool(values):
    return all(isinstance(value, bool | np.bool_) for value in values.flat)


def _is_number_in_an_array(value):
    is_array = isinstance(value, np.ndarray | torch.Tensor) and value is not np.ma.masked
    return is_array and value.ndim == 0


def _missing(values):
    """True where a value is missing, in the shape of the array or sequence `values`."""
    if isinstance(values, np.ndarray) and values.dtype.kind in PLAIN:
        if values.dtype.kind == "f":
            return np.isnan(values)
        if values.dtype.kind in "US":
            return np.isin(values, np.array(WRITTEN_OUT, dtype=values.dtype.kind))
        return np.zeros(values.shape, dtype=bool)
    flat = values.ravel().tolist() if isinstance(values, np.ndarray) else values
    found = np.array([is_missing(v) for v in flat], dtype=bool)
    return found.reshape(getattr(values, "shape", (-1,)))


def _refuse(wrong, name, what, remedy):
    rows = np.flatnonzero(wrong)
    if len(rows):
        raise ValueError(f"{name} are {what} in {name_rows(rows)}: {remedy}.")


def _of_one_kind(labels, name):
    """Objects as an array of the one kind of class that they all are."""
    if labels.dtype.kind != "O":
        return labels
    if not len(labels):
        return labels.astype(np.float64)
    kinds = {kind: _kind(kind) for kind in set(map(type, labels))}
    known = len(set(kinds.values())) == 1 and set(kinds.values()) <= set(KINDS)
    plain = np.array(labels.tolist()) if known else labels
    if plain.dtype.kind not in PLAIN:
        rows = {kinds[type(label)]: row for row, label in reversed([*enumerate(labels)])}
        examples = ", ".join(f"{_shown(labels[row])} in row {row}" for row in sorted(rows.values()))
        raise ValueError(
            f"{name} must be classes of one kind, whole numbers or str or bool, got {examples}."
        )
    return plain


def _kind(of_value):
    return next((k for k, those in KINDS.items() if issubclass(of_value, those)), of_value)


def _name_cells(wrong):
    cells = np.argwhere(wrong)
    shown = "; ".join(f"row {row}, column {column}" for row, column in cells[:3])
    return shown if len(cells) <= 3 else f"{len(cells)} places ({shown}; ...)"


def _shown(value):
    text = repr(value.item() if isinstance(value, np.generic) else value)
    return text if len(text) <= 40 else f"{text[:39]}…"
