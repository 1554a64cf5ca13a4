# %% [markdown]
# ## What you will build
#
# You write metric learning from its parts: one triplet with its gradient, the loss of a whole batch, a
# miner, margins that adapt, and the contrastive loss with several partners. Five exercises; none needs another one to
# be solved. Notation as in the lesson: $s_{ap}$ is the similarity of an anchor and a positive, $s_{an}$ of an
# anchor and a negative, $m$ the margin, $\tau$ the temperature, $\hat z = z / \lVert z \rVert$ a vector of length
# 1. All similarities are cosines.

# %% setup=true
import matplotlib.pyplot as plt
import numpy as np
import torch

from mmlearn.data import load_emoji
from mmlearn.deep import TripletEmbedding
from mmlearn.plotting import use_style
from mmlearn.retrieval import evaluate_retrieval

use_style()

# %% [markdown]
# ## Exercise 1: one triplet
#
# `triplet_step`, 20 minutes, 3 points.
#
# Three vectors $a, p, n$ of **any** length, with $s_{ap} = \hat a^\top \hat p$ and $s_{an} = \hat a^\top \hat n$:
#
# $$L = \max(0,\ m - s_{ap} + s_{an}), \qquad
# \frac{\partial s_{ap}}{\partial p} = \frac{\hat a - s_{ap}\, \hat p}{\lVert p \rVert}, \qquad
# \frac{\partial s_{ap}}{\partial a} = \frac{\hat p - s_{ap}\, \hat a}{\lVert a \rVert}$$
#
# and likewise for $s_{an}$. The cosine does not change when a vector gets longer, so its gradient is at
# right angles to that vector. Return the loss and its gradient in all three vectors, in numpy, without
# autograd. Where $L = 0$, all gradients are zeros.
#
# <details><summary>Hint 1</summary>
#
# $\partial L / \partial s_{ap} = -1$ and $\partial L / \partial s_{an} = +1$. The anchor takes part in both
# similarities.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# A helper `slope(u, v)` that returns the gradient of $s(u, v)$ in `u` gives all four terms: `slope(p, a)`,
# `slope(a, p)`, `slope(n, a)`, `slope(a, n)`.
#
# </details>
#
# You should see a loss of 0.1, and gradients of length 0.066, 0.8 and 0.866 for anchor, positive and negative.


# %% solution="triplet_step" minutes=20
def triplet_step(a, p, n, margin):
    """The triplet loss of three vectors, and its gradients.

    a, p, n: (k,) anchor, positive, negative, none of length 0; margin: m, a number above 0.
    Returns the loss, a float, and the gradients in a, p and n, three arrays (k,).
    """
    ### BEGIN SOLUTION
    a_hat, p_hat, n_hat = (v / np.linalg.norm(v) for v in (a, p, n))
    s_ap, s_an = a_hat @ p_hat, a_hat @ n_hat
    loss = margin - s_ap + s_an
    if loss <= 0:
        return 0.0, np.zeros(len(a)), np.zeros(len(a)), np.zeros(len(a))
    grad_a = (-(p_hat - s_ap * a_hat) + (n_hat - s_an * a_hat)) / np.linalg.norm(a)
    grad_p = -(a_hat - s_ap * p_hat) / np.linalg.norm(p)
    grad_n = (a_hat - s_an * n_hat) / np.linalg.norm(n)
    return float(loss), grad_a, grad_p, grad_n
    ### END SOLUTION


