# %% [markdown]
# ## What you will build
#
# You write the core of ACMR yourself: the layer that reverses a gradient, and the loss around it; then a judge that needs no
# training, and the two pieces that make CCL: the code of an item's parts, and the loss of all pairs. Five exercises; none needs
# another one to be solved. Notation as in the lesson: $z_x, z_y$ $(n, k)$ are embeddings, row $i$ of both is pair $i$;
# $\lambda$ is the strength of the reversal, $D$ the discriminator, $W$ the classifier.

# %% setup=true
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch.nn import functional as F

from mmlearn.data import load_emoji
from mmlearn.losses import reverse_gradient, triplet_loss
from mmlearn.plotting import use_style

use_style()

# %% [markdown]
# ## Exercise 1: a gradient that turns round
#
# `reversal`, 15 minutes, 3 points.
#
# $$R_\lambda(z) = z, \qquad \text{backwards:}\quad \frac{\partial L}{\partial z} := -\lambda\, \frac{\partial L}{\partial R_\lambda}$$
#
# This time **without** a class of your own: write $R_\lambda(z)$ as one expression of $z$ and of `z.detach()`, which has the same
# values and no gradient. Choose $a$ and $b$ in $a\, z + b\, z_\text{detached}$ so that the value is $z$ and the derivative is
# $-\lambda$.
#
# <details><summary>Hint 1</summary>
#
# Two equations: the value says $a + b = 1$. Only the first term has a derivative: $a = -\lambda$.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# $b = 1 + \lambda$.
#
# </details>
#
# You should see the values 2 and -3 unchanged, and gradients -0.5 times those without the reversal.


# %% solution="reversal" minutes=15
def reversal(z, lam):
    """z itself; on the way back, its gradient is multiplied by -lam.

    z: tensor of any shape; lam: float of at least 0. Returns a tensor of the shape of z.
    """
    ### BEGIN SOLUTION
    return -lam * z + (1 + lam) * z.detach()
    ### END SOLUTION


# %% check="check_reversal" for="reversal" points=3
z = torch.tensor([2.0, -3.0], requires_grad=True)
out = reversal(z, 0.5)
assert torch.allclose(out, z), f"forwards nothing may change: [2, -3] expected, got {out.tolist()}."
assert out.requires_grad, "no gradient comes back at all: only one of the two terms is detached."
(grad,) = torch.autograd.grad((out**2).sum(), z)
assert not torch.allclose(grad, torch.tensor([4.0, -6.0])), "the gradient is the plain one, 2z."
assert not torch.allclose(grad, torch.tensor([2.0, -3.0])), "the sign: λ = 0.5 must give -0.5."
assert not torch.allclose(grad, torch.tensor([-4.0, 6.0])), "turned round, but not scaled by λ."
assert not torch.allclose(grad, torch.tensor([6.0, -9.0])), "a and b stand the wrong way round."
assert torch.allclose(grad, torch.tensor([-2.0, 3.0])), f"-0.5 · 2z expected, got {grad.tolist()}."
(none,) = torch.autograd.grad(reversal(z, 0.0).sum(), z)
assert torch.allclose(none, torch.zeros(2)), "at λ = 0 nothing of the gradient may come through."
w = torch.tensor(1.5, requires_grad=True)
(by_w,) = torch.autograd.grad((w * reversal(z, 2.0)).sum(), w)
assert torch.isclose(by_w, torch.tensor(-1.0)), "what stands after the reversal keeps its gradient."
print(f"values {out.tolist()}, gradient {grad.tolist()}, behind it {by_w:.3f}")
### BEGIN HIDDEN TESTS
G = torch.Generator().manual_seed(71)
fresh = torch.randn(4, 3, generator=G).requires_grad_()
for lam in (0.25, 3.0):
    turned = reversal(fresh, lam)
    (back,) = torch.autograd.grad((turned**3).sum(), fresh)
    print(f"{turned.sum():.5f} {back.sum():.5f} {back.abs().sum():.5f}")
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 2: the loss of ACMR
#
# `acmr_loss`, 25 minutes, 4 points.
#
# The core of the method, in one number:
#
# $$L = \underbrace{\mathrm{CE}(W z_x) + \mathrm{CE}(W z_y)}_\text{label}
# + \beta\, L_\text{triplet}
# + \underbrace{\operatorname*{mean}_{2n} \mathrm{BCE}\bigl(D(R_\lambda(z / \lVert z \rVert)),\, t\bigr)}_\text{modality}$$
#
# CE is the cross-entropy with the labels, a mean over the $n$ items. $D$ gives one logit for each of its rows; $t$ is 1 for pictures and 0 for
# texts, and the mean runs over all $2n$ rows. `triplet_loss(z_x, z_y, labels, margin)` and `reverse_gradient(z, lam)` are given, so
# you need not have solved exercise 1.
#
# <details><summary>Hint 1</summary>
#
# `F.cross_entropy(logits, labels)` for the classes; `torch.cat([z_x, z_y])` puts the rows under one another; `F.normalize` gives them
# length 1.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `o = discriminator(reverse_gradient(F.normalize(z), lam)).squeeze(1)`, then `F.binary_cross_entropy_with_logits(o, t)`.
#
# </details>
#
# You should see a loss of 5.1104 for four small pairs, and a pull of the adversary that doubles with $\lambda$.


