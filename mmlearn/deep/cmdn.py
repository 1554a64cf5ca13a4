"""CMDN, cross-media multiple deep networks, with modern parts (Peng, Huang, Qi, IJCAI 2016)."""

from itertools import islice

import torch
from torch import nn

from mmlearn.contract import check_number
from mmlearn.deep.autoencoders import FusedAutoencoder
from mmlearn.deep.base import DeepEmbedding, SizedMethod, class_targets, mlp
from mmlearn.deep.rbm import RBM
from mmlearn.losses import classification_loss, reconstruction_loss
from mmlearn.training import gather

__all__ = ["CMDN"]


class CMDN(SizedMethod, DeepEmbedding):
    r"""Modern CMDN: what a modality says, what both say, both combined, and then level on level.

    Each stage is trained on what the stages before it give, which stay as they are; m is either
    modality::

        intra_m   code of a denoising autoencoder of m alone
        inter_m   code of m in an autoencoder of both, trained on (x, y), (x, 0), (0, y) -> (x, y)
        joint_m   p(h = 1 | intra_m, inter_m) of a Gaussian-Bernoulli RBM, trained by CD-1
        semantic_m   hidden layer of a network on joint_m that ends in softmax; its last layer is
                     the same for both modalities, so that it brings them together
        bimodal_m, `depth` times   code of m in an autoencoder of both modalities' last codes,
                     trained on (x, y), (x, 0), (0, y) -> (x, y)

    What the RBM gets, and the code of each bimodal autoencoder, are brought to mean 0 and variance
    1 by the statistics of the training items (z-norm). The last code embeds, and is compared by
    the cosine. Labels enter in `semantic` alone;
    with ``supervised=False`` that stage is left out and none are needed.

    What is modern, and not the paper's: autoencoders stand for the stacked autoencoders' layers
    and for the multimodal deep belief network (Gaussian RBM for images, replicated softmax for
    texts) that gives `inter`; AdamW trains them from random weights; `depth` is 2, not 4. What is
    kept: intra and inter codes for each modality, the RBM that joins them, the softmax network, and
    bimodal autoencoders stacked on them.

    Parameters
    ----------
    n_components : int, default 50: size of the intra and inter codes and of the embedding
    depth : int >= 1, default 2: how many bimodal autoencoders are stacked
    supervised : bool, default True: whether there is a `semantic` stage
    noise : float in [0, 1), default 0.2: share of the features that are hidden from the
        autoencoders of the first two stages in training
    hidden : int, default 256: width of the first two stages' networks, of the RBM and of `semantic`
    dropout : float in [0, 1), default 0.2: of the hidden layers
    epochs : int, default 20: of each stage
    standardize, batch_size, ... : of training, see :class:`mmlearn.deep.base.DeepMethod`. An
        `image_encoder` or `text_encoder` of your own gives the intra code; a `loss` of your own is
        not taken; each stage writes a checkpoint of its own, "checkpoint.stage"; held-out pairs
        are watched by each stage's loss.

    Attributes
    ----------
    histories_ : {stage: :class:`mmlearn.training.History`};  history_ : that of the last stage
    classes_ : (c,) class labels, where supervised;  module_ : the trained networks

    Raises
    ------
    ValueError: bad arrays, labels missing where supervised, bad `depth`, `noise` or `hidden`

    References
    ----------
    Peng, Huang, Qi, Cross-media Shared Representation by Hierarchical Learning with Multiple Deep
    Networks, IJCAI 2016.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x, y, labels = rng.normal(size=(40, 3)), rng.normal(size=(40, 2)), np.arange(40) % 2
    >>> model = CMDN(n_components=4, hidden=8, epochs=2, device="cpu").fit(x, y, labels)
    >>> model.embed_images(x).shape
    (40, 4)
    >>> list(model.histories_)  # doctest: +NORMALIZE_WHITESPACE
    ['intra', 'inter', 'joint of images', 'joint of texts', 'semantic', 'bimodal 1', 'bimodal 2']
    """

    supervised = True
    multilabel = True

    def __init__(
        self,
        n_components=50,
        *,
        depth=2,
        supervised=True,
        noise=0.2,
        dropout=0.2,
        epochs=20,
        learning_rate=3e-3,
        **settings,
    ):
        super().__init__(
            n_components, dropout=dropout, epochs=epochs, learning_rate=learning_rate, **settings
        )
        self.depth = depth
        self.supervised = supervised
        self.noise = noise

    def _check_settings(self, n):
        super()._check_settings(n)
        check_number(self.depth, "depth", 1)
        check_number(self.noise, "noise", 0, below=1)
        if self.loss is not None:
            raise ValueError("CMDN trains in stages, each by its own loss, and takes no other.")
        check_number(self.hidden, "hidden", 1, whole=True)

    def _targets(self, labels, n):
        return (class_targets(self, labels, n),) if self.supervised else ()

    def _network(self):
        sizes = [len(scaler.mean) for scaler in self.scalers_]
        k, width, p = self.n_components, self.hidden, self.dropout
        intra = _Intra(
            [_noisy(self._encoder(side), self.noise) for side in (0, 1)],
            [mlp(k, width, d, p) for d in sizes],
        )
        inter = FusedAutoencoder(
            [_noisy(mlp(d, width, k, p), self.noise) for d in sizes],
            [mlp(k, width, d, p) for d in sizes],
            nn.Tanh(),
        )
        joint = [RBM(2 * k, width, "gaussian") for _ in sizes]
        semantic = _Semantic(width, len(self.classes_), p) if self.supervised else None
        bimodal = [_bimodal(d, k) for d in [width] + [k] * (self.depth - 1)]
        return _Network(sizes, intra, inter, joint, semantic, bimodal)

    def _train(self, items, **hooks):
        x, y, *targets = items
        network, codes = self.module_, (x, y)
        self.histories_ = {}
        self._stage("intra", network.intra, self._intra_loss, codes)
        self._stage("inter", network.inter, self._bimodal_loss, codes)
        network.to(self._device())

        codes = self._after(2, x, y, network.scales[0])
        for rbm, name, v in zip(network.joint, ("images", "texts"), codes, strict=True):
            rbm.fit(v.to(self._device()), self.epochs, seed=self.random_state)
            self.histories_[f"joint of {name}"] = rbm.history
        done = 3
        codes = self._after(done, x, y)
        if self.supervised:
            self._stage("semantic", network.semantic, self._semantic_loss, (*codes, *targets))
            done += 1
            codes = self._after(done, x, y)
        for level, (autoencoder, scales) in enumerate(
            zip(network.bimodal, network.scales[1:], strict=True), start=1
        ):
            self._stage(f"bimodal {level}", autoencoder, self._bimodal_loss, codes)
            done += 2
            codes = self._after(done, x, y, scales)
        self.history_ = self.histories_[f"bimodal {self.depth}"]

    def _stage(self, name, module, loss, tensors):
        self.histories_[name] = self._run(self._begin(module, tensors, name), loss)

    def _after(self, n_steps, x, y, scales=None):
        """What both modalities are after so many steps; `scales`, if the last one, is learned."""
        if scales is not None:
            for scale, z in zip(scales, self._after(n_steps - 1, x, y), strict=True):
                scale.fit(z.to(self._device()))
        return [
            self._in_chunks(lambda part, side=side: self.module_.encode(part, side, n_steps), rows)
            for side, rows in enumerate((x, y))
        ]

    # -- the losses of the stages ------------------------------------------------------------

    def _intra_loss(self, module, x, y):
        x, y, x_hat, y_hat = gather(x, y, *module(x, y))
        return reconstruction_loss(x, x_hat) + reconstruction_loss(y, y_hat)

    def _bimodal_loss(self, module, x, y):
        x, y, *decoded = gather(x, y, *module(x, y))  # decoded: (n, subsets, d)
        return sum(
            reconstruction_loss(rows[:, None].expand_as(rows_hat).flatten(1), rows_hat.flatten(1))
            for rows, rows_hat in zip((x, y), decoded, strict=True)
        )

    def _semantic_loss(self, module, x, y, targets):
        logits_x, logits_y, targets = gather(*module(x, y), targets)
        return classification_loss(logits_x, targets) + classification_loss(logits_y, targets)


