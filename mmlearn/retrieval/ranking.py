"""How many relevant items stand how high: average precision and the first hit, ties by one rule."""

import numpy as np
import torch

from mmlearn.arrays import to_numpy
from mmlearn.kinds import as_numbers, as_tensor
from mmlearn.labels import check_label_pair
from mmlearn.torch_state import ordinary_torch

__all__ = [
    "CELLS",
    "average_precision",
    "check_k",
    "first_hit_rank",
    "relevance",
    "relevance_rows",
    "similarity_rows",
]

# Similarities held at a time (or one query's, where they are more), which bounds the memory of
# every function of this package; ranking them takes several copies, so fewer are ranked at a time.
CELLS = 2**21
RANKED = CELLS // 16


@ordinary_torch()
def average_precision(similarity, relevant, top=None):
    """Average precision of every query.

    With rel(j) = 1 if the j-th ranked item is relevant, and R relevant items in the gallery::

        AP = 1/min(R, top) · Σ_{j ≤ top} rel(j) · (relevant among the first j) / j

    Parameters
    ----------
    similarity : (q, m) numbers, larger means closer; numpy, or a tensor on any device
    relevant : (q, m) booleans, or 0 and 1
    top : int, optional
        Score the first `top` results only (AP@top); None scores the full ranking.

    Returns
    -------
    (q,) float64, NaN for a query without a relevant item.

    Two float64 similarities that differ by no more than one unit in the last place count as tied.

    >>> average_precision(np.array([[3.0, 2.0, 1.0]]), np.array([[True, False, True]])).round(4)
    array([0.8333])
    """
    scores, relevant = as_numbers(similarity, "similarity"), as_numbers(relevant, "relevant")
    _check_shape(scores, relevant)
    top = _check_top(top, scores.shape[1])
    ap, rows = np.empty(len(scores)), max(1, RANKED // scores.shape[1])
    for i in range(0, len(scores), rows):
        block = _block(scores[i : i + rows], relevant[i : i + rows])
        ap[i : i + rows] = _average_precision(*block, top)
    return ap


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


def _check_shape(scores, relevant):
    if scores.ndim != 2 or scores.shape != relevant.shape:
        raise ValueError(
            "similarity and relevant must be matrices of one shape (queries, gallery), got "
            f"{tuple(scores.shape)} and {tuple(relevant.shape)}."
        )
    if scores.shape[0] == 0 or scores.shape[1] == 0:
        raise ValueError(f"there is nothing to rank: similarity has shape {tuple(scores.shape)}.")


def _block(scores, relevant):
    """Some rows as float64 and boolean tensors on the device of the scores, checked."""
    scores = as_tensor(scores, "similarity").detach().double().contiguous()
    relevant = as_tensor(relevant, "relevant").to(scores.device)
    _check_shape(scores, relevant)
    if bool(torch.isnan(scores.sum())) and bool(torch.isnan(scores).any()):
        raise ValueError("similarity holds NaN: check the embeddings before scoring them.")
    if relevant.dtype != torch.bool and not bool(((relevant == 0) | (relevant == 1)).all()):
        raise ValueError("relevant must be booleans, or numbers 0 and 1.")
    return scores, relevant.bool()


def check_k(k):
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
        raise ValueError(f"k must be a whole number of at least 1, got {k!r}.")


def _check_top(top, m):
    if top is None:
        return m
    if not top >= 1 or top != int(top):
        raise ValueError(f"top must be at least 1, or None for the full ranking; got {top}.")
    return min(int(top), m)


def similarity_rows(similarity, q, m):
    """The function ``rows(i, j)`` of a similarity (q, m), which may be such a function itself."""
    if callable(similarity):
        return similarity
    scores = as_numbers(similarity, "similarity")
    if tuple(scores.shape) != (q, m):
        raise ValueError(
            f"similarity has shape {tuple(scores.shape)}, but there are {q} query labels "
            f"and {m} gallery labels."
        )
    return lambda i, j: scores[i:j]


def relevance(query_labels, gallery_labels):
    """Which gallery items are relevant to which query, (q, m) booleans.

    Class labels (n,): relevant when equal. Multi-label indicators (n, t): relevant when the two
    share at least one label.

    Raises
    ------
    ValueError: labels that are missing, or that are neither classes nor indicators of 0 and 1

    >>> relevance([0, 1], [1, 0, 1])
    array([[False,  True, False],
           [ True, False,  True]])
    """
    rows, q, m = relevance_rows(query_labels, gallery_labels)
    relevant = np.empty((q, m), dtype=bool)
    step = max(1, CELLS // max(m, 1))
    for i in range(0, q, step):
        relevant[i : i + step] = rows(i, i + step)
    return relevant


def relevance_rows(query_labels, gallery_labels):
    """Rows i:j of :func:`relevance` as a function ``rows(i, j)``; and its shape, q and m."""
    q, g = check_label_pair(query_labels, gallery_labels)
    if q.ndim == 2:
        return lambda i, j: _share_a_label(q[i:j], g), len(q), len(g)
    if q.dtype.kind in "US":  # numbers compare faster
        codes = np.unique(np.concatenate([q, g]), return_inverse=True)[1]
        q, g = codes[: len(q)], codes[len(q) :]
    return lambda i, j: q[i:j, None] == g[None, :], len(q), len(g)


def _share_a_label(q, g):
    q, step = q.astype(np.float32), max(1, CELLS // max(g.shape[1], 1))
    parts = [(q @ g[i : i + step].astype(np.float32).T) > 0 for i in range(0, len(g), step)]
    return np.concatenate(parts, axis=1) if parts else np.empty((len(q), 0), dtype=bool)


@ordinary_torch()
def first_hit_rank(similarity, query_labels=None, gallery_labels=None):
    """Rank of the best relevant item of every query, (q,), counted from 1.

    Without labels, item i is the one partner of query i. A wrong item that ties with the right
    one stands before it, so a constant similarity gets the worst rank. NaN: nothing is relevant.

    Parameters
    ----------
    similarity : (q, m), or a function that gives rows i:j of it as ``similarity(i, j)``
    query_labels, gallery_labels : as for :func:`relevance`, both or none
    """
    if (query_labels is None) != (gallery_labels is None):
        raise ValueError("pass query_labels and gallery_labels, or none of both for pairs.")
    if query_labels is None:
        similarity = as_numbers(similarity, "similarity")
        query_labels, gallery_labels = map(np.arange, _square(similarity))
    relevant, q, m = relevance_rows(query_labels, gallery_labels)
    rows = similarity_rows(similarity, q, m)
    if q == 0 or m == 0:
        raise ValueError(f"there is nothing to rank: similarity has shape {(q, m)}.")
    rank, step = np.empty(q), max(1, CELLS // m)
    for i in range(0, q, step):
        held = rows(i, min(i + step, q))
        for j in range(i, min(i + step, q), max(1, RANKED // m)):
            end = min(j + max(1, RANKED // m), i + step, q)
            rank[j:end] = _first_hits(*_block(held[j - i : end - i], relevant(j, end)))
    return rank


def _square(similarity):
    if similarity.ndim != 2 or similarity.shape[0] != similarity.shape[1]:
        raise ValueError(
            "similarity must be square, item i being the partner of query i, got shape "
            f"{tuple(similarity.shape)}; pass query_labels and gallery_labels otherwise."
        )
    return similarity.shape


def _first_hits(scores, hits):
    best = torch.where(hits, scores, -torch.inf).amax(1, keepdim=True)
    rank = 1.0 + ((scores >= best) & ~hits).sum(1).double()
    return to_numpy(torch.where(hits.any(1), rank, torch.nan))
