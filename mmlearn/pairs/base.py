"""What the methods that score pairs share: settings, checks at the door, choosing among texts."""

import torch
from torch.nn import functional as F

from mmlearn.contract import PairScorer
from mmlearn.labels import check_labels
from mmlearn.pairs.regions import Regions, RegionScaler
from mmlearn.pairs.tokens import check_tokens
from mmlearn.special_tokens import PAD
from mmlearn.training.method import TrainedMethod

__all__ = [
    "PairMethod",
    "check_choices",
    "check_images",
    "choice_accuracy",
    "choice_loss",
    "take_weights",
]

ROWS = 512  # items scored at a time, in training


class PairMethod(TrainedMethod, PairScorer):
    """The settings of training, which all methods that score pairs take by keyword.

    Parameters
    ----------
    whiten : int or None, default 128
        Features of regions are whitened to so many components (fewer if there are not as many),
        see :class:`mmlearn.pairs.regions.RegionScaler`; None leaves them as they are.
    epochs, batch_size, learning_rate, weight_decay, clip, warm_up, validation_fraction, patience,
    on_epoch, checkpoint, device, random_state, progress : of training, see
        :class:`mmlearn.training.method.TrainedMethod`

    Attributes
    ----------
    module_ : the trained network;  history_ : :class:`mmlearn.training.History`
    """

    def __init__(
        self, *, whiten=128, epochs=20, batch_size=64, weight_decay=1e-2, clip=1.0, **settings
    ):
        super().__init__(
            epochs=epochs, batch_size=batch_size, weight_decay=weight_decay, clip=clip, **settings
        )
        self.whiten = whiten

    def _learn_scale(self, images):
        self.n_features_ = images.d
        self.scaler_ = RegionScaler(images, self.whiten)

    def _scale_as(self, start, images, known=True):
        """Take over the scale of `start`, a method of the same size; what differs is refused."""
        same = start._config() == self._config() and {i.d for i in images} == {start.n_features_}
        if not (same and known):
            raise ValueError("start must have the same config, fitted on the same kind of images.")
        self.n_features_, self.scaler_ = start.n_features_, start.scaler_

    def _split(self, n):
        """Which of `n` items are held out, and which are trained on, in a random order."""
        order = torch.randperm(n, generator=torch.Generator().manual_seed(int(self.random_state)))
        n_held = self._held_out(n)
        return order[:n_held], order[n_held:]


def take_weights(network, state):
    """Give a network the weights of `state`; words that it does not know keep their first ones."""
    own = network.state_dict()
    for name, tensor in state.items():
        rows = len(tensor) if name.endswith("words.weight") else None
        own[name][:rows].copy_(tensor) if tensor.ndim else own[name].copy_(tensor)


def check_images(images, max_regions=None, d=None):
    """Check that `images` are :class:`Regions` that the method can hold."""
    if not isinstance(images, Regions):
        raise TypeError(
            f"images must be Regions, got {type(images).__name__}; "
            "make them by Regions(features, boxes=...) or Regions.of(scenes, items.scene)."
        )
    if len(images) == 0:
        raise ValueError("images is empty: give at least one.")
    most = int(images.present.sum(dim=1).max())
    if max_regions is not None and most > max_regions:
        raise ValueError(
            f"an image has {most} regions, but the config holds {max_regions}; "
            "leave some out or raise max_regions."
        )
    if d is not None and images.d != d:
        raise ValueError(f"images have {images.d} features a region, fitted were {d}.")
    return images


def check_choices(images, texts, labels=None):
    """Texts that go with images: as many, and the right choice among each item's texts."""
    tokens = check_tokens(texts)
    if len(tokens) != len(images):
        raise ValueError(
            f"images and texts must go together row by row, got {len(images)} images and "
            f"{len(tokens)} texts."
        )
    if not bool((tokens != PAD).any(dim=-1).all()):
        raise ValueError("a text is empty: every text needs at least one word.")
    if labels is None:
        return tokens, None
    if tokens.ndim != 3:
        raise ValueError(
            "labels say which of several texts is right: give texts (n, choices, tokens)."
        )
    labels = check_labels(labels, len(tokens))
    if labels.dtype.kind not in "iu" or not 0 <= labels.min() <= labels.max() < tokens.shape[1]:
        raise ValueError(
            f"labels must be whole numbers from 0 to {tokens.shape[1] - 1}, the choices."
        )
    return tokens, torch.as_tensor(labels).long()


def choice_loss(module, images, *texts_and_labels):
    """Cross-entropy of the right text among an item's texts."""
    *texts, labels = texts_and_labels
    return F.cross_entropy(module(images, *texts), labels)


@torch.no_grad()
def choice_accuracy(module, images, *texts_and_labels):
    """Share of the items whose right text has the highest score; rows in chunks."""
    *texts, labels = texts_and_labels
    hits = 0
    for start in range(0, len(labels), ROWS):
        rows = slice(start, start + ROWS)
        scores = module(images[rows], *(t[rows] for t in texts))
        hits += int((scores.argmax(dim=1) == labels[rows]).sum())
    return hits / len(labels)
