"""A joint representation by encoders that are merged: joint fusion.

Survey: Baltrušaitis, Ahuja, Morency, Multimodal Machine Learning: A Survey and Taxonomy,
IEEE TPAMI 41(2), 2019.
"""

import torch
from sklearn.utils.validation import check_is_fitted
from torch import nn

from mmlearn.arrays import in_kind_of, to_numpy
from mmlearn.contract import JointEmbedding, check_number
from mmlearn.deep.base import SizedMethod, class_targets
from mmlearn.labels import check_labels

__all__ = ["JointFusion"]


class JointFusion(SizedMethod, JointEmbedding):
    r"""Joint fusion: an encoder for each modality, their codes merged, trained on a task.

    With f_x, f_y and g small networks and W a linear classifier::

        z = g([f_x(x); f_y(y)]),   loss = cross-entropy(W z, label)

    A missing modality contributes a code of zeros in place of f(·). The network copes with that
    only if it has met it: with ``modality_dropout`` p, each training item loses its image with
    probability p/2 and its text with probability p/2.

    This is intermediate fusion (Ramachandram, Taylor, IEEE Signal Processing Magazine 34(6), 2017).
    The webinar says "late fusion", which in the survey above is the fusion of decisions.

    Parameters
    ----------
    n_components : int, default 50: size of z
    modality_dropout : float in [0, 1), default 0
    hidden : int, default 128: width of each encoder's code
    **settings : of network and training, see :class:`mmlearn.deep.base.DeepMethod`

    Attributes
    ----------
    classes_ : (c,) class labels;  history_ : losses by epoch;  module_ : the trained network

    Raises
    ------
    ValueError: bad arrays, labels missing or of a single class, or both modalities missing

    Examples
    --------
    >>> import numpy as np
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
        sizes = [len(s.mean) for s in self.scalers_]
        images, texts, given = self._new_either(images, texts, sizes)
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
