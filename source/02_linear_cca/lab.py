# %% [markdown]
# ## What you will build
#
# You write CCA, CFA and the score of retrieval from their definitions. Five exercises; none needs
# another one to be solved. Notation as in the lesson: $X$ $(n, d_x)$ images, $Y$ $(n, d_y)$
# texts, $\Sigma$ covariances, $\rho$ canonical correlations.

# %% setup=true
import matplotlib.pyplot as plt
import numpy as np

from mmlearn.classical import CCA
from mmlearn.data import load_emoji
from mmlearn.plotting import use_style
from mmlearn.retrieval import evaluate_retrieval

use_style()

# %% [markdown]
# ## Exercise 1: average precision
#
# `average_precision`, 15 minutes, 3 points.
#
# One query scores $m$ gallery items. Rank them by score, the largest first. With $R$ relevant
# items:
#
# $$\mathrm{AP} = \frac1R \sum_{j=1}^{m} \mathrm{rel}(j)\, \frac{\text{relevant items among the first }
# j}{j}$$
#
# No two scores are equal. At least one item is relevant.
#
# <details><summary>Hint 1</summary>
#
# `np.argsort(-scores)` ranks from the largest score to the smallest.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `np.cumsum(hits)` counts the hits among the first $j$, for every $j$ at once.
#
# </details>
#
# You should see 0.8333 for the ranking 1, 0, 1.


# %% solution="average_precision" minutes=15
def average_precision(scores, relevant):
    """Average precision of one query.

    scores: (m,) distinct numbers, larger is better; relevant: (m,) booleans or 0/1. Returns a float.
    """
    ### BEGIN SOLUTION
    hits = np.asarray(relevant, dtype=float)[np.argsort(-scores)]
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float((precision * hits).sum() / hits.sum())
    ### END SOLUTION


# %% check="check_average_precision" for="average_precision" points=3
late = average_precision(np.array([4.0, 3.0, 2.0, 1.0]), np.array([0, 0, 0, 1]))
assert np.ndim(late) == 0, "one query has one AP: return a number, not an array."
assert not np.isclose(late, 1), "the worst item is ranked first: sort descending."
first = average_precision(np.array([0.9, 0.5, 0.1]), np.array([1, 0, 1]))
assert not np.isclose(first, 13 / 18), "13/18 averages over all ranks: only ranks with a hit count."
assert not np.isclose(first, 2 / 3), (
    "2/3: at each hit, and only there, divide the hits so far by the rank."
)
assert np.isfinite(first), "infinite: ranks begin with 1, not with 0."
assert not np.isclose(first, 1 / 2), "1/2: the first rank is 1, not 2."
assert not np.isclose(first, 1), "1: only the first hit was counted; average over all of them."
assert not np.isclose(first, 5 / 3), "5/3: divide by the number of relevant items R."
assert not np.isclose(first, 5 / 9), "5/9: divide by the number of relevant items R, not by m."
assert np.isclose(first, 5 / 6), f"ranking 1, 0, 1 has AP (1/1 + 2/3)/2 = 0.8333, got {first:.4f}."
shuffled = average_precision(np.array([0.1, 0.9, 0.5]), np.array([1, 1, 0]))
assert np.isclose(shuffled, 5 / 6), "the same items in another order: sort `relevant` along."
assert np.isclose(late, 1 / 4), f"a single hit at rank 4 of 4 has AP 1/4, got {late:.4f}."
print(f"AP of 1, 0, 1: {first:.6f}; of a single hit at rank 4: {late:.6f}")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(21)
values = [average_precision(rng.normal(size=30), rng.random(30) < 0.3) for _ in range(4)]
print(" ".join(f"{v:.6f}" for v in values))
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 2: whitening
#
# `inverse_root`, 15 minutes, 3 points.
#
# For a covariance matrix $\Sigma = Q\,\mathrm{diag}(\lambda)\,Q^\top$ return the symmetric
# $\Sigma^{-1/2} = Q\,\mathrm{diag}(\lambda^{-1/2})\,Q^\top$, so that
# $\Sigma^{-1/2}\,\Sigma\,\Sigma^{-1/2} = I$. All $\lambda$ are positive.
#
# <details><summary>Hint 1</summary>
#
# `np.linalg.eigh` gives $\lambda$ and the matrix $Q$, whose **columns** are the eigenvectors.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `Q * lam` multiplies column $j$ of $Q$ by `lam[j]`, which is $Q\,\mathrm{diag}(\lambda)$.
#
# </details>
#
# You should see diag(4, 25) become diag(0.5, 0.2), and 0.000 for the distance from the identity.


