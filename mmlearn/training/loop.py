"""The one training loop: every deep method of the course is trained by :func:`fit`."""

import copy
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from mmlearn.progress import progress_bar
from mmlearn.storage.files import file_name
from mmlearn.training.checkpoint import read_checkpoint, write_checkpoint
from mmlearn.training.device import pick_device
from mmlearn.training.processes import prepare, rank, world_size
from mmlearn.training.randomness import keeps_random_state, seed_everything

__all__ = ["History", "fit", "rate"]

# Settings of a method that may differ between the run that wrote a checkpoint and the one that
# goes on from it. Networks of one's own are compared by their parameters.
FREE_SETTINGS = ("checkpoint", "device", "progress", "image_encoder", "text_encoder")


@dataclass
class History:
    """What happened, epoch by epoch.

    ``loss`` is the mean training loss (NaN if no step was taken), ``terms`` the means of whatever
    else the loss reported by name, ``validation`` the validation loss or metric,
    ``validation_terms`` whatever else the metric reported by name, and ``best_epoch`` the epoch
    whose parameters were kept.
    """

    loss: list = field(default_factory=list)
    terms: dict = field(default_factory=dict)
    validation: list = field(default_factory=list)
    validation_terms: dict = field(default_factory=dict)
    best_epoch: int | None = None


