"""Between categories and within one, at their times."""

import math

import torch

from mmlearn.arrays import at_least_float32, check_finite, cosine_similarity
from mmlearn.kinds import as_tensor
from mmlearn.losses.checks import check_paired, check_positive, full_precision
from mmlearn.losses.triplet import triplet_loss_one_way
from mmlearn.mining import relevant_pairs

__all__ = ["diachronic_inter_loss", "diachronic_intra_loss", "temporal_alignment"]


def temporal_alignment(times, window=math.inf):
    """How well the times of two items agree: 1 at the same time, 0 from `window` on.

    ::

        κ_ij = max(0, 1 - |t_i - t_j| / w)

    Reconstruction: of the alignment window only its name is known; the triangle is chosen here.

    Parameters
    ----------
    times : (n,) numbers
    window : float > 0, in the units of `times`; with infinity every κ is 1

    Returns
    -------
    (n, n) tensor, between 0 and 1

    Raises
    ------
    ValueError: times that are no vector, or a window not above 0

    >>> temporal_alignment(torch.tensor([2010.0, 2011.0, 2015.0]), window=2)
    tensor([[1.0000, 0.5000, 0.0000],
            [0.5000, 1.0000, 0.0000],
            [0.0000, 0.0000, 1.0000]])
    """
    check_positive(window, "window")
    times = check_finite(at_least_float32(as_tensor(times, "times")), "times")
    if times.ndim != 1:
        raise ValueError(f"times must have shape (n,), one an item, got {tuple(times.shape)}.")
    apart = (times[:, None] - times[None, :]).abs()
    return (1 - apart / window).clamp(min=0)


@full_precision
def diachronic_inter_loss(zx, zy, labels, times, window=math.inf, margin=0.2, mining="all"):
    """Between the categories: a triplet loss whose positives lie within the alignment window.

    ::

        L = ½ (L_xy + L_yx),   L_xy = mean over active (a, p, n) of max(0, m - s_ap + s_an)

    with s the cosine, a an anchor image, p a text of its category with |t_a - t_p| < w (its own
    always among them), and n a text of another category, of any time. A text of the category but
    of another time is neither. With an infinite window this is :func:`triplet_loss`.

    Reconstruction, as :class:`mmlearn.deep.Diachronic`.

    Parameters
    ----------
    zx, zy : (n, k)
    labels : (n,) classes, or (n, t) indicators (of the category: one label shared)
    times : (n,)
    window : float > 0, in the units of `times`
    margin : float > 0
    mining : "all", "semi-hard" or "hard", as in :func:`triplet_loss`

    Raises
    ------
    ValueError: shapes that differ, a window or margin not above 0, or unknown mining

    References
    ----------
    Semedo, Magalhães, Diachronic Cross-modal Embeddings, ACM MM 2019.

    >>> z = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> diachronic_inter_loss(z, z.flip(0), torch.tensor([0, 1]), torch.zeros(2))
    tensor(1.2000)
    """
    zx, zy = check_paired(zx, zy)
    check_positive(margin, "margin")
    same, aligned = _same_category(labels, times, window, zx)
    # A cosine that no margin reaches: such a text is no negative of any triplet.
    s = cosine_similarity(zx, zy).masked_fill(same & (aligned == 0), -2 - 2 * margin)
    positives = same & (aligned > 0)
    x_to_y = triplet_loss_one_way(s, positives, margin, mining)
    y_to_x = triplet_loss_one_way(s.T, positives, margin, mining)
    return (x_to_y + y_to_x) / 2


@full_precision
def diachronic_intra_loss(zx, zy, labels, times, window=math.inf, margin=0.2):
    """Within a category: together inside the alignment window, a margin apart outside it.

    Over the image-text pairs (i, j) of one category, with s the cosine and κ as in
    :func:`temporal_alignment`::

        inside,  κ_ij > 0:  L_in  = Σ κ_ij (1 - s_ij) / Σ κ_ij
        outside, κ_ij = 0:  L_out = mean of max(0, m - (1 - s_ij))
        L = L_in + L_out

    L_out is a mean over all pairs outside, so that it fades as they come to stand apart, and
    leaves the room to what tells categories from one another. With an infinite window all pairs
    of a category are pulled together, and none is pushed.

    Reconstruction, as :class:`mmlearn.deep.Diachronic`.

    Parameters
    ----------
    zx, zy, labels, times, window, margin : as for :func:`diachronic_inter_loss`

    Raises
    ------
    ValueError: as :func:`diachronic_inter_loss`

    References
    ----------
    Semedo, Magalhães, Diachronic Cross-modal Embeddings, ACM MM 2019.

    >>> z, labels = torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.zeros(2)
    >>> diachronic_intra_loss(z, z, labels, torch.tensor([0.0, 0.0]), window=1)
    tensor(0.)
    >>> diachronic_intra_loss(z, z, labels, torch.tensor([0.0, 9.0]), window=1)  # m too close
    tensor(0.2000)
    """
    zx, zy = check_paired(zx, zy)
    check_positive(margin, "margin")
    same, aligned = _same_category(labels, times, window, zx)
    s = cosine_similarity(zx, zy)
    pull = torch.where(same, aligned, 0)
    inside = (pull * (1 - s)).sum() / pull.sum()  # an item is always aligned with itself
    outside = same & (aligned == 0)
    push = torch.where(outside, margin - (1 - s), 0).relu()
    return inside + push.sum() / outside.sum().clamp(min=1)


def _same_category(labels, times, window, z):
    """Which pairs share a category, and how well their times agree, both (n, n)."""
    times = as_tensor(times, "times").to(z.device, z.dtype)
    if times.shape != z.shape[:1]:
        raise ValueError(
            f"times must have shape ({len(z)},), one a pair, got {tuple(times.shape)}."
        )
    return relevant_pairs(labels, len(z), z.device), temporal_alignment(times, window)
