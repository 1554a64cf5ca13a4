"""Canonical correlation analysis (Hotelling, Biometrika 1936)."""

import numpy as np
from scipy.linalg import LinAlgError, cholesky, solve_triangular

from mmlearn.classical.moments import MomentEmbedding, fix_signs
from mmlearn.contract import check_number

__all__ = ["CCA"]


class CCA(MomentEmbedding):
    r"""Canonical correlation analysis: linear projections of maximal correlation.

    With Σ_xx, Σ_yy the covariances of the two modalities and Σ_xy their cross-covariance::

        T = Σ_xx^{-1/2} Σ_xy Σ_yy^{-1/2} = U diag(ρ) Vᵀ
        A = Σ_xx^{-1/2} U,   B = Σ_yy^{-1/2} V

    Without shrinkage the columns of (X - mean) A are uncorrelated with variance one, likewise
    (Y - mean) B, and the i-th columns of both correlate with ρ_i. Here Σ^{-1/2} stands for any
    square root of the inverse; the Cholesky factor is the cheapest.

    Parameters
    ----------
    n_components : int, default 50
    shrinkage : float in [0, 1], default 0.1
        Each covariance becomes (1 - s) Σ + s (tr Σ / d) I. With s = 0 the sample correlations are
        exact and do not change under invertible linear maps of either modality; directions whose
        variance is zero up to rounding are then dropped. With more features than pairs and s = 0
        every training correlation is 1 and means nothing: keep some shrinkage.

    Attributes
    ----------
    image_weights_ : (d_x, n_components), text_weights_ : (d_y, n_components)
    correlations_ : (n_components,), descending, each in [0, 1]
    image_mean_ : (d_x,), text_mean_ : (d_y,)

    Raises
    ------
    ValueError
        NaN or infinity, unequal lengths, arrays that are not matrices, constant data, or more
        components than pairs, features or (with s = 0) linearly independent directions.

    References
    ----------
    Hotelling, Relations Between Two Sets of Variates, Biometrika 28, 1936.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> z = rng.normal(size=(500, 1))
    >>> x, y = z + rng.normal(size=(500, 3)), z + rng.normal(size=(500, 2))
    >>> cca = CCA(n_components=1).fit(x, y)
    >>> cca.embed_images(x).shape, bool(cca.correlations_[0] > 0.6)
    ((500, 1), True)
    """

    def __init__(self, n_components=50, shrinkage=0.1):
        self.n_components = n_components
        self.shrinkage = shrinkage

    @property
    def correlations_(self):
        """Canonical correlations of the (shrunk) training covariances, (n_components,)."""
        return self._solved()[2]

    def _solve(self, moments):
        check_number(self.shrinkage, "shrinkage", 0, 1)
        n, k = moments.n, self.n_components
        whiten_x = _whitener(moments.s_xx / n, self.shrinkage, "images", k)
        whiten_y = _whitener(moments.s_yy / n, self.shrinkage, "texts", k)
        t = whiten_x.left(whiten_y.left((moments.s_xy / n).T).T)
        u, rho, vt = np.linalg.svd(t, full_matrices=False)
        a, b = whiten_x.right(u[:, :k]), whiten_y.right(vt[:k].T)
        return *fix_signs(a, b), np.clip(rho[:k], 0, 1)


class _Cholesky:
    """Whitening by Σ = L Lᵀ: the root of the inverse is L^{-T}, never formed."""

    def __init__(self, factor):
        self.factor = factor

    def left(self, m):
        return solve_triangular(self.factor, m, lower=True, check_finite=False)

    def right(self, m):
        return solve_triangular(self.factor, m, lower=True, trans="T", check_finite=False)


class _Eigen:
    """Whitening by eigenvectors, for a covariance that does not have full rank."""

    def __init__(self, root):
        self.root = root  # (d, rank)

    def left(self, m):
        return self.root.T @ m

    def right(self, m):
        return self.root @ m


def _whitener(cov, shrinkage, name, k):
    d = len(cov)
    if shrinkage > 0:
        ridge = shrinkage * cov.trace() / d
        cov = (1 - shrinkage) * cov
        cov[np.diag_indices(d)] += ridge
    factor = _full_rank_cholesky(cov)
    if factor is not None:
        return _Cholesky(factor)
    # Of the correlations, so that what is singular does not depend on the scale of a column.
    scale = np.sqrt(cov.diagonal())
    scale = np.where(scale > 0, scale, np.inf)
    values, vectors = np.linalg.eigh(cov / np.outer(scale, scale))
    kept = values > values[-1] * d * np.finfo(np.float64).eps
    if kept.sum() < k:
        raise ValueError(
            f"{name} span only {kept.sum()} independent directions, fewer than n_components={k}; "
            "ask for fewer components, give more pairs, or set shrinkage above 0."
        )
    return _Eigen(vectors[:, kept] / np.sqrt(values[kept]) / scale[:, None])


def _full_rank_cholesky(cov):
    """The lower Cholesky factor, or None where the covariance is singular up to rounding."""
    try:
        factor = cholesky(cov, lower=True, check_finite=False)
    except LinAlgError:
        return None
    pivots = factor.diagonal() ** 2
    # A pivot is what a column adds beyond the ones before it, so it is compared with that column.
    singular = (pivots <= cov.diagonal() * len(cov) * np.finfo(np.float64).eps * 10).any()
    return None if singular else factor
