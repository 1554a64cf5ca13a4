"""Two images and two captions of the same words: which belongs to which?"""

from collections import defaultdict

import numpy as np

from mmlearn.arrays import to_numpy
from mmlearn.special_tokens import CLS, PAD, SEP

__all__ = ["opposite_groups", "score_groups", "winoground_scores"]

LEFT, ABOVE = 0, 2  # as the scenes number their directions
PATTERNS = ("the {a} is left of the {b}", "the {a} is above the {b}")


def opposite_groups(scenes, limit=None, seed=0):
    """Pairs of scenes with the same two objects in opposite places, and a caption of each.

    In the first scene of a group the dog is left of the fox, in the second the fox is left of the
    dog (or above). The captions are "the dog is left of the fox" and "the fox is left of the dog":
    the same words, so that neither a bag of words nor a caption alone can tell.

    Parameters
    ----------
    scenes : of :func:`mmlearn.data.load_scenes`
    limit : int, optional: draw so many groups; all are in the order of the scenes otherwise
    seed : int, of that draw

    Returns
    -------
    rows : (g, 2), which scenes;  captions : (g, 2, T) word ids, caption k being that of scene k

    Raises
    ------
    ValueError: no two of the scenes make a group; take more
    """
    found = _by_relation(scenes)
    groups = [
        (here, there, a, b, kind)
        for (a, b, kind), first in found.items()
        if a < b
        for here in first
        for there in found.get((b, a, kind), [])
    ]
    if not groups:
        raise ValueError("no two scenes hold the same two objects in opposite places; take more.")
    if limit is not None and limit < len(groups):
        drawn = np.random.default_rng(seed).choice(len(groups), limit, replace=False)
        groups = [groups[i] for i in drawn]
    captions = [
        [_caption(scenes, a, b, kind), _caption(scenes, b, a, kind)] for *_, a, b, kind in groups
    ]
    return np.array([group[:2] for group in groups]), np.array(captions)


def _by_relation(scenes):
    """{(a, b, 0 for left of or 1 for above): the scenes in which object a lies so from b}."""
    found, relations = defaultdict(list), scenes.world.relations
    for row, i, j in zip(*np.nonzero(np.isin(relations, (LEFT, ABOVE))), strict=True):
        kind = int(relations[row, i, j] == ABOVE)
        found[int(scenes.objects[row, i]), int(scenes.objects[row, j]), kind].append(int(row))
    return found


def _caption(scenes, a, b, kind):
    words = PATTERNS[kind].format(a=scenes.names[a], b=scenes.names[b])
    return [CLS, *scenes.encode(words), SEP] + [PAD] * kind  # "above" is a word shorter


def score_groups(model, images, rows, captions):
    """The scores (g, 2, 2) of caption i with image j of each group, for `winoground_scores`.

    Parameters
    ----------
    model : a fitted method of pairs;  images : Regions of all scenes
    rows, captions : as :func:`opposite_groups` gives them
    """
    caption, image = np.repeat(captions, 2, axis=1), np.tile(rows, 2)  # 0 0 1 1 and 0 1 0 1
    scores = model.score_pairs(images[image.ravel()], caption.reshape(-1, caption.shape[2]))
    return to_numpy(scores).reshape(-1, 2, 2)


def winoground_scores(scores):
    """Text, image and group score of the groups of Winoground, and their chance levels.

    ::

        text   s(caption k, image k) > s(the other caption, image k)   for both images
        image  s(caption k, image k) > s(caption k, the other image)   for both captions
        group  both

    Parameters
    ----------
    scores : (g, 2, 2), of caption i with image j at [i, j]; ties count as wrong

    Returns
    -------
    dict of shares; by chance 1/4, 1/4 and 1/6

    References
    ----------
    Thrush et al., Winoground: Probing Vision and Language Models for Visio-Linguistic
    Compositionality, CVPR 2022.

    >>> winoground_scores([[[2, 1], [0, 3]], [[3, 2], [4, 5]]])
    {'text': 0.5, 'image': 1.0, 'group': 0.5}
    """
    s = to_numpy(scores)
    if s.ndim != 3 or s.shape[1:] != (2, 2):
        raise ValueError(f"scores must be (groups, 2 captions, 2 images), got shape {s.shape}.")
    text = (s[:, 0, 0] > s[:, 1, 0]) & (s[:, 1, 1] > s[:, 0, 1])
    image = (s[:, 0, 0] > s[:, 0, 1]) & (s[:, 1, 1] > s[:, 1, 0])
    named = {"text": text, "image": image, "group": text & image}
    return {name: float(right.mean()) for name, right in named.items()}
