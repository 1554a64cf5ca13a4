"""Losses as pure functions of embeddings, for the course's own loop and for yours.

Each is ``loss(zx, zy, ...) -> scalar tensor``: `zx` (n, k) embeds the images, `zy` (n, k) the
texts, row i of both is pair i. All are computed in float32 or better, whatever the dtype of the
embeddings and inside autocast too, and have finite gradients on collapsed and whitened
embeddings alike. A batch that holds nothing to learn from (no negative, no violated margin) gives
0 with the graph attached, so that ``backward`` works and leaves zero gradients.
"""

import math
import warnings
from functools import cache, wraps

import torch
from torch.nn import functional as F

from mmlearn.arrays import cosine_similarity
from mmlearn.mining import active_counts, batch_hard, relevant_pairs, semi_hard

__all__ = [
    "adaptive_margin",
    "adversary_strength",
    "cca_loss",
    "class_centroids",
    "classification_loss",
    "contrastive_pairs_loss",
    "correspondence_loss",
    "diachronic_inter_loss",
    "diachronic_intra_loss",
    "extended_labels",
    "info_nce",
    "label_conditionals",
    "reconstruction_loss",
    "reverse_gradient",
    "sam_schedule",
    "siglip",
    "supcon",
    "temporal_alignment",
    "triplet_loss",
    "triplet_loss_one_way",
]


def _full_precision(loss):
    """Compute `loss` outside autocast, which would run its matrix products in half precision."""

    @wraps(loss)
    def computed(z, *args, **kwargs):
        with torch.autocast(z.device.type, enabled=False):
            return loss(z, *args, **kwargs)

    return computed


# ------------------------------------------------------------------- reconstruction, correspondence


@_full_precision
def reconstruction_loss(x, x_hat, present=None):
    """Mean squared error of a reconstruction, over the rows that are present::

        L = mean_ij (x_ij - x̂_ij)²

    Parameters
    ----------
    x, x_hat : (n, d) what was to be reconstructed, and the reconstruction
    present : (n,) booleans, optional. Rows marked False count for nothing, whatever they hold.

    Raises
    ------
    ValueError: shapes that differ, or a mask that is not (n,)

    >>> x, x_hat = torch.tensor([[1.0, 2.0], [0.0, 0.0]]), torch.tensor([[1.0, 4.0], [9.0, 9.0]])
    >>> reconstruction_loss(x, x_hat, present=torch.tensor([True, False]))
    tensor(2.)
    """
    if x.shape != x_hat.shape:
        raise ValueError(
            f"x and x_hat must have one shape, got {tuple(x.shape)} and {tuple(x_hat.shape)}."
        )
    if present is not None:
        present = torch.as_tensor(present, device=x.device).bool()
        if present.shape != x.shape[:1]:
            raise ValueError(
                f"present must have shape ({len(x)},), one flag a row, got {tuple(present.shape)}."
            )
        x, x_hat = x[present], x_hat[present]
    squared = (_at_least_float32(x) - _at_least_float32(x_hat)) ** 2
    return squared.sum() / max(squared.numel(), 1)


@_full_precision
def correspondence_loss(zx, zy):
    """Squared distance of the two codes of a pair: L = mean_i ||zx_i - zy_i||².

    It is least when all codes are one point; something else has to keep them apart.

    Parameters
    ----------
    zx, zy : (n, k)

    Raises
    ------
    ValueError: shapes that differ

    References
    ----------
    Feng, Wang, Li, Cross-modal Retrieval with Correspondence Autoencoder, ACM MM 2014.

    >>> correspondence_loss(torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0]]))
    tensor(25.)
    """
    zx, zy = _check_pair(zx, zy)
    return ((zx - zy) ** 2).sum(dim=1).mean()


# -------------------------------------------------------------------------- canonical correlation


