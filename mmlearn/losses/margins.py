"""SAM's margins: how far apart two categories should be, and when in training."""

import math

import torch

from mmlearn.arrays import check_finite, cosine_similarity
from mmlearn.kinds import as_tensor
from mmlearn.losses.checks import (
    as_floats,
    check_classes,
    check_positive,
    check_progress,
)

__all__ = [
    "adaptive_margin",
    "class_centroids",
    "extended_labels",
    "label_conditionals",
    "sam_schedule",
]


def adaptive_margin(labels, centroids=None, base=0.2, g=1.0):
    """SAM's margin of each (anchor, negative): smaller the more their categories have in common.

    ::

        m_an = (1 - g) m_0 + g m_0 (1 - sim(category of a, category of n))

    The idea is the paper's, the formula of sim is ours, to be compared with arXiv:1909.13733:
    between classes sim is the cosine of their centroids, with a negative cosine taken as 0;
    between sets of labels it is the Jaccard index Σ min(a, n) / Σ max(a, n), 1 for two empty sets;
    so the margin runs from 0 (same category) to m_0 (unrelated), for both. No gradient passes
    through it.

    Two sets that share no label have a Jaccard index of 0, whatever they mean. Degrees of
    membership between 0 and 1, such as :func:`extended_labels` gives, tell them apart.

    Parameters
    ----------
    labels : (n,) classes, with `centroids`; or (n, t) indicators, or degrees from 0 to 1, without
    centroids : (n_classes, k), as from :func:`class_centroids`
    base : float > 0: m_0
    g : float from 0 (the static margin) to 1 (fully adaptive), as from :func:`sam_schedule`

    Returns
    -------
    (n, n) tensor, for ``triplet_loss(..., margins=...)``

    Raises
    ------
    ValueError: classes without centroids or outside them, indicators with centroids, bad numbers

    References
    ----------
    Semedo, Magalhães, Cross-Modal Subspace Learning with Scheduled Adaptive Margin Constraints,
    ACM MM 2019, 75-83; arXiv:1909.13733.

    >>> adaptive_margin(torch.tensor([[1, 1, 0], [0, 1, 1]]), base=0.3)
    tensor([[0.0000, 0.2000],
            [0.2000, 0.0000]])
    """
    check_positive(base, "base")
    if not 0 <= g <= 1:
        raise ValueError(f"g must lie between 0 and 1, got {g}.")
    labels = check_finite(as_tensor(labels, "labels"), "labels")
    if centroids is not None:
        centroids = as_floats(centroids, "centroids").detach()
        labels = labels.to(centroids.device)
    if labels.ndim == 1 and centroids is not None:
        check_classes(labels, len(centroids))
        sim = cosine_similarity(centroids, centroids).clamp(0, 1)
        sim.fill_diagonal_(1)  # a class agrees with itself, also where its centroid is 0
        sim = sim[labels.long()][:, labels.long()]
    elif labels.ndim == 2 and centroids is None:
        labels = _degrees(labels, "labels")
        total = labels.sum(dim=1)[:, None] + labels.sum(dim=1)[None, :]
        apart = torch.cdist(labels, labels, p=1)  # Σ max - Σ min, and total is Σ max + Σ min
        union = total + apart
        sim = torch.where(union > 0, (total - apart) / union.clamp(min=1e-6), 1.0)
    else:
        raise ValueError(
            "pass classes (n,) together with centroids (n_classes, k), or indicators (n, t) "
            f"without; got labels of shape {tuple(labels.shape)} "
            f"{'without' if centroids is None else 'with'} centroids."
        )
    return base * (1 - g * sim)


def _degrees(labels, name):
    """Degrees of membership from 0 to 1, as a tensor, float32 at least."""
    labels = as_tensor(labels, name)
    labels = labels.float() if labels.dtype != torch.float64 else labels
    if not bool(((labels >= 0) & (labels <= 1)).all()):  # NaN, too
        raise ValueError(f"{name} must be indicators of 0 and 1, or degrees between.")
    return labels


