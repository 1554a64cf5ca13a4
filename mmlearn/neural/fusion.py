"""Joint representations: early fusion by concatenation, and joint fusion by encoders.

Survey: Baltrušaitis, Ahuja, Morency, Multimodal Machine Learning: A Survey and Taxonomy,
IEEE TPAMI 41(2), 2019.
"""

import numpy as np
import torch
from sklearn.decomposition import PCA
from sklearn.utils.validation import check_is_fitted
from torch import nn

from mmlearn.arrays import check_labels, check_pair, in_kind_of, to_numpy
from mmlearn.contract import JointEmbedding, check_number
from mmlearn.neural.base import SizedMethod, check_either, class_targets
from mmlearn.scaling import BlockScale

__all__ = ["EarlyFusion", "JointFusion"]


class EarlyFusion(JointEmbedding):
    r"""Early fusion: one model on the concatenated features, z = PCA([x; y]).

    With ``standardize`` each column is centred and divided by its deviation, and each modality
    is then divided by the root of its number of columns, so that both bring a variance of 1 in
    all. Without it the modality with the larger numbers, or merely with more columns, decides.

    A missing modality is replaced by its training mean: after centring, zeros.

    Parameters
    ----------
    n_components : int, default 50
    standardize : bool, default True

    Attributes
    ----------
    pca_ : the fitted scikit-learn PCA of the concatenated matrix (n, d_x + d_y)

    Raises
    ------
    ValueError: bad arrays, more components than pairs or features, or both modalities missing

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(20, 3)), 100 * rng.normal(size=(20, 2))
    >>> EarlyFusion(n_components=2).fit(x, y).embed(images=x).shape
    (20, 2)
    """

    def __init__(self, n_components=50, standardize=True):
        self.n_components = n_components
        self.standardize = standardize

    def fit(self, images, texts, labels=None):
        """Fit on paired rows: images (n, d_x), texts (n, d_y); `labels` are not used."""
        images, texts = check_pair(images, texts)
        most = min(len(images), images.shape[1] + texts.shape[1])
        if not 1 <= self.n_components <= most:
            raise ValueError(
                f"n_components must lie between 1 and {most} (the smaller of pairs and features), "
                f"got {self.n_components}."
            )
        self.blocks_ = BlockScale(images, self.standardize), BlockScale(texts, self.standardize)
        self.pca_ = PCA(self.n_components, svd_solver="full").fit(self._concatenate(images, texts))
        return self

    def embed(self, images=None, texts=None):
        """Embed pairs, or one modality alone: (m, n_components)."""
        check_is_fitted(self)
        sizes = [len(block.mean) for block in self.blocks_]
        images, texts, given = check_either(images, texts, sizes)
        z = self.pca_.transform(self._concatenate(images, texts))
        return in_kind_of(given, z)

    def modality_variance(self):
        """Share of each component's weight that falls on the images, (n_components,), 0 to 1."""
        check_is_fitted(self)
        d_x = len(self.blocks_[0].mean)
        return (self.pca_.components_[:, :d_x] ** 2).sum(axis=1)

    def _concatenate(self, images, texts):
        n = len(images if texts is None else texts)
        parts = []
        for block, x in zip(self.blocks_, (images, texts), strict=True):
            if x is None:
                parts.append(np.zeros((n, len(block.mean))))
            else:
                parts.append(block(to_numpy(x)))
        return np.hstack(parts)


