# %% [markdown]
# ## What you will build
#
# You write deep CCA from its parts: the gradient of a correlation, the loss, one epoch of training, and the
# figure that may be reported at the end. Five exercises; none needs another one to be solved. Notation as in
# the lesson: $Z_x, Z_y$ $(n, k)$ the outputs of two networks for a batch of $n$ pairs, $\Sigma$ covariances
# divided by $n$, $\rho$ canonical correlations.

# %% setup=true
import matplotlib.pyplot as plt
import numpy as np
import torch
from mmlearn.classical import CCA
from mmlearn.data import load_emoji
from mmlearn.deep import DCCA
from mmlearn.losses import cca_loss
from mmlearn.plotting import use_style

use_style()

# %% [markdown]
# ## Exercise 1: the gradient of a correlation
#
# `correlation_gradient`, 15 minutes, 3 points.
#
# One output a side, $n$ pairs, **not** yet centred. Call the centred outputs $\bar z_x, \bar z_y$. With
#
# $$\rho = \frac{\bar z_x^\top \bar z_y}{\lVert \bar z_x\rVert\,\lVert \bar z_y\rVert},
# \qquad
# \frac{\partial\rho}{\partial z_x} = \frac{1}{\lVert \bar z_x\rVert}
# \left(\frac{\bar z_y}{\lVert \bar z_y\rVert} - \rho\,\frac{\bar z_x}{\lVert \bar z_x\rVert}\right)$$
#
# return $\rho$ and this gradient, in numpy, without `autograd`.
#
# <details><summary>Hint 1</summary>
#
# Centre both, then divide each by its length (`np.linalg.norm`). Call the results `u` and `v`: then $\rho$ is
# `u @ v`.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# In these symbols the bracket is `v - rho * u`. The length in front is the one of $\bar z_x$, before dividing.
#
# </details>
#
# You should see 0.8 for the four pairs of the lesson, here shifted, $z_x$ three times as long; and the gradient
# 0.02, -0.04, 0.04, -0.02, a third of the lesson's.


# %% solution="correlation_gradient" minutes=15
def correlation_gradient(z_x, z_y):
    """The correlation of two outputs, and its gradient in the first.

    z_x, z_y: (n,) numbers, neither constant. Returns rho, a float, and the gradient (n,).
    """
    ### BEGIN SOLUTION
    z_x, z_y = z_x - z_x.mean(), z_y - z_y.mean()
    length = np.linalg.norm(z_x)
    u, v = z_x / length, z_y / np.linalg.norm(z_y)
    rho = u @ v
    return float(rho), (v - rho * u) / length
    ### END SOLUTION


