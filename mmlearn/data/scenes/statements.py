"""Captions, referring expressions, statements of two scenes and hypotheses about one."""

import random
from collections import Counter, defaultdict
from itertools import product

from mmlearn.data.scenes.items import Items, fill_pattern
from mmlearn.data.scenes.vocabulary import CATEGORIES, NUMBERS
from mmlearn.data.scenes.wordings import wording_of
from mmlearn.data.scenes.world import DIRECTIONS

__all__ = ["make_captions", "make_entailment", "make_expressions", "make_statements"]

TRIES = 60  # scenes looked at before a text is given up
CAPTIONS = (
    "the {a} is {r} the {b} and the {c} is {q} the {d}",
    "you can see the {a} {r} the {b} and the {c} {q} the {d}",
    "there is the {a} {r} the {b} and the {c} {q} the {d}",
)
# Of each text: wordings of the training and validation scenes, and last the one of the test.
EXPRESSIONS = {
    "name": ("the {a}", "the thing that is the {a}", "the one that is the {a}"),
    "relation": (
        "the thing {r} the {a}",
        "the one that is {r} the {a}",
        "the thing that is {r} the {a}",
    ),
    "size": (
        "the {most} thing {r} the {a}",
        "the {most} one {r} the {a}",
        "the {most} thing that is {r} the {a}",
    ),
}
STATEMENTS = {
    "relation": (
        "in {how} the {a} is {r} the {b}",
        "the {a} is {r} the {b} in {how}",
        "you can see the {a} {r} the {b} in {how}",
    ),
    "number": (
        "there are {more} {c} in the first picture than in the second",
        "the first picture has {more} {c} than the second",
        "you can see {more} {c} in the first picture than in the second",
    ),
    "counting": (
        "there are {n} {c} in the two pictures together",
        "together the two pictures have {n} {c}",
        "you can see {n} {c} in the two pictures together",
    ),
    "existence": (
        "the {a} is in {how}",
        "there is the {a} in {how}",
        "you can see the {a} in {how}",
    ),
    "size": (
        "the {a} is {more} in the first picture than in the second",
        "in the first picture the {a} is {more} than in the second",
        "the {a} in the first picture is {more} than in the second",
    ),
}
HYPOTHESES = {
    "relation": (
        "the {a} is {r} the {b}",
        "you can see the {a} {r} the {b}",
        "there is the {a} {r} the {b}",
    ),
    "size": (
        "the {a} is {more} than the {b}",
        "you can see that the {a} is {more} than the {b}",
        "in the picture the {a} is {more} than the {b}",
    ),
}
HOW = ("both pictures", "only one picture")


def make_captions(world, seed, wording):
    """One caption a scene, among the four in which each of its two relations is right or wrong."""
    rng, records = random.Random(seed), []
    for row, state in enumerate(world.states):
        pairs = _two_pairs(rng, state)
        if pairs is None:
            continue
        (a, b), (c, d) = pairs
        right = state.relations[a][b], state.relations[c][d]
        wrong = [rng.choice([q for q in range(4) if q != r]) for r in right]
        pattern = wording_of(rng, CAPTIONS, wording)
        texts = [
            fill_pattern(pattern, state, a=a, b=b, c=c, d=d, r=DIRECTIONS[r], q=DIRECTIONS[q])
            for r, q in product(*zip(right, wrong, strict=True))
        ]
        order = rng.sample(range(4), 4)
        answers = [texts[k] for k in order]
        label = order.index(0)
        records.append(
            {"scene": row, "text": texts[0], "answers": answers, "label": label, "kind": 0}
        )
    return Items.collect("captions", ["caption"], records)


def _two_pairs(rng, state):
    """Two pairs of four different things, each in one of the four directions; None if none is."""
    for _ in range(TRIES):
        a, b, c, d = rng.sample(range(len(state)), 4)
        if state.relations[a][b] >= 0 and state.relations[c][d] >= 0:
            return (a, b), (c, d)
    return None


def make_expressions(world, seed, wording):
    """Expressions of each kind for each scene that allows them; the label is the region meant.

    One by name. By relation and by size there are two, which differ in the subject and in the
    region that is meant: who overlooks the subject is right in one of them at most.
    """
    rng, records = random.Random(seed), []
    for row, state in enumerate(world.states):
        for kind, name in enumerate(EXPRESSIONS):
            pattern = wording_of(rng, EXPRESSIONS[name], wording)
            for label, slots in _REFERENCES[name](rng, state):
                text = fill_pattern(pattern, state, **slots)
                # Its tags would give the meant region away where it is named.
                text = text if name != "name" else (text[0], [-1] * len(text[1]))
                records.append({"scene": row, "text": text, "label": label, "kind": kind})
    return Items.collect("expressions", EXPRESSIONS, records)