# %% solution="inverse_root" minutes=15
def inverse_root(Sigma):
    """The symmetric inverse square root of a positive definite matrix.

    Sigma: (d, d) symmetric. Returns (d, d) symmetric.
    """
    ### BEGIN SOLUTION
    lam, Q = np.linalg.eigh(Sigma)
    return (Q / np.sqrt(lam)) @ Q.T
    ### END SOLUTION


# %% check="check_inverse_root" for="inverse_root" points=3
R = np.asarray(inverse_root(np.diag([4.0, 25.0])))
assert R.shape == (2, 2), f"the root of a (2, 2) matrix is (2, 2), got {R.shape}."
assert np.isfinite(R).all(), "infinite: take the root of the eigenvalues, not of every entry."
assert not np.allclose(R, np.diag([2.0, 5.0])), (
    "this is the root; the inverse of the root is needed."
)
assert not np.allclose(R, np.diag([0.25, 0.04])), "this is the inverse; its square root is needed."
assert np.allclose(R, np.diag([0.5, 0.2])), "diag(4, 25) should become diag(1/2, 1/5)."
Sigma = np.array([[4.0, 1.0, 0.0], [1.0, 3.0, 1.0], [0.0, 1.0, 2.0]])
R = inverse_root(Sigma)
assert not np.allclose(R, np.diag(np.diag(Sigma) ** -0.5)), "Σ has entries off the diagonal, too."
assert not np.allclose(R, np.diag(np.diag(R))), "R is diagonal: λ scales the columns of Q, then Qᵀ."
assert np.allclose(R, R.T), "the result should be symmetric: multiply by Q transposed at the end."
distance = np.abs(R @ Sigma @ R - np.eye(3)).max()
assert distance < 1e-8, (
    "R Σ R is not the identity: the eigenvectors are the columns of Q; is it Qᵀ for Q?"
)
print(f"distance from the identity {distance:.3f}; R[0, 0] = {R[0, 0]:.6f}")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(22)
G = rng.normal(size=(5, 5))
fresh = inverse_root(G @ G.T + np.eye(5))
print(f"{fresh.shape} {np.trace(fresh):.6f} {fresh[0, 1]:.6f} {(fresh**2).sum():.6f}")
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 3: canonical correlations
#
# `canonical_correlations`, 20 minutes, 4 points.
#
# From data to $\rho$, with a ridge $r$ on both covariances:
#
# $$\Sigma_{xx} = \tfrac1n X_c^\top X_c + rI,\quad \Sigma_{yy} = \tfrac1n Y_c^\top Y_c + rI,\quad
# \Sigma_{xy} = \tfrac1n X_c^\top Y_c,\qquad
# \rho = \text{singular values of } \Sigma_{xx}^{-1/2} \Sigma_{xy} \Sigma_{yy}^{-1/2}$$
#
# $X_c, Y_c$ are centred. `root` below computes $\Sigma^{-1/2}$, so you need not have solved
# exercise 2.

# %%
from scipy.linalg import fractional_matrix_power


def root(Sigma):
    """Inverse square root of a symmetric positive definite matrix."""
    return np.real(fractional_matrix_power(Sigma, -0.5))


# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Centre first: `X - X.mean(axis=0)`. The shapes of the three factors are $(d_x, d_x)$, $(d_x,
# d_y)$ and $(d_y, d_y)$.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `np.linalg.svd(T, compute_uv=False)` returns the singular values alone, descending.
#
# </details>
#
# You should see the planted correlations 0.900, 0.500 and 0.100, and half of each with $r = 1$,
# because both covariances of the planted data are $I$, so that they become $2I$.


