# %% [markdown]
# ## What you will build
#
# Kernel CCA from its parts, then the two steps that labels add: a regression with a penalty on groups, and the vote
# by which JRL scores. Five exercises; none needs another one to be solved. Notation as in the lesson: $K_x$, $K_y$ kernels,
# $\kappa$ the ridge, $C$ centred class indicators, $p(c \mid x)$ the probability of class $c$.

# %% setup=true
import matplotlib.pyplot as plt
import numpy as np

from mmlearn.classical import KCCA
from mmlearn.data import load_emoji
from mmlearn.plotting import use_style
from mmlearn.retrieval import evaluate_retrieval

use_style()

# %% [markdown]
# ## Exercise 1: the RBF kernel
#
# `rbf_kernel`, 10 minutes, 2 points.
#
# The kernel of every row $a_i$ of $A$ $(m, d)$ with every row $b_j$ of $B$ $(n, d)$:
#
# $$K_{ij} = \exp\Big(-\frac{\lVert a_i - b_j \rVert^2}{2 \ell^2}\Big), \qquad \text{shape } (m, n)$$
#
# <details><summary>Hint 1</summary>
#
# `A[:, None] - B[None]` holds all differences, shape $(m, n, d)$. Over which axis do you sum their squares?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `((A[:, None] - B[None]) ** 2).sum(axis=2)` are the squared distances, $(m, n)$.
#
# </details>
#
# You should see 0.6065, that is $e^{-1/2}$, for two points exactly one width apart.


# %% solution="rbf_kernel" minutes=10
def rbf_kernel(A, B, width):
    """RBF kernel of all rows of A with all rows of B.

    A: (m, d), B: (n, d); width: ℓ, above 0. Returns (m, n).
    """
    ### BEGIN SOLUTION
    squares = ((A[:, None] - B[None]) ** 2).sum(axis=2)
    return np.exp(-squares / (2 * width**2))
    ### END SOLUTION


# %% check="check_rbf_kernel" for="rbf_kernel" points=2
A, B = np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 5.0]])
K = np.asarray(rbf_kernel(A, B, width=5.0))
assert K.shape == (2, 3), f"2 rows with 3 rows make a (2, 3) kernel, got {K.shape}."
one_width = K[0, 1]  # the distance is 5
assert not np.isclose(one_width, np.exp(-5 / 50)), "square the distance."
assert not np.isclose(one_width, np.exp(-25 / 10)), "square the width: it is in units of x."
assert not np.isclose(one_width, np.exp(-1)), "e^-1 at one width: the 2 of 2ℓ² is missing."
assert not np.isclose(one_width, np.exp(-25 / 2)), "the width changes nothing: divide by 2ℓ²."
assert not np.isclose(one_width, np.exp(-49 / 50)), (
    "square each difference first, then add them up."
)
assert not np.isclose(one_width, np.exp(-1 / 4)), (
    "e^-1/4: add the squares up, no mean; and of 2ℓ² only ℓ is squared."
)
assert not np.isclose(one_width, 0), (
    "0: the exponent is the squared distance, divided by 2ℓ²: a wider kernel is larger."
)
assert one_width >= 0, "a kernel is never negative: take exp of the exponent."
assert not np.isclose(one_width, 1 - np.exp(-0.5)), "1 - K: the kernel is large for near items."
assert not np.isclose(one_width, [np.exp(-9 / 50), np.exp(-16 / 50)]).any(), "all columns count."
assert not np.isclose(one_width, np.exp(-7 / 50)), "square the differences; no absolute values."
assert one_width <= 1, f"{one_width:.4f}: no kernel is above 1; the exponent is negative."
assert np.isclose(one_width, np.exp(-0.5)), f"one width apart gives e^-1/2, got {one_width:.4f}."
assert np.allclose(np.diag(K), 1), "an item's kernel with itself is 1."
assert np.isclose(K[1, 2], np.exp(-10 / 50)), "(3, 4) and (0, 5): sum the squares of all columns."
print(f"one width apart {one_width:.6f}; (3, 4) with (0, 5) {K[1, 2]:.6f}")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(31)
fresh = rbf_kernel(rng.normal(size=(4, 6)), rng.normal(size=(5, 6)), width=1.7)
print(f"{fresh.shape} {fresh.sum():.6f} {fresh[1, 3]:.6f} {fresh[3, 0]:.6f}")
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 2: centre the kernel of new items
#
# `centre_new`, 15 minutes, 3 points.
#
# Let $k_{ij} = \phi(z_i)^\top \phi(x_j)$ hold $m$ **new** items $z_i$ against the $n$ training items $x_j$, and $K$ $(n, n)$
# the training items among themselves. Return the kernel of the *centred* features,
#
# $$\tilde k_{ij} = (\phi(z_i) - \bar\phi)^\top (\phi(x_j) - \bar\phi), \qquad
# \bar\phi = \tfrac1n \textstyle\sum_l \phi(x_l)$$
#
# The mean $\bar\phi$ is that of the **training** items. You have no $\phi$: multiply out, and write each of the four terms as a
# number, row or column made of $k$ and $K$.
#
# <details><summary>Hint 1</summary>
#
# $\phi(z_i)^\top \bar\phi$ is the mean of row $i$ of $k$. What is $\bar\phi^\top \phi(x_j)$? It holds no new item, so it is made of
# $K$ alone.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# $\bar\phi^\top \phi(x_j)$ is the mean of column $j$ of $K$, and $\bar\phi^\top \bar\phi$ the mean of all of $K$. Use
# `keepdims=True` for the mean of the rows.
#
# </details>
#
# You should see a difference of 0.000 from centring the features themselves.


