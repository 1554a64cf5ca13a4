"""What the makers of questions share: chance, wording, and counts of what was asked."""

import random
from collections import Counter, defaultdict

from mmlearn.data.scenes.items import fill_pattern
from mmlearn.data.scenes.wordings import WORDINGS, wording_of

__all__ = ["Asker", "around", "named", "one_alone"]


class Asker:
    """Chance, wording, and counts of what was asked; `grid` cells a side."""

    def __init__(self, seed, wording, grid):
        self.rng, self.wording, self.grid = random.Random(seed), wording, grid
        self.asked = defaultdict(Counter)

    def word(self, key, state=None, **slots):
        return fill_pattern(wording_of(self.rng, WORDINGS[key], self.wording), state, **slots)

    def one_of_four(self, right, others):
        """The right text and three others in random order, and where the right one is."""
        choices = [right, *others]
        order = self.rng.sample(range(4), 4)
        return [choices[k] for k in order], order.index(0)

    def is_common(self, group, value, share):
        """Whether more than a share of what a group was asked had this value."""
        asked = self.asked[group]
        return asked[value] > share * asked.total() + 2


def named(ask, state, text, right, others):
    """A record whose answers are the names of regions or ("object", o)."""
    answers, label = ask.one_of_four(
        fill_pattern("{x}", state, x=right), [fill_pattern("{x}", state, x=o) for o in others]
    )
    return {"text": text, "answers": answers, "label": label}


def around(rng, state):
    """Every (region, direction) in random order."""
    pairs = [(s, d) for s in range(len(state)) for d in range(4)]
    rng.shuffle(pairs)
    return pairs


def one_alone(state, direction, subject, among):
    """The one of `among` that lies in a direction from the subject; None if none or several do."""
    found = [i for i in among if state.relations[i][subject] == direction]
    return found[0] if len(found) == 1 else None
