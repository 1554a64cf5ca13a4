"""Kernels, and the explicit features that turn a kernel method into a linear one."""

import numpy as np
from scipy.linalg import solve_triangular
from scipy.linalg.lapack import dpstrf
from sklearn.metrics.pairwise import additive_chi2_kernel

from mmlearn.arrays import check_matrix, to_numpy

__all__ = ["KERNELS", "KernelMap", "dual_coefficients", "kernel_matrix"]

KERNELS = ("linear", "rbf", "chi2", "precomputed")


def kernel_matrix(a, b, kernel="rbf", gamma=1.0):
    """Kernel of every row of `a` (n, d) with every row of `b` (m, d), shape (n, m)::

        linear   aᵀb
        rbf      exp(-gamma ‖a - b‖²)
        chi2     exp(-gamma Σ_j (a_j - b_j)² / (a_j + b_j)),   for histograms: nothing negative

    `gamma` is one over the units of the distance in the exponent. Raises ValueError for an
    unknown kernel or, with chi2, for negative values.

    The χ² kernel is that of Zhang, Marszałek, Lazebnik, Schmid, Local Features and Kernels for
    Classification of Texture and Object Categories, International Journal of Computer Vision 2007.

    >>> kernel_matrix(np.array([[0.0]]), np.array([[0.0], [2.0]]), "rbf", gamma=0.25).round(3)
    array([[1.   , 0.368]])
    """
    if kernel == "linear":
        return a @ b.T
    return _exponential(_distances(a, b, kernel), gamma)


def _exponential(distances, gamma):
    distances *= -gamma
    return np.exp(distances, out=distances)


def _distances(a, b, kernel):
    """Squared Euclidean or χ² distances, (n, m)."""
    if kernel == "rbf":
        centre = b.mean(axis=0)  # data far from the origin would lose its digits in the subtraction
        a, b = a - centre, b - centre
        squares = a @ b.T
        squares *= -2
        squares += (a**2).sum(axis=1)[:, None]
        squares += (b**2).sum(axis=1)
        return np.maximum(squares, 0, out=squares)
    if kernel == "chi2":
        if a.min() < 0 or b.min() < 0:
            raise ValueError(
                'kernel "chi2" compares histograms, which hold nothing negative; use "rbf" for '
                "features of either sign."
            )
        return -additive_chi2_kernel(a, b)
    raise ValueError(f"unknown kernel {kernel!r}; use one of {', '.join(KERNELS)}.")


