"""What the losses share: full precision, and the checks of their input."""

from functools import wraps

import torch

from mmlearn.arrays import at_least_float32, check_finite, promoted
from mmlearn.kinds import as_numbers, as_tensor

DIVERGED = "check the features, or lower the learning rate"


def full_precision(loss):
    """Compute `loss` outside autocast, which would run its matrix products in half precision."""

    @wraps(loss)
    def computed(*args, **kwargs):
        given = (*args, *kwargs.values())
        device = next((a.device.type for a in given if isinstance(a, torch.Tensor)), "cpu")
        with torch.autocast(device, enabled=False):
            return loss(*args, **kwargs)

    return computed


def as_floats(z, name):
    """`z` as a tensor of finite numbers, float32 at least, with its graph."""
    return check_finite(at_least_float32(as_tensor(z, name)), name, DIVERGED)


def as_two(zx, zy, names=("zx", "zy")):
    """Both as tensors of one dtype, float32 at least, on one device, with their graphs."""
    zx, zy = (as_numbers(z, name) for z, name in zip((zx, zy), names, strict=True))
    return tuple(as_tensor(z) for z in promoted(zx, zy))


def check_paired(zx, zy):
    """Two embeddings of one shape, paired row by row, in one dtype: float32 at least."""
    zx, zy = as_two(zx, zy)
    if zx.ndim != 2 or zx.shape != zy.shape or zx.numel() == 0:
        raise ValueError(
            "zx and zy must be matrices of one shape (n, k), paired row by row; got shapes "
            f"{tuple(zx.shape)} and {tuple(zy.shape)}."
        )
    return check_finite(zx, "zx", DIVERGED), check_finite(zy, "zy", DIVERGED)


def check_positive(value, name):
    if not value > 0:
        raise ValueError(f"{name} must be above 0, got {float(value)}.")


def check_progress(progress):
    if not 0 <= progress <= 1:
        raise ValueError(f"progress must lie between 0 and 1, got {progress}.")


def check_classes(labels, n_classes):
    """Refuse class numbers that are not whole or not among the classes."""
    if labels.is_floating_point() and bool((labels != labels.round()).any()):
        raise ValueError("labels must be whole numbers, the numbers of classes.")
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < n_classes:
        raise ValueError(
            f"labels must be whole numbers from 0 to {n_classes - 1}, got {labels.min().item()} "
            f"to {labels.max().item()}."
        )


def as_flags(flags, name):
    """`flags` as a tensor of booleans; numbers other than 0 and 1 are refused."""
    flags = as_tensor(flags, name)
    if flags.dtype != torch.bool and not bool(((flags == 0) | (flags == 1)).all()):
        raise ValueError(f"{name} must be booleans, or numbers 0 and 1.")
    return flags.bool()
