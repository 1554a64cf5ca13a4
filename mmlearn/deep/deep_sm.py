"""Deep-SM: class posteriors as a common space, with a network for each modality.

Wei, Zhao, Lu, Wei, Liu, Zhu, Yan, Cross-Modal Retrieval With CNN Visual Features: A New Baseline,
IEEE Transactions on Cybernetics 47(2), 2017.
"""

import numpy as np
import torch
from torch import nn

from mmlearn.arrays import check_matrix, inner_products, to_numpy
from mmlearn.contract import embedding_sides
from mmlearn.deep.base import DeepEmbedding, TwoEncoders, class_targets
from mmlearn.labels import check_label_pair, check_labels
from mmlearn.losses import classification_loss
from mmlearn.retrieval import mean_average_precision
from mmlearn.training import gather

__all__ = ["DeepSM"]

ACTIVATIONS = {"softmax": lambda: nn.Softmax(dim=1), "sigmoid": nn.Sigmoid}


class DeepSM(DeepEmbedding):
    r"""Deep semantic matching: a classifier per modality, whose class probabilities embed the item.

    With f_x and f_y networks that end in one output a class::

        one class an item:       z = softmax(f(·)),   loss = cross-entropy of both classifiers
        several labels an item:  z = σ(f(·)),         loss = binary cross-entropy of both

    The classes are what the two modalities have in common, so no image need be paired with a
    text. The loss compares an item with its label alone; two items never meet in training.

    How two embeddings are compared, by `match`:

    * "same_class": the inner product ⟨z_x, z_y⟩. For softmax it is the probability that the two
      items share their class (if the items are independent and the probabilities true); for σ it
      is the expected number of labels that they share.
    * "cosine": blind to length, and so to how sure the classifiers are.

    There is no `n_components`: the embedding has one dimension a class.

    Parameters
    ----------
    match : "same_class" (default) or "cosine"
    posteriors : "softmax" or "sigmoid", optional: what makes probabilities of the outputs
        None: softmax where an item has one class, sigmoid where it may have several labels. The
        loss stays the same; for another one see `loss` of :class:`mmlearn.deep.base.DeepMethod`,
        which is given (module, x, y, labels_x, labels_y, has_image, has_text); ``module(x, y)``
        gives the outputs before the softmax.
    hidden, dropout, epochs, weight_decay, ... : of network and training, see
        :class:`mmlearn.deep.base.DeepMethod`. An `image_encoder` or `text_encoder` of your own
        must have one output a class, before the softmax.

    Attributes
    ----------
    classes_ : (c,) class labels, or 0..t-1 for indicators
    multilabel_ : bool;  module_ : the trained network;  history_ : losses by epoch

    Raises
    ------
    ValueError: bad arrays, labels missing or of a single class, unknown `match`

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(40, 3)), rng.normal(size=(30, 2))  # unpaired
    >>> labels = np.arange(40) % 2, np.arange(30) % 2
    >>> model = DeepSM(epochs=2, device="cpu").fit(x, y, labels)
    >>> model.embed_images(x).sum(axis=1).round(6)[:3]
    array([1., 1., 1.])
    """

    supervised = True
    multilabel = True

    def __init__(
        self,
        *,
        match="same_class",
        posteriors=None,
        hidden=256,
        dropout=0.5,
        epochs=20,
        weight_decay=1e-2,
        **settings,
    ):
        super().__init__(
            hidden=hidden, dropout=dropout, epochs=epochs, weight_decay=weight_decay, **settings
        )
        self.match = match
        self.posteriors = posteriors

    def fit(self, images, texts, labels=None):
        """Fit on images (n, d_x) and texts (m, d_y), paired or not.

        Parameters
        ----------
        labels : (n,) classes or (n, t) indicators of paired rows; or a tuple of two such,
            (image_labels, text_labels), where images and texts are not paired
        """
        if isinstance(labels, tuple) and len(labels) == 2 and np.ndim(labels[0]) > 0:
            self._learn_columns(images=images, texts=texts)
            images = to_numpy(check_matrix(images, "images"))
            texts = to_numpy(check_matrix(texts, "texts"))
        else:
            images, texts = self._training_pair(images, texts)
            labels = labels, labels
        self._check_settings(max(len(images), len(texts)))
        labels_x, labels_y = self._labels_of_both(labels, len(images), len(texts))
        self.scalers_ = self._scaler(images), self._scaler(texts)
        x, y = self._standardized(images, 0), self._standardized(texts, 1)
        items = _side_by_side((x, labels_x), (y, labels_y))
        return self._fit_network(items, loss=self.loss)

    def similarity(self, image_embeddings, text_embeddings):
        """Score every image (n, c) against every text (m, c) by `match`, shape (n, m)."""
        if self.match == "same_class":
            return inner_products(*embedding_sides(image_embeddings, text_embeddings))
        return super().similarity(image_embeddings, text_embeddings)

    def _check_settings(self, n):
        super()._check_settings(n)
        if self.match not in ("same_class", "cosine"):
            raise ValueError(f'match must be "same_class" or "cosine", got {self.match!r}.')
        if self.posteriors not in (None, *ACTIVATIONS):
            raise ValueError(
                f'posteriors must be "softmax", "sigmoid" or None, got {self.posteriors!r}.'
            )

    def _labels_of_both(self, labels, n_x, n_y):
        """Tensors of the labels of images and texts, over the classes of both."""
        labels = [
            check_labels(of_side, n, multilabel=True)
            for of_side, n in zip(labels, (n_x, n_y), strict=True)
        ]
        labels = check_label_pair(*labels, names=("image labels", "text labels"))
        self.multilabel_ = labels[0].ndim == 2
        return class_targets(self, np.concatenate(labels), n_x + n_y).split([n_x, n_y])

    def _size(self):
        return len(self.classes_)

    def _network(self):
        activation = self.posteriors or ("sigmoid" if self.multilabel_ else "softmax")
        return _Posteriors(self._encoder(0), self._encoder(1), ACTIVATIONS[activation]())

    def _loss(self, training, module, x, y, *targets):
        outputs = gather(*module(x, y), *targets)
        return sum(
            classification_loss(logits[there], labels[there])
            for logits, labels, there in _sides(outputs)
            if there.any()
        )

    def _metric(self, training, module, x, y, *targets):
        """The mean of the two mean average precisions of the held-out images and texts."""
        z = module.encode_images(x), module.encode_texts(y)
        (z_x, labels_x), (z_y, labels_y) = (
            (to_numpy(of_side[there]), to_numpy(labels[there]))
            for of_side, labels, there in _sides((*z, *targets))
        )
        if not (len(z_x) and len(z_y)):
            raise ValueError(
                "no image or no text was held out: the two sides differ too much in number; "
                "raise validation_fraction, or set it to 0."
            )
        s = self.similarity(z_x, z_y)
        i2t = mean_average_precision(s, labels_x, labels_y)
        return (i2t + mean_average_precision(s.T, labels_y, labels_x)) / 2


