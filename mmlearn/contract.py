"""The contract: what a method is, and what each class of methods declares about itself.

Three kinds of method exist, told apart by what they can embed:

* coordinated (:class:`CoordinatedEmbedding`): one space, two projections, either works alone;
* joint (:class:`JointEmbedding`): one vector for the pair; a missing modality is filled in;
* pair (:class:`PairScorer`): a score for an (image, text) pair, with no embedding of either alone.

A class says of itself, as class attributes, of which ``kind`` it is, whether it learns from labels
(``supervised``), from several labels an item, shape (n, t) (``multilabel``), and whether fitting
and embedding need `times` as well (``timed``). The registry, the scoreboard and the tests read it
there.
"""

import inspect
from types import FunctionType
from typing import ClassVar

import numpy as np
import torch
from sklearn.base import BaseEstimator

from mmlearn.arrays import (
    check_columns,
    check_matrix,
    check_pair,
    check_sides,
    column_names,
    cosine_similarity,
    to_numpy,
)
from mmlearn.retrieval import cross_modal_map
from mmlearn.torch_state import ordinary_torch

__all__ = [
    "CoordinatedEmbedding",
    "Estimator",
    "JointEmbedding",
    "PairScorer",
    "check_number",
    "embedding_sides",
]


class Estimator(BaseEstimator):
    """A scikit-learn estimator whose `__init__` may pass `**settings` on to its parent's.

    The signature shows them written out, so that scikit-learn (get_params, clone) and `help` see
    every parameter, and a subclass lists only what is its own or has another default. Every public
    method runs in :func:`mmlearn.torch_state.ordinary_torch`.
    """

    kind = None  # "coordinated", "joint" or "pair"
    supervised = False
    multilabel = False
    timed = False

    _columns = None  # the names of a table's columns by side, as they were in fit

    # What scikit-learn's searches pass on to `fit` and `score`, with metadata routing switched on.
    __metadata_request__fit: ClassVar = {"labels": True}
    # A pipeline asks its last step about `sample_weight` even where none is given.
    __metadata_request__score: ClassVar = {"labels": True, "sample_weight": True}

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        for name, value in list(vars(cls).items()):
            if isinstance(value, FunctionType) and not name.startswith("_"):
                setattr(cls, name, ordinary_torch()(value))
        if "__init__" in vars(cls):
            cls.__init__.__signature__ = _merged_signature(cls)

    # -- how rows come in --------------------------------------------------------------------

    def _training_pair(self, images, texts, more=False):
        """The paired rows to fit on, as numpy; the columns of tables are remembered.

        With `more` they must be those of the rows before.
        """
        pair = check_pair(images, texts)
        if more:
            self._check_columns(images=images, texts=texts)
        else:
            self._learn_columns(images=images, texts=texts)
        return pair

    def _learn_columns(self, **sides):
        self._columns = {side: column_names(rows) for side, rows in sides.items()}

    def _check_columns(self, **sides):
        for side, rows in sides.items():
            check_columns(rows, (self._columns or {}).get(side), side)

    def _new_rows(self, rows, side, n_features=None):
        """Rows to embed, checked: numbers, without a graph, in the columns that were fitted on."""
        self._check_columns(**{side: rows})
        rows = check_matrix(rows, side, n_features)
        return rows.detach() if isinstance(rows, torch.Tensor) else rows


def embedding_sides(image_embeddings, text_embeddings):
    """The two sides of a `similarity`, checked and without a graph."""
    names = "image_embeddings", "text_embeddings"
    sides = check_sides(image_embeddings, text_embeddings, names)
    return tuple(z.detach() if isinstance(z, torch.Tensor) else z for z in sides)


def _merged_signature(cls):
    own = inspect.signature(vars(cls)["__init__"]).parameters
    if not any(p.kind is p.VAR_KEYWORD for p in own.values()):
        return inspect.Signature(own.values())
    inherited = inspect.signature(super(cls, cls).__init__).parameters
    merged = [p for p in own.values() if p.kind is not p.VAR_KEYWORD]
    merged += [
        p.replace(kind=p.KEYWORD_ONLY)
        for name, p in inherited.items()
        if name not in {"self", *own} and p.kind is not p.VAR_KEYWORD
    ]
    return inspect.Signature(merged)


