# %% [markdown]
# ## What you will build
#
# You write the tools of a careful chronicler: features of a time, the window of the loss, movement without the turn of
# the space, dispersion by item, and a test against worlds without change. At the end you put a model of
# time together, without any network, and it must find the drift of the emoji. Six exercises; none needs another one
# to be solved. Notation as in the lesson: $t$ a time, $\tau$ and $\varphi$ its features, $w$ the window, $s$ a cosine, $u$ a
# vector of length 1.

# %% setup=true
import matplotlib.pyplot as plt
import numpy as np

from mmlearn.data import load_timeline
from mmlearn.deep import drift_correlation, recovered_drift
from mmlearn.plotting import query_rows, use_style

use_style()

# %% [markdown]
# ## Exercise 1: features of a time
#
# `time_features`, 10 minutes, 3 points, core.
#
# Scale the time so that the training range, from `first` to `last`, becomes $-1$ to $1$; a time outside it
# counts as its nearest end. Then, with $K$ frequencies,
#
# $$\varphi(t) = [\,t,\ \sin \pi t,\ \cos \pi t - 1,\ \dots,\ \sin \pi K t,\ \cos \pi K t - 1\,]$$
#
# In the middle of the range all features are 0, so that whatever they multiply does nothing there.
#
# <details><summary>Hint 1</summary>
#
# Scale, then limit with `np.clip`. All angles at once: a column of times against the row $1, \dots, K$.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# A list of columns that grows by two in a loop over $k$, then `np.stack(columns, axis=1)`.
#
# </details>
#
# You should see $(0, 0, 0)$ for 2015 between 2010 and 2020, and $(-0.5, -1, -1)$ for 2012.5.


# %% solution="time_features" minutes=10
def time_features(times, first, last, n_frequencies):
    """The features φ of each time.

    times: (n,) numbers; first, last: the training range, first < last; n_frequencies: K, 0 or
    more. Returns (n, 1 + 2 K), in the order of the formula.
    """
    ### BEGIN SOLUTION
    t = np.clip(2 * (np.asarray(times) - first) / (last - first) - 1, -1, 1)
    columns = [t]
    for k in range(1, n_frequencies + 1):
        columns += [np.sin(np.pi * k * t), np.cos(np.pi * k * t) - 1]
    return np.stack(columns, axis=1)
    ### END SOLUTION


# %% check="check_time_features" for="time_features" points=3
years = np.array([2010, 2012.5, 2015, 2017.5, 2020])
phi = time_features(years, 2010, 2020, 1)
assert np.shape(phi) == (5, 3), f"a row a time, 1 + 2 K columns: (5, 3), got {np.shape(phi)}."
assert not np.isclose(phi[2, 2], 1), "1 in the middle: subtract 1 from the cosine, so that φ = 0."
assert not np.isclose(phi[0, 0], 0), "0 at the first time: the range goes from -1 to 1, not 0 to 1."
assert np.allclose(phi[2], 0), f"2015 is the middle: all features 0, got {phi[2]}."
assert not np.isclose(phi[1, 1], np.sin(-0.5)), "sin πt: the factor π is missing."
assert not np.isclose(phi[1, 1], 0), "sin πt with t = -0.5 is -1, not 0: π, not 2π."
assert np.allclose(phi[1], [-0.5, -1, -1]), f"2012.5: (-0.5, -1, -1) expected, got {phi[1]}."
assert np.allclose(phi[[0, 4]], [[-1, 0, -2], [1, 0, -2]]), "the ends are (-1, 0, -2), (1, 0, -2)."
later = time_features(np.array([2030.0, 2000.0]), 2010, 2020, 1)
assert not np.isclose(later[0, 0], 3), "2030 is beyond the training: it counts as 2020."
assert np.allclose(later, phi[[4, 0]]), f"2030 as 2020, 2000 as 2010; got {later}."
part = time_features(years[:2], 2010, 2020, 1)
assert np.allclose(part, phi[:2]), "scale by first and last, not by the times that are given."
assert np.shape(time_features(years, 2010, 2020, 0)) == (5, 1), "with K = 0 only t is left."
two = time_features(years[1:2], 2010, 2020, 2)[0]
assert not np.allclose(two, [-0.5, -1, 0, -1, -2]), (
    "the order: sine and cosine of k = 1, then of 2."
)
assert np.allclose(two, [-0.5, -1, -1, 0, -2]), f"(-0.5, -1, -1, 0, -2) with K = 2, got {two}."
print("2012.5", np.round(two, 6) + 0.0, "later", np.round(later[0], 6) + 0.0)
### BEGIN HIDDEN TESTS
fresh = time_features(np.array([1.3, 2.9, 4.4, 9.0]), 1, 5, 3)
print(*(f"{v:.6f}" for v in fresh.ravel()))
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 2: the window
#
# `window_loss`, 15 minutes, 3 points, core.
#
# Pairs $(i, j)$ of a picture and a text, *of one group only*. Inside the window they are pulled together, the nearer in
# time the more; outside it they are kept a margin $m$ apart:
#
# $$\kappa_{ij} = \max\Bigl(0,\ 1 - \frac{|t_i - t_j|}{w}\Bigr), \qquad
# L = \frac{\sum_{\kappa > 0} \kappa_{ij} (1 - s_{ij})}{\sum_{\kappa > 0} \kappa_{ij}}
# + \operatorname*{mean}_{\kappa = 0} \max\bigl(0,\ m - (1 - s_{ij})\bigr)$$
#
# Return $\kappa$, with 0 for two items of different groups, and $L$. The mean runs over *all* pairs of one group outside
# the window, those that are far enough apart among them; without any such pair that term is 0.
#
# <details><summary>Hint 1</summary>
#
# Two boolean matrices are needed: `same` group, and outside, that is `same` and $\kappa = 0$. A pair of different
# groups is in neither sum.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `np.average` takes weights. Ask `outside.any()` before you take a mean over nothing.
#
# </details>
#
# You should see a loss of 0.335 for four items, 0.26 of which is the pull.