# %% solution="centre_new" minutes=15
def centre_new(k, K):
    """Kernel of new items with training items, of features centred by the training mean.

    k: (m, n) new against training items; K: (n, n) training items. Returns (m, n).
    """
    ### BEGIN SOLUTION
    return k - k.mean(axis=1, keepdims=True) - K.mean(axis=0) + K.mean()
    ### END SOLUTION


# %% check="check_centre_new" for="centre_new" points=3
rng = np.random.default_rng(0)
train_phi, new_phi = rng.normal(size=(6, 3)) + 2, rng.normal(size=(4, 3)) + 1
mean = train_phi.mean(axis=0)
k, K, expected = (
    new_phi @ train_phi.T,
    train_phi @ train_phi.T,
    (new_phi - mean) @ (train_phi - mean).T,
)
given = k.copy()
centred = np.asarray(centre_new(k, K))
assert np.array_equal(given, k), "k was changed: make a new array, with - and not with -=."
assert centred.shape == (4, 6), f"k is (4, 6), and so is the result, got {centred.shape}."
alone = np.asarray(centre_new(k[:1], K))
assert not np.allclose(alone, 0), (
    "a new item alone became zero: the mean of the new items was taken, not that of the training items."
)
assert np.allclose(alone, centred[:1]), (
    "an item's kernel depends on which others came with it: two of the means are means of K."
)
off = centred - expected
difference = np.abs(off).max()
same_everywhere, same_in_rows, same_in_columns = (
    difference > 1e-8 and np.ptp(off, axis=axis).max() < 1e-8 for axis in (None, 1, 0)
)
assert not same_everywhere, (
    f"all values are off by {off[0, 0]:.3f}: the last term is + the mean of K."
)
assert not same_in_rows, (
    "each row is off by a number of its own: subtract the mean of each row of k."
)
assert not same_in_columns, "each column is off by a number: subtract the mean of each column of K."
assert difference < 1e-8, (
    f"off by up to {difference:.3f}: subtract the mean of each row of k and of each column of K, "
    "then add the mean of all of K."
)
print(f"difference {difference:.3f}; first value {centred[0, 0]:.6f}")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(32)
a, b = rng.uniform(size=(7, 2)), rng.uniform(size=(3, 2)) + 1
fresh = centre_new((1 + b @ a.T) ** 2, (1 + a @ a.T) ** 2)
print(f"{fresh.shape} " + " ".join(f"{v:.6f}" for v in fresh[:, 2]))
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 3: kernel CCA
#
# `kcca`, 25 minutes, 4 points.
#
# For centred kernels $K_x, K_y$ $(n, n)$ and a ridge $\kappa > 0$ (as it is, not as a share of anything):
#
# $$\max\ \alpha^\top K_x K_y \beta \quad\text{with}\quad
# \alpha^\top (K_x^2 + \kappa K_x)\, \alpha = \beta^\top (K_y^2 + \kappa K_y)\, \beta = 1$$
#
# With $K = Q\, \mathrm{diag}(\lambda)\, Q^\top$ on each side:
#
# $$F = Q\, \mathrm{diag}\Big(\sqrt{\tfrac{\lambda}{\lambda + \kappa}}\Big)\, Q^\top, \qquad
# F_x F_y = U\, \mathrm{diag}(\rho)\, V^\top, \qquad \alpha = K_x^{+} F_x U, \quad \beta = K_y^{+} F_y V$$
#
# where $K^{+}$ is the pseudo-inverse. Return the first $k$ columns of each and the first $k$ of $\rho$. Eigenvalues
# that should be zero come out as tiny numbers of either sign, and the root of a negative one is NaN (numpy then says
# that the SVD "did not converge").
#
# <details><summary>Hint 1</summary>
#
# `np.linalg.eigh` gives $\lambda$ and $Q$; raise what is below zero to zero with `np.maximum(lam, 0)`. A small
# function `filtered(K)` that returns $F$ saves you writing it twice.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `np.linalg.pinv(K, 1e-10)` is $K^{+}$. `np.linalg.svd` returns $V^\top$, so $V$ is `Vt.T`.
#
# </details>
#
# You should see the planted correlations 0.900, 0.500 and 0.100 for a tiny ridge, and half of each for $\kappa = 50$, because
# the eigenvalues of the planted kernels are 50, so that each side is damped by $\sqrt{50 / 100}$.


