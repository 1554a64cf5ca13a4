# %% [markdown]
# ## What you will build
#
# In this lab you write the working parts of fusion yourself: the blocks of early fusion, the handling of
# missing modalities in joint fusion, and the average of late fusion. There are five short exercises. None
# needs another one to be solved.
#
# Notation: $X$ $(n, d_x)$ holds the images, $Y$ $(n, d_y)$ the texts, one row an item. $f_x(x)$ and
# $f_y(y)$ are the codes that two encoders make of them.

# %% setup=true
import matplotlib.pyplot as plt
import numpy as np
import torch

from mmlearn.data import load_emoji
from mmlearn.deep import JointFusion
from mmlearn.plotting import use_style

use_style()

# %% [markdown]
# ## Exercise 1: standardise a block
#
# `standardise`, 15 minutes, 3 points.
#
# Before two modalities are put side by side, each must be brought to one scale, with the means and
# deviations of the **training** rows. For column $j$ of a block with $d$ columns:
#
# $$\tilde x_{ij} = \frac{x_{ij} - \mu_j}{\sigma_j \sqrt{d}}$$
#
# Here $\mu_j$ and $\sigma_j$ are the mean and the standard deviation (divided by $n$, numpy's
# default) of column $j$ of `train`. A column with $\sigma_j = 0$ is divided by $\sqrt d$ only.
# The factor $\sqrt d$ makes the total variance of a block 1 (the sum over its columns), however many
# columns it has; only a constant column adds nothing.
#
# <details><summary>Hint 1</summary>
#
# `train.mean(axis=0)` and `train.std(axis=0)` have shape $(d,)$ and broadcast over the rows.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `np.where(sigma > 0, sigma, 1.0)` replaces the zeros before you divide.
#
# </details>
#
# You should see a total variance of 1.000 for a training block of two columns.


# %% solution="standardise" minutes=15
def standardise(train, rows):
    """Standardise `rows` by the statistics of `train`.

    train: (n, d) training rows of one modality; rows: (m, d) rows to transform.
    Returns (m, d): where rows is train, zero mean and, without constant columns, total variance 1.
    """
    ### BEGIN SOLUTION
    mu, sigma = train.mean(axis=0), train.std(axis=0)
    sigma = np.where(sigma > 0, sigma, 1.0)
    return (rows - mu) / (sigma * np.sqrt(train.shape[1]))
    ### END SOLUTION


# %% check="check_standardise" for="standardise" points=3
train = np.array([[1.0, 10.0], [3.0, 30.0], [5.0, 80.0], [2.0, 20.0], [4.0, 60.0]])
block = standardise(train, train)
assert block.shape == (5, 2), f"keep the shape (m, d) = (5, 2), got {block.shape}."
assert np.allclose(block.mean(axis=0), 0), "each column of train should have mean 0: subtract μ."
ratio = block[:, 0].var() / block[:, 1].var()
assert np.isclose(ratio, 1), "the columns should be equally spread: use one σ for each column."
total = block.var(axis=0).sum()
assert not np.isclose(total, 2), "total variance 2, one for each column: divide by √d as well."
assert not np.isclose(total, 4 / 5), "σ here is numpy's default: divide by n, not by n - 1."
assert not np.isclose(total, 4), "total variance 4: divide by √d, do not multiply."
assert not np.isclose(total, 1 / 2), "total variance 1/2: divide by √d, not by d."
assert not np.isclose(total, 2 / 5), "total variance 2/5: d is the number of columns, not of rows."
assert np.isclose(total, 1), f"the total variance of the training block is 1, got {total:.4f}."
new = standardise(train, np.array([[3.0, 80.0], [5.0, 80.0]]))
assert np.isclose(new[0, 0], 0), "3 is the mean of train: use the statistics of train, not of rows."
assert np.allclose(new[1], block[2]), "the same row twice, two results: use train's μ and σ only."
flat = standardise(np.array([[1.0, 5.0], [3.0, 5.0]]), np.array([[3.0, 6.0]]))
assert np.isfinite(flat).all(), "NaN or infinity: a column of train is constant, so its σ is 0."
assert np.isclose(flat[0, 1], 1 / np.sqrt(2)), "where σ is 0, subtract μ and divide by √d only."
print(f"total variance {total:.6f}, a new row {new[0, 1]:.6f}, constant column {flat[0, 1]:.6f}")
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(11)
fresh_train, fresh = rng.normal(2, 3, size=(40, 6)), rng.normal(5, 1, size=(7, 6))
fresh_train[:, 4] = 2.0
out = standardise(fresh_train, fresh)
print(f"{out.shape} {out.sum():.6f} {(out**2).sum():.6f} {np.abs(out[:, 4]).sum():.6f}")
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 2: which modality rules a component?
#
# `image_share`, 10 minutes, 2 points.
#
# Early fusion ends in directions $w$ over the concatenated columns $[x; y]$. How much of a
# direction falls on the images? Its share of the squared length:
#
# $$\mathrm{share}(w) = \frac{\sum_{j \le d_x} w_j^2}{\sum_j w_j^2}$$
#
# `weights` has shape $(k, d_x + d_y)$: one direction a row, images first. The rows need not have
# length 1. The result has shape $(k,)$, each value between 0 (texts only) and 1 (images only).
#
# <details><summary>Hint 1</summary>
#
# `weights[:, :d_x]` are the columns of the images.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Square, then sum over `axis=1`, above and below the fraction bar.
#
# </details>
#
# You should see the shares 0.500, 1.000 and 0.360.


