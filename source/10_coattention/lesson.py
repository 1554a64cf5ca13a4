# %% [markdown]
# ## The question
#
# Two pictures, two sentences. Both pictures hold the two things that the sentences name, and both sentences are made of
# **the same words**. Only how words and things belong together tells which sentence is whose.
#
# **Predict first.** Every method of units 00 to 08 turns a picture into one vector and a text into another, and then
# compares. With the bag of words of a sentence as its features: how often does such a method tell the two apart?
#
# <details><summary>Answer</summary>
#
# Never. The two bags are equal, so the two vectors are, and all that is done with them. At the end we shall count it.
#
# </details>

# %% setup=true
import matplotlib.pyplot as plt
import numpy as np
import torch
from mmlearn import pairs, plotting, scoreboard
from mmlearn.data import load_scenes
from mmlearn.pairs import Regions, ViLBERT
from mmlearn.pairs.attention import CoAttentionLayer, attend
from mmlearn.pairs.regions import RegionScaler
from torch import nn

# %%
plotting.use_style()
test = load_scenes(1000, split="test", n_objects=5, kinds="relation", wording="seen")
groups, captions = pairs.opposite_groups(test)
said = [test.decode(caption)[6:-6] for caption in captions[0]]  # without [CLS] and [SEP]
_, axes = plt.subplots(1, 2, figsize=(10, 5.4), layout="constrained")
for ax, scene, caption in zip(axes, groups[0], said, strict=True):
    named = [j for j, o in enumerate(test.objects[scene]) if test.names[o] in caption.split()]
    plotting.plot_scene(test, scene, highlight=named, axes=ax)
    ax.set_title(caption)
assert sorted(said[0].split()) == sorted(said[1].split())

# %% [markdown]
# *Figure: two scenes of five emoji in numbered boxes, each under its own sentence; the two things that are named have bold
# boxes. The sentences have the same words in another order, and each is true of its own scene only.*
#
# A **scene** is a set of **regions**: for each box its features (a CNN's) and its place. To judge the sentence, the word
# for a thing has to find *its* region, fetch the place, and the two places must be compared. Words and regions have to
# **meet**, one by one, before anything is averaged. How can a network choose what meets what?
#
# ## Attention, by hand
#
# A word **asks**: it has a *query* $q$. Each region has a *key* $k_i$, by which it is found, and a *value* $v_i$, which it
# hands over. Where query and key agree, much of the value comes through:
#
# $$w_i = \frac{e^{s_i}}{\sum_j e^{s_j}}, \qquad s_i = \frac{q^\top k_i}{\sqrt d}, \qquad o = \sum_i w_i\, v_i$$
#
# Take $q = (1, 0)$ and two keys, $k_1 = (1, 0)$ and $k_2 = (0, 1)$, so $d = 2$. The scores are $0.707$ and $0$.

# %%
q, k = np.array([1.0, 0.0]), np.array([[1.0, 0.0], [0.0, 1.0]])
v = np.array([[3.0, 0.0], [0.0, 3.0]])
s = k @ q / np.sqrt(2)
w = np.exp(s) / np.exp(s).sum()
print("weights", w.round(3), "  output", (w @ v).round(2))
assert np.allclose(w, [0.670, 0.330], atol=1e-3)

# %% [markdown]
# The output is a **mean of the values** with weights that sum to 1: two thirds of $v_1$. No value is computed anew, only
# chosen; and the choice is soft, so that a gradient passes.
#
# **Predict first.** Without $\sqrt d$ the weights would be $0.731$ and $0.269$: not much of a change. What if $d$ is 64,
# or 1024, and the numbers in $q$ and the keys are random, with variance 1?
#
# <details><summary>Answer</summary>
#
# A product of two such vectors is a sum of $d$ terms, so its standard deviation is $\sqrt d$. At $d = 64$ the scores
# scatter by 8, and $e^8$ is about 3000: one key takes all, whichever it is, and the gradient of a saturated softmax
# is nearly 0. Divided by $\sqrt d$ the scores scatter by 1, whatever the width.
#
# </details>

# %%
rng, widths = np.random.default_rng(0), np.array([2, 8, 32, 128, 512])
scores = [rng.normal(size=(400, 8, d)) * rng.normal(size=(400, 1, d)) for d in widths]
scores = np.stack([s.sum(axis=2) for s in scores])  # (widths, 400, 8 keys)
_, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
for name, root in (("without scaling", 1), ("divided by √d", widths[:, None, None] ** 0.5)):
    largest = torch.as_tensor(scores / root).softmax(dim=2).amax(dim=2).mean(dim=1)
    ax.semilogx(widths, largest, "o-", label=name)
