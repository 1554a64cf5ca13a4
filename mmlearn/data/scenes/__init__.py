"""Scenes of real emoji on a canvas, with texts derived from what is known to be in them.

The world is small and its rules are known, so that grounding can be measured: a model that does
not look at the picture, or only at the answers, stays at chance.
"""

from functools import cached_property

import numpy as np
from PIL import Image

from mmlearn.data.emoji import load_emoji
from mmlearn.data.scenes.items import Items
from mmlearn.data.scenes.questions import KINDS, make_questions
from mmlearn.data.scenes.statements import (
    make_captions,
    make_entailment,
    make_expressions,
    make_statements,
)
from mmlearn.data.scenes.vocabulary import NAMES, WORDS, decode, encode, join
from mmlearn.data.scenes.world import CELL, PRIME, SIDES, SPLITS, place

__all__ = ["KINDS", "NAMES", "WORDS", "Items", "Scenes", "decode", "encode", "join", "load_scenes"]

TASKS = ("questions", "captions", "expressions", "statements", "entailment")
NEEDED = {kind: 6 if kind == "two_steps" else 5 for kind in KINDS}  # objects a scene
PICTURE = 64  # pixels at which the emoji are drawn before they get their size


def load_scenes(
    n_scenes=10_000,
    seed=0,
    split="train",
    n_objects=(6, 8),
    kinds=None,
    grid=5,
    wording=None,
    careless=False,
):
    """Scenes of emoji, each with captions, questions, answers and rationales, and statements.

    A scene holds different objects of 121 (emoji in five categories) in cells of a grid, moved a
    little, at five sizes, without overlap. The texts follow from where everything is:

    - `questions` of five kinds, four answers each and four rationales of the right one:
      "relation" (what is left of the dog?), "two_steps" (what is above the largest thing left of
      the dog?), "counting" (of a category, or of things around one: zero to three), "comparison"
      (which of these is the largest, the second largest, ...?) and "existence" (are the dog and
      the fox in the picture? both, only the first, only the second, not one). A rationale says how
      far the answer of "relation" is from its subject, or in which row and column something
      stands: the answer, the thing of the first step, or one that is not counted, not asked for.
    - `captions`: two relations a scene, among the four with each relation right or wrong.
    - `expressions`: by name; and two each of "the thing left of the dog" and of "the largest thing
      below the fox", which differ in the subject and in the thing that is meant.
    - `statements`, true or false of two scenes (as in NLVR2), and `entailment`: a hypothesis that
      a scene entails, leaves open or contradicts (as in SNLI-VE).

    Left of: further left than above or below, counted in cells; likewise right of, above and
    below. On a diagonal neither holds. Boxes alone decide it: |dx| and |dy| of two centres differ
    by less than half a cell only on a diagonal.

    **What is held out.** The 121 objects are the points of the affine plane of order 11, and a
    scene draws its objects, and the absent ones that its texts name, from one of the plane's 132
    lines of eleven. Train, validation and test own different lines, and two points share a single
    line. Hence no two objects that occur together in a scene, a question with its answers, a
    rationale or a statement of one split ever do in another: no scene and no pair of objects is
    shared, whatever the relation and its order. Each object alone is equally frequent in all. The
    test's sentence patterns are its own as well (`wording`), built of words known from training.
    What is shared: the objects' pictures and names, the relations, and the kinds of question.

    **What a part alone tells.** The rule: first the picture and the four answers, then what is
    asked, drawn so that another question would make another of them right. Hence chance, by
    construction, for who sees only texts (answers, question and answers, rationales, or all of
    the question for its rationale; a statement or hypothesis, which is drawn before a scene makes
    it true or false), and for who sees picture and answers but not the question of "counting",
    "comparison" and "existence".

    Place tells more, and no choice of wrong answers ends that: what is left of something is rather
    on the left. Of 2,000 test scenes of six to eight objects boosted trees, and as a rule the
    farthest of the four in the directions asked, get right (chance .250, ± .03):

    ================================  ==========  ===========
    given                             "relation"  "two_steps"
    ================================  ==========  ===========
    picture and answers, no question  .35         .35
    all but the subject, trees        .55         .51
    all but the subject, rule         .54         .30
    all but the direction             .60         –
    all but "largest" or "smallest"   –           .50
    ================================  ==========  ===========

    Two answers are left to who overlooks the sizes in two steps, and at least two to who overlooks
    the subject of a relation. Of expressions, who overlooks the subject finds .49 of those by
    relation and .47 of those by size, and who overlooks the text .25 and .19. Which of the named
    things are in the picture tells .67 of entailment (chance .333). In scenes of five objects the
    subject of a relation is the one thing that is no answer, so its name is not needed, and picture
    and answers give .50: ask whether a model needs the subject with six or more objects.
    `python -m benchmarks.shortcuts` prints all figures.

    Not every scene allows every kind: .79 of scenes have a question of "relation", .38 of
    "two_steps", .76 of "counting" and of "comparison"; of scenes of five objects .78, none, .15 and
    .44. Take more scenes, or more objects, where a kind is short.

    Parameters
    ----------
    n_scenes : int
    seed : int; the same seed and arguments always give the same scenes. Splits share none.
    split : "train", "validation" or "test"
    n_objects : (lowest, highest) number of objects a scene, or one int; 5 to 10 ("two_steps" at
        least 6)
    kinds : names of the kinds of question, or None for all that `n_objects` allows
    grid : int from 4 to 8, cells a side; a cell has 80 pixels
    wording : "seen" (patterns of the training texts) or "unseen"; None is "unseen" for the test
        and "seen" otherwise
    careless : True for questions and statements with the shortcuts that one falls into without
        care, for a lesson: rationales that repeat the question's words, that list as many places
        as are counted, and that name the wrong answers; two steps that need no first one; answers
        that need no question; false statements in other words (fewer, only one) than true ones

    Returns
    -------
    Scenes

    Raises
    ------
    ValueError
        For an unknown split, kind or wording, or numbers that cannot be met.

    References
    ----------
    The tasks follow: R. Zellers et al., From recognition to cognition: visual commonsense
    reasoning, CVPR 2019; A. Suhr et al., A corpus for reasoning about natural language grounded in
    photographs, ACL 2019 (NLVR2); N. Xie et al., Visual entailment, arXiv:1901.06706 (SNLI-VE).

    Examples
    --------
    >>> scenes = load_scenes(64, seed=0)
    >>> scenes.boxes.shape, scenes.region_mask.dtype
    ((64, 8, 5), dtype('bool'))
    >>> scenes.questions.answers.shape[1], scenes.questions.rationales.shape[1]
    (4, 4)
    """
    low, high, kinds, wording = _check(n_scenes, seed, split, n_objects, kinds, grid, wording)
    _check_flag("careless", careless)
    return Scenes(n_scenes, seed, split, (low, high), kinds, grid, wording, bool(careless))


