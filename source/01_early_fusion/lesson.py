# %% [markdown]
# ## The question
#
# A picture of a cat and the word *cat* say the same thing in two languages. Two sources should tell
# more than one. So why not simply put both vectors side by side and train one model on the result?
#
# Sometimes that works. Sometimes the model never listens to the second source. And what happens
# when one source is missing? By the end of this lesson you know what to look at in each case.

# %% setup=true
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import LogisticRegression
from mmlearn import plotting
from mmlearn.classical import EarlyFusion
from mmlearn.data import load_emoji
from mmlearn.deep import JointFusion
from mmlearn.retrieval import evaluate_retrieval

# %% [markdown]
# ## Structured data: every column means something
#
# Start with data that are easy to combine: a table. The passengers below are invented, in the
# manner of the *Titanic* list. Each column has a name, a unit and a meaning of its own. How well
# does **one** column alone tell who survived? Try every threshold and keep the best.

# %%
passengers = pd.DataFrame(
    {
        "age": [4, 62, 35, 29, 8, 51, 23, 44],
        "fare": [21, 80, 8, 77, 120, 7, 9, 24],
        "survived": [1, 0, 0, 1, 1, 0, 0, 0],
    }
)
passengers


# %%
def best_threshold_accuracy(values, target):
    guesses = values[:, None] > np.unique(values)[None, :]
    right = (guesses == np.asarray(target)[:, None]).mean(axis=0)
    return max(right.max(), 1 - right.min())


for column in ("age", "fare"):
    print(column, best_threshold_accuracy(passengers[column].to_numpy(), passengers["survived"]))
print("always guessing the commoner fate", 1 - passengers["survived"].mean())
assert best_threshold_accuracy(np.arange(4.0), np.array([0, 0, 1, 1], bool)) == 1

# %% [markdown]
# ## Unstructured data: no column means anything by itself
#
# A picture is a table too: one column a pixel and colour. Here is our data set, with its words.

# %%
plotting.use_style()
emoji = load_emoji()
emoji.show(8)
plt.show()

# %% [markdown]
# *Figure: eight emoji, each with its words.*
#
# Take two groups of about equal size, and every eighth pixel of every eighth row. Let each of their values
# alone try to tell the groups apart.

# %%
pair = [emoji.label_names.index(g) for g in ("Food & Drink", "Animals & Nature")]
two = emoji[np.isin(emoji.labels, pair)]
target = two.labels == pair[0]
pixels = two.pictures[:, ::8, ::8].reshape(len(two), -1).astype(float)
single = [best_threshold_accuracy(column, target) for column in pixels.T]
print(f"the best of {len(single)} pixel values: {max(single):.2f} right")
print(f"always guessing the larger group:    {max(target.mean(), 1 - target.mean()):.2f} right")

# %% [markdown]
# Even the luckiest pixel, picked on the very data it is scored on, is wrong on every third item or
# so. A child sees the difference at once, so the picture does tell it: by *combinations* of pixels.
# Unstructured data need a **representation** first.
#
# ## Four representations of one picture
#
# - **Colours**: a histogram of 64 colours. It forgets where they are.
# - **Gradients**: the directions of edges in small cells (HOG). It forgets the colours.
# - **Visual words**: cluster the cells of all pictures, and count which clusters a picture holds, as a
#   bag of words counts words. This is how keypoints such as SIFT were used.
# - **CNN**: the activations of a network trained to name photographs.
#
# Visual words need a vocabulary: something *learned*, so it must not see a test picture. We set
# every fourth item aside to learn 64 words from; none of them will ever be tested on.

# %%
from sklearn.cluster import MiniBatchKMeans

hog = emoji.features(image="hog", text=None).images
cells = hog.reshape(len(emoji), -1, 36)  # 36 numbers describe one block of cells
set_aside = np.arange(0, len(emoji), 4)
vocabulary = MiniBatchKMeans(64, random_state=0, n_init=1).fit(cells[set_aside].reshape(-1, 36))
words = vocabulary.predict(cells.reshape(-1, 36)).reshape(len(emoji), -1)
visual_words = np.stack([np.bincount(row, minlength=64) for row in words])
assert (visual_words.sum(axis=1) == cells.shape[1]).all()  # every block is one word

