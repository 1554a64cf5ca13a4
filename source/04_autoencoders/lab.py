# %% [markdown]
# ## What you will build
#
# You write the core of both autoencoders yourself: the fused code and the loss of the multimodal
# autoencoder, the loss of Corr-AE, and two small tools that tell what they do. Five exercises; none
# needs another one to be solved. Notation as in the lesson: $x_m$ $(n, d_m)$ is modality $m$, $f_m$
# its encoder, $g_m$ its decoder, $z$ a shared code, $h_x$ and $h_y$ two tied ones.

# %% setup=true
import matplotlib.pyplot as plt
import numpy as np
import torch

from mmlearn.data import load_emoji
from mmlearn.deep import CorrespondenceAutoencoder
from mmlearn.plotting import use_style
from mmlearn.retrieval import evaluate_retrieval

use_style()

# %% [markdown]
# ## Exercise 1: the fused code
#
# `fused_code`, 15 minutes, 3 points.
#
# $$z_i = \sum_m f_m(p_{im}\, x_{m,i}), \qquad p_{im} = 1 \text{ if modality } m \text{ of item } i
# \text{ is there, else } 0$$
#
# What is missing is given to its encoder as **zeros**; the encoder still runs. A missing row may
# hold anything at all, NaN too, and must not be seen.
#
# <details><summary>Hint 1</summary>
#
# `present[:, m]` has shape $(n,)$. `.unsqueeze(1)` makes it $(n, 1)$, which fits every column.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# NaN times 0 is NaN. `torch.where(condition, a, b)` chooses instead of multiplying;
# `torch.zeros_like(x)` gives the zeros.
#
# </details>
#
# You should see the codes 14, 11 and 20 for three items: both there, first missing, second missing.


# %% solution="fused_code" minutes=15
def fused_code(x, present, encoders):
    """The code of each item, fused from the modalities that are there.

    x: list of M tensors (n, d_m); present: (n, M) boolean tensor; encoders: list of M callables
    (n, d_m) -> (n, k). Returns (n, k).
    """
    ### BEGIN SOLUTION
    z = 0
    for m, (x_m, f_m) in enumerate(zip(x, encoders, strict=True)):
        z = z + f_m(torch.where(present[:, m].unsqueeze(1), x_m, torch.zeros_like(x_m)))
    return z
    ### END SOLUTION