# %% solution="kcca" minutes=25
def kcca(K_x, K_y, kappa, k):
    """Kernel CCA of centred kernels.

    K_x, K_y: (n, n) symmetric; kappa: ridge, above 0. Returns alpha (n, k), beta (n, k), rho (k,).
    """

    ### BEGIN SOLUTION
    def filtered(K):
        lam, Q = np.linalg.eigh(K)
        lam = np.maximum(lam, 0)
        return Q * np.sqrt(lam / (lam + kappa)) @ Q.T

    F_x, F_y = filtered(K_x), filtered(K_y)
    U, rho, Vt = np.linalg.svd(F_x @ F_y)
    alpha = np.linalg.pinv(K_x, 1e-10) @ F_x @ U
    beta = np.linalg.pinv(K_y, 1e-10) @ F_y @ Vt.T
    return alpha[:, :k], beta[:, :k], rho[:k]
    ### END SOLUTION


# %% check="check_kcca" for="kcca" points=4
rng = np.random.default_rng(0)
Q, _ = np.linalg.qr((lambda a: a - a.mean(axis=0))(rng.normal(size=(50, 6))))
planted = np.array([0.9, 0.5, 0.1])
Q *= np.sqrt(50)
X, Y = Q[:, :3], Q[:, :3] * planted + Q[:, 3:] * np.sqrt(1 - planted**2)
K_x, K_y = X @ X.T, Y @ Y.T  # three eigenvalues of 50 each, all others are zero
alpha, beta, rho = (np.asarray(part) for part in kcca(K_x, K_y, kappa=1e-6, k=3))
assert alpha.shape == beta.shape == (50, 3), f"(n, k) is (50, 3): got {alpha.shape}, {beta.shape}."
assert np.isfinite([*rho, *alpha[0]]).all(), "NaN or infinite: mind eigenvalues of zero."
assert not np.allclose(rho, planted**2, atol=1e-3), "these are squared: singular, not eigenvalues."
assert not np.allclose(rho, 0, atol=1e-3), "zeros: keep the *first* k, the largest."
assert not np.allclose(rho, 1, atol=1e-3), "all are 1: λ stands above the line, λ + κ below."
assert np.allclose(rho, planted, atol=1e-4), (
    f"planted were 0.9, 0.5, 0.1; got {rho.round(3)}: is it λ + κ, and are Q's *columns* the vectors?"
)
alpha, beta, rho = (np.asarray(part) for part in kcca(K_x, K_y, kappa=50, k=3))
assert not np.allclose(rho, planted, atol=1e-3), "kappa = 50 changed nothing: where is the ridge?"
assert not np.allclose(rho, planted / 4, atol=1e-3), (
    "a quarter: this is the constraint (K + κI)², whose factor is λ/(λ+κ); here it is its root."
)
assert not np.allclose(rho, planted / np.sqrt(2), atol=1e-3), "damp both sides, not one."
assert np.allclose(rho, planted / 2, atol=1e-4), (
    f"with kappa = 50 they halve, got {rho.round(3)}: use kappa as it is, no share of the trace, not n times."
)
scaled = alpha.T @ (K_x @ K_x + 50 * K_x) @ alpha, beta.T @ (K_y @ K_y + 50 * K_y) @ beta
assert np.allclose(scaled[0], np.eye(3), atol=1e-5), (
    "αᵀ(K_x² + κK_x)α is not 1: α = K_x⁺ F_x U, with U of F_x F_y and the pseudo-inverse of K_x."
)
assert np.allclose(scaled[1], np.eye(3), atol=1e-5), "α is right, β not: V is Vt transposed."
assert np.allclose(alpha.T @ K_x @ K_y @ beta, np.diag(rho), atol=1e-5), "αᵀ K_x K_y β is not ρ."
print("correlations with kappa = 50: " + " ".join(f"{value:.6f}" for value in rho))
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(33)
z = rng.normal(size=(30, 1))
kernels = [np.exp(-((a - a.T) ** 2)) for a in (z, z**2 + 0.1 * rng.normal(size=(30, 1)))]
kernels = [K - K.mean(axis=0) - K.mean(axis=1, keepdims=True) + K.mean() for K in kernels]
for kappa in (0.1, 2.0):
    alpha, beta, rho = kcca(*kernels, kappa=kappa, k=2)
    print(" ".join(f"{value:.5f}" for value in rho))
    print(" ".join(f"{v:.5f}" for v in np.abs(kernels[0] @ alpha).sum(axis=0)))
    print(" ".join(f"{v:.5f}" for v in np.abs(kernels[1] @ beta).sum(axis=0)))
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 4: one reweighted step of LGCFL
#
# `irls_step`, 20 minutes, 3 points.
#
# The penalty $\gamma \sum_g \lVert W^{(g)} \rVert_F$ has corners. With the lengths $r_g$ of the groups at the last step, put
# parabolas in their place and minimise exactly:
#
# $$W = E X^\top (X E X^\top + I)^{-1} C, \qquad E = \mathrm{diag}(e), \quad e_j = \frac{2\, r_{g(j)}}{n\, \gamma}$$
#
# where $g(j)$ is the group of column $j$. Return $W$ $(d, c)$ and the **new** lengths $\lVert W^{(g)} \rVert_F$.
#
# <details><summary>Hint 1</summary>
#
# `r[group_of_column]` repeats the length of each group for all its columns: that is $r_{g(j)}$, shape $(d,)$.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `W[group_of_column == g]` are the rows of group $g$; `np.linalg.norm` of a matrix is its Frobenius norm.
#
# </details>
#
# You should see 24/25 = 0.9600 for the single column below, and a group of noise shrinking towards 0.000.