class _Network(nn.Module):
    """The stages, and the way of a modality through them."""

    def __init__(self, sizes, intra, inter, joint, semantic, bimodal):
        super().__init__()
        self.sizes = sizes
        self.intra, self.inter, self.semantic = intra, inter, semantic
        self.joint, self.bimodal = nn.ModuleList(joint), nn.ModuleList(bimodal)
        widths = [len(joint[0].visible_bias), *(b.decoders[0].in_features for b in bimodal)]
        self.scales = nn.ModuleList(nn.ModuleList((_Scale(d), _Scale(d))) for d in widths)

    def steps(self, side):
        """The steps of one side (0 images, 1 texts), in order, each a function of the last."""
        yield lambda x: torch.cat(
            [self.intra.encoders[side](x), _alone(self.inter, x, side, self.sizes)], dim=1
        )
        yield self.scales[0][side]
        yield self.joint[side]
        if self.semantic is not None:
            yield self.semantic.hidden[side]
        for autoencoder, scale in zip(self.bimodal, self.scales[1:], strict=True):
            yield lambda x, a=autoencoder: _alone(a, x, side, [x.shape[1]] * 2)
            yield scale[side]

    def encode(self, x, side, n_steps=None):
        for step in islice(self.steps(side), n_steps):
            x = step(x)
        return x

    def encode_images(self, x):
        return self.encode(x, 0)

    def encode_texts(self, y):
        return self.encode(y, 1)