class JointFusion(SizedMethod, JointEmbedding):
    r"""Joint (late) fusion: an encoder for each modality, merged, trained on a task.

    With f_x, f_y and g small networks and W a linear classifier::

        z = g([f_x(x); f_y(y)]),   loss = cross-entropy(W z, label)

    A missing modality contributes a code of zeros in place of f(·). The network copes with that
    only if it has met it: with ``modality_dropout`` p, each training item loses its image with
    probability p/2 and its text with probability p/2.

    "Late fusion" also names the averaging of two classifiers' decisions; that is not this method.

    Parameters
    ----------
    n_components : int, default 50: size of z
    modality_dropout : float in [0, 1), default 0
    hidden : int, default 128: width of each encoder's code
    **settings : of network and training, see :class:`mmlearn.neural.base.DeepMethod`

    Attributes
    ----------
    classes_ : (c,) class labels;  history_ : losses by epoch;  module_ : the trained network

    Raises
    ------
    ValueError: bad arrays, labels missing or of a single class, or both modalities missing

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(40) % 2
    >>> x, y = rng.normal(size=(40, 3)) + labels[:, None], rng.normal(size=(40, 2))
    >>> model = JointFusion(n_components=4, epochs=2, device="cpu").fit(x, y, labels)
    >>> model.embed(x, y).shape, model.predict(texts=y).shape
    ((40, 4), (40,))
    """

    supervised = True

    def __init__(
        self,
        n_components=50,
        *,
        modality_dropout=0.0,
        hidden=128,
        epochs=30,
        batch_size=64,
        weight_decay=1e-2,
        **settings,
    ):
        super().__init__(
            n_components,
            hidden=hidden,
            epochs=epochs,
            batch_size=batch_size,
            weight_decay=weight_decay,
            **settings,
        )
        self.modality_dropout = modality_dropout

    def _check_settings(self, n):
        super()._check_settings(n)
        check_number(self.modality_dropout, "modality_dropout", 0, below=1)
        check_number(self.hidden, "hidden", 1, whole=True)

    def _targets(self, labels, n):
        return (class_targets(self, check_labels(labels, n), n),)

    def _network(self):
        f_x, f_y = (
            nn.Sequential(
                self._encoder(side, self.hidden, hidden=0), nn.ReLU(), nn.Dropout(self.dropout)
            )
            for side in (0, 1)
        )
        return _FusionNetwork(f_x, f_y, self.hidden, self.n_components, len(self.classes_))

    def embed(self, images=None, texts=None):
        """Embed pairs, or one modality alone: (m, n_components)."""
        return self._forward(images, texts)[0]

    def predict(self, images=None, texts=None):
        """The likeliest class of each pair, or of one modality alone: (m,)."""
        _, logits = self._forward(images, texts)
        return self.classes_[to_numpy(logits).argmax(axis=1)]

    def _loss(self, training, module, images, texts, targets):
        drop = torch.rand(len(targets), 1, device=targets.device)
        has_image = drop >= self.modality_dropout / 2
        has_text = drop < 1 - self.modality_dropout / 2
        _, logits = module(images, texts, has_image, has_text)
        return nn.functional.cross_entropy(logits, targets)

    def _forward(self, images, texts):
        check_is_fitted(self)
        images, texts, given = check_either(images, texts, [len(s.mean) for s in self.scalers_])
        x, y = (self._rows(rows, side, len(given)) for side, rows in enumerate((images, texts)))
        there = [torch.full((len(given), 1), rows is not None) for rows in (images, texts)]
        with torch.no_grad():
            outputs = self.module_(*(t.to(self._device()) for t in (x, y, *there)))
        return [in_kind_of(given, output.cpu()) for output in outputs]

    def _rows(self, rows, side, n):
        if rows is None:
            return torch.zeros(n, len(self.scalers_[side].mean))
        return self._standardized(rows, side)


class _FusionNetwork(nn.Module):
    def __init__(self, f_x, f_y, hidden, n_components, n_classes):
        super().__init__()
        self.f_x, self.f_y = f_x, f_y
        self.g = nn.Sequential(nn.Linear(2 * hidden, n_components), nn.Tanh())
        self.classifier = nn.Linear(n_components, n_classes)

    def forward(self, x, y, has_image, has_text):
        """z (n, n_components) and class logits (n, c); a missing modality's code is zero."""
        h = torch.cat([self.f_x(x) * has_image, self.f_y(y) * has_text], dim=1)
        z = self.g(h)
        return z, self.classifier(z)

    def encode_images(self, x):
        h = self.f_x(x)
        return self.g(torch.cat([h, torch.zeros_like(h)], dim=1))

    def encode_texts(self, y):
        h = self.f_y(y)
        return self.g(torch.cat([torch.zeros_like(h), h], dim=1))