def _side_by_side(*sides):
    """(x, y, labels_x, labels_y, has_image, has_text), the shorter side filled up with zeros.

    The training loop takes the same rows of every tensor; where images and texts are not as many,
    the rest of the rows lacks one of them, and the two masks say where.
    """
    n = max(len(rows) for rows, _ in sides)
    there = [torch.arange(n) < len(rows) for rows, _ in sides]
    filled = [[_filled(t, n) for t in tensors] for tensors in zip(*sides, strict=True)]
    return *filled[0], *filled[1], *there


def _filled(t, n):
    return torch.cat([t, t.new_zeros(n - len(t), *t.shape[1:])])


def _sides(tensors):
    """(x, y, labels_x, labels_y, ...) as [(x, labels_x, ...), (y, labels_y, ...)]."""
    return zip(*(tensors[i : i + 2] for i in range(0, len(tensors), 2)), strict=True)


class _Posteriors(TwoEncoders):
    """`forward` gives logits, for the loss; `encode_*` gives probabilities, the embedding."""

    def __init__(self, image_encoder, text_encoder, activation):
        super().__init__(image_encoder, text_encoder)
        self.activation = activation

    def encode_images(self, x):
        return self.activation(self.image_encoder(x))

    def encode_texts(self, y):
        return self.activation(self.text_encoder(y))

    def forward(self, x, y):
        return self.image_encoder(x), self.text_encoder(y)