# %% solution="canonical_correlations" minutes=20
def canonical_correlations(X, Y, r=0.0):
    """Canonical correlations of paired rows, descending.

    X: (n, d_x), Y: (n, d_y), n larger than both; r: ridge, at least 0. Returns (min(d_x, d_y),).
    """
    ### BEGIN SOLUTION
    n = len(X)
    X, Y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    Sigma_xx = X.T @ X / n + r * np.eye(X.shape[1])
    Sigma_yy = Y.T @ Y / n + r * np.eye(Y.shape[1])
    T = root(Sigma_xx) @ (X.T @ Y / n) @ root(Sigma_yy)
    return np.linalg.svd(T, compute_uv=False)
    ### END SOLUTION


# %% check="check_canonical_correlations" for="canonical_correlations" points=4
rng = np.random.default_rng(0)
Q, _ = np.linalg.qr((lambda a: a - a.mean(axis=0))(rng.normal(size=(50, 6))))
planted = np.array([0.9, 0.5, 0.1])
Q *= np.sqrt(50)  # now Qᵀ Q / n = I
X, Y = Q[:, :3], Q[:, :3] * planted + Q[:, 3:] * np.sqrt(1 - planted**2)
rho = np.asarray(canonical_correlations(X, Y))
assert rho.shape == (3,), f"three correlations are expected, shape (3,), got {rho.shape}."
assert not np.allclose(rho, planted**2, atol=1e-4), "these are squared: singular, not eigenvalues."
assert not np.allclose(rho[::-1], planted, atol=1e-6), "the largest correlation comes first."
assert np.ptp(rho / planted) > 1e-6 or np.isclose(rho[0], 0.9), (
    f"all are {rho[0] / 0.9:.3f} times what they should be: divide all three covariances by n."
)
assert np.allclose(rho, planted, atol=1e-6), f"planted were 0.9, 0.5, 0.1; got {rho.round(3)}."
moved = canonical_correlations(X + 5, Y - 3)
assert np.allclose(moved, planted, atol=1e-6), "shifting the data changed the result: centre first."
M = np.array([[2.0, 1.0, 0.0], [0.0, 1.0, 3.0], [1.0, 0.0, 1.0]])
mixed = canonical_correlations(X @ M, Y)
assert np.allclose(mixed, planted, atol=1e-5), (
    "mixing X changed the result: whiten with the root of the full Σ_xx."
)
assert np.allclose(canonical_correlations(X, Y @ M), planted, atol=1e-5), (
    "mixing Y changed the result: whiten Y, too, with the root of the full Σ_yy."
)
ridged = np.asarray(canonical_correlations(X, Y, r=1.0))
assert not np.allclose(ridged, planted, atol=1e-5), "r = 1 changed nothing: add rI to both Σ."
assert not np.allclose(ridged, planted / np.sqrt(2)), "add rI to both Σ_xx and Σ_yy, not to one."
assert not np.allclose(ridged, planted / 51), "r = 1 counts n times: add rI after dividing by n."
assert not np.allclose(ridged, planted * 50 / 99), "divide by n, not by n - 1."
assert np.allclose(ridged, planted / 2, atol=1e-6), (
    f"with r = 1 the correlations halve, got {ridged.round(3)}: divide by n, then add r times the identity."
)
print("correlations " + " ".join(f"{v:.6f}" for v in mixed))
print("with r = 1   " + " ".join(f"{v:.6f}" for v in ridged))
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(23)
z = rng.normal(size=(200, 2))
A, B = z @ rng.normal(size=(2, 4)), z @ rng.normal(size=(2, 3))
A, B = A + rng.normal(size=A.shape) + 4, B + rng.normal(size=B.shape)
for r in (0.0, 0.5):
    print(" ".join(f"{v:.6f}" for v in canonical_correlations(A, B, r)))
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 4: cross-modal factor analysis
#
# `cfa`, 15 minutes, 3 points.
#
# CFA keeps the directions of largest covariance: with the centred data, $X_c^\top Y_c = U S V^\top$, and
# $A$, $B$ are the first $k$ columns of $U$ and $V$. Nothing is whitened.
#
# <details><summary>Hint 1</summary>
#
# `np.linalg.svd(M, full_matrices=False)` returns `U, S, Vt`: the third is already transposed.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# The columns of $V$ are the rows of `Vt`: take `Vt[:k].T`.
#
# </details>
#
# You should see a residual of 0.000 when $Y$ is a rotated copy of $X$.