def _by_name(rng, state):
    region = rng.randrange(len(state))
    return [(region, {"a": region})]


def _by_relation(rng, state):
    """The thing left of the dog, where there is one only."""
    for d in rng.sample(range(4), 4):
        subjects = defaultdict(list)
        for s in range(len(state)):
            found = state.lying(d, s)
            if len(found) == 1:
                subjects[found[0]].append(s)
        if len(subjects) > 1:
            return _any_two(rng, subjects, r=DIRECTIONS[d])
    return []


def _by_size(rng, state):
    """The largest (smallest) thing left of the dog, of at least two."""
    for d, most in rng.sample(_MOSTS, len(_MOSTS)):
        subjects = defaultdict(list)
        for s in range(len(state)):
            order = sorted(state.lying(d, s), key=state.sizes.__getitem__)
            order = order if most == "smallest" else order[::-1]
            if len(order) > 1 and state.sizes[order[0]] != state.sizes[order[1]]:
                subjects[order[0]].append(s)
        if len(subjects) > 1:
            return _any_two(rng, subjects, most=most, r=DIRECTIONS[d])
    return []


_MOSTS = [(d, most) for d in range(4) for most in ("largest", "smallest")]


def _any_two(rng, subjects, **slots):
    """Two of the regions that can be meant, each with a subject by which it is meant."""
    regions = rng.sample(list(subjects), 2)
    return [(region, {**slots, "a": rng.choice(subjects[region])}) for region in regions]


_REFERENCES = {"name": _by_name, "relation": _by_relation, "size": _by_size}


def make_statements(world, seed, wording, careless=False):
    """A statement of two scenes of the same eleven objects for each scene, half of them true.

    First a statement; then a pair of which it is true and one of which it is false, and of every
    kind, in turns, the one and the other. So no text is true more often than false. Who is
    careless says what is true plainly (both, more, larger), and turns the words for what is false
    (only one, fewer, smaller).
    """
    rng, records, turns = random.Random(seed), [], Counter()
    lines = _scenes_of_lines(world.states)
    names = list(STATEMENTS)
    for row, state in enumerate(world.states):
        kind = row % len(names)
        propose, holds = _CLAIMS[names[kind]]
        rows, label = lines[state.line], turns[kind] % 2
        pairs = ((row, rng.choice(rows)) for _ in range(TRIES))
        claims = (propose(rng, *(world.states[i] for i in p)) for p in pairs if p[0] != p[1])
        slots = _first(c for c in claims if not careless or _suits(c, label))
        found = slots and [_pair(rng, world.states, rows, holds, slots, t) for t in (False, True)]
        if not found or None in found:
            continue
        turns[kind] += 1
        text = _tell(wording_of(rng, STATEMENTS[names[kind]], wording), slots)
        records.append({"scene": found[label], "text": text, "label": label, "kind": kind})
    return Items.collect("statements", names, records)


def _suits(slots, label):
    """Whether a claim is in plain words (label 1) or in turned ones (0); None is neither."""
    if slots is None:
        return False
    turned = slots.get("how") == 1 or slots.get("more") in ("fewer", "smaller")
    return "n" in slots or turned != bool(label)


def _scenes_of_lines(states):
    lines = defaultdict(list)
    for row, state in enumerate(states):
        lines[state.line].append(row)
    return lines


def _first(values):
    return next((value for value in values if value is not None), None)


def _pair(rng, states, rows, holds, slots, truth):
    """Two scenes of a line of which the statement is true, or is false; None if none is found."""
    for _ in range(TRIES):
        i, j = rng.sample(rows, 2) if len(rows) > 1 else rows * 2
        if i != j and holds(states[i], states[j], **slots) is truth:
            return i, j
    return None


def _tell(pattern, slots):
    """The text of slots that hold objects and words or numbers of the lists below."""
    words = {
        "how": lambda v: HOW[v],
        "r": lambda v: DIRECTIONS[v],
        "c": lambda v: CATEGORIES[v],
        "n": lambda v: NUMBERS[v],
        "more": lambda v: v,
        "a": lambda v: ("object", v),
        "b": lambda v: ("object", v),
    }
    return fill_pattern(pattern, **{key: words[key](value) for key, value in slots.items()})


def _propose_relation(rng, first, second):
    """A relation that holds of two objects of both scenes in both, or in one only."""
    shared = [o for o in first.objects if o in second.where]
    if len(shared) < 2:
        return None
    a, b = rng.sample(shared, 2)
    r, q = (_relation(state, a, b) for state in (first, second))
    if r < 0 or q < 0:
        return None
    return {"how": int(r != q), "r": rng.choice((r, q)), "a": a, "b": b}


