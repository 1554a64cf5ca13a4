"""Which device torch computes on."""

import torch

__all__ = ["pick_device"]


def pick_device(device=None):
    """The device asked for, or the best there is: a CUDA GPU, an Apple GPU, the CPU.

    >>> pick_device("cpu")
    device(type='cpu')
    """
    if device is None:
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(device)
    except RuntimeError:
        raise ValueError(f'unknown device {device!r}; use "cuda", "mps" or "cpu".') from None
    there = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}
    if not there.get(device.type, lambda: True)():
        raise ValueError(f'this machine has no {device.type} device; use device="cpu" or None.')
    return device
