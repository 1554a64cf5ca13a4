# %% [markdown]
# ## What you will build
#
# You write co-attention from its parts: attention with a mask, several heads, the layer of ViLBERT; and two instruments to
# measure with: the scores of Winoground, and occlusion. Five exercises; none needs another one to be solved. The last one
# is marked *hard*, and assembles: your layer learns to find things in pictures. Notation as in the lesson: $q$ asks, $k$ is
# asked, $v$ is handed over; $h$ are words, $g$ regions; `n` items, `T` words, `R` regions, width `d`.

# %% setup=true
import matplotlib.pyplot as plt
import numpy as np
import torch
from mmlearn import plotting
from mmlearn.data import load_scenes
from mmlearn.pairs.regions import Regions, RegionScaler
from torch import nn
from torch.nn import functional as F

plotting.use_style()

# %% [markdown]
# ## Exercise 1: attention with a mask
#
# `masked_attention`, 20 minutes, 4 points, *core*.
#
# Words ask regions. Some regions are only padding: `present` says which are there. For each item, query $t$ and region $i$:
#
# $$s_{ti} = \frac{q_t^\top k_i}{\sqrt d} + b_i, \qquad b_i = \begin{cases} 0 & \text{if } i \text{ is present} \\ -\infty &
# \text{if not} \end{cases}, \qquad w_t = \mathrm{softmax}(s_t), \qquad o_t = \sum_i w_{ti}\, v_i$$
#
# $d$ is the width of queries and keys; values may have another. Return $o$ and $w$. In torch, without a loop and without the
# attention functions of torch or of the package; `softmax` is allowed. At least one region is present in each item.
#
# <details><summary>Hint 1</summary>
#
# Write down the shape of every array first. Which axis do the weights of one word sum to 1 along? That is the axis of the
# softmax, and the one along which the mask says "not there".
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `@` multiplies the last two axes and keeps the others; `.transpose(1, 2)` turns them round. `torch.where(condition, 0.0,
# -torch.inf)` makes numbers of booleans; `[:, None]` gives an array an axis for the words.
#
# </details>
#
# You should see the weights 0.670, 0.330 and 0 of two regions and one that is padding.


# %% solution="masked_attention" minutes=20
def masked_attention(q, k, v, present):
    """Scaled dot-product attention over the regions that are present.

    q: (n, T, d) queries; k: (n, R, d) keys; v: (n, R, e) values; present: (n, R) booleans.
    Returns the outputs (n, T, e) and the weights (n, T, R).
    """
    ### BEGIN SOLUTION
    s = q @ k.transpose(1, 2) / k.shape[2] ** 0.5
    s = s + torch.where(present, 0.0, -torch.inf)[:, None]
    w = s.softmax(dim=2)
    return w @ v, w
    ### END SOLUTION