# %%
SEEDS = range(3)
everything, labels = np.arange(len(emoji)), emoji.labels
may_test = np.setdiff1d(everything, set_aside)
tests = [np.random.default_rng(s).choice(may_test, 400, replace=False) for s in SEEDS]
splits = [(np.setdiff1d(everything, t), t) for t in tests]

representations = {
    "colours": emoji.features(image="colour", text=None).images,
    "gradients": hog,
    "visual words": visual_words,
    "CNN": emoji.features(image="cnn", text=None).images,
}
for name, x in representations.items():
    print(f"{name:<13}{x.shape[1]:>5} columns, typical size of a value {np.abs(x).mean():8.4f}")

# %% [markdown]
# They differ in the size of the values and in what they keep, and most in the number of columns.
#
# Each is given to a logistic regression that names the group. How strongly its weights are penalised
# ($C$; a small one penalises much) suits one representation and not another. So $C$ is chosen for
# each, on a validation part of the training items.
#
# **Predict first.** Eight groups. Which of the four representations does best, and by how much?
#
# <details><summary>What we expect, and why</summary>
#
# The CNN: it was trained on a million photographs to tell things apart. Colours should beat
# guessing (food and faces have typical colours). The visual words are made from the gradients and
# hold less: of each block only the nearest word, and nothing of its place. So expect them below.
#
# </details>

# %%
from sklearn.model_selection import GridSearchCV, ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def classifier(rows, labels):
    """A logistic regression on standardised columns, its C chosen on a quarter of the rows."""
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500, tol=0.01))
    quarter = ShuffleSplit(1, test_size=0.25, random_state=0)
    choices = {"logisticregression__C": [0.01, 0.1, 1]}
    search = GridSearchCV(model, choices, scoring="neg_log_loss", cv=quarter)
    return search.fit(rows, labels).best_estimator_


scores = {
    name: [classifier(x[a], labels[a]).score(x[b], labels[b]) for a, b in splits]
    for name, x in representations.items()
}
majority = np.bincount(emoji.labels).max() / len(emoji)
axis = {"xlabel": "accuracy, 8 groups, 3 splits", "line": "share of the largest group"}
plotting.bar_with_chance(list(scores), list(scores.values()), majority, **axis)
plt.show()

# %% [markdown]
# *Figure: accuracy of a logistic regression on each representation, with the spread over three splits;
# the dashed line is the share of the largest group.*
#
# ## Early fusion, by hand
#
# **Early fusion** puts the vectors side by side and gives them to one model: $z = f([x; y])$.
#
# Take four items. The picture feature $x$ tells apples (0) from cars (1). The text feature $y$ is
# some noise, on a scale some forty times larger.

# %%
x = np.array([[0.0], [0.1], [1.0], [1.1]])  # apple, apple, car, car
y = np.array([[50.0], [10.0], [52.0], [12.0]])  # noise
xy = np.hstack([x, y])
distance = np.linalg.norm(xy[0] - xy, axis=1)
print("distance of item 0 (an apple) to all four:", distance.round(2))
assert distance[2] < distance[1]  # the car is nearer than the other apple

# %% [markdown]
# The first apple's nearest neighbour is a **car**. Nobody decided that the text matters more; its
# unit did. Subtract the mean and divide by the deviation, for each modality, and units count no longer.

# %%
standard = (xy - xy.mean(axis=0)) / xy.std(axis=0)
fig, axes = plt.subplots(1, 2, figsize=(6.5, 2.6))
for ax, points, title in zip(axes, (xy, standard), ("as it comes", "standardised"), strict=True):
    ax.scatter(points[:, 0], points[:, 1], c=["#D55E00"] * 2 + ["#0072B2"] * 2)
    for p, name in zip(points, ("apple", "apple", "car", "car"), strict=True):
        side, place = (-6, "right") if name == "apple" else (6, "left")
        ax.annotate(name, p, (side, -3), textcoords="offset points", ha=place)
    ax.margins(0.3)
    ax.set_aspect("equal", "datalim")
    ax.set(title=title, xlabel="picture feature x", ylabel="text feature y")