@_full_precision
def cca_loss(zx, zy, ridge=1e-3, power=2, n_components=None):
    """Minus the sum of the (squared) canonical correlations of a batch.

    With S the sample covariances of the batch (divided by n - 1)::

        S_xx + r_x I = L_x L_xᵀ,   S_yy + r_y I = L_y L_yᵀ
        T = L_x^{-1} S_xy L_y^{-T}
        L = -||T||_F² = -Σ ρ_i²   (power = 2)     L = -||T||_* = -Σ ρ_i   (power = 1)

    The paper maximises Σρ with S^{-1/2} from an eigendecomposition, whose gradient is NaN as soon
    as two eigenvalues agree: on a whitened modality, or with two dead units. The Cholesky factor
    gives the same correlations with finite gradients, and Σρ² needs no decomposition of T at all.

    A batch flatters: independent modalities show Σρ² ≈ k_x k_y / (n - 1), which for k = 50 is 40
    at n = 64 and 5 at n = 512. Keep the batch well above ten times the dimension.

    Parameters
    ----------
    zx : (n, k_x), zy : (n, k_y); n > k_x and n > k_y
    ridge : float, or a pair (r_x, r_y): added to the variances, in their units. At 0 the loss does
        not change under invertible linear maps of either modality.
    power : 2 or 1
    n_components : int, optional: count the largest correlations only

    Returns
    -------
    scalar tensor of the embeddings' dtype, float32 at least; the linear algebra is in float64.

    Raises
    ------
    ValueError
        A batch no larger than the dimension, with which every correlation is 1; a covariance that
        is singular at ridge = 0; a negative ridge, another power, or too many components.

    Warns
    -----
    UserWarning, once for each shape, below ten pairs a dimension

    References
    ----------
    Andrew, Arora, Bilmes, Livescu, Deep Canonical Correlation Analysis, ICML 2013.

    >>> z = torch.randn(200, 3, generator=torch.Generator().manual_seed(0))
    >>> cca_loss(z, z @ torch.diag(torch.tensor([1.0, -2.0, 5.0])), ridge=0)
    tensor(-3.)
    """
    if zx.ndim != 2 or zy.ndim != 2 or len(zx) != len(zy):
        raise ValueError(
            "zx and zy must be matrices (n, k_x) and (n, k_y), paired row by row; got shapes "
            f"{tuple(zx.shape)} and {tuple(zy.shape)}."
        )
    n, k_x, k_y = len(zx), zx.shape[1], zy.shape[1]
    r_x, r_y = ridge if isinstance(ridge, tuple | list) else (ridge, ridge)
    if min(r_x, r_y) < 0:
        raise ValueError(f"ridge must not be negative, got {ridge}.")
    if power not in (1, 2):
        raise ValueError(f"power must be 2 (sum of ρ²) or 1 (sum of ρ), got {power}.")
    if n_components is not None and not 1 <= n_components <= min(k_x, k_y):
        raise ValueError(
            f"n_components must lie between 1 and {min(k_x, k_y)}, the smaller of the two "
            f"embeddings, got {n_components}."
        )
    if n <= max(k_x, k_y):
        raise ValueError(
            f"a batch of {n} pairs in {max(k_x, k_y)} dimensions correlates perfectly whatever it "
            "holds; use a batch well above ten times the dimension, and drop a short last batch."
        )
    if n < 10 * max(k_x, k_y):
        _warn_small_batch(n, k_x, k_y)

    dtype = _at_least_float32(zx).dtype
    zx, zy = _float64(zx), _float64(zy)
    zx, zy = zx - zx.mean(dim=0), zy - zy.mean(dim=0)
    l_x = _cholesky(zx.T @ zx / (n - 1), r_x, "zx")
    l_y = _cholesky(zy.T @ zy / (n - 1), r_y, "zy")
    t = torch.linalg.solve_triangular(l_x, zx.T @ zy / (n - 1), upper=False)
    t = torch.linalg.solve_triangular(l_y, t.T, upper=False)
    if power == 2 and n_components is None:
        return -(t**2).sum().to(dtype)
    rho = torch.linalg.svdvals(t)[:n_components]
    return -(rho**power).sum().to(dtype)


@cache  # so that a training loop is warned once, not at every step
def _warn_small_batch(n, k_x, k_y):
    warnings.warn(
        f"a batch of {n} pairs for {max(k_x, k_y)} dimensions is below ten pairs a dimension: "
        f"even independent modalities would show a sum of squared correlations of about "
        f"{k_x * k_y / (n - 1):.1f} out of {min(k_x, k_y)} (mini-batch bias), so the loss rewards "
        "chance; use larger batches or fewer dimensions.",
        stacklevel=4,
    )


def _float64(z):
    return z.cpu().double() if z.device.type == "mps" else z.double()  # mps knows no float64


def _cholesky(cov, ridge, name):
    cov = cov + ridge * torch.eye(len(cov), dtype=cov.dtype, device=cov.device)
    factor, failed = torch.linalg.cholesky_ex(cov)
    if failed:
        raise ValueError(
            f"the covariance of {name} is singular (a constant or repeated unit, or NaN); "
            "set ridge above 0 and check the embeddings."
        )
    return factor