# %% check="check_correlation_gradient" for="correlation_gradient" points=3
z_x, z_y = np.array([-2.0, -1.0, 1.0, 2.0]), np.array([-1.0, -2.0, 2.0, 1.0])
rho, gradient = correlation_gradient(z_x, z_y)
assert np.ndim(rho) == 0, "return ρ first, a number, then the gradient."
assert not np.isclose(rho, 3.2), "3.2: lengths, not standard deviations; or divide by n as well."
assert not np.isclose(rho, 0.8 * np.sqrt(10)), "one of the two sides was not divided by its length."
assert np.isclose(rho, 0.8), f"ρ = u·v of two vectors of length 1: 0.8 expected, got {rho:.4f}."
assert gradient.shape == (4,), f"one number for each pair is expected, got shape {gradient.shape}."
expected = np.array([0.06, -0.12, 0.12, -0.06])
assert not np.allclose(gradient, z_y / 10), "only the numerator was differentiated: subtract ρ z_x."
assert not np.allclose(gradient, -expected), "this is the gradient of -ρ: turn the sign."
assert not np.allclose(gradient, expected * np.sqrt(10)), "divide by the length of z_x, too."
assert not np.allclose(gradient, expected[[1, 0, 3, 2]]), "this is the gradient in z_y, not in z_x."
assert not np.allclose(gradient / expected, [2, 2, 2, 2]), "use lengths, not standard deviations."
assert not np.allclose(gradient, expected * np.sqrt(10) / 2), (
    "the length of z_x stands in front, not its standard deviation."
)
assert not np.allclose(gradient, expected / np.sqrt(10)), (
    "divide by the length of z_x once more only."
)
assert not np.allclose(gradient, [-0.26, -0.28, 0.28, 0.26]), (
    "the second term is subtracted: v - ρ u."
)
assert np.allclose(gradient, expected), f"expected {expected}, got {gradient.round(4)}."
rho, gradient = correlation_gradient(3 * z_x + 5, z_y - 7)
assert np.isclose(rho, 0.8), f"shift and scale changed ρ to {rho:.4f}: centre both sides first."
assert not np.allclose(gradient, expected), (
    "with z_x three times as long, the same step turns it by a third: in front stands 1 / |z_x|, not "
    "1 / |z_y|, and not nothing."
)
assert np.allclose(gradient, expected / 3), (
    f"shifted and scaled, expected {expected / 3}, got {gradient.round(4)}: the gradient, too, is "
    "made of the centred outputs and their lengths."
)
far = correlation_gradient(z_x, 4 * z_y)[1]
assert np.allclose(far, expected), "scaling z_y changed the gradient: divide z_y by its own length."
print(f"rho {rho:.6f}; gradient " + " ".join(f"{v:.6f}" for v in gradient))
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(51)
p, q = rng.normal(size=(2, 9)) * [[3.0], [0.5]] + 2
fresh_rho, fresh = correlation_gradient(p, q + p)
print(f"{fresh_rho:.6f} " + " ".join(f"{v:.6f}" for v in fresh))
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 2: the loss of deep CCA
#
# `total_correlation`, 25 minutes, 5 points. The core of the method.
#
# Write $\sum_i \rho_i$ of a batch in torch, so that `autograd` can go through it:
#
# $$\Sigma_{xx} + rI = L_x L_x^\top, \quad \Sigma_{yy} + rI = L_y L_y^\top, \quad
# T = L_x^{-1}\, \Sigma_{xy}\, L_y^{-\top}, \qquad \sum_i \rho_i = \text{sum of the singular values of } T$$
#
# $\Sigma_{xx} = \bar Z_x^\top \bar Z_x / n$ and so on, with centred outputs. The gradient must stay finite on
# a batch that is exactly white: no `eigh`, no `svd` with vectors. The check gives float64, so you need not
# care for dtypes; but make $I$ in the dtype of $Z$.
#
# <details><summary>Hint 1</summary>
#
# `torch.linalg.cholesky(S)` returns the lower factor $L$. `torch.linalg.solve_triangular(L, M, upper=False)`
# returns $L^{-1} M$. `torch.eye(k, dtype=Z_x.dtype)` is $I$.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# First $M = L_x^{-1}\Sigma_{xy}$. Then $L_y^{-1} M^\top = T^\top$, which has the same singular values:
# `torch.linalg.svdvals(...)`.
#
# </details>
#
# You should see 1.500 for planted correlations 0.9, 0.5, 0.1, and half of it with $r = 1$.


# %% solution="total_correlation" minutes=25
def total_correlation(Z_x, Z_y, r=0.0):
    """Sum of the canonical correlations of a batch of outputs, to be maximised.

    Z_x, Z_y: (n, k) tensors, n > k; r: ridge, at least 0. Returns a scalar tensor with its graph.
    """
    ### BEGIN SOLUTION
    Z_x, Z_y = Z_x - Z_x.mean(dim=0), Z_y - Z_y.mean(dim=0)
    n, rI = len(Z_x), r * torch.eye(Z_x.shape[1], dtype=Z_x.dtype)
    L_x = torch.linalg.cholesky(Z_x.T @ Z_x / n + rI)
    L_y = torch.linalg.cholesky(Z_y.T @ Z_y / n + rI)
    M = torch.linalg.solve_triangular(L_x, Z_x.T @ Z_y / n, upper=False)
    return torch.linalg.svdvals(torch.linalg.solve_triangular(L_y, M.T, upper=False)).sum()
    ### END SOLUTION


