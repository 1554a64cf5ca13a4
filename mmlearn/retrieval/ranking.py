"""How many relevant items stand how high: average precision and the first hit, ties by one rule."""

import numpy as np
import torch

from mmlearn.arrays import to_numpy
from mmlearn.torch_state import ordinary_torch

__all__ = ["CELLS", "average_precision", "first_hit_rank", "relevance"]

CELLS = 2**21  # similarities worked on at a time, which bounds the memory of every function here


@ordinary_torch()
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


@ordinary_torch()
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
