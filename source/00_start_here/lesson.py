# %% [markdown]
# ## The question
#
# You read "somebody is surfing". You see a small picture of a figure on a wave. You know at once
# that both mean the same thing. One is a string of letters, the other a grid of coloured dots:
# they have not a single number in common. **What would a machine need to know that they belong
# together?**
#
# The world comes in many *modalities*, and machines meet several at once:
#
# - **vision and language**: answer a question about a picture, and say why (visual commonsense reasoning);
# - **medicine**: PET, CT and MRI of one tumour, each showing what the others miss;
# - **driving**: cameras, distance sensors, depth and speech.
#
# A document is *multimodal* if it has more than one of them. A *multimodal embedding* is a vector
# for it, in a space that the modalities share. This course builds such spaces, from the simplest
# upwards.

# %% setup=true
import matplotlib.pyplot as plt
import numpy as np
from mmlearn import plotting
from mmlearn.arrays import cosine_similarity
from mmlearn.classical import CCA
from mmlearn.classical import EarlyFusion
from mmlearn.data import load_emoji
from mmlearn.retrieval import evaluate_retrieval

# %% [markdown]
# ## Is everything here?
#
# Every line should say *ok*; a *problem* comes with what to do about it. In a terminal,
# `mmlearn doctor` gives the same report in full.

# %%
from mmlearn.doctor import examine

for status, sentence in examine():
    print(f"{status:<9}{sentence.split(':')[0]}")

# %% [markdown]
# ## The data: pictures with words
#
# Our data set is installed with the course and works offline: the emoji. Each has a **picture**,
# a **caption** (its name and keywords), a **group**, a finer **subgroup**, several **tags**, and
# the **year** it appeared.

# %%
plotting.use_style()
emoji = load_emoji()
emoji.show(8)
plt.show()

# %% [markdown]
# *Figure: eight emoji with their captions.*
#
# What does one item look like to a machine? The picture is a block of numbers, the caption a
# string.

# %%
i = emoji.titles.index("person surfing")
print("picture:", emoji.pictures[i].shape, emoji.pictures[i].dtype)
print("caption:", emoji.captions[i])
print("group:  ", emoji.label_names[emoji.labels[i]])
print("tags:   ", [emoji.tag_names[t] for t in np.flatnonzero(emoji.tags[i])])
print("year:   ", int(emoji.times[i]))

# %% [markdown]
# The year and the group are **structured** data: one column, one meaning. The picture and the
# caption are **unstructured**: no single pixel and no single letter has a meaning of its own. Unstructured
# data must be turned into *features* first. Here are the groups and how many items each has.

# %%
counts = np.bincount(emoji.labels)
fig, ax = plt.subplots(figsize=(6, 2.6))
ax.barh(emoji.label_names, counts)
ax.invert_yaxis()
ax.set(xlabel=f"items, {len(emoji)} in all")
plt.show()

# %% [markdown]
# *Figure: a bar for each of the eight groups; people are by far the largest group.*
#
# Keep this in mind whenever you read a score: guessing the largest group is already right quite
# often.
#
# ## From items to vectors
#
# `features` says how pictures and captions are to become vectors; it computes nothing yet. `split` cuts
# the pairs into a training part and a test part. Only then is learned whatever must be *learned* for
# the features (a vocabulary, say), and from the training part **alone**. (The network behind `cnn` comes
# ready-made: it learned from photographs, none of them ours.) With a tool that computes its features at
# once, split first.

# %%
train, test = emoji.features(image="cnn", text="lsa").split(test_size=0.25, seed=0)
X, Y = train.images, train.texts
print(f"X: {X.shape[0]} pictures as vectors of {X.shape[1]} numbers")
print(f"Y: {Y.shape[0]} captions as vectors of {Y.shape[1]} numbers")
assert len(X) == len(Y) == len(train.labels)
assert not set(train.glyphs) & set(test.glyphs)  # no item is in both parts

