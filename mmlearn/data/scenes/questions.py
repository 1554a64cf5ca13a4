"""Questions with four answers, and four rationales of the right answer, from what a scene holds.

One rule holds for every kind: first the picture and the four answers, then what is asked, drawn
so that another question would make another of them right.
"""

from collections import defaultdict
from functools import cache

from mmlearn.data.scenes.asking import Asker, around, named, one_alone
from mmlearn.data.scenes.careless import CARELESS
from mmlearn.data.scenes.items import Items, fill_pattern
from mmlearn.data.scenes.rationales import deal_rationales, displacement, place_of
from mmlearn.data.scenes.vocabulary import CATEGORIES, NUMBERS
from mmlearn.data.scenes.world import DIRECTIONS, relation_between

__all__ = ["KINDS", "make_questions"]

TRIES = 60  # draws of a question before the scene goes without
COUNTS = range(4)  # what is counted, and the four answers
RANKS = ("largest", "second largest", "second smallest", "smallest")
SEEN = ("both", "only the first", "only the second", "not one")
# Of subjects next to the answer so many are kept: else next to it would be where answers are.
BESIDE = 0.4


def make_questions(world, kinds, seed, wording, careless=False):
    """A question of each kind for each scene that allows it, as Items."""
    ask = Asker(seed, wording, world.grid)
    makers, records = CARELESS if careless else _MAKERS, []
    for row, state in enumerate(world.states):
        for kind, name in enumerate(kinds):
            order = makers[name]  # rarer ones first, by chance where there is no care
            order = ask.rng.sample(order, len(order)) if careless else order
            record = next(filter(None, (make(ask, state) for make in order)), None)
            if record is not None:
                records.append({**record, "scene": row, "kind": kind})
    deal_rationales(ask, records)
    return Items.collect("questions", kinds, records)


def _relation(ask, state):
    """What is left of the dog? One of four things of the scene is."""
    draw = _from_many_subjects if len(state) > 5 else _from_many_places
    found = draw(ask, state)
    if found is None:
        return None
    s, direction, right, four = found
    deal = displacement(ask, state, right, s, direction)
    group, value, *_ = deal
    ask.asked[group][value] += 1
    text = ask.word("relation", state, r=DIRECTIONS[direction], a=s)
    return {**named(ask, state, text, right, [i for i in four if i != right]), "deal": deal}


def _may_ask(ask, state, right, subject, direction):
    """Whether this distance is not too common: over a quarter could not be dealt out evenly."""
    group, value, *_ = displacement(ask, state, right, subject, direction)
    return not ask.is_common(group, value, 0.24)


def _from_many_subjects(ask, state):
    """(subject, direction, right, four), where other subjects make others of the four right.

    Whatever the direction, some other subject makes another of the four right. All that a subject
    and a direction make right are drawn equally often: three or four, or else two of them.
    """
    rng, second = ask.rng, None
    for _ in range(TRIES):
        order = rng.sample(range(len(state)), len(state))
        four, asked = order[:4], defaultdict(list)
        among = sum(1 << i for i in four)
        for direction in range(4):
            hits = [(state.lie[direction][s] & among, s) for s in order[4:]]
            alone = [(hit, s) for hit, s in hits if hit and not hit & (hit - 1)]
            if len({hit for hit, _ in alone}) > 1:
                for hit, s in alone:
                    asked[hit.bit_length() - 1].append((s, direction))
        if len(asked) < (2 if second is None else 3):
            continue
        right = rng.choice(list(asked))
        s, direction = rng.choice(asked[right])
        if _may_ask(ask, state, right, s, direction):
            second = s, direction, right, four
            if len(asked) > 2:
                return second
    return second


