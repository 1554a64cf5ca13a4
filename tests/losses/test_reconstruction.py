"""Reconstruction and correspondence against answers known in advance."""

import math

import numpy as np
import pytest
import torch

from mmlearn.losses import (
    correspondence_loss,
    reconstruction_loss,
)


def test_reconstruction_is_the_mean_squared_error_of_the_rows_present():
    x = torch.tensor([[1.0, 2.0], [math.nan, 0.0]])
    x_hat = torch.tensor([[1.0, 4.0], [3.0, 3.0]], requires_grad=True)
    loss = reconstruction_loss(x, x_hat, present=np.array([True, False]))
    loss.backward()
    assert loss == 2
    assert x_hat.grad.tolist() == [[0, 2], [0, 0]]


def test_reconstruction_of_nothing_is_zero_with_the_graph_attached():
    x_hat = torch.ones(2, 3, requires_grad=True)
    loss = reconstruction_loss(torch.zeros(2, 3), x_hat, present=torch.zeros(2))
    loss.backward()
    assert loss == 0
    assert not x_hat.grad.any()


def test_reconstruction_refuses_other_shapes_and_masks():
    with pytest.raises(ValueError, match="one shape"):
        reconstruction_loss(torch.ones(2, 3), torch.ones(2, 1))
    with pytest.raises(ValueError, match=r"present must have shape \(2,\)"):
        reconstruction_loss(torch.ones(2, 3), torch.ones(2, 3), present=torch.ones(2, 3))


def test_correspondence_is_the_mean_squared_distance_of_the_pairs():
    zx, zy = torch.zeros(2, 2), torch.tensor([[3.0, 4.0], [0.0, 1.0]])
    assert correspondence_loss(zx, zy) == 13
