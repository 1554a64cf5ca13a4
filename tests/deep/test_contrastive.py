"""InfoNCE, SigLIP and supervised contrastive: the losses, what is learnt, and what is retrieved."""

import math

import numpy as np
import pytest
import torch

from mmlearn.classical import CCA
from mmlearn.deep import InfoNCE, SigLIP, SupCon
from mmlearn.losses import info_nce, siglip, supcon
from mmlearn.retrieval import recall_at_k

SMALL = {
    "n_components": 8,
    "hidden": 32,
    "dropout": 0.0,
    "epochs": 20,
    "batch_size": 60,
    "learning_rate": 0.01,
    "device": "cpu",
}


def pairs(rng, n=300):
    """Images and texts show the same three hidden numbers, the texts by their squares only."""
    hidden = rng.normal(size=(n, 3))
    a, b = (np.random.default_rng(seed).normal(size=(3, 8)) for seed in (7, 8))
    return hidden @ a + 0.1 * rng.normal(size=(n, 8)), hidden**2 @ b


def classes(rng, n=240, noise=0.7):
    means = np.random.default_rng(7)
    m_x, m_y = means.normal(size=(4, 6)), means.normal(size=(4, 5))
    labels = rng.integers(0, 4, n)
    x = m_x[labels] + noise * rng.normal(size=(n, 6))
    return x, m_y[labels] + noise * rng.normal(size=(n, 5)), labels


def collapsed(model):
    """The module with all embeddings on one point."""
    for p in model.module_.parameters():
        torch.nn.init.zeros_(p)
    model.module_.image_encoder[-1].bias.data.fill_(1.0)
    model.module_.text_encoder[-1].bias.data.fill_(1.0)
    return model.module_


def test_where_all_embeddings_are_equal_the_losses_are_those_of_chance(rng):
    x, y, labels = classes(rng)
    batch = torch.randn(32, 6), torch.randn(32, 5)
    for method, given, targets in (
        (InfoNCE, None, ()),
        (SupCon, labels, (torch.arange(32) % 4,)),
    ):
        model = method(**SMALL | {"epochs": 1}).fit(x, y, given)
        loss = model._loss(None, collapsed(model), *batch, *targets)["loss"]
        assert loss.item() == pytest.approx(math.log(32), abs=1e-5)
    model = SigLIP(**SMALL | {"epochs": 1}, temperature=0.1, bias=-10.0).fit(x, y)
    loss = model._loss(None, collapsed(model), *batch)["loss"]  # logits 1/0.1 - 10 = 0
    assert loss.item() == pytest.approx(math.log(2), abs=1e-5)


@pytest.mark.parametrize("method", [InfoNCE, SigLIP, SupCon])
def test_the_loss_is_that_of_the_embeddings_and_of_what_was_learnt(rng, method):
    x, y, labels = classes(rng)
    model = method(**SMALL | {"epochs": 3}).fit(x, y, labels)
    batch, c = (torch.randn(20, 6), torch.randn(20, 5)), torch.arange(20) % 4
    z_x, z_y = model.module_.encode_images(batch[0]), model.module_.encode_texts(batch[1])
    found = model._loss(None, model.module_, *batch, *([c] if method is SupCon else []))
    tau = model.temperature_
    expected = {
        InfoNCE: lambda: info_nce(z_x, z_y, tau),
        SupCon: lambda: supcon(z_x, z_y, c, tau),
        SigLIP: lambda: siglip(z_x, z_y, tau, model.bias_),
    }[method]()
    torch.testing.assert_close(found["loss"], expected)


@pytest.mark.parametrize("method", [InfoNCE, SigLIP, SupCon])
def test_the_temperature_is_learnt_or_stays(rng, method):
    x, y, labels = classes(rng)
    learnt = method(**SMALL, temperature=0.3).fit(x, y, labels)
    assert abs(learnt.temperature_ - 0.3) > 0.01
    assert learnt.history_.terms["temperature"][-1] == pytest.approx(learnt.temperature_, rel=0.1)
    fixed = method(**SMALL | {"epochs": 2}, temperature=0.3, learn_temperature=False)
    fixed.fit(x, y, labels)
    assert fixed.temperature_ == pytest.approx(0.3)
    assert fixed.history_.terms["temperature"] == pytest.approx([0.3, 0.3])