def _from_many_places(ask, state):
    """The same for five things, where the subject is the fifth and cannot be another.

    Another of the four would be right if the subject stood elsewhere. A draw is kept so often
    that all that could be right are right equally often.
    """
    rng = ask.rng
    for _ in range(TRIES):
        s, *four = rng.sample(range(len(state)), 5)
        direction = rng.randrange(4)
        right = one_alone(state, direction, s, four)
        if right is None or rng.random() > _weight(state, right, s):
            continue
        places = _places(ask.grid, state, direction, four)
        possible = [n for n in places if n]
        share = min(possible) / places[four.index(right)]
        if len(possible) > 1 and rng.random() < share and _may_ask(ask, state, right, s, direction):
            return s, direction, right, four
    return None


def _weight(state, i, j):
    apart = abs(state.rows[i] - state.rows[j]) + abs(state.columns[i] - state.columns[j])
    return BESIDE if apart == 1 else 1


def _places(grid, state, direction, four):
    """For each of the four, how many free cells there are from which it alone lies there."""
    cells = [state.rows[i] * grid + state.columns[i] for i in four]
    free = ~sum(1 << c for c in cells)
    wide, beside = _seen_from(grid)
    found = []
    for c in cells:
        others = 0
        for other in cells:
            others |= wide[direction][other] if other != c else 0
        alone = wide[direction][c] & ~others & free
        near = (alone & beside[direction][c]).bit_count()
        found.append(alone.bit_count() - (1 - BESIDE) * near)
    return found