plt.show()

# %% [markdown]
# *Figure: left, with equal units on both axes, the four points lie nearly on a vertical line, since
# the text feature varies far more; right, after standardising, apples and cars form two columns.*
#
# ## The same in symbols
#
# Let block $X$ have $d_x$ columns, $Y$ have $d_y$. Standardise every column, and divide the block
# by the root of its number of columns, so that each modality brings a total variance of 1:
#
# $$\tilde X = \frac{X - \mu_x}{\sigma_x \sqrt{d_x}}, \qquad \tilde Y = \frac{Y - \mu_y}{\sigma_y
# \sqrt{d_y}}, \qquad z = W^\top [\tilde x; \tilde y]$$
#
# As the model $f$ we take PCA: $W$ holds the directions of largest variance.

# %%
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(200, 6)), 100 * rng.normal(size=(200, 3))
X_tilde = (X - X.mean(axis=0)) / (X.std(axis=0) * np.sqrt(6))
Y_tilde = (Y - Y.mean(axis=0)) / (Y.std(axis=0) * np.sqrt(3))
_, _, W = np.linalg.svd(np.hstack([X_tilde, Y_tilde]), full_matrices=False)
z = np.hstack([X_tilde, Y_tilde]) @ W[:2].T
fused = EarlyFusion(n_components=2).fit(X, Y).embed(X, Y)
assert np.allclose(np.abs(z), np.abs(fused))  # equal up to the sign of each direction

# %% [markdown]
# ## Scale decides silently
#
# Now multiply the pictures' features by a factor, as a change of unit would. Which share of the
# first direction falls on the pictures?

# %%
factors = np.logspace(-2, 2, 21)
X, Y = rng.normal(size=(200, 6)), rng.normal(size=(200, 6))
X[:, 0] += Y[:, 0]  # something in common
shares = {
    name: [EarlyFusion(1, standardize).fit(f * X, Y).modality_variance()[0] for f in factors]
    for name, standardize in (("as it comes", False), ("standardised", True))
}
fig, ax = plt.subplots(figsize=(5, 2.8))
for (name, share), style in zip(shares.items(), ("o-", "s--"), strict=True):
    ax.plot(factors, share, style, markersize=4, label=name)
ax.set(xscale="log", xlabel="factor on the pictures' features", ylabel="pictures' share")
ax.legend()
plt.show()
assert np.ptp(shares["standardised"]) < 1e-9 < np.ptp(shares["as it comes"])

# %% [markdown]
# *Figure: the share of the first direction that falls on the pictures, against the factor; without
# standardising it runs from 0 to 1, with standardising it is a flat line.*
#
# Read it at the ends: the first direction of a model that got two modalities listens to one.
# **No error message says so.**
#
# Turn the factor yourself. The points are the toy above; the line is the first direction of PCA.


# %%
def draw_direction(factor):
    points = (xy - xy.mean(axis=0)) * [factor, 1.0]
    w = np.linalg.svd(points)[2][0]
    fig, ax = plt.subplots(figsize=(3.4, 2.8))
    ax.scatter(points[:, 0], points[:, 1], c=["#D55E00"] * 2 + ["#0072B2"] * 2)
    ax.axline((0, 0), w, color="black", linewidth=1)
    ax.set(xlim=(-40, 40), ylim=(-40, 40), title=f"pictures' share {w[0] ** 2:.2f}")
    plt.show()


draw_direction(factor=60)

# %% [markdown]
# *Figure: the four toy points with the picture feature multiplied by 60; the first direction lies
# almost on the picture axis.*

# %% widget=true
from ipywidgets import FloatSlider, interact

_ = interact(draw_direction, factor=FloatSlider(20, min=1, max=80, step=1))

