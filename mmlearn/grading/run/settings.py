"""Inside the kernel: settings that hold for a whole process, remembered and put back.

One exercise may change them without thinking of the next one. Nothing here protects against a
student who means harm: it keeps honest work from costing points.
"""

from __future__ import annotations

import os
import random
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress

_PACKAGES = ("builtins", "math", "random", "warnings", "numpy", "torch", "scipy", "sklearn")
_OURS = ("mmlearn",)


def remember() -> Callable[[], None]:
    """Return a function that puts the settings back as they are now.

    >>> import numpy as np
    >>> back = remember()
    >>> np.set_printoptions(precision=1)
    >>> back()
    >>> print(np.array([1 / 3]))
    [0.33333333]
    """
    saved = [_functions(), *map(_pair, _process()), *map(_pair, _numpy()), *map(_pair, _torch())]
    saved += [_dictionary(os.environ), _dictionary(_style())]

    def back() -> None:
        for put_back in saved:
            with suppress(Exception):  # the one setting may be gone; the others are not
                put_back()

    return back


def _pair(setting) -> Callable[[], None]:
    get, put = setting
    try:
        value = get()
    except Exception:  # a folder that was removed, a function that was replaced by something else
        return lambda: None

    def back() -> None:
        with suppress(Exception):  # arrays, and functions that were replaced
            if get() == value:
                return  # to set anything anew can take torch seconds
        put(value)

    return back


def _process():
    def put_filters(filters):
        warnings.filters[:] = filters
        warnings._filters_mutated()

    yield os.getcwd, os.chdir
    yield sys.getrecursionlimit, sys.setrecursionlimit
    yield lambda: list(warnings.filters), put_filters
    yield random.getstate, random.setstate
    yield lambda: list(sys.path), lambda path: sys.path.__setitem__(slice(None), path)
    yield lambda: sys.stdout, lambda stream: setattr(sys, "stdout", stream)
    yield lambda: sys.stderr, lambda stream: setattr(sys, "stderr", stream)


def _numpy():
    np = sys.modules.get("numpy")
    if np is not None:
        yield np.geterr, lambda options: np.seterr(**options)
        yield np.get_printoptions, lambda options: np.set_printoptions(**options)
        yield np.random.get_state, np.random.set_state


def _torch():
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "get_default_dtype"):
        yield torch.get_default_dtype, torch.set_default_dtype
        yield torch.get_default_device, _set_default_device(torch)
        yield torch.is_grad_enabled, torch.set_grad_enabled
        yield torch.get_rng_state, torch.set_rng_state
        yield (
            torch.are_deterministic_algorithms_enabled,
            torch.use_deterministic_algorithms,
        )


def _set_default_device(torch):
    def put(device):
        torch.set_default_device(None if device.type == "cpu" else device)

    return put


def _style():
    pyplot = sys.modules.get("matplotlib")
    return getattr(pyplot, "rcParams", {})


def _dictionary(settings) -> Callable[[], None]:
    with suppress(Exception):
        saved = dict(settings)

        def back() -> None:
            for key in set(settings) - set(saved):
                del settings[key]
            for key, value in saved.items():
                if key not in settings or settings[key] != value:
                    settings[key] = value

        return back
    return lambda: None


def _functions() -> Callable[[], None]:
    """Put back public functions and classes of the libraries that were replaced or deleted."""
    saved = []
    for name, module in list(sys.modules.items()):
        package, _, rest = name.partition(".")
        ours = package in _OURS and not rest.startswith("grading")
        if (ours or package in _PACKAGES) and "._" not in name and hasattr(module, "__dict__"):
            public = {k: v for k, v in vars(module).items() if callable(v) and k[0] != "_"}
            saved.append((vars(module), public))

    def back() -> None:
        for names, public in saved:
            for key, value in public.items():
                if names.get(key) is not value:
                    names[key] = value

    return back