@torch.enable_grad()
@keeps_random_state
def fit(
    module,
    loss,
    tensors,
    *,
    epochs=50,
    batch_size=128,
    drop_last=False,
    learning_rate=1e-3,
    weight_decay=0.0,
    clip=None,
    warm_up=None,
    validation=None,
    metric=None,
    patience=None,
    on_epoch=None,
    checkpoint=None,
    seed=0,
    device=None,
    progress=True,
    method=None,
):
    """Train `module` in place by AdamW and return its :class:`History`.

    Parameters
    ----------
    module : nn.Module
    loss : callable ``loss(module, *batch) -> scalar tensor``
        It may return a dict instead, ``{"loss": tensor, "another term": number, ...}``; the
        further terms are averaged into the history. Or it is a generator that yields such losses:
        a step is taken after each, before the next is computed; without any, none is.
    tensors : tuple of tensors with one row an item; a batch takes the same rows of each
        Something else may stand for a tensor if it has a length, gives rows, moves ``to(device)``
        and lists its ``tensors()``, such as the regions of images.
    epochs, batch_size, learning_rate, weight_decay : as usual
    clip : float, optional: a step's gradient is scaled down to this norm where it is longer
    warm_up : float in [0, 1), optional: the learning rate rises over this share of all steps, and
        then falls to nearly 0, both in a straight line (see :func:`rate`); None keeps it as it is
    drop_last : bool: leave out a last batch that is not full
    validation : tuple of tensors like `tensors`, optional
        Watched after every epoch; the parameters of the best epoch are kept.
    metric : callable ``metric(module, *validation) -> float``, larger is better, optional
        What is watched; without it, the loss of the validation items, smaller is better. It may
        return a dict instead, ``{"metric": number, "another term": number, ...}``.
    patience : int, optional: stop after so many epochs without a better validation
    on_epoch : callable ``on_epoch(progress)``, optional
        Called before each epoch with the share of training that is done, from 0 to below 1.
    checkpoint : path, optional
        Written at the start and after every epoch (under a temporary name, then renamed). If the
        file is there already, training goes on from it, and ends bit for bit (on a CPU) as it
        would have without the interruption. A finished run is not run again.
    seed : int: of the order of the batches and of everything random in `loss` and `module`
    device : "cuda", "mps", "cpu" or None for the best one there is; bfloat16 is used on CUDA
    progress : bool: show a progress bar
    method : estimator, optional: a checkpoint is gone on from by the same settings of it alone

    Raises
    ------
    ValueError
        Tensors of unequal length, no item, a loss that is not a finite number, or a checkpoint
        that is damaged or was written by another training.
    OSError
        The checkpoint cannot be written or read; the message says why.

    Examples
    --------
    >>> x = torch.randn(64, 3, generator=torch.Generator().manual_seed(0))
    >>> line = torch.nn.Linear(3, 1)
    >>> history = fit(
    ...     line,
    ...     lambda m, x, y: ((m(x) - y) ** 2).mean(),
    ...     (x, x.sum(1, keepdim=True)),
    ...     epochs=200,
    ...     learning_rate=0.1,
    ...     device="cpu",
    ...     progress=False,
    ... )
    >>> history.loss[-1] < 0.01
    True
    """
    n = _check_tensors(tensors, validation, metric, patience)
    seed, batch_size = int(seed), int(batch_size)  # numpy's whole numbers, too
    seed_everything(seed)
    device = pick_device(device)
    forward, optimizer, device = prepare(module, learning_rate, weight_decay, device)
    everything = [*tensors, *(validation or ())]
    tensors = [t.to(device) for t in tensors]
    validation = None if validation is None else [t.to(device) for t in validation]
    order = torch.Generator("cpu").manual_seed(seed)
    run = _Run(module, optimizer, order, History())
    if checkpoint is not None:
        settings = {"batch_size": batch_size, "drop_last": drop_last, "seed": seed} | {
            "learning_rate": learning_rate, "weight_decay": weight_decay, "epochs": epochs,
            "clip": clip, "warm_up": warm_up,
        }  # fmt: skip
        identity = _identity(module, loss, everything, settings, method)
        if Path(file_name(checkpoint)).exists():
            read_checkpoint(checkpoint, identity, run)
        elif rank() == 0:
            write_checkpoint(checkpoint, identity, run)

    history = run.history
    first = len(history.loss)
    bar = progress_bar(range(first, epochs), desc="training", show=progress, leave=False)
    for epoch in bar:
        if _out_of_patience(history, patience):
            break
        if on_epoch is not None:
            on_epoch(epoch / epochs)
        module.train()
        totals, seen, drawn = {}, 0, 0
        batches = [*_batches(n, batch_size, drop_last, order)]
        for step, rows in enumerate(batches, epoch * len(batches)):
            rows = rows.to(device)
            drawn += len(rows)
            for group in optimizer.param_groups:
                group["lr"] = learning_rate * rate(step, epochs * len(batches), warm_up)
            for terms in _losses(forward, loss, [t[rows] for t in tensors], device):
                optimizer.zero_grad()
                terms["loss"].backward()
                if clip is not None:
                    torch.nn.utils.clip_grad_norm_(module.parameters(), clip)
                optimizer.step()
                for name, value in terms.items():
                    value = torch.as_tensor(value).detach() * len(rows)
                    totals[name] = totals.get(name, 0.0) + value
                seen += len(rows)
        _record(history, totals, seen, drawn, epoch)
        bar.set_postfix(loss=f"{history.loss[-1]:.4f}")
        if validation is not None:
            module.eval()
            _validate(run, loss, validation, metric, device)
        if checkpoint is not None and rank() == 0:
            write_checkpoint(checkpoint, identity, run)

    if run.best_state is not None:
        module.load_state_dict(run.best_state)
    module.eval()
    return history


@dataclass
class _Run:
    """Everything that training changes, which is everything that a checkpoint holds."""

    module: torch.nn.Module
    optimizer: torch.optim.Optimizer
    order: torch.Generator
    history: History
    best_state: dict | None = None


def _check_tensors(tensors, validation, metric, patience):
    if len({len(t) for t in tensors}) != 1 or len(tensors[0]) == 0:
        raise ValueError(
            f"tensors must hold one row an item and the same items: lengths {[*map(len, tensors)]}."
        )
    if validation is None and (patience is not None or metric is not None):
        name = "patience" if patience is not None else "a metric"
        raise ValueError(f"{name} needs validation data to watch; pass validation=(...).")
    if patience is not None and patience < 1:
        raise ValueError(f"patience must be at least 1, got {patience}.")
    return len(tensors[0])


def rate(step, steps, warm_up=None):
    """The share of the learning rate that a step takes, the first being step 0.

    ::

        min((step + 1) / w, (steps - step) / (steps - w)),   w = warm_up × steps

    It is BERT's schedule: from nearly 0 up to 1, and down again. Without `warm_up` it is 1.

    >>> [rate(step, 5, warm_up=0.4) for step in range(5)]
    [0.5, 1.0, 1.0, 0.6666666666666666, 0.3333333333333333]
    """
    if warm_up is None:
        return 1.0
    rising = warm_up * steps
    return min((step + 1) / max(rising, 1), (steps - step) / (steps - rising))


