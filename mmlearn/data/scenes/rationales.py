"""Rationales that fit question and answer alike, so that only the picture tells which is right."""

from collections import defaultdict

from mmlearn.data.scenes.items import fill_pattern
from mmlearn.data.scenes.vocabulary import NUMBERS
from mmlearn.data.scenes.world import DIRECTIONS

__all__ = ["deal_rationales", "displacement", "place_of"]

DISPLACEMENT = (
    "it is {k} {columns} {r} the {a} and {m}",
    "it is {m} and {k} {columns} {r} the {a}",
)


def displacement(ask, state, right, subject, direction):
    """How far the answer is from the subject: (group, value, say it, values) for
    :func:`deal_rationales`.

    value = (k, m): k cells in the direction and m across it, where |m| < k, so that any of the
    values would make the answer right.
    """
    across = state.columns[right] - state.columns[subject]
    down = state.rows[right] - state.rows[subject]
    sideways = direction < 2
    value = (abs(across), down) if sideways else (abs(down), across)
    values = [(k, m) for k in range(1, ask.grid) for m in range(1 - k, k)]

    def because(value):
        return _apart(ask, state, subject, direction, *value)

    return ("relation", direction), value, because, values


def _apart(ask, state, subject, direction, k, m):
    sideways = direction < 2
    unit, other = ("column", "row") if sideways else ("row", "column")
    if m == 0:
        offset = f"in the same {other}"
    else:
        way = ("higher" if m < 0 else "lower") if sideways else f"to the {_side(m)}"
        offset = f"{_number(abs(m), other)} {way}"
    pattern = DISPLACEMENT[ask.wording == "unseen"]
    number, columns = _number(k, unit).split()
    slots = {"k": number, "columns": columns, "r": DIRECTIONS[direction], "m": offset}
    return fill_pattern(pattern, state, a=subject, **slots)


def _side(m):
    return "left" if m < 0 else "right"


def _number(k, unit):
    return f"{NUMBERS[k]} {unit}{'' if k == 1 else 's'}"


def place_of(ask, state, region, group, key, **slots):
    """The row and column, counted from one, where a thing is: for :func:`deal_rationales`.

    The thing is the one to look at, or one to tell apart, and the place says nothing of how many
    there are, of how large they are, nor of who is there.
    """

    def because(value):
        i, j = (NUMBERS[k + 1] for k in value)
        return ask.word(key, state, i=i, j=j, **slots)

    values = [(i, j) for i in range(ask.grid) for j in range(ask.grid)]
    return group, (state.rows[region], state.columns[region]), because, values


def deal_rationales(ask, records):
    """Give each record with "deal" = (group, value, say it, values) its four rationales.

    Within a group the records are put into sets of four with four different values: each takes
    the values of all four, and each value is right for one of them. So nothing in the texts says
    which one is right (the adversarial matching of VCR: an answer is right once and wrong three
    times). Only what is left over, fewer than four records or values that are too common for
    this, gets other values by chance.
    """
    groups = defaultdict(list)
    for record in records:
        if "deal" in record:
            groups[record["deal"][0]].append(record)
    for group in groups.values():
        ask.rng.shuffle(group)
        group.sort(key=lambda record: record["deal"][1])
        quarter = len(group) // 4
        for i in range(quarter):
            _share(ask, [group[i + k * quarter] for k in range(4)])
        _share(ask, group[4 * quarter :])


def _share(ask, records):
    """Rationales for up to four records from their own values, filled up by chance."""
    common = list(dict.fromkeys(record["deal"][1] for record in records))
    for record in records:
        _, value, because, values = record.pop("deal")
        wrong = [v for v in common if v != value]
        if len(wrong) < 3:
            spare = [v for v in values if v != value and v not in wrong]
            wrong += ask.rng.sample(spare, 3 - len(wrong))
        rationales, right = ask.one_of_four(because(value), [because(v) for v in wrong])
        record["rationales"], record["right_rationale"] = rationales, right
