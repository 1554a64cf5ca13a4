"""Miners: which triplets of a batch the triplet loss learns from.

A miner takes the similarities of anchors (rows) and candidates (columns) and the mask of relevant
pairs, and returns the triplets as three index vectors (anchor, positive, negative). It neither
computes embeddings nor a loss, so that each of the three can be changed alone::

    triplet loss of (a, p, n) = max(0, m - s_ap + s_an)

Positives are the candidates relevant to the anchor, negatives are all others. An anchor without a
positive or without a negative gives no triplet.
"""

import numpy as np
import torch

from mmlearn.arrays import at_least_float32, check_finite, cosine_similarity
from mmlearn.kinds import as_tensor
from mmlearn.labels import comparable_labels

__all__ = [
    "MINING",
    "active_counts",
    "batch_all",
    "batch_hard",
    "check_mining",
    "embedding_health",
    "relevant_pairs",
    "semi_hard",
]

MINING = ("all", "semi-hard", "hard")  # what a loss may be told to learn from


def check_mining(mining):
    """Refuse what is no name of a kind of mining.

    >>> check_mining("semi-hard")
    """
    if mining not in MINING:
        raise ValueError(f'mining must be "all", "semi-hard" or "hard", got {mining!r}.')


def relevant_pairs(labels, n, device=None):
    """Which of n items are relevant to which, an (n, n) mask whose diagonal is always true.

    Parameters
    ----------
    labels : (n,) classes: relevant when equal; (n, t) indicators: relevant when one is shared;
        None: each item is relevant to itself alone
    n : int, the number of pairs in the batch
    device : of the mask

    Raises
    ------
    ValueError: labels of another length, or that are neither a vector nor a matrix

    >>> relevant_pairs([0, 1, 0], 3).int()
    tensor([[1, 0, 1],
            [0, 1, 0],
            [1, 0, 1]], dtype=torch.int32)
    """
    own = torch.eye(n, dtype=torch.bool, device=device)
    if labels is None:
        return own
    labels = comparable_labels(labels)
    if not torch.is_tensor(labels) and labels.dtype.kind in "US":  # names of classes
        labels = np.unique(labels, return_inverse=True)[1].reshape(labels.shape)
    labels = as_tensor(labels, "labels").to(device)
    if labels.ndim not in (1, 2) or len(labels) != n:
        raise ValueError(
            f"labels must be classes of shape ({n},) or indicators of shape ({n}, t), one row per "
            f"pair; got shape {tuple(labels.shape)}."
        )
    if labels.ndim == 1:
        return own | (labels[:, None] == labels[None, :])
    labels = labels.float()
    return own | (labels @ labels.T > 0)


def batch_all(similarity, relevant, margin):
    """Every triplet that violates the margin: s_ap - s_an < m.

    Parameters
    ----------
    similarity : (n, m) tensor, anchors in rows
    relevant : (n, m) booleans
    margin : float, or an (n, m) tensor with the margin of each (anchor, negative)

    Returns
    -------
    (anchor, positive, negative) : three int64 vectors, one entry a triplet. Their number grows
    with the cube of the batch; the loss itself needs only :func:`active_counts`.

    Raises
    ------
    ValueError: `relevant` is no boolean mask of the shape of `similarity`; so for all miners

    References
    ----------
    Hermans, Beyer, Leibe, In Defense of the Triplet Loss for Person Re-Identification,
    arXiv:1703.07737, 2017.

    >>> s = torch.tensor([[0.6, 0.5, 0.3]])
    >>> batch_all(s, torch.tensor([[True, False, False]]), margin=0.2)
    (tensor([0]), tensor([0]), tensor([1]))
    """
    similarity, relevant, margin = _checked(similarity, relevant, margin)
    reach = similarity + margin
    triplets = []
    for a, row in enumerate(relevant):  # one anchor at a time: no cube in memory
        positives, negatives = row.nonzero()[:, 0], (~row).nonzero()[:, 0]
        p, n = (reach[a, negatives] > similarity[a, positives, None]).nonzero(as_tuple=True)
        triplets.append(torch.stack([torch.full_like(p, a), positives[p], negatives[n]]))
    return tuple(torch.cat(triplets, dim=1))


