"""Several kinds of features side by side."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from mmlearn.features.matrices import column_groups, fit_copy, transformed

__all__ = ["JoinedFeatures"]


class JoinedFeatures(TransformerMixin, BaseEstimator):
    """Concatenate the columns of several transformers of the same pictures or texts.

        x = [x_1, x_2, ...]

    The values stay as each transformer made them, so that the block with the largest numbers
    outweighs the others in anything that measures distances: put a `StandardScaler` behind it
    where that matters (unit 01 shows why).

    Parameters
    ----------
    transformers : list of scikit-learn transformers; sparse matrices and DataFrames are converted

    Attributes
    ----------
    transformers_ : the fitted transformers
    feature_groups_ : list of slices, the column blocks of all parts, shifted to their place

    Raises
    ------
    ValueError
        If there is no transformer to join.

    Examples
    --------
    >>> from mmlearn.features import LSA, BagOfWords
    >>> texts = ["red car", "red rose", "blue car"]
    >>> JoinedFeatures([BagOfWords(min_df=1), LSA(2, min_df=1)]).fit_transform(texts).shape
    (3, 6)
    """

    def __init__(self, transformers):
        self.transformers = transformers

    def fit(self, X, y=None):
        """Fit every part on the same pictures or texts."""
        if not self.transformers:
            raise ValueError("JoinedFeatures needs at least one transformer.")
        self.transformers_ = [fit_copy(part, X) for part in self.transformers]
        self.feature_groups_, offset = [], 0
        for part in self.transformers_:
            groups = column_groups(part, X)
            self.feature_groups_ += [slice(offset + g.start, offset + g.stop) for g in groups]
            offset += groups[-1].stop
        return self

    def transform(self, X):
        """The parts' features (n, d_1 + d_2 + ...), in the order of `transformers`."""
        check_is_fitted(self)
        return np.hstack([transformed(part, X) for part in self.transformers_])