# %% [markdown]
# ## Scale and alignment on real data
#
# CNN activations and LSA topics differ in scale, too. And early fusion pairs row $i$ of $X$ with
# row $i$ of $Y$: if the rows are shifted against each other (a sort too many, a lost line), the
# model trains without complaint. What does either cost? In the third run we shuffle the texts of
# the training rows; all three are tested on proper pairs.

# %%
parts = [emoji.features(image="cnn", text="lsa").split(seed=seed) for seed in SEEDS]


def early(part, k=200, standardize=True, order=slice(None)):
    train, test = part
    model = EarlyFusion(k, standardize).fit(train.images, train.texts[order])
    fitted = classifier(model.embed(train.images, train.texts[order]), train.labels)
    score = fitted.score(model.embed(test.images, test.texts), test.labels)
    return score, model.modality_variance().mean()


order = np.random.default_rng(0).permutation(len(parts[0][0]))
runs = {
    "standardised": [early(part) for part in parts],
    "as it comes": [early(part, standardize=False) for part in parts],
    "texts shuffled": [early(part, order=order) for part in parts],
}
for name, run in runs.items():
    score, share = np.mean(run, axis=0)
    print(f"{name:<15}accuracy {score:.3f} ± {np.std(run, axis=0, ddof=1)[0]:.3f}", end="   ")
    print(f"pictures' share {share:.2f}")
assert np.mean(runs["standardised"], axis=0)[0] > np.mean(runs["as it comes"], axis=0)[0]

# %% [markdown]
# Left as they come, the words go unheard: the share says so before any accuracy does. Shuffling
# hurts in another way: both sides are heard, but one of them talks about another item. The share
# hardly moves. The score on proper pairs does.
#
# ## Joint fusion: an encoder for each modality
#
# PCA sees variance only. A **joint representation** lets each modality pass through its own
# encoder, merges the two codes, and learns all of it from a task:
#
# $$z = g([f_x(x); f_y(y)]), \qquad \text{loss} = \text{cross-entropy}(W z, \text{label})$$
#
# The merge happens inside the network, after the encoders and before the decision. This is called
# **intermediate fusion** (Ramachandram and Taylor, 2017); the webinar that this course follows says
# "late fusion". We say *joint fusion*. In torch, with the same symbols:

# %%
from torch import nn

f_x, f_y = nn.Sequential(nn.Linear(6, 16), nn.ReLU()), nn.Sequential(nn.Linear(3, 16), nn.ReLU())
g, W = nn.Sequential(nn.Linear(32, 8), nn.Tanh()), nn.Linear(8, 4)
images, texts, labels = torch.randn(5, 6), torch.randn(5, 3), torch.tensor([0, 1, 2, 3, 0])
z = g(torch.cat([f_x(images), f_y(texts)], dim=1))
loss = nn.functional.cross_entropy(W(z), labels)
assert z.shape == (5, 8)
print(f"z has shape {tuple(z.shape)}; an untrained guess costs about log 4 = {np.log(4):.2f}")

# %% [markdown]
# **Late fusion**, in the survey that we cite below and in this course, means fusion of *decisions*:
# train **one classifier a modality** and average their class probabilities. Nothing is shared then,
# and no vector $z$ stands for the pair. We measure both.
#
# **Predict first.** Rank by accuracy: pictures alone, words alone, early fusion, joint fusion,
# late fusion.
#
# <details><summary>A tempting answer, and what to check</summary>
#
# It is tempting to say that every fusion beats every single modality, since more data cannot
# hurt. It can: where one modality nearly settles the question, the other one may add noise. So
# compare each fusion with the *better* single modality, tuned as carefully as the fusion, and not
# with the average of the two. And for early fusion, ask how many directions it was allowed to keep.
#
# </details>


# %%
from sklearn.decomposition import PCA