# %% check="check_fused_code" for="fused_code" points=3
a, b = torch.tensor([[1.0], [7.0], [11.0]]), torch.tensor([[1.0, 1.0], [1.0, 0.0], [5.0, 5.0]])
a[1] = float("nan")  # missing rows may hold anything: here NaN, and the numbers of b[2]
f_a, f_b = (lambda v: v + 3), (lambda v: 2 * v.sum(dim=1, keepdim=True) + 6)
there = torch.tensor([[True, True], [False, True], [True, False]])
z = fused_code([a, b], there, [f_a, f_b])
assert b[2].tolist() == [5, 5], "x was changed: make new tensors, with torch.where."
assert not torch.isnan(z).any(), (
    "NaN: a missing row was seen: multiplied by 0, or chosen where it should not be."
)
assert z.shape == (3, 1), (
    f"one code of size k = 1 for each of 3 items: (3, 1), got {tuple(z.shape)}."
)
assert z[0].item() != 7, "the mean of the codes; the formula is a sum."
assert z[0].item() != 40, "the product of the codes; the formula is a sum."
assert z[0].item() != 10, "the last code alone; add them up."
assert z[0].item() == 14, f"both are there: (1 + 3) + (2·2 + 6) = 14, got {z[0].item():.0f}."
assert z[1].item() != 8, "the code of what is missing was set to 0: set its *input* to 0."
assert z[2].item() != 14, "the code of what is missing was set to 0: set its *input* to 0."
assert z[2].item() != 40, "a missing row may hold numbers, too: look at `present`, not for NaN."
assert z[1].item() != 12, "what is missing is given as zeros, not as ones."
assert z[1].item() == 11, f"first missing: (0 + 3) + (2·1 + 6) = 11, got {z[1].item():.0f}."
assert z[2].item() == 20, f"second missing: (11 + 3) + (0 + 6) = 20, got {z[2].item():.0f}."
w = torch.ones(3, 1, requires_grad=True)
out = fused_code([w], torch.tensor([[True], [False], [True]]), [lambda v: v])
assert out.requires_grad, "no gradient reaches the input: stay in torch, without detach."
out.sum().backward()
assert w.grad.flatten().tolist() == [1, 0, 1], "gradients should reach exactly what is there."
print("codes " + " ".join(f"{v:.3f}" for v in z.flatten().tolist()))
### BEGIN HIDDEN TESTS
G = torch.Generator().manual_seed(41)
fresh = [torch.randn(5, d, generator=G) for d in (2, 3, 4)]
maps = [torch.randn(d, 2, generator=G) for d in (2, 3, 4)]
flags = torch.tensor([[1, 1, 1], [1, 0, 0], [0, 1, 1], [0, 0, 1], [1, 0, 1]]).bool()
out = fused_code(fresh, flags, [lambda v, A=A: torch.cos(v @ A) for A in maps])
print(f"{tuple(out.shape)} " + " ".join(f"{v:.6f}" for v in out.sum(dim=1).tolist()))
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 2: the loss of the multimodal autoencoder
#
# `multimodal_loss`, 25 minutes, 4 points.
#
# The core of the method: whatever subset $S$ is given, **all** modalities are asked back.
#
# $$\text{loss} = \operatorname*{mean}_{S}\ \operatorname*{mean}_{m}\ \mathrm{rec}_m(z_S), \qquad
# \mathrm{rec}_m(z_S) = \operatorname*{mean}_{i,\, j} \bigl(x_{m,ij} - g_m(z_S)_{ij}\bigr)^2$$
#
# The data have gaps: `present[i, m]` says whether modality $m$ of item $i$ is there. For $S$, an item is
# *given* the modalities that are in $S$ and present. In $\mathrm{rec}_m$, the mean runs over those
# items $i$ alone that (1) have $m$, so that the truth is known, and (2) were given anything at all;
# there is one at least for every $S$ and $m$. `code` below computes $z$, so you need not have solved
# exercise 1.


# %%
def code(x, given, encoders):
    """Fused code (n, k): x list of (n, d_m), given (n, M) booleans, encoders as in exercise 1."""
    parts = [
        torch.where(p[:, None], v, torch.zeros_like(v)) for v, p in zip(x, given.T, strict=True)
    ]
    return sum(f(v) for f, v in zip(encoders, parts, strict=True))


# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Two nested loops, over subsets and modalities. `given = torch.zeros_like(present)`, then copy the
# columns $S$: `given[:, S] = present[:, S]`.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `rows = present[:, m] & given.any(dim=1)` are the items that count; index the truth and the
# reconstruction by them, then take the mean of the squares.
#
# </details>
#
# You should see 0.416667 for two modalities that say the same, each read as half of their sum: the mean
# of 0, 0.625 and 0.625 for the three subsets.


# %% solution="multimodal_loss" minutes=25
def multimodal_loss(x, present, subsets, encoders, decoders):
    """Reconstruction error of every modality from every subset, averaged.

    x: list of M tensors (n, d_m), rows that are missing hold anything; present: (n, M) booleans;
    subsets: list of lists of modality numbers; encoders, decoders: lists of M callables.
    Returns a scalar tensor.
    """
    ### BEGIN SOLUTION
    errors = []
    for S in subsets:
        given = torch.zeros_like(present)
        given[:, S] = present[:, S]
        z = code(x, given, encoders)
        for m, g_m in enumerate(decoders):
            rows = present[:, m] & given.any(dim=1)
            errors.append(((x[m][rows] - g_m(z)[rows]) ** 2).mean())
    return sum(errors) / len(errors)
    ### END SOLUTION