# %% check="check_total_correlation" for="total_correlation" points=5
rng = np.random.default_rng(0)
Q, _ = np.linalg.qr((lambda a: a - a.mean(axis=0))(rng.normal(size=(60, 6))))
Q = torch.tensor(Q * np.sqrt(60))  # now QᵀQ / n = I
planted = torch.tensor([0.9, 0.5, 0.1], dtype=torch.double)
Z_x, Z_y = Q[:, :3].clone(), Q[:, :3] * planted + Q[:, 3:] * torch.sqrt(1 - planted**2)
value = total_correlation(Z_x.requires_grad_(), Z_y)
assert isinstance(value, torch.Tensor), "return a tensor: a float has lost the graph."
assert value.ndim == 0, f"a single number is expected, got shape {tuple(value.shape)}."
assert not np.isclose(value.item(), 1.07), "1.07 is the sum of ρ²: sum the singular values."
assert not np.isclose(value.item(), 0.9), "0.9 is the largest correlation alone: sum all of them."
assert not np.isclose(value.item(), -1.5), "the sign: this is to be maximised, so return +Σρ."
assert not np.isclose(value.item(), 0.5), "0.5 is the mean of the ρ: sum them."
assert not np.isclose(value.item(), 1.475), (
    "n - 1 in one place, n in another: divide all three by n."
)
assert not np.isclose(value.item(), 90), "90 = 60 · 1.5: Σ_xy is divided by n, too."
assert np.isclose(value.item(), 1.5), f"planted were 0.9 + 0.5 + 0.1, got {value.item():.4f}."
assert value.requires_grad, "the graph is lost: no numpy, no detach, no item on the way."
(gradient,) = torch.autograd.grad(value, Z_x)
assert gradient.isfinite().all(), (
    "the gradient is NaN on an exactly white batch: use Cholesky, not eigh."
)
M = torch.tensor([[2.0, 1.0, 0.0], [0.0, 1.0, 3.0], [1.0, 0.0, 1.0]], dtype=torch.double)
moved = total_correlation(Z_x @ M + 5, Z_y @ M.T - 3).item()
assert np.isclose(total_correlation(Z_x + 5, Z_y - 3).item(), 1.5), "a shift matters: centre first."
assert np.isclose(moved, 1.5), (
    "mixing the outputs matters: whiten by the full Σ, both sides; the second solve takes M transposed; "
    "sum singular values, not the diagonal of T."
)
assert not np.isclose(total_correlation(Z_x, Z_y, 1.0).item(), 1.5 / np.sqrt(2)), (
    "the ridge must be added to both covariances."
)
ridged = total_correlation(Z_x, Z_y, r=1.0).item()
assert not np.isclose(ridged, 1.5), "the ridge changed nothing: add r I to both covariances."
assert np.isclose(ridged, 0.75), (
    f"with r = 1 the sum halves, got {ridged:.4f}: divide by n (not n - 1) first, then add rI."
)
print(f"sum {moved:.6f}, with r = 1 {ridged:.6f}, length of the gradient {gradient.norm():.6f}")
### BEGIN HIDDEN TESTS
P = torch.tensor(np.random.default_rng(52).normal(size=(2, 40, 4)) + 1)
A, B = P[0].clone().requires_grad_(), P[1] + P[0] @ torch.diag(torch.arange(4.0).double())
fresh = total_correlation(A, B, 0.2)
fresh.backward()
print(f"{fresh.item():.6f} {A.grad.norm().item():.6f} {A.grad[3, 2].item():.6f}")
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 3: one epoch
#
# `train_epoch`, 20 minutes, 4 points.
#
# Go once through the pairs in the given `order`, in batches of `batch_size`; **leave out** a last batch that
# is not full, since a short batch correlates by chance. For each batch: outputs of the same rows on both
# sides, loss, gradients, one step. Return the mean of the batch losses as a float.
#
# `loss` below is $-\sum\rho_i$ of a batch, so you need not have solved exercise 2.


