"""The reversed gradient, and its strength."""

import math

import pytest
import torch
from loss_batches import embeddings

from mmlearn.losses import (
    adversary_strength,
    reverse_gradient,
)


def test_reversed_gradient_is_exactly_minus_strength_times_the_plain_one():
    x, w = embeddings()
    plain = torch.autograd.grad((x * w).sum(), x)[0]
    for strength in (0.0, 0.3, 1.0):
        reverse = reverse_gradient(x, strength)
        assert torch.equal(reverse, x)
        assert torch.equal(torch.autograd.grad((reverse * w).sum(), x)[0], -strength * plain)


def test_reversal_reaches_the_layers_before_it_and_spares_those_after():
    torch.manual_seed(0)
    projector, critic = torch.nn.Linear(3, 2), torch.nn.Linear(2, 1)
    x = torch.randn(5, 3)
    gradients = {}
    for name, between in (("plain", lambda z: z), ("reversed", lambda z: reverse_gradient(z, 0.7))):
        loss = critic(between(projector(x))).square().mean()
        gradients[name] = torch.autograd.grad(loss, (projector.weight, critic.weight))
    assert gradients["plain"][0].any()
    torch.testing.assert_close(gradients["reversed"][0], -0.7 * gradients["plain"][0])
    assert torch.equal(gradients["reversed"][1], gradients["plain"][1])


def test_adversary_grows_from_zero_towards_one():
    assert adversary_strength(0) == 0
    assert adversary_strength(0.1) == pytest.approx(2 / (1 + math.exp(-1)) - 1)
    assert adversary_strength(1) == pytest.approx(1, abs=1e-4)


def test_adversary_refuses_impossible_numbers():
    with pytest.raises(ValueError, match="strength must not be negative"):
        reverse_gradient(torch.ones(2), -1)
    with pytest.raises(ValueError, match="progress must lie between 0 and 1"):
        adversary_strength(-0.1)