def _batches(n, batch_size, drop_last, order):
    """The rows of every batch; under several processes, this process's share of them."""
    world, own = world_size(), rank()
    for rows in torch.randperm(n, generator=order, device="cpu").split(batch_size):
        if drop_last and len(rows) < min(batch_size, n):
            continue
        share = len(rows) // world  # equal shares: a rest that cannot be shared is left out
        if share:
            yield rows[own * share : (own + 1) * share]


def _losses(module, loss, batch, device):
    """The losses of a batch with their further terms, one a step; in bfloat16 on a CUDA GPU.

    Those that a generator yields are computed one by one, each after the step of the last.
    """
    half = {"dtype": torch.bfloat16, "enabled": device.type == "cuda"}
    with torch.autocast(device.type, **half):
        value = loss(module, *batch)
    values, end = value if isinstance(value, Iterator) else iter([value]), object()
    while True:
        with torch.autocast(device.type, **half):
            value = next(values, end)
        if value is end:
            return
        yield value if isinstance(value, dict) else {"loss": value}


def _record(history, totals, seen, drawn, epoch):
    if drawn == 0:
        raise ValueError(
            "no batch was left to train on: give more items, or a smaller batch_size with "
            "drop_last=False."
        )
    if seen == 0:  # batches were drawn, but no loss asked for a step
        history.loss.append(float("nan"))
        return
    means = {name: float(total) / seen for name, total in totals.items()}
    if not np.isfinite(means["loss"]):
        raise ValueError(
            f"the loss became {means['loss']} in epoch {epoch + 1}; lower learning_rate."
        )
    history.loss.append(means.pop("loss"))
    for name, mean in means.items():
        history.terms.setdefault(name, []).append(mean)


@torch.no_grad()
def _validate(run, loss, validation, metric, device):
    """Add the validation result of this epoch, and keep the parameters if it is the best."""
    history = run.history
    if metric is None:
        value = next(_losses(run.module, loss, validation, device))["loss"]
    else:
        value = metric(run.module, *validation)
        terms = dict(value) if isinstance(value, dict) else {"metric": value}
        value = terms.pop("metric")
        for name, term in terms.items():
            history.validation_terms.setdefault(name, []).append(term)
    history.validation.append(float(value))
    if not np.isfinite(history.validation[-1]):
        raise ValueError(
            f"the validation result became {history.validation[-1]} in epoch "
            f"{len(history.validation)}; lower learning_rate, or check the metric."
        )
    better = (lambda a, b: a < b) if metric is None else (lambda a, b: a > b)
    last, best = history.validation[-1], history.best_epoch
    if best is None or better(last, history.validation[best]):
        history.best_epoch = len(history.validation) - 1
        run.best_state = copy.deepcopy(run.module.state_dict())


def _out_of_patience(history, patience):
    if patience is None or history.best_epoch is None:
        return False
    return len(history.validation) - 1 - history.best_epoch >= patience


def _identity(module, loss, tensors, settings, method):
    """What must be the same for a checkpoint to be gone on from."""
    if method is not None:
        settings = method.get_params() | settings
    function = getattr(loss, "__qualname__", type(loss).__name__)
    return {
        "training": type(method).__name__ if method else function,
        "parameters": {name: list(p.shape) for name, p in module.state_dict().items()},
        "data": [_digest(t) for item in tensors for t in _parts(item)],
        "settings": {k: _text(v) for k, v in settings.items() if k not in FREE_SETTINGS},
    }


def _text(value):
    if hasattr(value, "__qualname__"):  # a function: its address says nothing
        return f"{value.__module__}.{value.__qualname__}"
    return repr(value.item() if isinstance(value, np.generic) else value)


def _parts(item):
    return item.tensors() if hasattr(item, "tensors") else [item]


def _digest(tensor):
    values = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
    return hashlib.sha256(values.numpy().tobytes() + str(tensor.shape).encode()).hexdigest()
