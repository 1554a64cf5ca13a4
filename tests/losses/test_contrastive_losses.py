"""The contrastive losses against answers known in advance."""

import math

import pytest
import torch
from loss_batches import LABELS, N, embeddings

from mmlearn.losses import (
    contrastive_pairs_loss,
    info_nce,
    siglip,
    supcon,
    triplet_loss,
)


@pytest.mark.parametrize("temperature", [0.07, 1.0])
def test_identical_embeddings_cost_the_logarithm_of_the_batch(temperature):
    z = torch.ones(37, 5)
    for loss in (info_nce, lambda x, y, t: supcon(x, y, torch.arange(37) % 3, t)):
        assert loss(z, z, temperature).item() == pytest.approx(math.log(37), rel=1e-6)


def test_perfectly_separated_pairs_cost_info_nce_nothing():
    assert info_nce(torch.eye(6), torch.eye(6), temperature=0.01).item() == pytest.approx(0)
    far = info_nce(torch.eye(6), torch.eye(6).roll(1, 0), temperature=0.01).item()
    assert far == pytest.approx(100)


def test_info_nce_of_a_hand_example():
    loss = info_nce(torch.eye(2), torch.tensor([[1.0, 0.0], [1.0, 0.0]]), temperature=1.0)
    # Rows (1, 1), (0, 0) and columns (1, 0), (1, 0) of the cosines.
    rows, columns = math.log(2), (math.log(1 + math.exp(-1)) + math.log(1 + math.exp(1))) / 2
    assert loss.item() == pytest.approx((rows + columns) / 2, rel=1e-6)


def test_siglip_at_zero_logits_costs_log_two_a_pair():
    zx, zy = torch.eye(6)[:3], torch.eye(6)[3:]
    assert siglip(zx, zy, bias=0.0).item() == pytest.approx(math.log(2), rel=1e-6)


def test_siglip_is_n_squared_binary_decisions():
    zx, zy = embeddings()
    logits = torch.nn.functional.cosine_similarity(zx[:, None], zy[None], dim=2) / 0.2 - 3
    expected = torch.nn.functional.binary_cross_entropy_with_logits(logits, torch.eye(N).double())
    assert siglip(zx, zy, 0.2, -3.0).item() == pytest.approx(expected.item(), rel=1e-9)


def test_supcon_of_classes_that_occur_once_is_info_nce():
    zx, zy = embeddings()
    assert supcon(zx, zy, torch.arange(N)).item() == pytest.approx(info_nce(zx, zy).item())


def test_supcon_is_least_where_classes_are_points():
    points = torch.eye(5)[LABELS]
    partners = torch.tensor([(c == LABELS).sum() for c in LABELS])
    assert supcon(points, points, LABELS, 0.01).item() == pytest.approx(
        partners.double().log().mean().item(), rel=1e-5
    )


def test_temperature_and_bias_can_be_learnt():
    zx, zy = embeddings()
    temperature = torch.tensor(0.1, requires_grad=True)
    bias = torch.tensor(-10.0, requires_grad=True)
    (siglip(zx, zy, temperature, bias) + info_nce(zx, zy, temperature)).backward()
    assert temperature.grad != 0
    assert bias.grad != 0


@pytest.mark.parametrize(
    "loss", [triplet_loss, info_nce, siglip, lambda x, y: supcon(x, y, LABELS)]
)
def test_losses_on_cosines_ignore_the_length_of_embeddings(loss):
    zx, zy = embeddings()
    stretch = torch.linspace(0.1, 10, N)[:, None]
    assert loss(zx * stretch, zy * 3).item() == pytest.approx(loss(zx, zy).item(), rel=1e-9)


def test_contrastive_pairs_of_a_hand_example():
    zx, zy = torch.tensor([[0.0], [2.0]]), torch.tensor([[0.5], [1.75]])
    # d = [[.5, 1.75], [1.5, .25]]; the pairs pay d², the others max(0, 2 - d)².
    loss = contrastive_pairs_loss(zx, zy, torch.tensor([0, 1]), margin=2.0)
    assert loss.item() == pytest.approx((0.25 + 0.0625 + 0.0625 + 0.25) / 8)
    together = contrastive_pairs_loss(zx, zy, torch.tensor([4, 4]), margin=2.0)
    assert together.item() == pytest.approx((0.25 + 3.0625 + 2.25 + 0.0625) / 8)


def test_contrastive_pairs_beyond_the_margin_are_left_alone():
    zx = torch.tensor([[0.0], [9.0]], requires_grad=True)
    contrastive_pairs_loss(zx, zx.detach(), torch.tensor([0, 1])).backward()
    assert not zx.grad.any()