# %% solution="irls_step" minutes=20
def irls_step(X, C, group_of_column, r, gamma):
    """One step of iteratively reweighted least squares with a group penalty.

    X: (n, d) centred, C: (n, c) centred; group_of_column: (d,) numbers 0 .. G-1; r: (G,) lengths
    of the last step, above 0; gamma: above 0. Returns W (d, c) and the new lengths (G,).
    """
    ### BEGIN SOLUTION
    n = len(X)
    E = np.diag(2 * r[group_of_column] / (n * gamma))
    W = E @ X.T @ np.linalg.solve(X @ E @ X.T + np.eye(n), C)
    return W, np.array([np.linalg.norm(W[group_of_column == g]) for g in range(len(r))])
    ### END SOLUTION


# %% check="check_irls_step" for="irls_step" points=3
column, target = np.array([[1.0], [-1.0]]), np.array([[1.0], [-1.0]])
W, length = irls_step(column, target, np.array([0]), np.array([3.0]), gamma=0.25)
w = float(np.asarray(W).item())
wrong = {"the 2 is missing.": 12 / 13, "divide by n.": 48 / 49, "do not square r.": 72 / 73}
wrong |= {"e is upside down: a long group should be damped little.": 1 / 7, "divide by γ.": 6 / 7}
wrong |= {"without a ridge W is 1: add the identity to X E Xᵀ.": 1.0, "γ divides.": 3 / 5}
wrong |= {"E is missing.": 2 / 3, "E stands before Xᵀ, too.": 2 / 25, "E stands inside, too.": 8.0}
for message, value in wrong.items():
    assert not np.isclose(w, value), f"W = {value:.4f}: {message}"
