"""The checks of what a dataset is made of: each gives the value back, or says what is wrong."""

import numpy as np

__all__ = [
    "check_classes",
    "check_folds",
    "check_strings",
    "check_tags",
    "check_times",
    "check_vectors",
]


def check_strings(values, name):
    """Check that `values` are strings and return them as a list."""
    if isinstance(values, str) or not all(isinstance(value, str) for value in values):
        raise TypeError(f"{name} must be a list of str, one per picture.")
    return list(values)


def check_vectors(vectors, name):
    """Check that `vectors` are finite floats (n, d), or None, and return them as an array."""
    if vectors is None:
        return None
    vectors = np.asarray(vectors)
    if vectors.dtype.kind != "f" or vectors.ndim != 2 or not np.isfinite(vectors).all():
        raise ValueError(
            f"{name} must be a finite float array of shape (n, d), "
            f"got {vectors.dtype} {vectors.shape}."
        )
    return vectors


def check_times(times):
    """Check that `times` are finite numbers (n,), or None, and return them as floats."""
    if times is None:
        return None
    times = np.asarray(times, dtype=float)
    if times.ndim != 1 or not np.isfinite(times).all():
        raise ValueError(
            f"times must be finite numbers of shape (n,), one per item, got shape {times.shape}; "
            "drop the items whose time is not known."
        )
    return times


def check_folds(folds):
    """Check that `folds` are "train" and "test", or None, and return them as a list."""
    if folds is not None and not set(folds) <= {"train", "test"}:
        raise ValueError('folds must be a list of "train" and "test", one per item.')
    return None if folds is None else list(folds)


def check_classes(labels, names, name):
    """Check that `labels` are indices into `names`, or None; return both, numbers as names."""
    if labels is None:
        return None, names
    labels = np.asarray(labels)
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise TypeError(f"{name}s must be a 1-D array of ints, got {labels.dtype} {labels.shape}.")
    names = [str(i) for i in range(labels.max() + 1)] if names is None else list(names)
    if labels.min() < 0 or labels.max() >= len(names):
        raise ValueError(
            f"{name}s must be indices into the {len(names)} {name}_names, "
            f"got values from {labels.min()} to {labels.max()}."
        )
    return labels, names


def check_tags(tags, names):
    """Check that `tags` (n, t) have t `names`, or None; return both, numbers as names."""
    if tags is None:
        return None, names
    tags = np.asarray(tags).astype(bool)
    names = [str(i) for i in range(tags.shape[-1])] if names is None else list(names)
    if tags.ndim != 2 or tags.shape[1] != len(names):
        raise ValueError(
            f"tags must have shape (n, {len(names)}), one column per tag name, got {tags.shape}."
        )
    return tags, names
