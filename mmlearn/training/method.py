"""Methods that the training loop trains: the one place that turns their settings into a run of it.

A method of vectors (:mod:`mmlearn.deep.base`) or of pairs (:mod:`mmlearn.pairs.base`)
writes its network and its loss. What changes in the course of a training, such as a margin that
grows, stands in a :class:`Training`, which every hook is given.
"""

from dataclasses import dataclass
from functools import partial

import torch
from sklearn.utils.validation import check_is_fitted
from torch import nn

from mmlearn.contract import Estimator, check_number
from mmlearn.training.loop import fit
from mmlearn.training.randomness import keeps_random_state, seed_everything

__all__ = ["TrainedMethod", "Training"]


@dataclass
class Training:
    """A training that is under way: what a method's hooks, and your own `on_epoch`, are given.

    A method keeps here what its loss needs and what each epoch may change, as SAM does with ``g``
    and ``centroids``; an `on_epoch` of your own comes after the method's, and may change it again.

    Attributes
    ----------
    method : the estimator that is fitted
    module : the network that is trained
    everything : tensors of all items, one row an item: (x, y, *targets)
    items : those that are trained on
    held : those that are held out, or None
    stage : name of the stage, for methods that train in several; else None
    progress : share of the training (or stage) that is done, from 0 to below 1

    >>> Training(method=None, module=None).progress
    0.0
    """

    method: Estimator
    module: nn.Module
    everything: tuple = ()
    items: tuple = ()
    held: tuple | None = None
    stage: str | None = None
    progress: float = 0.0