assert np.isclose(w, 24 / 25), f"e = 2·3 / (2·0.25) = 12, so W = 24/25 = 0.96, got {w:.4f}."
W, length = irls_step(column, target, np.array([0]), np.array([3.0]), gamma=2.0)
assert np.isclose(np.asarray(W).item(), 3 / 4), "a larger γ should damp more: e = 2·3 / (2·2)."
rng = np.random.default_rng(0)
C = np.eye(2)[np.arange(60) % 2] - 0.5
X = np.hstack([rng.normal(size=(60, 3)), C + 0.5 * rng.normal(size=(60, 2))])
X, group, r, objective = X - X.mean(axis=0), np.array([0, 1, 0, 1, 0]), np.ones(2), []
X = X[:, [0, 3, 1, 4, 2]]  # group 0 is noise, and its columns are not side by side
for _ in range(20):
    W, r = irls_step(X, C, group, r, gamma=0.5)
    r = np.asarray(r)
    shapes = np.shape(W), r.shape
    assert shapes == ((5, 2), (2,)), f"W is (5, 2) and r is (2,): got {shapes}."
    assert np.allclose(r[0], np.linalg.norm(W[[0, 2, 4]])), (
        "r[0] is the norm of all rows of group 0."
    )
    objective.append(((X @ W - C) ** 2).sum() / 60 + 0.5 * r.sum())
assert (np.diff(objective) < 1e-12).all(), "the objective rose: which r weighs which column?"
print(f"one column {w:.4f}; lengths of noise {r[0]:.3f} and signal {r[1]:.4f}")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(34)
X, C = rng.normal(size=(25, 6)), np.eye(3)[rng.integers(0, 3, 25)] - 1 / 3
W, r = irls_step(X, C, np.array([2, 0, 1, 1, 0, 2]), np.array([0.5, 2.0, 1.0]), gamma=0.3)
print(" ".join(f"{value:.6f}" for value in r) + f" {np.abs(W).sum():.6f} {W[3, 1]:.6f}")
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 5: score by a vote
#
# `vote_scores`, 20 minutes, 3 points.
#
# JRL's way to compare. For an embedded image $z_x$, take the $k$ nearest embedded **training images** (Euclidean distance)
# and count the shares of their classes: that is $p(c \mid x)$. Likewise for a text among the training texts. Then
#
# $$s(x, y) = \sum_c p(c \mid x)\, p(c \mid y), \qquad \text{shape } (m_x, m_y)$$
#
# <details><summary>Hint 1</summary>
#
# Write a function `posteriors(z, train_z)` and call it once for each modality. `np.eye(n_classes)[labels]` are the votes of
# the training items, $(n, c)$.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `np.argsort(distances, axis=1)[:, :k]` are the nearest training items of each row. Indexing the votes with it gives
# $(m, k, c)$: take the mean over axis 1.
#
# </details>
#
# You should see 5/9 = 0.5556 for an image and a text that both have two neighbours of class 0 and one of class 1.


# %% solution="vote_scores" minutes=20
def vote_scores(z_x, z_y, train_x, train_y, labels, n_classes, k):
    """Score images against texts by the probability that both share a class, from votes.

    z_x: (m_x, d), z_y: (m_y, d) embeddings; train_x, train_y: (n, d) those of the training pairs;
    labels: (n,) classes 0 .. n_classes-1; k: number of neighbours. Returns (m_x, m_y).
    """

    ### BEGIN SOLUTION
    def posteriors(z, train_z):
        distances = ((z[:, None] - train_z[None]) ** 2).sum(axis=2)
        nearest = np.argsort(distances, axis=1)[:, :k]
        return np.eye(n_classes)[labels][nearest].mean(axis=1)

    return posteriors(z_x, train_x) @ posteriors(z_y, train_y).T
    ### END SOLUTION