ax.axhline(1 / 8, color="grey", linestyle=":", label="equal shares of 8 keys")
ax.set(xlabel="width d", ylabel="largest weight", ylim=(0, 1.05), xticks=widths, xticklabels=widths)
_ = ax.legend()

# %% [markdown]
# *Figure: the largest of eight weights, for random queries and keys, against the width d. Without scaling it climbs towards
# one; divided by the root of d it stays level, a little above the dotted line of equal shares.*
#
# ## A set, and a mask
#
# Nothing in the formula knows the *order* of the regions. Exchange regions (key and value together), and the sum is the
# same. That is right for regions, which are a set. It would be wrong for words, so a word's vector gets its position added; a
# region's gets its box.
#
# Texts and pictures have different numbers of words and regions. The missing ones are filled with **padding**, and a mask
# sees to it that padding has weight 0, whatever its key says.

# %%
torch.manual_seed(0)
q, k, v = torch.randn(1, 1, 1, 4), torch.randn(1, 1, 5, 4), torch.randn(1, 1, 5, 4)
order = torch.tensor([3, 1, 4, 0, 2])
assert torch.allclose(attend(q, k, v), attend(q, k[..., order, :], v[..., order, :]))
three = torch.tensor([[True, True, True, False, False]])  # the last two are padding
assert torch.allclose(attend(q, k, v, present=three), attend(q, k[..., :3, :], v[..., :3, :]))

# %% [markdown]
# ## Heads, and a block
#
# One query gives one mean. Suppose a word wants the columns of *two* things, 1 and 5. Half of each is **3**, a column in
# which neither stands. With two **heads** the word asks twice, in two halves of the vector, and gets 1 *and* 5. A head is
# $d / h$ wide, and it is the head's width that stands under the root. (Taking the model's width is a common slip.)
#
# A **transformer layer** wraps this up: what was asked is *added* to what the word was, and a small network digests it,
#
# $$h \leftarrow \mathrm{norm}(h + W_o\, \mathrm{attention}(h)), \qquad h \leftarrow \mathrm{norm}(h + W_2\,
# \mathrm{gelu}(W_1 h))$$
#
# So far one stream talks to itself.
#
# ## Co-attention: the other stream is asked
#
# Two streams, words $h$ $(n, T, d)$ and regions $g$ $(n, R, d)$. Each keeps **its own queries**, and takes keys and values
# from the **other**:
#
# $$h \leftarrow \mathrm{norm}\bigl(h + W_o\, \mathrm{attention}(Q = W_q h,\ K = W_k' g,\ V = W_v' g)\bigr)$$
# $$g \leftarrow \mathrm{norm}\bigl(g + W_o'\, \mathrm{attention}(Q = W_q' g,\ K = W_k h,\ V = W_v h)\bigr)$$
#
# and each digests it by a small network of its own. Both lines read the streams as they came in. This is **ViLBERT's**
# layer (Lu et al., 2019). **Predict first:** with 5 words, 7 regions and 4 heads, which shapes have the two arrays of weights?
# Is one the other's transpose?
#
# <details><summary>Answer</summary>
#
# $(n, 4, 5, 7)$ and $(n, 4, 7, 5)$: queries by keys. No transpose: the two have projections of their own, and each row
# of each sums to 1. A word may look at a region that looks elsewhere.
#
# </details>
#
# Nor is it a new kind of attention: PyTorch's `MultiheadAttention` gives the same, if its queries get the words' weights and
# its keys and values the regions'.

# %%
layer = CoAttentionLayer(16, 16, 16, 4, 32, 32)
h, g, seen = torch.randn(2, 5, 16), torch.randn(2, 7, 16), []
new_h, new_g = layer(h, g, weights=seen)
from_words, from_regions = seen[0]
assert from_words.shape == (2, 4, 5, 7)
assert from_regions.shape == (2, 4, 7, 5)
assert not torch.allclose(from_words, from_regions.transpose(2, 3), atol=0.01)