# %% solution="acmr_loss" minutes=25 allow="mmlearn.losses.reverse_gradient, mmlearn.losses.triplet_loss"
def acmr_loss(z_x, z_y, labels, classifier, discriminator, lam, beta=1.0, margin=0.2):
    """The loss of ACMR, whose gradient makes the projectors deceive the discriminator.

    z_x, z_y: (n, k) embeddings; labels: (n,) whole numbers; classifier: callable (m, k) -> (m, c)
    class logits; discriminator: callable (m, k) -> (m, 1) logits of "picture"; lam, beta, margin:
    floats. Returns a scalar tensor.
    """
    ### BEGIN SOLUTION
    label = F.cross_entropy(classifier(z_x), labels) + F.cross_entropy(classifier(z_y), labels)
    z = reverse_gradient(F.normalize(torch.cat([z_x, z_y])), lam)
    t = torch.cat([torch.ones(len(z_x)), torch.zeros(len(z_y))])
    modality = F.binary_cross_entropy_with_logits(discriminator(z).squeeze(1), t)
    return label + beta * triplet_loss(z_x, z_y, labels, margin) + modality
    ### END SOLUTION


# %% check="check_acmr_loss" for="acmr_loss" points=4
z_x = torch.tensor([[3.0, 4.0], [1.0, 0.0], [0.0, 2.0], [2.0, -1.0]], requires_grad=True)
z_y = torch.tensor([[0.0, 1.0], [1.0, 1.0], [-1.0, 0.0], [0.5, 0.5]], requires_grad=True)
labels, w = torch.tensor([0, 1, 0, 1]), torch.tensor([[1.0], [-0.5]], requires_grad=True)


def zero(z):
    return 0 * z[:, :1]


def flat(z):
    return 0 * z


