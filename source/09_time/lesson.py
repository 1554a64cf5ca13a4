# %% [markdown]
# ## The question
#
# A photo of a flooded coast is captioned *Indonesia* in 2005 and *Japan* in 2011. The picture is of the same kind; what
# it **means** has changed. An embedding that knows no dates must put it somewhere in between. One that does can let it
# move: $z(t)$, a place for every time $t$.
#
# The trouble is that everything moves, in any model, and a moving picture tempts us to tell a story. So this
# lesson has one rule (Dubossarsky, Weinshall and Grossman 2017): **an effect must vanish where no change is possible**.
# For every claim we shall build a world without change and look whether the effect is gone.

# %% setup=true
import matplotlib.pyplot as plt
import numpy as np
import torch
from mmlearn import deep, losses, plotting, retrieval
from mmlearn.data import load_timeline
from mmlearn.permutation import permutation_test
from mmlearn.scoreboard import measured

plotting.use_style()

# %%
plt.rcParams["figure.dpi"] = 72
data = load_timeline(seed=0).features(image="cnn", text="lsa")
train, test = data.split(seed=0)  # the test part: new moments of known emoji
names, v, partner = data.label_names, data.velocities, data.partners
birds = names.index("animal-bird")
fruit = partner[birds]

# %% [markdown]
# ## A world whose change is known
#
# The data are real pictures and real captions; only *who goes with whom* is ours, and drifts. Groups of emoji stand in
# pairs, such as birds and fruit. Below, four birds as they were seen first, and the same four as they were seen last. (Not all
# birds were renamed; these were.)

# %%
kinds = ["parrot", "penguin", "owl", "turkey"]  # four that were renamed
rows = [np.flatnonzero(np.array(train.titles) == kind) for kind in kinds]
seen = [r[np.argsort(train.times[r])[at]] for at in (0, -1) for r in rows]
captions = [f"t = {train.times[i]:.2f}: {train.captions[i].split(':')[0]}" for i in seen]
_ = plotting.picture_grid(train.pictures[seen], captions, columns=4, below=True)

# %% [markdown]
# *Figure: two rows of four pictures of birds. In the first row, early, each has its own name below; in the second,
# late, the same birds have names of fruit.*
#
# At time $t$, from 0 to 1, a picture of group $g$ has a caption of the partner group with probability
#
# $$\alpha_g(t) = v_g\, t \quad (v_g \ge 0), \qquad \alpha_g(t) = -v_g\,(1 - t) \quad (v_g < 0)$$
#
# $v_g$ is the **velocity** that we plant, the slope of $\alpha_g$. At $v = 0.88$ and $t = 0.5$ a bird has the name of a
# fruit with probability 0.44. With $v < 0$ captions come home.

# %%
away = train.labels != train.sublabels  # the caption is the partner's
eighth = (8 * train.times).astype(int)
for h, marker in zip((birds, names.index("person"), names.index("time")), "os^", strict=True):
    share = [away[(train.labels == h) & (eighth == b)].mean() for b in range(8)]
    plt.plot((np.arange(8) + 0.5) / 8, share, marker, label=f"{names[h]}, v = {v[h]:.2f}")
    plt.plot([0, 1], [data.share(0)[h], data.share(1)[h]], "k:", linewidth=1)
assert np.isclose(data.share(0.5)[birds], v[birds] * 0.5)
plt.gca().set(xlabel="time t", ylabel="share of partner captions")
_ = plt.legend()

# %% [markdown]
# *Figure: the share of partner captions against time for three groups. Birds rise along the dotted planted line, people
# stay at zero, and the group called time falls along its line.*
#
# ## Drift by hand
#
# Can drift be *found*, from vectors alone? Score a caption $u$ (of length 1) by how much more it is like the partner's
# mean caption than like the own group's:
#
# $$p_i = u_i \cdot (\bar u_\text{partner} - \bar u_g), \qquad
# \text{drift}_g = \frac{\sum_i (t_i - \bar t)\, p_i}{\sum_i (t_i - \bar t)^2},$$
#
# the least-squares slope of $p$ over time. With $\bar u_g = (1, 0)$, $\bar u_\text{partner} = (0, 1)$, own captions
# score $-1$ and partner's $+1$. Four captions, at $t = 0, \frac14, \frac34, 1$, score $-1, -1, 1, 1$: the slope is
# $1.5 / 0.625 = 2.4$. **Predict first:** if times said nothing, how often would four such captions be in this order?