def label_conditionals(given):
    """How often one label goes with another: P(l | j) = n_lj / n_j, with P(j | j) = 1.

    n_j counts the items that carry label j, and n_lj those that carry both.

    Parameters
    ----------
    given : (m, t) indicators of 0 and 1, such as those of all training items

    Returns
    -------
    (t, t), row j and column l holding P(l | j)

    >>> label_conditionals(torch.tensor([[1, 1], [1, 0]]))
    tensor([[1.0000, 0.5000],
            [1.0000, 1.0000]])
    """
    given = _degrees(given, "given")
    together = given.T @ given
    conditionals = together / together.diagonal().clamp(min=1)[:, None]
    return conditionals.fill_diagonal_(1)


def extended_labels(labels, conditionals):
    """Sets of labels, extended by the labels that tend to go with their own.

    ::

        u_il = max over the labels j of item i of P(l | j)

    An own label keeps the degree 1.

    Parameters
    ----------
    labels : (n, t) indicators of 0 and 1
    conditionals : (t, t), from :func:`label_conditionals`

    Returns
    -------
    (n, t) degrees from 0 to 1

    Raises
    ------
    ValueError: conditionals of other labels

    >>> given = torch.tensor([[1, 0, 1], [0, 1, 1], [1, 0, 0], [0, 1, 0]])
    >>> conditionals = label_conditionals(given)
    >>> extended_labels(torch.tensor([[1, 0, 0]]), conditionals)  # the third goes with the first
    tensor([[1.0000, 0.0000, 0.5000]])
    """
    labels, conditionals = _degrees(labels, "labels"), as_floats(conditionals, "conditionals")
    if labels.ndim != 2 or conditionals.shape != (labels.shape[1],) * 2:
        raise ValueError(
            "labels (n, t) need conditionals (t, t) over the same labels; got shapes "
            f"{tuple(labels.shape)} and {tuple(conditionals.shape)}."
        )
    own = [conditionals[row > 0].amax(dim=0) if bool((row > 0).any()) else row for row in labels]
    return torch.stack(own)


@torch.no_grad()
def class_centroids(z, labels, n_classes):
    """Mean embedding of each class, (n_classes, k), without gradient; 0 for a class not there.

    Parameters
    ----------
    z : (n, k)
    labels : (n,) whole numbers from 0 to n_classes - 1
    n_classes : int

    Raises
    ------
    ValueError: labels of another length or outside the classes

    >>> class_centroids(torch.tensor([[1.0, 0.0], [3.0, 2.0]]), torch.tensor([1, 1]), 2)
    tensor([[0., 0.],
            [2., 1.]])
    """
    z = as_floats(z, "z")
    labels = check_finite(as_tensor(labels, "labels"), "labels").to(z.device)
    if z.ndim != 2 or labels.shape != z.shape[:1]:
        raise ValueError(
            "z must be (n, k) and labels (n,), one class a row; got shapes "
            f"{tuple(z.shape)} and {tuple(labels.shape)}."
        )
    check_classes(labels, n_classes)
    labels = labels.long()
    sums = z.new_zeros(n_classes, z.shape[1]).index_add_(0, labels, z)
    return sums / labels.bincount(minlength=n_classes).clamp(min=1)[:, None]


def sam_schedule(progress, midpoint=0.5, steepness=10.0):
    """How far SAM's margin has become adaptive: a sigmoid of the progress of training.

    ::

        σ(p) = 1 / (1 + exp(-steepness (p - midpoint))),   g(p) = (σ(p) - σ(0)) / (σ(1) - σ(0))

    The second step stretches the sigmoid so that g is exactly 0 at the start and exactly 1 at the
    end. The shape is ours, as the formula of :func:`adaptive_margin`.

    Parameters
    ----------
    progress : float from 0 to 1, the share of the training done
    midpoint : float from 0 to 1, where the sigmoid is steepest
    steepness : float > 0

    Raises
    ------
    ValueError: progress or midpoint outside [0, 1], or steepness not above 0

    >>> sam_schedule(0.0), sam_schedule(0.5), sam_schedule(1.0)
    (0.0, 0.5, 1.0)
    """
    check_progress(progress)
    check_positive(steepness, "steepness")
    if not 0 <= midpoint <= 1:
        raise ValueError(f"midpoint must lie between 0 and 1, got {midpoint}.")
    # σ(x) = ½ (1 + tanh(x/2)), and tanh cannot overflow; the ½ and the 1 cancel below.
    start, now, end = (math.tanh(steepness * (p - midpoint) / 2) for p in (0.0, progress, 1.0))
    return (now - start) / (end - start)
