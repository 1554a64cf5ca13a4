"""ACMR: an adversary that has to tell images from texts, and projectors that deceive it.

Wang, Yang, Xu, Hanjalic, Shen, Adversarial Cross-Modal Retrieval, ACM MM 2017, 154-162.
"""

import torch
from torch import nn
from torch.nn import functional as F

from mmlearn.contract import check_number
from mmlearn.deep.base import DeepEmbedding, SizedMethod, TwoEncoders, class_targets, mlp
from mmlearn.losses import adversary_strength, classification_loss, reverse_gradient, triplet_loss
from mmlearn.training import gather

__all__ = ["ACMR"]


class ACMR(SizedMethod, DeepEmbedding):
    r"""Adversarial cross-modal retrieval.

    Two projectors z_x = f_x(x) and z_y = f_y(y), a classifier W and a discriminator D on top of
    both. With λ reversed, λ growing with the share p of training that is done::

        L = α L_label + β L_triplet + L_modality

        L_label    = cross-entropy of W(z_x) and of W(z_y) with the labels
        L_triplet  = mean over active triplets of max(0, m - s_ap + s_an), s a cosine, both ways;
                     positives are of the anchor's class, negatives of another
        L_modality = cross-entropy of D(z / ||z||), image or text?
        λ(p)       = adversary · (2 / (1 + exp(-10 p)) - 1)

    D learns by L_modality as it is; on the way from D back to the projectors its gradient is
    multiplied by -λ, so that they learn to make the two modalities indistinguishable, while the
    label and triplet losses keep the classes apart.

    A discriminator at chance is no proof of alignment: it says that this one opponent cannot tell
    the two clouds of points apart, not that an image lies where its text does. Nor need it settle
    there: on the emoji it is deceived, learns again, and swings. Compare `adversary=0`.

    Differences to the paper: triplets compare cosines, and all of a batch count; D sees unit
    vectors, as they are what cosines compare; the projectors and the discriminator are updated in
    one step.

    Parameters
    ----------
    n_components : int, default 50
    label, triplet : floats >= 0, default 1: α and β
    margin : float > 0, default 0.2: m
    adversary : float >= 0, default 1: what λ tends to; 0 leaves the projectors alone, while the
        discriminator learns all the same
    discriminator_hidden : int, default 64: width of D's hidden layer
    **settings : of network and training, see :class:`mmlearn.deep.base.DeepMethod`

    Attributes
    ----------
    classes_ : (c,) class labels, or 0..t-1 for indicators;  module_ : the trained network
    history_ : losses by epoch; its terms are "label", "triplet" and "modality", the parts of the
        loss, "discriminator_accuracy", the share of a batch whose modality D told (chance: .5),
        and "strength", λ (which `on_epoch` finds as ``training.strength``)

    Raises
    ------
    ValueError: bad arrays, labels missing or of a single class, settings out of range

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(40) % 2
    >>> x, y = rng.normal(size=(40, 3)) + labels[:, None], rng.normal(size=(40, 2))
    >>> model = ACMR(4, epochs=2, device="cpu").fit(x, y, labels)
    >>> model.embed_images(x).shape
    (40, 4)
    """

    supervised = True
    multilabel = True

    def __init__(
        self,
        n_components=50,
        *,
        label=1.0,
        triplet=1.0,
        margin=0.2,
        adversary=1.0,
        discriminator_hidden=64,
        dropout=0.5,
        epochs=30,
        weight_decay=1e-2,
        **settings,
    ):
        super().__init__(
            n_components, dropout=dropout, epochs=epochs, weight_decay=weight_decay, **settings
        )
        self.label = label
        self.triplet = triplet
        self.margin = margin
        self.adversary = adversary
        self.discriminator_hidden = discriminator_hidden

    def _check_settings(self, n):
        super()._check_settings(n)
        for name in ("label", "triplet", "adversary"):
            check_number(getattr(self, name), name, 0)
        check_number(self.margin, "margin", above=0)

    def _targets(self, labels, n):
        return (class_targets(self, labels, n),)

    def _network(self):
        return _Adversaries(
            self._encoder(0),
            self._encoder(1),
            nn.Linear(self.n_components, len(self.classes_)),
            mlp(self.n_components, self.discriminator_hidden, 1),
        )

    def _before_epoch(self, training):
        training.strength = self.adversary * adversary_strength(training.progress)

    def _loss(self, training, module, x, y, labels):
        outputs = gather(*module(x, y, training.strength), labels)
        z_x, z_y, classes_x, classes_y, modality_x, modality_y, labels = outputs
        label = classification_loss(classes_x, labels) + classification_loss(classes_y, labels)
        triplet = triplet_loss(z_x, z_y, labels, self.margin)
        modality = torch.cat([modality_x, modality_y]).float()
        is_image = torch.cat([torch.ones_like(modality_x), torch.zeros_like(modality_y)]).float()
        adversarial = F.binary_cross_entropy_with_logits(modality, is_image)
        return {
            "loss": self.label * label + self.triplet * triplet + adversarial,
            "label": label,
            "triplet": triplet,
            "modality": adversarial,
            "discriminator_accuracy": ((modality > 0) == is_image.bool()).float().mean(),
            "strength": training.strength,
        }


class _Adversaries(TwoEncoders):
    """Projectors, the classifier of their outputs, and the discriminator of their modality."""

    def __init__(self, image_encoder, text_encoder, classifier, discriminator):
        super().__init__(image_encoder, text_encoder)
        self.classifier, self.discriminator = classifier, discriminator

    def forward(self, x, y, strength=0.0):
        """Embeddings (n, k), class logits (n, c) and modality logits (n,) of both sides."""
        z = super().forward(x, y)
        classes = (self.classifier(z_v) for z_v in z)
        modality = (self._modality(reverse_gradient(z_v, strength)) for z_v in z)
        return *z, *classes, *modality

    def _modality(self, z):
        """On the unit sphere: D judges directions, as the cosines that rank do, not lengths."""
        return self.discriminator(F.normalize(z))[:, 0]