# %% check="check_triplet_step" for="triplet_step" points=3
a, p, n = np.array([1.0, 0.0]), np.array([0.6, 0.8]), np.array([0.5, 0.75**0.5])
loss, *grads = triplet_step(a, p, n, margin=0.2)
assert not np.isclose(loss, 0.3), (
    "0.3: the positive's similarity is subtracted, the negative's added."
)
assert not np.isclose(loss, 0), "0: the margin is missing or subtracted: m - s_ap + s_an."
assert not np.isclose(loss, 0.2 + 0.8**0.5 - 1), "0.0944: from distances; s is the cosine."
assert np.isclose(loss, 0.1), f"0.2 - 0.6 + 0.5 = 0.1 is expected, got {loss:.4f}."
assert len(grads) == 3, f"the loss and three gradients (a, p, n), got {len(grads)} gradients."
g_a, g_p, g_n = grads
assert not np.allclose(g_a, [-0.64, 0.48]), "that is the positive's: the order is a, p, n."
assert not np.allclose(g_p, [-1, 0]), "right angles: subtract s times the vector's own direction."
assert not np.allclose(g_p, [0.64, -0.48]), "this is the direction of descent; return the gradient."
assert np.allclose(g_p, [-0.64, 0.48]), f"-(â - 0.6 p̂) = (-0.64, 0.48) for the positive, got {g_p}."
assert not np.allclose(g_n, [-0.75, 0.1875**0.5]), "the negative's sign: ∂L/∂s_an is +1."
assert not np.allclose(g_n, [1, 0]), "right angles for the negative, too: subtract s_an n̂."
assert not np.allclose(g_n, a - 0.6 * n), "the negative's own similarity is s_an = 0.5, not s_ap."
assert np.allclose(g_n, [0.75, -(0.1875**0.5)]), f"+(â - 0.5 n̂) for the negative, got {g_n}."
assert not np.allclose(g_a, [0, -0.8]), "the anchor is in s_an, too: add that term."
assert not np.allclose(g_a, [0, 0.8 - 0.75**0.5]), (
    "the anchor's sign: -1 times s_ap's, +1 times s_an's."
)
assert np.allclose(g_a, [0, 0.75**0.5 - 0.8]), f"(n̂ - 0.5 â) - (p̂ - 0.6 â) expected, got {g_a}."
far = triplet_step(3 * a, 4 * p, 2 * n, 0.2)
assert np.isclose(far[0], 0.1), "the loss changed with the lengths of a, p and n: s is the cosine."
assert not np.allclose(far[2], g_p), "a vector four times as long has a quarter of the gradient."
assert np.allclose(far[2], g_p / 4), f"divide the gradient in p by |p| = 4; got {far[2]}."
assert np.allclose(far[1], g_a / 3), f"divide the gradient in a by |a| = 3; got {far[1]}."
assert np.allclose(far[3], g_n / 2), f"divide the gradient in n by |n| = 2; got {far[3]}."
idle = triplet_step(a, p, np.array([0.3, 0.91**0.5]), 0.2)
assert idle[0] >= 0, f"{idle[0]:.2f}: a triplet that keeps the margin has loss 0, not less."
assert idle[0] == 0, f"s_an = 0.3 keeps the margin: loss 0, got {idle[0]:.4f}."
assert all(np.allclose(g, 0) for g in idle[1:]), (
    "loss 0, but gradients: nothing is to be moved here."
)
print(f"loss {loss:.6f}, lengths", *(f"{np.linalg.norm(g):.6f}" for g in grads))
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(81)
for m in (0.5, 1.5, 0.001):
    out = triplet_step(*(rng.normal(size=(3, 5)) + 0.4), margin=m)
    print(f"{out[0]:.6f}", *(f"{v:.6f}" for g in out[1:] for v in g))
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 2: the loss of a batch
#
# `batch_loss`, 25 minutes, 4 points.
#
# The core of the method. $s_{ij}$ is the cosine of picture $i$ and text $j$. For each picture $a$ the
# **positives** are *all* texts of its class, the **negatives** all texts of other classes:
#
# $$L_{xy} = \operatorname*{mean}_{\text{active } (a, p, n)} (m - s_{ap} + s_{an}), \qquad
# L = \tfrac12 (L_{xy} + L_{yx})$$
#
# *Active* are the triplets with $m - s_{ap} + s_{an} > 0$. $L_{yx}$ is the same with texts as anchors and
# pictures as candidates. If no triplet of a direction is active, its loss is 0, and `backward` must still work.
#
# <details><summary>Hint 1</summary>
#
# Write one direction for a given matrix of similarities, then call it with `s` and with `s.T`. A loop over
# the anchors is fine: `s[i][same[i]]` are its positives, `s[i][~same[i]]` its negatives.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `margin - pos[:, None] + neg[None]` holds all triplets of one anchor. Collect them with `torch.cat`,
# `.relu()`, sum, and divide by the number that is above 0, but by 1 at least (`.clamp(min=1)`).
#
# </details>
#
# You should see 0.42 for three pairs at a margin of 0.03, and 0 for a batch in order.


