"""DCCA: CCA's own answer for linear networks, its bound, its gradient, and stopping in time."""

import warnings

import numpy as np
import pytest
import torch
from torch.func import functional_call

from mmlearn.classical import CCA
from mmlearn.deep import DCCA
from mmlearn.deep.base import TwoEncoders, mlp
from mmlearn.losses import cca_loss
from mmlearn.training.method import Training


def linear_pairs(rng, n=400):
    z = rng.normal(size=(n, 3))
    x = z @ rng.normal(size=(3, 6)) + rng.normal(size=(n, 6))
    return x, z @ rng.normal(size=(3, 5)) + rng.normal(size=(n, 5))


def nonlinear_pairs(rng, n):
    """Three pairs of columns (a, a²) with noise, in a turned space: linear correlation is nil."""
    z = rng.normal(size=(n, 3))
    turn = np.linalg.qr(np.random.default_rng(5).normal(size=(5, 5)))[0]
    x = np.hstack([z, rng.normal(size=(n, 2))]) @ turn
    return x, np.hstack([z**2, rng.normal(size=(n, 2))]) + 0.1 * rng.normal(size=(n, 5))


def total_correlation(model, x, y):
    z_x, z_y = model.embed_images(x), model.embed_texts(y)
    return sum(np.corrcoef(a, b)[0, 1] for a, b in zip(z_x.T, z_y.T, strict=True))


@pytest.mark.parametrize("power", [1, 2])
def test_linear_networks_reach_the_correlations_of_cca_and_never_pass_them(rng, power):
    x, y = linear_pairs(rng)
    rho = CCA(n_components=3, shrinkage=0).fit(x, y).correlations_
    model = DCCA(
        n_components=3, hidden=0, dropout=0, ridge=0, power=power, shrinkage=0, batch_size=400,
        epochs=300, learning_rate=0.02, weight_decay=0, validation_fraction=0, patience=None,
        device="cpu",
    ).fit(x, y)  # fmt: skip
    bound = -np.sum(rho**power)
    assert min(model.history_.loss) >= bound - 1e-5
    assert model.history_.loss[-1] == pytest.approx(bound, abs=1e-3)
    np.testing.assert_allclose(model.correlations_, rho, atol=1e-3)
    assert np.all(model.correlations_ <= rho + 1e-6)


def test_embedding_is_the_cca_of_the_networks_outputs(rng):
    x, y = linear_pairs(rng, n=200)
    model = DCCA(n_components=2, epochs=2, shrinkage=0, device="cpu").fit(x, y)
    z_x, z_y = model.embed_images(x), model.embed_texts(y)
    np.testing.assert_allclose(np.cov(z_x.T, bias=True), np.eye(2), atol=1e-4)
    np.testing.assert_allclose(np.cov(z_y.T, bias=True), np.eye(2), atol=1e-4)
    np.testing.assert_allclose(z_x.T @ z_y / 200, np.diag(model.correlations_), atol=1e-4)


@pytest.mark.parametrize("power", [1, 2])
def test_gradient_through_networks_and_loss_is_exact(power):
    torch.manual_seed(0)
    networks = TwoEncoders(mlp(4, 6, 2), mlp(3, 6, 2)).double()
    for p in networks.parameters():  # away from the corners of ReLU
        torch.nn.init.normal_(p)
    x, y = torch.randn(30, 4, dtype=torch.float64), torch.randn(30, 3, dtype=torch.float64)
    names = [name for name, _ in networks.named_parameters()]

    def loss(*parameters):
        parameters = dict(zip(names, parameters, strict=True))
        return cca_loss(*functional_call(networks, parameters, (x, y)), ridge=1e-2, power=power)

    assert torch.autograd.gradcheck(loss, tuple(networks.parameters()))


def test_invertible_maps_of_the_outputs_change_nothing_without_ridge(rng):
    x, y = linear_pairs(rng)
    model = DCCA(3, ridge=0, shrinkage=0, epochs=3, device="cpu").fit(x, y)
    before = model.embed_images(x), model.embed_texts(y)
    pairs = model._standardized(x, 0), model._standardized(y, 1)
    with torch.no_grad():
        loss = model._loss(None, model.module_, *pairs)
        for encoder in (model.module_.image_encoder, model.module_.text_encoder):
            m, last = torch.as_tensor(rng.normal(size=(3, 3))).float(), encoder[-1]
            m += 3 * torch.eye(3)
            last.weight.copy_(m @ last.weight)
            last.bias.copy_(m @ last.bias + 7)
        np.testing.assert_allclose(model._loss(None, model.module_, *pairs), loss, rtol=1e-4)
        model._finish(Training(model, model.module_, everything=pairs))
    for z, z_before in zip((model.embed_images(x), model.embed_texts(y)), before, strict=True):
        sign = np.sign((z * z_before).sum(axis=0))  # the largest loading, which sets it, has moved
        np.testing.assert_allclose(z * sign, z_before, atol=1e-3)