def active_counts(similarity, relevant, margin):
    """In how many violating triplets each similarity takes part, without listing them.

    The sum of the losses of all triplets is linear in these counts::

        Σ max(0, m - s_ap + s_an) = Σ_an c_an (m + s_an) - Σ_ap c_ap s_ap

    and c_ap, the number of negatives with m + s_an > s_ap, is found by bisection among the
    anchor's sorted negatives, and c_an follows from the same ranks. That is O(n² log n) in place
    of O(n³).

    Parameters
    ----------
    similarity, relevant, margin : as for :func:`batch_all`

    Returns
    -------
    (c_ap, c_an) : two (n, m) int64 tensors; c_ap is zero outside `relevant`, c_an inside

    >>> s = torch.tensor([[0.6, 0.5, 0.3]])
    >>> active_counts(s, torch.tensor([[True, False, False]]), margin=0.2)
    (tensor([[1, 0, 0]]), tensor([[0, 1, 0]]))
    """
    similarity, relevant, margin = _checked(similarity, relevant, margin)
    similarity = similarity.detach()
    reach, order = _sort_rows((similarity + margin).detach().masked_fill(relevant, torch.inf))
    anchor, positive = relevant.nonzero(as_tuple=True)
    n_idle = _rank(similarity, anchor, positive, reach, right=True)  # negatives out of reach
    c_ap, c_an = torch.zeros_like(order), torch.zeros_like(order)
    c_ap[anchor, positive] = (~relevant).sum(dim=1)[anchor] - n_idle
    # The negative of rank r is active for the positives with n_idle <= r: a running total.
    one = torch.ones_like(anchor)
    histogram = torch.zeros_like(order).index_put_((anchor, n_idle), one, accumulate=True)
    c_an.scatter_(1, order, histogram.cumsum(dim=1))
    return c_ap, c_an.masked_fill_(relevant, 0)


def semi_hard(similarity, relevant, margin):
    """For every (anchor, positive) the closest negative that is further, but within the margin.

    It is the negative of largest m_an + s_an among those with s_an < s_ap < m_an + s_an. A
    positive that has none gives no triplet, so that on embeddings that are all equal there is none
    at all and the loss is 0: see :func:`embedding_health`.

    The negatives of each anchor are sorted once, and each positive is looked up among them by
    bisection: O(n² log n) time and O(n²) memory, where a mask of all triplets takes O(n³).

    Parameters
    ----------
    similarity, relevant, margin : as for :func:`batch_all`

    Returns
    -------
    (anchor, positive, negative) : three int64 vectors, one entry a triplet

    References
    ----------
    Schroff, Kalenichenko, Philbin, FaceNet: A Unified Embedding for Face Recognition and
    Clustering, CVPR 2015.

    >>> s = torch.tensor([[0.6, 0.7, 0.5, 0.45]])
    >>> semi_hard(s, torch.tensor([[True, False, False, False]]), margin=0.2)
    (tensor([0]), tensor([0]), tensor([2]))
    """
    similarity, relevant, margin = _checked(similarity, relevant, margin)
    similarity = similarity.detach()
    negatives, order = _sort_rows(similarity.masked_fill(relevant, torch.inf))
    anchor, positive = relevant.nonzero(as_tuple=True)
    n_below = _rank(similarity, anchor, positive, negatives)
    # The best of the first r negatives, for every r; with one margin for all it is the r-th.
    reach, best = (similarity + margin).detach().gather(1, order).cummax(dim=1)
    last = n_below - 1
    active = (n_below > 0) & (reach[anchor, last] > similarity[anchor, positive])
    anchor, positive, last = anchor[active], positive[active], last[active]
    return anchor, positive, order[anchor, best[anchor, last]]


def batch_hard(similarity, relevant, margin=0.0):
    """For every anchor its least similar positive and its most similar negative.

    Parameters
    ----------
    similarity, relevant, margin : as for :func:`batch_all`. A margin that differs from negative
        to negative decides which one is hardest, the largest m_an + s_an; a number changes nothing.

    Returns
    -------
    (anchor, positive, negative) : three int64 vectors, one entry an anchor that has both,
    whether or not its triplet violates the margin

    References
    ----------
    Hermans, Beyer, Leibe, In Defense of the Triplet Loss for Person Re-Identification,
    arXiv:1703.07737, 2017.

    >>> s = torch.tensor([[0.6, 0.5, 0.3, 0.9]])
    >>> batch_hard(s, torch.tensor([[True, False, False, True]]))
    (tensor([0]), tensor([0]), tensor([1]))
    """
    similarity, relevant, margin = _checked(similarity, relevant, margin)
    positive = similarity.masked_fill(~relevant, torch.inf).argmin(dim=1)
    negative = (similarity + margin).masked_fill(relevant, -torch.inf).argmax(dim=1)
    anchor = (relevant.any(dim=1) & ~relevant.all(dim=1)).nonzero()[:, 0]
    return anchor, positive[anchor], negative[anchor]


