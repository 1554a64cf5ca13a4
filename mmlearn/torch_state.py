"""Global settings of torch: none that a caller has changed breaks a method, and none is changed.

A notebook sets a default dtype or device, turns gradients off for a feature extraction, or asks for
deterministic algorithms, and forgets. Whatever is public in an estimator runs inside
:func:`ordinary_torch` (:class:`mmlearn.contract.Estimator` sees to that), and so do the other
functions that make tensors of their own.
"""

from contextlib import ExitStack, contextmanager

import torch

__all__ = ["ordinary_torch"]


@contextmanager
def ordinary_torch():
    """Torch as it starts: float32 on the CPU where nothing else is said, no autocast, no inference.

    Deterministic algorithms stay chosen where the caller asked for them; what has none warns
    instead of failing. Gradients stay on or off, as they were. On leaving, all is as it was.

    >>> torch.set_default_dtype(torch.float64)
    >>> with ordinary_torch():
    ...     torch.zeros(1).dtype
    torch.float32
    >>> torch.zeros(1).dtype
    torch.float64
    >>> torch.set_default_dtype(torch.float32)
    """
    with ExitStack() as stack:
        if torch.is_inference_mode_enabled():
            stack.enter_context(torch.inference_mode(False))
            stack.enter_context(torch.no_grad())
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        for kind in ("cpu", "cuda"):
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        dtype = torch.get_default_dtype()
        if dtype != torch.float32:
            stack.callback(torch.set_default_dtype, dtype)
            torch.set_default_dtype(torch.float32)
        warns = torch.is_deterministic_algorithms_warn_only_enabled()
        if torch.are_deterministic_algorithms_enabled() and not warns:
            stack.callback(torch.use_deterministic_algorithms, True, warn_only=False)
            torch.use_deterministic_algorithms(True, warn_only=True)
        yield
