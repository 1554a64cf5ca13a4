"""What makes an encoder one of a time: a temporal layer that both modalities share."""

import math

import numpy as np
import torch
from torch import nn

from mmlearn.arrays import to_numpy
from mmlearn.deep.base import TwoEncoders
from mmlearn.kinds import as_numbers

__all__ = ["TemporalLayer", "TimedEncoder", "TimedEncoders", "check_steps", "check_times"]

TIME_DIMS = 16  # of the shared temporal layer


class TemporalLayer(nn.Module):
    """The layer that both modalities share: τ(t) = tanh(W φ(t)), with τ(0) = 0.

    ::

        φ(t) = [t, sin πt, cos πt - 1, ..., sin πKt, cos πKt - 1],   t in [-1, 1]

    >>> TemporalLayer(2)(torch.zeros(3)).abs().max() == 0
    tensor(True)
    """

    def __init__(self, n_frequencies):
        super().__init__()
        self.n_frequencies = n_frequencies
        self.weights = nn.Linear(1 + 2 * n_frequencies, TIME_DIMS, bias=False)

    def forward(self, t):
        k = torch.arange(1, self.n_frequencies + 1, device=t.device)
        angle = math.pi * t[:, None] * k
        return torch.tanh(self.weights(torch.cat([t[:, None], angle.sin(), angle.cos() - 1], 1)))


class TimedEncoder(nn.Module):
    """An encoder whose last hidden layer h is modulated by τ: W (h ⊙ (1 + G τ)) + b + B τ.

    G and B start at 0. An encoder that does not end in a linear layer is modulated at its output.
    """

    def __init__(self, encoder, d_out):
        super().__init__()
        splits = isinstance(encoder, nn.Sequential) and isinstance(encoder[-1], nn.Linear)
        self.trunk, self.head = (encoder[:-1], encoder[-1]) if splits else (encoder, nn.Identity())
        self.gate = nn.Linear(TIME_DIMS, self.head.in_features if splits else d_out, bias=False)
        self.shift = nn.Linear(TIME_DIMS, d_out, bias=False)
        nn.init.zeros_(self.gate.weight)
        nn.init.zeros_(self.shift.weight)

    def forward(self, x, tau):
        return self.head(self.trunk(x) * (1 + self.gate(tau))) + self.shift(tau)


class TimedEncoders(TwoEncoders):
    """Two encoders, each conditioned by one temporal layer: ``forward(x, y, t)`` -> (z_x, z_y)."""

    def __init__(self, image_encoder, text_encoder, temporal):
        super().__init__(image_encoder, text_encoder)
        self.temporal = temporal

    def encode_images(self, x, t):
        return self.image_encoder(x, self.temporal(t))

    def encode_texts(self, y, t):
        return self.text_encoder(y, self.temporal(t))

    def forward(self, x, y, t):
        return self.encode_images(x, t), self.encode_texts(y, t)


def check_times(times, n):
    """Check times, one number for all items or one an item, and return them as float64 (n,).

    >>> check_times(2015, 2)
    array([2015., 2015.])
    """
    if times is None:
        raise ValueError(
            "this method needs times: pass times=..., a number for each item (such as its year) "
            "or one for all."
        )
    times = _numbers(times)
    if times.shape not in ((), (n,)):
        raise ValueError(
            f"times must be one number or have shape ({n},), one an item, got shape {times.shape}."
        )
    if not np.isfinite(times).all():
        raise ValueError("times hold NaN or infinite values; drop the items without a time first.")
    return np.broadcast_to(times, (n,)).astype(np.float64)


def check_steps(times):
    """Check the steps of a trajectory, one number or several, and return them as (s,).

    >>> check_steps(2015)
    array([2015.])
    """
    times = np.atleast_1d(_numbers(times))
    return check_times(times, len(times))


def _numbers(times):
    try:
        return to_numpy(as_numbers(times, "times"))
    except TypeError:
        raise ValueError("times must be numbers, such as years or days since a date.") from None
