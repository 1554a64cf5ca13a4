"""What the deep methods share: settings, encoders, standardised inputs, training, inference."""

import copy

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import nn

from mmlearn.base import (
    CoordinatedEmbedding,
    Estimator,
    check_labels,
    check_matrix,
    check_pair,
    like,
    to_numpy,
)
from mmlearn.retrieval import cross_modal_map, first_hit_rank
from mmlearn.scaling import OneScale, Standardizer
from mmlearn.training import fit as train
from mmlearn.training.randomness import keeps_random_state, seed_everything

__all__ = [
    "DeepEmbedding",
    "DeepMethod",
    "TwoEncoders",
    "check_either",
    "class_targets",
    "mlp",
]

ROWS = 2048  # rows embedded at a time
SIDES = ("images", "texts")


def mlp(d_in, hidden, d_out, dropout=0.0):
    """A small network: linear, ReLU and dropout for each width in `hidden`, then a linear layer.

    `hidden` is a width, a sequence of widths, or 0 or () for a linear map.

    >>> mlp(4, 8, 2)(torch.zeros(5, 4)).shape
    torch.Size([5, 2])
    """
    widths = [hidden] if isinstance(hidden, int | np.integer) else list(hidden)
    layers = []
    for width in filter(None, widths):
        layers += [nn.Linear(d_in, width), nn.ReLU()]
        layers += [nn.Dropout(dropout)] if dropout else []
        d_in = width
    return nn.Sequential(*layers, nn.Linear(d_in, d_out))


class TwoEncoders(nn.Module):
    """f_x for images and f_y for texts: ``forward(x, y)`` gives (z_x, z_y)."""

    def __init__(self, image_encoder, text_encoder):
        super().__init__()
        self.image_encoder = image_encoder
        self.text_encoder = text_encoder

    def encode_images(self, x):
        return self.image_encoder(x)

    def encode_texts(self, y):
        return self.text_encoder(y)

    def forward(self, x, y):
        return self.encode_images(x), self.encode_texts(y)


