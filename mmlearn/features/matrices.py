"""What any scikit-learn transformer makes, as the dense matrix that the methods take."""

from collections.abc import Iterator
from copy import deepcopy

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils.validation import check_is_fitted

from mmlearn.arrays import at_least_float32, check_matrix, to_numpy

__all__ = [
    "Dense",
    "column_groups",
    "dense_matrix",
    "fit_copy",
    "fit_dense",
    "repeatable",
    "transformed",
]

LARGEST = 4 * 2**30  # bytes: beyond that a dense matrix is a mistake on most machines


def fit_copy(transformer, X):
    """A fresh copy of `transformer`, fitted on the raw items X; the one given is never changed.

    What `clone` cannot copy, since it is no scikit-learn estimator, is copied as it is.
    """
    for step in ("fit", "transform"):
        if not callable(getattr(transformer, step, None)):
            raise TypeError(f"{transformer!r} is no transformer: it has no {step}.")
    repeatable(X)
    try:
        fresh = clone(transformer)
    except (TypeError, RuntimeError):
        fresh = deepcopy(transformer)
    fresh.fit(X)
    return fresh


def repeatable(X):
    """Return items that can be gone through more than once, as `fit` and then `transform` do."""
    if isinstance(X, Iterator):
        raise TypeError(
            f"a {type(X).__name__} gives its items once, and features need them twice; give a list."
        )
    return X


def fit_dense(transformer, X):
    """As :func:`fit_copy`; one that makes sparse matrices comes in a :class:`Dense`."""
    fitted = fit_copy(transformer, X)
    if hasattr(fitted, "feature_groups_") or not sparse.issparse(fitted.transform(X[:1])):
        return fitted
    return Dense(transformer)._hold(fitted, X)


class Dense(TransformerMixin, BaseEstimator):
    """What another transformer makes, as a dense matrix that every method takes.

    Parameters
    ----------
    transformer : a scikit-learn transformer, such as one that makes sparse matrices

    Attributes
    ----------
    transformer_ : the fitted transformer
    feature_groups_ : list of slices, those of the transformer if it names any, else one

    Examples
    --------
    >>> from sklearn.feature_extraction.text import CountVectorizer
    >>> Dense(CountVectorizer()).fit_transform(["red car", "red rose"])
    array([[1., 1., 0.],
           [0., 1., 1.]])
    """

    def __init__(self, transformer):
        self.transformer = transformer

    def fit(self, X, y=None):
        """Fit a copy of the transformer on the raw items X."""
        return self._hold(fit_copy(self.transformer, X), X)

    def _hold(self, fitted, X):
        self.transformer_ = fitted
        self.feature_groups_ = column_groups(fitted, X)
        return self

    def transform(self, X):
        """Its features of the raw items X: float32 or float64 (n, d)."""
        check_is_fitted(self)
        return transformed(self.transformer_, X)


def transformed(transformer, X):
    """`transformer.transform(X)` as a dense matrix, float32 or float64, one row an item.

    Sparse matrices, DataFrames and tensors are converted, whole numbers become float64.

    Raises
    ------
    TypeError, ValueError
        If that is no finite matrix of one row an item, or sparse and larger than 4 GiB when dense;
        the message names the transformer.
    """
    matrix = dense_matrix(transformer.transform(X), _name(transformer))
    if len(matrix) != len(X):
        raise ValueError(
            f"{_name(transformer)} made {len(matrix)} rows of {len(X)} items; "
            "it must make one row an item."
        )
    return matrix


def dense_matrix(matrix, name):
    """A matrix of any kind as a dense, finite array, float32 or float64; `name` made it."""
    if sparse.issparse(matrix):
        size = int(np.prod(matrix.shape, dtype=object)) * max(matrix.dtype.itemsize, 4)
        if size > LARGEST:
            raise ValueError(
                f"{name} made a sparse matrix that takes {size / 2**30:.0f} GiB when dense; "
                "give it fewer columns (max_features=) or put a TruncatedSVD behind it."
            )
        matrix = matrix.toarray()
    try:
        matrix = at_least_float32(to_numpy(check_matrix(matrix, f"what {name} made")))
    except TypeError:
        raise TypeError(
            f"what {name} made must be a matrix of numbers; this {type(matrix).__name__} does not "
            "convert."
        ) from None
    return matrix if matrix.dtype.itemsize <= 8 else matrix.astype(np.float64)


def column_groups(transformer, X):
    """The column blocks of a fitted transformer; one that names none is one block."""
    if hasattr(transformer, "feature_groups_"):
        return transformer.feature_groups_
    return [slice(0, transformed(transformer, X[:1]).shape[1])]


def _name(transformer):
    return type(transformer).__name__
