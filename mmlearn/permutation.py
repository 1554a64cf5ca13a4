"""How often chance alone does as well: permutation tests."""

from typing import NamedTuple

import numpy as np

from mmlearn.kinds import as_numbers

__all__ = ["PermutationTest", "p_value", "permutation_test"]


class PermutationTest(NamedTuple):
    """What was observed, the same of every shuffle (n,), and the p value of the first."""

    observed: float
    shuffled: np.ndarray
    p: float


def p_value(observed, shuffled, two_sided=False):
    """The share of shuffles that do as well, the observation itself among them: never 0.

    ::

        p = (1 + hits) / (1 + n),   hits = how many of the n shuffles are >= observed

    The observed order is one of the orders that chance could have dealt, so it counts too; with n
    shuffles no p below 1 / (1 + n) can be reached. It is for controls that one has at hand, such as
    models that were each trained on shuffled times; :func:`permutation_test` makes its own.

    Parameters
    ----------
    observed : number
    shuffled : (n,) numbers, n >= 1
    two_sided : bool, default False: True compares absolute values, for a statistic whose value
        under chance is 0

    Raises
    ------
    ValueError: no shuffles, or numbers that are not finite

    References
    ----------
    Phipson, Smyth, Permutation P-values Should Never Be Zero, 2010, arXiv:1603.05766.

    >>> p_value(0.9, [0.1, -0.2, 0.0]), p_value(-0.9, [0.1, -0.2, 0.0], two_sided=True)
    (0.25, 0.25)
    """
    shuffled = np.asarray(as_numbers(shuffled, "shuffled"), dtype=np.float64)
    if shuffled.ndim != 1 or len(shuffled) == 0:
        raise ValueError(f"shuffled must be one or more numbers (n,), got shape {shuffled.shape}.")
    if not (np.isfinite(observed) and np.isfinite(shuffled).all()):
        raise ValueError("a p value needs finite numbers; the statistic gave NaN or infinity.")
    if two_sided:
        observed, shuffled = abs(observed), abs(shuffled)
    # What differs by rounding alone is equal: a shuffle that changes nothing is a hit.
    hits = (shuffled >= observed - 1e-12 * max(1.0, abs(observed))).sum()
    return float((1 + hits) / (1 + len(shuffled)))


def permutation_test(statistic, values, n=999, seed=0, two_sided=False):
    """A statistic beside the same statistic of shuffled values.

    Under "these values have nothing to do with the rest", every order of them was as likely: where
    the statistic stands among those of other orders is all that a p value says.

    Parameters
    ----------
    statistic : callable ``statistic(values) -> number``, larger for more of an effect
    values : (m,) what is shuffled, such as times, or labels of two groups
    n : int >= 1, default 999: shuffles; no p below 1 / (1 + n) can be reached
    seed : int; the same seed always gives the same shuffles
    two_sided : bool, as for :func:`p_value`

    Returns
    -------
    PermutationTest(observed, shuffled, p)

    Raises
    ------
    ValueError: fewer than two values, `n` below 1, or a statistic that is not finite

    >>> weight, group = np.array([1.0, 2.0, 3.0, 7.0, 8.0, 9.0]), np.array([0, 0, 0, 1, 1, 1])
    >>> def difference(group):
    ...     return weight[group == 1].mean() - weight[group == 0].mean()
    >>> test = permutation_test(difference, group, n=999)
    >>> test.observed, 0.02 < test.p < 0.09  # of 20 ways to part them one does as well: .05
    (6.0, True)
    """
    values = np.asarray(values)
    if values.ndim != 1 or len(values) < 2:
        raise ValueError(f"values must be two or more, one an item, got shape {values.shape}.")
    if n < 1:
        raise ValueError(f"n must be at least 1 shuffle, got {n}.")
    rng = np.random.default_rng(seed)
    observed = float(statistic(values))
    shuffled = np.array([float(statistic(rng.permutation(values))) for _ in range(n)])
    return PermutationTest(observed, shuffled, p_value(observed, shuffled, two_sided))