# %%
from itertools import permutations

t, p = np.array([0, 0.25, 0.75, 1]), np.array([-1.0, -1, 1, 1])


def slope(t):
    return ((t - t.mean()) * p).sum() / ((t - t.mean()) ** 2).sum()


assert np.isclose(slope(t), 2.4)
every = [slope(np.array(order)) for order in permutations(t)]
print(f"{len(every)} orders of the times, {np.sum(np.array(every) >= 2.4)} of them as steep")

# %% [markdown]
# One order in six is as steep. The most perfect drift there can be, and it proves nothing: four captions are too few.
# This is a **permutation test**. Shuffling the times builds the world without change, and $p$ is the share of such
# worlds that do as well.
#
# Now the emoji: 66 groups, each with dozens or hundreds of captions. Found drift is compared with the planted velocities by the
# correlation $r$. (Two partners have the same velocity, so they count once.)
#
# **Predict first:** how large is $r$? And how far from 0 may it lie by chance, in a world without change? Type your
# guess for the first.
#
# <details><summary>What to look for</summary>
#
# $r$ is of few numbers, however many captions stand behind each. How far does a correlation of a few dozen random numbers
# stray? About $1 / \sqrt{n}$.
#
# </details>

# %%
guess = 0.5  # change me: r of found and planted drift


def unit(z):
    return z / np.linalg.norm(z, axis=-1, keepdims=True)


u, g = unit(train.texts), train.labels
own = np.flatnonzero(~away)
once = own[np.unique(np.array(train.captions)[own], return_index=True)[1]]  # each emoji once
u_bar = np.stack([u[once][g[once] == h].mean(axis=0) for h in range(len(names))])
p = (u * (u_bar[partner] - u_bar)[g]).sum(axis=1)


# %%
def drift(times):
    t = times - (np.bincount(g, times) / np.bincount(g))[g]
    return np.bincount(g, t * p) / np.bincount(g, t * t)


assert np.allclose(drift(train.times), deep.regression_drift(train), atol=1e-4)
line = permutation_test(lambda t: deep.drift_correlation(drift(t), train), train.times, n=999)
plt.hist(line.shuffled, 40, color="0.75")
for x, name, style in ((guess, "your guess", "k:"), (line.observed, "times as they are", "C0-")):
    plt.plot([x, x], [0, 60], style, label=f"{name}: {x:.2f}")
plt.gca().set(xlabel="r of found and planted drift", ylabel="of 999 shuffles")
plt.title(f"p = {line.p}, shuffles: {line.shuffled.mean():.2f} ± {line.shuffled.std():.2f}")
_ = plt.legend()

# %% [markdown]
# *Figure: a grey histogram of r with the times shuffled, a broad hill about zero; far to its right a line for the times as
# they are, and a dotted line for your guess.*
#
# No shuffle of 999 comes near, so $p = (1 + 0)/(1 + 999)$: it is never 0, as the observed order is itself one of the
# possible ones. But look how **broad** the hill is. There are only 33 different velocities, and a correlation of 33 random
# numbers strays far. Who shuffles *once* and gets 0.3 may think that something remains, and who gets $-0.2$ may think
# that all is well. One shuffle is not a control; a distribution is.
#
# ## A network that is told the time
#
# The straight line needed no training. A diachronic embedding (after Semedo and Magalhães 2019) learns where to put each
# picture and text at each time. With $h$ an encoder's last hidden layer, $\odot$ the product entry by entry, and $t$
# scaled to $[-1, 1]$:
#
# $$z(t) = V\,\bigl(h \odot (1 + G\,\tau(t))\bigr) + b + B\,\tau(t)$$
#
# $\tau(t)$ is a vector, shared by pictures and texts, with $\tau(0) = 0$. So in the middle of the timeline this is a
# plain encoder; elsewhere, time turns some hidden units up and others down ($G$) and moves the whole ($B$).
#
# We train it twice. The second time, the *ghost*, with the times shuffled: the same network, pairs and losses, in a
# world without change.

