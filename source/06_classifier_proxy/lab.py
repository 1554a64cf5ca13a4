# %% [markdown]
# ## What you will build
#
# Deep-SM from its parts: the two losses with their gradients, a training without pairs, the score of two
# posteriors, and the limit of what classes can find. Five exercises; none needs another one to be solved.
# Notation as in the lesson: $o$ logits, $t$ targets, $p$ probabilities, $\tau$ a temperature.

# %% setup=true
import matplotlib.pyplot as plt
import numpy as np

from mmlearn.data import load_emoji
from mmlearn.deep import DeepSM
from mmlearn.plotting import use_style
from mmlearn.retrieval import evaluate_retrieval

use_style()

# %% [markdown]
# ## Exercise 1: softmax cross-entropy and its gradient
#
# `softmax_loss`, 20 minutes, 3 points.
#
# One class an item. With $p_i = \mathrm{softmax}(o_i)$ and $t_i$ the indicator of the true class,
#
# $$L = \operatorname*{mean}_i \Bigl[\log \sum_k e^{o_{ik}} - o_{i, \text{label}_i}\Bigr], \qquad
# \frac{\partial L}{\partial o_{ij}} = \frac{p_{ij} - t_{ij}}{n}$$
#
# Return both, for logits of **any** size: 1000 must not overflow, -1000 must not give log 0.
#
# <details><summary>Hint 1</summary>
#
# Subtract the largest logit of each **row** first. Softmax does not change; in $L$ the same number is taken
# from both terms, so it cancels.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `o[np.arange(len(o)), labels]` picks each row's own logit; the gradient is `p` with 1 subtracted at
# these places, divided by $n$.
#
# </details>
#
# You should see a loss of 0.693147, that is log 2, and the gradient (0.25, -0.5, 0.25).


# %% solution="softmax_loss" minutes=20
def softmax_loss(o, labels):
    """Mean softmax cross-entropy and its gradient.

    o: (n, c) logits of any size; labels: (n,) whole numbers from 0 to c - 1.
    Returns (loss, gradient), a float and an (n, c) array.
    """
    ### BEGIN SOLUTION
    n = np.arange(len(o))
    o = o - o.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(o).sum(axis=1, keepdims=True))
    gradient = np.exp(o - log_sum)
    gradient[n, labels] -= 1
    return float((log_sum[:, 0] - o[n, labels]).mean()), gradient / len(o)
    ### END SOLUTION


