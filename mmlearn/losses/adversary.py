"""An adversary: its gradient turned round, and how strong it is."""

import math

import torch

from mmlearn.kinds import as_tensor
from mmlearn.losses.checks import check_progress

__all__ = ["adversary_strength", "reverse_gradient"]


class _ReverseGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, strength):
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx, gradient):
        return -ctx.strength * gradient, None


def reverse_gradient(x, strength=1.0):
    """Return `x` itself; on the way back its gradient is multiplied by -strength.

    What stands after it learns to lower the loss, and what stands before it to raise it.

    Parameters
    ----------
    x : tensor (or array) of any shape
    strength : float >= 0, the λ of :func:`adversary_strength`

    Raises
    ------
    ValueError: negative strength, which would make allies of the adversaries

    References
    ----------
    Ganin, Lempitsky, Unsupervised Domain Adaptation by Backpropagation, ICML 2015.

    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> reverse_gradient(x, 0.5).sum().backward()
    >>> x.grad
    tensor([-0.5000, -0.5000])
    """
    if strength < 0:
        raise ValueError(f"strength must not be negative, got {strength}.")
    return _ReverseGradient.apply(as_tensor(x, "x"), strength)


def adversary_strength(progress):
    """Strength of the reversed gradient, from 0 at the start towards 1: λ(p) = 2/(1+e^(-10p)) - 1.

    Parameters
    ----------
    progress : float from 0 to 1, the share of the training done

    Raises
    ------
    ValueError: progress outside [0, 1]

    References
    ----------
    Ganin, Lempitsky, Unsupervised Domain Adaptation by Backpropagation, ICML 2015.

    >>> adversary_strength(0.0), round(adversary_strength(1.0), 4)
    (0.0, 0.9999)
    """
    check_progress(progress)
    return 2 / (1 + math.exp(-10 * progress)) - 1