given = z_x, z_y, labels
alone = acmr_loss(*given, lambda z: z, zero, lam=1.0, beta=0.0)
ce_x, ce_y = (F.cross_entropy(z, labels).item() for z in (z_x, z_y))
log_2 = float(np.log(2))
assert isinstance(alone, torch.Tensor), "return the sum of the three terms, one tensor."
assert alone.shape == (), f"the loss is one number, a scalar tensor, got {tuple(alone.shape)}."
assert not np.isclose(alone.item(), ce_x + log_2), "the texts' label term is missing."
assert not np.isclose(alone.item(), (ce_x + ce_y) / 2 + log_2), "the two label terms are added."
assert not np.isclose(alone.item(), ce_x + ce_y + 2 * log_2), (
    "the modality term is one mean over 2n."
)
assert not np.isclose(alone.item(), ce_x + ce_y), "the modality term is missing, or weighted by β."
assert not np.isclose(alone.item(), ce_x + ce_y - log_2), "R turns the gradient, not the loss."
assert not np.isclose(alone.item(), ce_x / 2 + ce_y + log_2), "both label terms weigh 1."
assert not np.isclose(alone.item(), ce_x + ce_y + 8 * log_2), "BCE is a mean over the rows, no sum."
assert not np.isclose(alone.item(), ce_x + ce_y + log_2 + triplet_loss(*given, 0.2).item()), (
    "β = 0, and still there are triplets: β weighs their term."
)
short = [F.cross_entropy(F.normalize(z), labels).item() for z in (z_x, z_y)]
assert not np.isclose(alone.item(), sum(short) + log_2, atol=1e-4), (
    "W sees z as it is; only D sees directions, z / |z|."
)
assert np.isclose(alone.item(), ce_x + ce_y + log_2), (
    f"with D at 0 and β = 0: {ce_x + ce_y + log_2:.4f}, got {alone.item():.4f}."
)
loss = acmr_loss(*given, lambda z: z, lambda z: z @ w, lam=1.0, beta=2.0)
triplets = (loss - acmr_loss(*given, lambda z: z, lambda z: z @ w, lam=1.0, beta=0.0)).item()
assert np.isclose(triplets, 2 * triplet_loss(*given, 0.2).item(), atol=1e-5), (
    "the triplet loss enters β times, with the labels and the margin."
)
pulls = [torch.autograd.grad(v, z_x)[0] for v in (alone, F.cross_entropy(z_x, labels))]
assert torch.allclose(*pulls, atol=1e-6), (
    "the label term's gradient arrives at z_x changed: R stands before D alone."
)
wide = acmr_loss(*given, lambda z: z, zero, lam=1.0, beta=1.0, margin=0.9) - alone
assert np.isclose(wide.item(), triplet_loss(*given, 0.9).item(), atol=1e-5), (
    "another margin changed nothing: hand `margin` on to the triplet loss."
)
longer = acmr_loss(3 * z_x, z_y, labels, flat, lambda z: z @ w, lam=1.0, beta=0.0)
same = acmr_loss(*given, flat, lambda z: z @ w, lam=1.0, beta=0.0)
assert np.isclose(longer.item(), same.item()), "D sees directions: scale each row to length 1."
unit = F.normalize(torch.cat([z_x, z_y])) @ w
plain = F.binary_cross_entropy_with_logits(unit[:, 0], torch.tensor([1.0] * 4 + [0.0] * 4))
assert np.isclose(same.item(), float(np.log(2)) * 2 + plain.item()), (
    "t: 1 for pictures, 0 for texts."
)
honest = torch.autograd.grad(plain, (z_x, w))
for lam in (1.0, 2.0):
    turned = torch.autograd.grad(
        acmr_loss(*given, flat, lambda z: z @ w, lam=lam, beta=0.0), (z_x, w)
    )
    assert not torch.allclose(turned[0], honest[0], atol=1e-6), (
        "no reversal before D: allies, not foes."
    )
    assert torch.allclose(turned[0], -lam * honest[0], atol=1e-6), (
        "the projectors' part is -λ times the plain one: λ enters once, through the reversal."
    )
    assert torch.allclose(turned[1], honest[1], atol=1e-6), (
        "D's own gradient must stay: reverse what goes into D, not what comes out of it."
    )