# %% check="check_softmax_loss" for="softmax_loss" points=3
o = np.log(np.array([[1.0, 2.0, 1.0]]))
loss, g = softmax_loss(o.copy(), np.array([1]))
assert np.shape(g) == (1, 3), (
    f"return loss, gradient; the gradient has the shape of the logits, (1, 3), got {np.shape(g)}."
)
assert not np.isclose(loss, -np.log(2)), (
    "the sign: minus the log-probability of the truth. Or is the sum over items in place of classes?"
)
assert not np.isclose(loss, 1), "1: the natural logarithm, not that to base 2."
assert not np.isclose(loss, 0), (
    "0: log-sum-exp is missing, or the largest was not taken from both terms."
)
assert not np.isclose(loss, 0.5), "0.5 is 1 - p: the loss is -log p."
assert np.isclose(loss, np.log(2)), f"p of the truth is 1/2, so the loss is log 2, got {loss:.4f}."
assert not np.allclose(g, [[-0.25, 0.5, -0.25]]), "t - p: the gradient is p - t."
assert not np.allclose(g, [[0.25, 0.5, 0.25]]), "that is p; subtract t."
assert not np.allclose(g, [[1 / 12, -1 / 6, 1 / 12]]), (
    "divide by the n items, not by classes as well."
)
assert np.allclose(g, [[0.25, -0.5, 0.25]]), f"p - t = (1/4, -1/2, 1/4) expected, got {g}."
two = np.vstack([o, [[1000.0, 5.0, 0.0]]])
loss_2, g_2 = softmax_loss(two.copy(), np.array([1, 2]))
assert np.isfinite(loss_2), "not finite at a logit of 1000: take out the largest of the row."
assert not np.isclose(loss_2, (np.log(2) + 995) / 2), (
    "each item has its own label, not the first's."
)
assert not np.isclose(loss_2, np.log(2) + 1000), "the sum over items; take the mean."
assert np.isclose(loss_2, (np.log(2) + 1000) / 2), (
    f"surely wrong by 1000: (log 2 + 1000) / 2 = 500.3466, got {loss_2:.4f}: log-sum-exp, no clipping."
)
assert not np.allclose(g_2[1], [1, 0, -1]), "the loss is a mean: divide the gradient by n, too."
assert np.allclose(g_2[1], [0.5, 0, -0.5]), (
    f"(1, 0, -1) / 2 expected for row 2, got {g_2[1]}: each row subtracts 1 at its own label."
)
far, _ = softmax_loss(np.array([[0.0, 1.0], [-2000.0, -2001.0]]), np.array([0, 0]))
assert np.isfinite(far), "take out the largest of each *row*, not of all logits."
print(f"loss {loss:.6f}, gradient {g.round(6).tolist()}, with 1000 {loss_2:.6f}, far {far:.6f}")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(61)
fresh, marks = 3 * rng.normal(size=(6, 4)), rng.integers(4, size=6)
value, slope = softmax_loss(fresh, marks)
print(f"{value:.6f} {np.abs(slope).sum():.6f} {slope[2, 1]:.6f} {slope[5, 3]:.6f}")
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 2: several labels
#
# `sigmoid_loss`, 20 minutes, 3 points.
#
# Now every label is a question of its own. With $p = \sigma(o)$ and targets $t_{ij}$ of 0 or 1,
#
# $$L = \operatorname*{mean}_{i,\,j} \bigl[\log(1 + e^{o_{ij}}) - t_{ij}\, o_{ij}\bigr], \qquad
# \frac{\partial L}{\partial o_{ij}} = \frac{p_{ij} - t_{ij}}{n\,m}$$
#
# for $n$ items and $m$ labels. Again for logits of any size, large and small.
#
# <details><summary>Hint 1</summary>
#
# $\log(1 + e^o) = \log(e^0 + e^o)$ is a log-sum-exp of two numbers, 0 and $o$. Which is the larger?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `np.logaddexp(0, o)` does just that. And $\sigma(o) = e^{-\log(1 + e^{-o})}$, which needs no large
# exponential either.
#
# </details>
#
# You should see a loss of 0.789 for the lesson's logits (0, log 3, -log 3), and 500 for one that is off by
# 1000 and one that is right.


# %% solution="sigmoid_loss" minutes=20
def sigmoid_loss(o, t):
    """Mean binary cross-entropy and its gradient.

    o: (n, m) logits of any size; t: (n, m) targets, 0 or 1.
    Returns (loss, gradient), a float and an (n, m) array.
    """
    ### BEGIN SOLUTION
    p = np.exp(-np.logaddexp(0, -o))
    return float((np.logaddexp(0, o) - t * o).mean()), (p - t) / o.size
    ### END SOLUTION