# ------------------------------------------------------------------------------- classification


@_full_precision
def classification_loss(logits, labels):
    """Cross-entropy, for one class an item or for several labels an item.

    ::

        classes (n,):        L = -mean_i log softmax(logits_i)[label_i]
        indicators (n, t):   L = -mean_ij [y_ij log σ(l_ij) + (1 - y_ij) log(1 - σ(l_ij))]

    Parameters
    ----------
    logits : (n, t), before softmax or sigmoid
    labels : (n,) whole numbers from 0 to t - 1, or (n, t) indicators of 0 and 1

    Raises
    ------
    ValueError: labels of another shape, or classes outside 0..t-1

    References
    ----------
    Wei et al., Cross-Modal Retrieval With CNN Visual Features: A New Baseline, IEEE Trans.
    Cybernetics 47(2), 2017 (Deep-SM).

    >>> classification_loss(torch.zeros(2, 4), torch.tensor([0, 3])).exp()
    tensor(4.)
    """
    logits, labels = _at_least_float32(logits), torch.as_tensor(labels, device=logits.device)
    if logits.ndim != 2 or labels.shape not in (logits.shape[:1], logits.shape):
        raise ValueError(
            "labels must be classes (n,) or indicators (n, t) for logits (n, t); got shapes "
            f"{tuple(labels.shape)} and {tuple(logits.shape)}."
        )
    if labels.ndim == 2:
        return F.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype))
    _check_classes(labels, logits.shape[1])
    return F.cross_entropy(logits, labels.long())


# -------------------------------------------------------------------------------------- triplets


@_full_precision
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
        * "semi-hard": every positive with the closest negative further away than it
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
    zx, zy = _check_pair(zx, zy)
    n = len(zx)
    if margins is None:
        _check_positive(margin, "margin")
        margins = margin
    else:
        margins = torch.as_tensor(margins, device=zx.device).to(zx.dtype)
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
    similarity = _at_least_float32(similarity)
    if mining == "all":
        c_ap, c_an = active_counts(similarity, relevant, margin)
        total = (c_an * (margin + similarity) - c_ap * similarity).sum()
        return total / c_ap.sum().clamp(min=1)
    miners = {"semi-hard": semi_hard, "hard": batch_hard}
    if mining not in miners:
        raise ValueError(f'mining must be "all", "semi-hard" or "hard", got {mining!r}.')
    a, p, n = miners[mining](similarity.detach(), relevant, margin)
    if torch.is_tensor(margin):
        margin = margin[a, n]
    losses = (margin - similarity[a, p] + similarity[a, n]).relu()
    return losses.sum() / (losses > 0).sum().clamp(min=1)


def adaptive_margin(labels, centroids=None, base=0.2, g=1.0):
    """SAM's margin of each (anchor, negative): smaller the more their categories have in common.

    ::

        m_an = (1 - g) m_0 + g m_0 (1 - sim(category of a, category of n))

    Reconstruction: the paper's equations could not be had. Choices made here: between classes sim
    is the cosine of their centroids, with a negative cosine taken as 0; between sets of labels it
    is the Jaccard index Σ min(a, n) / Σ max(a, n), 1 for two empty sets; so the margin runs from 0
    (same category) to m_0 (unrelated), for both. No gradient passes through it.

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
    ACM MM 2019, 75-83.

    >>> adaptive_margin(torch.tensor([[1, 1, 0], [0, 1, 1]]), base=0.3)
    tensor([[0.0000, 0.2000],
            [0.2000, 0.0000]])
    """
    _check_positive(base, "base")
    if not 0 <= g <= 1:
        raise ValueError(f"g must lie between 0 and 1, got {g}.")
    labels = torch.as_tensor(labels, device=None if centroids is None else centroids.device)
    if labels.ndim == 1 and centroids is not None:
        _check_classes(labels, len(centroids))
        centroids = _at_least_float32(centroids.detach())
        sim = cosine_similarity(centroids, centroids).clamp(0, 1)
        sim.fill_diagonal_(1)  # a class agrees with itself, also where its centroid is 0
        sim = sim[labels.long()][:, labels.long()]
    elif labels.ndim == 2 and centroids is None:
        labels = labels.float()
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
    given = given.float()
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
    if labels.ndim != 2 or conditionals.shape != (labels.shape[1],) * 2:
        raise ValueError(
            "labels (n, t) need conditionals (t, t) over the same labels; got shapes "
            f"{tuple(labels.shape)} and {tuple(conditionals.shape)}."
        )
    own = [
        conditionals[row > 0].amax(dim=0) if bool((row > 0).any()) else row
        for row in labels.float()
    ]
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
    labels = torch.as_tensor(labels, device=z.device)
    if z.ndim != 2 or labels.shape != z.shape[:1]:
        raise ValueError(
            "z must be (n, k) and labels (n,), one class a row; got shapes "
            f"{tuple(z.shape)} and {tuple(labels.shape)}."
        )
    _check_classes(labels, n_classes)
    z, labels = _at_least_float32(z), labels.long()
    sums = z.new_zeros(n_classes, z.shape[1]).index_add_(0, labels, z)
    return sums / labels.bincount(minlength=n_classes).clamp(min=1)[:, None]