# %% solution="batch_loss" minutes=25
def batch_loss(z_x, z_y, labels, margin):
    """The triplet loss of all active triplets of a batch, both ways.

    z_x, z_y: (n, k) tensors, rows of any length, row i of both is pair i; labels: (n,) tensor of
    classes; margin: m, above 0. Returns a scalar tensor with a gradient to both.
    """
    ### BEGIN SOLUTION
    same = labels[:, None] == labels[None]
    s = torch.nn.functional.normalize(z_x) @ torch.nn.functional.normalize(z_y).T

    def one_way(s):
        rows = zip(s, same, strict=True)
        losses = [(margin - row[r][:, None] + row[~r][None]).flatten() for row, r in rows]
        losses = torch.cat(losses).relu()
        return losses.sum() / (losses > 0).sum().clamp(min=1)

    return (one_way(s) + one_way(s.T)) / 2
    ### END SOLUTION


# %% check="check_batch_loss" for="batch_loss" points=4
z_x, kinds = torch.eye(3, requires_grad=True), torch.tensor([0, 0, 1])
z_y = torch.tensor([[0.6, 0.0, 0.8], [0.0, 0.6, 0.8], [0.48, 0.6, 0.64]], requires_grad=True)
loss = batch_loss(z_x, z_y, kinds, 0.03)
assert loss.shape == (), f"the loss is one number, a scalar tensor, got shape {tuple(loss.shape)}."
value = loss.item()
assert not np.isclose(value, [0.31, 0.53]).any(), (
    "one direction: texts are anchors, too; take the mean."
)
assert not np.isclose(value, 0.84), "twice what it should be: the mean of both directions."
assert not np.isclose(value, 0.305833), "divide by the number of active triplets, not of all."
assert not np.isclose(value, 1.835), "a sum over the triplets; take the mean over the active ones."
assert not np.isclose(value, 0.183333), (
    "an item of the own class was pushed away: a false negative."
)
assert not np.isclose(value, 0.407778), "mean in each direction first, then the mean of the two."
assert not np.isclose(value, 0.11), "s_ap and s_an are swapped: m - s_ap + s_an."
assert not np.isclose(value, 0.636667), "only the hardest triplet of each anchor: all active ones."
likely = {0.142: "scale each *row* to length 1, not the whole matrix."}
likely |= {0.611667: "divide by the number of active triplets, not of anchors."}
likely |= {0.348333: "one mean over all active triplets, not a mean of the anchors' means."}
likely |= {0.3935: "a triplet that keeps the margin counts 0, not less: max(0, ...)."}
likely |= {
    0.395: "the margin is added: m - s_ap + s_an.",
    0.4256: "from distances; s is the cosine.",
}
likely |= {0.03: "0.03 is the margin alone: compare pictures with texts, not with pictures."}
for number, message in likely.items():
    assert not np.isclose(value, number, atol=1e-4), message