# %%
settings = dict(standardize=False, epochs=12, learning_rate=5e-3, device="cpu")
model, ghost = (deep.Diachronic(64, random_state=0, **settings) for _ in range(2))
model.fit(train.images, train.texts, train.labels, train.times)
shuffled = np.random.default_rng(0).permutation(train.times)
_ = ghost.fit(train.images, train.texts, train.labels, shuffled)

# %%
text = model.module_.text_encoder
y = torch.as_tensor(model.scalers_[1](test.texts[:1]), dtype=torch.float32)  # one caption, scaled
with torch.no_grad():
    tau = model.module_.temporal(torch.tensor([1.0]))  # the last time
    h = text.trunk(y)
    z = text.head(h * (1 + text.gate(tau))) + text.shift(tau)
    assert model.module_.temporal(torch.zeros(1)).abs().max() == 0
    curves = model.module_.temporal(torch.linspace(-1, 1, 101))
assert np.allclose(z, model.embed_texts(test.texts[:1], model.time_range_[1]), atol=1e-4)
plt.figure(figsize=(5, 2.6))
plt.plot(np.linspace(-1, 1, 101), curves, "k-", linewidth=1)
_ = plt.gca().set(xlabel="scaled time t", ylabel="entries of τ(t)")

# %% [markdown]
# *Figure: the sixteen entries of tau against the scaled time, as the network has learnt them; all curves pass through
# zero in the middle.*
#
# ## What counts as a pair, and when?
#
# The loss is a ranking loss, as in unit 08, with a clock. Two items of one group and of nearly the same time should be
# alike: positives. Of other groups: negatives. And two items of one group, but years apart? They may have come to
# mean different things, so they are *neither*. "Nearly" is a **window** $w$:
#
# $$\kappa_{ij} = \max\bigl(0,\ 1 - |t_i - t_j| / w\bigr), \qquad \text{positive where } \kappa > 0$$
#
# A second, small term pulls the positives together, weighted by $\kappa$, and keeps those outside the window a margin
# apart. By hand, $w = 2$ years: 2010 and 2011 have $\kappa = 0.5$; 2010 and 2015 have 0.

# %%
years = torch.tensor([2010.0, 2011.0, 2015.0])
kappa = losses.temporal_alignment(years, window=2)
assert kappa[0].tolist() == [1, 0.5, 0]
z_x, z_y = torch.randn(2, 6, 4)
labels, moments = torch.tensor([0, 1, 2, 0, 1, 0]), torch.rand(6)
timeless = losses.diachronic_inter_loss(z_x, z_y, labels, moments, margin=0.2)
assert torch.isclose(timeless, losses.triplet_loss(z_x, z_y, labels, margin=0.2))

# %% [markdown]
# With an infinite window every item of the group is a positive, and what is left is unit 08's triplet loss. The
# asserted equality says so.
#
# How do we ask a network for drift? As the straight line did: embed the pictures of $g$ and the captions of both
# groups, all at one time $t$; take the mean cosine to the partner's captions less that to the own; the slope of this
# difference over $t$ is the drift that it has found.
#
# **Predict first:** the network sees pictures, captions and times, and has hundreds of thousands of weights. The line sees
# one number a caption. Which $r$ will be higher? And that of *counting*, which reads off where each caption came from?
#
# <details><summary>What to look for</summary>
#
# Counting is the ceiling: it falls short of 1 only by the chance of the draws. The line comes close to it, and whoever wants
# to beat the line has only that gap to gain.
#
# </details>

