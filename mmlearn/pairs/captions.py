"""Captions of one relation, "the dog is left of the fox": where they are true, and as questions."""

import numpy as np

from mmlearn.arrays import to_numpy
from mmlearn.special_tokens import PAD

__all__ = ["CaptionReader", "holds"]

DIRECTIONS = ("left of", "right of", "above", "below")  # as the scenes number them


def holds(scenes, captions):
    """In which scenes each caption is true: (m, n) booleans.

    Parameters
    ----------
    scenes : n of :func:`mmlearn.data.load_scenes`
    captions : word ids (m, T) of "the dog is left of the fox", such as those of
        :func:`mmlearn.pairs.opposite_groups`

    Raises
    ------
    ValueError: a caption that says something else
    """
    found = np.zeros((len(captions), len(scenes)), dtype=bool)
    for row, (a, relation, b) in enumerate(_parts(scenes, captions)):
        first, second = (scenes.objects == scenes.names.index(name) for name in (a, b))
        there = scenes.world.relations == DIRECTIONS.index(relation)
        found[row] = (there & first[:, :, None] & second[:, None, :]).any(axis=(1, 2))
    return found


class CaptionReader:
    """A method that answers questions, as a scorer of captions.

    "the dog is left of the fox" has the score of the answer "dog" to "what is left of the fox ?".

    Parameters
    ----------
    model : a fitted method whose `score_pairs` takes questions with answers (n, C, T)
    scenes : whose words the captions are made of
    """

    def __init__(self, model, scenes):
        self.model, self.scenes = model, scenes

    def score_pairs(self, images, captions):
        """Scores (n,) of n captions (n, T), each with its image."""
        texts = [
            self.scenes.encode(f"[CLS] what is {relation} the {b} ? [SEP] {a} [SEP]")
            for a, relation, b in _parts(self.scenes, captions)
        ]
        longest = max(map(len, texts))
        texts = np.array([text + [PAD] * (longest - len(text)) for text in texts])
        return to_numpy(self.model.score_pairs(images, texts[:, None]))[:, 0]


def _parts(scenes, captions):
    """Of each caption the first thing, the relation and the second thing."""
    for caption in to_numpy(captions):
        words = scenes.decode(caption).removeprefix("[CLS] ").removesuffix(" [SEP]").split()
        the, a, is_, *relation, article, b = words if len(words) > 5 else ["?"] * 6
        relation = " ".join(relation)
        if (the, is_, article) != ("the", "is", "the") or relation not in DIRECTIONS:
            raise ValueError(
                'a caption must read "the dog is left of the fox", with one of '
                f"{', '.join(DIRECTIONS)}; got {' '.join(words)!r}."
            )
        yield a, relation, b