# %% check="check_masked_attention" for="masked_attention" points=4
q, k = torch.tensor([[[1.0, 0.0]]]), torch.tensor([[[1.0, 0.0], [0.0, 1.0], [9.0, 9.0]]])
v, there = (
    torch.tensor([[[3.0, 0, 0], [0, 3.0, 0], [0, 0, 3.0]]]),
    torch.tensor([[True, True, False]]),
)
out = masked_attention(q, k, v, there)
assert len(out) == 2, "return two things: the outputs and the weights."
o, w = out
assert w.shape == (1, 1, 3), f"the weights are (n, T, R) = (1, 1, 3), got {tuple(w.shape)}."
assert o.shape == (1, 1, 3), f"the outputs are (n, T, e) = (1, 1, 3), got {tuple(o.shape)}."
assert not torch.isnan(w).any(), "NaN: the softmax runs over the regions, the last axis."
assert w[0, 0, 2] != 1, "the padding takes all: True in `present` means that a region is there."
assert w[0, 0, 2] == 0, f"the padding has the weight {w[0, 0, 2]:.3f}: its score must be -inf."
first = w[0, 0, 0].item()
assert not np.isclose(first, 0.731, atol=1e-3), "0.731: divide the scores by √d."
assert not np.isclose(first, 0.622, atol=1e-3), "0.622: divided by d; it is √d."
assert not np.isclose(first, 0.6405, atol=1e-3), (
    "0.640: √3 is of the values' width; d is that of q and k."
)
assert not np.isclose(w.sum().item(), 0.0052, atol=1e-3), "mask before the softmax, not after it."
assert np.isclose(first, 0.6698, atol=1e-3), f"0.670 is expected for region 0, got {first:.3f}."
assert np.allclose(o[0, 0], [2.0093, 0.9907, 0], atol=1e-3), f"the output is w v, got {o[0, 0]}."
G = torch.Generator().manual_seed(101)
q, k, v = (torch.randn(2, *size, generator=G) for size in ((3, 6), (5, 6), (5, 4)))
there = torch.tensor([[True] * 5, [True, False, True, True, False]])
o, w = masked_attention(q, k, v, there)
assert w.shape == (2, 3, 5), f"weights (n, T, R) = (2, 3, 5) are expected, got {tuple(w.shape)}."
assert o.shape == (2, 3, 4), f"outputs (n, T, e) = (2, 3, 4) are expected, got {tuple(o.shape)}."
assert torch.allclose(w.sum(dim=2), torch.ones(2, 3)), "each word's weights must sum to 1."
assert (w[1][:, [1, 4]] == 0).all(), "item 1 has its own padding: regions 1 and 4 get nothing."
alike = masked_attention(q, k[:, :1].expand(2, 5, 6), v, there)[0]
assert torch.allclose(alike[0, 0], v[0].mean(dim=0), atol=1e-5), (
    "equal keys: the mean of the values."
)
order = torch.tensor([4, 2, 0, 1, 3])
moved = masked_attention(q, k[:, order], v[:, order], there[:, order])[0]
assert torch.allclose(moved, o, atol=1e-5), "regions in another order must change no output."
print(
    "weights",
    *(f"{value:.6f}" for value in masked_attention(*(a[:1] for a in (q, k, v, there)))[1][0, 0]),
)
### BEGIN HIDDEN TESTS
G = torch.Generator().manual_seed(102)
q, k, v = (torch.randn(3, *size, generator=G) for size in ((2, 7), (4, 7), (4, 5)))
there = torch.tensor([[True, True, False, True], [False, False, False, True], [True] * 4])
o, w = masked_attention(q, k, v, there)
print(*(f"{value:.5f}" for value in torch.cat([o.flatten(), w.flatten()])))
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 2: several heads
#
# `multi_head`, 20 minutes, 4 points, *core*.
#
# Queries, keys and values are projected already. Head $a$ of $h$ gets the columns $a\,d/h$ to $(a + 1)\,d/h - 1$ of all three,
# attends on its own, with its own softmax and the root of *its* width, and its output goes back into the same columns. With
# the right projections around it this is PyTorch's `nn.MultiheadAttention`, which the check compares. Allowed:
# `F.scaled_dot_product_attention`, or your own lines; not `nn.MultiheadAttention` itself.
#
# <details><summary>Hint 1</summary>
#
# A loop over the heads that collects columns is a right answer. So is a fourth axis: which order of axes lets one call
# treat "item and head" alike?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `.view` cuts the last axis in two, `.transpose` exchanges two axes; on the way back, the reverse, in the reverse order. For
# the loop: `torch.cat(..., dim=2)`.
#
# </details>
#
# You should see 3 and 3 with one head, in the toy of the lesson, and 1 and 5 with two.


