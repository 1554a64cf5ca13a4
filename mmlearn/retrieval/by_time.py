"""Retrieval within stretches of time, class by class: what ages, and what does not."""

import numpy as np

from mmlearn.arrays import to_numpy
from mmlearn.retrieval.ranking import average_precision
from mmlearn.retrieval.sides import embed_both

__all__ = ["map_by_time"]


def map_by_time(model, test, bins=5):
    """Mean average precision of each class in each stretch of time, both directions averaged.

    Queries and gallery are the items of one stretch. A model that was trained on early times
    **ages** where its later columns are lower; classes that do not change must not age, and are
    the control. Galleries of different size or mixture differ in chance: compare models and
    classes within a column, not columns alone.

    Parameters
    ----------
    model : a fitted coordinated method; one that takes times embeds each item at its own
    test : PairedDataset with labels and times
    bins : int, so many stretches of equal length; or their edges (b + 1,), ascending

    Returns
    -------
    centres (b,), the middles of the stretches, and mAP (c, b), a row for each of
    ``test.label_names``; NaN where a class has no item in a stretch

    Raises
    ------
    ValueError: data without labels or times, or bins that are no positive number or no edges

    >>> from mmlearn.classical import CCA
    >>> from mmlearn.data import load_timeline
    >>> early, late = load_timeline(draws=4).features("colour", "lsa").temporal_split(0.5)
    >>> centres, scores = map_by_time(CCA(10).fit(early.images, early.texts), late, bins=2)
    >>> scores.shape
    (66, 2)
    """
    if test.labels is None or test.times is None:
        raise ValueError("mAP by time needs labels and times; these data lack one of them.")
    if np.ndim(bins) == 0:
        if not isinstance(bins, int | np.integer) or bins < 1:
            raise ValueError(f"bins must be a whole number of at least 1, or edges, got {bins!r}.")
        bins = np.linspace(test.times.min(), test.times.max(), bins + 1)
    edges = np.asarray(bins, dtype=np.float64)
    if edges.ndim != 1 or len(edges) < 2 or (np.diff(edges) < 0).any():
        raise ValueError("the edges of bins must be two or more ascending numbers.")
    bin_of = np.searchsorted(edges, test.times, side="right") - 1
    bin_of[test.times == edges[-1]] = len(edges) - 2
    z_x, z_y = embed_both(model, test)
    scores = np.full((len(test.label_names), len(edges) - 1), np.nan)
    for b in range(scores.shape[1]):
        here = np.flatnonzero(bin_of == b)
        if len(here) == 0:
            continue
        labels = test.labels[here]
        s = to_numpy(model.similarity(z_x[here], z_y[here]))
        same = labels[:, None] == labels
        ap = (average_precision(s, same) + average_precision(s.T, same)) / 2
        n, total = (np.bincount(labels, w, minlength=len(scores)) for w in (None, ap))
        scores[n > 0, b] = total[n > 0] / n[n > 0]
    return (edges[:-1] + edges[1:]) / 2, scores