# %% solution="window_loss" minutes=15
def window_loss(s, labels, times, window, margin):
    """The alignment within each group, and the loss.

    s: (n, n) cosines, pictures in rows, texts in columns; labels: (n,) groups; times: (n,);
    window: w, above 0; margin: m, above 0. Returns κ, (n, n), and L, a float.
    """
    ### BEGIN SOLUTION
    same = labels[:, None] == labels
    kappa = same * np.maximum(0, 1 - np.abs(times[:, None] - times) / window)
    outside = same & (kappa == 0)
    pull = np.average(1 - s, weights=kappa)
    push = np.maximum(0, margin - (1 - s[outside])).mean() if outside.any() else 0
    return kappa, float(pull + push)
    ### END SOLUTION


# %% check="check_window_loss" for="window_loss" points=3
s = np.array(
    [[0.8, 0.6, 0.9, 0.3], [0.4, 0.8, 1.0, 0.1], [0.7, 0.5, 0.8, 0.2], [0.0, 0.2, 0.6, 0.8]]
)
kinds, moments = np.array([0, 0, 0, 1]), np.array([2010.0, 2011.0, 2014.0, 2011.0])
kappa, loss = window_loss(s, kinds, moments, window=2, margin=0.2)
assert np.shape(kappa) == (4, 4), f"κ for each two items, (4, 4), got {np.shape(kappa)}."
assert np.allclose(np.diag(kappa), 1), f"an item agrees with itself: κ = 1, got {np.diag(kappa)}."
assert not np.isclose(kappa[1, 3], 1), "items 1 and 3 are of different groups: κ = 0 for them."
assert kappa.min() >= 0, "κ is never below 0: max(0, ...)."
assert not np.isclose(kappa[0, 1], 1), (
    "a window is no switch: κ falls in a straight line with |Δt|."
)
assert np.isclose(kappa[0, 1], 0.5), f"a year apart, w = 2: κ = 0.5, got {kappa[0, 1]}."
likely = {0.26: "0.26 is the pull alone: those outside the window are kept apart, too."}
likely |= {0.075: "0.075 is the push alone: those inside the window are pulled together."}
likely |= {0.41: "the push is a mean over all 4 pairs outside, not over the 2 too near."}
likely |= {1.375: "the pull is divided by the sum of κ."}
likely |= {0.56: "a mean over the pairs outside, not their sum."}
likely |= {0.235: "a pair far enough apart gives 0, not less: max(0, ...)."}
likely |= {0.36: "the push is for those too near: max(0, m - (1 - s)), not the reverse."}
likely |= {0.29: "two items of different groups are neither inside nor outside: leave them out."}
likely |= {0.15625: "the pull is divided by the sum of κ, not by the number of pairs."}
for value, message in likely.items():
    assert not np.isclose(loss, value), message
