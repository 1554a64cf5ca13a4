"""Kernel canonical correlation analysis (Hardoon, Szedmak, Shawe-Taylor 2004)."""

from contextlib import suppress

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.sparse.linalg import ArpackNoConvergence, svds
from sklearn.utils.validation import check_is_fitted

from mmlearn.arrays import in_kind_of
from mmlearn.classical.kernels import KernelMap, dual_coefficients
from mmlearn.contract import CoordinatedEmbedding, check_number

__all__ = ["KCCA"]


class KCCA(CoordinatedEmbedding):
    r"""Kernel CCA: canonical correlations between functions of the two modalities.

    With K_x, K_y the centred training kernels (n, n)::

        maximise αᵀ K_x K_y β   subject to   αᵀ (K_x² + κ K_x) α = βᵀ (K_y² + κ K_y) β = 1

    For features Φ with K = Φ Φᵀ and w = Φᵀ α this is CCA of Φ_x and Φ_y with a ridge κ::

        S = ΦᵀΦ + κI = C Cᵀ,   T = C_x^{-1} Φ_xᵀ Φ_y C_y^{-T} = U diag(ρ) Vᵀ
        w_x = C_x^{-T} U,   w_y = C_y^{-T} V

    and so it is computed: Φ comes from a Cholesky factorisation of the kernel with pivoting,
    which a singular kernel survives, and the leading singular triplets of T from Lanczos. With
    `n_landmarks` Φ has that many columns instead of n (Nyström), and n may be large.
    (The constraint αᵀ (K + κI)² α = 1 of Bach and Jordan is another method, not ridge CCA.)

    Embeddings are scaled by √n, so that, as in CCA, a component's variance is at most about one.

    Parameters
    ----------
    n_components : int, default 20
    image_kernel, text_kernel : "linear", "rbf", "chi2" or "precomputed", default "rbf"
        Precomputed: `fit` gets training kernels (n, n), and `embed_images` the kernels of new
        items with all training items, (m, n). Neither needs to be centred.
    image_gamma, text_gamma : float, optional
        Of exp(-gamma · distance); None takes one over the mean distance within the training set.
    kappa : float above 0, or a pair of them (images, texts), default 0.01
        The ridge as a share of the total variance: κ = kappa · tr K. So it means the same for any
        n and any scale of the kernel. Towards 0 every training correlation becomes 1 and means
        nothing. The noisier modality may need the larger ridge.
    n_landmarks : int, optional
        None solves exactly, in O(n³); a number draws that many training items as landmarks.
    random_state : int, default 0: which landmarks are drawn

    Attributes
    ----------
    correlations_ : (n_components,), descending, each in [0, 1]
    image_map_, text_map_ : KernelMap, with the landmarks and the gamma used
    image_coefficients_, text_coefficients_ : (landmarks, n_components), α and β
    image_offset_, text_offset_ : (n_components,), subtracted to centre new kernels

    Raises
    ------
    ValueError
        What :class:`~mmlearn.classical.kernels.KernelMap` refuses, kappa not above 0, or more
        components than pairs or than independent directions of a kernel.

    References
    ----------
    Hardoon, Szedmak, Shawe-Taylor, Canonical Correlation Analysis: An Overview with Application
    to Learning Methods, Neural Computation 16(12), 2004.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.uniform(-1, 1, size=(300, 1))
    >>> kcca = KCCA(n_components=1).fit(x, x**2)  # x and x² do not correlate linearly
    >>> new = rng.uniform(-1, 1, size=(300, 1))
    >>> z_x, z_y = kcca.embed_images(new), kcca.embed_texts(new**2)
    >>> bool(np.corrcoef(z_x.T, z_y.T)[0, 1] > 0.95)
    True
    """

    def __init__(
        self,
        n_components=20,
        image_kernel="rbf",
        text_kernel="rbf",
        image_gamma=None,
        text_gamma=None,
        kappa=0.01,
        n_landmarks=None,
        random_state=0,
    ):
        self.n_components = n_components
        self.image_kernel = image_kernel
        self.text_kernel = text_kernel
        self.image_gamma = image_gamma
        self.text_gamma = text_gamma
        self.kappa = kappa
        self.n_landmarks = n_landmarks
        self.random_state = random_state

    def fit(self, images, texts, labels=None):
        """Fit on paired rows: images (n, d_x), texts (n, d_y); `labels` are not used."""
        images, texts = self._training_pair(images, texts)
        self._check(len(images))
        settings = self.n_landmarks, self.random_state
        self.image_map_ = KernelMap(self.image_kernel, self.image_gamma, *settings)
        self.text_map_ = KernelMap(self.text_kernel, self.text_gamma, *settings)
        phi_x, root_x = self.image_map_.fit(images.astype(np.float64), "images")
        phi_y, root_y = self.text_map_.fit(texts.astype(np.float64), "texts")
        mean_x, mean_y = phi_x.mean(axis=0), phi_y.mean(axis=0)
        phi_x -= mean_x
        phi_y -= mean_y
        w_x, w_y, self.correlations_ = self._ridge_cca(phi_x, phi_y)
        # The sign comes from the scores: they are the same however the kernel was factorised.
        scores = phi_x @ w_x
        sign = np.sign(scores[np.abs(scores).argmax(axis=0), np.arange(w_x.shape[1])])
        w_x, w_y = w_x * sign, w_y * sign
        self.image_offset_, self.text_offset_ = mean_x @ w_x, mean_y @ w_y
        self.image_coefficients_ = dual_coefficients(root_x, w_x)
        self.text_coefficients_ = dual_coefficients(root_y, w_y)
        return self

    def embed_images(self, images):
        """Project images (m, d_x), or their kernels (m, n), to (m, n_components)."""
        check_is_fitted(self)
        images = self._new_rows(images, "images", self.image_map_.n_features_)
        k = self.image_map_(images, "images")
        return in_kind_of(images, k @ self.image_coefficients_ - self.image_offset_)

    def embed_texts(self, texts):
        """Project texts (m, d_y), or their kernels (m, n), to (m, n_components)."""
        check_is_fitted(self)
        texts = self._new_rows(texts, "texts", self.text_map_.n_features_)
        k = self.text_map_(texts, "texts")
        return in_kind_of(texts, k @ self.text_coefficients_ - self.text_offset_)

    def _ridge_cca(self, phi_x, phi_y):
        n, k = len(phi_x), self.n_components
        kappa_x, kappa_y = np.broadcast_to(self.kappa, 2)
        c_x, c_y = _ridge_root(phi_x, kappa_x), _ridge_root(phi_y, kappa_y)
        if min(len(c_x), len(c_y)) < k:
            raise ValueError(
                f"the kernels span only {len(c_x)} and {len(c_y)} directions, fewer than "
                f"n_components={k}; ask for fewer components."
            )
        t = solve_triangular(c_x, phi_x.T @ phi_y, lower=True, check_finite=False)
        t = solve_triangular(c_y, t.T, lower=True, check_finite=False).T
        u, rho, v = _leading_triplets(t, k)
        w_x = solve_triangular(c_x, u, lower=True, trans="T") * np.sqrt(n)
        w_y = solve_triangular(c_y, v, lower=True, trans="T") * np.sqrt(n)
        return w_x, w_y, np.clip(rho, 0, 1)

    def _check(self, n):
        k = self.n_components
        check_number(k, "n_components", 1, whole=True)
        if n <= k:
            raise ValueError(
                f"{n} pairs are too few for n_components={k}; "
                f"give more than {k} pairs, or ask for fewer components."
            )
        kappa = np.asarray(self.kappa, dtype=np.float64)
        if kappa.shape not in ((), (2,)) or not (kappa > 0).all():
            raise ValueError(
                f"kappa must be a number above 0, or a pair of them, got {self.kappa}: without a "
                "ridge every training correlation is 1 and means nothing."
            )


def _ridge_root(phi, kappa):
    """Lower Cholesky factor of ΦᵀΦ + κI, with κ = kappa · tr K and tr K = tr ΦᵀΦ."""
    s = phi.T @ phi
    s[np.diag_indices(len(s))] += kappa * s.trace()
    # The transpose of a symmetric matrix is itself, in the order of columns that saves a copy.
    return cholesky(s.T, lower=True, overwrite_a=True, check_finite=False)


def _leading_triplets(t, k):
    """The k leading singular triplets, in descending order: u (r_x, k), ρ (k,), v (r_y, k)."""
    if min(t.shape) > max(10 * k, 40):  # Lanczos' method pays only where few of many are wanted
        start = np.random.default_rng(0).normal(size=min(t.shape))
        with suppress(ArpackNoConvergence):  # many correlations nearly 1: the whole SVD finds them
            u, rho, vt = svds(t, k=k, ncv=max(4 * k, 20), v0=start)
            order = np.argsort(rho)[::-1]
            return u[:, order], rho[order], vt[order].T
    u, rho, vt = np.linalg.svd(t, full_matrices=False)
    return u[:, :k], rho[:k], vt[:k].T