# %% check="check_sigmoid_loss" for="sigmoid_loss" points=3
o, t = np.log(np.array([[1.0, 3.0, 1 / 3]])), np.array([[0.0, 1.0, 1.0]])
loss, g = sigmoid_loss(o.copy(), t)
by_hand = (np.log(2) + np.log(4 / 3) + np.log(4)) / 3
assert np.shape(g) == (1, 3), f"the gradient has the shape of the logits, got {np.shape(g)}."
assert not np.isclose(loss, 3 * by_hand), "the sum over labels; take the mean over n and m."
assert not np.isclose(loss, (np.log(4 / 3) + np.log(4)) / 3), (
    "labels that the item lacks count, too: -log(1 - p) for t = 0."
)
assert not np.isclose(loss, -by_hand), "the sign: the loss is at least 0."
p_softmax = np.exp(o) / np.exp(o).sum()
by_softmax = -(t * np.log(p_softmax) + (1 - t) * np.log(1 - p_softmax)).mean()
assert not np.isclose(loss, [by_softmax, -(t * np.log(p_softmax)).mean()]).any(), (
    "softmax: here each label is a question of its own, σ(o_j)."
)
assert np.isclose(loss, by_hand), f"(log 2 + log 4/3 + log 4) / 3 expected, got {loss:.4f}."
assert not np.allclose(g, [[1 / 2, -1 / 4, -3 / 4]]), "a mean: divide the gradient by n·m."
assert not np.allclose(g, [[-1 / 6, 1 / 12, 1 / 4]]), "t - p: the gradient is p - t."
assert not np.allclose(g, [[1 / 6, 1 / 4, 1 / 12]]), "that is p; subtract t."
assert not np.allclose(g, [[1 / 6, -1 / 4, -1 / 12]]), (
    "σ(-o) in place of σ(o): p = e^o / (e^o + 1)."
)
assert not np.allclose(g, (p_softmax - t) / 3), "softmax: here p_j hangs on its own o_j only."
assert np.allclose(g, [[1 / 6, -1 / 12, -1 / 4]]), (
    f"(p - t) / 3 with p = (1/2, 3/4, 1/4) expected, got {g}: does p_j hang on its own o_j only?"
)
own, _ = sigmoid_loss(np.log([[3.0]]), np.ones((1, 1)))
assert not np.isclose(own, np.log(4)), "a label that the item has: the term -t o is missing."
assert not np.isclose(own, np.log(12)), "a label that the item has: -t o, not +t o."
assert np.isclose(own, np.log(4 / 3)), f"p = 3/4 and t = 1: -log(3/4) = 0.2877, got {own:.4f}."
far, g_far = sigmoid_loss(np.array([[1000.0, -1000.0]]), np.array([[0.0, 0.0]]))
assert np.isfinite(far), (
    "not finite at a logit of 1000: no exponential of a large number, no log 0."
)
assert np.isclose(far, 500), f"(1000 + 0) / 2 = 500 expected, got {far:.4f}: no clipping."
assert np.allclose(g_far, [[0.5, 0]]), f"p = (1, 0), so (1, 0) / 2 expected, got {g_far}."
low, _ = sigmoid_loss(np.array([[-800.0], [800.0]]), np.array([[1.0], [1.0]]))
assert np.isclose(low, 400), f"off by 800 and right: 400 expected, got {low:.4f}."
two, g_two = sigmoid_loss(np.zeros((2, 3)), np.zeros((2, 3)))
assert np.allclose(g_two, 1 / 12), (
    "two items, three labels: (1/2 - 0) / 6 everywhere, so divide by n·m, not by one of the two."
)
print(f"loss {loss:.6f}, gradient {g.round(6).tolist()}, far {far:.6f}, low {low:.6f}")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(62)
fresh, marks = 4 * rng.normal(size=(5, 7)), rng.integers(2, size=(5, 7))
value, slope = sigmoid_loss(fresh, marks)
print(f"{value:.6f} {np.abs(slope).sum():.6f} {slope[2, 1]:.6f} {slope[4, 6]:.6f}")
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 3: Deep-SM without pairs
#
# `train_without_pairs`, 30 minutes, 4 points.
#
# The core of the method, with one linear layer a side so that a step can be checked by hand. $X$ $(n, d_x)$ and $Y$
# $(m, d_y)$ come from different collections: **their numbers differ**, and row $i$ of one has nothing to do with row
# $i$ of the other. For each side, start with $W = 0$ $(d, c)$ and $b = 0$ $(c,)$ and repeat `steps` times, over all
# its rows at once:
#
# $$o = X W + b, \qquad G = \frac{\mathrm{softmax}(o) - t}{n}, \qquad
# W \leftarrow W - \eta\, X^\top G, \qquad b \leftarrow b - \eta\, \textstyle\sum_i G_i$$
#
# The classes are numbered 0 to $c - 1$, **the same on both sides**, though one side may have no item of some class.
# `softmax` is given.


