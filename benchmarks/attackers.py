"""Attackers on the scenes: cheap models that lack a part of the item, and so should fail.

Logistic regressions read words, and pairs of a word of what is given with one of what is chosen;
boosted trees read boxes, ranks, sizes, counts, which names are in the picture, the order of the
options, their lengths and what they repeat; a rule follows one line.
"""

import numpy as np
from scipy import sparse
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from mmlearn.data.scenes import NAMES, WORDS, encode
from mmlearn.data.scenes.vocabulary import CATEGORIES, CATEGORY, NUMBERS

__all__ = ["ATTACKERS"]

FIRST = encode(NAMES[0])[0]  # the id of the first name; names end the vocabulary
DIRECTIONS = encode("left right above below")  # of "left of" the first word is enough
SIGNS = np.array([[-1, 0], [1, 0], [0, -1], [0, 1]])  # of x and y, by direction
MISSING = -9
ENDS = encode("largest smallest second")


# -- learners -------------------------------------------------------------------------------------


def bags(tokens):
    """Which words a text holds: sparse (m, words)."""
    rows = np.repeat(np.arange(len(tokens)), tokens.shape[1])
    shape = len(tokens), len(WORDS)
    return sparse.csr_matrix((np.ones(tokens.size), (rows, tokens.ravel())), shape).minimum(1)


def words_and_pairs(context, choice):
    """Words of the choice, and every pair of a word of the context with one of the choice."""
    q, c = bags(context), bags(choice)
    row, a = q.nonzero()
    shape = len(row), len(choice)
    spread = sparse.csr_matrix((np.ones(len(row)), (np.arange(len(row)), row)), shape) @ c
    at, b = spread.nonzero()  # one row for each word of each context: the words of its choice
    shape = len(choice), len(WORDS) ** 2
    found = sparse.csr_matrix((np.ones(len(at)), (row[at], a[at] * len(WORDS) + b)), shape)
    return sparse.hstack([c, found]).tocsr()


def kinds_of(items):
    return np.array(items.kind_names)[items.kind]


def split(right, kinds):
    return {str(kind): right[kinds == kind] for kind in dict.fromkeys(kinds)}


def by_words(task, parts):
    """An attacker: a logistic regression chooses one of four texts, given other texts."""

    def attack(train, test):
        x, y = [], []
        for scenes in (train, test):
            context, choices, label = parts(getattr(scenes, task))
            flat = choices.reshape(-1, choices.shape[-1])
            x.append(words_and_pairs(np.repeat(context, choices.shape[1], axis=0), flat))
            y.append(label)
        right = (np.arange(4) == y[0][:, None]).ravel()
        model = LogisticRegression(C=0.1, max_iter=12).fit(x[0], right)
        chosen = model.decision_function(x[1]).reshape(-1, 4).argmax(axis=1)
        return split(chosen == y[1], kinds_of(getattr(test, task)))

    return attack


def by_text(task):
    """An attacker: a logistic regression on the words and pairs of words of a text."""

    def attack(train, test):
        given = [getattr(scenes, task) for scenes in (train, test)]
        x = [words_and_pairs(items.tokens, items.tokens) for items in given]
        model = LogisticRegression(C=0.1, max_iter=30).fit(x[0], given[0].label)
        return split(model.predict(x[1]) == given[1].label, kinds_of(given[1]))

    return attack


def by_trees(task, features, label="label"):
    """An attacker: boosted trees for every kind; features (m, options, F), or (m, F) of the item.

    An option of which all features are missing cannot be chosen. Items of which all features are
    missing are left out: what the attacker looks for is not in them.
    """

    def attack(train, test):
        given = [_rows(scenes, getattr(scenes, task), features, label) for scenes in (train, test)]
        return {kind: _trees(given[0][kind], *given[1][kind]) for kind in given[1]}

    return attack


def _rows(scenes, items, features, label):
    x, y, kinds = features(scenes, items), getattr(items, label), kinds_of(items)
    asked = ~np.isnan(x).all(axis=tuple(range(1, x.ndim)))
    found = {}
    for kind in dict.fromkeys(kinds[asked]):
        rows = asked & (kinds == kind)
        found[str(kind)] = x[rows], y[rows]
    return found