# %% check="check_multimodal_loss" for="multimodal_loss" points=4
c = torch.tensor([[-2.0], [-1.0], [1.0], [2.0]])
same, half = [lambda v: v] * 2, [lambda z: z / 2] * 2
full, every = torch.ones(4, 2, dtype=torch.bool), [[0, 1], [0], [1]]
loss = multimodal_loss([c, c], full, every, same, half)
assert isinstance(loss, torch.Tensor), "return a tensor: a float has lost the graph."
assert loss.shape == (), f"the loss is one number, a scalar tensor, got shape {tuple(loss.shape)}."
assert loss != 0, "0: every code was complete; go through all S, and give what is in S alone."
assert not np.isclose(loss, 5 / 6), "twice what it should be: the mean over m, not the sum."
assert not np.isclose(loss, 5 / 4), "three times what it should be: the mean over the subsets."
assert not np.isclose(loss, 5 / 16), (
    "what was not given must be asked back, too: all m for every S."
)
assert not np.isclose(loss, 5 / 2), "six times what it should be: means over m and over S, no sums."
assert not np.isclose(loss, 5 / 8), "ask every m back, given or not, and read each from z."
assert not np.isclose(loss, 1 / 2), "1/2: squares, not absolute values."
assert not np.isclose(loss, np.sqrt(10) / 6), "mean *squared* errors: take no root."
assert np.isclose(loss, 5 / 12), f"(0 + 0.625 + 0.625) / 3 = 0.4167 expected, got {loss:.4f}."
blind = multimodal_loss([c, c], full, [[0]], same, [lambda z: z / 2, lambda z: 0 * z])
assert blind > 1, "what was not given must be asked back, too: all m for every S."
assert np.isclose(blind, 1.5625), f"(0.625 + 2.5) / 2 expected, got {blind:.4f}: m or S mixed up?"
gap, there = c.clone(), full.clone()
gap[0], there[0, 1] = float("nan"), False
known = multimodal_loss([c, gap], there, [[0]], same, half)
assert not torch.isnan(known), "NaN: a row that is missing was compared; leave it out by index."
assert not np.isclose(known, 0.5), "divide by the number of rows that count, not by n."
assert np.isclose(known, 0.5625), f"(0.625 + 0.5) / 2 expected with a gap, got {known:.4f}."
given = multimodal_loss([c, gap], there, [[1]], same, half)
assert not torch.isnan(given), "NaN: a row is *given* where m is in S and present, not in S alone."
assert not np.isclose(given, 0.9375), "item 0 was given nothing here: it must not count."
assert np.isclose(given, 0.5), f"(0.5 + 0.5) / 2 expected for S = [1] with a gap, got {given:.4f}."
doubled = [lambda v: v[:, :1], lambda v: v], [lambda z: torch.cat([z, z], dim=1) / 2, half[1]]
wide = multimodal_loss([torch.cat([c, c], dim=1), c], full, every, *doubled)
assert np.isclose(wide, 5 / 12), f"{wide:.4f}: rec is a mean over the columns of a modality, too."
print(f"loss {loss:.6f}, one given {blind:.6f}, with a gap {known:.6f} and {given:.6f}")
### BEGIN HIDDEN TESTS
G = torch.Generator().manual_seed(42)
fresh = [torch.randn(8, d, generator=G) for d in (2, 3, 4)]
into = [torch.randn(d, 2, generator=G) for d in (2, 3, 4)]
flags = torch.rand(8, 3, generator=G) < 0.7
flags[:2] = True
maps = [lambda v, A=A: torch.tanh(v @ A) for A in into], [lambda z, A=A: z @ A.T for A in into]
sets = [[0, 1, 2], [0], [1], [2], [1, 2], [0, 2], [0, 1]]
print(
    f"{multimodal_loss(fresh, flags, sets, *maps):.6f} {multimodal_loss(fresh, flags, sets[3:5], *maps):.6f}"
)
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 3: how far does the sum overshoot?
#
# `best_factor`, 10 minutes, 2 points.
#
# All modalities say the same scalar $c$, the code is the sum of what is given, and $\hat x = t z$. If
# $k$ modalities are given, then $\hat x = k t c$, an error of $(1 - k t)^2$ in units of the mean square.
# Training meets subsets of the sizes $k_1, \dots, k_r$, all equally often. Which $t$ makes the mean error
# least? Set the derivative to zero on paper, then write the result down.
#
# <details><summary>Hint 1</summary>
#
# $\frac{d}{dt} \sum_i (1 - k_i t)^2 = -2 \sum_i k_i (1 - k_i t)$.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Solve $\sum_i k_i = t \sum_i k_i^2$.
#
# </details>
#
# You should see the lesson's 2/3 for the sizes 2, 1, 1, and 1/2 for all subsets of three modalities.