# %%
found = {"network": deep.recovered_drift(model, train)}
found |= {"straight line": drift(train.times), "counting": deep.counted_drift(train)}
worlds = np.random.default_rng(1).permuted(np.tile(train.times, (200, 1)), axis=1)
_ = plotting.plot_drift(v, found, {"straight line": [drift(t) for t in worlds]})
still = deep.recovered_drift(ghost, train)
print(f"network, shuffled times, one training: r = {deep.drift_correlation(still, train):.2f}")

# %% [markdown]
# *Figure: found drift against planted velocity, a panel each for network, straight line and counting, with r above
# each. The points rise along a line in all three, most tightly for counting; in the middle panel a grey band of
# shuffled times lies about zero.*
#
# This was one seed and a short training. Here are stored runs: three worlds, longer training, and for each world seven
# networks on shuffled times (`python -m benchmarks.diachronic`). In the second half the pictures are of emoji that no training
# showed; the line there gets a plain classifier in front, which says of which group a picture may be.

# %%
for part in ("known", "unseen"):
    for row, columns in measured("diachronic", part)["rows"].items():
        if "r" in columns:
            r = np.array(columns["r"])
            each = " ".join(f"{one:.2f}" for one in r) if len(r) < 4 else f"{len(r)} trainings"
            print(f"{part:7} {row:24} r = {r.mean():6.3f} ± {r.std(ddof=1):.3f}   {each}")

# %% [markdown]
# Both find what was planted, and shuffled networks scatter about zero. (With as few of them as were trained, $p$ cannot be
# small: at best $1/(1 + n)$.) But the network is **not better** than a straight line, and on new emoji it is behind it in each world. A line that is
# told the groups needs no picture and loses nothing: what fails on new emoji is recognising the picture, not following
# the time.
#
# So why a network? Because it gives a *space* with a clock, where one can search, follow, and compare pictures with texts
# at any time. That it has "discovered" the drift is no reason: a line discovers it, too.
#
# ## Movement is not drift
#
# Now for stories. The popular way is to compare an item's place in an early and a late space, $1 - \cos(u_\text{early},
# u_\text{late})$: what moved far has changed its meaning. Try it with two CCAs, of the first and of the second half of the
# timeline, and follow the same test captions from one to the other. As world without change: two CCAs of *random*
# halves.
#
# **Predict first:** how far do captions move (0 none, 1 a right angle) with true halves, and with random ones?
#
# <details><summary>What to look for</summary>
#
# Nothing in CCA says which way its first direction points, or which of two equal ones comes first. Do two trainings agree
# on that?
#
# </details>

# %%
from mmlearn.classical import CCA
from sklearn.decomposition import PCA

x = PCA(100, random_state=0).fit_transform(train.images)


def two_spaces(times):
    halves = [times < 0.5, times >= 0.5]
    spaces = [CCA(50, shrinkage=0.5).fit(x[half], train.texts[half]) for half in halves]
    return np.stack([s.embed_texts(test.texts) for s in spaces], axis=1)  # (items, 2, 50)


paths, control = two_spaces(train.times), two_spaces(shuffled)
for name, z in (("true halves", paths), ("random halves", control)):
    early, late = unit(z).transpose(1, 0, 2)
    print(f"{name:13} moved by {np.mean(1 - (early * late).sum(axis=1)):.2f} in the mean")

# %% [markdown]
# Captions move about as far where nothing can have changed. Why? A space is only defined up to a **rotation**: turn
# all pictures and texts together, and every cosine, hence every ranking, stays. Two trainings turn differently. Undo the
# turn first (*orthogonal Procrustes*), with the rows of $A$ the early and of $B$ the late places:
#
# $$Q = \operatorname*{argmin}_{Q^\top Q = I} \lVert A Q - B \rVert, \qquad A^\top B = U S V^\top
# \;\Rightarrow\; Q = U V^\top$$
#
# The same is due *within* the network, whose space may turn with $t$. And then compare with the ghost: only the
# **excess** over the world without change is evidence.
#
# One trap is laid for whoever has planted the change: to "validate" movement by its correlation with the speed $|v|$. But
# the captions of a group of large $|v|$ are more *mixed*, with or without times, and mixed captions may move more. **Predict
# first:** in the ghost nothing drifts. What is its $r$?

