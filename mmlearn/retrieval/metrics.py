"""Scores of a whole test set: means over its queries, in both directions, beside chance."""

import numpy as np

from mmlearn.arrays import check_matrix
from mmlearn.retrieval.ranking import (
    CELLS,
    average_precision,
    check_k,
    first_hit_rank,
    relevance_rows,
    similarity_rows,
)
from mmlearn.retrieval.sides import embed_both, pictures_and_captions

__all__ = [
    "chance_level",
    "cross_modal_map",
    "evaluate_pairs",
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
    relevant, q, m = relevance_rows(query_labels, gallery_labels)
    rows = similarity_rows(similarity, q, m)
    step = chunk_size or max(1, CELLS // max(m, 1))
    ap = [
        average_precision(rows(i, j), relevant(i, j), top)
        for i, j in ((i, min(i + step, q)) for i in range(0, q, step))
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
        lambda i, j: np.zeros((j - i, m)), query_labels, gallery_labels, top, empty
    )


def recall_at_k(similarity, query_labels=None, gallery_labels=None, k=1):
    """Share of queries with a relevant item among their first k results (Recall@K of pairs).

    >>> recall_at_k(np.array([[0.9, 0.1], [0.8, 0.2]]), k=1)
    0.5
    """
    check_k(k)
    rank = first_hit_rank(similarity, query_labels, gallery_labels)
    return float((rank <= k).mean())


def median_rank(similarity, query_labels=None, gallery_labels=None):
    """Median of the rank of the first relevant item (1 is perfect), over the queries that have one.

    Parameters
    ----------
    similarity, query_labels, gallery_labels : as for :func:`first_hit_rank`
    """
    return _median(first_hit_rank(similarity, query_labels, gallery_labels))


def _median(rank):
    if np.isnan(rank).all():
        raise ValueError("no query has a relevant item in the gallery, so there is no median.")
    return float(np.nanmedian(rank))


def cross_modal_map(model, z_x, z_y, labels, top=None, empty="skip", text_labels=None):
    """mAP of embeddings in both directions: image to text, text to image, and their mean.

    `labels` are those of images and texts alike, or of the images where there are `text_labels`.
    """
    z_x, z_y = check_matrix(z_x, "image_embeddings"), check_matrix(z_y, "text_embeddings")
    text_labels = labels if text_labels is None else text_labels
    i2t = mean_average_precision(
        lambda i, j: model.similarity(z_x[i:j], z_y), labels, text_labels, top, empty
    )
    t2i = mean_average_precision(
        lambda i, j: model.similarity(z_x, z_y[i:j]).T, text_labels, labels, top, empty
    )
    return {"i2t": i2t, "t2i": t2i, "mean": (i2t + t2i) / 2}


def evaluate_retrieval(model, test, labels="labels", top=None, empty="skip"):
    """Score a fitted model on a test set: every test item queries all test items of the other side.

    Parameters
    ----------
    model : a fitted coordinated or joint method; one that takes times embeds each item at its own
    test : PairedDataset
    labels : "labels" (classes), "sublabels" (finer classes), "tags" (several per item) or "pairs"
        Which items count as relevant to one another; "pairs": an item's own partner alone. Where
        the set has `groups`, items of one group show one picture: it then stands in the gallery
        once, and all captions of its group are its partners.

    Returns
    -------
    {"i2t", "t2i", "mean", "chance"}: mean average precision, each between 0 and 1; chance is the
    mean of both directions, too
    """
    by_name = relevant_labels(test, labels)
    if labels == "pairs" and getattr(test, "groups", None) is not None:
        pictures, picture_of = pictures_and_captions(test.groups, test.images)
        sides = np.arange(len(pictures)), picture_of
        z_x, z_y = embed_both(model, test, pictures)
    else:
        sides = (by_name,) * 2
        z_x, z_y = embed_both(model, test)
    scores = cross_modal_map(model, z_x, z_y, sides[0], top, empty, sides[1])
    chance = chance_level(*sides, top, empty)
    if sides[0] is not sides[1]:
        chance = (chance + chance_level(*sides[::-1], top, empty)) / 2
    return scores | {"chance": chance}


def evaluate_pairs(model, test, k=(1, 5, 10)):
    """Score a fitted model by pairs: is the partner found among the first k results?

    Of a set with `groups`, whose items of one group are captions of one picture, this is the usual
    protocol of several captions a picture: every caption searches the distinct pictures for its
    own, and every distinct picture searches all captions for any of its own. Without groups every
    item has one partner.

    Parameters
    ----------
    model : a fitted coordinated or joint method; one that takes times embeds each item at its own
    test : PairedDataset
    k : int, or several

    Returns
    -------
    {"i2t": scores, "t2i": scores}, each {"recall@1": ..., "recall@5": ..., "median_rank": ...}:
    the share of queries with a partner among their first k results, and the median of the rank at
    which the first partner stands (1 is perfect); ties count against the partner

    Raises
    ------
    ValueError: groups that are missing or whose images differ; k that is no whole number above 0

    References
    ----------
    Hodosh, Young, Hockenmaier, Framing Image Description as a Ranking Task, JAIR 47, 2013 (recall
    and median rank of five captions a picture).

    >>> from types import SimpleNamespace
    >>> from mmlearn.classical import CFA
    >>> x = np.eye(3)[[0, 0, 1, 1, 2, 2]] * [1, 2, 3]
    >>> test = SimpleNamespace(images=x, texts=x, groups=[0, 0, 1, 1, 2, 2])
    >>> evaluate_pairs(CFA(2).fit(x, x), test, k=1)["t2i"]
    {'recall@1': 1.0, 'median_rank': 1.0}
    """
    ks = [k] if np.ndim(k) == 0 else list(k)
    for each in ks:
        check_k(each)
    groups = getattr(test, "groups", None)
    groups = np.arange(len(test.texts)) if groups is None else groups
    pictures, picture_of = pictures_and_captions(groups, test.images)
    z_x, z_y = (check_matrix(z, "embeddings") for z in embed_both(model, test, pictures))
    sides = np.arange(len(pictures)), picture_of
    i2t = first_hit_rank(lambda i, j: model.similarity(z_x[i:j], z_y), *sides)
    t2i = first_hit_rank(lambda i, j: model.similarity(z_x, z_y[i:j]).T, *sides[::-1])
    return {name: _summary(rank, ks) for name, rank in (("i2t", i2t), ("t2i", t2i))}


def _summary(rank, ks):
    recalls = {f"recall@{k}": float((rank <= k).mean()) for k in ks}
    return recalls | {"median_rank": _median(rank)}


def relevant_labels(test, labels):
    """The labels of a dataset by name: "labels", "sublabels", "tags", or "pairs".

    "pairs": the `groups` of a dataset that has them, so that another caption of the same picture
    is not counted as wrong; else all different.

    Raises
    ------
    ValueError: the dataset does not have them
    """
    if not isinstance(labels, str):
        raise TypeError(
            'labels is the name of what to score by, such as "labels" or "pairs"; the labels '
            "themselves are those of the dataset."
        )
    if labels == "pairs":
        groups = getattr(test, "groups", None)
        return np.arange(len(test.texts)) if groups is None else groups
    found = getattr(test, labels, None) if labels in ("labels", "sublabels", "tags") else None
    if found is None:
        raise ValueError(
            f'this dataset has no {labels!r} to score by; use "labels", "sublabels", "tags" or '
            '"pairs".'
        )
    return found
