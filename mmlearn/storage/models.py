"""Save what was fitted, methods and features, to one safetensors file, and load it again.

Nothing is pickled: the file holds arrays and a description in JSON, in which methods, features and
their parts have the names of :mod:`mmlearn.registry`. Loading makes objects of these alone, so
that a file from somebody else runs no code, and a file is still read after a module has moved.
"""

from inspect import isroutine
from pathlib import PurePath

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import nn

from mmlearn.kinds import as_numbers
from mmlearn.registry import SCIKIT_LEARN, saved_class, saved_name
from mmlearn.storage.tensors import read_tensors, write_tensors
from mmlearn.torch_state import ordinary_torch
from mmlearn.training.randomness import keeps_random_state

__all__ = ["load", "save"]

FORMAT = 3
READS = (2, 3)  # 2 knew no features
HOOKS = ("loss", "on_epoch", "schedule")  # functions of one's own: training is over without them
NOT_KEPT = ("memory",)  # a pipeline's cache holds pickles
SAVED = (
    "only methods and features of the course, scikit-learn's most usual transformers, arrays, "
    "numbers and strings are written to a file."
)


@ordinary_torch()
def save(model, path):
    """Write a fitted method to `path`, or several things together, whole or not at all.

    Parameters
    ----------
    model : a fitted method or transformer; or a dict of such, of arrays, numbers and strings
        With its features beside it, a method takes new raw pictures and texts after loading. Its
        settings `loss`, `on_epoch` and `schedule` are functions of your own and not written.
    path : str or Path; the folder must exist

    Raises
    ------
    sklearn.exceptions.NotFittedError: something is not fitted
    TypeError: `model` is nothing that is fitted, and no dict
    ValueError: it holds something that cannot be saved; the message names it
    OSError: the file cannot be written; the message says why

    Examples
    --------
    >>> import tempfile
    >>> from mmlearn.classical import CCA
    >>> from mmlearn.features import BagOfWords
    >>> texts = ["red car", "red rose", "blue car", "blue rose", "rose"]
    >>> words = BagOfWords().fit(texts)
    >>> y = words.transform(texts)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save({"model": CCA(n_components=2).fit(y, y), "text": words}, f"{folder}/both")
    ...     both = load(f"{folder}/both")
    >>> both["model"].embed_texts(both["text"].transform(["a blue rose"])).shape
    (1, 2)
    """
    if not isinstance(model, dict) and not hasattr(model, "fit"):
        raise TypeError(
            "save takes a fitted method or transformer, or a dict of such, "
            f"got {type(model).__name__}."
        )
    _check_fitted(model)
    tensors = {}
    description = {"format": FORMAT, "model": _encode(model, "model", tensors)}
    write_tensors(path, tensors, mmlearn=description)


@ordinary_torch()
def load(path, **encoders):
    """What :func:`save` wrote to `path`: the fitted method or transformer, or the dict.

    Parameters
    ----------
    path : str or Path
    **encoders : nn.Module
        ``image_encoder`` and ``text_encoder``, if a method was fitted with networks of your own:
        a file holds their weights, not their code.

    Raises
    ------
    OSError: the file is not there (FileNotFoundError) or may not be read (PermissionError)
    ValueError: the file is damaged, is no saved method, or needs encoders that were not given
    """
    try:
        tensors, description = read_tensors(path, "mmlearn")
        found = description["format"]
        if found in READS:
            return _Reader(tensors, encoders).decode(description["model"])
    except _Refused as error:
        raise ValueError(str(error)) from None
    except WRONG as error:
        raise ValueError(f"{path} is damaged or no saved method ({_brief(error)}).") from None
    raise ValueError(
        f"{path} has format {found}, this version reads {' and '.join(map(str, READS))}; "
        "fit and save the method again."
    )


class _Refused(ValueError):
    """A whole file that cannot be read here; its message says why."""


# What a description that somebody else wrote may lead to.
WRONG = (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, RuntimeError)
WRONG += (StopIteration, TypeError, ValueError)


def _brief(error):
    return (
        f"{type(error).__name__}: {error}".splitlines()[0] if str(error) else type(error).__name__
    )


def _check_fitted(value):
    if isinstance(value, dict | list | tuple):
        for item in value.values() if isinstance(value, dict) else value:
            _check_fitted(item)
    elif hasattr(value, "fit"):
        check_is_fitted(value)


# -- objects to JSON and tensors -------------------------------------------------------------