assert np.isclose(loss, 0.335), f"0.26 + 0.075 = 0.335 expected, got {loss:.4f}."
always = window_loss(s, kinds, moments, window=100, margin=0.2)[1]
assert np.isfinite(always), "NaN: nothing lies outside a wide window; the push is 0 then."
print(f"loss {loss:.6f}, wide window {always:.6f}, κ {kappa.sum():.3f}")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(92)
s, kinds, moments = rng.uniform(-0.2, 1, (8, 8)), rng.integers(0, 3, 8), rng.uniform(0, 9, 8)
for w, m in ((0.5, 0.2), (3.0, 0.7), (20.0, 0.2)):
    kappa, loss = window_loss(s, kinds, moments, w, m)
    print(f"{kappa.sum():.6f} {kappa[0].sum():.6f} {loss:.6f}")
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 3: movement without the turn
#
# `moved`, 15 minutes, 3 points, core.
#
# The rows of $A$ and $B$ are places of the same items at two times. Scale all rows to length 1; find the rotation (or
# reflection) $Q$ that brings $A$ closest to $B$; and say how far each item has moved after it:
#
# $$Q = U V^\top \text{ with } A^\top B = U S V^\top, \qquad d_i = 1 - \cos(A_i Q,\ B_i)$$
#
# Without `procrustes` of the package and of scipy.
#
# <details><summary>Hint 1</summary>
#
# `np.linalg.svd` returns $U$, $S$ and $V^\top$, the last one transposed already.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Rows stand on the left: `A @ Q`. The cosine of two rows of length 1 is the sum of their products, row by row.
#
# </details>
#
# You should see that a space that was only turned has not moved, and that one item that changed stands out.


# %% solution="moved" minutes=15
def moved(a, b):
    """The best rotation of `a` onto `b`, and how far each item has moved after it.

    a, b: (n, k) places at two times, rows of any length above 0. Returns Q, (k, k), for which
    `a @ Q` is nearest to `b`, and (n,) movements.
    """
    ### BEGIN SOLUTION
    a, b = (z / np.linalg.norm(z, axis=1, keepdims=True) for z in (a, b))
    u, _, vt = np.linalg.svd(a.T @ b)
    q = u @ vt
    return q, 1 - (a @ q * b).sum(axis=1)
    ### END SOLUTION


# %% check="check_moved" for="moved" points=3
places = np.array(
    [[3.0, 0.0, 4.0], [0.0, 2.0, 0.0], [1.0, 1.0, 0.0], [1.0, 0.0, -1.0], [2.0, 1.0, 2.0]]
)
turn = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
turned = (places @ turn) * np.array([[1.0], [5.0], [0.2], [1.0], [3.0]])
q, d = moved(places, turned)
assert np.shape(q) == (3, 3), f"Q is (k, k), here (3, 3), got {np.shape(q)}."
assert np.shape(d) == (5,), f"one movement an item, (5,), got {np.shape(d)}."
assert np.allclose(q @ q.T, np.eye(3)), "Q is no rotation: U Vᵀ of the SVD, without S."
assert not np.allclose(q, turn.T), "Q turned the wrong way: SVD of AᵀB, and A stands on its left."
assert np.allclose(q, turn), "the planted turn was not found: are rows scaled to length 1 first?"
assert not np.allclose(d, 1), "1 for all: d is 1 - cosine, so 0 where nothing moved."
assert np.allclose(d, 0), f"the space was only turned, so nothing moved; got {d}."
changed = turned.copy()
changed[1] = [3.0, 0.0, 0.0]
d = moved(places, changed)[1]
raw = 1 - (places * changed).sum(1) / np.linalg.norm(places, axis=1) / np.linalg.norm(
    changed, axis=1
)
assert not np.allclose(d, raw), "that is the raw movement: turn A by Q first."
q = moved(places, changed)[0]
assert np.allclose(q @ q.T, np.eye(3)), (
    "Q is no rotation where the fit is not perfect: use the SVD."
)
assert not np.isclose(d[1], 1.064792, atol=1e-5), "a squared distance; d is 1 - cosine."
assert np.isclose(d[1], 0.532396, atol=1e-5), (
    f"0.5324 for item 1, got {d[1]:.4f}: scale the rows to length 1 before the SVD, or long rows "
    "count more."
)
assert d.argmax() == 1, f"item 1 alone has changed, and must stand out; got {np.round(d, 3)}."
print("turned", np.round(np.abs(moved(places, turned)[1]).max(), 6), "changed", np.round(d, 6))
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(93)
early, late = rng.normal(size=(2, 12, 4))
q, d = moved(early, late)
print(*(f"{v:.6f}" for v in [*q.ravel(), *d]))
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 4: dispersion, by item
#
# `dispersion`, 20 minutes, 4 points, hard.
#
# How far do the items of a group lie apart? Take two **different** items $a \ne b$, a row of the one and a row
# of the other, and their cosine distance; average over the rows, then over all pairs of items:
#
# $$D = \operatorname*{mean}_{a \ne b}\ \operatorname*{mean}_{i \in a,\ j \in b}\ (1 - u_i \cdot u_j)$$
#
# An item may have many rows (many moments), another one only one: every *item* counts the same. Rows come in any length
# and are scaled to 1 first. With fewer than two items there is no distance: return `nan`.
#
# <details><summary>Hint 1</summary>
#
# The mean of $1 - u_i \cdot u_j$ over the rows of two items needs only the mean vector of each item. Why?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# With one mean vector an item, the matrix of their inner products holds all pairs. Leave out its diagonal.
#
# </details>
#
# You should see 1 for two items at right angles, however often one of them is repeated.


