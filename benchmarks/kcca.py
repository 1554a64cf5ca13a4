"""Kernel CCA against a bare Cholesky + Lanczos in scipy, and cca-zoo; RBF, 20 components."""

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.sparse.linalg import svds

from benchmarks.timing import compare
from mmlearn.classical import KCCA

COMPONENTS = 20
KAPPA = 1e-2
LANDMARKS = 700


def make_data(n, seed=0):
    """Two nonlinear views of one latent vector, which linear CCA would mostly miss."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, 3))
    mix = np.random.default_rng(100)
    x = np.cos(0.7 * z @ mix.normal(size=(3, 30))) + 0.3 * rng.normal(size=(n, 30))
    y = np.tanh(0.7 * z @ mix.normal(size=(3, 20))) ** 2 + 0.3 * rng.normal(size=(n, 20))
    return x, y


def centred_kernel(x):
    squares = (x**2).sum(axis=1)
    distances = np.maximum(squares[:, None] + squares - 2 * x @ x.T, 0)
    k = np.exp(-distances / distances.mean())
    means = k.mean(axis=0)
    return k - means - means[:, None] + means.mean()


def bare(x, y):
    """The fewest lines that compute exact kernel CCA: no checks, no rank, a jitter for safety."""
    roots, kernels = [], (centred_kernel(x), centred_kernel(y))
    for k in kernels:
        kappa = KAPPA * k.trace()
        constraint = k @ k + kappa * k
        constraint[np.diag_indices(len(k))] += 1e-10 * constraint.trace() / len(k)
        roots.append(cholesky(constraint, lower=True, overwrite_a=True, check_finite=False))
    t = solve_triangular(roots[0], kernels[0] @ kernels[1], lower=True, check_finite=False)
    t = solve_triangular(roots[1], t.T, lower=True, check_finite=False).T
    u, rho, vt = svds(t, k=COMPONENTS, v0=np.ones(len(x)))
    alpha = solve_triangular(roots[0], u, lower=True, trans="T", check_finite=False)
    beta = solve_triangular(roots[1], vt.T, lower=True, trans="T", check_finite=False)
    return alpha, beta, rho[::-1]


def peer(x, y):
    """cca-zoo with the same kernels and the same ridge as ours."""
    from cca_zoo.nonparametric import KCCA as ZooKCCA

    gammas, shrinkages = [], []
    for m in (x, y):
        variance = 2 * m.var(axis=0).sum()  # the mean squared distance
        gammas.append(1 / variance)
        ridge = KAPPA * centred_kernel(m).trace() / (len(m) - 1)
        shrinkages.append(ridge / (1 + ridge))
    return ZooKCCA(COMPONENTS, kernel="rbf", gamma=gammas, shrinkage=shrinkages).fit([x, y])


def held_out(z_x, z_y):
    """Mean correlation of paired columns."""
    return np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(z_x.T, z_y.T, strict=True)])


def main():
    x, y = make_data(2_000)
    new_x, new_y = make_data(1_000, seed=1)
    exact = KCCA(COMPONENTS, kappa=KAPPA)
    nystrom = KCCA(COMPONENTS, kappa=KAPPA, n_landmarks=LANDMARKS)
    np.testing.assert_allclose(exact.fit(x, y).correlations_, bare(x, y)[2], atol=1e-6)
    fitted = {}
    contenders = {
        "bare scipy Cholesky + Lanczos": lambda: bare(x, y),
        "mmlearn KCCA": lambda: exact.fit(x, y),
        f"mmlearn KCCA, {LANDMARKS} landmarks": lambda: nystrom.fit(x, y),
        "cca-zoo KCCA": lambda: fitted.update(peer=peer(x, y)),
    }
    title = f"kernel CCA, RBF, n = 2,000, {COMPONENTS} components"
    seconds = compare(title, contenders, 5, slow=("cca-zoo KCCA",))
    zoo = seconds["cca-zoo KCCA"]
    for name, model in (("exact", exact), ("Nyström", nystrom)):
        z_x, z_y = model.embed_images(new_x), model.embed_texts(new_y)
        own = seconds["mmlearn KCCA" + (f", {LANDMARKS} landmarks" if model is nystrom else "")]
        print(
            f"  {name}: {zoo / own:.0f} times faster than cca-zoo; "
            f"held-out correlation {held_out(z_x, z_y):.4f}"
        )
    print(
        f"  cca-zoo: held-out correlation {held_out(*fitted['peer'].transform([new_x, new_y])):.4f}"
    )

    x, y = make_data(5_000)
    contenders = {
        "bare scipy Cholesky + Lanczos": lambda: bare(x, y),
        "mmlearn KCCA": lambda: exact.fit(x, y),
        f"mmlearn KCCA, {LANDMARKS} landmarks": lambda: nystrom.fit(x, y),
    }
    title = f"kernel CCA, RBF, n = 5,000, {COMPONENTS} components"
    compare(title, contenders, 1, slow=tuple(contenders))


if __name__ == "__main__":
    main()