# %% solution="multi_head" minutes=20
def multi_head(q, k, v, heads):
    """Attention by heads, each on its own columns.

    q: (n, T, d); k and v: (n, R, d), all regions present; heads: divides d. Returns (n, T, d).
    """
    ### BEGIN SOLUTION
    n, T, d = q.shape
    q, k, v = (a.view(n, -1, heads, d // heads).transpose(1, 2) for a in (q, k, v))
    o = F.scaled_dot_product_attention(q, k, v)  # (n, heads, T, d / heads)
    return o.transpose(1, 2).reshape(n, T, d)
    ### END SOLUTION


# %% check="check_multi_head" for="multi_head" points=4
q, k = torch.tensor([[[50.0, 50.0]]]), torch.tensor([[[1.0, -1.0], [-1.0, 1.0]]])
v = torch.tensor([[[1.0, 1.0], [5.0, 5.0]]])
one, two = multi_head(q, k, v, 1), multi_head(q, k, v, 2)
assert one.shape == (1, 1, 2), f"(n, T, d) = (1, 1, 2) is expected, got {tuple(one.shape)}."
assert torch.allclose(one, torch.tensor([3.0, 3.0])), (
    f"one head sees a tie: 3 and 3, got {one[0, 0]}."
)
assert not torch.allclose(two, torch.tensor([3.0, 3.0])), (
    "two heads gave one head's answer: split first."
)
assert not torch.allclose(two, torch.tensor([5.0, 1.0])), (
    "5 and 1: a head's output went into the other's columns."
)
assert torch.allclose(two, torch.tensor([1.0, 5.0])), f"two heads choose 1 and 5, got {two[0, 0]}."
torch.manual_seed(103)
mha = nn.MultiheadAttention(12, 3, batch_first=True)
h, g = torch.randn(2, 5, 12), torch.randn(2, 7, 12)


def through(h, g, heads, scale=1.0):
    W, b = mha.in_proj_weight.chunk(3), mha.in_proj_bias.chunk(3)
    q, k, v = (F.linear(a, *p) for a, *p in zip((h, g, g), W, b, strict=True))
    return mha.out_proj(multi_head(q * scale, k, v, heads))


def same(a, b):
    return torch.allclose(a, b, atol=1e-5)


expected = mha(h, g, g)[0]
got = through(h, g, 3)
assert got.shape == (2, 5, 12), f"(n, T, d) = (2, 5, 12) is expected, got {tuple(got.shape)}."
for scale in (3**0.5, 0.5):
    slip = same(through(h, g, 3, scale), expected)
    assert not slip, "divide the scores by the root of the *head's* width, d / heads."
assert same(multi_head(h[:1], g[:1], g[:1], 3)[0], multi_head(h, g, g, 3)[0]), (
    "items got mixed: keep axis 0."
)
alone = multi_head(h[:, :1], g, g, 3)
assert same(alone, multi_head(h, g, g, 3)[:, :1]), "words got mixed: each query has its own row."
other = g.clone()
other[..., 4:] = 0
heads_apart = same(multi_head(h, g, other, 3)[..., :4], multi_head(h, g, g, 3)[..., :4])
assert heads_apart, "the first head changed with the others' values: head 0 owns columns 0 to 3."
assert same(got, expected), (
    "not yet what nn.MultiheadAttention gives: are heads consecutive columns?"
)
print("equal to nn.MultiheadAttention:", same(got, expected), f"{got.abs().sum():.5f}")
### BEGIN HIDDEN TESTS
G = torch.Generator().manual_seed(104)
q, k, v = (torch.randn(2, size, 8, generator=G) for size in (3, 6, 6))
for heads in (1, 2, 4, 8):
    print(*(f"{value:.5f}" for value in multi_head(q, k, v, heads)[1, 2]))
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 3: the scores of Winoground
#
# `group_scores`, 15 minutes, 3 points.
#
# In each group there are captions 0 and 1 and images 0 and 1; caption $i$ belongs to image $i$. A model gave the scores
# $s_{ij}$ of caption $i$ with image $j$. A group counts for
#
# - the **text** score if, for *each image*, the right caption has the higher score;
# - the **image** score if, for *each caption*, the right image has;
# - the **group** score if it counts for both.
#
# A tie is wrong. Return three shares. In numpy, without the package.
#
# <details><summary>Hint 1</summary>
#
# For the text score one image is held fixed. Which index is that in $s_{ij}$, and which two numbers are then compared?
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Make two arrays of booleans, one a score, with an entry a group; `&` says "and" entry by entry, and the mean of booleans is a
# share. The third share is not a product of the other two.
#
# </details>
#
# You should see 0.5, 0.25 and 0.25 for four groups, and for random scores about 0.25, 0.25 and 0.167.


# %% solution="group_scores" minutes=15
def group_scores(s):
    """Text, image and group score.

    s: (groups, 2, 2), caption i with image j at [:, i, j]. Returns three floats, shares of groups.
    """
    ### BEGIN SOLUTION
    own0, own1 = s[:, 0, 0], s[:, 1, 1]
    text = (own0 > s[:, 1, 0]) & (own1 > s[:, 0, 1])
    image = (own0 > s[:, 0, 1]) & (own1 > s[:, 1, 0])
    return float(text.mean()), float(image.mean()), float((text & image).mean())
    ### END SOLUTION


# %% check="check_group_scores" for="group_scores" points=3
s = np.array(
    [[[2, 1], [0, 3]], [[3, 5], [2, 6]], [[1, 1], [1, 1]], [[4, 1], [5, 0]]], dtype=float
)  # all right; text alone; ties; all wrong
got = group_scores(s)
assert len(got) == 3, f"three shares, text, image and group; got {len(got)} things."
text, image, group = got
assert not np.allclose(got, (0.75, 0.5, 0.5)), "a tie is wrong: use >, not >=."
assert not np.allclose(got[:2], (0.25, 0.5)), (
    "text and image are exchanged: for text an *image* is fixed."
)
assert not np.isclose(image, 0.75), "image 0.75: one right comparison of two is not enough."
assert not np.isclose(image, 0.5), "image 0.5: *both* comparisons: no mean, no sum, not one alone."
assert np.isclose(text, 0.5), f"text: groups 0 and 1 of four, 0.5 expected, got {text}."
assert np.isclose(image, 0.25), f"image: group 0 alone, 0.25 expected, got {image}."
assert not np.isclose(group, 0.125), "0.125 is a product: count the groups that have both."
assert np.isclose(group, 0.25), f"group: group 0 alone, 0.25 expected, got {group}."
apart = group_scores(np.array([[[3.0, 5], [2, 6]], [[5.0, 4], [6, 7]]]))
assert np.allclose(apart, (0.5, 0.5, 0)), (
    f"one group has text, the other image: 0.5, 0.5, 0; got {apart}."
)
chance = group_scores(np.random.default_rng(105).normal(size=(40_000, 2, 2)))
print("four groups", *got, "  random", *(f"{share:.4f}" for share in chance))
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(106)
print(*(f"{share:.5f}" for share in group_scores(rng.integers(4, size=(500, 2, 2)).astype(float))))
print(*group_scores(rng.normal(size=(8, 2, 2)) + 2 * np.eye(2)))
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 4: what does an answer need?
#
# `occlusion`, 15 minutes, 3 points.
#
# `score(present)` gives the scores $(n, C)$ of $C$ answers, when the model sees only the regions that are `True` in `present`
# $(n, R)$. Take away **one region at a time**, all others as they were, and return
#
# $$\mathrm{drop}_{ij} = p(\text{right}_i \mid \text{all}) - p(\text{right}_i \mid \text{all but } j), \qquad p =
# \mathrm{softmax}(\text{scores})$$
#
# and 0 where item $i$ has no region $j$.
#
# <details><summary>Hint 1</summary>
#
# A small function from a mask to the probability of the right answer, $(n,)$, is used once for all regions and once for each
# $j$.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# `present.clone()` before you change anything, anew for each region. An item's right answer: `p[torch.arange(n), labels]`.
#
# </details>
#
# You should see that region 1 is needed and region 0 is in the way.


# %% solution="occlusion" minutes=15
def occlusion(score, present, labels):
    """How far the probability of the right answer falls without each region.

    score: a function of (n, R) booleans that returns (n, C) scores; present: (n, R) booleans;
    labels: (n,) the right answers. Returns (n, R).
    """

    ### BEGIN SOLUTION
    def right(mask):
        return score(mask).softmax(dim=1)[torch.arange(len(labels)), labels]

    drops = []
    for j in range(present.shape[1]):
        without = present.clone()
        without[:, j] = False
        drops.append(right(present) - right(without))
    return torch.stack(drops, dim=1)
    ### END SOLUTION


# %% check="check_occlusion" for="occlusion" points=3
votes = torch.tensor([[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]])  # of regions 0, 1, 2 for answers 0, 1
there = torch.tensor([[True, True, False], [True, True, True]])
before, labels = there.clone(), torch.tensor([1, 0])


def score(present):
    return present.float() @ votes


drop = occlusion(score, there, labels)
assert torch.equal(there, before), "`present` was changed: take a copy for each region."
assert drop.shape == (2, 3), f"one drop a region, (n, R) = (2, 3), got {tuple(drop.shape)}."
p = {name: 1 / (1 + np.exp(-x)) for name, x in (("all", 1.0), ("no 0", 2.0), ("no 1", -1.0))}
first = drop[0, :2].numpy()
assert not np.allclose(first, [p["no 0"] - p["all"], p["no 1"] - p["all"]], atol=1e-4), (
    "the sign (all minus without), or another answer's probability."
)
assert not np.allclose(first, [0, 2], atol=1e-4), (
    "scores; take the softmax first, drops of probability."
)
assert not np.isclose(first[1], p["all"] - 0.5, atol=1e-4), (
    "region 0 was still away: one region at a time."
)
assert not np.isclose(first[0], p["all"] - p["no 1"], atol=1e-4), (
    "only region j was left: take it *away*."
)
assert np.allclose(first, [p["all"] - p["no 0"], p["all"] - p["no 1"]], atol=1e-4), f"got {first}."
assert not np.allclose(drop[1, :2], first, atol=1e-4), (
    "item 1's right answer is 0: mind the labels."
)
assert np.allclose(drop[1, :2], -first, atol=1e-4), f"item 1: the reverse of item 0, got {drop[1]}."
assert (drop[:, 2] == 0).all(), "region 2 is missing in item 0 and has no vote in item 1: no drop."
print(
    "item 0:",
    *(f"{value:.5f}" for value in drop[0]),
    "  item 1:",
    *(f"{value:.5f}" for value in drop[1]),
)
### BEGIN HIDDEN TESTS
G = torch.Generator().manual_seed(107)
many = torch.randn(4, 3, generator=G)
there = torch.rand(5, 4, generator=G) < 0.7
drop = occlusion(
    lambda m: m.float() @ many + (m[:, :1] & m[:, 1:2]).float(),
    there,
    torch.tensor([0, 1, 2, 1, 0]),
)
print(*(f"{value:.5f}" for value in drop.flatten()))
### END HIDDEN TESTS

# %% [markdown]
# ## Exercise 5 (hard): co-attention, put to work
#
# `CoAttention`, 25 minutes, 5 points.
#
# The exchange of ViLBERT's layer, with two attentions of their own, two norms, and masks:
#
# $$h' = \mathrm{norm}\bigl(h + \mathrm{attention}(h \to g)\bigr), \qquad g' = \mathrm{norm'}\bigl(g + \mathrm{attention'}(g \to
# h)\bigr)$$
#
# Here $a \to b$ means: queries of $a$, keys and values of $b$, padding of $b$ left out. **Both** read $h$ and $g$ as they came
# in. Use `nn.MultiheadAttention(d, heads, batch_first=True)` twice and `nn.LayerNorm(d)` twice. Mind its
# `key_padding_mask`: there, `True` means *leave out*.
#
# Then it is put to work: a small network around your layer is trained on 3,000 scenes of emoji, and has to tell in which column
# a thing stands (the words answer) and which region it is (the regions answer). Both must be above 0.8, on scenes whose things
# never met in training.
#
# <details><summary>Hint 1</summary>
#
# Which of the two masks belongs to which attention? It is always the mask of those who are asked.
#
# </details>
#
# <details><summary>Hint 2</summary>
#
# Calling the attention returns a pair, output and weights. Compute both outputs before you give anything a new value.
#
# </details>
#
# You should see both accuracies far above chance, 0.2, and a scene with the thing that was asked for.

# %%
scenes = [
    load_scenes(n, split=s, n_objects=5, kinds="relation")
    for n, s in ((3000, "train"), (300, "test"))
]
scaler = RegionScaler(Regions.of(scenes[0]), 128)


def find(scenes):
    """The texts, what is seen, the right column and the right region."""
    n = np.arange(len(scenes))
    names = [scenes.names[o] for o in scenes.objects[n, n % 5]]
    tokens = torch.tensor([scenes.encode(f"column of the {name}") for name in names])
    column = torch.as_tensor(scenes.boxes[n, n % 5][:, [0, 2]].mean(axis=1) * 5).long()
    images = scaler(Regions.of(scenes))
    return tokens, images.features[images.rows], images.boxes, column, torch.as_tensor(n % 5)


class Finder(nn.Module):
    """Words and regions, one exchange, two answers: the column is read from the last word."""

    def __init__(self, exchange, d=64):
        super().__init__()
        self.word, self.look, self.box = nn.Embedding(300, d), nn.Linear(128, d), nn.Linear(5, d)
        self.exchange = exchange(d, 4)
        self.column, self.region = (
            nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, out)) for out in (5, 1)
        )

    def forward(self, tokens, features, boxes):
        h, g = self.word(tokens), self.look(features) + self.box(boxes)
        everything = [torch.ones(a.shape[:2], dtype=torch.bool) for a in (h, g)]
        h, g = self.exchange(h, g, *everything)
        return self.column(h[:, -1]), self.region(g).squeeze(2)