# %% solution="dispersion" minutes=20
def dispersion(z, items):
    """The mean cosine distance of two different items.

    z: (n, k) rows of any length above 0; items: (n,) which item each row is, ints or str.
    Returns a float, nan with fewer than two items.
    """
    ### BEGIN SOLUTION
    u = z / np.linalg.norm(z, axis=1, keepdims=True)
    means = np.array([u[items == item].mean(axis=0) for item in np.unique(items)])
    n = len(means)
    if n < 2:
        return float("nan")
    return float(1 - (means @ means.T)[~np.eye(n, dtype=bool)].mean())
    ### END SOLUTION


# %% check="check_dispersion" for="dispersion" points=4
corner = np.array([[1.0, 0.0], [0.0, 3.0]])
D = dispersion(corner, np.array([0, 1]))
assert not np.isclose(D, 0.5), "0.5: an item was compared with itself, too. Different items only."
assert not np.isclose(D, 0), "0: 1 minus the cosine; at right angles that is 1."
assert np.isclose(D, 1), f"two items at right angles: 1 expected, got {D:.4f}."
askew = dispersion(np.array([[2.0, 0.0], [3.0, 4.0]]), np.array([0, 1]))
assert not np.isclose(askew, -5), "-5: scale the rows to length 1 first."
assert np.isclose(askew, 0.4), f"1 - 0.6 = 0.4 for a cosine of 0.6, got {askew:.4f}."
often = dispersion(corner[[0, 0, 0, 1]], np.array(["sun", "sun", "sun", "moon"]))
assert not np.isclose(often, 0.5), "0.5: rows of one item were compared with one another."
assert not np.isclose(often, 0.375), "0.375: rows counted as items. Average within an item first."
assert np.isclose(often, 1), f"an item that is repeated is still one: 1 expected, got {often:.4f}."
three = dispersion(np.array([[1.0, 0], [1.0, 0], [0, 1.0], [-1.0, 0]]), np.array([7, 7, 2, 9]))
assert not np.isclose(three, 1.2), "1.2: pairs of rows; every *item* counts the same."
assert np.isclose(three, 4 / 3), f"(1 + 2 + 1) / 3 for three items, got {three:.4f}."
moving = dispersion(np.array([[1.0, 0], [0, 1.0], [0, 1.0]]), np.array([0, 0, 1]))
assert not np.isclose(moving, 1 - 0.5**0.5), "an item's mean is shorter than 1: do not scale it."
assert not np.isclose(moving, 1), "1: only the first row of each item counted; take them all."
assert np.isclose(moving, 0.5), f"item 0 is once at 1's place, once apart: 0.5, got {moving:.4f}."
assert np.isnan(dispersion(corner, np.array([4, 4]))), "one item has no distance: nan."
print(f"corner {D:.6f}, often {often:.6f}, three {three:.6f}, moving {moving:.6f}")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(94)
print(*(f"{dispersion(rng.normal(size=(9, 3)) + 1, rng.integers(0, 4, 9)):.6f}" for _ in range(4)))
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 5: worlds without change
#
# `permutation_p`, 10 minutes, 3 points.
#
# A `statistic` is a function of values (such as times). Compute it for the values as they are, and for $n$ shuffles of
# them:
#
# $$p = \frac{1 + \text{hits}}{1 + n}, \qquad \text{hits: shuffles whose statistic is } \ge \text{ the observed one}$$
#
# Draw from `rng = np.random.default_rng(seed)`, one `rng.permutation(values)` a shuffle, so that all of us see the same
# worlds. Without `permutation_test` and `p_value` of the package.
#
# <details><summary>Hint 1</summary>
#
# A shuffle that does exactly as well has done *as well*: it is a hit. Mind rounding for nothing here: the checks'
# numbers are exact.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# What must $p$ be if the statistic ignores its values? Test your function with that one first.
#
# </details>
#
# You should see $p = 1$ for a statistic that never changes, and 0.01 at best with 99 shuffles.