def _encode(value, key, tensors):
    """JSON for `value`; its arrays go into `tensors` under names that begin with `key`."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, PurePath | torch.device):
        return str(value)
    if isinstance(value, np.ndarray) and _holds_strings(value):
        return {"$strings": value.tolist()}
    if isinstance(value, np.dtype) or _is_number_type(value):
        return {"$dtype": np.dtype(value).name}
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
            [_encode(k, f"{key}.key{i}", tensors), _encode(_plain(v), f"{key}[{k!r}]", tensors)]
            for i, (k, v) in enumerate(value.items())
        ]
        return {"$dict": items}
    return _encode_object(value, key, tensors)


def _encode_array(value, key, tensors):
    """Rows or columns first, as in memory: products with the array then round as before."""
    if isinstance(value, np.ndarray):
        value = as_numbers(value, key)  # nothing masked; in a dtype and byte order of the format
    by_columns = value.ndim == 2 and value.strides[0] < value.strides[1]
    # A copy: views of one array would share storage, which the format does not allow.
    tensors[key] = torch.from_numpy(np.array(value.T if by_columns else value, order="C"))
    if isinstance(value, np.generic):
        return {"$scalar": key}
    return {"$array by columns" if by_columns else "$array": key}


def _encode_object(value, key, tensors):
    kind = type(value)
    name = saved_name(kind)
    if name is None:
        what = "a function" if isroutine(value) else f"a {kind.__module__}.{kind.__qualname__}"
        if isinstance(value, np.ndarray):
            what = f"an array of {value.dtype}"
        raise ValueError(f"{key} is {what}, which cannot be saved: {SAVED}")
    if name in SCIKIT_LEARN:
        params = {k: v for k, v in value.get_params(deep=False).items() if k not in NOT_KEPT}
        fitted = {k: v for k, v in vars(value).items() if k not in params and _is_fitted(k)}
        return {
            "$estimator": name,
            "params": {k: _encode(v, f"{key}.{k}", tensors) for k, v in params.items()},
            "fitted": {k: _encode(v, f"{key}.{k}", tensors) for k, v in fitted.items()},
        }
    state = {k: v for k, v in vars(value).items() if not k.endswith("_encoder")}
    state |= {k: None for k in HOOKS if k in state}
    fields = {k: _encode_field(value, v, f"{key}.{k}", tensors) for k, v in state.items()}
    own = [k for k in ("image_encoder", "text_encoder") if vars(value).get(k) is not None]
    return {"$object": name, "state": fields, "own_encoders": own}


def _encode_field(owner, value, key, tensors):
    """A network is kept by its weights where its owner can build it again."""
    if not (isinstance(value, nn.Module) and hasattr(owner, "_network")):
        return _encode(value, key, tensors)
    for parameter, tensor in value.state_dict().items():
        tensors[f"{key}/{parameter}"] = tensor.detach().cpu().clone().contiguous()
    return {"$module": key}


def _is_number_type(value):
    return isinstance(value, type) and issubclass(value, np.generic | int | float)


def _holds_strings(array):
    return array.dtype.kind in "US" or (
        array.dtype.kind == "O" and all(isinstance(item, str) for item in array.flat)
    )


def _plain(value):
    """Whole numbers as such: a vocabulary has thousands, far too many for tensors of their own."""
    return int(value) if isinstance(value, np.integer) else value


def _is_fitted(name):
    """What scikit-learn's `fit` leaves, but for what the rest of it can be made of."""
    return (name.endswith("_") and name[0] != "_") or name in ("_tfidf", "_sklearn_output_config")


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
        if kind == "$estimator":
            return self._estimator(content, value["params"], value["fitted"])
        return {
            "$strings": lambda: np.array(content),
            "$dtype": lambda: np.dtype(content).type,
            "$array": lambda: self.tensors[content].numpy(),
            "$array by columns": lambda: self.tensors[content].numpy().T,
            "$scalar": lambda: self.tensors[content].numpy()[()],
            "$tensor": lambda: self.tensors[content],
            "$slice": lambda: slice(*content),
            "$tuple": lambda: tuple(map(self.decode, content)),
            "$dict": lambda: {self.decode(k): self.decode(v) for k, v in content},
            "$module": lambda: _Weights(content),
        }[kind]()

    def _estimator(self, name, params, fitted):
        kind = _class_called(name, SCIKIT_LEARN)
        known = set(kind._get_param_names()) - set(NOT_KEPT)  # other versions have other settings
        instance = kind(**{k: self.decode(v) for k, v in params.items() if k in known})
        vars(instance).update({k: self.decode(v) for k, v in fitted.items() if _is_fitted(k)})
        return instance

    def _object(self, name, state, own_encoders):
        kind = _class_called(name)
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
            raise _Refused(
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
        names = {_uncompiled(name): name for name in network.state_dict()}
        state = {names.get(_uncompiled(k), k): tensor for k, tensor in state.items()}
        try:
            network.load_state_dict(state)
        except RuntimeError as error:
            if not self.encoders:
                raise
            raise _Refused(
                f"the encoders given are not those that the method was fitted with: {error}"
            ) from None
        return network.eval()


def _uncompiled(name):
    """The name of a weight, whether or not its network went through `torch.compile`."""
    return name.replace("_orig_mod.", "")


def _class_called(name, table=None):
    kind = saved_class(name) if table is None or name in table else None
    if kind is None:
        raise _Refused(f"the file names {name!r}, which this version does not have.")
    return kind


class _Weights:
    """Stands for a network until the object that builds it is complete."""

    def __init__(self, key):
        self.key = key