# %% check="check_vote_scores" for="vote_scores" points=3
train_x = np.array([[0.0], [1.0], [2.0], [10.0], [11.0], [12.0]])
train_y, labels = train_x[::-1].copy(), np.array([0, 0, 1, 2, 2, 2])
z_x, z_y = np.array([[0.9], [11.1]]), np.array([[10.9], [1.1], [9.5]])
s = np.asarray(vote_scores(z_x, z_y, train_x, train_y, labels, n_classes=3, k=3))
assert s.shape == (2, 3), f"2 images and 3 texts make (2, 3) scores, got {s.shape}."
first = s[0, 0]  # both have neighbours of the classes 0, 0, 1
assert not np.isclose(first, 5), "5: votes are shares, so divide the counts by k."
assert not np.isclose(first, 5 / 3), "5/3: divide the counts of *both* sides by k."
assert not (np.isclose(first, 1) and np.isclose(s[1, 1], 5 / 9)), (
    "images vote among training images, texts among training texts; the nearest, not the farthest."
)
assert not np.isclose(first, 1), (
    "1: no cosine and no majority here: multiply the shares and add up."
)
assert not np.isclose(first, 0), (
    "0: texts vote among the training *texts*, train_y, and the nearest by *distance* vote."
)
assert not np.isclose(first, 7 / 18), "7/18: every training item voted; only the k nearest do."
assert not np.isclose(first, 3 / 8), "3/8: four voted; the k nearest are `[:, :k]`."
assert not np.isclose(first, 1 / 2), "1/2: two voted; the k nearest are `[:, :k]`."
assert not np.isclose(first, 1 / 3), "1/3: the nearest was skipped; a new item is not among them."
assert not np.isclose(first, 2 / 3), "2/3: sort along the training items, axis 1 of the distances."
assert np.isclose(first, 5 / 9), f"shares (2/3, 1/3, 0) on both sides make 5/9, got {first:.4f}."
assert np.allclose(s, [[5 / 9, 0, 5 / 9], [0, 1, 0]]), f"expected 5/9, 0, 5/9 and 0, 1, 0: got {s}."
plane = np.array([[0.0, 0.0], [0.0, 9.0], [1.0, 1.0], [5.0, 5.0]])
s = vote_scores(plane[:1], plane[:1], plane, plane, np.array([0, 1, 0, 1]), n_classes=2, k=2)
assert np.isclose(s[0, 0], 1), "distance: all columns count, so (1, 1) is nearer than (0, 9)."
print(f"first score {first:.6f}; in the plane {s[0, 0]:.6f}")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(35)
parts = [rng.normal(size=(n, 4)) for n in (3, 4, 40, 40)]
fresh = vote_scores(*parts, rng.integers(0, 5, 40), n_classes=5, k=7)
print(f"{fresh.shape} " + " ".join(f"{v:.6f}" for v in np.asarray(fresh).ravel()))
### END HIDDEN TESTS

# %% [markdown]
# ## Your own experiment
#
# How wide should the kernel be on real pairs? `gamma` is $1 / (2\ell^2)$; the package's default is one over the mean
# squared distance. Multiply it by factors, for two ridges, and look at a **validation** part of the training pairs. Before
# you run it, write down: at which end does a small ridge hurt most? Then change the features (`image="hog"`), or the score
# (`"sublabels"`), and see whether the best width moves.

# %% experiment="kernel_width"
train, test = load_emoji().features(image="colour", text="lsa").split(seed=0)
part, validation = train.split(seed=0)
usual = KCCA(8).fit(part.images, part.texts).image_map_.gamma_
factors = [0.01, 0.1, 1, 10, 100]  # change me
for kappa in (1e-5, 0.002):  # change me
    fits = [
        KCCA(8, image_gamma=factor * usual, kappa=(kappa, 0.02)).fit(part.images, part.texts)
        for factor in factors
    ]
    scores = [evaluate_retrieval(model, validation, labels="labels")["mean"] for model in fits]
    plt.semilogx(factors, scores, "o-", label=f"ridge of the images {kappa}")
plt.xlabel("gamma, multiple of the default (wide on the left, narrow on the right)")
plt.ylabel("validation mAP")
plt.legend()
plt.show()

# %% [markdown]
# *Figure: validation mAP against the multiple of the default gamma, one line for each ridge.*

# %% [markdown]
# ## In your own words
#
# `which_method`, 10 minutes, 2 points, marked by hand.
#
# A museum has 5,000 photographs with captions, each in one of 12 departments. Visitors type a few words and want *that one*
# object. A colleague proposes SM, for its mAP by department is twice that of KCCA. Do you agree? Answer in two to four
# sentences; say what you would measure. One point for the reason, one for the measure.

# %% [markdown] written="which_method" points=2
# ### BEGIN SOLUTION
# No: SM's embedding is the probabilities of 12 departments, so objects of the same department are hardly told apart; the
# score by department does not ask for that, which is why SM looks good (1 point: the embedding keeps only what the labels
# ask for). Measure what visitors want: recall@K or the rank of the object's own photograph on held-out pairs, beside chance
# and over several splits, for both methods (1 point).
# ### END SOLUTION
