"""CCL: whole items and their parts, fused and correlated, in two stages.

Peng, Qi, Huang, Yuan, CCL: Cross-modal Correlation Learning With Multigrained Fusion by
Hierarchical Network, IEEE Transactions on Multimedia 20(2), 2018, 405-420.
"""

import numpy as np
import torch
from torch import nn

from mmlearn.contract import check_number
from mmlearn.deep.base import DeepEmbedding, SizedMethod, class_targets, mlp
from mmlearn.losses import (
    classification_loss,
    contrastive_pairs_loss,
    correspondence_loss,
    reconstruction_loss,
)
from mmlearn.training import gather

__all__ = ["CCL"]

GRANULARITIES = {"both": ("whole", "parts"), "whole": ("whole",), "parts": ("parts",)}
BLOCKS = 4  # parts that are made where none are given


class CCL(SizedMethod, DeepEmbedding):
    r"""Cross-modal correlation learning at two granularities: the whole item, and its parts.

    Stage 1, without labels: a correspondence autoencoder for each granularity g. With encoders f,
    the parts' the same one for all parts of a modality, and decoders::

        h_v^whole = f_v(whole)                  h_v^parts = mean of f'_v(part) over the parts
        u_v       = ReLU(F_v [h_v^whole; h_v^parts])          one fused vector a modality, v = x, y
        L_1 = Σ_g [(1 - tie) (rec_x^g + rec_y^g) + tie mean_i ||h_x^g - h_y^g||² / code] + rec_u

    where rec are mean squared errors of the standardised features, and rec_u that of the codes,
    decoded from u. Stage 2 goes on from there with labels, by one layer S for both modalities::

        z_v = S u_v
        L_2 = inter · contrastive loss of all pairs (z_x_i, z_y_j): of one class together, of two
              classes at least `margin` apart
              + intra · (cross-entropy of W z_x + cross-entropy of W z_y)

    A part whose columns are all zero (the third run of words of a text of two words) is left out
    of the mean.

    Differences to the paper: plain encoders stand for its stacked autoencoders and Boltzmann
    machines, the fused vector is learnt by reconstruction, and stage 2 trains all layers on.

    Parameters
    ----------
    n_components : int, default 50
    image_groups, text_groups : list of slices [whole, part_1, ..., part_p], optional
        The columns of the whole and of its parts, as in ``feature_groups_`` of the features
        "cnn_parts" and "lsa_parts". The parts must be equally wide; the whole may differ.
        None, or a whole without parts: the parts are 4 blocks of its columns, of equal width,
        evenly spaced (overlapping where 4 does not divide the columns). That is a makeshift:
        blocks of columns mean something only where neighbouring columns belong together.
    granularity : "both" (default), "whole" or "parts": for ablations
    tie : float in [0, 1], default 0.7
    margin : float > 0, default 1
    inter, intra : floats >= 0, default 1, not both 0: weights of stage 2
    code : int, default 128: size of the codes h and of u
    pretraining_epochs : int >= 0, default 10: epochs of stage 1; 0 leaves it out
    epochs, hidden, dropout, ... : of stage 2 and of the networks, see
        :class:`mmlearn.deep.base.DeepMethod`. Networks of your own are not taken.

    Attributes
    ----------
    groups_ : (image groups, text groups), two lists of slices as above, those that were used
    classes_ : (c,) class labels, or 0..t-1 for indicators;  module_ : the trained network
    pretraining_history_, history_ : losses of stage 1 and 2 by epoch. Terms of the first:
        "reconstruction", "correspondence", "fusion"; of the second: "inter", "intra".

    Raises
    ------
    ValueError: bad arrays, labels missing or of a single class, settings out of range, groups
        that do not fit the columns, or parts of unequal width

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(40) % 2
    >>> x, y = rng.normal(size=(40, 9)) + labels[:, None], rng.normal(size=(40, 4))
    >>> groups = [slice(0, 5), slice(5, 7), slice(7, 9)]  # a whole and two parts
    >>> model = CCL(3, image_groups=groups, epochs=2, pretraining_epochs=2, device="cpu")
    >>> model.fit(x, y, labels).embed_images(x).shape
    (40, 3)
    """

    supervised = True
    multilabel = True

    def __init__(
        self,
        n_components=50,
        *,
        image_groups=None,
        text_groups=None,
        granularity="both",
        tie=0.7,
        margin=1.0,
        inter=1.0,
        intra=1.0,
        code=128,
        pretraining_epochs=10,
        dropout=0.5,
        epochs=20,
        weight_decay=1e-2,
        **settings,
    ):
        super().__init__(
            n_components, dropout=dropout, epochs=epochs, weight_decay=weight_decay, **settings
        )
        self.image_groups = image_groups
        self.text_groups = text_groups
        self.granularity = granularity
        self.tie = tie
        self.margin = margin
        self.inter = inter
        self.intra = intra
        self.code = code
        self.pretraining_epochs = pretraining_epochs

    def _check_settings(self, n):
        super()._check_settings(n)
        if self.granularity not in GRANULARITIES:
            raise ValueError(
                f'granularity must be "both", "whole" or "parts", got {self.granularity!r}.'
            )
        check_number(self.tie, "tie", 0, 1)
        check_number(self.margin, "margin", above=0)
        if not (self.inter >= 0 and self.intra >= 0 and self.inter + self.intra > 0):
            raise ValueError(
                "inter and intra must not be negative, nor both 0; got "
                f"{self.inter} and {self.intra}."
            )
        check_number(self.code, "code", 1, whole=True)
        check_number(self.pretraining_epochs, "pretraining_epochs", 0, whole=True)
        if self.image_encoder is not None or self.text_encoder is not None:
            raise ValueError(
                "CCL has encoders for wholes and for parts and takes no image_encoder or "
                "text_encoder; choose `hidden` instead."
            )

    def _targets(self, labels, n):
        return (class_targets(self, labels, n),)

    def _network(self):
        d_x, d_y = (len(scaler.mean) for scaler in self.scalers_)
        self.groups_ = (
            _check_groups(self.image_groups, d_x, "image_groups"),
            _check_groups(self.text_groups, d_y, "text_groups"),
        )
        return _CCLNetwork(
            self._modality(0),
            self._modality(1),
            nn.Linear(self.code, self.n_components),
            nn.Linear(self.n_components, len(self.classes_)),
        )

    def _modality(self, side):
        """The network of one modality, from standardised columns to the fused vector u."""
        groups = {"whole": self.groups_[side][:1], "parts": self.groups_[side][1:]}
        zeros = self._standardized(np.zeros((1, len(self.scalers_[side].mean))), side)[0]
        grains = {}
        for grain in GRANULARITIES[self.granularity]:
            encoder = mlp(_width(groups[grain][0]), self.hidden, self.code, self.dropout)
            grains[grain] = _Grain(groups[grain], zeros, encoder)
        return _Modality(grains, self.code)

    # -- stage 1 -----------------------------------------------------------------------------

    def _train(self, items, **hooks):
        decoders = [self._decoders(side) for side in (0, 1)]
        if self.pretraining_epochs:
            autoencoders = _Autoencoders(self.module_.image, self.module_.text, *decoders)
            pretraining = self._begin(autoencoders, items[:2], "pretraining")
            pretraining.held = None  # nothing is watched, and the last epoch is kept
            self.pretraining_history_ = self._run(
                pretraining, self._pretraining_loss, epochs=self.pretraining_epochs
            )
        super()._train(items, **hooks)

    def _decoders(self, side):
        """Decoders of the codes to the parts they are of, and of u to the codes."""
        modality = (self.module_.image, self.module_.text)[side]
        decoders = {
            name: mlp(self.code, self.hidden, _width(grain.groups[0]))
            for name, grain in modality.grains.items()
        }
        decoders["fused"] = nn.Linear(self.code, len(modality.grains) * self.code)
        return nn.ModuleDict(decoders)

    def _pretraining_loss(self, module, x, y):
        images, texts = module(x, y)
        terms = {"reconstruction": 0.0, "correspondence": 0.0, "fusion": 0.0}
        for of_image, of_text in zip(images["grains"], texts["grains"], strict=True):
            h_x, h_y = gather(of_image["code"], of_text["code"])
            terms["correspondence"] += correspondence_loss(h_x, h_y) / self.code
            for grain in (of_image, of_text):
                parts, decoded, there = gather(grain["parts"], grain["decoded"], grain["there"])
                terms["reconstruction"] += reconstruction_loss(
                    parts.flatten(0, 1), decoded.flatten(0, 1), there.flatten()
                )
        for modality in (images, texts):
            # A target is not to come towards what is to be learnt of it, hence detach.
            codes, decoded = gather(modality["codes"].detach(), modality["decoded"])
            terms["fusion"] += reconstruction_loss(codes, decoded)
        loss = (1 - self.tie) * terms["reconstruction"] + self.tie * terms["correspondence"]
        return {"loss": loss + terms["fusion"]} | terms

    # -- stage 2 -----------------------------------------------------------------------------

    def _loss(self, training, module, x, y, labels):
        z_x, z_y, classes_x, classes_y, labels = gather(*module(x, y), labels)
        inter = contrastive_pairs_loss(z_x, z_y, labels, self.margin)
        intra = classification_loss(classes_x, labels) + classification_loss(classes_y, labels)
        return {"loss": self.inter * inter + self.intra * intra, "inter": inter, "intra": intra}