class DeepMethod(Estimator):
    """The settings of networks and training, which all deep methods take by keyword.

    Parameters
    ----------
    n_components : int, default 50: dimensions of the embedding
    standardize : bool, default True
        True: every column of the features is centred and divided by its deviation. False: all
        columns of a modality are divided by one number, so that those that vary more still count
        for more; often better where the features come in one unit, as those of a CNN do.
    hidden : int or sequence of int, default 256: width(s) of the default encoders, 0 for linear
    dropout : float in [0, 1), default 0
    image_encoder, text_encoder : nn.Module, optional
        Networks (m, d_x) -> (m, n_components) to use in place of the default ones. They are
        copied, never changed.
    epochs, batch_size, learning_rate, weight_decay : of the training loop
    validation_fraction : float in [0, 1), default 0
        Share of the training pairs that is held out; the epoch that does best on it is kept.
    patience : int, optional: stop after so many epochs without a better validation
    checkpoint : path, optional: see :func:`mmlearn.training.fit`
    device : "cuda", "mps", "cpu" or None for the best there is
    random_state : int, default 0: of the first weights, the batches and the held-out share
    progress : bool, default False

    Attributes
    ----------
    module_ : the trained network;  history_ : :class:`mmlearn.training.History`
    """

    def __init__(
        self,
        n_components=50,
        *,
        standardize=True,
        hidden=256,
        dropout=0.0,
        image_encoder=None,
        text_encoder=None,
        epochs=50,
        batch_size=128,
        learning_rate=1e-3,
        weight_decay=1e-3,
        validation_fraction=0.0,
        patience=None,
        checkpoint=None,
        device=None,
        random_state=0,
        progress=False,
    ):
        self.n_components = n_components
        self.standardize = standardize
        self.hidden = hidden
        self.dropout = dropout
        self.image_encoder = image_encoder
        self.text_encoder = text_encoder
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.checkpoint = checkpoint
        self.device = device
        self.random_state = random_state
        self.progress = progress

    # -- what a method may replace -----------------------------------------------------------

    _drop_last = False  # True where a loss cannot be had from a last batch that is not full
    _sized_by_classes = False  # True where the embedding has one dimension a class: no n_components

    def _network(self):
        """A new network for the fitted sizes, with `encode_images` and `encode_texts`."""
        return TwoEncoders(self._encoder(0), self._encoder(1))

    def _scaler(self, rows):
        """What scales the rows of a modality, with `mean` and `scale`, learned from them."""
        return Standardizer(rows) if self.standardize else OneScale(rows)

    def _loss(self, module, x, y, *targets):
        """The loss of a batch: a scalar, or a dict with "loss" first."""
        raise NotImplementedError

    def _targets(self, labels, n):
        """Tensors to train on beside the pairs; none for an unsupervised method."""
        return ()

    def _metric(self, module, x, y, *targets):
        """What is watched on held-out pairs, larger is better: mAP, or 1 / rank of the partner."""
        z_x, z_y = to_numpy(module.encode_images(x)), to_numpy(module.encode_texts(y))
        if targets:
            return cross_modal_map(self, z_x, z_y, to_numpy(targets[0]))["mean"]
        s = self.similarity(z_x, z_y)
        return float(np.mean([1 / first_hit_rank(s), 1 / first_hit_rank(s.T)]))

    def _on_epoch(self, progress):
        """Called before each epoch with the share of training that is done."""

    def _finish(self, x, y, *targets):
        """Called once after training, with all training pairs."""

    # -- fitting -----------------------------------------------------------------------------

    def fit(self, images, texts, labels=None):
        """Fit on paired rows: images (n, d_x), texts (n, d_y), labels (n,) where supervised."""
        images, texts = check_pair(images, texts)
        self._check_settings(len(images))
        targets = self._targets(labels, len(images))
        self.scalers_ = self._scaler(images), self._scaler(texts)
        x, y = self._standardized(images, 0), self._standardized(texts, 1)
        return self._fit_network((x, y, *targets))

    @keeps_random_state
    def _fit_network(self, tensors):
        """Build the network and train it; a training that fails leaves no fitted method behind."""
        vars(self).pop("module_", None)
        seed_everything(self.random_state)
        try:
            self.module_ = self._network()
            self._train(tensors)
        except BaseException:
            vars(self).pop("module_", None)
            raise
        return self

    def __sklearn_is_fitted__(self):
        return hasattr(self, "module_")

    def _check_settings(self, n):
        least = {"epochs": 1, "batch_size": 1, "random_state": 0}
        least |= {} if self._sized_by_classes else {"n_components": 1}
        for name, low in least.items():
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or value < low:
                raise ValueError(f"{name} must be a whole number of at least {low}, got {value!r}.")
        if not 0 <= self.validation_fraction < 1:
            raise ValueError(
                f"validation_fraction must be in [0, 1), got {self.validation_fraction}."
            )
        if self.validation_fraction and not 1 < self._held_out(n) < n:
            raise ValueError(
                f"validation_fraction={self.validation_fraction} of {n} pairs holds out "
                f"{self._held_out(n)}; two or more must be held out, and one or more left."
            )
        if self.patience is not None and not self.validation_fraction:
            raise ValueError("patience needs held-out pairs: set validation_fraction above 0.")

    def _encoder(self, side, d_out=None, hidden=None):
        """The encoder of one side (0 images, 1 texts): the caller's own, or a small network."""
        own = (self.image_encoder, self.text_encoder)[side]
        if own is not None:
            return copy.deepcopy(own)
        d_in = len(self.scalers_[side].mean)
        hidden = self.hidden if hidden is None else hidden
        return mlp(d_in, hidden, d_out or self.n_components, self.dropout)

    def _standardized(self, rows, side):
        return torch.as_tensor(self.scalers_[side](to_numpy(rows)), dtype=torch.float32)

    def _held_out(self, n):
        return round(self.validation_fraction * n)

    def _split(self, n):
        """Which training pairs are held out (None: no pair), and which are trained on."""
        n_held = self._held_out(n)
        if n_held == 0:
            return None, slice(None)
        order = torch.randperm(n, generator=torch.Generator().manual_seed(int(self.random_state)))
        return order[:n_held], order[n_held:]

    def _train(self, tensors):
        held, kept = self._split(len(tensors[0]))
        self.history_ = train(
            self.module_,
            self._loss,
            [t[kept] for t in tensors],
            epochs=self.epochs,
            batch_size=self.batch_size,
            drop_last=self._drop_last,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            validation=None if held is None else [t[held] for t in tensors],
            metric=None if held is None else self._metric,
            patience=self.patience,
            on_epoch=self._on_epoch,
            checkpoint=self.checkpoint,
            seed=self.random_state,
            device=self.device,
            progress=self.progress,
        )
        with torch.no_grad():
            self._finish(*(t.to(self._device()) for t in tensors))

    # -- inference ---------------------------------------------------------------------------

    def _device(self):
        return next(self.module_.parameters()).device

    def _embed(self, rows, side, encode):
        """`encode` standardised rows in chunks; the result is of the kind and dtype of `rows`."""
        check_is_fitted(self)
        rows = check_matrix(rows, SIDES[side], n_features=len(self.scalers_[side].mean))
        z = self._in_chunks(self._standardized(rows, side), encode)
        return like(rows, z)

    @torch.no_grad()
    def _in_chunks(self, x, encode):
        return torch.cat([encode(part.to(self._device())).cpu() for part in x.split(ROWS)])


class DeepEmbedding(DeepMethod, CoordinatedEmbedding):
    """A coordinated deep method. Subclasses write `_loss`, and `_network` where they need to."""

    def embed_images(self, images):
        """Project images (m, d_x) to (m, n_components)."""
        return self._embed(images, 0, self._encode("images"))

    def embed_texts(self, texts):
        """Project texts (m, d_y) to (m, n_components)."""
        return self._embed(texts, 1, self._encode("texts"))

    def _encode(self, side):
        check_is_fitted(self)
        return getattr(self.module_, f"encode_{side}")


def class_targets(method, labels, n):
    """Labels as a tensor: class indices (n,), or float indicators (n, t) where there are several.

    The classes are kept in ``method.classes_``.
    """
    labels = check_labels(labels, n, multilabel=True)
    if labels.ndim == 2:
        method.classes_ = np.arange(labels.shape[1])
        return torch.as_tensor(labels, dtype=torch.float32)
    method.classes_, indices = np.unique(labels, return_inverse=True)
    return torch.as_tensor(indices)


def check_either(images, texts, sizes):
    """Check one modality or both, for a joint method; the third result is one that was given."""
    if images is None and texts is None:
        raise ValueError("embed needs images, texts or both; neither was given.")
    if images is not None:
        images = check_matrix(images, "images", n_features=sizes[0])
    if texts is not None:
        texts = check_matrix(texts, "texts", n_features=sizes[1])
    if images is not None and texts is not None:
        check_pair(images, texts)
    return images, texts, images if images is not None else texts