@cache
def _seen_from(grid):
    """[direction][cell]: the cells, as bits, from which that cell lies in that direction.

    All of them, and those next to it.
    """
    places = [(cell // grid, cell % grid) for cell in range(grid**2)]
    wide, beside = ([[0] * grid**2 for _ in DIRECTIONS] for _ in range(2))
    for i, (row, column) in enumerate(places):
        for j, (r, c) in enumerate(places):
            direction = relation_between(row - r, column - c)
            if direction >= 0:
                wide[direction][i] |= 1 << j
                beside[direction][i] |= (abs(row - r) + abs(column - c) == 1) << j
    return wide, beside


def _two_steps(ask, state):
    """What is above the largest thing left of the dog? Something else is above the smallest.

    Both are among the four answers, and either may be asked. So who knows the dog and both
    directions, but does not compare sizes, has two answers left.
    """
    for s, r in around(ask.rng, state):
        ends = _both_ends(state, state.lying(r, s))
        tries = ends and (
            (q, _answers_from_either(ask, state, s, q, ends)) for q in ask.rng.sample(range(4), 4)
        )
        q, answers = next((found for found in tries or () if found[1]), (None, None))
        if answers is None:
            continue
        k = ask.rng.randrange(2)
        slots = {"most": ("smallest", "largest")[k], "r": DIRECTIONS[r], "a": s}
        right, other, *rest = answers if k == 0 else (answers[1], answers[0], *answers[2:])
        text = ask.word("two_steps", state, q=DIRECTIONS[q], **slots)
        deal = place_of(ask, state, ends[k], ("two_steps", r, q), "because_middle", **slots)
        return {**named(ask, state, text, right, [other, *rest]), "deal": deal}
    return None


def _both_ends(state, regions):
    """The smallest and the largest of the regions, if both are single."""
    order = sorted(regions, key=state.sizes.__getitem__)
    sizes = [state.sizes[i] for i in order]
    if len(order) < 2 or sizes[0] == sizes[1] or sizes[-1] == sizes[-2]:
        return None
    return order[0], order[-1]


def _answers_from_either(ask, state, subject, direction, ends):
    """What lies in a direction from the one only, from the other only, and two from neither."""
    kinds = defaultdict(list)
    for i in range(len(state)):
        if i != subject:
            kinds[tuple(state.relations[i][t] == direction for t in ends)].append(i)
    first, second, rest = kinds[True, False], kinds[False, True], kinds[False, False]
    if not first or not second or len(rest) < 2:
        return None
    return ask.rng.choice(first), ask.rng.choice(second), *ask.rng.sample(rest, 2)


def _count(ask, state):
    """How many animals are there? None, one, two or three, and each of some category."""
    categories = {n: [] for n in COUNTS}
    for c, regions in enumerate(state.by_category):
        if len(regions) in categories:
            categories[len(regions)].append(c)
    if not all(categories.values()) or not _evens_out(ask, categories):
        return None
    number = ask.rng.choice(COUNTS)
    category = ask.rng.choice(categories[number])
    other = ask.rng.choice([i for i, c in enumerate(state.categories) if c != category])
    deal = place_of(ask, state, other, ("count", category), "because_other", b=other)
    return _counted(ask, ask.word("count", c=CATEGORIES[category]), number, deal)


def _evens_out(ask, categories):
    """Whether a scene makes the categories more alike in how often each number is asked of them.

    There are more animals than clothes among the objects. The scene is taken or left before the
    number is drawn, so within a scene each stays as likely as another.
    """
    asked, excess = ask.asked["count"], 0
    for number, found in categories.items():
        fair = sum(asked[c, number] for c in range(len(CATEGORIES))) / len(CATEGORIES)
        excess += sum(asked[c, number] - fair for c in found) / len(found)
    if excess > 0:
        return False
    for number, found in categories.items():
        for c in found:
            asked[c, number] += 1 / len(found)
    return True


def _count_around(ask, state):
    """How many things are left of the dog? None, one, two or three, and each of some subject."""
    for direction in ask.rng.sample(range(4), 4):
        subjects = {n: [] for n in COUNTS}
        for s in range(len(state)):
            number = len(state.lying(direction, s))
            if number in subjects:
                subjects[number].append(s)
        if not all(subjects.values()):
            continue
        number = ask.rng.choice(COUNTS)
        s = ask.rng.choice(subjects[number])
        text = ask.word("count_around", state, r=DIRECTIONS[direction], a=s)
        counted = state.lying(direction, s)
        other = ask.rng.choice([i for i in range(len(state)) if i != s and i not in counted])
        deal = place_of(ask, state, other, ("around", direction), "because_other", b=other)
        return _counted(ask, text, number, deal)
    return None


def _counted(ask, text, number, deal):
    wrong = [fill_pattern(NUMBERS[n]) for n in COUNTS if n != number]
    answers, label = ask.one_of_four(fill_pattern(NUMBERS[number]), wrong)
    return {"text": text, "answers": answers, "label": label, "deal": deal}


def _rank(ask, state):
    """Which of these is the second largest? Four things of the two largest and two smallest sizes.

    So the picture alone says which size is asked for, whatever the other answers are.
    """
    rng, by_size = ask.rng, defaultdict(list)
    for i, size in enumerate(state.sizes):
        by_size[size].append(i)
    if len(by_size) < 4:
        return None
    levels = sorted(by_size, reverse=True)
    levels = levels[:2] + levels[-2:]
    four, rank = [rng.choice(by_size[size]) for size in levels], rng.randrange(4)
    right = four.pop(rank)
    text = ask.word("rank", most=RANKS[rank])
    deal = place_of(ask, state, right, ("rank",), "because_it")
    return {**named(ask, state, text, right, four), "deal": deal}


def _existence(ask, state):
    """Are the dog and the fox in the picture? Both, only the first, only the second, not one."""
    rng = ask.rng
    if len(state.absent) < 2:
        return None
    present, absent = (rng.sample(objects, 2) for objects in (state.objects, state.absent))
    case = rng.randrange(4)
    a = present[0] if case in (0, 1) else absent[0]
    b = present[1] if case in (0, 2) else absent[1]
    answers = [fill_pattern(text) for text in SEEN]
    right = answers.pop(case)
    choices, label = ask.one_of_four(right, answers)
    # Without tags, which would tell who is there.
    text = ask.word("existence", a=("object", a), b=("object", b))
    other = rng.choice([i for i, o in enumerate(state.objects) if o not in (a, b)])
    deal = place_of(ask, state, other, ("existence",), "because_other", b=other)
    return {"text": text, "answers": choices, "label": label, "deal": deal}


_MAKERS = {
    "relation": (_relation,),
    "two_steps": (_two_steps,),
    "counting": (_count, _count_around),
    "comparison": (_rank,),
    "existence": (_existence,),
}
KINDS = tuple(_MAKERS)
