"""The one training loop: every deep method of the course is trained by :func:`fit`."""

import copy
import random
from dataclasses import dataclass, field

import numpy as np
import torch
from tqdm.auto import tqdm

from mmlearn._torch import pick_device

__all__ = ["History", "fit", "seed_everything"]


@dataclass
class History:
    """What happened: mean training loss (and validation loss) of every epoch run."""

    loss: list = field(default_factory=list)
    validation: list = field(default_factory=list)
    best_epoch: int | None = None


def seed_everything(seed):
    """Seed Python, numpy and torch."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - libraries still read the global state
    torch.manual_seed(seed)


def fit(
    module,
    loss,
    tensors,
    *,
    epochs=50,
    batch_size=128,
    learning_rate=1e-3,
    weight_decay=0.0,
    validation=None,
    patience=None,
    seed=0,
    device=None,
    progress=True,
):
    """Train `module` in place by AdamW and return its :class:`History`.

    Parameters
    ----------
    module : nn.Module
    loss : callable ``loss(module, *batch) -> scalar tensor``
    tensors : tuple of tensors with one row an item; a batch takes the same rows of each
    epochs, batch_size, learning_rate, weight_decay : as usual
    validation : tuple of tensors like `tensors`, optional
    patience : int, optional
        Stop after so many epochs without a better validation loss. With `validation` the
        parameters of the best epoch are kept, with or without `patience`.
    seed : int: of the order of the batches and of everything random in `loss` and `module`
    device : "cuda", "mps", "cpu" or None for the best one there is
    progress : bool: show a progress bar

    Raises
    ------
    ValueError: tensors of unequal length, no item, or a loss that is not a finite number
    """
    if len({len(t) for t in tensors}) != 1 or len(tensors[0]) == 0:
        raise ValueError(
            f"tensors must hold one row an item and the same items: lengths {[*map(len, tensors)]}."
        )
    if patience is not None and validation is None:
        raise ValueError("patience needs validation data to watch; pass validation=(...).")
    seed_everything(seed)
    device = pick_device(device)
    module.to(device)
    tensors = [t.to(device) for t in tensors]
    optimizer = torch.optim.AdamW(module.parameters(), lr=learning_rate, weight_decay=weight_decay)
    generator = torch.Generator().manual_seed(seed)
    history, best_state = History(), None

    for epoch in (bar := tqdm(range(epochs), desc="training", disable=not progress, leave=False)):
        module.train()
        total = 0.0
        for rows in torch.randperm(len(tensors[0]), generator=generator).split(batch_size):
            rows = rows.to(device)
            optimizer.zero_grad()
            value = _evaluate(module, loss, [t[rows] for t in tensors], device)
            value.backward()
            optimizer.step()
            total += value.item() * len(rows)
        history.loss.append(total / len(tensors[0]))
        if not np.isfinite(history.loss[-1]):
            raise ValueError(
                f"the loss became {history.loss[-1]} in epoch {epoch + 1}; lower learning_rate."
            )
        bar.set_postfix(loss=f"{history.loss[-1]:.4f}")

        if validation is not None:
            module.eval()
            with torch.no_grad():
                batch = [t.to(device) for t in validation]
                history.validation.append(_evaluate(module, loss, batch, device).item())
            if history.best_epoch is None or history.validation[-1] < min(history.validation[:-1]):
                history.best_epoch = epoch
                best_state = copy.deepcopy(module.state_dict())
            if patience is not None and epoch - history.best_epoch >= patience:
                break

    if best_state is not None:
        module.load_state_dict(best_state)
    module.eval()
    return history


def _evaluate(module, loss, batch, device):
    """The loss of one batch, in bfloat16 where the device is a CUDA GPU."""
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda"):
        return loss(module, *batch)