def trained(exchange, epochs=7):
    """A finder trained with this exchange, and its two accuracies on the test scenes."""
    torch.manual_seed(0)
    finder, data, held = Finder(exchange), find(scenes[0]), find(scenes[1])
    optimiser = torch.optim.AdamW(finder.parameters(), lr=4e-3)
    for _ in range(epochs):
        for rows in torch.randperm(len(data[0])).split(128):
            *x, column, region = (a[rows] for a in data)
            answers = finder(*x)
            loss = F.cross_entropy(answers[0], column) + F.cross_entropy(answers[1], region)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    with torch.no_grad():
        answers = finder(*held[:3])
    return finder, [
        (a.argmax(dim=1) == b).float().mean().item() for a, b in zip(answers, held[3:], strict=True)
    ]


# %% solution="CoAttention" minutes=25
class CoAttention(nn.Module):
    """Each stream asks the other: ViLBERT's exchange, without its feed-forward part."""

    def __init__(self, d, heads):
        """d: width of both streams; heads: divides d."""
        super().__init__()
        ### BEGIN SOLUTION
        self.of_words = nn.MultiheadAttention(d, heads, batch_first=True)
        self.of_regions = nn.MultiheadAttention(d, heads, batch_first=True)
        self.norm_h, self.norm_g = nn.LayerNorm(d), nn.LayerNorm(d)
        ### END SOLUTION

    def forward(self, h, g, words, regions):
        """h: (n, T, d); g: (n, R, d); words (n, T), regions (n, R): booleans, what is present.

        Returns the two new streams, (n, T, d) and (n, R, d).
        """
        ### BEGIN SOLUTION
        to_words, _ = self.of_words(h, g, g, key_padding_mask=~regions)
        to_regions, _ = self.of_regions(g, h, h, key_padding_mask=~words)
        return self.norm_h(h + to_words), self.norm_g(g + to_regions)
        ### END SOLUTION


