"""Early and joint fusion: what they promise, and what a missing modality does."""

import numpy as np
import pytest
import torch
from sklearn.base import clone

from mmlearn.classical import EarlyFusion
from mmlearn.deep import JointFusion


def data(rng, n=120):
    """Images tell classes 0 and 1 apart, texts tell 0 and 2 apart; together they tell all three."""
    labels = rng.integers(0, 3, n)
    x = rng.normal(size=(n, 5)) * 0.3 + 2 * (labels == 1)[:, None]
    y = rng.normal(size=(n, 4)) * 0.3 + 2 * (labels == 2)[:, None]
    return x, y, labels


def small(**params):
    return JointFusion(**{"n_components": 8, "hidden": 16, "epochs": 40, "device": "cpu"} | params)


def test_larger_modality_wins_without_standardising_and_not_with_it(rng):
    x, y, _ = data(rng)
    raw = EarlyFusion(1, standardize=False).fit(x, 100 * y)
    fair = EarlyFusion(1).fit(x, 100 * y)
    assert raw.modality_variance()[0] < 0.01
    assert 0.1 < fair.modality_variance()[0] < 0.9


def test_scale_and_shift_of_a_modality_are_irrelevant_when_standardising(rng):
    x, y, _ = data(rng)
    a, b = EarlyFusion(3).fit(x, y), EarlyFusion(3).fit(1000 * x + 7, y)
    np.testing.assert_allclose(np.abs(a.embed(x, y)), np.abs(b.embed(1000 * x + 7, y)), atol=1e-9)


def test_each_modality_brings_a_variance_of_one(rng):
    x, y, _ = data(rng)
    model = EarlyFusion(9).fit(x, y)
    assert model.embed(x, y).var(axis=0).sum() == pytest.approx(2)


def test_missing_modality_is_its_training_mean(rng):
    x, y, _ = data(rng)
    model = EarlyFusion(3).fit(x, y)
    mean = np.tile(y.mean(axis=0), (len(x), 1))
    np.testing.assert_allclose(model.embed(images=x), model.embed(x, mean), atol=1e-12)
    np.testing.assert_allclose(model.embed_images(x), model.embed(images=x))


def test_constant_column_is_harmless(rng):
    x, y, _ = data(rng)
    wide = np.hstack([x, np.full((len(x), 1), 0.1)])
    assert np.isfinite(EarlyFusion(3).fit(wide, y).embed(wide, y)).all()


def test_joint_fusion_needs_both_modalities_to_tell_three_classes(rng):
    x, y, labels = data(rng)
    model = small().fit(x, y, labels)
    fresh_x, fresh_y, fresh = data(rng)
    assert (model.predict(fresh_x, fresh_y) == fresh).mean() > 0.95
    assert model.history_.loss[-1] < model.history_.loss[0] / 2


@pytest.mark.slow
def test_modality_dropout_helps_when_a_modality_is_missing(rng):
    x, y, labels = rng.normal(size=(300, 6)), rng.normal(size=(300, 6)), np.arange(300) % 2
    x, y = x + labels[:, None], y + labels[:, None]
    accuracy = {
        p: np.mean(
            [
                (m.predict(images=x) == labels).mean() + (m.predict(texts=y) == labels).mean()
                for seed in range(3)
                for m in [small(modality_dropout=p, random_state=seed).fit(x, y, labels)]
            ]
        )
        for p in (0.0, 0.5)
    }
    assert accuracy[0.5] > accuracy[0.0]


def test_labels_may_be_any_integers(rng):
    x, y, labels = data(rng)
    predicted = small(epochs=2).fit(x, y, labels * 10 - 5).predict(x, y)
    assert set(predicted) <= {-5, 5, 15}


def test_tensors_come_back_as_tensors(rng):
    x, y, labels = (torch.as_tensor(a) for a in data(rng))
    for model in (EarlyFusion(3).fit(x, y), small(epochs=2).fit(x, y, labels)):
        z = model.embed(x, y)
        assert torch.is_tensor(z)
        assert z.dtype == x.dtype


@pytest.mark.parametrize("model", [EarlyFusion(3), small(epochs=2)])
def test_contract_of_joint_methods(rng, model):
    x, y, labels = data(rng)
    model = clone(model).fit(x, y, labels=labels)
    k = model.n_components
    assert model.embed(x, y).shape == model.embed_images(x).shape == model.embed_texts(y).shape
    assert model.embed(x[:1], y[:1]).shape == (1, k)
    order = rng.permutation(len(x))
    np.testing.assert_allclose(model.embed(x[order], y[order]), model.embed(x, y)[order], atol=1e-5)
    with pytest.raises(ValueError, match="neither was given"):
        model.embed()
    with pytest.raises(ValueError, match="texts must be paired"):
        model.embed(x, y[:-1])
    with pytest.raises(ValueError, match="fitted on 5"):
        model.embed(images=x[:, :2])


def test_supervised_fusion_asks_for_labels_of_two_classes(rng):
    x, y, labels = data(rng)
    with pytest.raises(ValueError, match="pass labels="):
        small().fit(x, y)
    with pytest.raises(ValueError, match="single class"):
        small().fit(x, y, np.zeros(len(x)))
    with pytest.raises(ValueError, match="one per pair"):
        small().fit(x, y, labels[:-1])


def test_impossible_settings_are_refused(rng):
    x, y, labels = data(rng)
    with pytest.raises(ValueError, match="n_components must lie between 1 and 9"):
        EarlyFusion(10).fit(x, y)
    with pytest.raises(ValueError, match="modality_dropout"):
        small(modality_dropout=1.0).fit(x, y, labels)
