"""Standardisation of columns, by one rule for all methods."""

import numpy as np

from mmlearn.arrays import check_matrix, to_numpy
from mmlearn.kinds import as_numbers

__all__ = ["BlockScale", "OneScale", "Standardizer", "safe_deviations"]


def safe_deviations(deviation, mean):
    """Standard deviations to divide by: infinite where a column is constant up to rounding.

    Such a column then becomes zero, whatever new rows hold there.

    >>> safe_deviations(np.array([2.0, 0.0]), mean=np.array([7.0, 7.0]))
    array([ 2., inf])
    """
    # A mean is known up to rounding, and so is a deviation that should be zero.
    rounding = 1e-12 * np.maximum(np.abs(mean), deviation.max(initial=1e-300))
    return np.where(deviation > rounding, deviation, np.inf)


class Standardizer:
    """Columns of mean zero and variance one: (x - mean) / scale, learned from the rows given.

    A constant column becomes zero.

    Parameters
    ----------
    x : (n, d) numbers

    Attributes
    ----------
    mean, scale : float64 (d,)

    >>> Standardizer(np.array([[1.0, 5.0], [3.0, 5.0]]))(np.array([[3.0, 6.0]]))
    array([[1., 0.]])
    """

    def __init__(self, x):
        x = _float64(x)
        self.mean = x.mean(axis=0)
        self.scale = safe_deviations(x.std(axis=0), self.mean)

    def __call__(self, x):
        return (_float64(x) - self.mean) / self.scale

    def checked(self, x, name):
        """The same, as float64 numpy, for rows from a caller: refused with one sentence if bad."""
        return self(check_matrix(x, name, len(self.mean)))


def _float64(x):
    return to_numpy(as_numbers(x, "x")).astype(np.float64, copy=False)


class OneScale(Standardizer):
    """Centred columns, all divided by one number, so that their variances are 1 on average.

    Columns that vary more still count for more, as they should where all come in one unit.

    >>> OneScale(np.array([[1.0, 0.0], [3.0, 14.0]])).scale
    array([5., 5.])
    """

    def __init__(self, x):
        super().__init__(x)
        deviation = np.sqrt(np.var(to_numpy(as_numbers(x, "x")), axis=0, dtype=np.float64).mean())
        self.scale = np.full_like(self.scale, deviation if deviation > 0 else 1.0)


class BlockScale(Standardizer):
    """Centred columns whose variances sum to 1 in all; only centred without `standardize`.

    Blocks that are put side by side then count the same, however many columns each has.

    >>> BlockScale(np.array([[1.0, 0.0], [3.0, 14.0]]), standardize=True).scale ** 2
    array([ 2., 98.])
    """

    def __init__(self, x, standardize):
        super().__init__(x)
        n_varying = np.count_nonzero(np.ptp(_float64(x), axis=0))
        factor = np.sqrt(max(n_varying, 1))
        self.scale = self.scale * factor if standardize else np.ones_like(self.scale)