# %%
moved, speed = {"captions, two CCAs": deep.displacement(paths, control)}, {}
speed["images"], speed["texts"] = np.abs(v)[test.labels], np.abs(v)[test.sublabels]
for side, what in (("images", "pictures, network"), ("texts", "captions, network")):
    rows = {side: getattr(test, side)}
    both = [m.trajectories([0.0, 1.0], **rows) for m in (model, ghost)]
    moved[what] = deep.displacement(*both)
    for name, z in zip(("times as they are", "ghost"), both, strict=True):
        raw = 1 - (unit(z)[:, 0] * unit(z)[:, 1]).sum(axis=1)
        r = np.corrcoef(raw, speed[side])[0, 1]
        print(f"{what}, {name:17}: raw {raw.mean():.2f}, its r with |v| {r:.2f}")
_ = plotting.plot_displacement(moved)

# %% [markdown]
# *Figure: three histograms of movement after Procrustes, blue for true times, grey for shuffled, with the two means marked.
# For the two CCAs and for the pictures of the network the two nearly coincide; for its captions the blue mean lies to the
# right of the grey one.*
#
# Most of the movement is gone, and it was no meaning. What is left above the control is small, except for the captions in
# the network. And the trap: raw movement does go with $|v|$, which looks like proof, and in the ghost it does so as well. Without
# the ghost, it would have gone into the paper.
#
# ## The map, with a clock
#
# What *can* be looked at? Something that no turn of the space changes: cosines between pictures and captions, at one
# time. So draw each picture of birds and fruit by two of them: across, its cosine to the mean caption of birds; up, to that
# of fruit. Below the diagonal a picture means *bird*, above it *fruit*. Grey dots are the same pictures in the ghost.

# %%
two = train[np.isin(np.arange(len(train)), once) & np.isin(train.labels, [birds, fruit])]


def places(m, t):
    """Cosine of each picture to the mean caption of birds, and to that of fruit, at time t."""
    z_y = unit(m.embed_texts(two.texts, t))
    means = np.stack([z_y[two.labels == h].mean(axis=0) for h in (birds, fruit)])
    return unit(m.embed_images(two.images, t)) @ unit(means).T


def draw(t, axes=None):
    axes = plt.figure(figsize=(5, 5)).gca() if axes is None else axes
    axes.plot(*places(ghost, t).T, "o", color="0.8", zorder=0)
    plotting.scatter_embedding(places(model, t), pictures=two.pictures, axes=axes)
    axes.axline((0, 0), slope=1, color="k", linestyle=":", linewidth=1)
    axes.set(xlim=(0.42, 1.02), ylim=(0.42, 1.02), xlabel="cosine to birds' captions")
    axes.set(ylabel="cosine to fruit's captions", title=f"t = {t:.2f}", aspect="equal")


# %%
axes = plt.subplots(1, 3, figsize=(13, 4.6), layout="constrained")[1]
for t, ax in zip((0.0, 0.5, 1.0), axes, strict=True):
    draw(t, ax)

# %% [markdown]
# *Figure: three frames of the map, at times 0, one half and 1. At 0 birds lie below the dotted diagonal, and fruit above
# it; at one half the two clouds meet; at 1 they have changed sides. The grey dots of the ghost hardly change from frame to
# frame.*
#
# Drag the time. When do the two clouds meet, and is that where the planted share passes one half? Which birds go first?
# Before you tell a story about that bird, look at how much the grey dots stir.

# %% widget=true
from ipywidgets import FloatSlider, interact

slider = FloatSlider(0, min=0, max=1, step=0.05, continuous_update=False)
_ = interact(lambda t: draw(t), t=slider)

# %% [markdown]
# ## The strip: one query at three times
#
# For a user, drift is this: the same words find other pictures. Ask for *banana* at three times, and ask the ghost
# at the last one, among all known emoji. A green frame is a fruit, as *banana* would have it.
#
# Below it stands a **summary** of a trajectory: the nearest captions of the parrot, each named once, at the time when it first
# comes near. Beside it, always, the ghost's: it, too, has names to tell.