# %% solution="permutation_p" minutes=10
def permutation_p(statistic, values, n, seed):
    """The observed statistic, that of n shuffles, and p.

    statistic: a function of (m,) values that returns a number; values: (m,); n: shuffles.
    Returns a number, (n,) numbers, and p, a float above 0.
    """
    ### BEGIN SOLUTION
    rng = np.random.default_rng(seed)
    observed = statistic(values)
    shuffled = np.array([statistic(rng.permutation(values)) for _ in range(n)])
    return observed, shuffled, float((1 + (shuffled >= observed).sum()) / (1 + n))
    ### END SOLUTION


# %% check="check_permutation_p" for="permutation_p" points=3
ramp = np.arange(10)
observed, worlds, p = permutation_p(lambda t: int(t @ np.arange(10)), ramp, 99, seed=0)
assert np.array_equal(ramp, np.arange(10)), "your function changed the values that it was given."
assert observed == 285, f"the statistic of the values as they are is 285, got {observed}."
assert np.shape(worlds) == (99,), f"one statistic a shuffle, (99,), got {np.shape(worlds)}."
assert len(np.unique(worlds)) > 1, "all shuffles are alike: draw a new order for each of them."
assert p != 0, "p = 0: the observed order is one of the possible ones: (1 + hits) / (1 + n)."
assert not np.isclose(p, 1 / 99), "1/99: the observed one counts below the line, too: 1 + n."
assert not np.isclose(p, 1), "1: hits are the shuffles that are as *large* as the observed one."
assert np.isclose(p, 0.01), f"no shuffle of 99 reaches it: p = 1/100, got {p:.4f}."
same = permutation_p(lambda t: int(t.sum()), ramp, 19, seed=0)[2]
assert not np.isclose(same, 0.05), "a shuffle that does as well is a hit: >=, not >."
assert np.isclose(same, 1), f"the sum never changes, so every world does as well: 1, got {same}."
weak = permutation_p(lambda t: int(t[0]), np.array([2, 0, 1, 3]), 199, seed=1)[2]
print(f"p {p:.6f}, same {same:.6f}, weak {weak:.6f}, shuffled {worlds.mean():.6f}")
### BEGIN HIDDEN TESTS
values = np.random.default_rng(95).integers(0, 20, 12)
for n in (9, 50):
    out = permutation_p(lambda t: int(t[:4].sum() - t[4:8].sum()), values, n, seed=5)
    print(out[0], f"{out[1].mean():.6f} {out[2]:.6f}")
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 6: a model of time without a network
#
# `fit_in_time`, 20 minutes, 4 points, core.
#
# The network multiplied its hidden units by $1 + G\,\tau(t)$. Do the same in a straight line. With
# $x$ a picture's features $(d)$ and $\varphi(t)$ those of its time $(f)$, stack the picture and the picture *times each time
# feature*:
#
# $$M_i = [\,x_i,\ \varphi_1(t_i)\, x_i,\ \dots,\ \varphi_f(t_i)\, x_i\,], \qquad
# W = \operatorname*{argmin}_W\ \tfrac1n \lVert M W - U \rVert^2 + \lambda \lVert W \rVert^2$$
#
# Row $u_i$ of $U$ is the caption that the picture came with. Then $M W$ says which caption to expect *at that
# time*. Write two functions: `expand` returns $M$, `fit_in_time` the weights $W$.
#
# <details><summary>Hint 1</summary>
#
# `x * phi[:, [j]]` is the $j$-th block. Put all blocks side by side, the plain $x$ first.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Set the gradient to 0: $(M^\top M / n + \lambda I)\, W = M^\top U / n$, one `np.linalg.solve`.
#
# </details>
#
# You should see an $r$ of found and planted drift above 0.75 on the emoji, near that of the lesson's network.