mha = nn.MultiheadAttention(16, 4, batch_first=True)
own, other = layer.text_qkv, layer.region_qkv  # queries, keys, values: 16 rows each
state = {"in_proj_weight": torch.cat([own.weight[:16], other.weight[16:]])}
state |= {"in_proj_bias": torch.cat([own.bias[:16], other.bias[16:]])}
state |= {f"out_proj.{name}": p for name, p in layer.text_out.named_parameters()}
mha.load_state_dict(state)
asked = layer.text_norm(h + mha(query=h, key=g, value=g)[0])
assert torch.allclose(layer.text_feed_forward(asked), new_h, atol=1e-5)

# %% [markdown]
# ## Growing it, one line at a time
#
# Which line buys what? A small task that can be checked: a scene of five things, the text "column of the dog", and two
# questions at once. *Which column*, 1 to 5? The **words** answer, by the last one, the name. *Which region* is meant?
# Each **region** answers, by one score. By chance both are right in one of five. No two things that are together in
# a test scene ever were in training. The network embeds words and regions, lets them `meet`, and reads both answers off. In
# its five versions only `meet` differs, by a line.


# %%
def find(scenes, scaler):
    n = np.arange(len(scenes))
    region = n % 5  # the things stand in random order
    named = [scenes.names[o] for o in scenes.objects[n, region]]
    tokens = torch.tensor([scenes.encode(f"column of the {name}") for name in named])
    column = torch.as_tensor(scenes.boxes[n, region][:, [0, 2]].mean(axis=1) * 5).long()
    images = scaler(Regions.of(scenes))  # whitened features, standardised boxes
    x = images.features[images.rows], images.boxes  # (n, R, 128), (n, R, 5)
    return tokens, *x, column, torch.as_tensor(region)


scenes = load_scenes(10_000, n_objects=5, kinds="relation")
scaler = RegionScaler(Regions.of(scenes), 128)
learn, held = [part[:3000] for part in find(scenes, scaler)], find(test, scaler)


# %%
def two_layers(d, out):
    return nn.Sequential(nn.LayerNorm(d), nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, out))


class Meeting(nn.Module):
    def __init__(self, meet, d=64):
        super().__init__()
        self.meet, self.word = meet, nn.Embedding(len(test.words), d)
        self.look, self.box = nn.Linear(128, d), nn.Linear(5, d)
        self.think = two_layers(d, d)  # of a region, before a mean
        self.ask_g, self.ask_h = (nn.MultiheadAttention(d, 4, batch_first=True) for _ in range(2))
        self.column, self.region = two_layers(d, 5), two_layers(d, 1)

    def forward(self, tokens, features, boxes):
        h, g = self.word(tokens), self.look(features) + self.box(boxes)  # (n, T, d), (n, R, d)
        h, g = self.meet(self, h, g)
        return self.column(h[:, -1]), self.region(g).squeeze(2)  # (n, 5), (n, R)


# %%
def concatenation(net, h, g):  # a linear map of [a, b] is a sum of two linear maps
    return h + g.mean(dim=1, keepdim=True), g + h.mean(dim=1, keepdim=True)


def pooled_regions(net, h, g):  # a network for each region, then the mean
    return h + net.think(g).mean(dim=1, keepdim=True), g + h.mean(dim=1, keepdim=True)


def words_ask(net, h, g):
    return h + net.ask_g(h, g, g)[0], g


def regions_ask(net, h, g):
    return h, g + net.ask_h(g, h, h)[0]


def co_attention(net, h, g):
    return h + net.ask_g(h, g, g)[0], g + net.ask_h(g, h, h)[0]


# %% [markdown]
# **Predict first.** Which of the five find the column, which the region? Write down a number for *words ask*, column, and
# one for *words ask*, region; they are drawn beside the results.

# %%
guess = 0.5, 0.5  # change me


def train(meet, epochs=6):
    torch.manual_seed(0)
    net = Meeting(meet)
    optimiser = torch.optim.AdamW(net.parameters(), lr=4e-3)
    for _ in range(epochs):
        for rows in torch.randperm(len(learn[0])).split(128):
            *x, column, region = (part[rows] for part in learn)
            loss = sum(map(nn.functional.cross_entropy, net(*x), (column, region)))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return net


# %%
@torch.no_grad()
def accuracy(net):
    *x, column, region = held
    answers = zip(net(*x), (column, region), strict=True)
    return [(a.argmax(dim=1) == right).float().mean().item() for a, right in answers]


