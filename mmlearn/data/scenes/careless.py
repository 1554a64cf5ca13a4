"""Questions as one writes them without thinking: each kind can be solved by a shortcut.

For the lesson on shortcuts, ``load_scenes(..., careless=True)``. The texts are true, and one
answer of four is right; but

- "relation": the right rationale repeats the thing that the question names, as in VCR; wrong ones
  name others. And the thing farthest in the asked direction is right in most.
- "two_steps": one thing only lies in the first direction, so what is farthest in both directions
  is right; rationales do not name the right answer as the middle thing.
- "counting": rationales list as many places as there are things.
- "comparison": rationales name the three wrong answers; what is most, is most without a question.
- "existence": three of the four answers are in the picture and one is not, or the reverse.
"""

from collections import defaultdict
from itertools import combinations_with_replacement, permutations

from mmlearn.data.scenes.asking import around, named
from mmlearn.data.scenes.items import fill_pattern
from mmlearn.data.scenes.vocabulary import CATEGORIES, NUMBERS
from mmlearn.data.scenes.world import DIRECTIONS

__all__ = ["CARELESS"]


def _with_rationales(ask, record, right, others):
    record["rationales"], record["right_rationale"] = ask.one_of_four(right, others)
    return record


def _relation(ask, state):
    """What is left of the dog? The right rationale names the dog again."""
    for s, direction in around(ask.rng, state):
        hits = state.lying(direction, s)
        misses = [c for c in range(len(state)) if c != s and c not in hits]
        if not hits or len(misses) < 3:
            continue
        right = ask.rng.choice(hits)
        text = ask.word("relation", state, r=DIRECTIONS[direction], a=s)
        record = named(ask, state, text, right, ask.rng.sample(misses, 3))
        others = ask.rng.sample([c for c in range(len(state)) if c not in (s, right)], 3)
        d = DIRECTIONS
        because = [
            ask.word("because_there", state, r=d[k], a=a)
            for a, k in ((s, direction), *((c, _not_there(ask, state, right, c)) for c in others))
        ]
        return _with_rationales(ask, record, because[0], because[1:])
    return None


def _not_there(ask, state, i, j):
    """A direction in which i does not lie from j."""
    return ask.rng.choice([d for d in range(4) if d != state.relations[i][j]])


def _two_steps(ask, state):
    """What is above the thing left of the dog? One thing only is left of the dog."""
    rng = ask.rng
    for s, r in around(rng, state):
        found = state.lying(r, s)
        if len(found) != 1:
            continue
        t, q = found[0], rng.randrange(4)
        others = [c for c in range(len(state)) if c not in (s, t)]
        hits = [c for c in others if state.relations[c][t] == q]
        misses = [c for c in others if state.relations[c][t] != q]
        if not hits or len(misses) < 3:
            continue
        right = rng.choice(hits)
        slots = {"q": DIRECTIONS[q], "r": DIRECTIONS[r], "a": s}
        text = ask.word("careless_two_steps", state, **slots)
        record = named(ask, state, text, right, rng.sample(misses, 3))
        instead = rng.sample([c for c in others if c != right], 3)
        because = [ask.word("because_two_steps", state, t=x, **slots) for x in (t, *instead)]
        return _with_rationales(ask, record, because[0], because[1:])
    return None


def _count(ask, state):
    """How many animals are there? One, two, three or four."""
    options = [(c, found) for c, found in enumerate(state.by_category) if 1 <= len(found) <= 4]
    if not options:
        return None
    category, found = ask.rng.choice(options)
    return _counted(ask, state, ask.word("count", c=CATEGORIES[category]), found)


def _count_around(ask, state):
    """How many things are left of the dog? One, two, three or four."""
    for s, d in around(ask.rng, state):
        found = state.lying(d, s)
        if 1 <= len(found) <= 4:
            text = ask.word("count_around", state, r=DIRECTIONS[d], a=s)
            return _counted(ask, state, text, found)
    return None


def _counted(ask, state, text, found):
    others = [fill_pattern(NUMBERS[k]) for k in range(1, 5) if k != len(found)]
    answers, label = ask.one_of_four(fill_pattern(NUMBERS[len(found)]), others)
    return _in_columns(ask, state, {"text": text, "answers": answers, "label": label}, found)


