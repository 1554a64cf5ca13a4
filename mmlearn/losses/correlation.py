"""The canonical correlations of a batch as a loss."""

import warnings
from functools import cache

import torch

from mmlearn.arrays import check_finite
from mmlearn.losses.checks import DIVERGED, as_two, full_precision

__all__ = ["cca_loss"]


@full_precision
def cca_loss(zx, zy, ridge=1e-3, power=2, n_components=None):
    """Minus the sum of the (squared) canonical correlations of a batch.

    With S the sample covariances of the batch (divided by n - 1)::

        S_xx + r_x I = L_x L_xᵀ,   S_yy + r_y I = L_y L_yᵀ
        T = L_x^{-1} S_xy L_y^{-T}
        L = -||T||_F² = -Σ ρ_i²   (power = 2)     L = -||T||_* = -Σ ρ_i   (power = 1)

    The paper maximises Σρ with S^{-1/2}, and gives its gradient in closed form. Automatic
    differentiation through the eigendecomposition of S would give NaN where two eigenvalues agree
    exactly: on a whitened modality, or with two dead units. The Cholesky factor gives the same
    correlations without that, and Σρ² needs no decomposition of T at all.

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
    zx, zy = as_two(zx, zy)
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

    dtype = zx.dtype
    zx, zy = (_float64(check_finite(z, name, DIVERGED)) for z, name in ((zx, "zx"), (zy, "zy")))
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