# %%
def softmax(o):
    """Probabilities (n, c) of logits (n, c) of any size."""
    e = np.exp(o - o.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Write the training of *one* side as an inner function of (features, labels), and call it twice. `np.eye(c)[labels]`
# are the targets $t$.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `G` holds the gradient by the logits, shape $(n, c)$. Compute it once from the old $W$ and $b$, then
# change both: `W -= eta * X.T @ G` and `b -= eta * G.sum(axis=0)`.
#
# </details>
#
# You should see the same posteriors whatever the order of the texts, and a picture and a text of one class that agree.


# %% solution="train_without_pairs" minutes=30
def train_without_pairs(X, labels_x, Y, labels_y, c, eta=1.0, steps=100):
    """Two linear softmax classifiers, one a modality, trained by gradient descent from zero.

    X: (n, d_x), labels_x: (n,); Y: (m, d_y), labels_y: (m,); labels from 0 to c - 1 on both sides;
    eta: step size. Returns (W_x, b_x), (W_y, b_y) of shapes (d, c) and (c,).
    """

    ### BEGIN SOLUTION
    def one_side(X, labels):
        W, b, t = np.zeros((X.shape[1], c)), np.zeros(c), np.eye(c)[labels]
        for _ in range(steps):
            G = (softmax(X @ W + b) - t) / len(X)
            W -= eta * X.T @ G
            b -= eta * G.sum(axis=0)
        return W, b

    return one_side(X, labels_x), one_side(Y, labels_y)
    ### END SOLUTION


# %% check="check_train_without_pairs" for="train_without_pairs" points=4
X, labels_x = np.array([[1.0], [3.0]]), np.array([0, 1])
Y, labels_y = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 2.0]]), np.array([0, 1, 1])
(W, b), (V, d) = train_without_pairs(X, labels_x, Y, labels_y, c=3, eta=1.0, steps=1)
assert np.shape(W) != (2, 3), "pictures first: return (W_x, b_x), (W_y, b_y)."
assert np.shape(W) == (1, 3), (
    f"W_x is (d_x, c) = (1, 3), got {np.shape(W)}: c counts on both sides."
)
assert np.shape(V) == (2, 3), f"W_y is (d_y, c) = (2, 3), got {np.shape(V)}."
assert not np.allclose(W, [[1 / 6, -5 / 6, 2 / 3]]), "uphill: subtract the gradient."
assert not np.allclose(W, [[-1 / 3, 5 / 3, -4 / 3]]), "divide by n: the loss is a mean over items."
assert not np.allclose(W, 0), "W is still 0: steps=1 means one step."
assert not np.allclose(W, [[-1 / 2, 1 / 2, -1]]), (
    "σ in place of softmax: one class an item, p = 1/3."
)
assert not np.allclose(W, [[-7 / 6, -13 / 6, -2 / 3]]), "p + t: the gradient is p - t."
assert np.allclose(W, [[-1 / 6, 5 / 6, -2 / 3]]), (
    f"one step from 0, where p = 1/3: W_x = (-1/6, 5/6, -2/3), got {W}."
)
assert not np.allclose(b, 0), (
    "the bias stays 0: it has a gradient, the sum over items, class by class."
)
assert not np.allclose(b, [1 / 12, 1 / 12, -1 / 6]), "G is divided by n already: sum it over items."
assert np.allclose(b, [1 / 6, 1 / 6, -1 / 3]), (
    f"b_x = (1/6, 1/6, -1/3) expected, got {b}: the sum over items of the same G that W used."
)
assert not np.allclose(V, [[1 / 3, -1 / 6, -1 / 6], [-1 / 2, 1, -1 / 2]]), (
    "the texts' gradient was divided by the number of pictures."
)
assert not np.allclose(V[1], [1 / 3, 0, -1 / 3]), "the texts have labels of their own: labels_y."
assert not np.allclose(V, [[1 / 3, -1 / 6, -1 / 6], [-1 / 6, 1 / 3, -1 / 6]]), (
    "a text was left out: the two sides need not have equal numbers."
)
assert np.allclose(V, [[2 / 9, -1 / 9, -1 / 9], [-1 / 3, 2 / 3, -1 / 3]]), (
    f"one step from 0 on the three texts, with labels_y, divided by 3: W_y is wrong: {V}."
)
half = train_without_pairs(X, labels_x, Y, labels_y, c=3, eta=0.5, steps=1)[0][0]
assert np.allclose(half, W / 2), "half of η should make half a step: η multiplies both gradients."
(W_2, b_2), _ = train_without_pairs(X, labels_x, Y, labels_y, c=3, eta=1.0, steps=2)
p = softmax(X @ W + b)  # as it was before the second step
G = (p - np.eye(3)[labels_x]) / 2
assert np.allclose(W_2, W - X.T @ G), "step 2 is off: compute o, p and G anew in each step."
assert np.allclose(b_2, b - G.sum(axis=0)), "step 2 of b is off: W and b step from the same G."
shuffled = train_without_pairs(X, labels_x, Y[::-1], labels_y[::-1], c=3, eta=1.0, steps=50)
plain = train_without_pairs(X, labels_x, Y, labels_y, c=3, eta=1.0, steps=50)
assert np.allclose(shuffled[1][0], plain[1][0]), "the order of the texts must not matter."
assert np.allclose(shuffled[0][0], plain[0][0]), "the order of the texts changed the pictures."
z_x, z_y = softmax(X @ plain[0][0] + plain[0][1]), softmax(Y @ plain[1][0] + plain[1][1])
assert (z_x.argmax(axis=1) == labels_x).all(), "after 50 steps both pictures are told apart."
print("same class, pictures by texts:", (z_x @ z_y.T).round(6).tolist())
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(63)
marks = rng.integers(4, size=9), rng.integers(4, size=6)
fresh = rng.normal(size=(9, 3)), rng.normal(size=(6, 5))
for W_s, b_s in train_without_pairs(fresh[0], marks[0], fresh[1], marks[1], 4, 0.3, 20):
    print(f"{W_s.shape} {np.abs(W_s).sum():.6f} {W_s[1, 2]:.6f} {np.abs(b_s).sum():.6f}")
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 4: the probability of the same class
#
# `same_class`, 15 minutes, 3 points.
#
# From logits $o_x$ $(n, c)$ and $o_y$ $(m, c)$ at a temperature $\tau$:
#
# $$s_{ij} = \sum_k p_k(x_i)\, p_k(y_j), \qquad p(x_i) = \mathrm{softmax}(o_{x,i} / \tau),\quad
# p(y_j) = \mathrm{softmax}(o_{y,j} / \tau)$$
#
# `softmax` from exercise 3 is there.
#
# <details><summary>Hint 1</summary>
#
# The temperature divides the *logits*, before softmax. Dividing the probabilities afterwards would make them sum to
# something else.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Every row of the one with every row of the other is a matrix product with a transpose.
#
# </details>
#
# You should see that the sure picture (0.6) beats the one that is as unsure as the text (0.52), and that a larger
# $\tau$ lowers the second.


