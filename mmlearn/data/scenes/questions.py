"""Questions with four answers, and four rationales of the right answer, from what a scene holds."""

import random
from collections import Counter, defaultdict
from itertools import permutations, product

from mmlearn.data.scenes.items import Items, fill_pattern
from mmlearn.data.scenes.rationales import deal_rationales, displacement, places_of
from mmlearn.data.scenes.vocabulary import CATEGORIES, NUMBERS
from mmlearn.data.scenes.world import DIRECTIONS, LEVELS

__all__ = ["KINDS", "around", "make_questions", "wording_of"]

# Of each text: wordings of the training and validation scenes, and last the one of the test.
WORDINGS = {
    "relation": (
        "what is {r} the {a} ?",
        "which thing is {r} the {a} ?",
        "what can you see {r} the {a} ?",
        "which of these is {r} the {a} ?",
        "which thing can you see {r} the {a} ?",
    ),
    "two_steps": (
        "what is {q} the thing {r} the {a} ?",
        "which thing can you see {q} the thing {r} the {a} ?",
        "which of these is {q} the thing that is {r} the {a} ?",
        "which thing is {q} the one that is {r} the {a} ?",
        "what can you see {q} the thing that is {r} the {a} ?",
    ),
    "count": (
        "how many {c} are there ?",
        "how many {c} can you see ?",
        "how many of the things are {c} ?",
        "how many {c} can you see in the picture ?",
        "how many {c} are in the picture ?",
    ),
    "count_around": (
        "how many things are {r} the {a} ?",
        "how many things can you see {r} the {a} ?",
        "how many of these things are {r} the {a} ?",
        "how many can you see {r} the {a} ?",
        "how many things are there {r} the {a} ?",
    ),
    "extreme": (
        "which of these is the {most} ?",
        "what is the {most} of these ?",
        "what is the {most} thing of these ?",
        "which is the {most} ?",
        "which thing is the {most} of these ?",
    ),
    "same": (
        "which of these is as large as the {a} ?",
        "what is the same size as the {a} ?",
        "what is as large as the {a} ?",
        "which thing is the same size as the {a} ?",
        "which thing is as large as the {a} ?",
    ),
    "most": (
        "which of these are there most of ?",
        "what are there most of ?",
        "what can you see most of ?",
        "which things are there most of ?",
        "which of these can you see most of ?",
    ),
    "present": (
        "which of these is in the picture ?",
        "which of these can you see ?",
        "what can you see in the picture ?",
        "which thing is there ?",
        "which of these things is in the picture ?",
    ),
    "missing": (
        "which of these is not in the picture ?",
        "which of these can you not see ?",
        "what can you not see in the picture ?",
        "which thing is not there ?",
        "which of these things is not in the picture ?",
    ),
    "because_order": (
        "it is {more} than the {a} , then the {b} and then the {c}",
        "it is {more} than the {a} and then the {b} , then the {c}",
    ),
    "because_size": ("both are {level}", "they are both {level}"),
    "because_there": ("it is {r} the {a}", "you can see it {r} the {a}"),
    "because_others": ("the {b} is {r} the {a}", "you can see the {b} {r} the {a}"),
    "because_two_steps": (
        "the {t} is {r} the {a} and it is {q} the {t}",
        "it is {q} the {t} and the {t} is {r} the {a}",
    ),
}


def wording_of(rng, wordings, wording):
    """One of the seen wordings by chance, or the unseen one."""
    return wordings[-1] if wording == "unseen" else rng.choice(wordings[:-1])


class _Asker:
    """What the functions of the kinds share: chance, wording, and counts of what was asked."""

    def __init__(self, seed, wording, grid):
        self.rng, self.wording, self.grid = random.Random(seed), wording, grid
        self.asked = defaultdict(Counter)

    def word(self, key, state=None, **slots):
        return fill_pattern(wording_of(self.rng, WORDINGS[key], self.wording), state, **slots)

    def one_of_four(self, right, others):
        """The right text and three others in random order, and where the right one is."""
        others = list(others)
        at = self.rng.randrange(4)
        return [*others[:at], right, *others[at:]], at

    def is_due(self, group, value, values):
        """Whether a group of questions has had this answer about as seldom as any other."""
        asked = self.asked[group]
        return asked[value] <= min(asked[v] for v in values) + 1

    def is_common(self, group, value, share):
        """Whether more than a share of what a group was asked had this value."""
        asked = self.asked[group]
        return asked[value] > share * asked.total() + 2