# %% solution="best_factor" minutes=10
def best_factor(sizes):
    """The factor t with the least mean error (1 - k t)² over the sizes k of the given subsets.

    sizes: (r,) whole numbers of at least 1. Returns a float.
    """
    ### BEGIN SOLUTION
    k = np.asarray(sizes, dtype=float)
    return float(k.sum() / (k**2).sum())
    ### END SOLUTION


# %% check="check_best_factor" for="best_factor" points=2
two = best_factor([2, 1, 1])
assert not np.isclose(two, 3 / 4), "3/4 is one over the mean size: larger sizes weigh more."
assert not np.isclose(two, 5 / 6), "5/6 is the mean of the best t for each size: not the same."
assert not np.isclose(two, 3 / 2), "3/2 is upside down."
wrong = {"1/2 suits size 2 alone; on paper, which sums remain?": 1 / 2, "1 suits size 1 alone.": 1}
wrong |= {"a size that comes twice counts twice.": 3 / 5, "square each size, then add up.": 1 / 4}
wrong |= {"above the line stands the sum of the sizes.": 1 / 6, "mind the sign.": -2 / 3}
wrong |= {"take no root.": np.sqrt(1 / 2)}
for message, value in wrong.items():
    assert not np.isclose(two, value), f"t = {two:.4f}: {message}"
assert np.isclose(two, 2 / 3), f"sizes 2, 1, 1 have the lesson's t = 2/3, got {two:.4f}."
three = best_factor([3, 1, 1, 1, 2, 2, 2])
around = [
    np.mean([(1 - k * t) ** 2 for k in (3, 1, 1, 1, 2, 2, 2)])
    for t in (three - 0.01, three, three + 0.01)
]
assert around[1] == min(around), "a neighbouring t has a smaller error: is every size counted?"
print(f"two modalities {two:.6f}, three {three:.6f}, always four {best_factor([4, 4]):.6f}")
### BEGIN HIDDEN TESTS
print(f"{best_factor([5, 1, 1, 2]):.6f} {best_factor(np.array([1, 1, 7])):.6f}")
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 4: the loss of Corr-AE
#
# `corr_ae_loss`, 20 minutes, 4 points.
#
# $$\text{loss} = (1 - \alpha)\,(\mathrm{rec}_x + \mathrm{rec}_y) + \alpha\, \operatorname*{mean}_i
# \lVert h_{x,i} - h_{y,i} \rVert^2$$
#
# $\mathrm{rec}$ is the mean of the squared errors over items *and* columns; the squared distance of a
# pair is a *sum* over the columns, then a mean over pairs. In the variant `"plain"`, $x$ is read
# from $h_x$ and $y$ from $h_y$; in `"cross"`, each is read from the *other* code.
#
# <details><summary>Hint 1</summary>
#
# In "cross" only the inputs of the decoders change: $g_x(h_y)$ and $g_y(h_x)$. The last term stays.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `.sum(dim=1).mean()` for the distance, `.mean()` for each rec.
#
# </details>
#
# You should see 3.5 for the plain loss of two small pairs with $\alpha = 1/4$, and 4.625 for the cross
# loss.


