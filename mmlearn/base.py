"""The contracts that every method keeps, and the checks of input at the door.

Three kinds of method exist, told apart by what they can embed:

* coordinated (:class:`CoordinatedEmbedding`): one space, two projections, either works alone;
* joint (:class:`JointEmbedding`): one vector for the pair; a missing modality is filled in;
* pair: a score for an (image, text) pair, with no embedding of either alone.
"""

import inspect

import numpy as np
import torch
from sklearn.base import BaseEstimator

__all__ = [
    "CoordinatedEmbedding",
    "Estimator",
    "JointEmbedding",
    "check_labels",
    "check_matrix",
    "check_pair",
    "cosine_similarity",
    "like",
    "to_numpy",
]


def to_numpy(array):
    """Return `array` as numpy; a tensor is detached and moved to the CPU first."""
    if isinstance(array, torch.Tensor):
        array = array.detach().cpu()
        return (array.float() if array.dtype == torch.bfloat16 else array).numpy()
    return np.asarray(array)


def like(given, z):
    """`z`, an array or a CPU tensor, in the array kind, dtype and device of `given`.

    >>> like(np.zeros(1, dtype=np.float32), torch.ones(2, dtype=torch.float64)).dtype
    dtype('float32')
    """
    if isinstance(given, torch.Tensor):
        dtype = given.dtype if given.is_floating_point() else torch.float64
        return torch.as_tensor(z).to(given.device, dtype)
    dtype = np.asarray(given).dtype
    return np.asarray(z).astype(dtype if dtype.kind == "f" else np.float64)


def check_matrix(array, name, n_features=None):
    """Check that `array` is a finite (n, d) matrix of numbers and return it, unchanged in kind.

    A tensor stays a tensor; anything else becomes a floating-point numpy array.
    """
    if not isinstance(array, torch.Tensor):
        array = _as_float_array(array, name)
    elif not array.is_floating_point():
        array = array.double()
    if array.ndim != 2:
        raise ValueError(
            f"{name} must be a matrix of shape (n, features), got shape {tuple(array.shape)}; "
            "reshape a single item to (1, features)."
        )
    if array.shape[0] == 0 or array.shape[1] == 0:
        raise ValueError(f"{name} is empty: its shape is {tuple(array.shape)}.")
    if n_features is not None and array.shape[1] != n_features:
        raise ValueError(
            f"{name} has {array.shape[1]} features, but the method was fitted on {n_features}."
        )
    # One sum finds a NaN or an infinity without a mask as large as the data.
    with np.errstate(over="ignore", invalid="ignore"):
        total = array.detach().sum() if isinstance(array, torch.Tensor) else array.sum()
        finite = bool(np.isfinite(float(total)))
    if not finite and not bool(np.isfinite(to_numpy(array)).all()):
        raise ValueError(f"{name} holds NaN or infinite values; fill or drop them first.")
    return array


def _as_float_array(array, name):
    kind = type(array).__name__
    try:
        array = np.asarray(array)
        return array if array.dtype.kind == "f" else array.astype(np.float64)
    except (TypeError, ValueError):
        raise TypeError(
            f"{name} must be a matrix of numbers; this {kind} does not convert. "
            "Use dataset.features(...) to turn pictures and words into vectors."
        ) from None


def check_pair(images, texts):
    """Check two matrices of paired rows and return them as numpy arrays."""
    images = to_numpy(check_matrix(images, "images"))
    texts = to_numpy(check_matrix(texts, "texts"))
    if len(images) != len(texts):
        raise ValueError(
            f"images and texts must be paired row by row, got {len(images)} images "
            f"and {len(texts)} texts."
        )
    return images, texts


def check_labels(labels, n, multilabel=False):
    """Check the labels of a supervised method and return them as an array.

    Class labels (n,); with `multilabel` also indicators (n, t), each item with its set of labels.
    """
    if labels is None:
        raise ValueError("this method is supervised: pass labels=train.labels to fit.")
    labels = to_numpy(labels)
    if labels.dtype.kind == "O":  # names of classes, as a table's column holds them
        labels = np.array(labels.tolist())
    if labels.dtype.kind not in "biufUS":
        raise ValueError("labels must be numbers or names of classes, and none may be missing.")
    if multilabel and labels.ndim == 2 and len(labels) == n:
        return _check_indicators(labels)
    if labels.shape != (n,):
        raise ValueError(f"labels must have shape ({n},), one per pair, got {labels.shape}.")
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise ValueError("labels hold NaN or infinite values; drop those pairs first.")
    if len(np.unique(labels)) < 2:
        raise ValueError("labels hold a single class; a supervised method needs at least two.")
    return labels


def _check_indicators(labels):
    if not np.isin(labels, (0, 1)).all():
        raise ValueError("labels of shape (n, t) must be indicators: 0 or 1, False or True.")
    if (labels == labels[0]).all():
        raise ValueError("every item has the same set of labels; there is nothing to learn.")
    return labels


def cosine_similarity(a, b):
    """Cosine of every row of `a` (n, k) with every row of `b` (m, k); a zero row has cosine 0.

    >>> cosine_similarity(np.array([[0.0, 2.0]]), np.array([[0.0, 5.0], [1.0, 0.0]]))
    array([[1., 0.]])
    """
    a, b = _unit_rows(a), _unit_rows(b)
    return a @ b.T


def _unit_rows(z):
    if isinstance(z, torch.Tensor):
        norm = torch.linalg.vector_norm(z, dim=1, keepdim=True)
        return z / torch.where(norm > 0, norm, torch.ones_like(norm))
    z = np.asarray(z)
    norm = np.linalg.norm(z, axis=1, keepdims=True)
    return z / np.where(norm > 0, norm, 1)


class Estimator(BaseEstimator):
    """A scikit-learn estimator whose `__init__` may pass `**settings` on to its parent's.

    The signature shows them written out, so that scikit-learn (get_params, clone) and `help` see
    every parameter, and a subclass lists only what is its own or has another default.
    """

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls):
            cls.__init__.__signature__ = _merged_signature(cls)


def _merged_signature(cls):
    own = inspect.signature(vars(cls)["__init__"]).parameters
    if not any(p.kind is p.VAR_KEYWORD for p in own.values()):
        return inspect.Signature(own.values())
    inherited = inspect.signature(super(cls, cls).__init__).parameters
    sized_by_classes = getattr(cls, "_sized_by_classes", False)
    left_out = {"self", *own} | ({"n_components"} if sized_by_classes else set())
    merged = [p for p in own.values() if p.kind is not p.VAR_KEYWORD]
    merged += [
        p.replace(kind=p.KEYWORD_ONLY)
        for name, p in inherited.items()
        if name not in left_out and p.kind is not p.VAR_KEYWORD
    ]
    return inspect.Signature(merged)


class CoordinatedEmbedding(Estimator):
    """Two projections into one space. Subclasses write `fit`, `embed_images` and `embed_texts`."""

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
        return cosine_similarity(image_embeddings, text_embeddings)

    def score(self, images, texts, labels):
        """Mean of the two mean average precisions, image to text and text to image."""
        from mmlearn.retrieval import cross_modal_map

        z_x, z_y = self.embed_images(images), self.embed_texts(texts)
        return cross_modal_map(self, z_x, z_y, labels)["mean"]


class JointEmbedding(Estimator):
    """One vector for a pair. Subclasses write `fit` and `embed`."""

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

    similarity = CoordinatedEmbedding.similarity
    score = CoordinatedEmbedding.score