assert np.isclose(value, 0.42), f"(0.31 + 0.53) / 2 = 0.42 is expected, got {value:.4f}."
lengths = torch.tensor([[1.0], [2.0], [9.0]])
longer = batch_loss(5 * z_x, z_y * lengths, kinds, 0.03)
assert torch.isclose(longer, loss), "longer rows changed the loss: s is the cosine."
turn = torch.tensor([[2.0, -1.0, 2.0], [2.0, 2.0, -1.0], [-1.0, 2.0, 2.0]]) / 3
assert torch.isclose(batch_loss(lengths * z_x @ turn, z_y @ turn, kinds, 0.03), loss), (
    "the same vectors, all turned alike, gave another loss: scale rows to length 1, not columns."
)
assert loss.requires_grad, "no gradient at all: stay in torch, without detach and item."
grads = torch.autograd.grad(loss, (z_x, z_y), allow_unused=True)
assert all(g is not None and g.abs().sum() > 0 for g in grads), (
    "no gradient for one side: is anything detached?"
)
ordered = batch_loss(z_x, torch.eye(3)[[0, 0, 2]] + torch.eye(3)[[1, 1, 2]], kinds, 0.2)
assert not torch.isnan(ordered), "NaN: no triplet is active here; divide by 1 at least."
assert ordered == 0, f"all triplets keep the margin: 0 expected, got {ordered:.4f}."
assert ordered.requires_grad, "a loss of 0 still needs its graph, or backward fails."
print(f"loss {value:.6f}, pull {grads[0].norm():.6f} {grads[1].norm():.6f}, in order {ordered:.6f}")
### BEGIN HIDDEN TESTS
G = torch.Generator().manual_seed(82)
u, v = torch.randn(2, 9, 4, generator=G)
kind = torch.tensor([0, 1, 2, 0, 1, 2, 0, 0, 3])
print(*(f"{batch_loss(u, v, kind, m):.6f}" for m in (0.05, 0.2, 1.0)))
print(f"{batch_loss(u, v, torch.arange(9), 0.2):.6f} {batch_loss(u, v, kind * 0, 0.2):.6f}")
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 3: a miner
#
# `mine_semi_hard`, 20 minutes, 3 points.
#
# For each anchor $a$ (a row of $s$) and each of its positives $p$, choose the **semi-hard** negative: of those
# that are further from the anchor than the positive but violate the margin,
#
# $$s_{an} < s_{ap} < s_{an} + m,$$
#
# the one of **largest** $s_{an}$. A pair $(a, p)$ without such a negative gives nothing.
#
# <details><summary>Hint 1</summary>
#
# Two loops, over anchors and over `np.flatnonzero(relevant[a])`. In the inner one, a boolean row says which
# candidates are allowed: not relevant, and both inequalities hold.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `np.where(allowed, s[a], -np.inf).argmax()` is the closest of the allowed. Ask `allowed.any()` first.
#
# </details>
#
# You should see negative 2 for the first row, 2 and 3 for the two positives of the second, and nothing where all
# similarities are equal.


# %% solution="mine_semi_hard" minutes=20
def mine_semi_hard(s, relevant, margin):
    """The semi-hard triplets of a batch.

    s: (n, m) similarities, anchors in rows; relevant: (n, m) booleans, the positives of each
    anchor; margin: above 0. Returns a list of (a, p, n), ints, in order of a, then of p.
    """
    ### BEGIN SOLUTION
    triplets = []
    for a in range(len(s)):
        for p in np.flatnonzero(relevant[a]):
            allowed = ~relevant[a] & (s[a] < s[a, p]) & (s[a, p] < s[a] + margin)
            if allowed.any():
                triplets.append((a, int(p), int(np.where(allowed, s[a], -np.inf).argmax())))
    return triplets
    ### END SOLUTION


# %% check="check_mine_semi_hard" for="mine_semi_hard" points=3
s = np.array([[0.6, 0.7, 0.5, 0.45], [0.6, 0.4, 0.5, 0.35]])
own = np.array([[True, False, False, False], [True, True, False, False]])


def mined(*given):
    return [tuple(map(int, t)) for t in mine_semi_hard(*given)]


