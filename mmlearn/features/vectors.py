"""Transformations of the vectors that came with a dataset, element by element."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from mmlearn.arrays import check_matrix, to_numpy

__all__ = ["Logarithm", "SquareRoot"]


class SquareRoot(TransformerMixin, BaseEstimator):
    """The square root of every number: distances of histograms become Hellinger distances.

        x_j ← √x_j

    Large counts of a few frequent words then no longer outweigh all the others.

    Attributes
    ----------
    feature_groups_ : list of one slice

    Raises
    ------
    ValueError
        If a number is negative.

    References
    ----------
    R. Arandjelović and A. Zisserman, Three things everyone should know to improve object
    retrieval, CVPR 2012.

    Examples
    --------
    >>> SquareRoot().fit_transform(np.array([[0.25, 0.75, 0.0]])).round(3)
    array([[0.5  , 0.866, 0.   ]])
    """

    of_vectors = True  # so that a dataset gives its vectors, and not pictures or texts

    def fit(self, X, y=None):
        """Note the number of columns of X (n, d); nothing else is learned."""
        X = _check_not_negative(X)
        self.feature_groups_ = [slice(0, X.shape[1])]
        return self

    def transform(self, X):
        """The roots (n, d)."""
        check_is_fitted(self)
        return np.sqrt(_check_not_negative(X, self.feature_groups_[-1].stop))


class Logarithm(SquareRoot):
    """The logarithm of every number: shares such as LDA's topics then add up without bound.

        x_j ← ln max(x_j, floor)

    Parameters
    ----------
    floor : float above 0, default 1e-3: what a smaller share counts as, since ln 0 is not a number

    Attributes
    ----------
    feature_groups_ : list of one slice

    Raises
    ------
    ValueError
        If a number is negative, or `floor` is not above 0.

    References
    ----------
    J. Aitchison, The statistical analysis of compositional data, Journal of the Royal Statistical
    Society B 44, 1982.

    Examples
    --------
    >>> Logarithm().fit_transform(np.array([[1.0, 0.0]])).round(2)
    array([[ 0.  , -6.91]])
    """

    def __init__(self, floor=1e-3):
        self.floor = floor

    def fit(self, X, y=None):
        """Check `floor` and note the number of columns of X (n, d)."""
        if not self.floor > 0:
            raise ValueError(f"floor must be above 0, got {self.floor}.")
        return super().fit(X)

    def transform(self, X):
        """The logarithms (n, d)."""
        check_is_fitted(self)
        return np.log(np.maximum(_check_not_negative(X, self.feature_groups_[-1].stop), self.floor))


def _check_not_negative(X, n_features=None):
    X = to_numpy(check_matrix(X, "the vectors", n_features))
    if X.min() < 0:
        raise ValueError("roots and logarithms are for counts and shares: a number is negative.")
    return X