# %% check="check_CoAttention" for="CoAttention" points=5
torch.manual_seed(108)
layer = CoAttention(8, 2)
attentions = [part for part in layer.modules() if isinstance(part, nn.MultiheadAttention)]
assert len(attentions) == 2, f"two attentions of their own, one a stream; found {len(attentions)}."
h, g = torch.randn(3, 4, 8), torch.randn(3, 6, 8)
words, regions = torch.ones(3, 4, dtype=torch.bool), torch.ones(3, 6, dtype=torch.bool)
words[:, 3], regions[:, 4:] = False, False
out = layer(h, g, words, regions)
assert len(out) == 2, "return the two new streams, as a pair."
shapes = [tuple(new.shape) for new in out]
assert shapes == [(3, 4, 8), (3, 6, 8)], (
    f"(3, 4, 8), (3, 6, 8) are expected, got {shapes}: whose queries?"
)


def changed(which, part):
    """Which positions of the two new streams change when one position of one stream does."""
    new = [h.clone(), g.clone()]
    new[which][:, part] += torch.randn(8)
    after = layer(*new, words, regions)
    return [(a - b).abs().amax(dim=(0, 2)) > 1e-5 for a, b in zip(after, out, strict=True)]


by_word, by_padding = changed(0, 0), changed(1, 5)
assert not by_padding[0].any(), "padding was read: key_padding_mask is True where to *leave out*."
assert not changed(0, 3)[1].any(), (
    "the regions read a word that is padding: use the words' mask for them."
)
assert by_word[1].all(), "the regions did not hear of word 0: their keys and values are the words'."
assert changed(1, 0)[0].all(), (
    "the words did not hear of region 0: their keys and values are the regions'."
)
assert not by_word[0][1], (
    "word 1 changed with word 0: does a stream ask itself, or the *new* other stream?"
)
assert not changed(1, 0)[1][1], (
    "region 1 changed with region 0: both read the streams as they came in."
)
for part in attentions:
    nn.init.zeros_(part.out_proj.weight)