# %% solution="same_class" minutes=15
def same_class(o_x, o_y, tau=1.0):
    """Probability that two items share their class, for all pictures and texts.

    o_x: (n, c) and o_y: (m, c) logits; tau: above 0. Returns (n, m).
    """
    ### BEGIN SOLUTION
    return softmax(o_x / tau) @ softmax(o_y / tau).T
    ### END SOLUTION


# %% check="check_same_class" for="same_class" points=3
text, other = np.log([[0.6, 0.399, 0.001]]), np.log([[0.2, 0.3, 0.5]])
pictures = np.array([[60.0, 0.0, 0.0], [*text[0]]])  # sure; as unsure as the text
s = np.asarray(same_class(pictures, np.vstack([text, other, text])))
assert s.shape == (2, 3), f"2 pictures with 3 texts make (2, 3), got {s.shape}."
assert not np.isclose(s[1, 0], 1), "1 for equal posteriors: that is the cosine; do not normalise."
assert s.min() >= 0, "below 0: probabilities, softmax(o / τ), not logits, and no logarithm."
assert not np.isclose(s[0, 0], 0.2), "a sum over the classes, not a mean."
assert not np.isclose(s[0].sum(), 1), (
    "softmax comes before the product, over the classes of an item."
)
assert not np.isclose(s[0, 0], 0.8862, atol=1e-3), "softmax over the classes of an item: axis=1."
assert np.isclose(s[0, 0], 0.6), f"surely class 0 with 0.6: 0.6 expected, got {s[0, 0]:.4f}."
both = 0.6**2 + 0.399**2 + 0.001**2
assert np.isclose(s[1, 0], both), f"0.6² + 0.399² + 0.001² expected, got {s[1, 0]:.4f}."
assert np.isclose(s[1, 1], 0.6 * 0.2 + 0.399 * 0.3 + 0.001 * 0.5), "row or column mixed up."
warm = np.asarray(same_class(pictures[1:], text, tau=2.0))[0, 0]
roots = np.sqrt([0.6, 0.399, 0.001])
assert not np.isclose(warm, both), "τ changed nothing."
assert not np.isclose(warm, both / 4), "τ divides the logits, not the probabilities."
assert warm < both, "a larger τ makes posteriors flatter: divide by τ, do not multiply."
assert not np.isclose(warm, (roots / roots.sum()) @ [0.6, 0.399, 0.001]), "τ on one side only."
assert np.isclose(warm, ((roots / roots.sum()) ** 2).sum()), (
    f"τ divides the logits, on both sides: got {warm:.4f}."
)
uniform = np.asarray(same_class(pictures, text, tau=1e6))
assert np.allclose(uniform, 1 / 3, atol=1e-3), "at a huge τ any two share one of 3 classes: 1/3."
print(f"sure {s[0, 0]:.6f}, equally unsure {s[1, 0]:.6f}, at τ = 2 {warm:.6f}")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(64)
fresh = same_class(3 * rng.normal(size=(4, 5)), 3 * rng.normal(size=(3, 5)), tau=1.7)
print(f"{fresh.shape} {fresh.sum():.6f} {fresh[2, 1]:.6f} {fresh[3, 0]:.6f}")
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 5: what a perfect classifier cannot find
#
# `perfect_recall`, 15 minutes, 3 points.
#
# Classify without a single mistake, and put each item into the corner of its class. All $n_c$ gallery items of the
# query's class (its own partner among them) then have the same score, and all others a lower one. Ties are broken by
# chance. With which probability is the own partner among the first $k$? Return the **mean over all queries**; each
# item of `labels` is a query once.
#
# <details><summary>Hint 1</summary>
#
# For one query: the $n_c$ tied items stand in random order on the first $n_c$ places. What if $n_c \le k$?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# $\min(1, k / n_c)$ for one query. `np.bincount(labels)[labels]` is $n_c$ for every query.
#
# </details>
#
# You should see 0.5 for a class of four and two of one each, at $k = 1$: the four find their partner once in four, the
# other two always.


