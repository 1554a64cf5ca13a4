"""What the methods that score pairs share: settings, training, inference in chunks."""

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch.nn import functional as F

from mmlearn.base import Estimator, check_labels
from mmlearn.training import fit as train
from mmlearn.training.randomness import keeps_random_state, seed_everything
from mmlearn.transformers.regions import Regions, RegionScaler
from mmlearn.transformers.texts import PAD, check_tokens

__all__ = [
    "PairMethod",
    "check_choices",
    "check_images",
    "choice_accuracy",
    "choice_loss",
    "take_weights",
]

ROWS = 512  # items scored at a time


class PairMethod(Estimator):
    """The settings of training, which all methods that score pairs take by keyword.

    Parameters
    ----------
    whiten : int or None, default 128
        Features of regions are whitened to so many components (fewer if there are not as many),
        see :class:`mmlearn.transformers.regions.RegionScaler`; None leaves them as they are.
    epochs, batch_size, learning_rate, weight_decay : of the training loop
    clip : float, optional: the largest norm a step's gradient may have
    validation_fraction : float in [0, 1), default 0
        Share of the items that is held out; the epoch that does best on it is kept.
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
        *,
        whiten=128,
        epochs=20,
        batch_size=64,
        learning_rate=1e-3,
        weight_decay=1e-2,
        clip=1.0,
        validation_fraction=0.0,
        patience=None,
        checkpoint=None,
        device=None,
        random_state=0,
        progress=False,
    ):
        self.whiten = whiten
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.clip = clip
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.checkpoint = checkpoint
        self.device = device
        self.random_state = random_state
        self.progress = progress

    def _network(self):
        """A new network for the fitted sizes."""
        raise NotImplementedError

    def __sklearn_is_fitted__(self):
        return hasattr(self, "module_")

    def _learn_scale(self, images):
        self.n_features_ = images.d
        self.scaler_ = RegionScaler(images, self.whiten)

    def _scale_as(self, start, images, known=True):
        """Take over the scale of `start`, a method of the same size; what differs is refused."""
        same = start._config() == self._config() and {i.d for i in images} == {start.n_features_}
        if not (same and known):
            raise ValueError("start must have the same config, fitted on the same kind of images.")
        self.n_features_, self.scaler_ = start.n_features_, start.scaler_

    def _check_settings(self, n):
        for name, low in {"epochs": 1, "batch_size": 1, "random_state": 0}.items():
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or value < low:
                raise ValueError(f"{name} must be a whole number of at least {low}, got {value!r}.")
        held = round(self.validation_fraction * n)
        if not 0 <= self.validation_fraction < 1 or (self.validation_fraction and not 0 < held < n):
            raise ValueError(
                f"validation_fraction must be in [0, 1) and hold out at least one item of {n}, "
                f"got {self.validation_fraction}."
            )
        if self.patience is not None and not held:
            raise ValueError("patience needs held-out items: set validation_fraction above 0.")

    @keeps_random_state
    def _fit_network(self, items, loss, metric, start=None):
        """Build the network and train it; a training that fails leaves no fitted method behind.

        `items` is a tuple of tensors and regions, one row an item; `start(network)` may set its
        first weights.
        """
        vars(self).pop("module_", None)
        seed_everything(self.random_state)
        try:
            self.module_ = self._network()
            if start is not None:
                start(self.module_)
            self.history_ = self._train(items, loss, metric)
        except BaseException:
            vars(self).pop("module_", None)
            raise
        return self

    def _split(self, n):
        """Rows that are held out, none where validation_fraction is 0, and rows to train on."""
        order = torch.randperm(n, generator=torch.Generator().manual_seed(int(self.random_state)))
        n_held = round(self.validation_fraction * n)
        return order[:n_held], order[n_held:]

    def _train(self, items, loss, metric):
        held, kept = self._split(len(items[-1]))
        return self._run_loop([i[kept] for i in items], [i[held] for i in items], loss, metric)

    def _run_loop(self, items, held, loss, metric):
        validated = self.validation_fraction > 0
        return train(
            self.module_,
            loss,
            items,
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            clip=self.clip,
            validation=held if validated else None,
            metric=metric if validated else None,
            patience=self.patience,
            checkpoint=self.checkpoint,
            seed=self.random_state,
            device=self.device,
            progress=self.progress,
        )

    @torch.no_grad()
    def _in_chunks(self, run, *items):
        """``run(*rows)`` for chunks of rows, on the network's device; the results, on the CPU."""
        check_is_fitted(self)
        device = next(self.module_.parameters()).device
        parts = [
            run(*(item[start : start + ROWS].to(device) for item in items)).cpu()
            for start in range(0, len(items[-1]), ROWS)
        ]
        return torch.cat(parts)


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