class Scenes:
    """n scenes of at most R objects and what is said of them; see :func:`load_scenes`.

    Attributes
    ----------
    features : float32 (606, 1280), the CNN features of every crop there is, columns standardised
        (mean 0, variance 1 over the crops). Row 0 is zeros, for padding; row 1 + 5 o + s is object
        o at size level s, drawn at that size and then seen by the network at 96 pixels. Boxes do
        not overlap and the canvas is white, so a crop of the picture is exactly that drawing, and
        each is computed once (:class:`mmlearn.features.CNNFeatures`, kept in the cache).
    regions : int64 (n, R), rows of `features`; 0 is padding
    boxes : float32 (n, R, 5), x1, y1, x2, y2 and area as shares of the canvas; 0 is padding
    region_mask : bool (n, R), True where there is an object
    objects : int64 (n, R), indices into `names`, in random order; -1 is padding
    sizes : int64 (n, R), levels 0 (tiny) to 4 (huge); -1 is padding
    names, words : the 121 objects, and the vocabulary (the id of a word is its place)
    questions, captions, expressions, statements, entailment : :class:`Items`, made when first read
    split, seed, licence, source
    """

    def __init__(self, n_scenes, seed, split, n_objects, kinds, grid, wording, careless=False):
        self.split, self.seed, self.kinds = split, seed, kinds
        self.wording, self.careless = wording, careless
        self.world = place(self._chance(0), n_scenes, *n_objects, grid, split)
        self.objects, self.sizes, self.boxes = (
            getattr(self.world, key) for key in ("objects", "sizes", "boxes")
        )
        self.region_mask = self.objects >= 0
        self.regions = np.where(self.region_mask, 1 + self.objects * len(SIDES) + self.sizes, 0)
        self.names, self.words = list(NAMES), list(WORDS)

    def _chance(self, purpose):
        return np.random.default_rng([self.seed, list(SPLITS).index(self.split), purpose])

    def _seed(self, task):
        """A seed for the texts of one task, whatever was read before."""
        return int(self._chance(1 + TASKS.index(task)).integers(2**63))

    def __len__(self):
        return len(self.objects)

    def __repr__(self):
        return f"Scenes({len(self):,} of {self.split}, seed={self.seed}, {', '.join(self.kinds)})"

    @cached_property
    def features(self):
        from mmlearn.features import CNNFeatures

        levels = [CNNFeatures().fit_transform(pictures) for pictures in self._drawings]
        x = np.stack(levels, axis=1).reshape(len(NAMES) * len(SIDES), -1)
        spread = x.std(axis=0)
        x = (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1)
        return np.concatenate([np.zeros_like(x[:1]), x])

    @cached_property
    def _emoji(self):
        return load_emoji(PICTURE)

    @cached_property
    def _drawings(self):
        """For every size level the 121 objects, uint8 (121, side, side, 3)."""
        pictures = [self._emoji.pictures[self._emoji.titles.index(name)] for name in NAMES]
        return [
            np.stack([Image.fromarray(p).resize((side, side), Image.LANCZOS) for p in pictures])
            for side in SIDES
        ]

    @property
    def licence(self):
        return self._emoji.licence

    @property
    def source(self):
        return f"made by load_scenes from the emoji of {self._emoji.source}"

    def picture(self, i):
        """Scene i drawn: uint8 (80 grid, 80 grid, 3)."""
        world = self.world
        canvas = np.full((CELL * world.grid, CELL * world.grid, 3), 255, dtype=np.uint8)
        for o, s, (x, y) in zip(world.objects[i], world.sizes[i], world.corners[i], strict=True):
            if o >= 0:
                canvas[y : y + SIDES[s], x : x + SIDES[s]] = self._drawings[s][o]
        return canvas

    @cached_property
    def questions(self):
        return make_questions(
            self.world, self.kinds, self._seed("questions"), self.wording, self.careless
        )

    @cached_property
    def captions(self):
        return make_captions(self.world, self._seed("captions"), self.wording)

    @cached_property
    def expressions(self):
        return make_expressions(self.world, self._seed("expressions"), self.wording)

    @cached_property
    def statements(self):
        seed = self._seed("statements")
        return make_statements(self.world, seed, self.wording, self.careless)

    @cached_property
    def entailment(self):
        return make_entailment(self.world, self._seed("entailment"), self.wording)

    encode = staticmethod(encode)
    decode = staticmethod(decode)


