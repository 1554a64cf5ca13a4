"""How far the items of a category lie apart, by time."""

import numpy as np

from mmlearn.arrays import check_matrix, to_numpy, unit_rows
from mmlearn.deep.temporal import check_times
from mmlearn.labels import check_label_values

__all__ = ["semantic_dispersion"]


def semantic_dispersion(z, labels, times, bins=10, items=None, corrected=True):
    """How far the items of a category lie from their centroid, by time.

    For category c and time bin b, with u the unit-length embeddings of its n items there::

        D_cb = Σ_i ||u_i - ū_cb||² / (n - 1)      corrected: each item against the others' centroid
        D_cb = Σ_i ||u_i - ū_cb||² / n            plain: it shrinks with n, by the factor 1 - 1/n

    The corrected form is the mean cosine distance of two **different** items, so that bins with few
    items compare with bins with many. Plain, a category of which fewer items come in later years
    seems to draw together.

    An item that is seen r times in a bin must be named in `items`. With m_i the mean of its own u,
    and the items counting once each, whatever their r::

        D_cb = Σ_i ||m_i - m̄||² / (n - 1) + mean over i of the scatter about m_i   (plain: / n)

    which is still the mean cosine distance of two different items. Unnamed, its repeats count as
    items of their own and hide some of the distance.

    Images and texts lie apart even where they match (the modality gap), which is no dispersion of
    meaning: give one modality at a time.

    Parameters
    ----------
    z : (n, k), of one modality
    labels : (n,) classes
    times : (n,)
    bins : int, so many of equal length; or their edges (b + 1,), ascending
    items : (n,), optional: which item each row is, whole numbers or str. None: no row repeats one
    corrected : bool, default True; False: the plain form, to be seen beside it

    Returns
    -------
    centres (b,), the middles of the bins, and D (c, b), one row a category in ascending order; NaN
    where a category has fewer than two items

    Raises
    ------
    ValueError: bad arrays, lengths that differ, or bins that are no positive number or no edges

    References
    ----------
    Semedo, Magalhães, Diachronic Cross-modal Embeddings, ACM MM 2019, arXiv:1909.13689 (the idea;
    the definition is ours, to be compared with it).

    >>> z = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> semantic_dispersion(z, [0, 0, 0, 0], [0.0, 1.0, 9.0, 10.0], bins=2)[1]
    array([[0., 1.]])
    >>> semantic_dispersion(z, [0, 0, 0, 0], [0.0, 1.0, 9.0, 10.0], bins=2, corrected=False)[1]
    array([[0. , 0.5]])
    """
    z = to_numpy(check_matrix(z, "z")).astype(np.float64)
    times, labels = check_times(times, len(z)), to_numpy(labels)
    if labels.shape != (len(z),):
        raise ValueError(f"labels must have shape ({len(z)},), one an item, got {labels.shape}.")
    items = np.arange(len(z)) if items is None else check_label_values(items, "items")
    if items.shape != (len(z),):
        raise ValueError(f"items must have shape ({len(z)},), one a row, got {items.shape}.")
    edges = _edges(bins, times)
    # The last edge belongs to the last bin; what lies outside all of them belongs to none.
    bin_of = np.searchsorted(edges, times, side="right") - 1
    bin_of[times == edges[-1]] = len(edges) - 2
    u = unit_rows(z)
    kinds = np.unique(labels)
    d = np.full((len(kinds), len(edges) - 1), np.nan)
    for row, kind in enumerate(kinds):
        for b in range(d.shape[1]):
            here = (labels == kind) & (bin_of == b)
            d[row, b] = _dispersion(u[here], items[here], corrected)
    return (edges[:-1] + edges[1:]) / 2, d


def _dispersion(u, items, corrected):
    _, item_of, repeats = np.unique(items, return_inverse=True, return_counts=True)
    n = len(repeats)
    if n < 2:
        return np.nan
    mean = np.zeros((n, u.shape[1]))
    np.add.at(mean, item_of, u)
    mean /= repeats[:, None]
    within = (((u - mean[item_of]) ** 2).sum(axis=1) / repeats[item_of]).sum() / n
    between = ((mean - mean.mean(axis=0)) ** 2).sum()
    return between / (n - 1 if corrected else n) + within


def _edges(bins, times):
    if np.ndim(bins) == 0:
        if not isinstance(bins, int | np.integer) or bins < 1:
            raise ValueError(f"bins must be a whole number of at least 1, or edges, got {bins!r}.")
        return np.linspace(times.min(), times.max(), bins + 1 if np.ptp(times) else 2)
    edges = np.asarray(bins, dtype=np.float64)
    if edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) > 0).all():
        raise ValueError("the edges of bins must be two or more ascending numbers.")
    return edges