# %% solution="cfa" minutes=15
def cfa(X, Y, k):
    """The first k directions of cross-modal factor analysis.

    X: (n, d_x), Y: (n, d_y). Returns A (d_x, k) and B (d_y, k), each with orthonormal columns.
    """
    ### BEGIN SOLUTION
    X, Y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    U, _, Vt = np.linalg.svd(X.T @ Y, full_matrices=False)
    return U[:, :k], Vt[:k].T
    ### END SOLUTION


# %% check="check_cfa" for="cfa" points=3
rng = np.random.default_rng(1)
X = rng.normal(size=(80, 3)) * [3.0, 2.0, 1.0]
rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
A, B = cfa(X, X @ rotation, k=3)
assert A.shape == B.shape == (3, 3), f"(d_x, k) and (d_y, k) are (3, 3), got {A.shape}, {B.shape}."
assert np.allclose(B.T @ B, np.eye(3)), "the columns of B are not orthonormal: no whitening, no S."
assert np.allclose(A.T @ A, np.eye(3)), "the columns of A are not orthonormal: no whitening, no S."
first_A, _ = cfa(X, X @ rotation, k=1)
assert first_A.shape == (3, 1), (
    f"keep the first k columns: (d_x, k) is (3, 1), got {first_A.shape}."
)
assert np.allclose(np.abs(first_A), np.abs(A[:, :1])), (
    "keep the *first* k columns of U, as they are."
)
shifted_A, _ = cfa(X + np.array([10.0, 0.0, -5.0]), X @ rotation, k=1)
assert np.allclose(np.abs(shifted_A), np.abs(A[:, :1])), (
    "shifting the columns of X turned A: centre each column first."
)
y = X[:, 2:] + X[:, 1:2]
alone, _ = cfa(X, y, k=1)
assert alone.shape == (3, 1), (
    f"A belongs to X: (d_x, k) is (3, 1), got {alone.shape}: U or V, rows or columns?"
)
together = (X - X.mean(axis=0)).T @ (y - y.mean(axis=0))
cosine = np.abs(alone.T @ together).item() / np.linalg.norm(together)
assert cosine > 1 - 1e-8, "A ignores Y: take one SVD of X_cᵀ Y_c, not one of each side."
residual = np.abs(X @ A - X @ rotation @ B).max()
assert residual < 1e-8, (
    "a rotated copy should be matched exactly: is B made of Vt's rows, transposed?"
)
scaled_A, _ = cfa(X * [1, 1, 100], X @ rotation, k=1)
print(
    f"residual {residual:.3f}; weight of a column made 100 times larger {abs(scaled_A[2, 0]):.4f}"
)
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(24)
P, Q = rng.normal(size=(60, 5)) + 2, rng.normal(size=(60, 4)) - 1
Q[:, 0] += P[:, 1]
A, B = cfa(P, Q, k=2)
centred = (P - P.mean(axis=0)) @ A, (Q - Q.mean(axis=0)) @ B
print(f"{A.shape} {B.shape} {np.trace(centred[0].T @ centred[1]):.5f}")
print(f"{np.abs(A @ A.T).sum():.6f} {np.abs(B @ B.T).sum():.6f}")
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 5: mAP in both directions
#
# `both_directions`, 15 minutes, 3 points.
#
# `similarity[i, j]` compares image $i$ with text $j$; the items have classes `labels`. In I→T
# each image asks for texts, in T→I each text asks for images. Relevant is what has the same
# class. `ap` below scores one query, so you need not have solved exercise 1.

# %%
from sklearn.metrics import average_precision_score as sklearn_ap


def ap(scores, relevant):
    """Average precision of one query: scores (m,), relevant (m,) booleans."""
    return sklearn_ap(relevant, scores)


# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Row $i$ of the matrix holds the scores of image $i$'s query. The queries of the texts are its
# columns.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `similarity.T` turns columns into rows, and `labels == labels[i]` marks what is relevant to
# query $i$.
#
# </details>
#
# You should see two different numbers, 0.722 and 0.806.


