"""Linear CCA against a bare Cholesky + SVD in numpy, cca-zoo and scikit-learn."""

import numpy as np
from scipy.linalg import solve_triangular

from benchmarks.timing import compare
from mmlearn.classical import CCA

COMPONENTS = 50
RIDGE = 1e-3


def make_data(n, d_x, d_y, latent=60, seed=0):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, latent))
    x = z @ rng.normal(size=(latent, d_x)) + rng.normal(size=(n, d_x))
    return x, z @ rng.normal(size=(latent, d_y)) + rng.normal(size=(n, d_y))


def bare(x, y):
    """The fewest lines that compute CCA: no checks, no chunks, no rank."""
    n = len(x)
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    l_x = np.linalg.cholesky(x.T @ x / n + RIDGE * np.eye(x.shape[1]))
    l_y = np.linalg.cholesky(y.T @ y / n + RIDGE * np.eye(y.shape[1]))
    t = solve_triangular(l_x, x.T @ y / n, lower=True)
    t = solve_triangular(l_y, t.T, lower=True).T
    u, rho, vt = np.linalg.svd(t, full_matrices=False)
    a = solve_triangular(l_x, u[:, :COMPONENTS], lower=True, trans="T")
    b = solve_triangular(l_y, vt[:COMPONENTS].T, lower=True, trans="T")
    return a, b, rho[:COMPONENTS]


def main():
    from cca_zoo.linear import CCA as ZooCCA
    from sklearn.cross_decomposition import CCA as SklearnCCA

    for n, d_x, d_y, with_sklearn in ((5_000, 256, 256, True), (20_000, 1024, 512, False)):
        x, y = make_data(n, d_x, d_y)
        ours = CCA(COMPONENTS, shrinkage=0).fit(x, y).correlations_
        np.testing.assert_allclose(ours, bare(x, y)[2], atol=1e-3)
        contenders = {
            "bare numpy Cholesky + SVD": lambda x=x, y=y: bare(x, y),
            "mmlearn CCA": lambda x=x, y=y: CCA(COMPONENTS).fit(x, y),
            "cca-zoo CCA": lambda x=x, y=y: ZooCCA(n_components=COMPONENTS).fit([x, y]),
        }
        slow = ()
        if with_sklearn:
            contenders["scikit-learn CCA"] = lambda x=x, y=y: SklearnCCA(COMPONENTS).fit(x, y)
            slow = ("scikit-learn CCA",)
        compare(f"linear CCA, {n} x {d_x} x {d_y}, {COMPONENTS} components", contenders, 5, slow)


if __name__ == "__main__":
    main()
