"""Checkpoints of the training loop: one safetensors file that holds everything it takes to go on.

Nothing in it is pickled, so that opening a file from somebody else runs no code.
"""

from dataclasses import asdict

from mmlearn.storage.tensors import read_tensors, write_tensors
from mmlearn.training.randomness import random_state, restore_random_state

__all__ = ["read_checkpoint", "write_checkpoint"]


def write_checkpoint(path, identity, run):
    """Write the state of a run to `path`, whole or not at all: no reader meets half a file."""
    tensors = {f"module.{name}": t for name, t in run.module.state_dict().items()}
    tensors |= {f"best.{name}": t for name, t in (run.best_state or {}).items()}
    state = run.optimizer.state_dict()["state"]
    tensors |= {f"optimizer.{i}.{k}": t for i, values in state.items() for k, t in values.items()}
    tensors |= {f"random.{name}": t for name, t in random_state().items()}
    tensors["order"] = run.order.get_state()
    # Two names for one storage are not allowed in the file, hence the copies.
    tensors = {name: t.detach().cpu().contiguous().clone() for name, t in tensors.items()}
    write_tensors(path, tensors, identity=identity, history=asdict(run.history))


def read_checkpoint(path, identity, run):
    """Put a run into the state that `path` holds."""
    try:
        tensors, written, history = read_tensors(path, "identity", "history")
    except ValueError as error:
        raise ValueError(
            f"the checkpoint {path} is damaged or no checkpoint ({error}); "
            "delete it to start afresh."
        ) from None
    _check_identity(path, written, identity)
    run.module.load_state_dict(_part(tensors, "module."))
    run.best_state = _part(tensors, "best.") or None
    _restore_optimizer(run.optimizer, _part(tensors, "optimizer."))
    restore_random_state(_part(tensors, "random."))
    run.order.set_state(tensors["order"])
    for key, value in history.items():
        setattr(run.history, key, value)


def _part(tensors, prefix):
    return {k.removeprefix(prefix): t for k, t in tensors.items() if k.startswith(prefix)}


def _check_identity(path, written, wanted):
    advice = "give another path, or delete the file to start afresh."
    if written["training"] != wanted["training"]:
        raise ValueError(
            f"the checkpoint {path} belongs to another method: it was written by "
            f"{written['training']}, not by {wanted['training']}; {advice}"
        )
    for key in ("parameters", "data"):
        if written[key] != wanted[key]:
            raise ValueError(f"the checkpoint {path} was written for other {key}; {advice}")
    other = [k for k, v in wanted["settings"].items() if written["settings"].get(k) != v]
    if other:
        raise ValueError(
            f"the checkpoint {path} was written with other settings ({', '.join(other)}); {advice}"
        )


def _restore_optimizer(optimizer, tensors):
    state = {}
    for name, tensor in tensors.items():
        index, key = name.split(".", 1)
        state.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict(optimizer.state_dict() | {"state": state})
