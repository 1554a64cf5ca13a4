"""Save a fitted method to one safetensors file, and load it again.

Nothing is pickled: the file holds arrays and a description in JSON, in which methods and their
parts have the names of :mod:`mmlearn.registry`. Loading makes objects of these alone, so that a
file from somebody else runs no code, and a file is still read after a module has moved.
"""

from pathlib import PurePath

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import nn

from mmlearn.registry import saved_class, saved_name
from mmlearn.storage.tensors import read_tensors, write_tensors
from mmlearn.training.randomness import keeps_random_state

__all__ = ["load", "save"]

FORMAT = 2
HOOKS = ("loss", "on_epoch", "schedule")  # functions of one's own: training is over without them


def save(model, path):
    """Write a fitted method to `path` (a temporary file is written first, then renamed).

    Parameters
    ----------
    model : a fitted method of the course
        Its settings `loss`, `on_epoch` and `schedule` are functions of your own and not written.
    path : str or Path; the folder must exist

    Raises
    ------
    sklearn.exceptions.NotFittedError: the method is not fitted
    ValueError: the folder does not exist, or the method holds something that cannot be saved

    Examples
    --------
    >>> import tempfile
    >>> from mmlearn.classical import CCA
    >>> x = np.random.default_rng(0).normal(size=(50, 3))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(CCA(n_components=2).fit(x, x), f"{folder}/cca.safetensors")
    ...     again = load(f"{folder}/cca.safetensors")
    >>> again
    CCA(n_components=2)
    """
    check_is_fitted(model)
    tensors = {}
    description = {"format": FORMAT, "model": _encode(model, "model", tensors)}
    write_tensors(path, tensors, mmlearn=description)


def load(path, **encoders):
    """The fitted method that :func:`save` wrote to `path`.

    Parameters
    ----------
    path : str or Path
    **encoders : nn.Module
        ``image_encoder`` and ``text_encoder``, if the method was fitted with networks of your
        own: a file holds their weights, not their code.

    Raises
    ------
    FileNotFoundError: no such file
    ValueError: the file is damaged, is no saved method, or needs encoders that were not given
    """
    try:
        tensors, description = read_tensors(path, "mmlearn")
    except ValueError as error:
        raise ValueError(f"{path} is damaged or no saved method ({error}).") from None
    if description.get("format") != FORMAT:
        raise ValueError(
            f"{path} has format {description.get('format')}, this version reads {FORMAT}; "
            "fit and save the method again."
        )
    return _Reader(tensors, encoders).decode(description["model"])


# -- objects to JSON and tensors -------------------------------------------------------------


def _encode(value, key, tensors):
    """JSON for `value`; its arrays go into `tensors` under names that begin with `key`."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, PurePath | torch.device):
        return str(value)
    if isinstance(value, np.ndarray) and value.dtype.kind in "US":
        return {"$strings": value.tolist()}
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biuf":
        return _encode_array(value, key, tensors)
    if isinstance(value, torch.Tensor):
        tensors[key] = value.detach().cpu().clone().contiguous()
        return {"$tensor": key}
    if isinstance(value, slice):
        ends = (value.start, value.stop, value.step)
        return {"$slice": [None if end is None else int(end) for end in ends]}
    if isinstance(value, list | tuple):
        items = [_encode(item, f"{key}.{i}", tensors) for i, item in enumerate(value)]
        return items if isinstance(value, list) else {"$tuple": items}
    if isinstance(value, dict):
        items = [
            [_encode(k, f"{key}.key{i}", tensors), _encode(v, f"{key}.{i}", tensors)]
            for i, (k, v) in enumerate(value.items())
        ]
        return {"$dict": items}
    return _encode_object(value, key, tensors)


def _encode_array(value, key, tensors):
    """Rows or columns first, as in memory: products with the array then round as before."""
    by_columns = value.ndim == 2 and value.flags.f_contiguous and not value.flags.c_contiguous
    # A copy: views of one array would share storage, which the format does not allow.
    tensors[key] = torch.from_numpy(np.array(value.T if by_columns else value, order="C"))
    if isinstance(value, np.generic):
        return {"$scalar": key}
    return {"$array by columns" if by_columns else "$array": key}


def _encode_object(value, key, tensors):
    kind = type(value)
    if isinstance(value, nn.Module):
        for parameter, tensor in value.state_dict().items():
            tensors[f"{key}/{parameter}"] = tensor.detach().cpu().clone().contiguous()
        return {"$module": key}
    name = saved_name(kind)
    if name is None:
        raise ValueError(
            f"{key} is a {kind.__module__}.{kind.__qualname__}, which cannot be saved: only "
            "methods of the course, arrays, numbers and strings are written to a file."
        )
    state = {k: v for k, v in vars(value).items() if not k.endswith("_encoder")}
    state |= {k: None for k in HOOKS if k in state}
    fields = {k: _encode(v, f"{key}.{k}", tensors) for k, v in state.items()}
    own = [k for k in ("image_encoder", "text_encoder") if vars(value).get(k) is not None]
    return {"$object": name, "state": fields, "own_encoders": own}


# -- and back --------------------------------------------------------------------------------


class _Reader:
    def __init__(self, tensors, encoders):
        self.tensors = tensors
        self.encoders = encoders

    def decode(self, value):
        if isinstance(value, list):
            return [self.decode(item) for item in value]
        if not isinstance(value, dict):
            return value
        kind, content = next(iter(value.items()))
        if kind == "$object":
            return self._object(content, value["state"], value["own_encoders"])
        return {
            "$strings": lambda: np.array(content),
            "$array": lambda: self.tensors[content].numpy(),
            "$array by columns": lambda: self.tensors[content].numpy().T,
            "$scalar": lambda: self.tensors[content].numpy()[()],
            "$tensor": lambda: self.tensors[content],
            "$slice": lambda: slice(*content),
            "$tuple": lambda: tuple(map(self.decode, content)),
            "$dict": lambda: {self.decode(k): self.decode(v) for k, v in content},
            "$module": lambda: _Weights(content),
        }[kind]()

    def _object(self, name, state, own_encoders):
        kind = saved_class(name)
        if kind is None:
            raise ValueError(f"the file names {name!r}, which this version does not have.")
        instance = kind.__new__(kind)
        vars(instance).update({key: self.decode(value) for key, value in state.items()})
        self._give_encoders(instance, own_encoders)
        weights = {k: v for k, v in vars(instance).items() if isinstance(v, _Weights)}
        for key, placeholder in weights.items():
            setattr(instance, key, self._network(instance, placeholder))
        return instance

    def _give_encoders(self, instance, own_encoders):
        missing = [name for name in own_encoders if name not in self.encoders]
        if missing:
            raise ValueError(
                "the method was fitted with networks of your own; pass them again: "
                f"load(path, {', '.join(f'{name}=...' for name in missing)})."
            )
        if hasattr(instance, "_network"):
            for name in ("image_encoder", "text_encoder"):
                setattr(instance, name, self.encoders.get(name) if name in own_encoders else None)

    @keeps_random_state  # building a network draws its first weights
    def _network(self, instance, placeholder):
        network = instance._network()
        prefix = f"{placeholder.key}/"
        state = {k.removeprefix(prefix): t for k, t in self.tensors.items() if k.startswith(prefix)}
        network.load_state_dict(state)
        return network.eval()


class _Weights:
    """Stands for a network until the object that builds it is complete."""

    def __init__(self, key):
        self.key = key