print(f"loss {loss.item():.4f}, label and D at 0 {alone.item():.4f}, pull {turned[0].norm():.4f}")
### BEGIN HIDDEN TESTS
G = torch.Generator().manual_seed(72)
a, b = (torch.randn(6, 3, generator=G).requires_grad_() for _ in range(2))
V, u = torch.randn(3, 4, generator=G), torch.randn(3, 1, generator=G)
y = torch.tensor([0, 1, 2, 3, 0, 1])
out = acmr_loss(a, b, y, lambda z: z @ V, lambda z: torch.tanh(z @ u), 0.7, beta=0.5, margin=0.4)
back = torch.autograd.grad(out, (a, b))
print(f"{out.item():.5f} {back[0].sum():.5f} {back[1].abs().sum():.5f}")
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 3: a judge that needs no training
#
# `told_apart`, 15 minutes, 3 points.
#
# Put all $2n$ embeddings together, each scaled to length 1. For each of them find its nearest neighbour by the cosine, among the
# $2n - 1$ **others**. The judge's figure is the share of points whose neighbour is of the *same modality*: 1 means two separate clouds, about
# one half that they are mixed, 0 that everyone's nearest is of the other modality.
#
# <details><summary>Hint 1</summary>
#
# `z = np.vstack([z_x, z_y])`, rows divided by their norm; `s = z @ z.T` holds all cosines.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `np.fill_diagonal(s, -np.inf)` keeps a point from being its own neighbour. `s.argmax(axis=1) < n` says which neighbours are
# pictures.
#
# </details>
#
# You should see 1 for two clouds apart, 0 for pairs that coincide, and 0.375 for a small mixed case.


# %% solution="told_apart" minutes=15
def told_apart(z_x, z_y):
    """Share of the 2n points whose nearest other point, by the cosine, is of their own modality.

    z_x: (n, k), z_y: (n, k) arrays without rows of zeros. Returns a float from 0 to 1.
    """
    ### BEGIN SOLUTION
    z = np.vstack([z_x, z_y])
    z = z / np.linalg.norm(z, axis=1, keepdims=True)
    s = z @ z.T
    np.fill_diagonal(s, -np.inf)
    is_image = np.arange(len(z)) < len(z_x)
    return float((is_image[s.argmax(axis=1)] == is_image).mean())
    ### END SOLUTION


# %% check="check_told_apart" for="told_apart" points=3


def at(*degrees):
    return np.column_stack([np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))])


apart = told_apart(at(0, 10, 20), at(100, 110, 120))
assert apart != 0, (
    "0 for two clouds apart: the *nearest* other point, and count the *same* modality."
)
assert apart <= 1, f"a share lies between 0 and 1, got {apart}: divide by all 2n points."
assert apart != 0.5, (
    "0.5 for two clouds apart: neighbours are sought in both modalities, for all points."
)
assert apart == 1, f"two clouds apart: every neighbour is of the own kind, 1 expected, got {apart}."
close = told_apart(at(0, 40, 80), at(1, 41, 81))
assert close != 1, "1 for pairs that coincide: each point its own neighbour? Or the furthest taken?"
assert not np.isclose(close, 1 / 3), "1/3: is the partner left out? Only the point itself is."
assert close == 0, f"partners nearly coincide: 0 expected, got {close:.3f}."
assert told_apart(at(0, 10), at(181, 191)) == 1, "opposite is not near: no absolute values."
mixed = told_apart(at(0, 10, 90, 180), at(91, 181, 150, 270))
assert mixed != 0.5, "0.5: the share of the pictures alone; count over all 2n points."
assert mixed != 0.25, "0.25: the share of the texts alone; count over all 2n points."
assert mixed == 0.375, f"3 of 8 have a neighbour of their kind: 0.375 expected, got {mixed:.3f}."
scaled = told_apart(at(0, 40, 80) * [[1.0], [50.0], [1.0]], at(1, 41, 81))
assert scaled == close, "lengths must not matter: scale each row to length 1 first."
print(f"apart {apart:.3f}, coinciding {close:.3f}, mixed {mixed:.3f}")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(73)
u, v = rng.normal(size=(30, 3)), rng.normal(size=(30, 3)) * rng.uniform(0.1, 9, size=(30, 1))
print(f"{told_apart(u, v):.5f} {told_apart(u, v + 1):.5f} {told_apart(u + 2, u - 2):.5f}")
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 4: one code for many parts
#
# `parts_code`, 15 minutes, 3 points.
#
# CCL's fine code: one encoder $f'$ for all parts, and the mean over those that **exist**,
#
# $$h_i = \frac{\sum_j e_{ij}\, f'(x_{ij})}{\sum_j e_{ij}}, \qquad e_{ij} = 0 \text{ if all features of part } j \text{ of item } i \text{ are } 0,
# \text{ else } 1$$
#
# The encoder has a bias, so $f'(0)$ is *not* 0. An item without any part gets the code 0.
#
# <details><summary>Hint 1</summary>
#
# `e = (x != 0).any(dim=2)` has shape $(n, p)$; `e.float().unsqueeze(2)` fits the codes $(n, p, k)$.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# For an item without parts, sum and count are both 0: divide by `count.clamp(min=1)`.
#
# </details>
#
# You should see the codes 4, 3 and 0 for an item with two parts, with one, and with none.