# %%
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline

from mmlearn.features import CNNFeatures

pictures = make_pipeline(CNNFeatures(), PCA(60, random_state=0))
data = load_timeline(seed=0).features(image=pictures, text="lsa")
train, test = data.split(seed=0)
X, U = train.images, train.texts / np.linalg.norm(train.texts, axis=1, keepdims=True)


class InTime:
    """Weights of `fit_in_time` and features of a time, as a model that embeds and compares."""

    def __init__(self, W, phi):
        self.W, self.phi = W, phi

    def embed_images(self, x, t):
        return expand(x, self.phi(np.full(len(x), t))) @ self.W

    def embed_texts(self, y, t):
        return y

    def similarity(self, a, b):
        return a @ b.T / np.outer(np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1))


# %% solution="fit_in_time" minutes=20
def expand(x, phi):
    """A picture beside itself times each feature of its time.

    x: (n, d); phi: (n, f). Returns (n, d (1 + f)).
    """
    ### BEGIN SOLUTION
    return np.hstack([x, *(x * column[:, None] for column in phi.T)])
    ### END SOLUTION


def fit_in_time(x, u, phi, ridge):
    """The weights that tell a picture's caption at its time.

    x: (n, d); u: (n, k) captions; phi: (n, f); ridge: λ, above 0. Returns W, (d (1 + f), k).
    """
    ### BEGIN SOLUTION
    m = expand(x, phi)
    return np.linalg.solve(m.T @ m / len(m) + ridge * np.eye(m.shape[1]), m.T @ u / len(m))
    ### END SOLUTION


# %% check="check_fit_in_time" for="fit_in_time" points=4
x, phi = (
    np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]),
    np.array([[0.0, 1.0], [2.0, 0.5], [0.1, 0.0]]),
)
M = expand(x, phi)
assert np.shape(M) == (3, 6), f"d (1 + f) = 2 * 3 columns, got {np.shape(M)}."
assert not np.allclose(M[1], [3, 4, 5, 6, 3.5, 4.5]), "each block is x *times* a feature, not plus."
assert not np.allclose(M[1], [3, 6, 1.5, 4, 8, 2]), (
    "by blocks: first all of x, then φ_1 x, then φ_2 x."
)
assert np.allclose(M[1], [3, 4, 6, 8, 1.5, 2]), f"(3, 4, 6, 8, 1.5, 2) for item 1, got {M[1]}."
one = fit_in_time(np.ones((4, 1)), np.array([[0.0], [1.0], [3.0], [4.0]]), np.zeros((4, 1)), 1.0)
assert np.shape(one) == (2, 1), f"W is (d (1 + f), k), here (2, 1), got {np.shape(one)}."
assert not np.isclose(one[0, 0], 1.6), "1.6: λ is added to the *mean* of MᵀM: divide by n."
assert not np.isclose(one[0, 0], 2), "2: without λ; add λ I."
assert np.isclose(one[0, 0], 1), f"mean 2, shrunk by 1/(1 + λ) = 1/2: 1 expected, got {one[0, 0]}."
clock = 2 * train.times[:, None] - 1
linear = InTime(fit_in_time(X, U, clock, 1.0), lambda t: 2 * t[:, None] - 1)
r = drift_correlation(recovered_drift(linear, train, steps=3), train)
assert r > 0.75, f"r = {r:.2f} of found and planted drift: 0.75 is asked for."
print(f"one {one[0, 0]:.6f}, weights {np.linalg.norm(linear.W):.4f}, r {r:.4f}")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(96)
x, u, phi = rng.normal(size=(20, 3)), rng.normal(size=(20, 2)), rng.normal(size=(20, 2))
print(*(f"{v:.6f}" for ridge in (0.01, 2.0) for v in fit_in_time(x, u, phi, ridge).ravel()))
### END HIDDEN TESTS