def make_questions(world, kinds, seed, wording):
    """A question of each kind for each scene that allows it, as Items."""
    ask = _Asker(seed, wording, world.grid)
    records = []
    for row, state in enumerate(world.states):
        for kind, name in enumerate(kinds):
            templates = list(_TEMPLATES[name])
            ask.rng.shuffle(templates)
            for template in templates:
                record = template(ask, state)
                if record is not None:
                    records.append({**record, "scene": row, "kind": kind})
                    break
    deal_rationales(ask, records)
    return Items.collect("questions", kinds, records)


def _named(ask, state, text, right, others):
    """A record whose answers are the names of regions or ("object", o)."""
    answers, label = ask.one_of_four(
        fill_pattern("{x}", state, x=right), [fill_pattern("{x}", state, x=o) for o in others]
    )
    return {"text": text, "answers": answers, "label": label}


def _with_rationales(ask, record, right, others):
    record["rationales"], record["right_rationale"] = ask.one_of_four(right, others)
    return record


def _relation(ask, state):
    """What is left of the dog? One of four things of the scene is."""
    for s, direction in around(ask.rng, state):
        hits = state.lying(direction, s)
        if not hits:
            continue
        right = ask.rng.choice(hits)
        misses = [c for c in range(len(state)) if c != s and c not in hits]
        wrong, farthest = _three_wrong(ask, state, direction, right, misses)
        dealt = displacement(ask, state, right, s, direction)
        group, value, *_ = dealt
        # More than a quarter with one distance could not be dealt evenly to sets of four.
        if not wrong or ask.is_common(group, value, 0.24) or _is_easy(ask, "relation", farthest):
            continue
        ask.asked[group][value] += 1
        ask.asked["relation"][farthest] += 1
        text = ask.word("relation", state, r=DIRECTIONS[direction], a=s)
        return {**_named(ask, state, text, right, wrong), "deal": dealt}
    return None


def _three_wrong(ask, state, direction, right, misses):
    """Three wrong answers, and whether the right one is the farthest in the asked direction.

    Who overlooks the dog would choose what is farthest left. So where the scene has it, a wrong
    answer lies still farther left than the right one: far above or below the dog.
    """
    farther = [c for c in misses if state.farther(direction, c, right)]
    nearer = [c for c in misses if c not in farther]
    least, most = max(0, 3 - len(nearer)), min(3, len(farther))
    if least > most:
        return None, True
    count = ask.rng.randint(min(max(1, least), most), most)
    wrong = [*ask.rng.sample(farther, count), *ask.rng.sample(nearer, 3 - count)]
    return wrong, count == 0


def _is_easy(ask, kind, farthest):
    """Whether too many questions of the kind have the farthest thing as right answer already."""
    return farthest and ask.is_common(kind, True, 0.6)


def around(rng, state):
    """Every (region, direction) in random order."""
    around = [(s, d) for s in range(len(state)) for d in range(4)]
    rng.shuffle(around)
    return around


def _two_steps(ask, state):
    """What is above the thing left of the dog? One thing only is left of the dog."""
    rng = ask.rng
    only = [(s, r, found[0]) for s, r in around(rng, state) if len(found := state.lying(r, s)) == 1]
    for (s, r, t), q in product(only, rng.sample(range(4), 4)):
        others = [c for c in range(len(state)) if c not in (s, t)]
        hits = [c for c in others if state.relations[c][t] == q]
        misses = [c for c in others if state.relations[c][t] != q]
        if not hits:
            continue
        right = rng.choice(hits)
        wrong, farthest = _three_wrong(ask, state, q, right, misses)
        if not wrong or _is_easy(ask, "two_steps", farthest):
            continue
        ask.asked["two_steps"][farthest] += 1
        slots = {"q": DIRECTIONS[q], "r": DIRECTIONS[r], "a": s}
        text = ask.word("two_steps", state, **slots)
        record = _named(ask, state, text, right, wrong)
        instead = rng.sample([c for c in others if c != right], 3)
        because = [ask.word("because_two_steps", state, t=x, **slots) for x in (t, *instead)]
        return _with_rationales(ask, record, because[0], because[1:])
    return None


def _count(ask, state):
    """How many animals are there? One, two, three or four."""
    numbers = range(1, 5)
    options = [(c, len(regions)) for c, regions in enumerate(state.by_category)]
    ask.rng.shuffle(options)
    for category, number in options:
        if number in numbers and ask.is_due(("count", category), number, numbers):
            ask.asked["count", category][number] += 1
            text = ask.word("count", c=CATEGORIES[category])
            return _counted(ask, state, text, state.by_category[category], "columns")
    return None


