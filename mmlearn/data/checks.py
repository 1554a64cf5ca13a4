"""The checks of what a dataset is made of: each gives the value back, or says what is wrong."""

import numpy as np

from mmlearn.labels import (
    as_plain,
    check_indicators,
    check_label_values,
    check_strings,
    is_missing,
    name_rows,
    refuse_missing,
)

__all__ = [
    "check_classes",
    "check_folds",
    "check_groups",
    "check_tags",
    "check_times",
    "check_vectors",
]

MOST_CLASSES = 1_000_000  # whole numbers beyond are ids, not indices into a list of names
SEVERAL = list | tuple | set | frozenset | np.ndarray  # the tags of one item
BITS = {"0", "1", "0.0", "1.0", "True", "False", "true", "false"}


def check_vectors(vectors, name):
    """Check that `vectors` are finite floats (n, d), or None, and return them as an array."""
    if vectors is None:
        return None
    vectors = as_plain(vectors)
    fault = f"got {vectors.dtype} {vectors.shape}"
    if vectors.ndim == 2 and vectors.dtype.kind == "O":
        refuse_missing([None if any(map(is_missing, row)) else 0 for row in vectors], name)
    if vectors.ndim == 2 and vectors.dtype.kind == "O":  # a list of lists
        vectors = np.array(vectors.tolist())
    if vectors.ndim == 2 and vectors.dtype.kind == "f":
        rows = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
        if not len(rows):
            return vectors
        fault = f"got NaN or infinite values in {name_rows(rows)}"
    raise ValueError(f"{name} must be a finite float array of shape (n, d), {fault}.")


def check_times(times):
    """Check that `times` are finite numbers (n,), or None, and return them as floats."""
    if times is None:
        return None
    times = as_plain(times)
    if times.ndim != 1:
        fault = f"shape {times.shape}"
    elif missing := [row for row, time in enumerate(times.tolist()) if is_missing(time)]:
        fault = f"missing ones in {name_rows(missing)}"
    else:
        try:
            times = times.astype(float)
        except (TypeError, ValueError):
            raise TypeError(
                "times must be finite numbers, such as years; turn dates into numbers first."
            ) from None
        rows = np.flatnonzero(~np.isfinite(times))
        if not len(rows):
            return times
        fault = f"infinite ones in {name_rows(rows)}"
    raise ValueError(
        f"times must be finite numbers of shape (n,), one per item, got {fault}; "
        "drop the items whose time is not known."
    )


def check_folds(folds):
    """Check that `folds` are "train" and "test", or None, and return them as a list."""
    if folds is None:
        return None
    folds = list(folds)
    refuse_missing(folds, "folds")
    if not set(folds) <= {"train", "test"}:
        raise ValueError('folds must be a list of "train" and "test", one per item.')
    return folds


def check_groups(groups):
    """Check that `groups` (n,) are whole numbers or names, or None, and return them as an array."""
    if groups is None:
        return None
    groups = as_plain(groups)
    if groups.ndim != 1:
        raise ValueError(f"groups must have shape (n,), one group an item, got {groups.shape}.")
    return check_label_values(groups, "groups")


def check_classes(labels, names, name):
    """Labels (n,) as indices into their names, and the names; or None and the names.

    Whole numbers are indices already, and are their own names if none are given. Names of classes
    are looked up in `names`, or in their own sorted list if none are given.
    """
    if labels is None:
        return None, names
    labels = as_plain(labels)
    if labels.ndim != 1:
        raise TypeError(
            f"{name}s must be a 1-D array, one class an item, got shape {labels.shape}; use tags "
            "where an item has several."
        )
    labels = check_label_values(labels, f"{name}s")
    if names is not None:
        names = _check_names(names, f"{name}_names")
    if labels.dtype.kind in "US" or (labels.dtype.kind == "b" and names is None):
        return _look_up(labels, names, name)
    if labels.dtype.kind not in "iu":
        labels = labels.astype(np.int64)
    if not len(labels):  # as many as there are items are asked for elsewhere
        return labels, names or []
    low, high = int(labels.min()), int(labels.max())
    if names is None and high >= MOST_CLASSES:
        raise ValueError(
            f"{name}s are taken for indices into {name}_names, but go up to {high}; give "
            "classes as str."
        )
    names = [str(i) for i in range(high + 1)] if names is None else names
    if low < 0 or high >= len(names):
        raise ValueError(
            f"{name}s must be indices into the {len(names)} {name}_names, "
            f"got values from {low} to {high}."
        )
    return labels, names