# %% [markdown]
# ## Your own experiment
#
# Now all parts together: your time features, your model, your worlds without change, your movement. (Where a function is
# missing, the cell says so.) The strip shows which pictures *dress* finds at three times, and what it finds
# in a world with shuffled times. Write down what you expect; then change the frequencies, the ridge, the word. How many
# frequencies help a drift that is a straight line? Which word drifts most, and which not at all?


# %%
def phi(t):
    return time_features(t, 0, 1, K)


def in_time(times):
    return InTime(fit_in_time(X, U, phi(times), ridge), phi)


def means(rows, labels):
    return np.array([rows[labels == h].mean(axis=0) for h in range(len(data.label_names))])


def found(times):
    """r of planted drift and that of each group's mean picture, towards the partner's captions."""
    change = np.subtract(*(in_time(times).embed_images(mean_x, t) for t in (1.0, 0.0)))
    towards = (mean_u[data.partners] - mean_u) * change
    return drift_correlation(towards.sum(axis=1), train)


mean_x, mean_u = means(X, train.labels), means(U, train.sublabels)


# %%
def strip(true, still):
    asked = [("t = 0", true, 0.0), ("t = 0.5", true, 0.5), ("t = 1", true, 1.0)]
    asked.append(("shuffled, t = 1", still, 1.0))
    shown = train[np.unique(train.titles, return_index=True)[1]]
    query = train.texts[[[c.split(":")[0] for c in train.captions].index(word)]]
    s = [m.similarity(query, m.embed_images(shown.images, t))[0] for _, m, t in asked]
    top = np.array([np.argsort(-row)[:8] for row in s])
    home = shown.labels[top] == np.bincount(shown.labels[top[0]]).argmax()  # found first
    return query_rows([f"{word}, {name}" for name, *_ in asked], shown.pictures[top], home)


def first_and_last(model):
    return [model.embed_images(test.images, t) for t in (0.0, 1.0)]


# %% experiment="your_own_strip"
K, ridge, word = 0, 1.0, "dress"  # change me
try:
    r, worlds, p = permutation_p(found, train.times, 19, seed=0)
    print(f"r = {r:.2f}, 19 shuffled worlds {worlds.mean():.2f} ± {worlds.std():.2f}, p = {p}")
    true = in_time(train.times)
    still = in_time(np.random.default_rng(0).permutation(train.times))
    both = [moved(*first_and_last(m))[1].mean() for m in (true, still)]
    print("movement {:.3f}, with times shuffled {:.3f}".format(*both))
    strip(true, still)
except NotImplementedError:
    print("Solve exercises 1, 3, 5 and 6 first: they are the parts of this cell.")
plt.show()

# %% [markdown]
# *Figure: four rows of eight pictures for one word: at times 0, one half and 1, and in a world with shuffled times at 1.
# Pictures of the group that is found first have a green frame; they leave from row to row, but stay in the last.*

# %% [markdown]
# ## In your own words
#
# `is_it_change`, 5 minutes, 3 points, marked by hand.
#
# A newspaper's archive is embedded decade by decade. A report says: "From 1990 to 2020 the word *cloud* moved by 0.42,
# more than 90 % of all words. The dispersion of its contexts fell by a third, as the word has become narrower." Contexts of
# *cloud* were 900 in the first decade and 60 in the last. What would you ask for before you believe each of the
# two sentences, and what would have to come out? Three to six sentences.

# %% [markdown] written="is_it_change" points=3
# ### BEGIN SOLUTION
# Movement (1 point): were the two spaces aligned (Procrustes)? Without that, 0.42 is mostly the turn of the space, and
# even its rank among words says little. A world without change (1 point): the same, many times, with the decades of all texts
# shuffled; the movement of *cloud* must exceed what it is there, above all as rare words move more in any world. Dispersion
# (1 point): with 60 contexts instead of 900 a plain mean distance from the centroid is smaller by itself (by the factor
# $1 - 1/n$, little here, but more if few documents give most of the contexts); divide by $n - 1$, count each document once,
# or draw 60 contexts from each decade many times. Only a fall that stays is one of the word.
# ### END SOLUTION
