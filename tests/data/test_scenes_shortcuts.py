"""Shortcuts: who lacks a part of an item fails on careful scenes, and not on careless ones."""

import re

import numpy as np
import pytest
from scipy.stats import norm

from benchmarks.shortcuts import chance, main, shortcuts
from mmlearn.data import load_scenes
from mmlearn.data.scenes import NAMES, decode
from mmlearn.data.scenes.vocabulary import CATEGORIES, NUMBERS
from mmlearn.data.scenes.world import DIRECTIONS

# What a part of an item tells although care was taken; `load_scenes` says the same figures.
SAID = {
    ("relation", "picture + answers"): 0.35,
    ("relation", "without subject"): 0.55,
    ("relation", "farthest"): 0.54,
    ("relation", "without direction"): 0.60,
    ("two_steps", "picture + answers"): 0.35,
    ("two_steps", "without subject"): 0.51,
    ("two_steps", "farthest"): 0.30,
    ("two_steps", "without sizes"): 0.50,
    ("expressions, relation", "picture"): 0.25,
    ("expressions, relation", "without subject"): 0.49,
    ("expressions, size", "picture"): 0.19,
    ("expressions, size", "without subject"): 0.47,
    ("entailment, relation", "which are there"): 0.67,
    ("entailment, size", "which are there"): 0.67,
}
# Of careless scenes, and what it is at least.
FOUND = {
    ("relation", "places, overlap to rationale"): 0.95,
    ("relation", "without subject"): 0.65,
    ("two_steps", "without subject"): 0.8,
    ("two_steps", "without sizes"): 0.9,
    ("two_steps", "lists, names to answer"): 0.5,
    ("counting", "lists, names to answer"): 0.95,
    ("comparison", "picture + answers"): 0.6,
    ("comparison", "lists, names to answer"): 0.5,
    ("existence", "picture + answers"): 0.9,
    ("statements, existence", "text"): 0.95,
    ("statements, size", "text"): 0.95,
}