# %% [markdown]
# Why so strict? If test captions helped to choose the vocabulary, the test score would flatter
# us: it would no longer tell how we do on words that nobody has seen. This is **leakage**. It
# seldom announces itself.
#
# ## What an embedding is: a toy by hand
#
# Four pairs. Each picture has two features (round, red), each text has two (sweet, fast).

# %%
names = ["apple", "cherry", "fire engine", "racing car"]
pictures = np.array([[0.8, 0.7], [1.0, 0.9], [0.1, 1.0], [0.2, 0.6]])  # round, red
texts = np.array([[0.8, 0.0], [1.0, 0.1], [0.0, 0.7], [0.1, 1.0]])  # sweet, fast
print("cosine of apple's picture and racing car's text:", end=" ")
print(cosine_similarity(pictures[:1], texts[3:]).round(2)[0, 0])

# %% [markdown]
# That number compares *round* with *sweet* and *red* with *fast*. It is computed without
# complaint and means nothing. An **embedding** maps both sides into one space, in which comparing
# does mean something.
#
# There are two ways to get there, and the whole course lives between them:
#
# - **joint**: one vector $z = f(x, y)$ for the pair. It combines what both say, and wants both to be there.
# - **coordinated**: two maps, $f_x(x)$ and $f_y(y)$, into one space, under a constraint that ties pairs
#   together. Either side can be embedded alone, so one can *search* for the other.
#
# For the toy, one number is enough: how much of a *fruit* is it? Let each side have its own map.


# %%
def f_x(x):
    return x @ [1.0, 0.0] - 0.5  # round things are fruit


def f_y(y):
    return y @ [0.5, -0.5]  # sweet things are, fast things are not


for name, u, v in zip(names, f_x(pictures), f_y(texts), strict=True):
    print(f"{name:<12} from its picture {u:+.2f}   from its text {v:+.2f}")
assert (np.sign(f_x(pictures)) == np.sign(f_y(texts))).all()

# %%
fig, ax = plt.subplots(figsize=(6, 1.8))
ax.scatter(f_x(pictures), np.ones(4), marker="o", s=50)
ax.scatter(f_y(texts), np.zeros(4), marker="s", s=50)
for u, v, name in zip(f_x(pictures), f_y(texts), names, strict=True):
    ax.plot([u, v], [1, 0], color="grey", linewidth=1)
    height = 16 if name == "racing car" else 6  # clear of its neighbour
    ax.annotate(name, (u, 1), (0, height), textcoords="offset points", ha="center", fontsize=8)
ax.set(yticks=[0, 1], yticklabels=["texts", "pictures"], ylim=(-0.3, 1.9))
ax.set_xlabel("one shared space")
plt.show()

# %% [markdown]
# *Figure: pictures above, texts below, on one axis; grey lines join the pairs. Fruit is on the right on both
# levels, vehicles on the left.*
#
# We chose these maps by hand. The methods of this course **learn** them: most from pairs, some from labels.
#
# ## A first search
#
# Unit 02 explains canonical correlation analysis (CCA). Take it as given for now: it learns two
# linear maps from the training pairs. Then a **caption that it has never seen** asks for pictures
# it has never seen.

# %%
cca = CCA(n_components=8, shrinkage=0.7).fit(train.images, train.texts)
z_x, z_y = cca.embed_images(test.images), cca.embed_texts(test.texts)
print(f"pictures are now {z_x.shape[1]} numbers each, captions {z_y.shape[1]}: comparable")
assert z_x.shape[1] == z_y.shape[1]


# %%
def strip(title, count=6):
    query = test.titles.index(title)
    best = np.argsort(-cca.similarity(z_x, z_y[query : query + 1])[:, 0])[:count]
    hits = test.labels[best] == test.labels[query]
    captions = [test.titles[b] for b in best]
    return plotting.retrieval_strip(title, test.pictures[best], hits, captions)


strip("gorilla")
strip("chains")
plt.show()

# %% [markdown]
# *Figure: two rows; in each a caption as the query (only its name is shown) and the six nearest pictures; a
# tick marks a picture of the query's group. The gorilla finds animals and a plant of its group, the chains
# find things of several groups.*
#
# We picked one query that works and one that fails. Which is typical? Try others. Can you say why
# some fail?