# %% solution="corr_ae_loss" minutes=20
def corr_ae_loss(x, y, h_x, h_y, g_x, g_y, alpha, variant="plain"):
    """The loss of the correspondence autoencoder.

    x: (n, d_x), y: (n, d_y); h_x, h_y: (n, k) their codes; g_x, g_y: decoders, callables
    (n, k) -> (n, d_x) and (n, d_y); alpha in [0, 1]; variant: "plain" or "cross".
    Returns a scalar tensor with gradients to both codes.
    """
    ### BEGIN SOLUTION
    for_x, for_y = (h_x, h_y) if variant == "plain" else (h_y, h_x)
    rec_x, rec_y = ((x - g_x(for_x)) ** 2).mean(), ((y - g_y(for_y)) ** 2).mean()
    distance = ((h_x - h_y) ** 2).sum(dim=1).mean()
    return (1 - alpha) * (rec_x + rec_y) + alpha * distance
    ### END SOLUTION


# %% check="check_corr_ae_loss" for="corr_ae_loss" points=4
x, y = torch.tensor([[1.0, 0.0], [0.0, 0.0]]), torch.tensor([[2.0], [3.0]])
h_x = torch.tensor([[1.0, 0.0], [0.0, 2.0]], requires_grad=True)
h_y = torch.tensor([[1.0, 1.0], [3.0, 2.0]], requires_grad=True)
inputs = x, y, h_x, h_y, lambda h: h, lambda h: h.sum(dim=1, keepdim=True)
tie = corr_ae_loss(*inputs, alpha=1.0)
assert isinstance(tie, torch.Tensor), "return a tensor: a float has lost the graph."
assert not torch.isclose(tie, torch.tensor(3.0)), (
    "α and 1 - α are swapped: at α = 1 only the tie counts."
)
assert not torch.isclose(tie, torch.tensor(2.5)), "2.5: sum the squares over the columns of a pair."
assert not torch.isclose(tie, torch.tensor(2.0)), "2: the distance is squared, without a root."
assert not torch.isclose(tie, torch.tensor(10.0)), "10: take the mean over the pairs, not the sum."
assert not torch.isclose(tie, torch.tensor(8.0)), "8: the reconstructions have the factor 1 - α."
assert not torch.isclose(tie, torch.tensor(11.0)), "11: the factor of rec is 1 - α, not 1 + α."
assert tie == 5, f"at α = 1 the loss is the distance, (1 + 9) / 2 = 5, got {tie:.4f}."
rec = corr_ae_loss(*inputs, alpha=0.0)
assert not torch.isclose(rec, torch.tensor(4.0)), "4: rec is a mean over items and columns."
assert not torch.isclose(rec, torch.tensor(1.0)), "1: the reconstruction of y is missing."
assert not torch.isclose(rec, torch.tensor(1.5)), "1.5: the two reconstructions are added."
assert not torch.isclose(rec, torch.tensor(8.0)), "8: rec is a mean over items and columns."
assert not torch.isclose(rec, torch.tensor(4.5)), "4.5: in 'plain', x is read from h_x, y from h_y."
assert rec == 3, f"at α = 0 the loss is rec_x + rec_y = 1 + 2, got {rec:.4f}."
plain = corr_ae_loss(*inputs, alpha=0.25)
assert torch.isclose(plain, torch.tensor(3.5)), f"3/4 · 3 + 1/4 · 5 = 3.5, got {plain:.4f}."
cross = corr_ae_loss(*inputs, alpha=0.25, variant="cross")
assert not torch.isclose(cross, plain), (
    "'cross' has the value of 'plain': read x from h_y by g_x, and y from h_x by g_y."
)
assert not torch.isclose(cross, torch.tensor(6.875)), (
    "6.875: in 'cross' the own codes are not read."
)
assert not torch.isclose(cross, torch.tensor(3.375)), "the tie stays in 'cross'."
assert torch.isclose(cross, torch.tensor(4.625)), f"cross: 3/4 · 4.5 + 1/4 · 5, got {cross:.4f}."
grads = torch.autograd.grad(tie, (h_x, h_y))
assert torch.allclose(grads[0], -grads[1]), (
    "the tie pulls both codes towards each other: no detach."
)
print(f"plain {plain:.6f}, cross {cross:.6f}, pull on h_x {grads[0].abs().sum():.6f}")
### BEGIN HIDDEN TESTS
G = torch.Generator().manual_seed(44)
a, b, u, v = (torch.randn(6, d, generator=G) for d in (4, 3, 2, 2))
to_a, to_b = torch.randn(2, 4, generator=G), torch.randn(2, 3, generator=G)
for variant in ("plain", "cross"):
    out = corr_ae_loss(a, b, u, v, lambda h: h @ to_a, lambda h: h @ to_b, 0.3, variant)
    print(f"{out:.6f}")
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 5: a distance that means something
#
# `relative_distance`, 15 minutes, 3 points.
#
# A small distance of partners proves nothing if all codes are small. So divide by the distance of
# non-partners:
#
# $$r = \frac{\operatorname{mean}_i \lVert h_{x,i} - h_{y,i} \rVert^2}{\operatorname{mean}_{i \ne j}
# \lVert h_{x,i} - h_{y,j} \rVert^2}$$
#
# The lower mean runs over **all** ordered pairs $i \ne j$. If it is 0, all codes are one point:
# a partner is no nearer than a stranger, so return 1.0. There are two items at least.
#
# <details><summary>Hint 1</summary>
#
# `h_x[:, None] - h_y[None]` has shape $(n, n, k)$: every difference at once.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# In the $(n, n)$ matrix of squared distances the partners are the diagonal; `~np.eye(n, dtype=bool)`
# picks all others.
#
# </details>
#
# You should see 0.2 for the small example, the same after shrinking all codes, and 1 at collapse.