def _trees(train, x_test, y_test):
    x, y = train
    model = HistGradientBoostingClassifier(max_iter=50, max_leaf_nodes=12, random_state=0)
    if x.ndim == 2:
        return model.fit(x, y).predict(x_test) == y_test
    there, asked = (~np.isnan(a).all(axis=2) for a in (x, x_test))
    x, x_test = (np.nan_to_num(a, nan=MISSING) for a in (x, x_test))
    model.fit(x[there], (np.arange(x.shape[1]) == y[:, None])[there])
    score = model.predict_proba(x_test.reshape(-1, x.shape[-1]))[:, 1].reshape(asked.shape)
    return np.where(asked, score, -1).argmax(axis=1) == y_test


# -- what attackers see ---------------------------------------------------------------------------


class View:
    """The pictures of m items: centres (m, R, 2) and sides in cells, objects, categories, lies."""

    def __init__(self, scenes, rows):
        boxes = np.where(scenes.region_mask[..., None], scenes.boxes, np.nan)[rows]
        boxes = boxes * scenes.world.grid
        self.centre = (boxes[..., :2] + boxes[..., 2:4]) / 2
        self.side = boxes[..., 2] - boxes[..., 0]
        self.objects = scenes.objects[rows]
        self.category = np.where(self.objects >= 0, np.array(CATEGORY)[self.objects], -1)
        self.lies = scenes.world.relations[rows]  # (m, i, j): where i lies from j

    def find(self, tokens):
        """For words (m, k) the region each names, and whether there is one."""
        same = self.objects[:, None] == tokens[..., None] - FIRST
        same &= tokens[..., None] >= FIRST
        return same.argmax(axis=2), same.any(axis=2)


def stacked(*features):
    """Features (m, options) or what can be spread to that, as (m, options, F)."""
    return np.stack([np.asarray(f, dtype=float) for f in np.broadcast_arrays(*features)], axis=-1)


def pick(a, region, there):
    """a (m, R) at regions (m, k), missing where there is none."""
    return np.where(there, np.take_along_axis(np.asarray(a, dtype=float), region, axis=1), np.nan)


def rank(a):
    return a.argsort(axis=1, kind="stable").argsort(axis=1)


def place_in(known, tokens):
    """The places of words in a list, -1 for others."""
    places = np.full(len(WORDS), -1)
    places[known] = np.arange(len(known))
    return places[tokens]


def first_two(tokens, known):
    """The first two known words of texts (m, L), as places (m, 2) in the list; -1 for none."""
    places = place_in(known, tokens)
    order = (places < 0).argsort(axis=1, kind="stable")[:, :2]
    return np.take_along_axis(places, order, axis=1)


def choices_alone(choices):
    """Order, length, first words, and how many others begin alike."""
    first = choices[..., 0]
    alike = (first[:, :, None] == first[:, None]).sum(axis=2)
    return stacked(np.arange(4), (choices > 0).sum(axis=2), first, choices[..., 1], alike)


def picture_and_answers(scenes, q):
    """What the picture shows of each answer, without the question."""
    view, word = View(scenes, q.scene), q.answers[..., 0]
    region, there = view.find(word)
    x, y, side = (
        pick(a, region, there) for a in (view.centre[..., 0], view.centre[..., 1], view.side)
    )
    option = np.arange(view.objects.shape[1]) == region[..., None]
    option = (option & there[..., None]).any(axis=1)
    other = (view.objects >= 0) & ~option
    seen_by = [((view.lies == d) & other[:, None]).sum(axis=2) for d in range(4)]
    number, category = (place_in(encode(" ".join(known)), word) for known in (NUMBERS, CATEGORIES))
    own = np.where(category >= 0, category, pick(view.category, region, there))
    counts = (view.category[:, :, None] == np.arange(5)).sum(axis=1)
    around = np.stack([(view.lies == d).sum(axis=1) for d in range(4)], axis=2)
    around = np.where((view.objects >= 0)[..., None], around, -1).reshape(len(word), -1)
    return np.concatenate(
        [
            choices_alone(q.answers),
            stacked(x, y, side, rank(x), rank(y), rank(side), there, own, number),
            stacked(abs(x - 2.5), abs(y - 2.5), *(pick(n, region, there) for n in seen_by)),
            stacked(
                (view.category[:, None] == own[..., None]).sum(axis=2),
                (counts[:, None] == number[..., None]).sum(axis=2),
                (around[:, None] == number[..., None]).sum(axis=2),
                ((abs(view.side[:, None] - side[..., None]) < 0.01) & other[:, None]).sum(axis=2),
            ),
        ],
        axis=2,
    )


def along(centre, direction):
    """Centres (m, k, 2) along a direction (m,) and across it, both (m, k)."""
    unit = SIGNS[direction]
    return (centre * unit[:, None]).sum(axis=2), (centre * abs(unit[:, None, ::-1])).sum(axis=2)