rungs = concatenation, pooled_regions, words_ask, regions_ask, co_attention
nets = {meet.__name__.replace("_", " "): train(meet) for meet in rungs}
found = {name: accuracy(net) for name, net in nets.items()}

# %%
names, shares = [*found, "your guess for words ask"], np.array([*found.values(), guess])
for k, asked in enumerate(("which column? (the words answer)", "which region? (regions answer)")):
    _ = plotting.bar_with_chance(names, shares[:, k], chance=0.2, xlabel=f"accuracy, {asked}")

# %% [markdown]
# *Figure: two charts, a bar for each way to meet and one for the guess, with the line of chance at one fifth. Above, the
# column: words ask and co-attention are far ahead of all others. Below, the region: all are near one, but for words ask, which
# is at chance.*
#
# A mean of **regions** loses who is where: what comes after it cannot say which column is the dog's. A mean of **words** loses
# little *here*, since the text names one thing: to a region, even a sum with it is enough. But a region must hear of the text at
# all. If only words ask, none does, and pointing is at chance by construction. Attention serves the stream **that asks**; two
# streams with a question each need both directions, and a task that asks one of them may not.
#
# We know what the attention *should* be: the name must look at its own region. Does it? And is it used?

# %%
net, (tokens, *x, _, region) = nets["co attention"], held
with torch.no_grad():
    g = net.look(x[0]) + net.box(x[1])
    looks = net.ask_g(net.word(tokens), g, g)[1]  # (n, T, R), mean of the heads
own = looks[torch.arange(len(looks)), :, region].mean(dim=0)
print("to the region that is named: " + ", ".join(f"{share:.2f}" for share in own), "(equal: 0.20)")


def wrong_values(net, h, g):  # the same weights, the next region's values
    return h + net.ask_g(h, g, g.roll(1, dims=1))[0], g + net.ask_h(g, h, h)[0]


net.meet = wrong_values
print(f"column, right values {found['co attention'][0]:.2f}, wrong values {accuracy(net)[0]:.2f}")
net.meet = co_attention

# %% [markdown]
# The four shares are those of *column*, *of*, *the* and the name: it is the name that finds its region. A map alone proves
# little, so the control: regions in another order change nothing, but keep the weights and hand over the *next* region's
# value, and the answer is gone. On this task attention is no decoration: it is the way by which the place comes to the words.
#
# ## ViLBERT
#
# Stack this, and it is ViLBERT. Words start as word + position, regions as features + box, and a first region stands for the
# whole image. A text layer; then, `layers` times, a co-attention and a layer within each stream. In the end the first word,
# `[CLS]`, and the image's region are multiplied, and the product scores an answer by its words. *What is left of the dog?*
# needs **two hops**: find the dog, then find what lies left of *there*.
#
# Our full runs, too long for a lesson, are made and stored by `python -m benchmarks.scenes relation --store`: scenes of five
# things, four answers. *Late fusion* averages words and regions, as above. Indented rows change what a trained model sees at
# test. **Predict first:** how far does the same network come without pre-training?

# %%
stored = scoreboard.measured("scenes", "relation")
scores = {name: row["all"] for name, row in stored["rows"].items()}
_ = plotting.bar_with_chance(list(scores), list(scores.values()), chance=0.25, xlabel="accuracy")

# %% [markdown]
# *Figure: a bar for each model and control (with a spread if several seeds were run), beside chance at a quarter. Pre-trained
# co-attention is ahead, the same network without pre-training behind it, late fusion and the network without a picture are at
# chance.*
#
# (Five things are a question's subject and its four answers. Whoever sees the picture knows the subject without its name, so a
# row that hides the *name* proves little here. Below we take the subject's *region* away instead.)
#
# **Pre-training is the finding.** The same network, the same questions, as many steps: what differs is that one has first
# learnt to *point*, at "the thing left of the dog", and to name what it points at. Call this **grounding-supervised**: it is
# told which region a text means. ViLBERT's own pre-training, on captions from the web, has only *masked words*, *masked
# regions* and whether a text fits an image; nobody says where. So this gain is not what captions alone would give.
#
# Why is it harder without? Until a word finds its region, no answer depends on the picture in any useful way, and the
# gradient says nothing about *which* region: a plateau.
#
# ## One model, live
#
# Fewer scenes, one seed. First it learns to point, then to answer.