@torch.no_grad()
def embedding_health(zx, zy, labels=None, margin=0.2):
    """Three numbers that tell a triplet loss that has learnt from one that has collapsed.

    ==================  =============  ============  ===============
    embeddings          mean_distance  active_share  semi_hard_share
    ==================  =============  ============  ===============
    all equal           0              1             0
    random              about 1.4      above 1/2     large
    learnt              large          near 0        near 0
    ==================  =============  ============  ===============

    On embeddings that are all equal the batch-hard loss stands at the margin with zero gradient,
    and the semi-hard loss is 0, which looks like success.

    Parameters
    ----------
    zx, zy : (n, k), n >= 2
    labels : as for :func:`relevant_pairs`
    margin : float, or (n, n) a margin for each [anchor, negative]

    Returns
    -------
    dict with

    * ``mean_distance``: mean distance between two items of one modality, rows scaled to unit
      length, the mean of both modalities; 0 to about 1.4
    * ``active_share``: share of all triplets, in both directions, that violate the margin
    * ``semi_hard_share``: share of the (anchor, positive) pairs that have a semi-hard negative

    A share of nothing (no triplet, for want of a negative) is 0.

    Raises
    ------
    ValueError: shapes that differ, a single row, or labels of another length

    >>> health = embedding_health(torch.ones(4, 3), torch.ones(4, 3))
    >>> health["mean_distance"], health["active_share"], health["semi_hard_share"]
    (0.0, 1.0, 0.0)
    """
    zx, zy = (as_tensor(z, name) for z, name in ((zx, "zx"), (zy, "zy")))
    if zx.ndim != 2 or zx.shape != zy.shape or len(zx) < 2:
        raise ValueError(
            "zx and zy must be matrices of one shape (n, k) with at least two rows, got "
            f"{tuple(zx.shape)} and {tuple(zy.shape)}."
        )
    zx, zy = check_finite(zx.cpu().double(), "zx"), check_finite(zy.cpu().double(), "zy")
    margin = as_tensor(margin, "margin").cpu()
    s = cosine_similarity(zx, zy)
    relevant = relevant_pairs(labels, len(zx), zx.device)
    active = semi_hards = 0
    for one_way in (s, s.T):
        active += active_counts(one_way, relevant, margin)[0].sum().item()
        semi_hards += len(semi_hard(one_way, relevant, margin)[0])
    n_positives = relevant.sum(dim=1)
    n_triplets = 2 * (n_positives * (len(zx) - n_positives)).sum().item()
    distances = [torch.pdist(torch.nn.functional.normalize(z)).mean().item() for z in (zx, zy)]
    return {
        "mean_distance": sum(distances) / 2,
        "active_share": active / max(n_triplets, 1),
        "semi_hard_share": semi_hards / (2 * n_positives.sum().item()),
    }


def _sort_rows(values):
    """Each row ascending, and where its entries came from."""
    if values.device.type != "cpu":
        return values.sort(dim=1)
    sortable = values if values.dtype in (torch.float32, torch.float64) else values.float()
    order = torch.from_numpy(sortable.numpy().argsort(axis=1))  # vectorised: several times faster
    return values.gather(1, order), order


def _rank(similarity, anchor, positive, ordered, right=False):
    """How many of its anchor's `ordered` numbers lie below s_ap (with `right`: or equal it)."""
    n_positives = anchor.bincount(minlength=len(similarity))
    slot = torch.arange(len(anchor), device=anchor.device)
    slot = slot - (n_positives.cumsum(0) - n_positives)[anchor]
    # Bisection wants as many numbers for each anchor, so the lists of positives are padded.
    table = similarity.new_zeros(len(similarity), int(n_positives.max()))
    table[anchor, slot] = similarity[anchor, positive]
    return torch.searchsorted(ordered, table, right=right)[anchor, slot]


def _checked(similarity, relevant, margin):
    """The arguments of a miner as tensors on one device, numbers in float32 at least."""
    similarity, relevant = as_tensor(similarity, "similarity"), as_tensor(relevant, "relevant")
    if similarity.ndim != 2 or similarity.shape != relevant.shape or relevant.dtype != torch.bool:
        raise ValueError(
            "similarity and relevant must be an (anchors, candidates) matrix and a boolean mask of "
            f"the same shape, got {tuple(similarity.shape)} and {tuple(relevant.shape)} "
            f"{relevant.dtype}."
        )
    similarity = check_finite(at_least_float32(similarity), "similarity")
    margin = check_finite(at_least_float32(as_tensor(margin, "margin")), "margin")
    return similarity, relevant.to(similarity.device), margin.to(similarity)