first = mined(s[:1], own[:1], 0.2)
assert first != [(0, 0, 1)], "negative 1 is closer than the positive: that is the hardest one."
assert first != [(0, 0, 3)], "negative 3 is semi-hard, but 2 is closer: take the largest s_an."
assert first != [(0, 2, 0)], "the order in a triplet: anchor, positive, negative."
assert first != [(0, 0, 2), (0, 0, 3)], "one negative for each (anchor, positive): the closest."
assert first != [], "nothing found, but 0.5 < 0.6 < 0.5 + 0.2: is m added to s_an?"
assert first == [(0, 0, 2)], f"[(0, 0, 2)] is expected for the first row, got {first}."
both = mined(s, own, 0.2)
assert len(both) == 3, f"each (anchor, positive) has its own negative: 3 triplets, got {both}."
assert both[1:] == [(1, 0, 2), (1, 1, 3)], (
    f"for the second row (1, 0, 2), (1, 1, 3); got {both[1:]}."
)
narrow = mined(s[:1], own[:1], 0.05)
assert narrow != [(0, 0, 0)], "no negative is allowed at a margin of 0.05: ask allowed.any() first."
assert narrow == [], (
    f"at a margin of 0.05 none violates it, got {narrow}: is s_ap < s_an + m asked?"
)
twins = mined(np.array([[0.9, 0.8, 0.1]]), np.array([[True, True, False]]), 0.2)
assert twins == [], f"candidate 1 is a positive, no negative: [] expected, got {twins}."
flat = mined(np.full((2, 4), 0.9), own, 0.2)
assert flat == [], "where all are equal no negative is further than the positive: mind < and <=."
print("triplets", *both, "narrow", narrow, "collapsed", flat)
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(83)
fresh, kind = rng.uniform(-1, 1, (6, 6)), np.array([0, 1, 0, 2, 1, 0])
for m in (0.1, 0.5):
    print([tuple(map(int, t)) for t in mine_semi_hard(fresh, kind[:, None] == kind, m)])
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 4: a margin that knows kinship and time
#
# `sam_margins`, 25 minutes, 4 points.
#
# The idea of SAM. `kinship` $(c, c)$ holds the cosines of the centroids of the classes, from -1 to 1; $g$ says how far
# the margins have become adaptive, 0 at the start of the training and 1 at its end. Find the margin $m_{an}$ of an
# anchor and a negative from what it has to do:
#
# - at $g = 0$ it is $m_0$, whatever the classes;
# - at $g = 1$ it is $m_0$ for classes that are not akin (cosine 0 **or less**) and 0 for a class with itself (cosine 1);
#   in between it falls in a straight line with the cosine;
# - for any two classes it goes from the one to the other in a straight line with $g$.
#
# The margin of two items is that of their classes. Then measure what it does: the share of **active** triplets, those
# with $m_{an} - s_{ap} + s_{an} > 0$, among all triplets $(a, p, n)$ in which $p$ is of the anchor's class (the own
# partner, $p = a$, among them) and $n$ of another.
#
# <details><summary>Hint 1</summary>
#
# What is a cosine worth that is below 0? Deal with that first (`np.clip`). Then both lines together are one product: how
# much of $m_0$ is *taken away*, as a share, for a cosine $k$ and a given $g$?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `sim[labels][:, labels]` spreads a matrix of classes over the items. All triplets at once: `s[:, :, None]` is $s_{ap}$,
# `s[:, None, :]` is $s_{an}$; a mask of the same shape, from `labels`, says which are triplets.
#
# </details>
#
# You should see the margin of two related classes fall from 0.25 to 0.125 while that of opposite ones stays at 0.25; and
# the share of active triplets fall from 0.5 to 0.357. The ones that fell silent lie between the related classes.


# %% solution="sam_margins" minutes=25
def sam_margins(s, labels, kinship, base, g):
    """A margin for each (anchor, negative), by kinship and time, and the share of active triplets.

    s: (n, n) similarities, anchors in rows; labels: (n,) classes, 0 to c - 1; kinship: (c, c)
    cosines of classes; base: m_0, above 0; g: from 0 to 1. Returns (n, n) margins and a float.
    """
    ### BEGIN SOLUTION
    sim = np.clip(kinship, 0, 1)[labels][:, labels]
    margins = base * (1 - g * sim)
    same = labels[:, None] == labels[None]
    triplets = same[:, :, None] & ~same[:, None, :]  # (anchor, positive, negative)
    loss = margins[:, None, :] - s[:, :, None] + s[:, None, :]
    return margins, float((loss > 0)[triplets].mean())
    ### END SOLUTION


