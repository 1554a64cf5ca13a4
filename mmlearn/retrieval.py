"""How cross-modal retrieval is scored: average precision, recall at k, median rank, and search.

A query ranks every item of the gallery by similarity. Scores are computed over the full ranking
unless `top` says otherwise. Ties are handled by one rule throughout: **average precision is the
expectation over all orders of tied items** (McSherry and Najork, Computing Information Retrieval
Performance Measures Efficiently in the Presence of Tied Scores, ECIR 2008), so it does not depend
on the order of the gallery, and a constant similarity scores exactly at chance; ranks are
pessimistic, so an item that ties with a wrong one stands behind it.
"""

import numpy as np
import torch

from mmlearn.arrays import cosine_similarity, to_numpy

__all__ = [
    "average_precision",
    "chance_level",
    "cross_modal_map",
    "evaluate_retrieval",
    "first_hit_rank",
    "mean_average_precision",
    "median_rank",
    "recall_at_k",
    "relevance",
    "relevant_labels",
    "search",
]

CELLS = 2**21  # similarities worked on at a time, which bounds the memory of every function here


def average_precision(similarity, relevant, top=None):
    """Average precision of every query.

    With rel(j) = 1 if the j-th ranked item is relevant, and R relevant items in the gallery::

        AP = 1/min(R, top) · Σ_{j ≤ top} rel(j) · (relevant among the first j) / j

    Parameters
    ----------
    similarity : (q, m) numbers, larger means closer; numpy, or a tensor on any device
    relevant : (q, m) booleans
    top : int, optional
        Score the first `top` results only (AP@top); None scores the full ranking.

    Returns
    -------
    (q,) float64, NaN for a query without a relevant item.

    Two float64 similarities that differ by no more than one unit in the last place count as tied.

    >>> average_precision(np.array([[3.0, 2.0, 1.0]]), np.array([[True, False, True]])).round(4)
    array([0.8333])
    """
    scores, relevant = _check_scores(similarity, relevant)
    top = _check_top(top, scores.shape[1])
    rows = max(1, CELLS // scores.shape[1])
    parts = [
        _average_precision(scores[i : i + rows], relevant[i : i + rows], top)
        for i in range(0, len(scores), rows)
    ]
    return np.concatenate(parts)


def _average_precision(scores, relevant, top):
    keys, hit = _ranked(scores, relevant)
    m = keys.shape[1]
    position = torch.arange(1, m + 1, device=keys.device, dtype=torch.float64)
    hits = hit.cumsum(1, dtype=torch.float64)
    n_relevant = hits[:, -1].clone()
    gain = torch.where(hit, hits, 0.0)
    if bool((keys[:, 1:] == keys[:, :-1]).any()):
        gain = _expected_gain(keys, hit, hits, position)
    ap = (gain[:, :top] / position[:top]).sum(1)
    ap = ap / torch.clamp(n_relevant, max=top)  # 0/0 = NaN where nothing is relevant
    return to_numpy(ap)


def _expected_gain(keys, hit, hits, position):
    """E[rel(j) · relevant among the first j] over all orders of tied items.

    In a group of s tied items with p relevant ones, after r relevant items, place i of the group
    holds a relevant item with probability p/s; given that, the i - 1 places before it hold
    (i - 1)(p - 1)/(s - 1) relevant ones on average.
    """
    rows, m = keys.shape
    starts = torch.ones_like(hit)
    starts[:, 1:] = keys[:, 1:] != keys[:, :-1]
    group = starts.flatten().cumsum(0) - 1  # a new row always starts a new group
    size = torch.bincount(group)
    p = torch.bincount(group, weights=hit.flatten().double())[group].view(rows, m)
    size = size[group].view(rows, m).double()
    first = torch.where(starts, position, 0.0).cummax(1).values
    before = torch.where(starts, hits - hit.double(), -1.0).cummax(1).values
    i = position - first
    return p / size * (before + 1 + i * (p - 1) / torch.clamp(size - 1, min=1))


def _ranked(scores, relevant):
    """Rank each row: returns sort keys in descending order of score, and the hits in that order.

    The relevance bit is packed below a whole number that orders like the score, so one plain sort
    moves both; sorting indices and gathering takes several times as long.
    """
    bits = (scores + 0.0).view(torch.int64)  # + 0.0 turns -0 into 0
    ordered = bits ^ ((bits >> 63) & 0x7FFF_FFFF_FFFF_FFFF)  # monotone in the score
    packed = ~((ordered & ~1) | relevant.long())
    if packed.device.type == "cpu":
        packed.numpy().sort(axis=1)  # in place, and vectorised
    else:
        packed = packed.sort(dim=1).values
    packed = ~packed
    return packed >> 1, (packed & 1).bool()


def _check_scores(similarity, relevant):
    scores = torch.as_tensor(
        np.asarray(similarity) if not torch.is_tensor(similarity) else similarity
    )
    relevant = torch.as_tensor(
        np.asarray(relevant) if not torch.is_tensor(relevant) else relevant, device=scores.device
    ).bool()
    if scores.ndim != 2 or scores.shape != relevant.shape:
        raise ValueError(
            "similarity and relevant must be matrices of one shape (queries, gallery), got "
            f"{tuple(scores.shape)} and {tuple(relevant.shape)}."
        )
    if scores.shape[0] == 0 or scores.shape[1] == 0:
        raise ValueError(f"there is nothing to rank: similarity has shape {tuple(scores.shape)}.")
    scores = scores.detach().double().contiguous()
    if bool(torch.isnan(scores.sum())) and bool(torch.isnan(scores).any()):
        raise ValueError("similarity holds NaN: check the embeddings before scoring them.")
    return scores, relevant


def _check_top(top, m):
    if top is None:
        return m
    if top < 1:
        raise ValueError(f"top must be at least 1, or None for the full ranking; got {top}.")
    return min(int(top), m)


def relevance(query_labels, gallery_labels):
    """Which gallery items are relevant to which query, (q, m) booleans.

    Class labels (n,): relevant when equal. Multi-label indicators (n, t): relevant when the two
    share at least one label.

    >>> relevance([0, 1], [1, 0, 1])
    array([[False,  True, False],
           [ True, False,  True]])
    """
    q, g = to_numpy(query_labels), to_numpy(gallery_labels)
    if q.ndim == g.ndim == 1:
        return q[:, None] == g[None, :]
    if q.ndim == g.ndim == 2 and q.shape[1] == g.shape[1]:
        return (q.astype(np.float32) @ g.astype(np.float32).T) > 0
    raise ValueError(
        "labels must be two lists of classes, (n,), or two indicator matrices over the same "
        f"labels, (n, t); got shapes {q.shape} and {g.shape}."
    )


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


def first_hit_rank(similarity, query_labels=None, gallery_labels=None):
    """Rank of the best relevant item of every query, (q,), counted from 1.

    Without labels, item i is the one partner of query i. A wrong item that ties with the right
    one stands before it, so a constant similarity gets the worst rank. NaN: nothing is relevant.
    """
    if query_labels is None:
        n = len(similarity)
        query_labels = gallery_labels = np.arange(n)
    scores, relevant = _check_scores(similarity, relevance(query_labels, gallery_labels))
    best = torch.where(relevant, scores, -torch.inf).amax(1, keepdim=True)
    rank = 1.0 + ((scores >= best) & ~relevant).sum(1).double()
    return to_numpy(torch.where(relevant.any(1), rank, torch.nan))


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


def search(queries, gallery, k=10):
    """The k nearest gallery items of every query by cosine.

    Parameters
    ----------
    queries : (q, d), gallery : (m, d), numpy or tensors (a tensor's device is used)
    k : int, at most m are returned

    Returns
    -------
    indices (q, k) and similarities (q, k), best first, as numpy arrays

    >>> search(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0], [2.0, 0.1]]), k=1)[0]
    array([[1]])
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}.")
    queries, gallery = torch.as_tensor(queries), torch.as_tensor(gallery)
    if queries.ndim != 2 or gallery.ndim != 2 or queries.shape[1] != gallery.shape[1]:
        raise ValueError(
            "queries and gallery must be matrices with the same number of columns, got shapes "
            f"{tuple(queries.shape)} and {tuple(gallery.shape)}."
        )
    k, step = min(k, len(gallery)), max(1, CELLS // max(len(gallery), 1))
    found = [
        cosine_similarity(queries[i : i + step], gallery).topk(k, dim=1)
        for i in range(0, len(queries), step)
    ]
    indices = torch.cat([f.indices for f in found]) if found else torch.empty(0, k).long()
    values = torch.cat([f.values for f in found]) if found else torch.empty(0, k)
    return to_numpy(indices), to_numpy(values)