def without_subject(scenes, q, sizes=True):
    """The picture, the answers, and the question but for the thing that it names."""
    ends = first_two(q.tokens, ENDS) * sizes
    view, directions = View(scenes, q.scene), first_two(q.tokens, DIRECTIONS)
    region, there = view.find(q.answers[..., 0])
    centre = np.stack([pick(view.centre[..., k], region, there) for k in range(2)], axis=2)
    first, across = along(centre, directions[:, 0])
    second, _ = along(centre, np.where(directions[:, 1] < 0, directions[:, 0], directions[:, 1]))
    number = place_in(encode(" ".join(NUMBERS)), q.answers[..., 0])
    counts = (view.lies == directions[:, 0, None, None]).sum(axis=1)
    counts = np.where(view.objects >= 0, counts, -1)
    side = pick(view.side, region, there)
    spread = [
        a - other
        for a in (first, across, second)
        for other in np.moveaxis(np.sort(a, axis=1)[:, None], 2, 0)
    ]
    found = np.concatenate(
        [
            stacked(first, across, second, side, rank(first), rank(across), rank(first + second)),
            stacked(number, (counts[:, None] == number[..., None]).sum(axis=2), *spread),
            stacked(*(a[:, None] for a in (*directions.T, *ends.T)), number),
        ],
        axis=2,
    )
    found[directions[:, 0] < 0] = np.nan  # nothing to overlook
    return found


def _subject(view, q):
    """The region that a question names (m, 1), and whether it names one."""
    names = np.where(q.tokens >= FIRST, q.tokens, 0).max(axis=1, keepdims=True)
    return view.find(names)


def without_sizes(scenes, q):
    """All but "largest" and "smallest", for two steps: which could be right from any first hop."""
    view, directions = View(scenes, q.scene), first_two(q.tokens, DIRECTIONS)
    subject, _ = _subject(view, q)
    region, there = view.find(q.answers[..., 0])
    hop = np.take_along_axis(view.lies, subject[:, None], axis=2)[..., 0] == directions[:, 1:]
    at = np.take_along_axis(view.lies, region[..., None], axis=1) == directions[:, :1, None]
    ways = (at & hop[:, None]).sum(axis=2)
    alone = (at & hop[:, None] & (at.sum(axis=1, keepdims=True) == 1)).sum(axis=2)
    found = np.concatenate(
        [without_subject(scenes, q, sizes=False), stacked(ways, alone, there)], axis=2
    )
    found[directions[:, 1] < 0] = np.nan
    return found


def without_direction(scenes, q):
    """Where the four lie from the thing that a question of one relation names."""
    view, directions = View(scenes, q.scene), first_two(q.tokens, DIRECTIONS)
    region, there = view.find(q.answers[..., 0])
    subject, named = _subject(view, q)
    dx, dy = (
        pick(view.centre[..., k], region, there) - pick(view.centre[..., k], subject, named)
        for k in range(2)
    )
    far = abs(dx) + abs(dy)
    found = stacked(dx, dy, far, rank(far), rank(abs(dx)), rank(abs(dy)))
    found[(directions[:, 0] < 0) | (directions[:, 1] >= 0)] = np.nan
    return found


def farthest(train, test):
    """A rule: what lies farthest in the direction asked, or in both together."""
    q = test.questions
    view, directions = View(test, q.scene), first_two(q.tokens, DIRECTIONS)
    region, there = view.find(q.answers[..., 0])
    centre = np.stack([pick(view.centre[..., k], region, there) for k in range(2)], axis=2)
    score = sum(
        np.where(directions[:, k, None] >= 0, along(centre, directions[:, k])[0], 0)
        for k in range(2)
    )
    asked = (directions[:, 0] >= 0) & there.all(axis=1)
    return split((score.argmax(axis=1) == q.label)[asked], kinds_of(q)[asked])


def rationales_to_answer(scenes, q):
    """How often the rationales name an answer, how long their lists are, and what they repeat."""
    named = (q.rationales[:, None] == q.answers[..., None, :1]).any(axis=3).sum(axis=2)
    numbers = np.isin(q.rationales, encode(" ".join(NUMBERS))).sum(axis=2)
    value = place_in(encode(" ".join(NUMBERS)), q.answers[..., 0])
    listed = numbers.mean(axis=1)[:, None]
    ids = place_in(encode(" ".join(NUMBERS)), q.rationales).max(axis=2)
    return np.concatenate(
        [
            choices_alone(q.answers),
            stacked(named, value, listed, value - listed, *(i[:, None] for i in ids.T)),
        ],
        axis=2,
    )


