"""The loss of correlations, against linear CCA and on batches that are too small."""

import warnings

import pytest
import torch
from loss_batches import K, embeddings

from mmlearn.classical import CCA
from mmlearn.losses import (
    cca_loss,
)


def test_cca_loss_is_minus_the_sum_of_the_correlations_of_linear_cca():
    zx, zy = embeddings(n=200, k=5)
    rho = CCA(5, shrinkage=0).fit(zx.detach(), zy.detach()).correlations_
    assert cca_loss(zx, zy, ridge=0).item() == pytest.approx(-(rho**2).sum(), rel=1e-12)
    assert cca_loss(zx, zy, 0, power=1).item() == pytest.approx(-rho.sum(), rel=1e-12)
    top_two = cca_loss(zx, zy, 0, power=1, n_components=2)
    assert top_two.item() == pytest.approx(-rho[:2].sum(), rel=1e-12)
    assert cca_loss(zx, zy, 0, n_components=2).item() == pytest.approx(-(rho[:2] ** 2).sum())


def test_planted_correlations_give_their_exact_sum():
    rho = torch.tensor([0.9, 0.5, 0.1], dtype=torch.float64)
    z, _ = embeddings(n=60, k=6)
    q, _ = torch.linalg.qr((z - z.mean(dim=0)).detach())
    zx, zy = q[:, :3], q[:, :3] * rho + q[:, 3:] * (1 - rho**2).sqrt()
    assert cca_loss(zx, zy, ridge=0, power=1).item() == pytest.approx(-1.5, abs=1e-12)
    assert cca_loss(zx, zy, ridge=0).item() == pytest.approx(-1.07, abs=1e-12)


@pytest.mark.parametrize("power", [1, 2])
def test_cca_loss_without_ridge_does_not_change_under_invertible_maps(power):
    zx, zy = embeddings(n=100)
    m, n = embeddings(seed=3, n=K)
    mapped = cca_loss(zx @ m + 5, zy @ n - 3, ridge=0, power=power)
    assert mapped.item() == pytest.approx(cca_loss(zx, zy, 0, power).item(), rel=1e-9)


def test_float32_embeddings_lose_no_precision_in_the_linear_algebra():
    zx, zy = embeddings(n=200)
    shifted = cca_loss((zx + 100).float(), zy.float(), ridge=0)
    assert shifted.item() == pytest.approx(cca_loss(zx, zy, ridge=0).item(), rel=1e-4)


def test_the_two_modalities_may_differ_in_dimension_and_in_ridge():
    zx, zy = embeddings(n=100)
    wide = cca_loss(zx, zy[:, :2], ridge=0)
    rho = CCA(2, shrinkage=0).fit(zx.detach(), zy[:, :2].detach()).correlations_
    assert wide.item() == pytest.approx(-(rho**2).sum())
    heavy = 1e9
    assert abs(cca_loss(zx, zy, ridge=(heavy, 0)).item()) < 1e-6
    assert cca_loss(zx, zy, (0.3, 0.3)).item() == cca_loss(zx, zy, 0.3).item()


@pytest.mark.parametrize(("n", "low", "high"), [(64, 37, 42), (256, 9, 11), (512, 4.4, 5.4)])
def test_independent_modalities_seem_correlated_in_small_batches(n, low, high):
    generator = torch.Generator().manual_seed(0)
    zx, zy = (torch.randn(n, 50, generator=generator) for _ in range(2))
    assert low < -cca_loss(zx, zy).item() < high
    assert low < 50 * 50 / (n - 1) < high  # what the warning states


def test_a_small_batch_is_warned_of_once_and_the_warning_says_why():
    zx, zy = embeddings(n=39)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            cca_loss(zx, zy)
    assert len(caught) == 1
    assert "batch of 39 pairs for 4 dimensions" in str(caught[0].message)
    assert "about 0.4 out of 4 (mini-batch bias)" in str(caught[0].message)
    assert caught[0].filename == __file__


def test_a_batch_of_ten_pairs_a_dimension_is_not_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cca_loss(*embeddings(n=40))


@pytest.mark.parametrize("n", [1, K - 1, K])
def test_a_batch_no_larger_than_the_dimension_is_refused(n):
    with pytest.raises(ValueError, match=f"batch of {n} pairs in 4 dimensions correlates perf"):
        cca_loss(*embeddings(n=n))


def test_a_singular_covariance_without_ridge_is_refused_by_name():
    zx, zy = embeddings()
    with pytest.raises(ValueError, match="covariance of zy is singular"):
        cca_loss(zx, zy * torch.tensor([1, 1, 1, 0]), ridge=0)


def test_cca_loss_refuses_meaningless_parameters():
    zx, zy = embeddings()
    for wrong, message in (
        ({"ridge": -1}, "ridge must not be negative"),
        ({"ridge": (0, -1)}, "ridge must not be negative"),
        ({"power": 3}, "power must be 2"),
        ({"n_components": 5}, "between 1 and 4"),
        ({"n_components": 0}, "between 1 and 4"),
    ):
        with pytest.raises(ValueError, match=message):
            cca_loss(zx, zy, **wrong)
    with pytest.raises(ValueError, match="paired row by row"):
        cca_loss(zx, zy[1:])


@pytest.mark.parametrize("power", [1, 2])
def test_gradient_ascent_reaches_the_correlations_of_linear_cca_and_never_passes_them(power):
    x, y = (z.detach() for z in embeddings(n=200, k=6))
    rho = CCA(2, shrinkage=0).fit(x, y).correlations_
    bound = -(rho**power).sum()
    a, b = (
        w.detach().requires_grad_() for w in (torch.eye(6, 2).double(), torch.eye(6, 2).double())
    )
    optimizer = torch.optim.Adam([a, b], lr=0.05)
    for _ in range(400):
        optimizer.zero_grad()
        loss = cca_loss(x @ a, y @ b, ridge=0, power=power)
        loss.backward()
        optimizer.step()
        assert loss.item() >= bound - 1e-9
    assert loss.item() == pytest.approx(bound, abs=1e-3)