def sam_schedule(progress, midpoint=0.5, steepness=10.0):
    """How far SAM's margin has become adaptive: a sigmoid of the progress of training.

    ::

        σ(p) = 1 / (1 + exp(-steepness (p - midpoint))),   g(p) = (σ(p) - σ(0)) / (σ(1) - σ(0))

    The second step stretches the sigmoid so that g is exactly 0 at the start and exactly 1 at the
    end. Reconstruction, like :func:`adaptive_margin`.

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
    _check_progress(progress)
    _check_positive(steepness, "steepness")
    if not 0 <= midpoint <= 1:
        raise ValueError(f"midpoint must lie between 0 and 1, got {midpoint}.")
    # σ(x) = ½ (1 + tanh(x/2)), and tanh cannot overflow; the ½ and the 1 cancel below.
    start, now, end = (math.tanh(steepness * (p - midpoint) / 2) for p in (0.0, progress, 1.0))
    return (now - start) / (end - start)


# ------------------------------------------------------------------------------------ contrastive


@_full_precision
def info_nce(zx, zy, temperature=0.07):
    """Symmetric InfoNCE: find the partner among all the batch.

    With s_ij the cosine of image i and text j, and τ the temperature::

        L = -½ mean_i [log softmax_j(s_ij / τ)_i + log softmax_j(s_ji / τ)_i]

    Parameters
    ----------
    zx, zy : (n, k)
    temperature : float or scalar tensor (which may be learnt), > 0

    Raises
    ------
    ValueError: shapes that differ, or a temperature not above 0

    References
    ----------
    van den Oord, Li, Vinyals, Representation Learning with Contrastive Predictive Coding,
    arXiv:1807.03748, 2018; Radford et al., Learning Transferable Visual Models From Natural
    Language Supervision, ICML 2021.

    >>> info_nce(torch.ones(8, 2), torch.ones(8, 2)).exp().round()  # log n: no better than chance
    tensor(8.)
    """
    zx, zy = _check_pair(zx, zy)
    logits = _logits(zx, zy, temperature)
    own = torch.arange(len(zx), device=zx.device)
    return (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2


@_full_precision
def siglip(zx, zy, temperature=0.1, bias=-10.0):
    """Sigmoid loss: for each of the n² image-text pairs, is it one of the n true ones?

    With s_ij the cosine of image i and text j, and y_ij = 1 where i = j, else -1::

        L = -mean_ij log σ(y_ij (s_ij / τ + b))

    The paper writes t for 1/τ and divides the sum by n, where this divides it by n²: its value is
    n times this one. It starts from t = 10 and b = -10, and learns both.

    Parameters
    ----------
    zx, zy : (n, k)
    temperature : float or scalar tensor, > 0
    bias : float or scalar tensor

    Raises
    ------
    ValueError: shapes that differ, or a temperature not above 0

    References
    ----------
    Zhai, Mustafa, Kolesnikov, Beyer, Sigmoid Loss for Language Image Pre-Training, ICCV 2023.

    >>> siglip(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]]), bias=0.0).exp()
    tensor(2.)
    """
    zx, zy = _check_pair(zx, zy)
    logits = _logits(zx, zy, temperature) + bias
    sign = 2 * torch.eye(len(zx), dtype=zx.dtype, device=zx.device) - 1
    return -F.logsigmoid(sign * logits).mean()


@_full_precision
def supcon(zx, zy, labels, temperature=0.07):
    """Supervised contrastive loss across modalities: all items of the class are partners.

    With P(i) the items relevant to i, i itself among them, and s_ij the cosine of image i and
    text j::

        L_xy = -mean_i 1/|P(i)| Σ_{p in P(i)} log softmax_j(s_ij / τ)_p,   L = ½ (L_xy + L_yx)

    This is the form with the mean outside the logarithm. With classes that occur once it is
    :func:`info_nce`.

    Parameters
    ----------
    zx, zy : (n, k)
    labels : (n,) classes, or (n, t) indicators (relevant: one label shared)
    temperature : float or scalar tensor, > 0

    Raises
    ------
    ValueError: shapes that differ, labels of another length, or a temperature not above 0

    References
    ----------
    Khosla et al., Supervised Contrastive Learning, NeurIPS 2020.

    >>> supcon(torch.ones(8, 2), torch.ones(8, 2), torch.arange(8) % 2).exp().round()
    tensor(8.)
    """
    zx, zy = _check_pair(zx, zy)
    logits = _logits(zx, zy, temperature)
    relevant = relevant_pairs(labels, len(zx), zx.device).to(zx.dtype)
    partners = relevant / relevant.sum(dim=1, keepdim=True)
    log_p = logits.log_softmax(dim=1) + logits.T.log_softmax(dim=1)
    return -(partners * log_p).sum(dim=1).mean() / 2


@_full_precision
def contrastive_pairs_loss(zx, zy, labels, margin=1.0):
    """Contrastive loss of all n² image-text pairs: one class together, two classes a margin apart.

    With d_ij = ||zx_i - zy_j||::

        L = ½ mean_ij { d_ij² where j is relevant to i,   max(0, m - d_ij)² where it is not }

    The gradient of a distance that is exactly 0 is taken as 0.

    Parameters
    ----------
    zx, zy : (n, k)
    labels : (n,) classes, or (n, t) indicators (relevant: one label shared); None: the pair alone
    margin : float > 0, in the units of the embeddings

    Raises
    ------
    ValueError: shapes that differ, labels of another length, or a margin not above 0

    References
    ----------
    Hadsell, Chopra, LeCun, Dimensionality Reduction by Learning an Invariant Mapping, CVPR 2006;
    Peng, Qi, Huang, Yuan, CCL: Cross-modal Correlation Learning With Multigrained Fusion by
    Hierarchical Network, IEEE TMM 20(2), 2018 (its inter-modality branch).

    >>> z = torch.tensor([[0.0], [0.25]])
    >>> contrastive_pairs_loss(z, z, torch.tensor([0, 1])) * 4  # two pairs at .25, margin 1
    tensor(0.5625)
    """
    zx, zy = _check_pair(zx, zy)
    _check_positive(margin, "margin")
    relevant = relevant_pairs(labels, len(zx), zx.device)
    # The exact mode: by matrix products, small distances would drown in rounding.
    d = torch.cdist(zx, zy, compute_mode="donot_use_mm_for_euclid_dist")
    return torch.where(relevant, d**2, (margin - d).relu() ** 2).mean() / 2


# ------------------------------------------------------------------------------------ diachronic


def temporal_alignment(times, window=math.inf):
    """How well the times of two items agree: 1 at the same time, 0 from `window` on.

    ::

        κ_ij = max(0, 1 - |t_i - t_j| / w)

    Reconstruction: of the alignment window only its name is known; the triangle is chosen here.

    Parameters
    ----------
    times : (n,) tensor
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
    _check_positive(window, "window")
    if times.ndim != 1:
        raise ValueError(f"times must have shape (n,), one an item, got {tuple(times.shape)}.")
    apart = (times[:, None] - times[None, :]).abs()
    return (1 - apart / window).clamp(min=0)