# %% solution="perfect_recall" minutes=15
def perfect_recall(labels, k):
    """Mean probability that a perfect classifier's ranking has the own partner among the first k.

    labels: (n,) whole numbers, the class of each pair; k: at least 1. Returns a float.
    """
    ### BEGIN SOLUTION
    n_c = np.bincount(labels)[labels]
    return float(np.minimum(1, k / n_c).mean())
    ### END SOLUTION


# %% check="check_perfect_recall" for="perfect_recall" points=3
few = np.array([0, 0, 0, 0, 1, 3])  # class 2 has no item
one, two = perfect_recall(few, 1), perfect_recall(few, 2)
assert not np.isclose(one, 3 / 4), "the mean over classes; large classes have more queries."
assert not np.isclose(one, 1 / 6), "k/n is chance: a perfect classifier rules out other classes."
assert not np.isclose(one, 1), "it finds the class, not the item: partners are tied."
assert not np.isclose(one, 3), "a sum over the queries; return their mean."
assert not np.isclose(one, 1 / 3), (
    "1/3: n_c is the size of the query's own class, and each place among the ties is equally likely."
)
assert not np.isclose(one, 5 / 9), "the own partner is one of the n_c tied items: k / n_c."
assert not np.isclose(one, 0.8125), "one value for each *query*: index the sizes by `labels`."
assert np.isclose(one, 0.5), f"(4 · 1/4 + 1 + 1) / 6 = 0.5 expected at k = 1, got {one:.4f}."
assert not np.isclose(two, 1), "k/n_c = 2 for a class of one: a probability ends at 1."
assert not np.isclose(two, 0.5), "as at k = 1: k is not used."
assert np.isclose(two, 4 / 6), f"(4 · 2/4 + 1 + 1) / 6 = 0.6667 expected at k = 2, got {two:.4f}."
assert np.isclose(perfect_recall(few, 6), 1), "at k = 6 everything is found."
rng, hits = np.random.default_rng(0), []
for _ in range(4000):  # the same by drawing: query 0, ties broken by chance
    s = (few == few[0]) + 1e-3 * rng.random(6)
    hits.append(0 in np.argsort(-s)[:3])