# %%
e = scenes.expressions[scenes.expressions.kind < 2]  # by name, by relation
model = ViLBERT(head="answers", epochs=5, device="cpu")
model.pretrain(Regions.of(scenes, e.scene), e.tokens, e.label, 2, len(scenes.words))
print("loss of pointing, by epoch:", np.round(model.pretraining_.terms["point"], 2))

# %%
q = scenes.questions
model.fit(Regions.of(scenes, q.scene), q.answer_choices(), q.label)
print("loss of answering, by epoch:", np.round(model.history_.loss, 2))

# %%
q = test.questions
images, choices = Regions.of(test, q.scene), q.answer_choices()
rows = {
    "as it is": (images, choices),
    "places hidden": (images.place_blind(), choices),
    "objects shuffled": (images.shuffled(), choices),
    "picture hidden": (images.blind(), choices),
}
scores = [model.score(*seen, q.label) for seen in rows.values()]
_ = plotting.bar_with_chance(
    list(rows), scores, chance=0.25, xlabel=f"accuracy, {len(q)} questions"
)

# %% [markdown]
# *Figure: four bars beside chance at a quarter: the model as it is, far above; without places, with the objects shuffled among
# the boxes, and without a picture, near chance or below.*
#
# It needs the picture, the places, and which thing is where. One seed is one seed: the spread of three stands in the figure
# before.
#
# ## Where does a word look?
#
# `model.attention(..., layer=, head=, direction=)` gives one map: $(T, 1 + R)$, words by regions, the whole image first. Choose
# a word, a layer and a head. Which layer finds the subject? Do heads share the work?

# %%
chosen = model.predict(images, choices)
i = int(np.flatnonzero(chosen == q.label)[4])  # a question that is answered right
words = [test.words[token] for token in q.tokens[i] if token]
subject = int(q.tags[i].max())
answer = int(q.answer_tags[i, q.label[i]].max())


def weights_of(layer=None, head=None):
    return model.attention(images[[i]], q.tokens[[i]], layer=layer, head=head)[0]


marked = [0, words.index(test.names[test.objects[q.scene[i], subject]])]
_ = plotting.attention_frames(test, q.scene[i], words, weights_of(layer=1), marked, columns=2)

# %% [markdown]
# *Figure: one scene twice, each under the question with one word marked: [CLS], and the name of the subject. In the last
# layer each word's attention lights the objects in proportion, and each object says its share. The most lit one is in
# red.*
#
# Move through words, layers and heads.

# %% widget=true
from ipywidgets import interact


@interact(word=(0, len(words) - 1), layer=(0, 1), head=(0, 3))
def light(word, layer, head):
    plotting.light_objects(test, q.scene[i], words, weights_of(layer, head), word)


# %% [markdown]
# ## Is attention an explanation?
#
# A map like this is often shown to explain an answer: "it looked *here*". Test that. Over all test questions: how much does
# `[CLS]`, from which the answer is read, give to the **answer's** region, to the **subject's**, to another? Then **take a
# region away**, and see how far the right answer falls:
#
# $$\mathrm{drop}_j = p(\text{right} \mid \text{image}) - p(\text{right} \mid \text{image without region } j)$$
#
# **Predict first.** The subject gets little attention in the last layer. Then the answer should hardly need it?

# %%
item = np.arange(len(q))
subjects = q.tags.max(axis=1)
answers = q.answer_tags[item, q.label].max(axis=1)
drop = pairs.occlusion_drop(model, images, choices, q.label)
looks = model.attention(images, q.tokens, layer=1)[:, 0, 1:]  # of [CLS]: (n, R)
start = ViLBERT(head="answers", epochs=1, learning_rate=1e-9, device="cpu")
start.fit(images[:64], choices[0][:64], q.label[:64])  # untrained
blank = start.attention(images, q.tokens, layer=1)[:, 0, 1:]

# %%
others = np.ones_like(drop, dtype=bool)
others[item, subjects] = others[item, answers] = False
columns = {"attention": looks, "untrained": blank, "drop without it": drop}
for name, values in columns.items():
    means = values[item, answers].mean(), values[item, subjects].mean(), values[others].mean()
    print(f"{name:<16} answer {means[0]:.2f}   subject {means[1]:.2f}   another {means[2]:.2f}")
print(f"most looked at is the subject in {(looks.argmax(axis=1) == subjects).mean():.2f} of all")