def _in_columns(ask, state, record, found):
    """Four lists of as many columns as there are things."""
    right = tuple(sorted(state.columns[i] for i in found))
    values = list(combinations_with_replacement(range(ask.grid), len(right)))
    wrong = ask.rng.sample([v for v in values if v != right], 3)
    because = [_columns(ask, v) for v in (right, *wrong)]
    return _with_rationales(ask, record, because[0], because[1:])


def _columns(ask, value):
    *before, last = (NUMBERS[c + 1] for c in value)
    listed = f"{' , '.join(before)} and {last}" if before else last
    it, columns = ("they are", "columns") if before else ("it is", "column")
    return ask.word("because_columns", it=it, columns=columns, list=listed)


def _extreme(ask, state):
    """Which of these is the largest (smallest)? The rationale names the three others."""
    rng, by_size = ask.rng, defaultdict(list)
    for i, size in enumerate(state.sizes):
        by_size[size].append(i)
    if len(by_size) < 4:
        return None
    largest = rng.random() < 0.5
    four = [rng.choice(by_size[s]) for s in sorted(rng.sample(sorted(by_size), 4), reverse=largest)]
    right, *rest = four
    text = ask.word("rank", most="largest" if largest else "smallest")
    record = named(ask, state, text, right, rest)
    wrong = [order for order in permutations(rest) if list(order) != rest]
    orders = [rest, *rng.sample(wrong, 3)]
    more = "larger" if largest else "smaller"
    because = [ask.word("because_order", state, more=more, a=a, b=b, c=c) for a, b, c in orders]
    return _with_rationales(ask, record, because[0], because[1:])


def _most(ask, state):
    """Which of these are there most of: animals, foods, tools or clothes?"""
    counts = [len(regions) for regions in state.by_category]
    right = max(range(len(CATEGORIES)), key=counts.__getitem__)
    fewer = [c for c in range(len(CATEGORIES)) if counts[c] < counts[right]]
    if len(fewer) < 3:
        return None
    wrong = [fill_pattern(CATEGORIES[c]) for c in ask.rng.sample(fewer, 3)]
    answers, label = ask.one_of_four(fill_pattern(CATEGORIES[right]), wrong)
    record = {"text": ask.word("most"), "answers": answers, "label": label}
    return _in_columns(ask, state, record, state.by_category[right])


def _present(ask, state):
    """Which of these is in the picture? The absent ones belong to the same eleven objects."""
    rng = ask.rng
    pair = _pair_in_line(rng, state, range(len(state)))
    if len(state.absent) < 3 or pair is None:
        return None
    right, other = pair
    absent = [("object", o) for o in rng.sample(state.absent, 3)]
    shown = ("object", state.objects[right])  # a tag would give it away
    record = named(ask, state, ask.word("present"), shown, absent)
    return _in_a_direction(ask, state, record, "because_there", right, other)


def _missing(ask, state):
    """Which of these is not in the picture?"""
    rng = ask.rng
    shown = rng.sample(range(len(state)), 3)
    pair = _pair_in_line(rng, state, shown)
    if pair is None:
        return None
    shown = [("object", state.objects[i]) for i in shown]
    right = ("object", rng.choice(state.absent))
    record = named(ask, state, ask.word("missing"), right, shown)
    return _in_a_direction(ask, state, record, "because_others", *pair)


def _pair_in_line(rng, state, regions):
    """Two of the regions that lie in one of the four directions from each other, or None."""
    pairs = [(i, j) for i in regions for j in regions if state.relations[i][j] >= 0]
    return rng.choice(pairs) if pairs else None


def _in_a_direction(ask, state, record, key, i, j):
    """Four rationales: i lies in each of the directions from j."""
    right = state.relations[i][j]
    directions = [right, *(d for d in range(4) if d != right)]
    because = [ask.word(key, state, r=DIRECTIONS[d], a=j, b=i) for d in directions]
    return _with_rationales(ask, record, because[0], because[1:])


CARELESS = {
    "relation": (_relation,),
    "two_steps": (_two_steps,),
    "counting": (_count, _count_around),
    "comparison": (_extreme, _most),
    "existence": (_present, _missing),
}