few = "joint, 50 picture columns"
table = {name: [] for name in ("pictures", "words", "late fusion", "joint fusion", few)}
for train, test in parts:
    p_x = classifier(train.images, train.labels).predict_proba(test.images)
    p_y = classifier(train.texts, train.labels).predict_proba(test.texts)
    for name, p in zip(table, (p_x, p_y, (p_x + p_y) / 2), strict=False):
        table[name].append((p.argmax(axis=1) == test.labels).mean())
    pca = PCA(50, random_state=0).fit(train.images)
    for name, cut in (("joint fusion", np.asarray), (few, pca.transform)):
        joint = JointFusion(50, dropout=0.5)  # of units; this and the 50 chosen on validation parts
        joint.fit(cut(train.images), train.texts, train.labels)
        table[name].append((joint.predict(cut(test.images), test.texts) == test.labels).mean())
table["early fusion, k = 50"] = [early(part, k=50)[0] for part in parts]
table["early fusion, k = 200"] = [score for score, _ in runs["standardised"]]

plotting.bar_with_chance(list(table), list(table.values()), majority, **axis)
plt.show()
gains = {name: np.subtract(values, table["words"]) for name, values in table.items()}
print("minus the words alone, split by split:")
print(pd.DataFrame(gains).agg(["mean", "std"]).T.round(3))

# %% [markdown]
# *Figure: accuracy of each modality alone, of late fusion, of joint fusion with all picture columns and with
# the first 50 directions of their PCA, and of early fusion with 50 and with 200 directions, with the spread
# over three splits and the share of the largest group.*
#
# Compare with the words alone, split by split, as printed. The keywords of an emoji nearly name its group.
# Late fusion and early fusion with 200 directions are level with them, no more than a hundredth apart.
# Joint fusion is clearly below with all 1,280 picture columns, and a hundredth or two above with 50.
# **Fusion is no free lunch: the better modality alone is the baseline to beat.** And it has to be tuned:
# set `choices` to 0.01 alone, which suits the pictures, and the words lose a hundredth or two; early fusion
# then seems to beat them.
#
# Now compare the two early fusions: the same data, the same method. Here the fewer directions do worse. PCA
# keeps what *varies* most, not what *tells* most, and 50 for both modalities together were too few. So
# before you blame a modality, look at the settings; and choose them on a validation part, since with this
# figure we have looked at the test scores.
#
# ## How it breaks: a modality goes missing
#
# A product without a photo, a photo without a caption: in use, one side is often missing. Joint
# fusion then gets a code of zeros in its place. **Predict first:** is joint fusion with words
# alone as good as a classifier trained on words alone?
#
# <details><summary>What we expect, and why</summary>
#
# Do not expect it: in training the merged layer $g$ never saw a code of zeros. If each item
# loses a modality now and then (**modality dropout**), $g$ can learn to do without.
#
# </details>

# %%
cases = {"both": (True, True), "words missing": (True, False), "pictures missing": (False, True)}
missing = {p: {case: [] for case in cases} for p in (0.0, 0.5)}
searches = {p: [] for p in missing}  # for later
for p, by_case in missing.items():
    for seed, (train, test) in enumerate(parts):
        model = JointFusion(50, modality_dropout=p, dropout=0.5, random_state=seed)
        model.fit(train.images, train.texts, train.labels)
        searches[p].append(evaluate_retrieval(model, test)["mean"])
        for case, (with_image, with_text) in cases.items():
            given = (test.images if with_image else None, test.texts if with_text else None)
            by_case[case].append((model.predict(*given) == test.labels).mean())

# %%
fig, ax = plt.subplots(figsize=(5.5, 2.8))
for (p, by_case), marker, shift in zip(missing.items(), "os", (-0.1, 0.1), strict=True):
    m, s = np.mean(list(by_case.values()), axis=1), np.std(list(by_case.values()), axis=1, ddof=1)
    ax.errorbar(np.arange(3) + shift, m, s, fmt=marker, capsize=3, label=f"modality\ndropout {p}")
alone = [np.mean(table["pictures"]), np.mean(table["words"])]
ax.plot([1, 2], alone, "kx", label="one modality,\nown classifier")
ax.axhline(majority, color="grey", linestyle="--", linewidth=1, label="largest group")
ax.set(ylabel="accuracy", ylim=(0, 1), xticks=range(3), xticklabels=cases)
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()