def _check_names(names, name):
    names = check_strings(names, name, "class or tag")
    if len(set(names)) < len(names):
        twice = next(n for n in names if names.count(n) > 1)
        raise ValueError(f"{name} must be different from one another; {twice!r} is there twice.")
    return names


def _look_up(labels, names, name):
    labels = np.char.decode(labels, "utf-8") if labels.dtype.kind == "S" else labels.astype(str)
    if names is None:
        names, indices = np.unique(labels, return_inverse=True)
        return indices, names.tolist()
    index = {of_class: i for i, of_class in enumerate(names)}
    unknown = [row for row, label in enumerate(labels.tolist()) if label not in index]
    if unknown:
        raise ValueError(
            f"{name}s must be among the {len(names)} {name}_names; {str(labels[unknown[0]])!r} is "
            f"not, in {name_rows(unknown)}."
        )
    return np.array([index[label] for label in labels.tolist()], dtype=np.int64), names


def check_tags(tags, names):
    """Tags as indicators (n, t), bool, and their t names; or None and the names.

    Given as indicators, or as the names of each item's tags: a list of lists or sets of str. The
    columns of a data frame are the names where none are given.
    """
    if tags is None:
        return None, names
    if names is None and hasattr(tags, "columns"):
        names = [str(column) for column in tags.columns]
    if names is not None:
        names = _check_names(names, "tag_names")
    words = _names_of_tags(tags)
    if words is not None:
        return _indicators(words, names)
    tags = as_plain(tags)
    if tags.ndim != 2:
        raise ValueError(
            "tags must have shape (n, t), or be a list with the tags of each item, itself a list, "
            f"got shape {tags.shape}."
        )
    tags = check_indicators(tags, "tags").astype(bool)
    names = [str(i) for i in range(tags.shape[1])] if names is None else names
    if tags.shape[1] != len(names):
        raise ValueError(
            f"tags must have shape (n, {len(names)}), one column per tag name, got {tags.shape}."
        )
    return tags, names


def _names_of_tags(tags):
    """A list with the tags of each item, where `tags` are given by name; else None."""
    items = tags.tolist() if getattr(tags, "ndim", 0) == 1 else tags
    if not isinstance(items, list | tuple):
        return None
    several = [isinstance(item, SEVERAL) for item in items]
    if not all(there or is_missing(item) for there, item in zip(several, items, strict=True)):
        return None
    given = [item for there, item in zip(several, items, strict=True) if there]
    by_name = any(isinstance(value, str) for item in given for value in item)
    return items if by_name or not any(len(item) for item in given) else None


def _indicators(items, names):
    refuse_missing([None if is_missing(i) or any(map(is_missing, i)) else i for i in items], "tags")
    for row, item in enumerate(items):
        if not all(isinstance(tag, str) and tag.strip() for tag in item):
            raise ValueError(f"tags must be names, none of them empty; row {row} has {item!r}.")
    found = {tag for item in items for tag in item}
    if names is None and found and found <= BITS:
        raise ValueError(
            f"tags hold the texts {', '.join(map(repr, sorted(found)))}: indicators must be "
            "numbers or bool; if these are names of tags, give tag_names, too."
        )
    names = sorted(found) if names is None else names
    if not found <= set(names):
        stranger = sorted(found - set(names))[0]
        rows = [row for row, item in enumerate(items) if stranger in item]
        raise ValueError(
            f"tags must be among the {len(names)} tag_names; {stranger!r} is not, in "
            f"{name_rows(rows)}."
        )
    tags = np.zeros((len(items), len(names)), dtype=bool)
    index = {tag: column for column, tag in enumerate(names)}
    for row, item in enumerate(items):
        tags[row, [index[tag] for tag in item]] = True
    return tags, names