# %% solution="relative_distance" minutes=15
def relative_distance(h_x, h_y):
    """Mean squared distance of partners, over that of non-partners.

    h_x, h_y: (n, k) arrays, row i of both is pair i. Returns a float; 1.0 where all codes agree.
    """
    ### BEGIN SOLUTION
    d = ((h_x[:, None] - h_y[None]) ** 2).sum(axis=2)
    others = d[~np.eye(len(d), dtype=bool)].mean()
    return float(np.diag(d).mean() / others) if others > 0 else 1.0
    ### END SOLUTION


# %% check="check_relative_distance" for="relative_distance" points=3
h_x, h_y = np.array([[0.0], [2.0]]), np.array([[1.0], [3.0]])
r = relative_distance(h_x, h_y)
assert not np.isclose(r, 1 / 3), "1/3: partners are among the non-partners; leave out i = j."
assert not np.isclose(r, 1 / 2), "1/2: square the distances."
assert not np.isclose(r, 5), "5 is upside down."
assert not np.isclose(r, 0.4), "2/5: there are n(n - 1) non-partners, not n²."
assert not np.isclose(r, 0.25), "1/4: from an h_x to an h_y, below the line as well."
assert not np.isclose(r, 1), "1: this is the mean of the partners; divide by that of the others."
assert not np.isclose(r, 1 / 9), "1/9: both i < j and i > j are non-partners."
assert not np.isclose(r, np.sqrt(0.2)), "squared distances: take no root."
assert not np.isclose(r, 4), "4: a ratio, not a difference."
assert np.isclose(r, 0.2), f"partners (1 + 1)/2, others (9 + 1)/2: 0.2 expected, got {r:.4f}."
small = relative_distance(0.01 * h_x, 0.01 * h_y)
assert np.isclose(small, r), "shrinking all codes changed the result: it should be a ratio."
flat = relative_distance(np.full((3, 2), 0.7), np.full((3, 2), 0.7))
assert np.isfinite(flat), "NaN at collapse: handle the case that all codes are one point."
assert flat == 1, f"at collapse a partner is no nearer than a stranger: 1 expected, got {flat}."
three = relative_distance(np.array([[0.0], [1.0], [3.0]]), np.array([[0.0], [1.0], [4.0]]))
assert not np.isclose(three, [1 / 21, 1 / 19]).any(), "each with its next only: all i ≠ j count."
assert not np.isclose(three, 1 / 40), (
    "1/40: divide a *mean* by a *mean*; there are more non-partners."
)
assert np.isclose(three, (1 / 3) / (40 / 6)), (
    f"(1/3) / (40/6) = 0.05 for three pairs, got {three:.4f}."
)
print(f"relative distance {r:.6f}, shrunk {small:.6f}, collapsed {flat:.6f}, three {three:.6f}")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(45)
u = rng.normal(size=(7, 3))
v = u + 0.5 * rng.normal(size=(7, 3))
print(
    f"{relative_distance(u, v):.6f} {relative_distance(u, v[::-1]):.6f} {relative_distance(u, u):.6f}"
)
### END HIDDEN TESTS