# %% solution="parts_code" minutes=15
def parts_code(x, encoder):
    """The mean code of the parts that exist.

    x: (n, p, d), p parts of d features each; encoder: callable (n, p, d) -> (n, p, k).
    Returns (n, k).
    """
    ### BEGIN SOLUTION
    e = (x != 0).any(dim=2).float().unsqueeze(2)
    return (e * encoder(x)).sum(dim=1) / e.sum(dim=1).clamp(min=1)
    ### END SOLUTION


# %% check="check_parts_code" for="parts_code" points=3
x = torch.tensor([[[1.0, 0.0], [2.0, 1.0]], [[0.0, 0.0], [1.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]])
x.requires_grad_()
h = parts_code(x, lambda parts: parts.sum(dim=2, keepdim=True) + 2)
assert h.shape == (3, 1), f"one code of size k = 1 an item: (3, 1), got {tuple(h.shape)}."
assert not torch.isnan(h).any(), "NaN: an item without parts was divided by 0."
assert h[0] != 5, "5: a part with one 0 was left out; only a part with all features 0 is empty."
assert h.flatten().tolist() != [5, 3, 0], (
    "5: the largest code of the parts; the formula is their mean."
)
assert h[0] != 8, "8 is the sum of the codes; the formula is their mean."
assert h[1] != 2.5, "2.5: a part that does not exist was counted, with the code f'(0) = 2."
assert h[1] != 1.5, "1.5: the sum leaves out the empty part, but the count does not."
assert h[1] != 5, "5: the code of the empty part is in the sum: mask the codes, not the features."
assert h[2] != 2, "an item without any part gets the code 0, not f'(0)."
assert h.flatten().tolist() == [4, 3, 0], f"[4, 3, 0] expected, got {h.flatten().tolist()}."
(grad,) = torch.autograd.grad(h.sum(), x)
assert grad[0].abs().sum() > 0, "no gradient reaches the parts: stay in torch, without detach."
half = parts_code(torch.tensor([[[0.0, 3.0], [1.0, -1.0], [-4.0, -2.0]]]), lambda parts: parts)
assert not torch.allclose(half, torch.tensor([[0.5, 1.0]])), (
    "negative features count: is x > 0 asked?"
)
assert not torch.allclose(half, torch.tensor([[-2.0, 0.5]])), "a part that sums to 0 is not empty."
assert torch.allclose(half, torch.tensor([[-1.0, 0.0]]), atol=1e-6), (
    "all three parts exist, though one holds a 0, one sums to 0 and one is negative: (-1, 0) "
    f"expected, got {half.tolist()[0]}."
)
print("codes " + " ".join(f"{v:.3f}" for v in h.flatten().tolist()))
### BEGIN HIDDEN TESTS
G = torch.Generator().manual_seed(74)
fresh, A = torch.randn(5, 4, 3, generator=G), torch.randn(3, 2, generator=G)
fresh[0, 1:], fresh[2, 2], fresh[4] = 0, 0, 0
out = parts_code(fresh, lambda parts: torch.cos(parts @ A))
print(f"{tuple(out.shape)} " + " ".join(f"{v:.5f}" for v in out.sum(dim=1).tolist()))
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 5: all pairs at once
#
# `pairs_loss`, 20 minutes, 3 points.
#
# CCL's inter loss, of all $n^2$ pairs of a picture and a text. With $d_{ij} = \lVert z_{x,i} - z_{y,j} \rVert$ and the margin $m$:
#
# $$L = \frac12 \operatorname*{mean}_{i, j} \begin{cases} d_{ij}^2 & \text{picture } i \text{ and text } j \text{ are of one class} \\
# \max(0,\ m - d_{ij})^2 & \text{otherwise} \end{cases}$$
#
# <details><summary>Hint 1</summary>
#
# `torch.cdist(z_x, z_y)` gives all $d_{ij}$; `labels[:, None] == labels[None]` says which pairs are of one class.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `torch.where(same, d**2, (m - d).relu() ** 2)`, then mean and half.
#
# </details>
#
# You should see 1.25 for two pairs of two classes, and no pull on a pair that is a margin apart.


# %% solution="pairs_loss" minutes=20
def pairs_loss(z_x, z_y, labels, margin=1.0):
    """Contrastive loss of all picture-text pairs, by class.

    z_x, z_y: (n, k) tensors; labels: (n,) whole numbers; margin: float above 0.
    Returns a scalar tensor.
    """
    ### BEGIN SOLUTION
    d = torch.cdist(z_x, z_y)
    same = labels[:, None] == labels[None]
    return torch.where(same, d**2, (margin - d).relu() ** 2).mean() / 2
    ### END SOLUTION


# %% check="check_pairs_loss" for="pairs_loss" points=3
z_x = torch.tensor([[0.0, 0.0], [4.0, 0.0]], requires_grad=True)
z_y = torch.tensor([[3.0, 0.0], [4.0, 1.0]], requires_grad=True)
loss = pairs_loss(z_x, z_y, torch.tensor([0, 1]))
assert loss.shape == (), f"the loss is one number, a scalar tensor, got {tuple(loss.shape)}."
assert not np.isclose(loss.item(), 2.5), (
    "2.5, twice the value: the half in front, or a mean over fewer than all n² = 4 pairs?"
)
assert not np.isclose(loss.item(), 5), "5: a sum; the mean runs over all n² = 4 pairs."
assert not np.isclose(loss.item(), 2.25), (
    "2.25: pull where the classes are *equal*, push elsewhere."
)
assert not np.isclose(loss.item(), 10.25), "10.25: d is squared twice."
assert not np.isclose(loss.item(), 0), (
    "0: distances of pictures to pictures; one side is the texts."
)
assert not np.isclose(loss.item(), 0.625), "0.625: the half stands once, before the mean."
assert not np.isclose(loss.item(), 0.2575, atol=1e-3), "lengths count here: do not normalise."
assert not np.isclose(loss.item(), 0.5), "0.5: square the distances of one class."
assert not np.isclose(loss.item(), 2.4692, atol=1e-3), (
    "2.4692: a pair of two classes beyond the margin is pulled together: max(0, ...) is missing."
)
assert np.isclose(loss.item(), 1.25), f"(9 + 1 + 0 + 0) / 8 = 1.25, got {loss.item():.4f}."
wide = pairs_loss(z_x, z_y, torch.tensor([0, 1]), margin=3.0)
assert not np.isclose(wide.item(), 1.25), "the margin changed nothing: it must be used."
assert not np.isclose(wide.item(), 1.5), "1.5: it is m - d that is squared, as a whole."
assert not np.isclose(wide.item(), 2.25), "2.25: (m - d)² is not m² - d²."
assert np.isclose(wide.item(), 1.75), (
    f"at margin 3 picture 2 is too near to text 1: (9 + 1 + 4) / 8 = 1.75, got {wide.item():.4f}."
)
one = pairs_loss(z_x, z_y, torch.tensor([5, 5]))
assert not np.isclose(one.item(), 1.25), "all pairs of one class come together, not partners alone."
assert np.isclose(one.item(), 3.5), f"one class: (9 + 17 + 1 + 1) / 8 = 3.5, got {one.item():.4f}."
(pull,) = torch.autograd.grad(wide, z_y)
assert torch.allclose(pull, torch.tensor([[1.25, 0.0], [0.0, 0.25]]), atol=1e-5), (
    "text 1: picture 1 pulls by 3/4, picture 2 pushes by 1/2: (1.25, 0). Is d squared twice?"
)
print(f"loss {loss.item():.4f}, margin 3 {wide.item():.4f}, one class {one.item():.4f}")
### BEGIN HIDDEN TESTS
G = torch.Generator().manual_seed(75)
u, v = torch.randn(7, 3, generator=G), torch.randn(7, 3, generator=G)
y = torch.tensor([0, 1, 1, 2, 0, 3, 2])
print(f"{pairs_loss(u, v, y).item():.5f} {pairs_loss(u, v, y, margin=2.5).item():.5f}")
### END HIDDEN TESTS

# %% [markdown]
# ## Your own experiment
#
# Is there any setting at which the adversary helps? Choose on a **validation** part of the training pairs: the strength `adversary`, the
# weight `triplet`, the width `discriminator_hidden`, fewer labels (fit on `part[:100]`), fewer `epochs`. Write down first what
# you expect. Every run prints its spread over three starts on one split; believe no difference that is smaller.

# %% experiment="does_it_help"
from mmlearn.deep import ACMR
from mmlearn.retrieval import evaluate_retrieval

train, test = load_emoji().features(image="cnn", text="lsa").split(seed=0)
part, validation = train.split(seed=0)
settings = {"epochs": 8, "batch_size": 256, "learning_rate": 3e-3, "hidden": 64}
strengths = [0, 0.1, 1]  # change me
means, spreads = [], []
for adversary in strengths:
    scores = []
    for seed in range(3):
        model = ACMR(adversary=adversary, random_state=seed, standardize=False, **settings)
        model.fit(part.images, part.texts, part.labels)
        scores.append(evaluate_retrieval(model, validation)["mean"])
    means.append(np.mean(scores))
    spreads.append(np.std(scores, ddof=1))
    print(f"adversary {adversary}: validation mAP {means[-1]:.3f} ± {spreads[-1]:.3f}")
plt.errorbar(range(len(strengths)), means, spreads, fmt="o-", capsize=3)
plt.xticks(range(len(strengths)), strengths)
plt.xlabel("λ tends to")
plt.ylabel("validation mAP")
plt.show()

# %% [markdown]
# *Figure: validation mAP of ACMR against the strength of the adversary, with the spread over three starts. The axis shows a narrow
# range: compare the differences with the bars.*

# %% [markdown]
# ## In your own words
#
# `chance_is_not_meaning`, 10 minutes, 3 points, marked by hand.
#
# A start-up shows you its product search. "Our discriminator is at 50 %, so photos and titles are aligned. And with our new patch encoder the mAP
# rose from .62 to .65." In three to six sentences: give two different reasons why the first sentence does not follow (2 points), and name one experiment that
# you would want to see before you believe that *patches* brought the second (1 point).

# %% [markdown] written="chance_is_not_meaning" points=3
# ### BEGIN SOLUTION
# First, their discriminator is one opponent in a moving game: it may have been dodged for the moment, while a fresh judge, trained after all stands still, tells
# photos and titles apart perfectly (1 point). Second, even truly mixed clouds may lie on one another with the meanings exchanged, shoes on hats; a discriminator sees no
# classes and no pairs (1 point). (Also right: an accuracy near 50 % may be the mean of a swing; or it holds for this family of judges alone, and one with bent boundaries
# tells them apart.) For the patches: a control of the same size, in which the second encoder gets the whole photo once more, over
# several seeds with their spread (1 point).
# ### END SOLUTION