# %% solution="both_directions" minutes=15
def both_directions(similarity, labels):
    """Mean average precision of image-to-text and of text-to-image retrieval.

    similarity: (n, n), images in rows, texts in columns; labels: (n,). Returns (i2t, t2i).
    """

    ### BEGIN SOLUTION
    def mean_ap(s):
        return float(np.mean([ap(row, labels == labels[i]) for i, row in enumerate(s)]))

    return mean_ap(similarity), mean_ap(similarity.T)
    ### END SOLUTION


# %% check="check_both_directions" for="both_directions" points=3
s = np.array([[0.9, 0.1, 0.2], [0.3, 0.5, 0.4], [0.8, 0.6, 0.7]])
i2t, t2i = both_directions(s, np.array([0, 0, 1]))
assert np.ndim(i2t) == np.ndim(t2i) == 0, "return two numbers: the mean of each direction's APs."
values = f"{i2t:.3f} and {t2i:.3f}"
assert max(i2t, t2i) <= 1, f"got {values}: a mean over the queries is at most 1; no sum."
assert not np.allclose([i2t, t2i], 1 / 3), f"got {values}: the partner is relevant, too."
assert not np.allclose([i2t, t2i], (13 / 18 + 29 / 36) / 2), (
    "return both directions, not their mean."
)
assert not np.allclose([i2t, t2i], 5 / 6), (
    f"got {values}: the partner alone, or one query alone; every item of the class is relevant."
)
assert not np.isclose(i2t, t2i), (
    f"the two directions differ here, got {values}: one AP per query, largest score first, and "
    "transpose for T→I."
)
assert not np.isclose(i2t, 29 / 36), f"the directions are swapped, got {values}: rows are images."
assert np.isclose(i2t, 13 / 18), (
    f"I→T: (5/6 + 5/6 + 1/2)/3, got {i2t:.3f}. Is the same class relevant?"
)
assert np.isclose(t2i, 29 / 36), f"T→I: (5/6 + 7/12 + 1)/3, got {t2i:.3f}. Do columns ask the rows?"
print(f"I→T {i2t:.6f}, T→I {t2i:.6f}")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(25)
fresh, classes = rng.normal(size=(20, 20)), rng.integers(0, 3, 20)
fresh += 0.7 * (classes[:, None] == classes)
print(" ".join(f"{v:.6f}" for v in both_directions(fresh, classes)))
### END HIDDEN TESTS

# %% [markdown]
# ## Your own experiment
#
# Choose `n_components` and `shrinkage` for CCA on the emoji, on a **validation** part of the
# training pairs. Change one of them, write down what you expect, and look. Then try the score by
# `"sublabels"`: do the best settings move, and where to?

# %% experiment="choose_cca"
train, test = load_emoji().features(image="cnn", text="lsa").split(seed=0)
part, validation = train.split(seed=0)
components = [4, 8, 16, 32]  # change me
for shrinkage in (0.1, 0.7):  # change me
    fits = [CCA(k, shrinkage).fit(part.images, part.texts) for k in components]
    scores = [evaluate_retrieval(model, validation, labels="labels")["mean"] for model in fits]
    plt.plot(components, scores, "o-", label=f"shrinkage {shrinkage}")
plt.xlabel("components")
plt.ylabel("validation mAP")
plt.legend()
plt.show()

# %% [markdown]
# *Figure: validation mAP against the number of components, one line for each shrinkage.*

# %% [markdown]
# ## In your own words
#
# `why_invariant`, 10 minutes, 2 points, marked by hand.
#
# CCA without shrinkage gives the same correlations for $X$ and for $XM$ with any invertible $M$;
# CFA does not. Say why, in two to four sentences, and name one situation in which you would
# prefer CFA for this very reason. One point for the reason, one for the situation.

# %% [markdown] written="why_invariant" points=2
# ### BEGIN SOLUTION
# Whitening replaces X by an orthonormal basis of its column space, and XM has the same column
# space, so the correlations cannot differ; CFA keeps lengths and angles, which M changes (1
# point). Prefer CFA when the small-variance directions are mostly noise, for example with few
# pairs and many columns: CCA would blow them up to variance one (1 point).
# ### END SOLUTION
