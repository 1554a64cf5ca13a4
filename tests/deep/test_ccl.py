"""CCL: two granularities, missing parts, two stages, both losses, and the parts it makes itself."""

from functools import partial

import numpy as np
import pytest
import torch
from planted import SMALL_NETWORK, class_data

from mmlearn.classical import CCA
from mmlearn.deep import CCL
from mmlearn.losses import classification_loss, contrastive_pairs_loss

SMALL = SMALL_NETWORK | {"code": 12, "epochs": 10, "pretraining_epochs": 4}
data = partial(class_data, d_x=8, d_y=6)


def with_parts(rng, n=300):
    """Images of a whole of noise (3 columns) and three parts (5 columns each).

    One part, any of the three, shows the class; the others show nothing.
    """
    labels = rng.integers(0, 4, n)
    signs = np.random.default_rng(7).normal(size=(4, 5)) * 3
    parts = rng.normal(size=(n, 3, 5))
    parts[np.arange(n), rng.integers(0, 3, n)] += signs[labels]
    x = np.hstack([rng.normal(size=(n, 3)), parts.reshape(n, 15)])
    y = np.random.default_rng(8).normal(size=(4, 6))[labels] + 0.3 * rng.normal(size=(n, 6))
    return x, y, labels


GROUPS = [slice(0, 3), slice(3, 8), slice(8, 13), slice(13, 18)]


def ccl(**params):
    return CCL(**SMALL | params)


@pytest.mark.slow
def test_parts_show_what_the_whole_does_not(rng):
    x, y, labels = with_parts(rng)
    fresh = with_parts(rng)
    score = {
        granularity: ccl(image_groups=GROUPS, granularity=granularity)
        .fit(x, y, labels)
        .score(*fresh)
        for granularity in ("both", "whole", "parts")
    }
    assert score["both"] > score["whole"] + 0.2
    assert score["parts"] > score["whole"] + 0.2


def test_parts_may_come_in_any_order(rng):
    x, y, labels = with_parts(rng)
    model = ccl(image_groups=GROUPS, standardize=False).fit(x, y, labels)
    shuffled = np.hstack([x[:, :3], x[:, 13:], x[:, 3:13]])
    # OneScale subtracts each column's mean, so a part carries its place's mean with it.
    mean = model.scalers_[0].mean
    shuffled += mean - np.hstack([mean[:3], mean[13:], mean[3:13]])
    np.testing.assert_allclose(model.embed_images(x), model.embed_images(shuffled), atol=1e-4)


@pytest.mark.parametrize("standardize", [True, False])
def test_a_part_of_zeros_is_left_out_of_the_mean(rng, standardize):
    x, y, labels = with_parts(rng)
    x[:100, 13:] = 0
    model = ccl(image_groups=GROUPS, standardize=standardize, epochs=2).fit(x, y, labels)
    grain = model.module_.image.grains["parts"]
    standardised = model._standardized(x, 0)
    code, parts, there, h = grain(standardised)
    assert there[:100].tolist() == [[1.0, 1.0, 0.0]] * 100
    assert (there[100:] == 1).all()
    torch.testing.assert_close(code[:100], h[:100, :2].mean(dim=1))
    torch.testing.assert_close(code[100:], h[100:].mean(dim=1))
    torch.testing.assert_close(parts[:, 1], standardised[:, 8:13])


def test_an_item_without_any_part_is_embedded_by_its_whole(rng):
    x, y, labels = with_parts(rng)
    model = ccl(image_groups=GROUPS, epochs=2).fit(x, y, labels)
    x[0, 3:] = 0
    z = model.embed_images(x)
    assert np.isfinite(z).all()
    code = model.module_.image.grains["parts"](model._standardized(x, 0))[0]
    assert (code[0] == 0).all()


def test_missing_parts_are_not_to_be_reconstructed(rng):
    x, y, labels = with_parts(rng)
    x[:, 13:] = np.where(rng.random(size=(300, 1)) < 0.5, 0, x[:, 13:])
    model = ccl(image_groups=GROUPS, epochs=1).fit(x, y, labels)

    class Spoilt(torch.nn.Module):
        """What is decoded of missing parts is absurd."""

        def __init__(self, absurd):
            super().__init__()
            self.absurd = absurd

        def forward(self, x, y):
            images, texts = stage_1(x, y)
            parts = images["grains"][1]
            missing = (parts["there"] == 0)[:, :, None]
            parts["decoded"] = torch.where(missing, self.absurd, parts["decoded"])
            return images, texts

    from mmlearn.deep.ccl import _Autoencoders

    stage_1 = _Autoencoders(
        model.module_.image, model.module_.text, model._decoders(0), model._decoders(1)
    )
    pairs = model._standardized(x, 0), model._standardized(y, 1)
    a, b = (model._pretraining_loss(Spoilt(value), *pairs)["loss"].item() for value in (0.0, 1e9))
    assert a == b


def test_the_loss_of_stage_2_is_that_of_the_embeddings(rng):
    model = ccl(epochs=1, inter=0.6, intra=0.3, margin=0.8).fit(*data(rng))
    module, labels = model.module_, torch.arange(20) % 4
    x, y = torch.randn(20, 8), torch.randn(20, 6)
    z_x, z_y = module.encode_images(x), module.encode_texts(y)
    inter = contrastive_pairs_loss(z_x, z_y, labels, margin=0.8)
    intra = sum(classification_loss(module.classifier(z), labels) for z in (z_x, z_y))
    found = model._loss(None, module, x, y, labels)
    torch.testing.assert_close(found["loss"], 0.6 * inter + 0.3 * intra)