def _check_groups(groups, d, name):
    """The slices [whole, part_1, ..., part_p], with parts made where there are none."""
    groups = [slice(0, d)] if groups is None else list(groups)
    if not groups or not all(_fits(group, d) for group in groups):
        raise ValueError(
            f"{name} must be a list of slices [whole, part_1, ..., part_p] of the {d} columns, "
            f"got {groups}."
        )
    if len(groups) == 1:
        start, d_whole = groups[0].start, _width(groups[0])
        width = -(-d_whole // BLOCKS)
        starts = start + np.linspace(0, d_whole - width, min(BLOCKS, d_whole)).round().astype(int)
        groups += [slice(int(i), int(i) + width) for i in starts]
    widths = {_width(group) for group in groups[1:]}
    if len(widths) > 1:
        raise ValueError(
            f"the parts of {name} must be equally wide, since one encoder sees them all; "
            f"got widths {sorted(widths)}."
        )
    return groups


def _fits(group, d):
    if not isinstance(group, slice) or group.start is None or group.stop is None:
        return False
    return group.step in (None, 1) and 0 <= group.start < group.stop <= d


def _width(group):
    return group.stop - group.start


class _Grain(nn.Module):
    """One granularity of one modality: its parts (a whole is one part), and their encoder."""

    def __init__(self, groups, zeros, encoder):
        super().__init__()
        self.groups, self.encoder = groups, encoder
        # What a column of zero has become by standardising, to know the missing parts by.
        self.register_buffer("zeros", torch.stack([zeros[group] for group in groups]))

    def forward(self, x):
        """The mean code (n, k), and what it is made of: parts (n, p, w), there (n, p), h."""
        parts = torch.stack([x[:, group] for group in self.groups], dim=1)
        there = (parts != self.zeros).any(dim=2).float()
        h = self.encoder(parts)
        n_there = there.sum(dim=1, keepdim=True).clamp(min=1)
        return (h * there[:, :, None]).sum(dim=1) / n_there, parts, there, h


class _Modality(nn.Module):
    """The codes of all granularities, fused to one vector u."""

    def __init__(self, grains, code):
        super().__init__()
        self.grains = nn.ModuleDict(grains)
        self.fuse = nn.Sequential(nn.Linear(len(grains) * code, code), nn.ReLU())

    def forward(self, x):
        return self.fuse(torch.cat([grain(x)[0] for grain in self.grains.values()], dim=1))


class _Autoencoders(nn.Module):
    """Stage 1: the networks of both modalities with decoders, which are not kept."""

    def __init__(self, image, text, image_decoders, text_decoders):
        super().__init__()
        self.image, self.text = image, text
        self.image_decoders, self.text_decoders = image_decoders, text_decoders

    def forward(self, x, y):
        """For each modality what the loss needs, by name."""
        return (
            self._reconstruct(x, self.image, self.image_decoders),
            self._reconstruct(y, self.text, self.text_decoders),
        )

    @staticmethod
    def _reconstruct(x, modality, decoders):
        grains = []
        for name, grain in modality.grains.items():
            code, parts, there, h = grain(x)
            decoded = decoders[name](h)
            grains.append({"code": code, "parts": parts, "there": there, "decoded": decoded})
        codes = torch.cat([grain["code"] for grain in grains], dim=1)
        return {
            "grains": grains,
            "codes": codes,
            "decoded": decoders["fused"](modality.fuse(codes)),
        }


class _CCLNetwork(nn.Module):
    """Stage 2: one layer for both modalities, and the classifier on top of it."""

    def __init__(self, image, text, shared, classifier):
        super().__init__()
        self.image, self.text = image, text
        self.shared, self.classifier = shared, classifier

    def encode_images(self, x):
        return self.shared(self.image(x))

    def encode_texts(self, y):
        return self.shared(self.text(y))

    def forward(self, x, y):
        z_x, z_y = self.encode_images(x), self.encode_texts(y)
        return z_x, z_y, self.classifier(z_x), self.classifier(z_y)