def _alone(autoencoder, x, side, sizes):
    """The code of one modality, the other missing."""
    inputs = [x if i == side else x.new_zeros(len(x), d) for i, d in enumerate(sizes)]
    return autoencoder.encode(*inputs)


def _noisy(encoder, noise):
    return nn.Sequential(nn.Dropout(noise), encoder)


def _bimodal(d, k):
    encoders, decoders = [nn.Linear(d, k) for _ in range(2)], [nn.Linear(k, d) for _ in range(2)]
    return FusedAutoencoder(encoders, decoders, nn.Tanh())


class _Intra(nn.Module):
    """An autoencoder for each modality, which know nothing of each other."""

    def __init__(self, encoders, decoders):
        super().__init__()
        self.encoders = nn.ModuleList(nn.Sequential(f, nn.Tanh()) for f in encoders)
        self.decoders = nn.ModuleList(decoders)

    def forward(self, *x):
        return [g(f(x_m)) for f, g, x_m in zip(self.encoders, self.decoders, x, strict=True)]


class _Semantic(nn.Module):
    """A hidden layer for each modality, and one output layer, the same for both: class logits."""

    def __init__(self, width, n_classes, dropout):
        super().__init__()
        self.hidden = nn.ModuleList(
            nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Dropout(dropout)) for _ in range(2)
        )
        self.output = nn.Linear(width, n_classes)

    def forward(self, *x):
        return [self.output(f(x_m)) for f, x_m in zip(self.hidden, x, strict=True)]


class _Scale(nn.Module):
    """z-norm: to mean 0 and variance 1 by the statistics of the training items."""

    def __init__(self, d):
        super().__init__()
        self.register_buffer("mean", torch.zeros(d))
        self.register_buffer("deviation", torch.ones(d))

    def fit(self, z):
        deviation = z.std(dim=0, unbiased=False)
        self.mean.copy_(z.mean(dim=0))
        self.deviation.copy_(torch.where(deviation > 1e-6, deviation, 1.0))

    def forward(self, z):
        return (z - self.mean) / self.deviation