class KernelMap:
    r"""Explicit features Φ of a kernel, with Φ(x)Φ(z)ᵀ = k(x, z) on the landmarks.

    The landmarks are `n_landmarks` random training rows (Nyström), or all of them. A Cholesky
    factorisation with pivoting keeps the landmarks that are linearly independent::

        K_ll = G Gᵀ,   Φ(x) = k(x, landmarks) G^{-T}

    With all rows as landmarks Φ reproduces the training kernel, so a linear method on Φ *is* the
    kernel method. A linear kernel with no more columns than rows needs none of this: Φ(x) = x.

    Parameters
    ----------
    kernel : "linear", "rbf", "chi2" or "precomputed"
    gamma : float, optional
        None takes one over the mean distance from training rows to landmarks (‖·‖² or χ²).
    n_landmarks : int, optional: None takes all
    random_state : int, which landmarks are drawn

    Attributes
    ----------
    gamma_ : float
    landmarks_ : (r, d) rows, or (r,) row numbers when precomputed; None where Φ(x) = x
    n_features_ : number of columns that later input must have

    Raises
    ------
    ValueError
        Unknown kernel, gamma not above zero, negative values with chi2, landmarks fewer than 1 or
        more than rows, identical rows, or a precomputed kernel that is not square, symmetric and
        positive semi-definite.

    References
    ----------
    Williams, Seeger, Using the Nyström Method to Speed Up Kernel Machines, NIPS 2000.
    Bach, Jordan, Kernel Independent Component Analysis, JMLR 3, 2002 (incomplete Cholesky).

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(50, 2))
    >>> kernel_map = KernelMap("rbf", gamma=0.5)
    >>> phi, root = kernel_map.fit(x)
    >>> bool(np.allclose(phi @ phi.T, kernel_matrix(x, x, "rbf", 0.5)))
    True
    """

    def __init__(self, kernel="rbf", gamma=None, n_landmarks=None, random_state=0):
        self.kernel = kernel
        self.gamma = gamma
        self.n_landmarks = n_landmarks
        self.random_state = random_state

    def fit(self, x, name="images"):
        """Choose landmarks and gamma on x (n, d); returns Φ(x) (n, r) and the root G (r, r).

        x must be float64; a precomputed kernel is overwritten.
        """
        self._check(x, name)
        self.n_features_, self.gamma_, self.landmarks_ = x.shape[1], self.gamma, None
        n = len(x)
        if self.kernel == "linear" and x.shape[1] <= n:
            return x, None
        if self.n_landmarks is None:
            lower, kept, order = _pivoted_cholesky(
                self._training_kernel(x, slice(None)), name, self._roundings(n)
            )
            phi, root = np.empty(lower.shape), lower[: len(kept)]
            phi[order] = lower
        else:
            rng = np.random.default_rng(self.random_state)
            rows = np.sort(rng.choice(n, self.n_landmarks, replace=False))
            k = self._training_kernel(x, rows)
            lower, pivots, _ = _pivoted_cholesky(k[rows], name, self._roundings(n))
            kept, root = rows[pivots], lower[: len(pivots)]
            phi = solve_triangular(root, k[:, pivots].T, lower=True).T
        self.landmarks_ = kept if self.kernel == "precomputed" else x[kept]
        return phi, root

    def __call__(self, x, name="images"):
        """Kernel of x (m, d) with the landmarks, (m, r); of a precomputed one, its columns."""
        x = to_numpy(check_matrix(x, name, n_features=self.n_features_)).astype(np.float64)
        if self.landmarks_ is None:
            return x
        if self.kernel == "precomputed":
            return x[:, self.landmarks_]
        return kernel_matrix(x, self.landmarks_, self.kernel, self.gamma_)

    def _training_kernel(self, x, rows):
        if self.kernel == "precomputed":
            return x[:, rows]
        if self.kernel == "linear":
            return x @ x[rows].T
        distances = _distances(x, x[rows], self.kernel)
        if self.gamma is None:
            self.gamma_ = 1 / distances.mean()
        return _exponential(distances, self.gamma_)

    def _roundings(self, n):
        """The relative sizes of what is rounding; a kernel from outside may come from float32."""
        own = n * np.finfo(np.float64).eps
        return (own, 1e-6) if self.kernel == "precomputed" else (own,)

    def _check(self, x, name):
        if self.kernel not in KERNELS:
            raise ValueError(f"unknown kernel {self.kernel!r}; use one of {', '.join(KERNELS)}.")
        if self.gamma is not None and not self.gamma > 0:
            raise ValueError(f"gamma must be above 0, or None for a default; got {self.gamma!r}.")
        if self.n_landmarks is not None and not 1 <= self.n_landmarks <= len(x):
            raise ValueError(
                f"n_landmarks must lie between 1 and the {len(x)} training rows, "
                f"got {self.n_landmarks}."
            )
        if self.kernel == "precomputed":
            if x.shape[0] != x.shape[1]:
                raise ValueError(
                    f"{name}: a precomputed training kernel must be square, got shape {x.shape}."
                )
            if not np.allclose(x, x.T, rtol=1e-6, atol=1e-8 * np.abs(x).max()):
                raise ValueError(f"{name}: the precomputed training kernel is not symmetric.")
        elif not (np.ptp(x, axis=0) > 0).any():
            raise ValueError(f"every row of {name} is the same: there is nothing to correlate.")


def _pivoted_cholesky(k, name, roundings):
    """Factor (m, r) in pivot order, the r independent pivots, and the order (m,).

    A pivot below `roundings` of the largest counts as zero; a second, coarser one is tried where
    the first leaves more than rounding unexplained. With one alone k is overwritten.
    """
    largest = np.abs(k.diagonal()).max()
    if not largest > 0:
        raise ValueError(f"{name}: the kernel is zero everywhere: there is nothing to learn from.")
    for rounding in roundings:
        given = k if len(roundings) == 1 else k.copy()
        lower, kept, order, missing = _factor(given, rounding * largest)
        if missing <= 10 * max(rounding, 1e-7) * largest:
            return lower, kept, order
    raise ValueError(
        f"{name}: the kernel is not positive semi-definite, so no features belong to it."
    )


def _factor(k, least):
    """As above, and the largest part of the diagonal that the factor leaves unexplained."""
    diagonal = k.diagonal().copy()
    # The transpose of a symmetric matrix is itself, in the order of columns that LAPACK works in.
    lower, order, rank, _ = dpstrf(k.T, lower=1, tol=least, overwrite_a=1)
    lower, order = lower[:, :rank], order - 1
    for column in range(1, rank):
        lower[:column, column] = 0  # what LAPACK leaves above the diagonal
    missing = np.abs(diagonal[order] - np.einsum("ij,ij->i", lower, lower)).max()
    return lower, order[:rank], order, missing


def dual_coefficients(root, w):
    """Coefficients a (r, k) with k(x, landmarks) a = Φ(x) w, for the root that `fit` returned."""
    return w if root is None else solve_triangular(root, w, lower=True, trans="T")
