"""Contrast: the partner, or all items of the class, against the rest of the batch."""

import torch
from torch.nn import functional as F

from mmlearn.arrays import cosine_similarity
from mmlearn.losses.checks import check_paired, check_positive, full_precision
from mmlearn.mining import relevant_pairs

__all__ = ["contrastive_pairs_loss", "info_nce", "siglip", "supcon"]


@full_precision
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
    zx, zy = check_paired(zx, zy)
    logits = _logits(zx, zy, temperature)
    own = torch.arange(len(zx), device=zx.device)
    return (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2


@full_precision
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
    zx, zy = check_paired(zx, zy)
    logits = _logits(zx, zy, temperature) + bias
    sign = 2 * torch.eye(len(zx), dtype=zx.dtype, device=zx.device) - 1
    return -F.logsigmoid(sign * logits).mean()


@full_precision
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
    zx, zy = check_paired(zx, zy)
    logits = _logits(zx, zy, temperature)
    relevant = relevant_pairs(labels, len(zx), zx.device).to(zx.dtype)
    partners = relevant / relevant.sum(dim=1, keepdim=True)
    log_p = logits.log_softmax(dim=1) + logits.T.log_softmax(dim=1)
    return -(partners * log_p).sum(dim=1).mean() / 2


@full_precision
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
    zx, zy = check_paired(zx, zy)
    check_positive(margin, "margin")
    relevant = relevant_pairs(labels, len(zx), zx.device)
    # The exact mode: by matrix products, small distances would drown in rounding.
    d = torch.cdist(zx, zy, compute_mode="donot_use_mm_for_euclid_dist")
    return torch.where(relevant, d**2, (margin - d).relu() ** 2).mean() / 2


def _logits(zx, zy, temperature):
    check_positive(temperature, "temperature")
    return cosine_similarity(zx, zy) / temperature