# %% [markdown]
# ## Your own experiment
#
# Which $\alpha$, and which variant of Corr-AE, would you choose on a **validation** part of the training
# pairs? Write down what you expect, then run. Then change one more thing: the size of the codes, the
# epochs, the hidden layer. Does the best $\alpha$ stay where it was? Why might more columns in a
# modality move it?

# %% experiment="choose_alpha"
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline

from mmlearn.features import CNNFeatures

pictures = make_pipeline(CNNFeatures(), PCA(100, random_state=0))
train, test = load_emoji().features(image=pictures, text="lsa").split(seed=0)
part, validation = train.split(seed=0)
settings = {"hidden": 128, "standardize": False, "batch_size": 256, "learning_rate": 3e-3}
alphas = [0.001, 0.01, 0.1]  # change me
for variant in ("plain", "full"):  # change me
    scores = []
    for alpha in alphas:
        model = CorrespondenceAutoencoder(30, alpha=alpha, variant=variant, epochs=20, **settings)
        model.fit(part.images, part.texts)
        scores.append(evaluate_retrieval(model, validation)["mean"])
    plt.semilogx(alphas, scores, "o-", label=variant)
plt.xlabel("α")
plt.ylabel("validation mAP")
plt.legend()
plt.show()

# %% [markdown]
# *Figure: validation mAP of Corr-AE against α, one line for each variant.*

# %% [markdown]
# ## In your own words
#
# `shared_or_tied`, 10 minutes, 3 points, marked by hand.
#
# A shop has photos and titles of all products, and short videos of every tenth. It wants to search for
# products by any of the three. In three to six sentences: would you take a multimodal autoencoder or
# Corr-AE, and what is shared or tied in it (2 points)? Which single number would tell you that the codes
# had collapsed, and why is the training distance not that number (1 point)?

# %% [markdown] written="shared_or_tied" points=3
# ### BEGIN SOLUTION
# The multimodal autoencoder: it takes three modalities, and products without a video still teach
# the code, since what is missing is given as zeros and left out of the loss (1 point). Its code and its
# decoders are shared; in Corr-AE nothing is shared, two codes are tied by a penalty alone, and one
# would need several of them (1 point). The relative distance, partners over non-partners, on held-out
# pairs, near 1 at collapse (the mAP near chance will do as well); the distance alone falls to 0 both when
# partners agree and when all codes shrink to one point (1 point).
# ### END SOLUTION