# %% check="check_sam_margins" for="sam_margins" points=4
s = np.array(
    [
        [0.75, 0.5, 0.5, 0.375],
        [0.625, 0.75, 0.625, 0.25],
        [0.5, 0.25, 0.625, 0.5],
        [0.625, 0.125, 0.25, 0.75],
    ]
)
kinds, kinship = (
    np.array([0, 0, 1, 2]),
    np.array([[1.0, 0.5, -0.5], [0.5, 1.0, 0.0], [-0.5, 0.0, 1.0]]),
)
found = [sam_margins(s, kinds, kinship, base=0.25, g=g) for g in (0.0, 0.5, 1.0)]
assert all(len(pair) == 2 for pair in found), (
    "return two things: the margins, and the active share."
)
(start, active), (half, _), (end, last) = found
assert np.shape(end) == (4, 4), f"a margin for each two *items*, (4, 4), got {np.shape(end)}."
assert np.allclose(start, 0.25), "at g = 0 all margins are m_0 = 0.25: kinship must not count yet."
assert not np.allclose(end, 0.25), "at g = 1 related classes keep m_0: kinship changed nothing."
assert not np.isclose(end[0, 3], 0.375), (
    "0.375: a cosine below 0 counts as 0; no margin is above m_0."
)
assert not np.isclose(end[0, 3], 0.125), "opposite classes are not akin: no absolute value."
assert not np.isclose(end[2, 3], 0.125), "cosine 0 is not akin: do not map -1 to 1 onto 0 to 1."
assert not np.isclose(end[2, 3], 0), "upside down: *related* classes get the smaller margin."
assert np.allclose(end[[0, 2, 0], [3, 3, 2]], [0.25, 0.25, 0.125]), (
    "at g = 1: 0.25 for opposite and for unrelated classes, 0.125 for the cosine 0.5, "
    f"got {end[[0, 2, 0], [3, 3, 2]]}."
)
assert np.allclose(np.diag(end), 0), "a class with itself has the cosine 1: its margin ends at 0."
assert not np.isclose(half[0, 2], 0.21875), "a quarter of the way at g = 0.5: a straight line in g."
assert np.isclose(half[0, 2], 0.1875), f"halfway from 0.25 to 0.125: 0.1875, got {half[0, 2]:.4f}."
assert np.ndim(active) == 0, f"the active share is one number, got shape {np.shape(active)}."
wrong = {8 / 14: "8 of 14: a triplet with a loss of exactly 0 is not active, > 0."}
wrong |= {1: "all are active: mind the signs, m - s_ap + s_an."}
wrong |= {7: "7 is their number: divide by that of all triplets, 14."}
wrong |= {5 / 14: "5 of 14: anchors stand in the rows of s."}
wrong |= {3 / 4: "9 of 12: the own partner, p = a, counts, too."}
wrong |= {v / 64: "count triplets only: p of the anchor's class, n of another." for v in (7, 51)}
for value, message in wrong.items():
    assert not np.isclose(active, value), message
assert np.isclose(active, 0.5), f"at g = 0, 7 of 14 triplets are active, got {active:.4f}."
assert not np.isclose(last, 0.5), "at g = 1 as many are active as at g = 0: use the new margins."
assert not np.isclose(last, 0), "none active: take the margin of (a, n), not of (a, p)."
assert np.isclose(last, 5 / 14), f"at g = 1, 5 of 14 triplets are active, got {last:.4f}."
print("related", start[0, 2], half[0, 2], end[0, 2], " opposite", end[0, 3])
print(f"active share {active:.6f}, at the end {last:.6f}")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(84)
fresh, kind = rng.uniform(-1, 1, (9, 9)), np.array([3, 1, 0, 1, 3, 2, 0, 0, 2])
z = rng.normal(size=(4, 3))
z = z / np.linalg.norm(z, axis=1, keepdims=True)
for g in (0.2, 0.9):
    margins, share = sam_margins(fresh, kind, z @ z.T, 0.4, g)
    print(f"{margins.sum():.5f} {margins[0, 1]:.6f} {margins[2, 5]:.6f} {share:.6f}")
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 5: a softmax over all candidates
#
# `contrastive_loss`, 20 minutes, 3 points.
#
# For each anchor $a$, $P(a)$ are its positives among the candidates $j$:
#
# $$L = -\operatorname*{mean}_a\ \frac{1}{|P(a)|} \sum_{p \in P(a)} \log
# \frac{\exp(s_{ap} / \tau)}{\sum_j \exp(s_{aj} / \tau)}$$
#
# With one positive an anchor this is InfoNCE, one way; with several, SupCon. The lower sum runs over *all*
# candidates. Without `F.cross_entropy` and without losses of the package; `torch.logsumexp` or `log_softmax` are
# allowed, and it must not overflow at $\tau = 0.001$.
#
# <details><summary>Hint 1</summary>
#
# $\log (e^u / \sum_j e^{v_j}) = u - \mathrm{logsumexp}_j\, v_j$: no exponential has to be formed by you.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# With `log_p` $(n, m)$: `torch.where(relevant, log_p, 0)`, the sum over each row, divided by
# `relevant.sum(dim=1)`, then the mean over anchors.
#
# </details>
#
# You should see $\log 4 = 1.386$ where all similarities are equal, and $\log (4/3) = 0.288$ where the partner is three
# times as likely.