# %% solution="image_share" minutes=10
def image_share(weights, d_x):
    """Share of each direction that falls on the images.

    weights: (k, d_x + d_y), images first; d_x: number of image columns. Returns (k,) in [0, 1].
    """
    ### BEGIN SOLUTION
    squared = weights**2
    return squared[:, :d_x].sum(axis=1) / squared.sum(axis=1)
    ### END SOLUTION


# %% check="check_image_share" for="image_share" points=2
share = image_share(np.array([[1.0, 0.0, 1.0], [0.0, -2.0, 0.0], [0.0, 3.0, 4.0]]), d_x=2)
assert np.shape(share) == (3,), f"one share for each direction: (3,), got {np.shape(share)}."
assert np.isfinite(share).all(), "NaN or infinite: divide by the whole row, images and texts."
assert not np.isclose(share[2], 0.64), "this is the texts' share: the first d_x columns are images."
assert not np.isclose(share[1], 0), (
    "a column of the images is missing: they are the first d_x columns."
)
assert not np.isclose(share[1], 4), "4 is a length: divide by the squared length of the whole row."
assert not np.isclose(share[1], 4 / 31), (
    "4/31: divide each row by its own sum, not by that of all rows."
)
assert not np.isclose(share[1], 1.5), (
    "1.5: sums, not means; the images have fewer columns than the row."
)
assert np.isclose(share[1], 1), "(0, -2, 0) lies on the images alone: its share is 1. Signs?"
assert not np.isclose(share[2], 1), (
    "one column too many: the images are the first d_x columns alone."
)
assert not np.isclose(share[2], 0.6), "3/5: the share of the *squared* length, so take no root."
assert np.isclose(share[2], 0.36), "(0, 3, 4) has share 9/25: square the weights, not |weights|."
print("shares " + " ".join(f"{s:.6f}" for s in share))
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(12)
fresh = rng.normal(size=(5, 9))
print(" ".join(f"{s:.6f}" for s in image_share(fresh, d_x=3)))
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 3: a code for what is missing
#
# `merge_codes`, 15 minutes, 3 points.
#
# Joint fusion merges two codes, $h = [f_x(x); f_y(y)]$. Where a modality is missing, zeros stand in
# its place, so that the vector keeps its length and the encoder's output for a made-up input has no
# effect. `has_image` and `has_text` are tensors of booleans, one for each item.
#
# $$h_i = [\,a_i\, f_x(x_i)\,;\; b_i\, f_y(y_i)\,], \qquad a_i, b_i \in \{0, 1\}$$
#
# <details><summary>Hint 1</summary>
#
# `has_image.unsqueeze(1)` has shape $(n, 1)$ and multiplies every column of a row.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `torch.cat([...], dim=1)` puts columns side by side; `dim=0` would stack items.
#
# </details>
#
# You should see that item 0 keeps both codes, item 1 only its image's, item 2 only its text's.


# %% solution="merge_codes" minutes=15
def merge_codes(h_x, h_y, has_image, has_text):
    """Concatenate two codes, with zeros where a modality is missing.

    h_x: (n, h) and h_y: (n, g) float tensors; has_image, has_text: (n,) boolean tensors.
    Returns (n, h + g), images first.
    """
    ### BEGIN SOLUTION
    return torch.cat([h_x * has_image.unsqueeze(1), h_y * has_text.unsqueeze(1)], dim=1)
    ### END SOLUTION