# %% [markdown]
# *Figure: accuracy with both modalities, without words and without pictures, for joint fusion trained
# with (squares) and without (circles) modality dropout, with the spread over three splits; crosses mark a
# classifier that was trained on the remaining modality alone.*
#
# On the right, without modality dropout, the fused model does worse on words than a classifier that
# never knew pictures. With it, it does as well or better. Look again, though: with modality dropout it is
# better on words alone than with both. The bars above hint why: with 50 picture columns in place of 1,280,
# joint fusion gains from the pictures. So many columns, for so few items, seem to mislead it. **A modality
# that is there is not always a modality that helps.**
#
# ## Can a joint embedding search across modalities?
#
# Embed the pictures without words, the words without pictures, and rank one by the other (unit 02
# explains the score, mAP). Nothing ever asked that the two land in the same place.

# %%
found = [evaluate_retrieval(EarlyFusion(50).fit(a.images, a.texts), b) for a, b in parts]
rows = {f"joint, modality dropout {p}": values for p, values in searches.items()}
rows["early fusion, no labels"] = [f["mean"] for f in found]
for name, values in rows.items():
    print(f"{name:<28}mAP {np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}")
print(f"{'chance':<28}mAP {np.mean([f['chance'] for f in found]):.3f}")

# %% [markdown]
# All are above chance. In joint fusion the *labels* are a common target: both sides are led to say
# the class, and modality dropout asks it of each side alone. Early fusion has no labels; but where the
# two blocks vary together, one direction of PCA spans both. Either way the agreement is a by-product.
# To make two spaces agree **by construction**, one needs a constraint between them. Those are
# coordinated representations, and unit 02 begins with them.
#
# ## Recap
#
# - *Heterogeneous representations*: colours, gradients, visual words and CNN activations differ in
#   columns, scale and in what they keep. Measure before you choose.
# - *Early fusion*: $z = f([x; y])$. Standardise each block by training statistics; check the pairing.
# - *Joint representation* (intermediate fusion): $z = g([f_x(x); f_y(y)])$, learned from a task; needs
#   all modalities in training, or modality dropout. *Late fusion* averages decisions.
# - *Missing modality*: train for it (modality dropout), or expect a loss. Compare with the better
#   modality alone, tuned.
#
# ### Four questions
#
# 1. You multiply all text features by 1,000. What changes in standardised early fusion?
#
# <details><summary>Answer</summary>
#
# Nothing: the deviations grow by the same factor and divide it out again.
#
# </details>
#
# 2. Pictures have 1,280 columns, texts 100, all standardised to variance 1. Why is that not yet balanced?
#
# <details><summary>Answer</summary>
#
# The pictures bring 1,280 units of variance against 100. Squared distances add them up in that ratio, and
# PCA looks for variance. So each block is also divided by the root of its number of columns.
#
# </details>
#
# 3. Late fusion is level with the words here. When would it fail?
#
# <details><summary>Answer</summary>
#
# When the answer is in the *combination*: a smiling face with the words "great, rain again". If both
# classifiers put the same wrong class first, so does their average.
#
# </details>
#
# 4. Why does modality dropout never drop both?
#
# <details><summary>Answer</summary>
#
# An item without any input carries a label but no evidence. The network could only learn the
# frequency of the classes from it.
#
# </details>
#
# ## Further reading
#
# - Baltrušaitis, Ahuja, Morency, *Multimodal Machine Learning: A Survey and Taxonomy*, IEEE TPAMI 2019:
#   where the terms joint and coordinated come from; its section on fusion tells early from late.
# - Ramachandram, Taylor, *Deep Multimodal Learning: A Survey on Recent Advances and Trends*, IEEE Signal
#   Processing Magazine 2017: intermediate fusion, inside the network.
# - Ngiam et al., *Multimodal Deep Learning*, ICML 2011: training with missing modalities, years before
#   ModDrop (Neverova et al., IEEE TPAMI 2016) gave it its name; the subject of unit 04.
# - Dalal and Triggs, *Histograms of Oriented Gradients for Human Detection*, CVPR 2005: gradients as
#   features, with every choice measured; a model of an experimental paper.