def test_stage_1_lowers_what_it_is_to_lower_and_knows_no_labels(rng):
    x, y, labels = data(rng)
    model = ccl(pretraining_epochs=15, epochs=1).fit(x, y, labels)
    terms = model.pretraining_history_.terms
    assert set(terms) == {"reconstruction", "correspondence", "fusion"}
    assert terms["reconstruction"][-1] < 0.8 * terms["reconstruction"][0]
    assert model.pretraining_history_.loss[-1] < 0.8 * model.pretraining_history_.loss[0]
    other = ccl(pretraining_epochs=15, epochs=1).fit(x, y, rng.permutation(labels))
    assert other.pretraining_history_ == model.pretraining_history_


@pytest.mark.slow
def test_the_tie_draws_the_codes_of_a_pair_together(rng):
    x, y, labels = data(rng)
    loose, tight = (
        ccl(tie=tie, pretraining_epochs=20, epochs=1).fit(x, y, labels).pretraining_history_.terms
        for tie in (0.0, 0.9)
    )
    assert tight["correspondence"][-1] < 0.5 * loose["correspondence"][-1]


def test_stage_1_may_be_left_out(rng):
    x, y, labels = data(rng)
    model = ccl(pretraining_epochs=0, epochs=2).fit(x, y, labels)
    assert not hasattr(model, "pretraining_history_")
    pretrained = ccl(pretraining_epochs=3, epochs=2).fit(x, y, labels)
    assert model.history_.loss[0] != pretrained.history_.loss[0]


@pytest.mark.parametrize("ablation", [{}, {"inter": 0.0}, {"intra": 0.0}, {"granularity": "whole"}])
def test_classes_are_retrieved_better_than_by_cca(rng, ablation):
    x, y, labels = data(rng)
    fresh = data(rng)
    score = ccl(epochs=20, **ablation).fit(x, y, labels).score(*fresh)
    assert score > CCA(3).fit(x, y).score(*fresh)


def test_several_labels_an_item_are_learnt(rng):
    tags = rng.random(size=(400, 4)) < 0.3
    x = tags @ rng.normal(size=(4, 8)) + 0.2 * rng.normal(size=(400, 8))
    y = tags @ rng.normal(size=(4, 6)) + 0.2 * rng.normal(size=(400, 6))
    fresh = x[300:], y[300:], tags[300:]
    model = ccl().fit(x[:300], y[:300], tags[:300])
    misled = ccl().fit(x[:300], y[:300], rng.permutation(tags[:300]))
    assert model.score(*fresh) > misled.score(*fresh) + 0.1


def test_without_groups_the_columns_are_cut_into_four_blocks_of_equal_width(rng):
    model = ccl(epochs=1, pretraining_epochs=1).fit(*data(rng))
    image_groups, text_groups = model.groups_
    assert image_groups == [slice(0, 8), slice(0, 2), slice(2, 4), slice(4, 6), slice(6, 8)]
    assert text_groups == [slice(0, 6), slice(0, 2), slice(1, 3), slice(3, 5), slice(4, 6)]


def test_a_whole_without_parts_is_cut_likewise_and_fewer_columns_make_fewer_parts(rng):
    x, y, labels = data(rng)
    model = ccl(epochs=1, pretraining_epochs=1, text_groups=[slice(0, 6)]).fit(x, y, labels)
    assert model.groups_[1][1:] == [slice(0, 2), slice(1, 3), slice(3, 5), slice(4, 6)]
    model = ccl(epochs=1, pretraining_epochs=1).fit(x[:, :1], y[:, :2], labels)
    assert model.groups_[0] == [slice(0, 1), slice(0, 1)]
    assert model.groups_[1] == [slice(0, 2), slice(0, 1), slice(1, 2)]


def test_both_stages_go_on_exactly_where_they_were_interrupted(rng, tmp_path):
    x, y, labels = data(rng)
    whole = ccl(epochs=3).fit(x, y, labels)
    stages = []

    def stops_once_in_each_stage(training):
        if training.progress > 0.5 and training.stage not in stages:
            stages.append(training.stage)
            raise KeyboardInterrupt

    resumed = ccl(epochs=3, checkpoint=tmp_path / "ccl", on_epoch=stops_once_in_each_stage)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            resumed.fit(x, y, labels)
    resumed.fit(x, y, labels)
    assert stages == ["pretraining", None]
    np.testing.assert_array_equal(whole.embed_images(x), resumed.embed_images(x))
    assert whole.history_ == resumed.history_
    assert whole.pretraining_history_ == resumed.pretraining_history_


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"image_groups": [slice(0, 8), slice(0, 3), slice(3, 8)]}, "equally wide.*widths"),
        ({"image_groups": [slice(0, 9)]}, "image_groups must be a list of slices"),
        ({"text_groups": [0, 1]}, "text_groups must be a list of slices"),
        ({"text_groups": []}, "text_groups must be a list of slices"),
        ({"granularity": "fine"}, "granularity must be"),
        ({"tie": 1.5}, "tie must lie"),
        ({"margin": 0.0}, "margin must be above 0"),
        ({"inter": 0.0, "intra": 0.0}, "nor both 0"),
        ({"inter": -1.0}, "must not be negative"),
        ({"code": 0}, "code must be a whole number of at least 1"),
        ({"pretraining_epochs": -1}, "pretraining_epochs must be a whole number of at least 0"),
        ({"image_encoder": torch.nn.Linear(8, 8)}, "takes no image_encoder"),
    ],
)
def test_settings_out_of_range_are_refused(rng, params, message):
    with pytest.raises(ValueError, match=message):
        ccl(**params).fit(*data(rng))
