"""What the losses share: full precision, and the checks of their input."""

from functools import wraps

import torch


def full_precision(loss):
    """Compute `loss` outside autocast, which would run its matrix products in half precision."""

    @wraps(loss)
    def computed(z, *args, **kwargs):
        with torch.autocast(z.device.type, enabled=False):
            return loss(z, *args, **kwargs)

    return computed


def at_least_float32(z):
    """`z` itself if it is float32 or float64, else in float32."""
    return z if z.dtype in (torch.float32, torch.float64) else z.float()


def check_paired(zx, zy):
    """Two embeddings of one shape, paired row by row, in one dtype: float32 at least."""
    if zx.ndim != 2 or zx.shape != zy.shape or zx.numel() == 0:
        raise ValueError(
            "zx and zy must be matrices of one shape (n, k), paired row by row; got shapes "
            f"{tuple(zx.shape)} and {tuple(zy.shape)}."
        )
    zx, zy = at_least_float32(zx), at_least_float32(zy)
    dtype = torch.promote_types(zx.dtype, zy.dtype)
    return zx.to(dtype), zy.to(dtype)


def check_positive(value, name):
    if not value > 0:
        raise ValueError(f"{name} must be above 0, got {float(value)}.")


def check_progress(progress):
    if not 0 <= progress <= 1:
        raise ValueError(f"progress must lie between 0 and 1, got {progress}.")


def check_classes(labels, n_classes):
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < n_classes:
        raise ValueError(
            f"labels must be whole numbers from 0 to {n_classes - 1}, got {labels.min().item()} "
            f"to {labels.max().item()}."
        )