# %% widget=true
from ipywidgets import Dropdown, interact


def search(title):
    strip(title)
    plt.show()


_ = interact(search, title=Dropdown(options=test.titles[::10]))

# %% [markdown]
# ## How good is that?
#
# A few pictures prove nothing. The course's measure is the **mean average precision** (mAP): it
# is 1 if, for every query, all items of the right group come first. We compute it in both
# directions, image to text (I→T) and text to image (T→I). Unit 02 derives it.
#
# **Predict first.** There are eight groups. Three random splits. What mAP has a random ranking?
# What has CCA? And what has early fusion, a *joint* method that was never asked to bring the two
# sides together?
#
# <details><summary>What to expect, and why</summary>
#
# A random ranking is not at 0: it scores a little above the share of relevant items. CCA should
# be far above it. Early fusion puts both vectors into one PCA, and gets zeros for the missing
# side. It profits from what both sides happen to share in variance, so expect it above chance, and
# below CCA. (The components of both, and the shrinkage of CCA, were chosen on validation parts.)
#
# </details>

# %%
splits = [emoji.features(image="cnn", text="lsa").split(seed=seed) for seed in range(3)]
models = {"early fusion (joint)": EarlyFusion(20), "CCA (coordinated)": cca}
scores = {
    name: [evaluate_retrieval(m.fit(a.images, a.texts), b)["mean"] for a, b in splits]
    for name, m in models.items()
}
chance = evaluate_retrieval(cca, splits[-1][1])["chance"]
plotting.bar_with_chance(list(scores), list(scores.values()), chance, xlabel="mean mAP, 3 splits")
plt.show()

# %% [markdown]
# *Figure: mean mAP of early fusion and CCA with their spread over three splits, and the line of chance.*
#
# ## How it breaks: pairs that are no pairs
#
# The search above rests on one thing: that row $i$ of $X$ and row $i$ of $Y$ belong together. Shuffle
# the captions of the training part, and fit again.

# %%
shuffled = []
for seed, (a, b) in enumerate(splits):
    order = np.random.default_rng(seed).permutation(len(a))
    shuffled.append(evaluate_retrieval(cca.fit(a.images, a.texts[order]), b)["mean"])
print(f"proper pairs   {np.mean(scores['CCA (coordinated)']):.3f}")
print(f"shuffled pairs {np.mean(shuffled):.3f} ± {np.std(shuffled, ddof=1):.3f}")
print(f"chance         {chance:.3f}")

# %% [markdown]
# No error, no warning; just a score near chance (why it lies a little above, unit 02 asks). **The pairs are
# the supervision.** So whenever a method disappoints, look at the pairs first.
#
# ## Where the course goes
#
# The webinar that this course follows ends in a table: twelve methods, three data sets. Here is
# its column for Wikipedia. These are **published numbers, not ours**; we shall meet each method,
# measure it ourselves, and see that the order does not always repeat.

# %%
from mmlearn.scoreboard import published

rows = [row for row in published() if row["dataset"] == "Wikipedia"]
fig, ax = plt.subplots(figsize=(6, 3))
for direction, marker, label in (("i2t", "o", "I→T"), ("t2i", "s", "T→I")):
    ax.plot([row[direction] for row in rows], [row["method"] for row in rows], marker, label=label)
ax.invert_yaxis()
ax.set(xlabel="published mAP, Wikipedia")
ax.legend()
plt.show()

