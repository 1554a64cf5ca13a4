"""Contrastive embeddings: find the partner among a whole batch (InfoNCE, SigLIP, SupCon).

van den Oord, Li, Vinyals, Representation Learning with Contrastive Predictive Coding,
arXiv:1807.03748, 2018. Radford et al., Learning Transferable Visual Models From Natural Language
Supervision, ICML 2021. Zhai, Mustafa, Kolesnikov, Beyer, Sigmoid Loss for Language Image
Pre-Training, ICCV 2023. Khosla et al., Supervised Contrastive Learning, NeurIPS 2020.
"""

import torch
from torch import nn

from mmlearn.contract import check_number
from mmlearn.deep.base import DeepEmbedding, SizedMethod, TwoEncoders, class_targets
from mmlearn.losses import info_nce, siglip, supcon
from mmlearn.training import gather

__all__ = ["InfoNCE", "SigLIP", "SupCon"]

LOWEST = 0.01  # CLIP's bound of the temperature: below it the softmax sees one item only


class InfoNCE(SizedMethod, DeepEmbedding):
    r"""InfoNCE, as in CLIP: each item has to find its partner among all those of the batch.

    With s_ij the cosine of the embeddings of image i and text j, and τ the temperature::

        L = -½ mean_i [log softmax_j(s_ij / τ)_i + log softmax_j(s_ji / τ)_i]

    Trained on pairs alone. All other items of a batch count as wrong, also those of the same
    class: the larger the batch, the more of these "false negatives" there are.

    Parameters
    ----------
    n_components : int, default 50
    temperature : float > 0, default 0.1: τ, where it starts if it is learnt
    learn_temperature : bool, default True: τ = 0.01 + (temperature - 0.01) exp(δ), δ learnt
    batch_size : int, default 128: the number of items among which a partner has to be found
    **settings : of network and training, see :class:`mmlearn.deep.base.DeepMethod`

    Attributes
    ----------
    temperature_ : float, the τ that was arrived at
    history_ : losses by epoch, and its term "temperature";  module_ : the trained network

    Raises
    ------
    ValueError: bad arrays, or a temperature that is not above 0 (0.01 if it is to be learnt)

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 2))
    >>> model = InfoNCE(4, epochs=2, device="cpu").fit(x, y)
    >>> model.embed_texts(y).shape
    (40, 4)
    """

    def __init__(
        self,
        n_components=50,
        *,
        temperature=0.1,
        learn_temperature=True,
        dropout=0.5,
        epochs=30,
        weight_decay=1e-2,
        **settings,
    ):
        super().__init__(
            n_components, dropout=dropout, epochs=epochs, weight_decay=weight_decay, **settings
        )
        self.temperature = temperature
        self.learn_temperature = learn_temperature

    def _check_settings(self, n):
        super()._check_settings(n)
        lowest = LOWEST if self.learn_temperature else 0
        check_number(self.temperature, "temperature", above=lowest)

    def _network(self):
        encoders = self._encoder(0), self._encoder(1)
        return _Tempered(*encoders, self.temperature, self.learn_temperature)

    _contrast = staticmethod(info_nce)

    def _loss(self, training, module, x, y, *targets):
        z_x, z_y, learnt = module(x, y)
        loss = self._contrast(*gather(z_x, z_y, *targets), **learnt)
        return {"loss": loss} | learnt

    def _finish(self, training):
        for name, value in training.module.learnt().items():
            setattr(self, f"{name}_", value.item())


class SupCon(InfoNCE):
    r"""Supervised contrastive embedding: all items of the class are partners.

    With P(i) the items of the batch that are relevant to i, i itself among them::

        L = ½ (L_xy + L_yx),   L_xy = -mean_i 1/|P(i)| Σ_{p in P(i)} log softmax_j(s_ij / τ)_p

    so that, unlike with :class:`InfoNCE`, no item of the own class is a negative. The positives
    share the denominator, though: one whose probability is above 1/|P(i)| is pushed away. Relevant
    is what has the same class or, with several labels an item, shares one.

    Parameters
    ----------
    n_components, temperature, learn_temperature, **settings : as for :class:`InfoNCE`

    Attributes
    ----------
    classes_ : (c,) class labels, or 0..t-1 for indicators
    temperature_, history_, module_ : as for :class:`InfoNCE`

    Raises
    ------
    ValueError: as :class:`InfoNCE`, and labels missing or of a single class

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(40) % 2
    >>> x, y = rng.normal(size=(40, 3)) + labels[:, None], rng.normal(size=(40, 2))
    >>> SupCon(4, epochs=2, device="cpu").fit(x, y, labels).embed_images(x).shape
    (40, 4)
    """

    supervised = True
    multilabel = True

    def _targets(self, labels, n):
        return (class_targets(self, labels, n),)

    _contrast = staticmethod(supcon)


class SigLIP(InfoNCE):
    r"""SigLIP: each of the n² image-text pairs of a batch is judged alone, true or not.

    With y_ij = 1 where image i and text j are a pair, else -1, and b a bias that is learnt::

        L = -mean_ij log σ(y_ij (s_ij / τ + b))

    The paper divides the sum by n, where the mean divides it by n²: its value is n times this one.
    There is no softmax, so that a pair's loss does not depend on the rest of the batch. Of n²
    pairs n are true; the bias starts far below 0, so that training need not first learn that.

    Parameters
    ----------
    n_components, temperature, learn_temperature, **settings : as for :class:`InfoNCE`
    bias : float, default -5: where b starts; about -log(batch_size) is the prior of a true pair

    Attributes
    ----------
    bias_ : float, the b that was arrived at
    temperature_, module_ : as for :class:`InfoNCE`
    history_ : losses by epoch, and its terms "temperature" and "bias"

    Raises
    ------
    ValueError: as :class:`InfoNCE`

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 2))
    >>> SigLIP(4, epochs=2, device="cpu").fit(x, y).embed_images(x).shape
    (40, 4)
    """

    def __init__(self, n_components=50, *, bias=-5.0, **settings):
        super().__init__(n_components, **settings)
        self.bias = bias

    def _network(self):
        encoders = self._encoder(0), self._encoder(1)
        return _Biased(*encoders, self.temperature, self.learn_temperature, self.bias)

    _contrast = staticmethod(siglip)


class _Tempered(TwoEncoders):
    """Two encoders and a temperature.

    What is learnt is the difference to the value given, so that weight decay pulls back to it.
    """

    def __init__(self, image_encoder, text_encoder, temperature, learn):
        super().__init__(image_encoder, text_encoder)
        self.start = temperature
        self.delta = nn.Parameter(torch.zeros(()), requires_grad=learn)

    def learnt(self):
        """The scalars that the loss needs, by name."""
        if not self.delta.requires_grad:
            return {"temperature": self.delta + self.start}
        return {"temperature": LOWEST + (self.start - LOWEST) * self.delta.exp()}

    def forward(self, x, y):
        return *super().forward(x, y), self.learnt()


class _Biased(_Tempered):
    """A bias in addition, learnt in the same way."""

    def __init__(self, image_encoder, text_encoder, temperature, learn, bias):
        super().__init__(image_encoder, text_encoder, temperature, learn)
        self.first_bias = bias
        self.bias_delta = nn.Parameter(torch.zeros(()))

    def learnt(self):
        return super().learnt() | {"bias": self.first_bias + self.bias_delta}