@_full_precision
def diachronic_inter_loss(zx, zy, labels, times, window=math.inf, margin=0.2, mining="all"):
    """Between the categories: a triplet loss whose positives lie within the alignment window.

    ::

        L = ½ (L_xy + L_yx),   L_xy = mean over active (a, p, n) of max(0, m - s_ap + s_an)

    with s the cosine, a an anchor image, p a text of its category with |t_a - t_p| < w (its own
    always among them), and n a text of another category, of any time. A text of the category but
    of another time is neither. With an infinite window this is :func:`triplet_loss`.

    Reconstruction, as :class:`mmlearn.neural.Diachronic`.

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
    zx, zy = _check_pair(zx, zy)
    _check_positive(margin, "margin")
    same, aligned = _same_category(labels, times, window, zx)
    # A cosine that no margin reaches: such a text is no negative of any triplet.
    s = cosine_similarity(zx, zy).masked_fill(same & (aligned == 0), -2 - 2 * margin)
    positives = same & (aligned > 0)
    x_to_y = triplet_loss_one_way(s, positives, margin, mining)
    y_to_x = triplet_loss_one_way(s.T, positives, margin, mining)
    return (x_to_y + y_to_x) / 2


@_full_precision
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

    Reconstruction, as :class:`mmlearn.neural.Diachronic`.

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
    zx, zy = _check_pair(zx, zy)
    _check_positive(margin, "margin")
    same, aligned = _same_category(labels, times, window, zx)
    s = cosine_similarity(zx, zy)
    pull = torch.where(same, aligned, 0)
    inside = (pull * (1 - s)).sum() / pull.sum()  # an item is always aligned with itself
    outside = same & (aligned == 0)
    push = torch.where(outside, margin - (1 - s), 0).relu()
    return inside + push.sum() / outside.sum().clamp(min=1)


def _same_category(labels, times, window, z):
    """Which pairs share a category, and how well their times agree, both (n, n)."""
    times = torch.as_tensor(times, device=z.device).to(z.dtype)
    if times.shape != z.shape[:1]:
        raise ValueError(
            f"times must have shape ({len(z)},), one a pair, got {tuple(times.shape)}."
        )
    return relevant_pairs(labels, len(z), z.device), temporal_alignment(times, window)


# ------------------------------------------------------------------------------------- adversary


class _ReverseGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, strength):
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx, gradient):
        return -ctx.strength * gradient, None


def reverse_gradient(x, strength=1.0):
    """Return `x` itself; on the way back its gradient is multiplied by -strength.

    What stands after it learns to lower the loss, and what stands before it to raise it.

    Parameters
    ----------
    x : tensor of any shape
    strength : float >= 0, the λ of :func:`adversary_strength`

    Raises
    ------
    ValueError: negative strength, which would make allies of the adversaries

    References
    ----------
    Ganin, Lempitsky, Unsupervised Domain Adaptation by Backpropagation, ICML 2015.

    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> reverse_gradient(x, 0.5).sum().backward()
    >>> x.grad
    tensor([-0.5000, -0.5000])
    """
    if strength < 0:
        raise ValueError(f"strength must not be negative, got {strength}.")
    return _ReverseGradient.apply(x, strength)


def adversary_strength(progress):
    """Strength of the reversed gradient, from 0 at the start towards 1: λ(p) = 2/(1+e^(-10p)) - 1.

    Parameters
    ----------
    progress : float from 0 to 1, the share of the training done

    Raises
    ------
    ValueError: progress outside [0, 1]

    References
    ----------
    Ganin, Lempitsky, Unsupervised Domain Adaptation by Backpropagation, ICML 2015.

    >>> adversary_strength(0.0), round(adversary_strength(1.0), 4)
    (0.0, 0.9999)
    """
    _check_progress(progress)
    return 2 / (1 + math.exp(-10 * progress)) - 1


# ---------------------------------------------------------------------------------------- checks


def _logits(zx, zy, temperature):
    _check_positive(temperature, "temperature")
    return cosine_similarity(zx, zy) / temperature


def _check_pair(zx, zy):
    if zx.ndim != 2 or zx.shape != zy.shape or zx.numel() == 0:
        raise ValueError(
            "zx and zy must be matrices of one shape (n, k), paired row by row; got shapes "
            f"{tuple(zx.shape)} and {tuple(zy.shape)}."
        )
    zx, zy = _at_least_float32(zx), _at_least_float32(zy)
    dtype = torch.promote_types(zx.dtype, zy.dtype)
    return zx.to(dtype), zy.to(dtype)


def _at_least_float32(z):
    return z if z.dtype in (torch.float32, torch.float64) else z.float()


def _check_positive(value, name):
    if not value > 0:
        raise ValueError(f"{name} must be above 0, got {float(value)}.")


def _check_progress(progress):
    if not 0 <= progress <= 1:
        raise ValueError(f"progress must lie between 0 and 1, got {progress}.")


def _check_classes(labels, n_classes):
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < n_classes:
        raise ValueError(
            f"labels must be whole numbers from 0 to {n_classes - 1}, got {labels.min().item()} "
            f"to {labels.max().item()}."
        )