# %%
gallery = train[np.sort(once)]
banana, parrot = (gallery.titles.index(title) for title in ("banana", "parrot"))
named, x, y = [c.split(":")[0] for c in gallery.captions], gallery.images, gallery.texts
asked = [("t = 0", model, 0), ("t = 0.5", model, 0.5), ("t = 1", model, 1), ("ghost, 1", ghost, 1)]
s = [m.similarity(m.embed_texts(y[[banana]], t), m.embed_images(x, t))[0] for _, m, t in asked]
top = np.argsort(-np.array(s), axis=1)[:, :8]
asking = [f"banana, {when}" for when, *_ in asked]
plotting.query_rows(asking, gallery.pictures[top], gallery.labels[top] == fruit).set_dpi(36)
for name, m in (("network", model), ("ghost", ghost)):
    told = m.summary(m.time_grid(9), image=x[parrot], texts=y, names=named)
    print(f"parrot, {name}:", *(f"{near.time:.2f} {named[near.index]}" for near in told), sep="  ")

# %% [markdown]
# *Figure: four rows of eight pictures. Banana at time 0 finds fruit, framed in green; at one half and at 1 birds alone. The
# last row, the ghost's at time 1, holds both.*
#
# ## Dispersion, and how it lies
#
# Another popular figure: how far the items of a group lie apart in a stretch of time, its **semantic dispersion**. With
# $n$ items $u_i$ there, and their mean $\bar u$:
#
# $$D_\text{plain} = \frac1n \sum_i \lVert u_i - \bar u \rVert^2, \qquad \mathbb{E}\, D_\text{plain} =
# \sigma^2 \Bigl(1 - \frac1n\Bigr)$$
#
# The mean is drawn towards the very items that it is compared with, the more so the fewer they are. **Predict
# first:** plant a dispersion that never changes, and let the bins hold 2 to 30 items. Two items: which share of the true
# value shows?

# %%
rng, sizes = np.random.default_rng(2), np.array([2, 3, 5, 8, 12, 20, 30])
cloud = unit(np.array([3.0, 0, 0]) + rng.normal(size=(20_000, 3)))
planted = deep.semantic_dispersion(cloud, np.zeros(20_000), np.zeros(20_000), bins=1)[1].item()
shown = {True: [], False: []}
for n in sizes:
    t = np.repeat(np.arange(400), n)  # 400 bins of n items
    rows = rng.integers(20_000, size=len(t))
    for corrected, values in shown.items():
        D = deep.semantic_dispersion(cloud[rows], 0 * t, t, bins=400, corrected=corrected)[1]
        values.append(D.mean())
_ = plotting.plot_dispersion_by_size(sizes, shown[False], shown[True], planted)

# %% [markdown]
# *Figure: dispersion against the number of items in a bin. The corrected curve stays at the planted, dashed level; the
# plain one starts at half of it for two items and comes up from below.*
#
# A topic that fades out of the news would seem to "grow more coherent". The cure is to divide by $n - 1$: then $D$ is the
# mean cosine distance of two *different* items. And an item that is seen often is still one item: the same eight moments of
# one emoji are not eight opinions. So measure twice: rows as they come, and by item.
#
# **Predict first:** is dispersion drift? Correlate its slope over time, group by group, with the planted velocity.

# %%
z = model.embed_texts(train.texts, 0.5)  # all at one time: nothing can change
for name, items in (("rows as they come", None), ("by item", np.array(train.captions))):
    D = deep.semantic_dispersion(z, train.sublabels, np.zeros(len(z)), bins=1, items=items)[1]
    print(f"mean dispersion of captions, {name}: {D.mean():.3f}")
centres, D = model.dispersion(g, train.times, images=train.images, bins=4, items=train.titles)
slopes = np.polyfit(centres, D.T, 1)[0]
apart = permutation_test(lambda w: np.corrcoef(w, slopes)[0, 1], v, n=999, two_sided=True)
print(f"slope of the pictures' dispersion against v: r = {apart.observed:.2f}, p = {apart.p:.2f}")

