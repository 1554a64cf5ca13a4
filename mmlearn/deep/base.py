"""What the deep methods of vectors share: encoders, standardised inputs, what is watched."""

import copy

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import nn

from mmlearn.arrays import as_float32, in_kind_of, to_numpy
from mmlearn.contract import CoordinatedEmbedding, check_number
from mmlearn.labels import check_labels
from mmlearn.retrieval import cross_modal_map, first_hit_rank
from mmlearn.scaling import OneScale, Standardizer
from mmlearn.training.method import TrainedMethod

__all__ = [
    "DeepEmbedding",
    "DeepMethod",
    "SizedMethod",
    "TwoEncoders",
    "class_targets",
    "mlp",
]

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


class DeepMethod(TrainedMethod):
    """The settings of networks and training, which all deep methods take by keyword.

    Parameters
    ----------
    standardize : bool, default True
        True: every column of the features is centred and divided by its deviation. False: all
        columns of a modality are divided by one number, so that those that vary more still count
        for more; often better where the features come in one unit, as those of a CNN do.
    hidden : int or sequence of int, default 256: width(s) of the default encoders, 0 for linear
    dropout : float in [0, 1), default 0
    image_encoder, text_encoder : nn.Module, optional
        Networks from the features of a modality (m, d) to the embedding (m, n_components), to use
        in place of the default ones. They are copied, never changed, and trained in float32.
    loss : callable ``loss(module, x, y, *targets)``, optional
        A loss of your own, in place of the method's. It is given the network, a batch of
        standardised features (b, d_x) and (b, d_y), and what the method trains on beside them: of
        most supervised methods, the labels (b,) as class numbers, or (b, t) as 0 and 1.
        ``module(x, y)`` gives the embeddings of most methods. It returns a scalar tensor, or a
        dict ``{"loss": tensor, "another term": number, ...}``, whose terms go into ``history_``.
    epochs, batch_size, learning_rate, weight_decay, clip, validation_fraction, patience,
    on_epoch, checkpoint, device, random_state, progress : of training, see
        :class:`mmlearn.training.method.TrainedMethod`

    Attributes
    ----------
    module_ : the trained network;  history_ : :class:`mmlearn.training.History`

    Examples
    --------
    >>> from mmlearn.deep import TripletEmbedding
    >>> def pull(module, x, y, labels):
    ...     z_x, z_y = module(x, y)
    ...     return (z_x - z_y).square().mean()
    >>> def tell(training):
    ...     print(f"{training.progress:.0%} of {len(training.items[0])} pairs")
    >>> x, labels = np.eye(4), np.array([0, 0, 1, 1])
    >>> model = TripletEmbedding(2, loss=pull, on_epoch=tell, epochs=2, device="cpu")
    >>> model = model.fit(x, x, labels)
    0% of 4 pairs
    50% of 4 pairs
    """

    def __init__(
        self,
        *,
        standardize=True,
        hidden=256,
        dropout=0.0,
        image_encoder=None,
        text_encoder=None,
        loss=None,
        **settings,
    ):
        super().__init__(**settings)
        self.standardize = standardize
        self.hidden = hidden
        self.dropout = dropout
        self.image_encoder = image_encoder
        self.text_encoder = text_encoder
        self.loss = loss

    # -- what a method may replace, beside what TrainedMethod lists --------------------------

    _least_held = 2  # one pair has nothing to be ranked among
    _rows = 2048

    def _size(self):
        """Dimensions of the embedding."""
        raise NotImplementedError

    def _network(self):
        """A new network for the fitted sizes, with `encode_images` and `encode_texts`."""
        return TwoEncoders(self._encoder(0), self._encoder(1))

    def _scaler(self, rows):
        """What scales the rows of a modality, with `mean` and `scale`, learned from them."""
        return Standardizer(rows) if self.standardize else OneScale(rows)

    def _targets(self, labels, n):
        """Tensors to train on beside the pairs; none for an unsupervised method."""
        return ()

    def _metric(self, training, module, x, y, *targets):
        """What is watched on held-out pairs, larger is better: mAP, or 1 / rank of the partner."""
        z_x, z_y = to_numpy(module.encode_images(x)), to_numpy(module.encode_texts(y))
        if targets:
            return cross_modal_map(self, z_x, z_y, to_numpy(targets[0]))["mean"]
        s = self.similarity(z_x, z_y)
        return float(np.mean([1 / first_hit_rank(s), 1 / first_hit_rank(s.T)]))

    # -- fitting -----------------------------------------------------------------------------

    def fit(self, images, texts, labels=None):
        """Fit on paired rows: images (n, d_x), texts (n, d_y), labels (n,) where supervised."""
        images, texts = self._training_pair(images, texts)
        self._check_settings(len(images))
        targets = self._targets(labels, len(images))
        self.scalers_ = self._scaler(images), self._scaler(texts)
        x, y = self._standardized(images, 0), self._standardized(texts, 1)
        return self._fit_network((x, y, *targets), loss=self.loss)

    def _check_settings(self, n):
        super()._check_settings(n)
        if not (self.loss is None or callable(self.loss)):
            raise ValueError(f"loss must be a function of module and batch, got {self.loss!r}.")

    def _encoder(self, side, d_out=None, hidden=None):
        """The encoder of one side (0 images, 1 texts): the caller's own, or a small network."""
        own = (self.image_encoder, self.text_encoder)[side]
        if own is not None:
            return copy.deepcopy(own).float()
        d_in = len(self.scalers_[side].mean)
        hidden = self.hidden if hidden is None else hidden
        return mlp(d_in, hidden, d_out or self._size(), self.dropout)

    def _standardized(self, rows, side):
        return as_float32(self.scalers_[side](rows), SIDES[side])

    # -- inference ---------------------------------------------------------------------------

    def _embed(self, rows, side, encode):
        """`encode` standardised rows in chunks; the result is of the kind and dtype of `rows`."""
        check_is_fitted(self)
        rows = self._new_rows(rows, SIDES[side], len(self.scalers_[side].mean))
        return in_kind_of(rows, self._in_chunks(encode, self._standardized(rows, side)))


class SizedMethod(DeepMethod):
    """A deep method whose embedding has as many dimensions as one asks for.

    Parameters
    ----------
    n_components : int, default 50: dimensions of the embedding
    **settings : of network and training, see :class:`DeepMethod`
    """

    def __init__(self, n_components=50, **settings):
        super().__init__(**settings)
        self.n_components = n_components

    def _size(self):
        return self.n_components

    def _check_settings(self, n):
        super()._check_settings(n)
        check_number(self.n_components, "n_components", 1, whole=True)


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