# %%
k = int(drop[item, subjects].argsort()[int(0.75 * len(q))])  # needs it more than 3 of 4 do
print(q.text(k).splitlines()[0])
roles = {subjects[k]: "subject", answers[k]: "answer"}
_ = plotting.plot_occlusion(test, q.scene[k], drop[k], roles, attention=looks[k])

# %% [markdown]
# *Figure: for one question, two bars for each object: how much the right answer loses without it, and the attention that it
# gets from [CLS] in the last layer. The answer has long bars of both kinds; the subject has a long bar of loss and next to no
# attention.*
#
# Attention of the last layer sits on the **outcome**. What the outcome was reached *by*, the subject, gets less of it than any
# other thing, yet without the subject the right answer falls far, and without another thing it does not. So the map is no list
# of reasons. Nor is it noise: untrained, the shares are equal. It says what was fetched, in this layer, by this word. To say
# what an answer *depends* on, take things away. (Even this has a catch: about a scene without its subject no question of
# training was asked.)
#
# ## The same words: Winoground
#
# Back to the two pictures. We read "the dog is left of the fox" as an answer: *what is left of the fox? dog.* Its score is
# that of the answer. For caption $i$ and image $j$ of a group there are four scores $s_{ij}$, and three ways to be right
# (Thrush et al., 2022): the **text** score asks, for both images, for the right caption; the **image** score, for both
# captions, for the right image; the **group** score for all. By chance $\frac14$, $\frac14$, $\frac16$.
#
# **Predict first.** What do a bag of words, a reader of captions alone, and late fusion of vectors get?


# %%
from mmlearn.arrays import cosine_similarity
from mmlearn.classical import CCA

ids, told = test.encode(" ".join(test.names)), scenes.captions


def bag(captions):  # which of the 121 names a caption holds
    return (captions[:, :, None] == ids).any(axis=1).astype(float)


vectors = Regions.of(scenes, told.scene).mean_features()
towers = CCA(100, shrinkage=0.5).fit(vectors, bag(told.tokens))

# %%
groups, captions = pairs.opposite_groups(test, limit=300)
reader, everything = pairs.CaptionReader(model, test), Regions.of(test)
z_images = towers.embed_images(everything.mean_features())
z = [towers.embed_texts(bag(captions[:, i])) for i in (0, 1)]
by_towers = np.stack([cosine_similarity(texts, z_images) for texts in z], axis=1)  # (g, 2, n)
scores = {
    "two towers": np.take_along_axis(by_towers, groups[:, None], axis=2),
    "caption alone": pairs.score_groups(reader, everything.blind(), groups, captions),
    "ViLBERT": pairs.score_groups(reader, everything, groups, captions),
}
for name, s in scores.items():
    shares = pairs.winoground_scores(s.round(5))
    print(f"{name:<14}", *(f"{what} {share:.2f} " for what, share in shares.items()))

# %% [markdown]
# The towers solve **no** group, and cannot: the two captions tie for each image. (Their image score is at best that of one
# caption, since what is right for one is wrong for the other.) The reader of captions alone gives both images the same.
# Co-attention is far above chance. Real photos are harder: on the real Winoground, the models of its paper had group scores
# no better than chance.
#
# ## Retrieve, then rerank
#
# Why not always let words and regions meet? **Cost.** Towers encode $N$ images and $M$ texts, $N + M$ passes, and the
# images can wait in an index. Co-attention needs a pass for every *pair*, $N \times M$. So: towers fetch $k$ candidates, and
# co-attention sorts these. **Predict first:** a caption of the test, 1,000 scenes. How large must $k$ be?


# %%
asks, similarity, m = captions[:60, 0], by_towers[:60, 0], np.arange(60)
true = pairs.holds(test, asks)  # (m, n): in which scenes; there may be several
ks, orders = (1, 3, 10, 30), {}
for name, seen in (("co-attention", everything), ("its objects shuffled", everything.shuffled())):
    orders[name] = [pairs.rerank(reader, seen, asks, similarity, k) for k in ks]
_, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
for (name, ranked), style in zip(orders.items(), ("o-", "s--"), strict=True):
    ax.semilogx(ks, [true[m, s.argmax(axis=1)].mean() for s in ranked], style, label=name)
ax.axhline(true.mean(), color="black", linestyle=":", label="a scene at random")
ax.set(xlabel="k candidates = passes a caption", ylabel="first scene is right", ylim=(0, 1))
ax.set(xticks=ks, xticklabels=ks)
_ = ax.legend()

