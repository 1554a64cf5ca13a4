"""What an array may be: the kinds of numbers that are welcome everywhere, and those that are not.

:func:`as_numbers` is what every array of numbers from a caller goes through.
"""

from decimal import Decimal
from numbers import Real

import numpy as np
import torch
from scipy.sparse import issparse

__all__ = ["as_numbers", "as_numpy", "as_tensor", "first_of"]


def as_numbers(array, name="the array", missing=None):
    """Return `array` as real numbers: a tensor stays one, anything else becomes a numpy array.

    Nothing is copied that need not be. A list of tensors becomes one tensor. Masked and missing
    values are refused, or become the number `missing` where one is given.

    Raises
    ------
    TypeError: text, complex numbers, a sparse matrix
    ValueError: values that are masked or missing, rows of different lengths

    >>> as_numbers([[True, 2.5]])
    array([[1. , 2.5]])
    """
    if array is None:
        raise ValueError(f"{name} is missing: None was given.")
    if isinstance(array, list | tuple) and any(torch.is_tensor(row) for row in array):
        array = _stacked(array, name)
    if isinstance(array, torch.Tensor):
        return _real_tensor(array, name)
    if issparse(array):
        raise TypeError(f"{name} is a sparse matrix; pass its .toarray().")
    array = as_numpy(array, name, missing)
    if array.dtype.kind == "O" and array.ndim == 0:
        raise TypeError(_no_numbers(name, f"is a {type(array.item()).__name__}"))
    if array.dtype.kind == "O" and array.ndim == 1 and any(map(_is_row, array)):
        return as_numbers(_whole_rows(array, name), name, missing)
    if array.dtype.kind == "O":
        array = _from_objects(array, name, missing)
    if array.dtype.kind not in "biufc":
        of_kind = {"M": "dates", **dict.fromkeys("UST", "text")}
        raise TypeError(_no_numbers(name, f"holds {of_kind.get(array.dtype.kind, array.dtype)}"))
    _real(array, array.dtype.kind == "c", name)
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        with np.errstate(over="ignore"):  # what float64 cannot hold is infinite, and refused so
            return array.astype(np.float64)
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _real_tensor(tensor, name):
    """A tensor that can be computed with; a float of 8 bits, which cannot be, as float32."""
    if tensor.is_nested:
        raise TypeError(f"{name} is a nested tensor; give a matrix, such as .to_padded_tensor(0).")
    if tensor.layout != torch.strided:
        raise TypeError(f"{name} is a sparse tensor; pass its .to_dense().")
    if tensor.is_quantized:
        raise TypeError(f"{name} is a quantised tensor; pass its .dequantize().")
    if tensor.is_meta:
        raise TypeError(f'{name} is a tensor on the device "meta", which holds no numbers.')
    tensor = _real(tensor, tensor.is_complex(), name).resolve_neg()
    of_8_bits = tensor.is_floating_point() and tensor.dtype.itemsize == 1
    return tensor.float() if of_8_bits else tensor


def _stacked(rows, name):
    rows = [as_tensor(row, name) for row in rows]
    _check_lengths(rows, name)
    return torch.stack(rows)


def _real(array, is_complex, name):
    if is_complex:
        raise TypeError(f"{name} holds complex numbers; pass real ones, such as .real or abs().")
    return array


def as_numpy(array, name="the array", missing=None):
    """`array` as numpy, of whatever dtype; rows that do not fit and masked values are refused."""
    if isinstance(array, list | tuple) and any(np.ma.is_masked(row) for row in array):
        array = np.ma.array(array)
    if np.ma.is_masked(array) and missing is not None:
        array = array.astype(np.float64).filled(missing)
    if np.ma.is_masked(array):
        place = first_of(np.ma.getmaskarray(array))
        raise ValueError(f"{name} has masked values, first in {place}; fill or drop them first.")
    try:
        return np.asarray(array)
    except (TypeError, ValueError):
        _check_lengths(array, name)
        raise TypeError(_no_numbers(name, f"is a {type(array).__name__}")) from None


def _check_lengths(rows, name):
    lengths = [len(row) if np.ndim(row) or isinstance(row, list | tuple) else 0 for row in rows]
    odd = next((i for i, length in enumerate(lengths) if length != lengths[0]), None)
    if odd is not None:
        raise ValueError(
            f"{name} has rows of different lengths: row 0 has {lengths[0]} entries, "
            f"row {odd} has {lengths[odd]}."
        )


def _from_objects(array, name, missing):
    """Numbers that came as Python objects, as in tables with nullable or mixed columns."""
    is_number = np.frompyfunc(lambda v: isinstance(v, Real | Decimal | np.bool_), 1, 1)
    is_missing = np.frompyfunc(_is_missing, 1, 1)
    if missing is not None:
        array = np.where(np.asarray(is_missing(array), dtype=bool), missing, array)
    odd = ~np.asarray(is_number(array), dtype=bool)
    if odd.any():
        value, place = array[odd][0], first_of(odd)
        if _is_missing(value):
            raise ValueError(
                f"{name} has missing values, first in {place}; fill or drop them first."
            )
        raise TypeError(_no_numbers(name, f"holds {value!r:.40} in {place}"))
    return array.astype(np.float64)


def _is_row(value):
    return isinstance(value, list | tuple | np.ndarray | torch.Tensor) and np.ndim(value) == 1


def _whole_rows(column, name):
    """The vectors of a column of a table that holds one in each row."""
    for i, row in enumerate(column):
        if not _is_row(row):
            raise ValueError(f"{name} has no vector in row {i} but {row!r:.40}; drop such rows.")
    return list(column)


def _is_missing(value):
    return value is None or type(value).__name__ in ("NAType", "NaTType")  # those of pandas


def _no_numbers(name, found):
    return (
        f"{name} must be a matrix of numbers, but {found}; dataset.features(...) turns pictures "
        "and words into vectors."
    )


def first_of(mask):
    """Where a mask is first true, in words.

    >>> first_of(np.eye(3) > 1), first_of([False, True])
    ('row 0, column 0', 'entry 1')
    """
    place = np.unravel_index(np.argmax(mask), np.shape(mask))
    names = {1: ("entry",), 2: ("row", "column")}.get(len(place))
    if names is None:
        return f"place {tuple(map(int, place))}"
    return ", ".join(f"{n} {int(i)}" for n, i in zip(names, place, strict=True))


def as_tensor(array, name="the array"):
    """`array` as a tensor of real numbers; memory is shared only where torch can take it."""
    array = as_numbers(array, name)
    if isinstance(array, torch.Tensor):
        return array
    return torch.from_numpy(array if array.flags.writeable and array.flags.forc else array.copy())