# %%
def loss(Z_x, Z_y):
    """Minus the sum of canonical correlations of a batch, with a small ridge."""
    return cca_loss(Z_x, Z_y, ridge=1e-3, power=1)


# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `for start in range(0, len(order) - batch_size + 1, batch_size)` visits the starts of full batches only.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Four lines, always in this order: compute the loss, `optimiser.zero_grad()`, `.backward()`,
# `optimiser.step()`. Collect `.item()` of each loss.
#
# </details>
#
# You should see 4 steps for 90 pairs in batches of 20, and a mean loss that falls from epoch to epoch.


# %% solution="train_epoch" minutes=20
def train_epoch(f_x, f_y, X, Y, order, batch_size, optimiser):
    """One epoch of deep CCA; the networks are changed in place.

    f_x, f_y: networks; X (n, d_x), Y (n, d_y): paired rows; order: (n,) indices of rows.
    Returns the mean of the losses of the full batches, a float.
    """
    ### BEGIN SOLUTION
    losses = []
    for start in range(0, len(order) - batch_size + 1, batch_size):
        rows = order[start : start + batch_size]
        value = loss(f_x(X[rows]), f_y(Y[rows]))
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        losses.append(value.item())
    return sum(losses) / len(losses)
    ### END SOLUTION


# %% check="check_train_epoch" for="train_epoch" points=4
def three_epochs(seed, n, batch_size):
    rng = np.random.default_rng(seed)
    common, X, Y = rng.normal(size=(n, 2)), *rng.normal(size=(2, n, 4))
    X[:, :2], Y[:, :2] = X[:, :2] + common, Y[:, :2] + common
    nets, steps = [torch.nn.Linear(4, 2).double() for _ in "xy"], []
    for side, net in enumerate(nets):
        net.load_state_dict(
            {"weight": torch.tensor(rng.normal(size=(2, 4))), "bias": torch.zeros(2)}
        )
        net.register_forward_hook(lambda net, rows, out, s=side: steps.append((s, len(out))))
    optimiser = torch.optim.SGD([p for net in nets for p in net.parameters()], lr=0.3)
    X, Y, order = torch.tensor(X), torch.tensor(Y), torch.tensor(rng.permutation(n))
    before = loss(nets[0](X), nets[1](Y)).item()
    steps.clear()
    means = [train_epoch(*nets, X, Y, order, batch_size, optimiser) for _ in range(3)]
    used = steps.copy()
    return means, used, before, loss(nets[0](X), nets[1](Y)).item(), nets[0].weight


means, used, before, after, weight = three_epochs(seed=0, n=90, batch_size=20)
assert all(isinstance(m, float) for m in means), "return a float: collect .item() of each loss."
sizes = {size for _, size in used}
assert 10 not in sizes, "the last batch has 10 pairs only: leave out a batch that is not full."
assert sizes == {20}, f"each network should see batches of 20 pairs, got sizes {sorted(sizes)}."
assert len(used) == 24, (
    f"90 pairs give 4 full batches, each seen by both networks; in three epochs that makes 24 "
    f"calls, got {len(used)}."
)
assert min(means) >= -2, (
    f"with two outputs no loss is below -2: divide by the number of batches: {means}."
)
assert means[0] < 0, (
    f"the first mean is {means[0]:.3f}: the loss as it is, below 0; no sign to turn."
)
assert after != before, "the networks did not change: optimiser.step() is missing."
assert after < before or means[2] < means[0], (
    "training made the loss larger: the optimiser descends, so call backward on the loss as it is."
)
wrong = {-0.7435: "take the rows in the given order, not 0, 1, 2, ..."}
wrong |= {-0.4391: "take the same rows of X and Y: partners must stay together."}
wrong |= {-0.7323: "the rows of X are not taken in the given order: partners must stay together."}
wrong |= {-0.5856: "the mean of the losses of all batches, not the last one."}
wrong |= {means[0] if abs(means[0]) < 0.05 else 9: "divide by the number of batches, not of pairs."}
wrong |= {-0.6525: "old gradients must be cleared before each backward pass."}
for value, message in wrong.items():
    assert abs(means[0] - value) > 2e-4, f"first mean {means[0]:.4f}: {message}"