# %% check="check_merge_codes" for="merge_codes" points=3
h_x = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], requires_grad=True)
h_y = torch.tensor([[7.0], [8.0], [9.0]])
images, texts = torch.tensor([True, True, False]), torch.tensor([True, False, True])
h = merge_codes(h_x, h_y, has_image=images, has_text=texts)
assert h.shape == (3, 3), (
    f"(n, h + g) = (3, 3), got {tuple(h.shape)}: side by side, all items kept."
)
assert h[0].tolist() != [0, 0, 0], "item 0 lost both codes: true means that a modality is there."
assert h[0].tolist() == [1, 2, 7], "item 0 has both modalities: nothing may change, images first."
assert h[1].tolist() != [0, 0, 8], "the masks are swapped: has_image belongs to h_x."
assert h[1].tolist() != [0, 0, 0], "item 1 still has its image: each code has a mask of its own."
assert h[1].tolist() == [3, 4, 0], "item 1 has no text: its text code should be 0."
assert h[2].tolist() == [0, 0, 9], (
    "item 2 has no image: both numbers of its image code should be 0."
)
assert h.requires_grad, "the gradient is cut: stay in torch, without numpy or detach."
(gradient,) = torch.autograd.grad(h.sum(), h_x)
assert gradient[0].tolist() == [1, 1], "a code that is there should pass its gradient unchanged."
assert gradient[2].tolist() == [0, 0], "a missing image must pass no gradient to its encoder."
print("rows " + " ".join(f"{v:.3f}" for v in h.sum(dim=1).tolist()))
### BEGIN HIDDEN TESTS
generator = torch.Generator().manual_seed(13)
a, b = torch.randn(6, 4, generator=generator), torch.randn(6, 3, generator=generator)
u = torch.rand(6, generator=generator)
fresh = merge_codes(a, b, has_image=u > 0.4, has_text=u < 0.7)
print(f"{tuple(fresh.shape)} " + " ".join(f"{v:.6f}" for v in fresh.abs().sum(dim=1).tolist()))
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 4: lose a modality while training
#
# `modality_dropout`, 10 minutes, 2 points.
#
# A network copes with a missing modality if it has met that case. So, in training, each item loses
# its image with probability $p/2$, its text with probability $p/2$, and keeps both otherwise. It
# never loses both. Decide by one uniform draw $u_i \in [0, 1)$ for each item:
#
# $$u_i < p/2:\ \text{no image}, \qquad u_i \ge 1 - p/2:\ \text{no text}$$
#
# <details><summary>Hint 1</summary>
#
# A comparison of a tensor with a number is a tensor of booleans.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `has_image` is true where the image is *not* lost.
#
# </details>
#
# You should see shares near 0.800, 0.800 and 0.000 for $p = 0.4$.


# %% solution="modality_dropout" minutes=10
def modality_dropout(u, p):
    """Which modalities each item keeps.

    u: (n,) tensor of uniform draws in [0, 1); p: probability in [0, 1) that one is lost.
    Returns has_image, has_text: two (n,) boolean tensors, never both false.
    """
    ### BEGIN SOLUTION
    return u >= p / 2, u < 1 - p / 2
    ### END SOLUTION


# %% check="check_modality_dropout" for="modality_dropout" points=2
u = (torch.arange(1000) + 0.5) / 1000
has_image, has_text = modality_dropout(u, p=0.4)
assert has_image.dtype == has_text.dtype == torch.bool, "return booleans: what is kept, yes or no."
kept = has_image.float().mean().item(), has_text.float().mean().item()
assert min(kept) > 0.5, "most items should keep each modality: did you return what is lost?"
lost_both = (~has_image & ~has_text).float().mean().item()
assert lost_both == 0, (
    "some lost both modalities: one draw u, the image at its low end, the text at its high."
)
assert abs(sum(kept) - 1.6) < 0.01, "p is split between the two: each is lost with p/2."
first = bool(has_image[0]), bool(has_text[0])
assert first == (False, True), "a small u loses the image, a large u the text."
print(f"kept image {kept[0]:.3f}, kept text {kept[1]:.3f}, lost both {lost_both:.3f}")
### BEGIN HIDDEN TESTS
generator = torch.Generator().manual_seed(14)
fresh = torch.rand(500, generator=generator)
for p in (0.0, 0.3, 0.9):
    kept_image, kept_text = modality_dropout(fresh, p)
    print(f"{p:.1f} {kept_image.sum().item()} {kept_text.sum().item()}")
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 5: late fusion
#
# `average_decisions`, 15 minutes, 3 points.
#
# Late fusion joins *decisions*: two classifiers, one for each modality, whose class probabilities
# are averaged. If a modality is missing, the other one decides alone:
#
# $$p_i = \frac{a_i\, p^x_i + b_i\, p^y_i}{a_i + b_i}$$
#
# $p^x$ and $p^y$ are $(n, c)$ class probabilities, $a, b$ arrays of booleans $(n,)$. Every item
# has at least one modality. Return the probabilities $(n, c)$; each row sums to 1.
#
# <details><summary>Hint 1</summary>
#
# `a[:, None]` turns $(n,)$ into $(n, 1)$. A boolean counts as 0 or 1 in a product.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `a + b` of booleans is a logical *or*. Convert first: `a.astype(float)`.
#
# </details>
#
# You should see that the mean of (0.9, 0.1) and (0.2, 0.8) is (0.55, 0.45).