# %% solution="contrastive_loss" minutes=20
def contrastive_loss(s, relevant, tau):
    """Softmax over all candidates, with one or more positives an anchor.

    s: (n, m) similarities, anchors in rows; relevant: (n, m) booleans, one positive a row at
    least; tau: above 0. Returns a scalar tensor.
    """
    ### BEGIN SOLUTION
    log_p = (s / tau).log_softmax(dim=1)
    of_positives = torch.where(relevant, log_p, 0.0).sum(dim=1)
    return -(of_positives / relevant.sum(dim=1)).mean()
    ### END SOLUTION


# %% check="check_contrastive_loss" for="contrastive_loss" points=3
own = torch.eye(4, dtype=torch.bool)
equal = contrastive_loss(torch.full((4, 4), 0.7), own, 0.1).item()
assert not np.isclose(equal, np.log(3)), "log 3: the lower sum runs over all, the positive as well."
assert not np.isclose(equal, 4 * np.log(4)), "4 log 4: the mean over the anchors, not the sum."
assert not np.isclose(equal, -np.log(4)), "the sign: minus the mean of the logarithms."
assert not np.isclose(equal, -0.25), "the logarithm is missing."
assert not np.isclose(equal, np.log(4) / 4), (
    "divide by the anchor's positives, not by all candidates."
)
assert not np.isclose(equal, 10 * np.log(4)), "τ divides s inside the softmax, not its logarithm."
assert not np.isclose(equal, np.log(4) / 10), "no factor τ stands in front of the loss."
assert np.isclose(equal, np.log(4)), f"one of four, all alike: log 4 = 1.386, got {equal:.4f}."
likely = contrastive_loss(torch.tensor([[0.5 * np.log(3), 0.0]]), own[:1, :2], 0.5).item()
assert not np.isclose(likely, np.log(1 + 3**-0.25)), "s was multiplied by τ: divide by it."
assert not np.isclose(likely, np.log(1 + 3**-0.5)), "τ is missing: divide s by it."
assert not np.isclose(likely, 0), "0: the softmax ran over the anchors; each row is one: dim=1."
assert np.isclose(likely, np.log(4 / 3)), f"-log(3/4) = 0.288 is expected, got {likely:.4f}."
row, two = torch.tensor([[np.log(2.0), 0.0, 0.0]]), torch.tensor([[True, True, False]])
several = contrastive_loss(row, two, 1.0).item()
assert not np.isclose(several, np.log([4 / 3, 8 / 3])).any(), (
    "the mean goes outside the log: mean of logs."
)
assert not np.isclose(several, np.log(8)), "log 8: divide by the number of positives of the anchor."
assert not np.isclose(several, np.log(2)), "log 2: only the first positive counted."
assert np.isclose(several, np.log(8) / 2), (
    f"(log 2 + log 4) / 2 = 1.04 expected, got {several:.4f}."
)
uneven = contrastive_loss(row.repeat(2, 1), two ^ torch.tensor([[False], [True]]), 1.0).item()
assert not np.isclose(uneven, np.log(32) / 3), (
    "mean over each anchor's positives, then over anchors."
)
assert np.isclose(uneven, np.log(128) / 4), f"(log 8 / 2 + log 4) / 2 expected, got {uneven:.4f}."
cold = contrastive_loss(torch.tensor([[1.0, -1.0], [1.0, -1.0]]), own[:2, :2], 0.001).item()
assert np.isfinite(cold), "overflow at τ = 0.001: use logsumexp or log_softmax, not exp and log."
assert np.isclose(cold, 1000), f"one anchor right, one wrong by 2/0.001: 1000, got {cold:.2f}."
print(f"equal {equal:.6f}, likely {likely:.6f}, several {several:.6f}, cold {cold:.3f}")
### BEGIN HIDDEN TESTS
G = torch.Generator().manual_seed(85)
s = torch.rand(6, 5, generator=G, dtype=torch.double) * 2 - 1
kind = torch.tensor([0, 1, 2, 0, 1, 2])
for tau in (0.05, 0.3, 2.0):
    print(f"{contrastive_loss(s, kind[:, None] == kind[:5], tau):.6f}")