# %% [markdown]
# *Figure: how often the first scene is right, against the number of candidates, on a log scale. With k = 1 both lines
# start at the towers' own; sorted by ViLBERT the line climbs, sorted by the same network with the objects shuffled it
# does not. A dotted line near zero marks a scene at random.*

# %%
c = 1  # which caption: change me
for name, s in (("towers", similarity[c]), ("reranked", orders["co-attention"][2][c])):
    best = np.argsort(-s, kind="stable")[:5]
    shown = [test.picture(scene) for scene in best]
    _ = plotting.retrieval_strip(f"{test.decode(asks[c])[6:-6]} ({name})", shown, true[c, best])

# %% [markdown]
# *Figure: two strips for one caption: the first five scenes of the towers, and of the same ten candidates after reranking.
# Scenes in which the caption is true have a solid frame and a tick. The towers' scenes hold the right things, the reranked
# ones tend to hold them in the right places.*
#
# The towers know **which** things, and bring them near the top; how things *stand* they cannot know. Ten or thirty passes a
# caption instead of a thousand: that is how large systems are built. What the towers do not fetch, no reranking finds. (There
# is no map of a space in this unit: who reads pairs has no space to draw.)
#
# ## Recap
#
# - *Attention*: a mean of values, weighted by the softmax of $q^\top k / \sqrt d$, $d$ a head's width. It sees a set: order
#   and place are in the vectors. A mask gives padding weight 0.
# - *Co-attention*: own queries, the other's keys and values. The stream that asks is the one that learns.
# - *Grown by diff*: a mean of regions cannot bind a thing to its place; one direction serves one stream.
# - *Pre-training*: pointing first lifts the same network out of its plateau. Ours is told where; ViLBERT's is not.
# - *Explanation*: attention shows what was fetched. Occlusion shows what is needed.
# - *Same words*: towers and bags fail at Winoground by construction. Retrieve with towers, rerank with co-attention.
#
# ### Four questions
#
# 1. A query is the same as both of its keys. What comes out? And if the two keys are equal, but the query is another?
#
# <details><summary>Answer</summary>
#
# The mean of the two values, both times: equal keys give equal scores, whatever the query. A query cannot tell apart what
# the keys do not.
#
# </details>
#
# 2. You cross-attend 10 words to 36 regions, and somebody hands you a map of shape $(36, 10)$ whose rows sum to 1. Which
#    direction is it?
#
# <details><summary>Answer</summary>
#
# Regions ask words. Rows belong to queries. Its transpose is *not* the words' attention; the rows would not sum to 1, and
# other projections made it.
#
# </details>
#
# 3. A colleague shows that the answer "fox" puts most of its attention on the fox, and concludes that the model has
#    understood "left of the dog". What would you ask to see?
#
# <details><summary>Answer</summary>
#
# What happens without the dog, and with the dog's name hidden; how often the same holds where the answer is *wrong*; and the
# map of an untrained model. Looking at the answer is what choosing it amounts to.
#
# </details>
#
# 4. 1,000,000 photos, one caption. Towers take 0.1 ms a comparison in an index and co-attention 5 ms a pair. What does
#    reranking 50 cost, what scoring all?
#
# <details><summary>Answer</summary>
#
# $50 \times 5$ ms is a quarter of a second; all would be 5,000 s, well over an hour. But only if the right photo is among
# the 50: measure the towers' recall at 50 first.
#
# </details>
#
# ## Further reading
#
# - Vaswani et al., *Attention Is All You Need*, NeurIPS 2017: section 3.2, with the reason for the root of $d$.
# - Lu, Batra, Parikh, Lee, *ViLBERT*, NeurIPS 2019: figure 2 is our co-attention layer. In their code `context_layer1` is
#   what the text's queries fetched from the image's keys: check names before you draw maps.
# - Bugliarello, Cotterell, Okazaki, Elliott, *Multimodal Pretraining Unmasked*, TACL 2021: one and two streams as one
#   family; with the same data and settings, most differences vanish.
# - Thrush et al., *Winoground*, CVPR 2022: the three scores, and photos that are far harder than our scenes.
# - Chefer, Gur, Wolf, *Generic Attention-Model Explainability*, ICCV 2021: relevance through the layers of
#   co-attention, a better try at an explanation than one layer's map.