# %% solution="average_decisions" minutes=15
def average_decisions(p_x, p_y, a, b):
    """Average the class probabilities of the modalities that are there.

    p_x, p_y: (n, c) rows that sum to 1; a, b: (n,) booleans, image and text present.
    Returns (n, c), rows that sum to 1.
    """
    ### BEGIN SOLUTION
    a, b = a.astype(float)[:, None], b.astype(float)[:, None]
    return (a * p_x + b * p_y) / (a + b)
    ### END SOLUTION


# %% check="check_average_decisions" for="average_decisions" points=3
p_x = np.array([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1]])
p_y = np.array([[0.2, 0.8], [0.2, 0.8], [0.2, 0.8]])
p = average_decisions(p_x, p_y, np.array([True, True, False]), np.array([True, False, True]))
assert p.shape == (3, 2), f"probabilities of 3 items and 2 classes: (3, 2), got {p.shape}."
assert np.allclose(p.sum(axis=1), 1), "rows should sum to 1: divide by how many are present, a + b."
assert not np.allclose(p[1], [1, 0]), "average the probabilities, not hard votes."
assert not np.allclose(p[1], [0.2, 0.8]), "a belongs to p_x and b to p_y: item 1 has no text."
assert np.allclose(p[1], [0.9, 0.1]), "item 1 has no text: its image decides alone."
assert np.allclose(p[2], [0.2, 0.8]), "item 2 has no image: its text decides alone."
assert np.allclose(p[0], [0.55, 0.45]), (
    "take the mean of the probabilities: no product, no maximum."
)
print("first class " + " ".join(f"{v:.6f}" for v in p[:, 0]))
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(15)
q_x, q_y = rng.dirichlet(np.ones(4), size=6), rng.dirichlet(np.ones(4), size=6)
a, b = np.array([1, 1, 0, 1, 0, 1], bool), np.array([1, 0, 1, 1, 1, 1], bool)
print(" ".join(f"{v:.6f}" for v in average_decisions(q_x, q_y, a, b).max(axis=1)))
### END HIDDEN TESTS

# %% [markdown]
# ## Your own experiment
#
# Below, joint fusion learns the groups of the emoji, and is then tested with both modalities and
# with one missing. Change **one** thing, say beforehand what you expect, and compare:
# `modality_dropout`, `n_components`, the image features (`"colour"`, `"hog"`, `"cnn"`), or the
# seed of the split. One seed is an anecdote; try three before you believe a difference.

# %% experiment="missing_modality"
train_set, test_set = load_emoji().features(image="hog", text="lsa").split(seed=0)
for p in (0.0, 0.3):  # change me
    model = JointFusion(n_components=20, modality_dropout=p, epochs=15)
    model.fit(train_set.images, train_set.texts, train_set.labels)
    guesses = {
        "both": model.predict(test_set.images, test_set.texts),
        "image only": model.predict(images=test_set.images),
        "text only": model.predict(texts=test_set.texts),
    }
    accuracy = {name: np.mean(guess == test_set.labels) for name, guess in guesses.items()}
    plt.plot(list(accuracy), list(accuracy.values()), "o-", label=f"modality dropout {p}")
plt.ylabel("accuracy")
plt.legend()
plt.show()

# %% [markdown]
# *Figure: accuracy with both modalities, with the image alone and with the text alone, one line for
# each amount of modality dropout.*

# %% [markdown]
# ## In your own words
#
# `why_train_statistics`, 10 minutes, 2 points, marked by hand.
#
# A colleague standardises the whole data set first and splits it into train and test afterwards.
# What is wrong with that, and when would it matter most? Two to four sentences. One point for
# naming what leaks from where to where, one point for a situation in which the damage is large.

# %% [markdown] written="why_train_statistics" points=2
# ### BEGIN SOLUTION
# The means and deviations are then computed from test rows too, so the training features carry
# information about the test set, and the test score is no longer an estimate for data that nobody
# has seen (1 point). It matters most when the test rows shift the statistics: a small data set,
# heavy tails, or a test part that differs from train, such as later years (1 point).
# ### END SOLUTION
