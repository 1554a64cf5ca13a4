"""Triplets: nearer to what is relevant than to what is not, by a margin."""

import numpy as np
import torch  # noqa: F401 - for the examples

from mmlearn.arrays import cosine_similarity
from mmlearn.kinds import as_tensor
from mmlearn.losses.checks import (
    as_floats,
    check_paired,
    check_positive,
    full_precision,
)
from mmlearn.mining import active_counts, batch_hard, check_mining, relevant_pairs, semi_hard

__all__ = ["triplet_loss", "triplet_loss_one_way"]


@full_precision
def triplet_loss(zx, zy, labels=None, margin=0.2, mining="all", margins=None):
    """Triplet loss on cosines, image to text and text to image.

    ::

        L = ½ (L_xy + L_yx),   L_xy = mean over active (a, p, n) of max(0, m - s_ap + s_an)

    where s_ap is the cosine of anchor image a and text p. Positives of an anchor are all texts
    relevant to it: those of its class, its own always among them; without labels its own alone.
    Negatives are all other texts, so that no item of the anchor's class is ever pushed away.
    Active are the triplets whose loss is not 0; dividing by their number, and not by that of all
    triplets, keeps the gradient from fading as most triplets are satisfied.

    Parameters
    ----------
    zx, zy : (n, k)
    labels : (n,) classes, (n, t) indicators (relevant: one label shared), or None
    margin : float > 0
    mining : "all", "semi-hard" or "hard"
        * "all": every positive with every negative
        * "semi-hard": every positive with the closest negative that is further away than it, but by
          less than the margin
        * "hard": for each anchor the furthest positive with the closest negative
    margins : (n, n), optional: a margin >= 0 for each [anchor, negative], in place of `margin`

    Raises
    ------
    ValueError: shapes that differ, labels of another length, a margin not above 0, unknown mining

    References
    ----------
    Schroff, Kalenichenko, Philbin, FaceNet, CVPR 2015 (semi-hard); Hermans, Beyer, Leibe, In
    Defense of the Triplet Loss for Person Re-Identification, arXiv:1703.07737, 2017 (all, hard).

    >>> zx = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> triplet_loss(zx, zx), triplet_loss(zx, zx.flip(0))
    (tensor(0.), tensor(1.2000))
    """
    zx, zy = check_paired(zx, zy)
    n = len(zx)
    if margins is None:
        check_positive(margin, "margin")
        margins = margin
    else:
        margins = as_floats(margins, "margins").to(zx.device, zx.dtype)
        if margins.shape != (n, n) or bool((margins < 0).any()):
            raise ValueError(
                f"margins must be a matrix ({n}, {n}) of numbers >= 0, one for each "
                f"[anchor, negative]; got shape {tuple(margins.shape)}."
            )
    s = cosine_similarity(zx, zy)
    relevant = relevant_pairs(labels, n, zx.device)
    x_to_y = triplet_loss_one_way(s, relevant, margins, mining)
    y_to_x = triplet_loss_one_way(s.T, relevant, margins, mining)
    return (x_to_y + y_to_x) / 2


def triplet_loss_one_way(similarity, relevant, margin=0.2, mining="all"):
    """The triplet loss of given similarities, rows as anchors; see :func:`triplet_loss`.

    Parameters
    ----------
    similarity : (n, m) tensor
    relevant : (n, m) booleans: the positives of each anchor
    margin : float, or (n, m) a margin for each [anchor, negative]
    mining : "all", "semi-hard" or "hard"

    Raises
    ------
    ValueError: shapes that differ, or unknown mining

    >>> s = torch.tensor([[0.6, 0.5, 0.3]], requires_grad=True)
    >>> loss = triplet_loss_one_way(s, torch.tensor([[True, False, False]]), margin=0.2)
    >>> loss.backward()
    >>> round(loss.item(), 6), s.grad.tolist()
    (0.1, [[-1.0, 1.0, 0.0]])
    """
    check_mining(mining)
    similarity = as_floats(similarity, "similarity")
    relevant = as_tensor(relevant, "relevant").to(similarity.device)
    if np.ndim(margin):
        margin = as_floats(margin, "margin").to(similarity)
    if mining == "all":
        c_ap, c_an = active_counts(similarity, relevant, margin)
        total = (c_an * (margin + similarity) - c_ap * similarity).sum()
        return total / c_ap.sum().clamp(min=1)
    mine = semi_hard if mining == "semi-hard" else batch_hard
    a, p, n = mine(similarity.detach(), relevant, margin)
    if np.ndim(margin):
        margin = margin[a, n]
    losses = (margin - similarity[a, p] + similarity[a, n]).relu()
    return losses.sum() / (losses > 0).sum().clamp(min=1)