# %% [markdown]
# *Figure: published mAP on Wikipedia, a row for each of twelve methods from CCA at the top to SAM at the
# bottom, with a round mark for image to text and a square for text to image.*
#
# ## How a unit works
#
# 1. **Lesson**: read it from top to bottom and run each cell. Where it says *predict first*, do.
# 2. **Lab**: write the core of the method yourself. Each check tells at once whether the value is right and,
#    if not, which misunderstanding is likely. No check needs another exercise.
# 3. **Grade**: `mmlearn grade 02` runs all checks of a lab.
# 4. **Scoreboard**: `mmlearn scoreboard` measures the methods, side by side.
#
# ## Notation
#
# The symbols that come back, with a note where one of them serves twice. A letter that only one passage needs
# is explained there, and may mean something else elsewhere.
#
# | symbol | shape | meaning | in code |
# |---|---|---|---|
# | $X$, $x_i$ | $(n, d_x)$, $(d_x,)$ | images, one a row | `X`, `images` |
# | $Y$, $y_i$ | $(n, d_y)$, $(d_y,)$ | texts, row $i$ belongs to $x_i$ | `Y`, `texts` |
# | $f_x, f_y$ | | encoders or projections | `f_x`, `embed_images` |
# | $A, B$ | $(d_x, k)$, $(d_y, k)$ | linear projections of images and texts | `A`, `image_weights_` |
# | $\Sigma_{xx}, \Sigma_{xy}, \Sigma_{yy}$ | | covariances | `Sigma_xx` |
# | $u = Xa$, $v = Yb$ | $(n,)$ | one projected coordinate | `u`, `v` |
# | $\rho$ | $(k,)$ | canonical correlations | `rho`, `correlations_` |
# | $z$ | $(k,)$ | an embedding | `z`, `z_x`, `z_y` |
# | $s(\cdot, \cdot)$ | | similarity, the cosine by default | `similarity` |
# | $R$ | | relevant items of a query | |
# | AP, mAP | | average precision, its mean over queries | `mean_average_precision` |
# | **unit 03** | | | |
# | $k(x, x') = \phi(x)^\top \phi(x')$ | | a kernel and the columns behind it (plain $k$: a number of dimensions) | `rbf` |
# | $\ell$ | | width of the RBF kernel; the package asks for $1 / (2 \ell^2)$ | `image_gamma` |
# | $K_x, K_y$ | $(n, n)$ | kernels of all pairs of training items, centred | `K_x`, `K_y` |
# | $\alpha, \beta$ | $(n,)$ | dual weights, $u = K_x \alpha$, $v = K_y \beta$ (another $\alpha$ in unit 04) | `alpha`, `beta` |
# | $\kappa$ | | ridge of kernel CCA | `kappa` |
# | $C$ | $(n, c)$ | centred class indicators (`image_C` is a setting of a classifier) | `C` |
# | $p(c \mid x)$ | | probability of class $c$ for $x$ | |
# | $\gamma$ | | weight of the sparsity in LGCFL and JRL (not the kernel's `gamma`) | `gamma` |
# | $\sigma, \mu, \lambda$ | | weights of JRL's other terms (elsewhere $\lambda$ is an eigenvalue) | `sigma`, `mu`, `lam` |
# | $P_x, P_y$ | $(d_x, c)$, $(d_y, c)$ | JRL's projections (LGCFL's: $W$) | |
# | **unit 04** | | | |
# | $m$, $x_m$ | $(d_m,)$ | a modality, and an item's features in it | |
# | $f_m, g_m$ | | encoder and decoder of modality $m$ | `f`, `g` |
# | $S$, $z_S$ | $(k,)$ | the modalities that are given, and the code shared by all | `code` |
# | $h_x, h_y$ | $(k,)$ | two codes, tied by a penalty | `h_x`, `h_y` |
# | $\alpha$ | | weight of that penalty, 0 to 1 (no dual weight here) | `alpha` |
# | **unit 05** | | | |
# | $Z_x, Z_y$ | $(n, k)$ | outputs of two networks for a batch of $n$ pairs | `Z_x`, `Z_y` |
# | $r$ | | ridge on the covariances of outputs (in unit 03: length of a group) | `r` |
# | $L_x, L_y$ | $(k, k)$ | Cholesky factors, $L_x L_x^\top = \Sigma_{xx} + rI$ (in JRL: graph Laplacians) | `L_x`, `L_y` |
# | $T$ | $(k, k)$ | whitened cross-covariance, its singular values are $\rho$ | `T` |
# | **unit 06** | | | |
# | $o$ | $(c,)$ | logits, the outputs of a classifier | `o` |
# | $t$ | $(c,)$ | target: 1 for a label that the item has, else 0 (books write $y$) | `t` |
# | $p$ | $(c,)$ | posterior, $\mathrm{softmax}(o)$ or $\sigma(o)$, label by label (in triplets: the positive) | `p` |
# | $\sigma(o)$ | | the sigmoid (in JRL a weight; $\Sigma$: covariances) | `sigmoid` |
# | $\tau$ | | temperature: divides logits, in unit 08 similarities | `tau`, `temperature` |
# | $m$ | | number of labels (in unit 04 a modality, in unit 08 the margin) | |
# | **unit 07** | | | |
# | $\lambda$, $R_\lambda$ | | strength of gradient reversal, and its layer (in JRL $\lambda$ is a weight; plain $R$: relevant items); in $\lambda(p)$, $p$ is the share of training done, unit 08's $\omega$ | `lam`, `R` |
# | $D$, $W$ | | discriminator of modalities, classifier of both (in LGCFL $W$ projects, in an RBM it holds the weights) | `D`, `W` |
# | $h^\text{whole}, h^\text{parts}$ | $(k,)$ | codes of the whole and of its parts, in one modality (in unit 04 $h_x, h_y$: two modalities) | `h_parts` |
# | $e$ | | 1 for a part that exists, else 0, one number for each part | `e` |
# | **unit 08** | | | |
# | $a, p, n$ | $(k,)$ | anchor, positive, negative (elsewhere CCA's weights, a probability, a number of items) | `a`, `p`, `n` |
# | $s_{ap}, s_{an}$ | | similarity of the anchor to the positive, to the negative | `s_ap`, `s_an` |
# | $m$; $m_0, m_{an}$ | | margin; SAM's before it adapts, and of one pair | `m`, `margin`; `m_0` |
# | $\omega$, $g(\omega)$ | | progress of training from 0 to 1, and SAM's schedule (in unit 04 $g_m$ is a decoder) | `progress`, `g` |
# | $q_n$ | | softmax probability of a negative ($q_c$: share of class $c$) | `q` |
#
# ## Recap
#
# - *Installation*: one command, one verdict.
# - *Modalities*: structured columns mean something each; unstructured data need features.
# - *Data without leakage*: whatever our data teach the features is learned from the training part.
# - *Embeddings*: joint ones describe a pair; coordinated ones let one side find the other. Compare every
#   score with chance.
#
# ### Four questions
#
# 1. Is a spoken sentence with its transcript multimodal?
#
# <details><summary>Answer</summary>
#
# Yes: sound and text are two modalities, and each holds something of its own: the tone of voice,
# the spelling.
#
# </details>
#
# 2. You want to find pictures for words. Joint or coordinated, and why?
#
# <details><summary>Answer</summary>
#
# Coordinated: the query has no picture, so each side must be embedded alone.
#
# </details>
#
# 3. A model reaches an mAP of 0.20 here. Good?
#
# <details><summary>Answer</summary>
#
# Hardly. Compare with chance as printed above: most of such a score comes for free from the sizes
# of the groups.
#
# </details>
#
# 4. Somebody computes the LSA vocabulary on all captions and splits afterwards. Harmless?
#
# <details><summary>Answer</summary>
#
# No. The test captions have shaped the features. The effect may be small, but the score no longer
# answers the question that was asked. (Here `features` stands before `split` in the code, and is lazy:
# the vocabulary is learned after the split.)
#
# </details>
#
# ## Further reading
#
# - Baltrušaitis, Ahuja, Morency, *Multimodal Machine Learning: A Survey and Taxonomy*, IEEE TPAMI 2019: the map
#   of the field; joint and coordinated are its terms.
# - Goodfellow, Bengio, Courville, *Deep Learning*, MIT Press 2016: chapter 15 says what makes a representation
#   good.
# - Zellers, Bisk, Farhadi, Choi, *From Recognition to Cognition: Visual Commonsense Reasoning*, CVPR 2019: what
#   a machine should one day answer about a picture.