quiet = layer(h, g, words, regions)
assert torch.allclose(quiet[0], F.layer_norm(h, (8,)), atol=1e-4), (
    "what was asked is *added* to h, then normed."
)
assert torch.allclose(quiet[1], F.layer_norm(g, (8,)), atol=1e-4), (
    "and likewise for g: added, then normed."
)
finder, (column, region) = trained(CoAttention)
assert column > 0.8, f"column {column:.2f}: the words do not find out where things are."
assert region > 0.8, f"region {region:.2f}: the regions do not find out which is meant."
print(
    "two streams, masks, sums: as they should be; on the emoji both above 0.8:",
    min(column, region) > 0.8,
)
texts, *seen, right = (a[:3] for a in find(scenes[1])[:4])
best = [a.argmax(dim=1) for a in finder(texts, *seen)]
for i, ax in enumerate(plt.subplots(1, 3, figsize=(12, 4.4), layout="constrained")[1]):
    plotting.plot_scene(scenes[1], i, highlight=[int(best[1][i])], axes=ax)
    said = f"{int(best[0][i]) + 1}, right is {int(right[i]) + 1}"
    ax.set_title(f"{scenes[1].decode(texts[i])}: {said}")
plt.show()
### BEGIN HIDDEN TESTS
again = CoAttention(12, 3).eval()
a, b = torch.randn(2, 5, 12), torch.randn(2, 3, 12)
some = torch.tensor([[True] * 5, [True, True, False, False, True]])
many = torch.ones(2, 3, dtype=torch.bool)
new = again(a, b, some, many)
order = torch.tensor([2, 0, 1])
moved = again(a, b[:, order], some, many)
print(
    torch.allclose(new[0], moved[0], atol=1e-5),
    torch.allclose(new[1][:, order], moved[1], atol=1e-5),
)
print(f"{new[0].mean():.4f} {new[1].std(correction=0):.4f}", again(a, b, some, many)[1].shape)
### END HIDDEN TESTS

