"""Retrieve, then rerank: a quick first order, and a slow model that sorts its head anew."""

import numpy as np
import torch

from mmlearn.arrays import to_numpy
from mmlearn.pairs.regions import Regions  # noqa: F401 - for the example
from mmlearn.pairs.tokens import check_tokens

__all__ = ["rerank", "score_all"]

ROWS = 4096  # pairs scored at a time


def score_all(model, images, texts):
    """A pair model's score of every text with every image: (m texts, n images).

    It costs m × n passes of the network, where two towers need m + n.

    Parameters
    ----------
    model : a fitted method of pairs, such as ViLBERT with head="alignment"
    images : Regions, n of them;  texts : word ids (m, T)
    """
    every = np.tile(np.arange(len(images)), (len(check_tokens(texts)), 1))
    return _scores(model, images, texts, every)


def rerank(model, images, texts, similarity, k=10):
    """A first order of the images, whose `k` best for each text are sorted by a pair model.

    Parameters
    ----------
    model, images, texts : see :func:`score_all`
    similarity : (m, n), the first order, such as the cosine of two towers
    k : int from 1 to n, how many a text; the cost is m × k passes of the network

    Returns
    -------
    (m, n) floats, 1 for a text's best image and less for each that follows: to be ranked like any
    similarity. With k = 1 it is the first order, with k = n the model's own.

    Raises
    ------
    ValueError: a similarity of another shape, a k that is not there

    Examples
    --------
    >>> class Favours3:  # a model that likes image 3 best, whatever is said
    ...     def score_pairs(self, images, texts):
    ...         return images.rows[:, 0] == 4
    >>> images = Regions(np.ones((5, 1, 2)), boxes=np.zeros((5, 1, 5)))
    >>> first = np.array([[0.9, 0.1, 0.8, 0.7, 0.2]])
    >>> rerank(Favours3(), images, [[1, 5, 2]], first, k=3).argsort()[0, ::-1]
    array([3, 0, 2, 4, 1])
    """
    similarity, tokens = to_numpy(similarity), check_tokens(texts)
    m, n = len(tokens), len(images)
    if similarity.shape != (m, n):
        raise ValueError(f"similarity must be ({m}, {n}), texts by images; got {similarity.shape}.")
    if not 1 <= k <= n:
        raise ValueError(f"k must be from 1 to {n}, the number of images, got {k!r}.")
    order = np.argsort(-similarity, axis=1, kind="stable")
    again = np.argsort(-_scores(model, images, tokens, order[:, :k]), axis=1, kind="stable")
    order[:, :k] = np.take_along_axis(order[:, :k], again, axis=1)
    found = np.empty((m, n))
    np.put_along_axis(found, order, np.linspace(1, 0, n, endpoint=False)[None], axis=1)
    return found


def _scores(model, images, texts, chosen):
    """Scores (m, k) of each text with its k chosen images."""
    tokens, (m, k) = check_tokens(texts), chosen.shape
    text = torch.arange(m).repeat_interleave(k)
    image, parts = torch.as_tensor(chosen).flatten(), []
    for start in range(0, m * k, ROWS):
        rows = slice(start, start + ROWS)
        parts.append(to_numpy(model.score_pairs(images[image[rows]], tokens[text[rows]])))
    return np.concatenate(parts).reshape(m, k).astype(float)