### END HIDDEN TESTS

# %% [markdown]
# ## Your own experiment
#
# Which triplets, and which margin, would you choose on a **validation** part of the training pairs? Write down
# what you expect, then run. Beside the score the cell prints the two figures of health. Then change one more thing: a
# miner `"hard"`, a smaller `learning_rate`, another `batch_size`. Can you make hard mining work? Can you make
# semi-hard mining fail? Do the figures of health tell before the score does?

# %% experiment="choose_margin"
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline

from mmlearn.features import CNNFeatures

pictures = make_pipeline(CNNFeatures(), PCA(100, random_state=0))
train, test = load_emoji().features(image=pictures, text="lsa").split(seed=0)
part, validation = train.split(seed=0)
settings = {"hidden": 128, "standardize": False, "learning_rate": 3e-3, "device": "cpu"}
margins = [0.05, 0.2, 0.8]  # change me
for mining in ("all", "semi-hard"):  # change me
    scores = []
    for margin in margins:
        model = TripletEmbedding(mining=mining, margin=margin, epochs=6, **settings)
        model.fit(part.images, part.texts, part.labels)
        scores.append(evaluate_retrieval(model, validation)["mean"])
        active, distance = (model.history_.terms[name][-1] for name in ("active", "distance"))
        print(f"{mining}, m = {margin}: active {active:.2f}, mean distance {distance:.2f}")
    plt.plot(margins, scores, "o-", label=mining)
plt.xlabel("margin")
plt.ylabel("validation mAP")
plt.legend()
plt.show()

# %% [markdown]
# *Figure: validation mAP against the margin, one line for each miner. Each point is one training on one split: before
# you believe a small difference, train again with another `random_state`.*

# %% [markdown]
# ## In your own words
#
# `read_the_log`, 10 minutes, 3 points, marked by hand.
#
# Three trainings with a margin of 0.2 report at their end:
#
# | | loss | share of all triplets that are active | mean distance within a modality |
# |---|---|---|---|
# | A, hardest negatives | 0.20 | 1.00 | 0.02 |
# | B, semi-hard negatives | 0.00 | 1.00 | 0.00 |
# | C, semi-hard negatives | 0.11 | 0.08 | 1.29 |
#
# Which of them have learnt something, and how do you know? Why is the loss of B 0? Name one change for A that you
# would try first, and why. Three to six sentences.

# %% [markdown] written="read_the_log" points=3
# ### BEGIN SOLUTION
# Only C has learnt: its items lie far apart, and few triplets still violate the margin; its loss is a mean over
# those few. A and B have collapsed, all items lie on (nearly) one point (1 point). There no negative is further from
# the anchor than the positive, so the semi-hard miner returns no triplet at all, and an empty loss is 0 (1 point). For
# A: semi-hard or all triplets in place of the hardest, from the start to the end. A step brings the positive and the
# negative together whenever they are in the wrong order, and the hardest triplets of a batch are; semi-hard ones are in
# the right order and are spread (1 point). A good start alone is no cure: in the lesson the hardest
# triplets draw the items together after four epochs of "all", too. A smaller learning rate makes the same steps shorter, it does not turn them round.
# ### END SOLUTION