# %% [markdown]
# *Figure: three test scenes with their boxes; the region that your network points at is drawn in bold, and the title says
# which column it names, counted from the left, and which is right. Not every answer need be right.*
#
# ## Your own experiment
#
# Half an exchange: below, only the words ask. What do you expect of the column, and of the region? Run it. Then change one
# thing: let only the regions ask; ask twice, one after the other; use a single head; train on fewer epochs. Where is the point at
# which it suddenly "gets it"?


# %% experiment="half_an_exchange"
class WordsAsk(nn.Module):  # change me
    def __init__(self, d, heads):
        super().__init__()
        self.ask = nn.MultiheadAttention(d, heads, batch_first=True)

    def forward(self, h, g, words, regions):
        return h + self.ask(h, g, g, key_padding_mask=~regions)[0], g


column, region = trained(WordsAsk, epochs=8)[1]  # change me
plt.figure(figsize=(6, 2.2), layout="constrained")
plt.barh(["region", "column"], [region, column])
plt.axvline(0.2, color="black", linestyle="--", label="chance")
plt.xlim(0, 1)
plt.xlabel("accuracy")
plt.legend()
plt.show()

# %% [markdown]
# *Figure: two bars, the accuracy for the column and for the region, beside chance at one fifth.*
#
# ## In your own words
#
# `attention_as_reason`, 10 minutes, 3 points, marked by hand.
#
# A team shows a heat map: asked "what is left of the dog?", their model answers "fox", and `[CLS]` gives 0.8 of its attention
# in the last layer to the fox and 0.02 to the dog. They write: *"The model does not need the dog."* Their evidence is this one
# map. Is the sentence justified? Name two measurements, with a control for each, that could prove it wrong, and say what you
# would expect. Three to six sentences.

# %% [markdown] written="attention_as_reason" points=3
# ### BEGIN SOLUTION
# No: one layer's map shows what was fetched there, not what it was chosen by; the dog may have been read in an earlier layer, or
# by the regions, which then told the fox that it lies to the left (1 point). First, occlusion: take the dog's region away and
# measure how far the right answer falls over many questions; control: take away a random other region, and the fox. I expect a
# drop far larger than for a random one (1 point). Second, hide the name "dog" in the question; control: hide another word such as
# "is", and compare with a rule that does not read the subject, since left-of says that the answer is rather on the left; I expect
# accuracy to fall to about that rule. (Also right: the map of an untrained model, wrong answers, other layers and heads; the
# second point is for a second measurement with its control.)
# ### END SOLUTION