def to_rationale(scenes, q):
    """What a rationale repeats of the question and of the answers, and where it says things are.

    With the directions asked, and with the number that is the right answer.
    """
    names = [np.where(t >= FIRST, t, -1) for t in (q.rationales, q.tokens, q.answers[..., 0])]
    shared = [
        ((names[0][..., None] == other[:, None, None]) & (other >= 0)[:, None, None])
        .any(axis=2).sum(axis=2)
        for other in names[1:]
    ]  # fmt: skip
    known = encode(" ".join(NUMBERS))
    numbers = np.isin(q.rationales, known).sum(axis=2)
    flat = q.rationales.reshape(-1, q.rationales.shape[2])
    places = np.moveaxis(first_two(flat, known).reshape(len(q), 4, 2), 2, 0)
    right = place_in(known, q.answers[np.arange(len(q)), q.label, 0])
    asked = [*first_two(q.tokens, DIRECTIONS).T, right]
    return np.concatenate(
        [
            choices_alone(q.rationales),
            stacked(*shared, numbers, *places),
            stacked(*(a[:, None] for a in asked), numbers),
        ],
        axis=2,
    )


def regions_meant(subject):
    """Every region of an expression's picture, with its text's direction but not its subject."""

    def features(scenes, e):
        view, direction = View(scenes, e.scene), first_two(e.tokens, DIRECTIONS)[:, 0]
        end = first_two(e.tokens, ENDS)[:, :1]
        first, across = along(view.centre, np.maximum(direction, 0))
        seen = (view.lies == direction[:, None, None]).sum(axis=2)
        found = stacked(view.centre[..., 0], view.centre[..., 1], view.side, rank(-view.side))
        if subject:
            found = np.concatenate(
                [found, stacked(first, across, rank(-first), rank(across), seen, end)], axis=2
            )
        found[(view.objects < 0) | (direction[:, None] < 0)] = np.nan
        return found

    return features


def two_pictures(scenes, s):
    """Of both pictures how many things of every category there are, and how many they share."""
    pair = [View(scenes, s.scene[:, k]) for k in range(2)]
    counts = [(v.category[..., None] == np.arange(5)).sum(axis=1) for v in pair]
    shared = (pair[0].objects[:, :, None] == pair[1].objects[:, None]) & (
        pair[0].objects[:, :, None] >= 0
    )
    return np.column_stack([*counts, counts[0] - counts[1], shared.sum(axis=(1, 2))])


def named_present(scenes, e):
    """Which of the two things that a hypothesis names are in the picture."""
    view = View(scenes, e.scene)
    names = -np.sort(-np.where(e.tokens >= FIRST, e.tokens, 0), axis=1)[:, :2]
    return view.find(names)[1].astype(float)


def _to_rationale(q):
    right = q.answers[np.arange(len(q)), q.label]
    return np.concatenate([q.tokens, right], axis=1), q.rationales, q.rationale_label


def _flat(choices):
    return choices.reshape(len(choices), -1)


ATTACKERS = {
    "questions": {
        "answers alone": by_trees("questions", lambda _, q: choices_alone(q.answers)),
        "question + answers": by_words("questions", lambda q: (q.tokens, q.answers, q.label)),
        "picture + answers": by_trees("questions", picture_and_answers),
        "without subject": by_trees("questions", without_subject),
        "farthest": farthest,
        "without sizes": by_trees("questions", without_sizes),
        "without direction": by_trees("questions", without_direction),
        "rationales to answer": by_words(
            "questions", lambda q: (_flat(q.rationales), q.answers, q.label)
        ),
        "lists, names to answer": by_trees("questions", rationales_to_answer),
        "question + answer to rationale": by_words("questions", _to_rationale),
        "places, overlap to rationale": by_trees("questions", to_rationale, "rationale_label"),
    },
    "captions": {"text": by_words("captions", lambda c: (c.tokens[:, :1], c.answers, c.label))},
    "expressions": {
        "picture": by_trees("expressions", regions_meant(subject=False)),
        "without subject": by_trees("expressions", regions_meant(subject=True)),
    },
    "statements": {"text": by_text("statements"), "pictures": by_trees("statements", two_pictures)},
    "entailment": {
        "text": by_text("entailment"),
        "which are there": by_trees("entailment", named_present),
    },
}