class CoordinatedEmbedding(Estimator):
    """Two projections into one space. Subclasses write `fit`, `embed_images` and `embed_texts`."""

    kind = "coordinated"

    def fit(self, images, texts, labels=None):
        """Learn the two projections from paired rows: images (n, d_x), texts (n, d_y)."""
        raise NotImplementedError

    def embed_images(self, images):
        """Project images (m, d_x) to (m, n_components)."""
        raise NotImplementedError

    def embed_texts(self, texts):
        """Project texts (m, d_y) to (m, n_components)."""
        raise NotImplementedError

    def similarity(self, image_embeddings, text_embeddings):
        """Score every image (n, k) against every text (m, k): the cosine, shape (n, m)."""
        return cosine_similarity(*embedding_sides(image_embeddings, text_embeddings))

    def score(self, images, texts, labels=None):
        """Mean of the two mean average precisions, image to text and text to image, by labels."""
        if labels is None:
            raise ValueError(
                "score needs labels: score(images, texts, labels); scikit-learn's searches pass on "
                "fit(images, texts, labels=labels) with set_config(enable_metadata_routing=True)."
            )
        z_x, z_y = self.embed_images(images), self.embed_texts(texts)
        return cross_modal_map(self, z_x, z_y, labels)["mean"]


class JointEmbedding(Estimator):
    """One vector for a pair. Subclasses write `fit` and `embed`."""

    kind = "joint"

    def fit(self, images, texts, labels=None):
        """Learn the joint embedding from paired rows: images (n, d_x), texts (n, d_y)."""
        raise NotImplementedError

    def embed(self, images=None, texts=None):
        """Embed pairs, or one modality alone; each method says what stands in for the other."""
        raise NotImplementedError

    def embed_images(self, images):
        """Embed images whose texts are missing."""
        return self.embed(images=images)

    def embed_texts(self, texts):
        """Embed texts whose images are missing."""
        return self.embed(texts=texts)

    def _new_either(self, images, texts, sizes):
        """One side or both, checked as rows to embed; the third result is one that was given."""
        if images is None and texts is None:
            raise ValueError("embed needs images, texts or both; neither was given.")
        if images is not None:
            images = self._new_rows(images, "images", sizes[0])
        if texts is not None:
            texts = self._new_rows(texts, "texts", sizes[1])
        if images is not None and texts is not None:
            check_pair(images, texts)
        return images, texts, images if images is not None else texts

    similarity = CoordinatedEmbedding.similarity
    score = CoordinatedEmbedding.score


class PairScorer(Estimator):
    """A score for an image with a text. Subclasses write `fit` and `score_pairs`."""

    kind = "pair"

    def fit(self, images, texts, labels=None):
        """Learn which of the C texts (n, C, T) of each of n images is right: labels (n,)."""
        raise NotImplementedError

    def score_pairs(self, images, texts):
        """How well each text goes with its image: (n,) for texts (n, T), (n, C) for (n, C, T)."""
        raise NotImplementedError

    def predict(self, images, texts):
        """Which of the C texts of each item goes best with its image: (n,)."""
        return self.score_pairs(images, texts).argmax(1)

    def score(self, images, texts, labels):
        """Share of the items whose right text was chosen."""
        return float((to_numpy(self.predict(images, texts)) == to_numpy(labels)).mean())


def check_number(value, name, least=None, most=None, *, above=None, below=None, whole=False):
    """Check a setting: from `least` to `most`, or strictly `above` and `below`; refuse the rest.

    >>> check_number(0.2, "margin", above=0)
    >>> check_number(2.5, "epochs", least=1, whole=True)
    Traceback (most recent call last):
    ValueError: epochs must be a whole number of at least 1, got 2.5.
    """
    fits = isinstance(value, int | np.integer) if whole else np.isscalar(value)
    fits = fits and not isinstance(value, str)
    fits = fits and (least is None or value >= least) and (most is None or value <= most)
    fits = fits and (above is None or value > above) and (below is None or value < below)
    if not fits:
        wanted = _range_in_words(least, most, above, below, whole)
        raise ValueError(f"{name} must {wanted}, got {value!r}.")


def _range_in_words(least, most, above, below, whole):
    if whole:
        return f"be a whole number of at least {least}"
    if most is not None:
        return f"lie between {least} and {most}"
    if below is not None:
        return f"be in [{least}, {below})"
    if above is not None:
        return f"be above {above}"
    return "not be negative" if least == 0 else f"be at least {least}"
