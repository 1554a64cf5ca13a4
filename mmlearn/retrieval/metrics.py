"""Scores of a whole test set: means over its queries, in both directions, beside chance."""

import numpy as np

from mmlearn.arrays import to_numpy
from mmlearn.retrieval.ranking import CELLS, average_precision, first_hit_rank, relevance

__all__ = [
    "chance_level",
    "cross_modal_map",
    "evaluate_retrieval",
    "mean_average_precision",
    "median_rank",
    "recall_at_k",
    "relevant_labels",
]


def mean_average_precision(
    similarity, query_labels, gallery_labels, top=None, empty="skip", chunk_size=None
):
    """Mean of :func:`average_precision` over the queries.

    Parameters
    ----------
    similarity : (q, m), or a function that gives rows i:j of it as ``similarity(i, j)``
        The function form never holds the whole matrix.
    query_labels, gallery_labels : (q,) and (m,) classes, or (q, t) and (m, t) indicators
    top : int, optional: score the first `top` results only
    empty : "skip", "error" or 0
        What a query without any relevant item counts: left out, refused, or a zero.
    chunk_size : int, optional: queries handled at a time; by default as many as bound the memory

    >>> mean_average_precision(np.eye(2), [0, 1], [0, 1])
    1.0
    """
    if empty not in ("skip", "error", 0):
        raise ValueError(f'empty must be "skip", "error" or 0, got {empty!r}.')
    query_labels, gallery_labels = to_numpy(query_labels), to_numpy(gallery_labels)
    q, m = len(query_labels), len(gallery_labels)
    rows_of = similarity if callable(similarity) else lambda i, j: similarity[i:j]
    if not callable(similarity) and tuple(similarity.shape) != (q, m):
        raise ValueError(
            f"similarity has shape {tuple(similarity.shape)}, but there are {q} query labels "
            f"and {m} gallery labels."
        )
    step = chunk_size or max(1, CELLS // max(m, 1))
    ap = [
        average_precision(
            rows_of(i, i + step), relevance(query_labels[i : i + step], gallery_labels), top
        )
        for i in range(0, q, step)
    ]
    return _mean_over_queries(np.concatenate(ap) if ap else np.empty(0), empty)


def _mean_over_queries(ap, empty):
    missing = np.isnan(ap)
    if missing.any() and empty == "error":
        raise ValueError(
            f"{missing.sum()} of {len(ap)} queries have no relevant item in the gallery; "
            'pass empty="skip" to leave them out or empty=0 to count them as zero.'
        )
    if empty == 0:
        ap = np.where(missing, 0.0, ap)
    ap = ap[~np.isnan(ap)]
    if len(ap) == 0:
        raise ValueError("no query has a relevant item in the gallery, so there is no mean.")
    return float(ap.mean())


def chance_level(query_labels, gallery_labels, top=None, empty="skip"):
    """The mean average precision that a random ranking reaches on average (exact, not sampled).

    It is the score of a constant similarity, since tied items count by expectation.
    """
    m = len(gallery_labels)
    return mean_average_precision(
        lambda i, j: np.zeros((len(query_labels[i:j]), m)), query_labels, gallery_labels, top, empty
    )


def recall_at_k(similarity, query_labels=None, gallery_labels=None, k=1):
    """Share of queries with a relevant item among their first k results (Recall@K of pairs).

    >>> recall_at_k(np.array([[0.9, 0.1], [0.8, 0.2]]), k=1)
    0.5
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}.")
    rank = first_hit_rank(similarity, query_labels, gallery_labels)
    return float((rank <= k).mean())


def median_rank(similarity, query_labels=None, gallery_labels=None):
    """Median over the queries of the rank of the first relevant item (1 is perfect)."""
    return float(np.nanmedian(first_hit_rank(similarity, query_labels, gallery_labels)))


def cross_modal_map(model, z_x, z_y, labels, top=None, empty="skip"):
    """mAP of paired embeddings in both directions: image to text, text to image, and their mean."""
    i2t = mean_average_precision(
        lambda i, j: model.similarity(z_x[i:j], z_y), labels, labels, top, empty
    )
    t2i = mean_average_precision(
        lambda i, j: model.similarity(z_x, z_y[i:j]).T, labels, labels, top, empty
    )
    return {"i2t": i2t, "t2i": t2i, "mean": (i2t + t2i) / 2}


def evaluate_retrieval(model, test, labels="labels", top=None, empty="skip"):
    """Score a fitted model on a test set: every test item queries all test items of the other side.

    Parameters
    ----------
    model : a fitted coordinated or joint method; one that takes times embeds each item at its own
    test : PairedDataset
    labels : "labels" (classes), "sublabels" (finer classes), "tags" (several per item) or "pairs"
        Which items count as relevant to one another; "pairs": an item's own partner alone.

    Returns
    -------
    {"i2t", "t2i", "mean", "chance"}: mean average precision, each between 0 and 1
    """
    relevant_by = relevant_labels(test, labels)
    at = {"times": test.times} if getattr(model, "timed", False) else {}
    z_x, z_y = model.embed_images(test.images, **at), model.embed_texts(test.texts, **at)
    scores = cross_modal_map(model, z_x, z_y, relevant_by, top, empty)
    return scores | {"chance": chance_level(relevant_by, relevant_by, top, empty)}


def relevant_labels(test, labels):
    """The labels of a dataset by name: "labels", "sublabels", "tags", or "pairs" (all different).

    Raises
    ------
    ValueError: the dataset does not have them
    """
    if labels == "pairs":
        return np.arange(len(test.texts))
    found = getattr(test, labels, None) if labels in ("labels", "sublabels", "tags") else None
    if found is None:
        raise ValueError(
            f'this dataset has no {labels!r} to score by; use "labels", "sublabels", "tags" or '
            '"pairs".'
        )
    return found