class TrainedMethod(Estimator):
    """The settings of training, which all methods that are trained by the loop take by keyword.

    Parameters
    ----------
    epochs, batch_size, learning_rate, weight_decay : of the training loop
    clip : float, optional: the largest norm a step's gradient may have
    warm_up : float in [0, 1), optional: share of the steps over which the learning rate rises, to
        fall afterwards; None keeps it as it is. See :func:`mmlearn.training.loop.rate`.
    validation_fraction : float in [0, 1), default 0
        Share of the training items that is held out; the epoch that does best on it is kept.
    patience : int, optional: stop after so many epochs without a better validation
    on_epoch : callable ``on_epoch(training)``, optional
        Called before each epoch with a :class:`Training`, whose ``progress`` goes from 0 to below
        1, and whose ``method`` and ``module`` may be looked at and changed.
    checkpoint : path, optional: see :func:`mmlearn.training.fit`
    device : "cuda", "mps", "cpu" or None for the best there is
    random_state : int, default 0: of the first weights, the batches and the held-out share
    progress : bool, default False: show a progress bar

    Attributes
    ----------
    module_ : the trained network;  history_ : :class:`mmlearn.training.History`
    """

    def __init__(
        self,
        *,
        epochs=50,
        batch_size=128,
        learning_rate=1e-3,
        weight_decay=1e-3,
        clip=None,
        warm_up=None,
        validation_fraction=0.0,
        patience=None,
        on_epoch=None,
        checkpoint=None,
        device=None,
        random_state=0,
        progress=False,
    ):
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.clip = clip
        self.warm_up = warm_up
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.on_epoch = on_epoch
        self.checkpoint = checkpoint
        self.device = device
        self.random_state = random_state
        self.progress = progress

    # -- what a method writes ----------------------------------------------------------------

    _drop_last = False  # True where a loss cannot be had from a last batch that is not full
    _least_held = 1  # items that must be held out, if any are
    _rows = 512  # items that go through the network at a time, after training

    def _network(self):
        """A new network for the fitted sizes."""
        raise NotImplementedError

    def _loss(self, training, module, *batch):
        """The loss of a batch: a scalar, or a dict with "loss" first."""
        raise NotImplementedError

    def _metric(self, training, module, *held):
        """What is watched on held-out items, larger is better."""
        raise NotImplementedError

    def _before_epoch(self, training):
        """Called before each epoch, and before `on_epoch`."""

    def _finish(self, training):
        """Called once after training."""

    # -- fitting -----------------------------------------------------------------------------

    def _check_settings(self, n, watched=False):
        """Refuse settings that no training of `n` items can have, `watched` on others or not."""
        for name, least in {"epochs": 1, "batch_size": 1, "random_state": 0}.items():
            check_number(getattr(self, name), name, least, whole=True)
        check_number(self.validation_fraction, "validation_fraction", 0, below=1)
        if self.warm_up is not None:
            check_number(self.warm_up, "warm_up", 0, below=1)
        held = self._held_out(n)
        if self.validation_fraction and not self._least_held <= held < n:
            raise ValueError(
                f"validation_fraction={self.validation_fraction} of {n} items holds out {held}; "
                f"{self._least_held} or more must be held out, and 1 or more left."
            )
        if self.patience is not None and not (held or watched):
            raise ValueError("patience needs held-out items: set validation_fraction above 0.")
        if not (self.on_epoch is None or callable(self.on_epoch)):
            raise ValueError(f"on_epoch must be a function of the training, got {self.on_epoch!r}.")

    def _held_out(self, n):
        return round(self.validation_fraction * n)

    def _split(self, n):
        """Which of `n` items are held out, and which are trained on."""
        n_held = self._held_out(n)
        order = torch.randperm(n, generator=torch.Generator().manual_seed(int(self.random_state)))
        return order[:n_held], order[n_held:] if n_held else slice(None)

    @keeps_random_state
    def _fit_network(self, items, start=None, **hooks):
        """Build the network and train it; a training that fails leaves no fitted method behind.

        `items` has one row an item in each tensor; `start(network)` may set its first weights;
        for `hooks` see :meth:`_train`.
        """
        vars(self).pop("module_", None)
        seed_everything(self.random_state)
        try:
            self.module_ = self._network()
            if start is not None:
                start(self.module_)
            self._train(items, **hooks)
        except BaseException:
            vars(self).pop("module_", None)
            raise
        return self

    def __sklearn_is_fitted__(self):
        return hasattr(self, "module_")

    def _train(self, items, loss=None, metric=None):
        """Train ``module_`` by ``loss(module, *batch)`` and watch ``metric(module, *held)``.

        They are the method's own `_loss` and `_metric` where none are given.
        """
        training = self._begin(self.module_, items)
        loss = loss or partial(self._loss, training)
        self.history_ = self._run(training, loss, metric or partial(self._metric, training))
        with torch.no_grad():
            self._finish(training)

    def _begin(self, module, items, stage=None):
        """The training of `module`, before its first epoch."""
        held, kept = self._split(len(items[-1]))
        return Training(
            method=self,
            module=module,
            everything=tuple(items),
            items=tuple(item[kept] for item in items),
            held=tuple(item[held] for item in items) if len(held) else None,
            stage=stage,
        )

    def _run(self, training, loss, metric=None, **changes):
        """Run the training loop by the settings, or by `changes` of them; returns its history."""

        def before_epoch(progress):
            training.progress = progress
            self._before_epoch(training)
            if self.on_epoch is not None:
                self.on_epoch(training)

        watched = training.held is not None
        settings = {
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "drop_last": self._drop_last,
            "learning_rate": self.learning_rate,
            "weight_decay": self.weight_decay,
            "clip": self.clip,
            "warm_up": self.warm_up,
            "patience": self.patience if watched else None,
            "checkpoint": self._checkpoint_of(training.stage),
            "seed": self.random_state,
            "device": self.device,
            "progress": self.progress,
        }
        return fit(
            training.module,
            loss,
            training.items,
            validation=training.held,
            metric=metric if watched else None,
            on_epoch=before_epoch,
            method=self,
            **(settings | changes),
        )

    def _checkpoint_of(self, stage):
        """Each stage of a method writes a checkpoint of its own: "checkpoint.stage"."""
        return f"{self.checkpoint}.{stage}" if self.checkpoint and stage else self.checkpoint

    # -- after training ----------------------------------------------------------------------

    def _device(self):
        return next(self.module_.parameters()).device

    @torch.no_grad()
    def _in_chunks(self, run, *items):
        """``run(*rows)`` for chunks of rows, on the network's device; the results, on the CPU."""
        check_is_fitted(self)
        starts = range(0, len(items[-1]), self._rows)
        chunks = ([item[i : i + self._rows].to(self._device()) for item in items] for i in starts)
        return torch.cat([run(*chunk).cpu() for chunk in chunks])