assert np.isclose(np.mean(hits), 3 / 4, atol=0.03)
print(f"k = 1: {one:.6f}, k = 2: {two:.6f}, k = 3: {perfect_recall(few, 3):.6f}")
### BEGIN HIDDEN TESTS
marks = np.random.default_rng(65).integers(5, size=40)
print(
    f"{perfect_recall(marks, 1):.6f} {perfect_recall(marks, 5):.6f} {perfect_recall(marks, 9):.6f}"
)
### END HIDDEN TESTS

# %% [markdown]
# ## Your own experiment
#
# An unseen class has no corner. Softmax must give it away; **sigmoids**, one a group, could all say no. Do they?
# Leave a group out of training, and compare the largest probability of its pictures with that of others. Write down
# what you expect, then run. Which group hides best, and with what is it confused? What else could serve as "I do not
# know this"?

# %% experiment="unseen_class"
train, test = load_emoji().features(image="cnn", text="lsa").split(seed=0)
left_out = 1  # change me: 0 to 7
kept, new = train.labels != left_out, test.labels == left_out
known = [c for c in range(8) if c != left_out]
indicators = train.labels[kept][:, None] == known
heads = {"softmax": train.labels[kept], "sigmoids": indicators}  # change me
fig, axes = plt.subplots(1, 2, figsize=(8, 2.6), sharex=True, sharey=True)
for ax, (name, target) in zip(axes, heads.items(), strict=True):
    model = DeepSM(hidden=128, standardize=False, epochs=20, device="cpu")
    model.fit(train.images[kept], train.texts[kept], target)
    p = model.embed_images(test.images).max(axis=1)
    for rows, label, style in ((~new, "seen", "-"), (new, test.label_names[left_out], "--")):
        ax.plot(np.sort(p[rows]), np.linspace(0, 1, rows.sum()), style, label=label)
    score = evaluate_retrieval(model, test[~new])["mean"]
    ax.set(title=f"{name}; mAP of seen groups {score:.3f}", xlabel="largest probability")
axes[0].set_ylabel("share of pictures below")
axes[0].legend()
plt.show()

# %% [markdown]
# *Figure: for softmax and for sigmoids, the share of held-out pictures whose largest probability lies below a
# value; a solid line for seen groups, a dashed one for the group that was left out.*

# %% [markdown]
# ## In your own words
#
# `what_classes_say`, 10 minutes, 3 points, marked by hand.
#
# A museum has 50,000 photographs of its objects, sorted into 30 kinds ("vase", "coin", ...), and 20,000 catalogue
# texts, sorted into the same kinds. Nobody knows which text describes which photograph. In three to six sentences:
# can Deep-SM be trained here, and what in its loss says so (1 point)? A visitor asks for *the text of this very
# vase*: what will he get, and why would more training for the same kinds not help (1 point)? Some objects are both
# "coin" and "jewellery": which output and loss, and what goes wrong with the other (1 point)?

# %% [markdown] written="what_classes_say" points=3
# ### BEGIN SOLUTION
# Yes: the loss is a sum of two classification losses, one over photographs, one over texts, and no term holds both;
# so neither pairs nor equal numbers are needed (1 point). He gets texts of vases in nearly random order: to the loss
# all vases are one target, and a perfect classifier would tie them all, with the right one among the first k in k out
# of n_c cases; only finer classes or pairs can say more (1 point). Sigmoid outputs and binary cross-entropy, a
# question for each kind; softmax must share out a probability of 1, so that an object of two kinds gets about one
# half for each (and an object of none still gets 1) (1 point).
# ### END SOLUTION