def _check(n_scenes, seed, split, n_objects, kinds, grid, wording):
    _check_whole("n_scenes", n_scenes, 1, 10_000_000)
    _check_whole("seed", seed, 0, 2**63 - 1)
    _check_whole("grid", grid, 4, 8)
    if split not in SPLITS:
        raise ValueError(f"unknown split {split!r}; splits are {', '.join(SPLITS)}.")
    if wording not in (None, "seen", "unseen"):
        raise ValueError(f'wording must be "seen", "unseen" or None, got {wording!r}.')
    low, high = _check_objects(n_objects)
    kinds = _check_kinds(kinds, low)
    return low, high, kinds, wording or ("unseen" if split == "test" else "seen")


def _check_objects(n_objects):
    bounds = (n_objects, n_objects) if isinstance(n_objects, int | np.integer) else n_objects
    try:
        low, high = bounds
    except (TypeError, ValueError):
        low = high = None
    whole = all(isinstance(k, int | np.integer) and not isinstance(k, bool) for k in (low, high))
    if not whole or not 5 <= low <= high <= PRIME - 1:
        raise ValueError(
            f"n_objects must be two whole numbers, lowest and highest, from 5 (a question needs "
            f"its subject and four answers) to {PRIME - 1} (a scene draws from {PRIME} objects and "
            f"leaves one out), got {n_objects!r}."
        )
    return int(low), int(high)


def _check_kinds(kinds, low):
    if kinds is None:
        return tuple(kind for kind in KINDS if NEEDED[kind] <= low)
    kinds = (kinds,) if isinstance(kinds, str) else tuple(kinds)
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown or not kinds or len(set(kinds)) < len(kinds):
        what = f"unknown kind {unknown[0]!r}" if unknown else f"kinds are {kinds!r}"
        raise ValueError(f"{what}; choose from {', '.join(KINDS)}, each once.")
    for kind in kinds:
        if low < NEEDED[kind]:
            raise ValueError(
                f"questions of kind {kind!r} need at least {NEEDED[kind]} objects a scene, "
                f"but n_objects starts at {low}."
            )
    return kinds


def _check_flag(name, value):
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} must be True or False, got {value!r}.")


def _check_whole(name, value, low, high):
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or not low <= value <= high:
        raise ValueError(f"{name} must be a whole number from {low} to {high}, got {value!r}.")
