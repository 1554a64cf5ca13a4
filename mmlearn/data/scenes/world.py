"""What is in a scene and where: placing objects on a grid, and how they lie to each other."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mmlearn.data.scenes.vocabulary import CATEGORIES, CATEGORY, NAMES

__all__ = [
    "CELL",
    "DIRECTIONS",
    "LEVELS",
    "SIDES",
    "SPLITS",
    "World",
    "lines",
    "place",
    "relation_between",
]

CELL = 80  # pixels a cell
SIDES = (28, 36, 44, 52, 60)  # of an object, by size level, in pixels
LEVELS = ("tiny", "small", "medium", "large", "huge")
JITTER = 9  # pixels: two neighbours of 60 keep 2 between them; |dx| - |dy| of a diagonal stays < .5
DIRECTIONS = ("left of", "right of", "above", "below")
PRIME = 11  # 11 x 11 objects; 11 objects a line
SPLITS = {"train": range(8), "validation": range(8, 10), "test": range(10, 12)}


def lines(split):
    """Sets of 11 objects (k, 11) from which the scenes of a split are drawn.

    The 121 objects are the points of the affine plane of order 11. Two points lie on exactly one
    of its 132 lines; the lines fall into 12 classes of 11 parallel ones, and a class holds every
    object once. A split owns whole classes (8, 2 and 2). Hence no two objects that meet in one
    split ever meet in another, and every object is equally frequent in each.

    >>> lines("train").shape, lines("test").shape
    ((88, 11), (22, 11))
    """
    # A fixed shuffle, so that categories mix on a line.
    point = np.random.default_rng(PRIME).permutation(len(NAMES)).reshape(PRIME, PRIME)
    x, shift = np.arange(PRIME), np.arange(PRIME)[:, None]
    found = [
        point[x, (slope * x + shift) % PRIME] if slope < PRIME else point for slope in SPLITS[split]
    ]
    return np.concatenate(found)


def relation_between(down, across):
    """Index into DIRECTIONS of what lies `down` rows below and `across` columns right, or -1.

    >>> relation_between(np.array([0, -2, 1]), np.array([-1, 1, 1]))
    array([ 0,  2, -1])
    """
    sideways = np.where(across < 0, 0, 1)
    upright = np.where(down < 0, 2, 3)
    wide, high = abs(across), abs(down)
    return np.where(wide == high, -1, np.where(wide > high, sideways, upright))


@dataclass(eq=False)
class World:
    """The state of n scenes of at most R objects; padding is -1, in `boxes` 0.

    objects (n, R): indices into NAMES; sizes (n, R): levels; rows, columns (n, R): cells;
    corners (n, R, 2): left and top in pixels; line (n,): the set of objects drawn from;
    members (lines, 11): these sets; grid: cells a side.
    """

    objects: np.ndarray
    sizes: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    corners: np.ndarray
    line: np.ndarray
    members: np.ndarray
    grid: int

    @cached_property
    def boxes(self):
        """(n, R, 5) float32: x1, y1, x2, y2 and area as shares of the canvas."""
        side = np.where(self.sizes >= 0, np.array(SIDES)[self.sizes], 0)[..., None]
        corners = np.concatenate([self.corners, self.corners + side], -1) / (CELL * self.grid)
        area = (corners[..., 2:3] - corners[..., :1]) * (corners[..., 3:] - corners[..., 1:2])
        there = self.objects[..., None] >= 0
        return np.where(there, np.concatenate([corners, area], -1), 0).astype(np.float32)

    @cached_property
    def relations(self):
        """(n, R, R): index into DIRECTIONS of where i lies from j, or -1.

        i is left of j when it lies further to the left of j than above or below it, counted in
        cells; likewise the others. On a diagonal neither holds.
        """
        down = self.rows[:, :, None] - self.rows[:, None]
        across = self.columns[:, :, None] - self.columns[:, None]
        there = self.objects >= 0
        return np.where(there[:, :, None] & there[:, None], relation_between(down, across), -1)

    @cached_property
    def states(self):
        """The scenes as plain lists, which are quick to read one by one."""
        counts = (self.objects >= 0).sum(axis=1).tolist()
        arrays = (self.objects, self.sizes, self.rows, self.columns, self.relations)
        lists = [a.tolist() for a in arrays]
        return [
            State(*(a[i][:k] for a in lists), self.members[self.line[i]].tolist(), int(line))
            for i, (k, line) in enumerate(zip(counts, self.line, strict=True))
        ]


class State:
    """One scene as plain lists; `where` maps an object to its region.

    `lie[direction][j]` has bit i set where region i lies in the direction from region j.
    """

    def __init__(self, objects, sizes, rows, columns, relations, members, line):
        self.objects, self.sizes, self.rows, self.columns = objects, sizes, rows, columns
        self.relations, self.line = relations, line
        self.where = {o: i for i, o in enumerate(objects)}
        self.absent = [o for o in members if o not in self.where]
        self.categories = [CATEGORY[o] for o in objects]
        self.by_category = [
            [i for i, c in enumerate(self.categories) if c == k] for k in range(len(CATEGORIES))
        ]

    @cached_property
    def lie(self):
        found = [[0] * len(self) for _ in DIRECTIONS]
        for i, row in enumerate(self.relations):
            for j, direction in enumerate(row[: len(self)]):
                if direction >= 0:
                    found[direction][j] |= 1 << i
        return found

    def __len__(self):
        return len(self.objects)

    def lying(self, direction, j):
        """The regions that lie in a direction from region j."""
        return [i for i, row in enumerate(self.relations) if row[j] == direction]


def place(rng, n, low, high, grid, split):
    """Draw a World of n scenes with `low` to `high` objects each.

    Scene, objects, cells, size levels and jitter are independent and uniform. A line is used by
    at least 16 scenes, so that sentences find scenes with the same objects; few scenes use few.
    """
    members = lines(split)
    members = members[rng.permutation(len(members))[: max(1, n // 16)]]
    line = rng.permutation(np.arange(n) % len(members))
    count = rng.integers(low, high + 1, size=n)
    there = np.arange(high) < count[:, None]
    order = rng.random((n, PRIME)).argsort(axis=1)[:, :high]
    cells = rng.random((n, grid**2)).argsort(axis=1)[:, :high]
    sizes = rng.integers(len(SIDES), size=(n, high))
    jitter = rng.integers(-JITTER, JITTER + 1, size=(n, high, 2))
    rows, columns = cells // grid, cells % grid
    centres = np.stack([columns, rows], axis=-1) * CELL + CELL // 2 + jitter
    corners = centres - np.array(SIDES)[sizes][..., None] // 2
    padded = [np.where(there, a, -1) for a in (members[line[:, None], order], sizes, rows, columns)]
    return World(*padded, np.where(there[..., None], corners, 0), line, members, grid)