def test_the_temperature_falls_while_partners_are_told_apart_but_not_to_0(rng):
    x, y = pairs(rng)
    model = InfoNCE(**SMALL | {"epochs": 40}, temperature=0.5).fit(x, y)
    assert 0.01 < model.temperature_ < 0.4


def test_the_bias_of_siglip_is_learnt(rng):
    x, y = pairs(rng)
    model = SigLIP(**SMALL, bias=-3.0).fit(x, y)
    assert abs(model.bias_ + 3) > 0.05
    assert model.history_.terms["bias"][0] == pytest.approx(-3, abs=0.1)


def test_weight_decay_pulls_the_temperature_back_to_its_start(rng):
    x, y = pairs(rng)
    free = InfoNCE(**SMALL, temperature=0.5, weight_decay=0.0).fit(x, y)
    held = InfoNCE(**SMALL, temperature=0.5, weight_decay=20.0).fit(x, y)
    assert abs(held.temperature_ - 0.5) < abs(free.temperature_ - 0.5)


@pytest.mark.parametrize("method", [InfoNCE, SigLIP])
def test_partners_are_found_where_no_linear_map_finds_them(rng, method):
    x, y = pairs(rng, n=1000)
    fresh = pairs(rng, n=100)

    def found(model):
        return recall_at_k(
            model.similarity(model.embed_images(fresh[0]), model.embed_texts(fresh[1])), k=5
        )

    assert found(method(**SMALL | {"epochs": 30}).fit(x, y)) > 0.6
    assert found(CCA(3).fit(x, y)) < 0.2


def test_supcon_retrieves_classes_better_than_info_nce_which_pushes_them_apart(rng):
    x, y, labels = classes(rng, noise=1.2)
    fresh = classes(rng, noise=1.2)
    supervised = SupCon(**SMALL).fit(x, y, labels).score(*fresh)
    assert supervised > InfoNCE(**SMALL).fit(x, y).score(*fresh) + 0.05


def test_supcon_with_classes_that_occur_once_is_info_nce(rng):
    x, y = pairs(rng, n=100)
    a = SupCon(**SMALL | {"epochs": 3}).fit(x, y, np.arange(100))
    b = InfoNCE(**SMALL | {"epochs": 3}).fit(x, y)
    np.testing.assert_allclose(a.embed_images(x), b.embed_images(x), atol=1e-4)


def test_supcon_takes_several_labels_an_item(rng):
    tags = rng.random(size=(400, 4)) < 0.3
    x = tags @ rng.normal(size=(4, 6)) + 0.2 * rng.normal(size=(400, 6))
    y = tags @ rng.normal(size=(4, 5)) + 0.2 * rng.normal(size=(400, 5))
    model = SupCon(**SMALL).fit(x[:300], y[:300], tags[:300])
    linear = CCA(4).fit(x[:300], y[:300])
    fresh = x[300:], y[300:], tags[300:]
    assert model.score(*fresh) > linear.score(*fresh)


def test_labels_are_needed_by_supcon_alone(rng):
    x, y = pairs(rng, n=50)
    with pytest.raises(ValueError, match="supervised"):
        SupCon(**SMALL).fit(x, y)


@pytest.mark.parametrize("method", [InfoNCE, SigLIP])
def test_labels_change_nothing_where_none_are_needed(rng, method):
    x, y, labels = classes(rng, n=100)
    a, b = (method(**SMALL | {"epochs": 2}).fit(x, y, c).embed_texts(y) for c in (None, labels))
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("method", [InfoNCE, SigLIP, SupCon])
def test_a_temperature_out_of_range_is_refused(rng, method):
    x, y, labels = classes(rng, n=20)
    with pytest.raises(ValueError, match=r"temperature must be above 0\.01"):
        method(**SMALL, temperature=0.01).fit(x, y, labels)
    with pytest.raises(ValueError, match="temperature must be above 0,"):
        method(**SMALL, temperature=0.0, learn_temperature=False).fit(x, y, labels)