# %% [markdown]
# Repeats hide some of the distance. And dispersion says nothing of drift here: birds that all turn into fruit move
# together, and lie no further apart.
#
# ## How it breaks: models age
#
# Train on the first 40 % of the timeline, and use the model ever after. A large study of image-text models (TiC-CLIP, 2023)
# found that those trained on older data lose several points on newer pairs. Here we can say *whom* it should hit: groups
# whose captions leave ($v > 0.5$). Groups that stand still ($|v| < 0.1$) must not age: our world without change.
#
# Three static models, each with **as many** pairs: early ones, late ones, and *replay*, half of each. **Predict
# first:** which of them is best at the end of the timeline, and which on average?
#
# <details><summary>What to look for</summary>
#
# For groups that leave, the model whose pairs are nearest in time. For groups that stand still the three have seen the same
# kind of pairs, equally many: any order there is chance, and its size tells you how much chance to expect on the left.
#
# </details>

# %%
early, late = (np.flatnonzero(part) for part in (train.times < 0.4, train.times > 0.6))
n, rng = min(len(early), len(late)), np.random.default_rng(3)
early, late = (rng.permutation(rows)[:n] for rows in (early, late))
replay = np.concatenate([early[: n // 2], late[: n // 2]])
aged = {}
for name, rows in {"early": early, "late": late, "replay": replay}.items():
    static = deep.TripletEmbedding(64, mining="semi-hard", random_state=0, **settings)
    static.fit(train.images[rows], train.texts[rows], g[rows])
    middles, aged[name] = retrieval.map_by_time(static, test, bins=np.linspace(0, 1, 6))
aged["time as input"] = retrieval.map_by_time(model, test, bins=np.linspace(0, 1, 6))[1]

# %%
panels = {"leaving: v > 0.5": v > 0.5, "standing still: |v| < 0.1": np.abs(v) < 0.1}
axes = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")[1]
for (title, group), ax in zip(panels.items(), axes, strict=True):
    for (name, scores), marker in zip(aged.items(), "os^D", strict=True):
        ax.plot(middles, np.nanmean(scores[group], axis=0), f"{marker}-", label=name)
    ax.set(title=f"{title} ({group.sum()} groups)", xlabel="time", ylim=(0, 1))
    worse = (aged["early"] - aged["replay"])[group, -1]
    error = np.nanstd(worse, ddof=1) / np.sqrt(np.isfinite(worse).sum())
    print(f"{title}: early - replay in the last fifth {np.nanmean(worse):.3f} ± {error:.3f}")
axes[0].set(ylabel="mAP within each fifth")
_ = axes[1].legend()

# %% [markdown]
# *Figure: mAP against time in two panels. Left, groups whose captions leave: the early model falls towards the end, the late
# one is low at the start and higher at the end, replay lies between them. Right, groups that stand still: the lines go up and
# down together. The fourth line, the network with time as input, has seen all of the timeline.*
#
# The early model is the best of the three at the start and the worst at the end, for groups that leave; for groups
# that stand still it loses nothing, so what ages is not the model but its agreement with a changed world. Replay is the best
# nowhere, and the worst nowhere among those that leave. Compare models within a column: all answer the same queries there,
# while columns differ in their mixture of captions. The printed differences warn: where nothing changed, the difference
# between two trainings is as large as where the world did, and there it can only be chance. So one column of one training
# proves nothing. What speaks is the order over all five: on the
# left early falls from first to last, and late climbs from last to first; on the right the lines tangle without such an
# order. The fourth line is no fair rival: it has seen more pairs.
#
# And *beyond* the last training time? A network with a clock could go on along its curve. Ours does not: later times count as the last
# one. Nothing was learnt there, and a curve that is not tied down may go anywhere. Extrapolation is a hope, not a method.
#
# ## Real years
#
# At last real dates: product photos of an online shop, with titles, 2010 to 2018. Stored results over three seeds, as
# the data are large. *Static* is the same network without time.

# %%
for part in ("random quarter", "later years"):
    found = measured("diachronic", part)
    print(found["title"])
    for column in ("timed", "static", "times shuffled", "timed - static", "chance"):
        values = found["rows"]["diachronic"][column]
        print(f"   {column:15}{np.mean(values):7.3f} ± {np.std(values, ddof=1):.3f}")

# %% [markdown]
# On later years time adds nothing. There are two reasons, and neither is that our network failed. First, it *cannot*
# add much: later times are clipped, so the model with time is there a static model of the last year. Second, hardly anything
# drifts: a shoe of 2018 is titled *shoe*, as in 2012. Fashion changes; what the words for its classes **mean** does not. On a
# random quarter the gain of time is about as small as its own spread over seeds: no effect to build on either.
#
# An honest result with real dates is often this one. It is worth printing.

# %% [markdown]
# ## Recap
#
# - *Planted drift*: a velocity for each group; a straight line through each group's captions finds it, and many
#   permutations say that it is not chance.
# - *A network with a clock* gives a space to search at any time. It finds drift no better than the line.
# - *Movement*: undo the rotation (Procrustes), subtract the ghost. Never correlate it with $|v|$.
# - *Dispersion*: corrected, by item; and it is not drift.
# - *Ageing* hits what changes, and nothing else. Beyond the training years nothing is learnt.
#
# ### Four questions
#
# 1. You shuffle the times 19 times, and no shuffle reaches the observed statistic. What is $p$, and what is the smallest
#    $p$ that you could have had?
#
# <details><summary>Answer</summary>
#
# $(1 + 0)/(1 + 19) = 0.05$, and that is the smallest there is with 19 shuffles. To claim $p = 0.001$, take 999.
#
# </details>
#
# 2. After Procrustes the words of your archive still move by 0.2 on average from 1990 to 2020. A colleague writes:
#    "Meanings have changed considerably." What do you ask for?
#
# <details><summary>Answer</summary>
#
# The same figure from the same method with the dates shuffled. Two trainings on samples of one language differ, too; if
# they differ by 0.19, the change is 0.01. And ask *which* words: with the control's own ranking beside it.
#
# </details>
#
# 3. Bins of later years hold fewer items, and the plain dispersion falls. Two explanations, and one computation that tells
#    them apart?
#
# <details><summary>Answer</summary>
#
# The group draws together, or the factor $1 - 1/n$ shrinks with $n$. Divide by $n - 1$ instead of $n$ (or draw equally many
# items from every bin): if the fall is gone, it was the factor.
#
# </details>
#
# 4. On a random split by items time gains half a point of mAP, on a split by years nothing. Which of the two tells you what
#    to expect next year?
#
# <details><summary>Answer</summary>
#
# The split by years: next year is later than all training. In the random split, items of every year are in both parts, so
# the model interpolates; it even may profit from near-duplicates of one season on both sides.
#
# </details>
#
# ## Further reading
#
# - Semedo, Magalhães, *Diachronic Cross-modal Embeddings*, ACM Multimedia 2019, arXiv:1909.13689: the idea of the network.
#   The form of $\tau$, of the window and of both losses is our reconstruction; compare it term by term.
# - Hamilton, Leskovec, Jurafsky, *Diachronic Word Embeddings Reveal Statistical Laws of Semantic Change*, ACL 2016,
#   arXiv:1605.09096: spaces by decade, aligned by Procrustes, and two laws.
# - Dubossarsky, Weinshall, Grossman, *Outta Control: Laws of Semantic Change and Inherent Biases in Word Representation
#   Models*, EMNLP 2017: the laws again, in worlds without change. The rule of this unit.
# - Garg et al., *TiC-CLIP: Continual Training of CLIP Models*, ICLR 2024, arXiv:2310.16226: ageing at scale, and replay.
# - Phipson, Smyth, *Permutation P-values Should Never Be Zero*, 2010, arXiv:1603.05766: why $1 +$.