def table(n, careless=False):
    train = load_scenes(n, seed=11, careless=careless)
    return shortcuts(train, load_scenes(n // 2, 11, "test", wording="seen", careless=careless))


@pytest.mark.slow
def test_attackers_stay_at_chance_or_at_what_is_said():
    """Within the interval of chance, which is 95 % for all of them together."""
    found = {(k, a): cell for k, row in table(2000).items() for a, cell in row.items()}
    assert set(SAID) <= set(found)
    far = norm.isf(0.025 / len(found))
    surprises = []
    for (kind, attacker), (share, n) in found.items():
        said = SAID.get((kind, attacker))
        expected = chance(kind) if said is None else said
        room = far * np.sqrt(expected * (1 - expected) / n)
        if share > expected + room or (said is None and share < expected - room):
            surprises.append((kind, attacker, share, n))
    assert surprises == []


@pytest.mark.slow
def test_attackers_find_what_is_careless():
    found = table(600, careless=True)
    for (kind, attacker), least in FOUND.items():
        assert found[kind][attacker][0] >= least, (kind, attacker, found[kind][attacker])


@pytest.mark.slow
def test_the_command_prints_careful_beside_careless(capsys):
    main(["--scenes", "120"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["careful", "careless"]
    assert sum(line.startswith("two_steps: without sizes") for line in lines) == 1


# -- another question would make another answer right ---------------------------------------------


@pytest.fixture(scope="module")
def scenes():
    return load_scenes(300, seed=12)


def of_kind(scenes, kind):
    q = scenes.questions
    for i in np.flatnonzero(q.kind == q.kind_names.index(kind)):
        yield (
            scenes.world.states[q.scene[i]],
            decode(q.tokens[i]),
            q.answer_tags[i, :, 0].tolist(),
            q.label[i],
        )


def directions(text):
    return [DIRECTIONS.index(d) for d in re.findall("left of|right of|above|below", text)]


def hits(state, direction, subject, options):
    return [j for j, i in enumerate(options) if state.relations[i][subject] == direction]


def test_another_subject_makes_another_answer_of_a_relation_right(scenes):
    for state, text, options, label in of_kind(scenes, "relation"):
        (direction,) = directions(text)
        found = [hits(state, direction, s, options) for s in range(len(state)) if s not in options]
        found = {f[0] for f in found if len(f) == 1}
        assert label in found
        assert len(found) > 1


def test_the_other_end_makes_another_answer_of_two_steps_right(scenes):
    for state, text, options, label in of_kind(scenes, "two_steps"):
        q, r = directions(text)
        subject = state.where[_named(text)]
        by_size = sorted(state.lying(r, subject), key=state.sizes.__getitem__)
        smallest, largest = (hits(state, q, by_size[k], options) for k in (0, -1))
        assert len(smallest) == len(largest) == 1
        assert smallest != largest
        assert [label] == (largest if "largest" in text else smallest)


def _named(text):
    return next(NAMES.index(w) for w in text.split() if w in NAMES)


def test_every_number_is_right_of_some_category_or_subject(scenes):
    for state, text, _, _ in of_kind(scenes, "counting"):
        if directions(text):
            (d,) = directions(text)
            counts = {len(state.lying(d, s)) for s in range(len(state))}
        else:
            counts = {len(regions) for regions in state.by_category}
        assert {0, 1, 2, 3} <= counts


def test_the_scene_alone_says_which_size_is_asked_for(scenes):
    ranks = {"second largest": -2, "largest": -1, "second smallest": 1, "smallest": 0}
    for state, text, options, label in of_kind(scenes, "comparison"):
        assert len({state.sizes[i] for i in options}) == 4
        rank = next(at for name, at in ranks.items() if name in text)
        assert state.sizes[options[label]] == sorted(set(state.sizes))[rank]


def test_numbers_are_asked_of_every_category_alike():
    q = load_scenes(4000, seed=13, kinds="counting").questions
    asked = np.zeros((len(CATEGORIES), 4))
    for i in range(len(q)):
        words = decode(q.tokens[i]).split()
        for c in set(words) & set(CATEGORIES):
            answer = decode(q.answers[i, q.label[i]]).split()[0]
            asked[CATEGORIES.index(c), NUMBERS.index(answer)] += 1
    assert asked.min() > 10
    share = asked / asked.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(share, 0.25, atol=0.12)


@pytest.mark.parametrize(("task", "labels"), [("statements", 2), ("entailment", 3)])
def test_truth_takes_turns_within_each_kind(scenes, task, labels):
    items = getattr(scenes, task)
    for kind in range(len(items.kind_names)):
        found = items.label[items.kind == kind]
        np.testing.assert_array_equal(found, np.arange(len(found)) % labels)


def test_an_expression_has_a_twin_with_another_subject(scenes):
    e = scenes.expressions
    for kind in ("relation", "size"):
        rows = np.flatnonzero(e.kind == e.kind_names.index(kind))
        for i, j in zip(rows[::2], rows[1::2], strict=True):
            assert e.scene[i] == e.scene[j]
            assert e.label[i] != e.label[j]
            assert (e.tokens[i] != e.tokens[j]).sum() == 1


# -- the careless generator -----------------------------------------------------------------------


def test_careless_is_a_choice_and_the_pictures_are_the_same():
    careful, careless = (load_scenes(50, seed=14, careless=c) for c in (False, True))
    np.testing.assert_array_equal(careful.boxes, careless.boxes)
    assert careful.questions.kind_names == careless.questions.kind_names
    assert "which of these" in " ".join(careless.questions.text(i) for i in range(50))
    with pytest.raises(ValueError, match="careless must be True or False, got 'yes'"):
        load_scenes(50, careless="yes")


def test_careless_false_statements_have_words_of_their_own():
    s = load_scenes(300, seed=15, careless=True).statements
    for i in range(len(s)):
        words = set(decode(s.tokens[i]).split())
        if "number" not in words and s.kind_names[s.kind[i]] != "counting":
            assert bool(words & {"only", "fewer", "smaller"}) == (s.label[i] == 0)