assert means[2] < means[0], "the loss does not fall from epoch to epoch: is every step made?"
reference = [-0.650, -0.743]  # what the first and the last epoch should show, to three digits
assert abs(means[0] - reference[0]) < 2e-3, (
    f"the first mean should be {reference[0]}, got {means[0]:.3f}: the same rows of X and Y, in the "
    "given order? The mean, not the last loss?"
)
assert abs(means[2] - reference[1]) < 2e-3, (
    f"the third mean should be {reference[1]}, got {means[2]:.3f}: old gradients must be cleared "
    "before each backward pass."
)
whole = three_epochs(seed=1, n=80, batch_size=20)[1]
assert len(whole) == 24, (
    "80 pairs make 4 full batches of 20: do not leave out a last batch that is full."
)
print("steps per epoch", len(used) // 6, " mean losses", " ".join(f"{m:.5f}" for m in means))
### BEGIN HIDDEN TESTS
means, used, before, after, weight = three_epochs(seed=53, n=75, batch_size=30)
print(len(used), " ".join(f"{m:.5f}" for m in means), f"{after:.5f} {weight.norm().item():.5f}")
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 4: what may be reported
#
# `held_out_correlations`, 20 minutes, 4 points.
#
# After training, a linear CCA of the **training** outputs gives the directions. Project the held-out outputs
# by it, and correlate column $i$ of one side with column $i$ of the other, over the held-out pairs. A
# correlation may come out negative: leave it so, it is news.
#
# `CCA(k, shrinkage=0).fit(images, texts)` and its `embed_images`, `embed_texts` do the projecting; they
# centre by the training means.
#
# <details><summary>Hint 1</summary>
#
# Fit once, on the two training arrays. Embed the two held-out arrays. Nothing is fitted on these.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# For one column: `np.corrcoef(u[:, i], v[:, i])[0, 1]`. Do that for each of the $k$ columns.
#
# </details>
#
# You should see two training correlations above 0.9 for two sides that share nothing, and held-out ones near 0.


# %% solution="held_out_correlations" minutes=20 allow="mmlearn.classical.CCA"
def held_out_correlations(train_x, train_y, held_x, held_y, k):
    """Correlations of held-out outputs, along the directions of the training outputs.

    train_x, train_y: (n, d) arrays; held_x, held_y: (m, d) arrays; k: how many directions.
    Returns (k,), in the order of the directions.
    """
    ### BEGIN SOLUTION
    cca = CCA(k, shrinkage=0).fit(train_x, train_y)
    u, v = cca.embed_images(held_x), cca.embed_texts(held_y)
    return np.array([np.corrcoef(u[:, i], v[:, i])[0, 1] for i in range(k)])
    ### END SOLUTION


# %% check="check_held_out_correlations" for="held_out_correlations" points=4
rng = np.random.default_rng(1)
train_x, train_y = rng.normal(size=(2, 40, 15))
held_x, held_y = rng.normal(size=(2, 500, 15))
training = CCA(2, shrinkage=0).fit(train_x, train_y).correlations_
chance = np.asarray(held_out_correlations(train_x, train_y, held_x, held_y, k=2))
assert chance.shape == (2,), f"k = 2 correlations are expected, got shape {chance.shape}."
assert not np.allclose(chance, training), "these are the training correlations: they flatter."
refitted = CCA(2, shrinkage=0).fit(held_x, held_y).correlations_
assert not np.allclose(chance, refitted), (
    "the CCA was fitted on the held-out pairs: that is leakage."
)
assert np.abs(chance).max() < 0.2, (
    f"noise should show almost no correlation, got {chance.round(3)}: fit on the training pairs alone, "
    "correlate the held-out pairs alone."
)
x = np.linspace(-1, 1, 50)[:, None]
turned = np.asarray(held_out_correlations(x, 2 * x, x, -3 * x + 1, k=1))
assert not np.isclose(turned[0], 1), (
    "a relation that turned round shows as -1: take no absolute value."
)
assert np.isclose(turned[0], -1), (
    f"expected -1, got {turned[0]:.4f}: a correlation, of centred columns divided by their deviations."
)
rotated = held_out_correlations(x, np.hstack([x, x**2]), x, np.hstack([x, x**2]), k=1)
assert np.isclose(rotated[0], 1), "images by embed_images, texts by embed_texts."
assert chance[0] < chance[1], "keep the order of the training directions: do not sort."
common = rng.normal(size=(600, 2))
X, Y = (common @ rng.normal(size=(2, 4)) + 0.5 * rng.normal(size=(600, 4)) for _ in "xy")
real = np.asarray(held_out_correlations(X[:300], Y[:300], X[300:] + 9, Y[300:], k=2))
assert (real > 0.4).all(), (
    f"a common cause should show: got {real.round(3)}. Did you cross columns?"
)
M = np.triu(np.ones((4, 4)))
mixed = held_out_correlations(X[:300] @ M, Y[:300], (X[300:] + 9) @ M, Y[300:], k=2)
assert np.allclose(mixed, real), (
    "mixing the outputs changed the result: CCA needs shrinkage=0 here."
)
print("training", training.round(3), " held out " + " ".join(f"{v:.6f}" for v in chance))
print("a common cause " + " ".join(f"{v:.6f}" for v in real))
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(54)
common = rng.normal(size=(200, 3)) * [2.0, 1.0, 0.3]
X, Y = (common @ rng.normal(size=(3, 5)) + rng.normal(size=(200, 5)) for _ in "xy")
print(" ".join(f"{v:.6f}" for v in held_out_correlations(X[:120], Y[:120], X[120:], Y[120:], k=4)))
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 5: how large a batch?
#
# `smallest_batch`, 10 minutes, 2 points.
#
# Independent outputs, $k_x$ on one side and $k_y$ on the other, show on average
#
# $$E\Big[\sum_i \rho_i^2\Big] = \frac{k_x k_y}{n-1}$$
#
# in a batch of $n$ pairs. Return the smallest whole $n$ for which this illusion is **at most** `excess`. And
# never less than $k_x + k_y + 1$: $n$ centred pairs span at most $n - 1$ dimensions, and if $k_x + k_y$ is more than
# that, the two sides share a direction, which correlates perfectly whatever the data.
#
# <details><summary>Hint 1</summary>
#
# Solve $k_x k_y / (n-1) \le$ `excess` for $n$.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `math.ceil` rounds up, `max` takes the larger of two bounds. Do not forget the 1 of $n - 1$.
#
# </details>
#
# You should see 2501 for 50 outputs a side and an excess of 1.


# %% solution="smallest_batch" minutes=10
def smallest_batch(k_x, k_y, excess):
    """The smallest batch whose sum of squared correlations by chance is at most `excess`.

    k_x, k_y: whole numbers; excess: above 0. Returns an int.
    """
    ### BEGIN SOLUTION
    import math

    return max(math.ceil(k_x * k_y / excess) + 1, k_x + k_y + 1)
    ### END SOLUTION


# %% check="check_smallest_batch" for="smallest_batch" points=2
n = smallest_batch(50, 50, 1)
assert isinstance(n, int), f"a batch is a whole number of pairs: return an int, got {n!r}."
assert n != 2500, "2500 / (2500 - 1) is more than 1: the formula has n - 1."
assert n not in (51, 101), "multiply the two numbers of outputs; take the larger of both bounds."
assert n != 500, "ten pairs an output is a rule of thumb; here solve the formula for n."
assert n != 2502, "2500 / (2502 - 1) is less than 1, but 2501 does: *at most* `excess`."
assert n == 2501, f"50 outputs a side and an excess of 1 need 2501 pairs, got {n}."
assert smallest_batch(10, 5, 3.0) != 17, "50/16 is more than 3: round up, not down."
assert smallest_batch(10, 5, 3.0) != 151, "k_x k_y / (n - 1) ≤ excess: divide by the excess."
assert smallest_batch(10, 5, 3.0) != 35, (
    "10 outputs on one side, 5 on the other: k_x k_y, not k_x²."
)
assert smallest_batch(10, 5, 3.0) == 18, f"got {smallest_batch(10, 5, 3.0)} for (10, 5, 3.0)."
small = smallest_batch(8, 8, 8)
assert small != 9, "9 pairs of 8 outputs correlate perfectly: the bound k_x + k_y + 1 is missing."
assert small != 16, "16 pairs, centred, span 15 dimensions: 8 and 8 must meet. Mind the + 1."
assert small == 17, f"8 outputs a side need at least 17 pairs, got {small}."
noise = torch.randn(2, n, 50, generator=torch.Generator().manual_seed(0), dtype=torch.double)
print(f"n = {n}: expected 1, a trial shows {-cca_loss(*noise, ridge=0).item():.3f}; small {small}")
### BEGIN HIDDEN TESTS
print(
    [
        smallest_batch(*q)
        for q in ((3, 7, 0.4), (20, 10, 0.5), (30, 4, 9.0), (6, 6, 100.0), (9, 4, 0.7))
    ]
)
### END HIDDEN TESTS

# %% [markdown]
# ## Your own experiment
#
# Which brake matters most? The cell trains deep CCA on the emoji twice, with and without dropout, and
# follows the sum of correlations on the held-out share of the training pairs. Write down what you expect,
# then change one setting: `batch_size` (from 80 on), `hidden`, `ridge`, `n_components`. A brake also
# slows: compare curves only where both have levelled off. What does the package say when you take
# `batch_size=40`?

# %% experiment="brakes"
train, _ = load_emoji().features(image="cnn", text="lsa").split(seed=0)
for dropout in (0.0, 0.5):  # change me
    model = DCCA(
        n_components=8,
        hidden=128,  # change me
        dropout=dropout,
        batch_size=256,  # change me
        ridge=0.1,
        epochs=60,
        patience=None,
        standardize=False,
        device="cpu",
    ).fit(train.images, train.texts)
    plt.plot(model.history_.validation, "o-", label=f"dropout {dropout}")
plt.xlabel("epoch")
plt.ylabel("sum of held-out correlations")
plt.legend()
plt.show()

# %% [markdown]
# *Figure: the sum of held-out correlations, epoch by epoch, one line for each amount of dropout.*

# %% [markdown]
# ## In your own words
#
# `more_is_less`, 10 minutes, 2 points, marked by hand.
#
# On the emoji's test pairs, deep CCA has a higher sum of correlations than linear CCA, and a lower mAP by
# group. A friend says: "Then it has over-fitted." Answer in two to four sentences: one point for why that is
# wrong, one for what is the matter instead.

# %% [markdown] written="more_is_less" points=2
# ### BEGIN SOLUTION
# Over-fitting would show on pairs that were not trained on, and it is on just these that deep CCA correlates
# more (1 point). The loss asks for correlation of pairs, from wherever it comes. The gain lies within the
# groups (between their subgroups, and in single pairs), where a score by group does not look; between groups
# deep CCA has even a little less. So the two figures measure different things (1 point).
# ### END SOLUTION