def test_a_nonlinear_signal_is_found_on_held_out_pairs_where_cca_finds_none(rng):
    train, fresh = nonlinear_pairs(rng, 1000), nonlinear_pairs(rng, 500)
    linear = total_correlation(CCA(3, shrinkage=0).fit(*train), *fresh)
    model = DCCA(3, hidden=128, dropout=0, device="cpu").fit(*train)
    assert linear < 0.6
    assert total_correlation(model, *fresh) > 2.2


def test_training_stops_at_the_best_held_out_correlation_and_before_all_epochs(rng):
    x, y = linear_pairs(rng, n=300)
    model = DCCA(
        3, hidden=256, dropout=0, epochs=100, patience=5, learning_rate=1e-2, device="cpu"
    ).fit(x, y)
    watched = model.history_.validation
    assert len(watched) < 100
    assert model.history_.best_epoch == np.argmax(watched)
    held, _ = model._split(300)
    x, y = model._standardized(x, 0), model._standardized(y, 1)
    training = Training(model, model.module_, everything=(x, y))
    found = model._metric(training, model.module_, x[held], y[held])
    assert found == pytest.approx(max(watched), abs=1e-4)


def test_noise_promises_nothing_on_held_out_pairs(rng):
    """Trained correlations of noise are high, and held-out ones show it."""
    x, y = rng.normal(size=(200, 20)), rng.normal(size=(200, 20))
    model = DCCA(3, dropout=0, epochs=20, batch_size=200, patience=None, device="cpu").fit(x, y)
    assert model.correlations_.sum() > 1.0
    assert abs(model.history_.validation[-1]) < 0.6


def test_a_short_last_batch_does_not_enter(rng):
    """65 pairs in batches of 32 leave one pair over, on which the loss would be refused."""
    x, y = linear_pairs(rng, n=65)
    model = DCCA(3, batch_size=32, epochs=2, validation_fraction=0, patience=None, device="cpu")
    assert np.isfinite(model.fit(x, y).history_.loss).all()


def test_without_standardising_each_modality_is_divided_by_one_number(rng):
    x, y = linear_pairs(rng, n=100)
    x = x * [1, 1, 1, 1, 1, 100]
    model = DCCA(2, standardize=False, epochs=1, device="cpu").fit(x, y)
    scaled = model._standardized(x, 0).numpy()
    np.testing.assert_allclose(scaled.var(axis=0).mean(), 1, rtol=1e-5)
    ratio = x[:, 5].std() / x[:, 0].std()
    np.testing.assert_allclose(scaled[:, 5].std() / scaled[:, 0].std(), ratio, rtol=1e-4)


def test_a_batch_no_larger_than_the_dimension_is_refused(rng):
    x, y = linear_pairs(rng)
    with pytest.raises(ValueError, match=r"batch of 8 pairs .* more than n_components=8"):
        DCCA(8, batch_size=8).fit(x, y)
    with pytest.raises(ValueError, match=r"batch of 8 pairs"):  # 10 pairs, of which 2 are held out
        DCCA(8).fit(x[:10], y[:10])


def test_a_batch_below_ten_pairs_a_component_is_warned_of_once(rng):
    x, y = linear_pairs(rng)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        DCCA(7, batch_size=37, epochs=2, device="cpu").fit(x, y)
        DCCA(3, batch_size=37, epochs=2, device="cpu").fit(x, y)
    assert [str(w.message).split(" for ")[0] for w in caught] == ["a batch of 37 pairs"]


def test_a_constant_modality_is_refused(rng):
    x, y = linear_pairs(rng, n=100)
    with pytest.raises(ValueError, match="every row of texts is the same"):
        DCCA(2, device="cpu").fit(x, np.ones_like(y))


@pytest.mark.parametrize("bad", [{"power": 3}, {"ridge": -1.0}, {"shrinkage": 2.0}])
def test_impossible_settings_are_refused(rng, bad):
    x, y = linear_pairs(rng, n=100)
    with pytest.raises(ValueError, match=next(iter(bad))):
        DCCA(2, epochs=1, device="cpu", **bad).fit(x, y)