def _count_around(ask, state):
    """How many things are left of the dog? One, two, three or four."""
    numbers = range(1, 5)
    for s, d in around(ask.rng, state):
        found = state.lying(d, s)
        if len(found) in numbers and ask.is_due(("around", d), len(found), numbers):
            ask.asked["around", d][len(found)] += 1
            text = ask.word("count_around", state, r=DIRECTIONS[d], a=s)
            # Columns would tell: what is left of something lies in the left ones.
            lines = "rows" if d < 2 else "columns"
            return _counted(ask, state, text, found, lines, d)
    return None


def _counted(ask, state, text, regions, lines, direction=None):
    right = len(regions)
    others = [fill_pattern(NUMBERS[k]) for k in range(1, 5) if k != right]
    ask.rng.shuffle(others)
    answers, label = ask.one_of_four(fill_pattern(NUMBERS[right]), others)
    dealt = places_of(ask, state, regions, lines, ("counting", right, direction))
    return {"text": text, "answers": answers, "label": label, "deal": dealt}


def _extreme(ask, state):
    """Which of these is the largest (smallest)? Four things of four different sizes."""
    rng, by_size = ask.rng, defaultdict(list)
    for i, size in enumerate(state.sizes):
        by_size[size].append(i)
    if len(by_size) < 4:
        return None
    largest = rng.random() < 0.5
    four = [rng.choice(by_size[s]) for s in sorted(rng.sample(sorted(by_size), 4), reverse=largest)]
    right, *rest = four
    text = ask.word("extreme", most="largest" if largest else "smallest")
    record = _named(ask, state, text, right, rng.sample(rest, 3))
    wrong = [order for order in permutations(rest) if list(order) != rest]
    orders = [rest, *rng.sample(wrong, 3)]
    more = "larger" if largest else "smaller"
    because = [ask.word("because_order", state, more=more, a=a, b=b, c=c) for a, b, c in orders]
    return _with_rationales(ask, record, because[0], because[1:])


def _same_size(ask, state):
    """Which of these is as large as the dog?"""
    rng = ask.rng
    subjects = list(range(len(state)))
    rng.shuffle(subjects)
    for s in subjects:
        same = [c for c in subjects if c != s and state.sizes[c] == state.sizes[s]]
        differ = [c for c in subjects if state.sizes[c] != state.sizes[s]]
        if not same or len(differ) < 3:
            continue
        text = ask.word("same", state, a=s)
        record = _named(ask, state, text, rng.choice(same), rng.sample(differ, 3))

        def because(level):
            return ask.word("because_size", level=LEVELS[level])

        return {**record, "deal": ("same", state.sizes[s], because, range(len(LEVELS)))}
    return None


def _most(ask, state):
    """Which of these are there most of: animals, foods, tools or clothes?"""
    rng = ask.rng
    counts = [len(regions) for regions in state.by_category]
    rights = list(range(len(CATEGORIES)))
    rng.shuffle(rights)
    for right in rights:
        fewer = [c for c in rights if counts[c] < counts[right]]
        if len(fewer) < 3 or not ask.is_due("most", right, rights):
            continue
        ask.asked["most"][right] += 1
        answers, label = ask.one_of_four(
            fill_pattern(CATEGORIES[right]),
            [fill_pattern(CATEGORIES[c]) for c in rng.sample(fewer, 3)],
        )
        dealt = places_of(ask, state, state.by_category[right], "columns", ("most",))
        return {"text": ask.word("most"), "answers": answers, "label": label, "deal": dealt}
    return None


def _present(ask, state):
    """Which of these is in the picture? The absent ones belong to the same eleven objects."""
    rng = ask.rng
    if len(state.absent) < 3:
        return None
    pair = _pair_in_line(rng, state, range(len(state)))
    if pair is None:
        return None
    right, other = pair
    absent = [("object", o) for o in rng.sample(state.absent, 3)]
    shown = ("object", state.objects[right])  # a tag would give it away
    record = _named(ask, state, ask.word("present"), shown, absent)
    return _in_a_direction(ask, state, record, "because_there", right, other)


def _missing(ask, state):
    """Which of these is not in the picture?"""
    rng = ask.rng
    if not state.absent:
        return None
    shown = rng.sample(range(len(state)), 3)
    pair = _pair_in_line(rng, state, shown)
    if pair is None:
        return None
    named = [("object", state.objects[i]) for i in shown]
    right = ("object", rng.choice(state.absent))
    record = _named(ask, state, ask.word("missing"), right, named)
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
    ask.rng.shuffle(wrong := because[1:])
    return _with_rationales(ask, record, because[0], wrong)


_TEMPLATES = {
    "relation": (_relation,),
    "two_steps": (_two_steps,),
    "counting": (_count, _count_around),
    "comparison": (_extreme, _same_size, _most),
    "existence": (_present, _missing),
}
KINDS = tuple(_TEMPLATES)