def _relation(state, a, b):
    return state.relations[state.where[a]][state.where[b]]


def _relation_holds(first, second, how, r, a, b):
    """None where an object is missing or stands on a diagonal: then nobody should be asked."""
    if any(o not in state.where for o in (a, b) for state in (first, second)):
        return None
    found = [_relation(state, a, b) for state in (first, second)]
    return None if min(found) < 0 else found.count(r) == 2 - how


def _propose_number(rng, first, second):
    c = rng.randrange(len(CATEGORIES))
    more = rng.choice(("more", "fewer"))
    return {"more": more, "c": c} if _number_holds(first, second, more, c) else None


def _number_holds(first, second, more, c):
    n, m = (len(state.by_category[c]) for state in (first, second))
    return None if n == m else (n > m) == (more == "more")


def _propose_total(rng, first, second):
    c = rng.randrange(len(CATEGORIES))
    n = sum(len(state.by_category[c]) for state in (first, second))
    return {"n": n, "c": c} if 2 <= n < len(NUMBERS) else None


def _total_holds(first, second, n, c):
    return sum(len(state.by_category[c]) for state in (first, second)) == n


def _propose_existence(rng, first, second):
    a = rng.choice([*first.objects, *first.absent])
    number = sum(a in state.where for state in (first, second))
    return {"how": 2 - number, "a": a} if number else None


def _existence_holds(first, second, how, a):
    return sum(a in state.where for state in (first, second)) == 2 - how


def _propose_size(rng, first, second):
    a = rng.choice(first.objects)
    more = rng.choice(("larger", "smaller"))
    return {"more": more, "a": a} if _size_holds(first, second, more, a) else None


def _size_holds(first, second, more, a):
    if a not in first.where or a not in second.where:
        return None
    n, m = (state.sizes[state.where[a]] for state in (first, second))
    return None if n == m else (n > m) == (more == "larger")


_CLAIMS = {
    "relation": (_propose_relation, _relation_holds),
    "number": (_propose_number, _number_holds),
    "counting": (_propose_total, _total_holds),
    "existence": (_propose_existence, _existence_holds),
    "size": (_propose_size, _size_holds),
}


def make_entailment(world, seed, wording):
    """A hypothesis and a scene for each scene: entailment, neutral or contradiction.

    The picture shows a part of the world only. A hypothesis about two things that it shows is
    entailed or contradicted; one about a thing that it does not show is neutral, for that thing
    may be beyond the frame. The hypothesis is drawn first; then scenes of the same eleven objects
    where it holds, is open, and is false, and of every kind these three are taken by turns.
    """
    rng, records = random.Random(seed), []
    lines, names, turns = _scenes_of_lines(world.states), list(HYPOTHESES), Counter()
    for row, state in enumerate(world.states):
        kind = row % len(names)
        slots = _first(_hypothesis(rng, state, names[kind]) for _ in range(TRIES))
        found = slots and _scenes_by_verdict(rng, world.states, lines[state.line], slots)
        if not found:
            continue
        label = turns[kind] % 3
        turns[kind] += 1
        text = _tell(wording_of(rng, HYPOTHESES[names[kind]], wording), slots)
        records.append({"scene": found[label], "text": text, "label": label, "kind": kind})
    return Items.collect("entailment", names, records)


def _scenes_by_verdict(rng, states, rows, slots):
    """A scene of a line for each of the three verdicts; None if one is not found."""
    found = {}
    for _ in range(TRIES):
        row = rng.choice(rows)
        found.setdefault(_verdict(states[row], **slots), row)
        if all(verdict in found for verdict in range(3)):
            return found
    return None


def _hypothesis(rng, state, name):
    """Slots of something true of two things of a scene; None where these two do not do."""
    a, b = rng.sample(state.objects, 2)
    if name == "relation":
        r = _relation(state, a, b)
        return {"r": r, "a": a, "b": b} if r >= 0 else None
    more = rng.choice(("larger", "smaller"))
    slots = {"more": more, "a": a, "b": b}
    return slots if _verdict(state, **slots) == 0 else None


def _verdict(state, a, b, r=None, more=None):
    """0 entailment, 1 neutral, 2 contradiction; None where nobody should be asked."""
    if a not in state.where or b not in state.where:
        return 1
    if more is None:
        found = _relation(state, a, b)
        return None if found < 0 else 0 if found == r else 2
    n, m = (state.sizes[state.where[x]] for x in (a, b))
    return None if n == m else 0 if (n > m) == (more == "larger") else 2
