"""The triplet loss's embedding, and SAM: its schedule, its margins, and that it goes on exactly."""

import numpy as np
import pytest
import torch
from planted import SMALL_NETWORK as SMALL
from planted import class_data as data

from mmlearn.classical import CCA
from mmlearn.deep import SAM, TripletEmbedding
from mmlearn.losses import sam_schedule, triplet_loss
from mmlearn.training.method import Training

MINING = ("all", "semi-hard", "hard")


def tags_data(rng, n=240):
    tags = rng.random(size=(n, 4)) < 0.3
    x = tags @ np.random.default_rng(7).normal(size=(4, 6)) + 0.2 * rng.normal(size=(n, 6))
    return x, tags @ np.random.default_rng(8).normal(size=(4, 5)), tags


def triplet(**params):
    return TripletEmbedding(**SMALL | params)


def sam(**params):
    return SAM(**SMALL | params)


def weights(model):
    return torch.cat([p.flatten() for p in model.module_.parameters()])


@pytest.mark.parametrize("mining", MINING)
def test_sam_whose_schedule_is_frozen_at_0_is_the_static_triplet_bit_for_bit(rng, mining):
    x, y, labels = data(rng)
    static = triplet(mining=mining, epochs=2, margin=0.3).fit(x, y, labels)
    frozen = sam(mining=mining, epochs=2, margin=0.3, adaptivity=0.0).fit(x, y, labels)
    assert torch.equal(weights(static), weights(frozen))
    assert static.history_.loss == frozen.history_.loss
    adaptive = sam(mining=mining, epochs=2, margin=0.3).fit(x, y, labels)
    assert not torch.equal(weights(static), weights(adaptive))


def test_frozen_sam_is_the_static_triplet_with_several_labels_too(rng):
    x, y, tags = tags_data(rng)
    static = triplet(epochs=3).fit(x, y, tags)
    frozen = sam(epochs=3, adaptivity=0.0).fit(x, y, tags)
    assert torch.equal(weights(static), weights(frozen))


def test_g_follows_the_schedule_from_0_towards_1(rng):
    model = sam(epochs=10, adaptivity=0.5).fit(*data(rng))
    expected = [0.5 * sam_schedule(epoch / 10) for epoch in range(10)]
    np.testing.assert_allclose(model.history_.terms["g"], expected)


def test_at_the_end_the_margin_is_smaller_between_classes_that_are_closer(rng):
    model = sam()
    training = Training(model, module=None)
    training.g, training.centroids = 1.0, torch.tensor([[1.0, 0.0], [0.8, 0.6], [-1.0, 0.0]])
    margins = model._margins(training, torch.tensor([0, 1, 2]))
    expected = 0.2 * torch.tensor([[0.0, 0.2, 1.0], [0.2, 0.0, 1.0], [1.0, 1.0, 0.0]])
    torch.testing.assert_close(margins, expected)


def test_centroids_are_the_centred_class_means_of_all_unit_length_embeddings(rng):
    x, y, labels = data(rng)
    model = sam(epochs=2).fit(x, y, labels)
    z = np.vstack([model.embed_images(x), model.embed_texts(y)])
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    expected = [z[np.tile(labels, 2) == c].mean(axis=0) for c in range(4)]
    np.testing.assert_allclose(model.centroids_, expected - np.mean(expected, axis=0), atol=1e-6)


@pytest.mark.slow
def test_classes_that_resemble_one_another_stay_closer_than_with_a_static_margin(rng):
    """Classes 0 and 1 are alike in both modalities; 2 and 3 are like nothing."""
    means = np.random.default_rng(1).normal(size=(2, 4, 12))
    means[:, 1] = means[:, 0] + 0.4 * means[:, 1]
    labels = rng.integers(0, 4, 400)
    x, y = (m[labels] + 0.5 * rng.normal(size=(400, 12)) for m in means)

    def cosine_of_0_and_1(model):
        z = np.vstack([model.embed_images(x), model.embed_texts(y)])
        z /= np.linalg.norm(z, axis=1, keepdims=True)
        a, b = (z[np.tile(labels, 2) == c].mean(axis=0) for c in (0, 1))
        return a @ b / np.linalg.norm(a) / np.linalg.norm(b)

    static = triplet(margin=0.8, epochs=20).fit(x, y, labels)
    adaptive = sam(margin=0.8, epochs=20, midpoint=0.2).fit(x, y, labels)
    assert cosine_of_0_and_1(adaptive) > cosine_of_0_and_1(static) + 0.1


def test_sam_that_was_interrupted_ends_bit_for_bit_as_if_it_had_not_been(rng, tmp_path):
    x, y, labels = data(rng)
    settings = {"epochs": 5, "dropout": 0.3}
    whole = sam(**settings).fit(x, y, labels)
    interruptions = []

    def stops_once(training):
        if training.progress == 0.6 and not interruptions:
            interruptions.append(training)
            raise KeyboardInterrupt

    path = tmp_path / "sam.safetensors"
    settings["on_epoch"] = stops_once
    with pytest.raises(KeyboardInterrupt):
        sam(**settings, checkpoint=path).fit(x, y, labels)
    resumed = sam(**settings, checkpoint=path).fit(x, y, labels)
    assert torch.equal(weights(whole), weights(resumed))
    assert whole.history_ == resumed.history_
    again = sam(**settings, checkpoint=path).fit(x, y, labels)  # a finished run is not run again
    np.testing.assert_array_equal(again.centroids_, whole.centroids_)


@pytest.mark.parametrize("make", [triplet, sam])
@pytest.mark.parametrize("mining", ["all", "semi-hard"])
def test_classes_are_retrieved_where_cca_fails(rng, make, mining):
    """Within a class, image and text are independent: nothing but the class ties them."""
    x, y, labels = data(rng)
    fresh = data(rng)
    score = make(mining=mining).fit(x, y, labels).score(*fresh)
    assert score > CCA(3).fit(x, y).score(*fresh) + 0.05


def test_the_hardest_triplets_teach_where_noise_is_low(rng):
    """With noise they are the noise, and the embedding collapses: not so here."""
    x, y, labels = data(rng, noise=0.3)
    assert triplet(mining="hard").fit(x, y, labels).score(*data(rng, noise=0.3)) > 0.97


@pytest.mark.parametrize("make", [triplet, sam])
def test_items_that_share_a_label_are_retrieved(rng, make):
    x, y, tags = tags_data(rng, n=400)
    model = make().fit(x[:300], y[:300], tags[:300])
    fresh = x[300:], y[300:], tags[300:]
    assert model.score(*fresh) > CCA(4).fit(x[:300], y[:300]).score(*fresh)


def test_items_of_the_anchors_class_are_never_pushed_away(rng):
    """All of one class but one item: without that item there is nothing to learn from."""
    x, y, _ = data(rng, n=30)
    labels = np.zeros(30, int)
    labels[0] = 1
    model = triplet(epochs=1).fit(x, y, labels)
    x, y = torch.randn(20, 6), torch.randn(20, 5)
    assert model._loss(None, model.module_, x, y, torch.zeros(20).long())["loss"] == 0
    assert model._loss(None, model.module_, x, y, torch.arange(20))["loss"] > 0.1


def test_the_loss_is_that_of_the_embeddings(rng):
    model = triplet(epochs=1, mining="semi-hard", margin=0.35).fit(*data(rng))
    x, y, labels = torch.randn(20, 6), torch.randn(20, 5), torch.arange(20) % 3
    z_x, z_y = model.module_(x, y)
    expected = triplet_loss(z_x, z_y, labels, margin=0.35, mining="semi-hard")
    assert model._loss(None, model.module_, x, y, labels)["loss"] == expected


def test_a_collapse_shows_in_the_history(rng):
    """With weights of 0 all embeddings are one point."""
    model = triplet(epochs=1).fit(*data(rng))
    for p in model.module_.parameters():
        torch.nn.init.zeros_(p)
    model.module_.image_encoder[-1].bias.data.fill_(1.0)
    model.module_.text_encoder[-1].bias.data.fill_(1.0)
    x, y, labels = torch.randn(20, 6), torch.randn(20, 5), torch.arange(20) % 3
    terms = model._loss(None, model.module_, x, y, labels)
    assert terms["distance"] == pytest.approx(0, abs=1e-6)
    assert terms["active"] == 1


def test_learning_shows_in_the_history(rng):
    terms = triplet().fit(*data(rng, noise=0.2)).history_.terms
    assert terms["active"][0] > 0.3
    assert terms["active"][-1] < 0.02
    assert terms["distance"][-1] > 0.5


def test_a_last_batch_of_a_single_pair_is_harmless(rng):
    x, y, labels = data(rng, n=61)
    assert np.isfinite(sam(epochs=2).fit(x, y, labels).history_.loss).all()


def test_held_out_pairs_have_no_say_in_the_centroids(rng):
    x, y, labels = data(rng)
    seen = []

    def centroids_are_of_the_trained_pairs(training):
        model = training.method
        seen.append(len(training.items[0]))
        assert torch.equal(training.centroids, model._class_centroids(*training.items))
        assert not torch.equal(training.centroids, model._class_centroids(*training.everything))

    watched = {"epochs": 2, "on_epoch": centroids_are_of_the_trained_pairs}
    sam(**watched, validation_fraction=0.25).fit(x, y, labels)
    assert seen == [180, 180]


def test_a_schedule_of_ones_own_stands_for_the_sigmoid(rng):
    model = sam(epochs=4, schedule=lambda progress: 1 - progress, adaptivity=0.5).fit(*data(rng))
    np.testing.assert_allclose(model.history_.terms["g"], [0.5, 0.375, 0.25, 0.125])
    with pytest.raises(ValueError, match=r"schedule\(0\) must lie between 0 and 1, got 2"):
        sam(epochs=2, schedule=lambda progress: 2).fit(*data(rng))


def test_what_on_epoch_changes_is_what_the_loss_sees(rng):
    def no_margin(training):
        training.centroids = torch.zeros_like(training.centroids)  # no class is like another

    x, y, labels = data(rng)
    static = triplet(epochs=3).fit(x, y, labels)
    changed = sam(epochs=3, on_epoch=no_margin).fit(x, y, labels)
    assert torch.equal(weights(static), weights(changed))


@pytest.mark.parametrize(
    ("make", "params", "message"),
    [
        (triplet, {"margin": 0.0}, "margin must be above 0"),
        (triplet, {"mining": "soft"}, "mining must be"),
        (sam, {"midpoint": 1.5}, "midpoint must lie"),
        (sam, {"steepness": 0.0}, "steepness must be above 0"),
        (sam, {"adaptivity": 2.0}, "adaptivity must lie"),
    ],
)
def test_settings_out_of_range_are_refused(rng, make, params, message):
    with pytest.raises(ValueError, match=message):
        make(**params).fit(*data(rng))


@pytest.mark.slow
def test_sam_adapts_with_several_labels_an_item(rng):
    x, y, labels = data(rng)
    tags = np.eye(4)[labels]
    tags = np.hstack([tags, tags[:, :2].sum(axis=1, keepdims=True) * (rng.random((240, 1)) < 0.5)])
    static, adaptive = (sam(adaptivity=a).fit(x, y, tags) for a in (0.0, 1.0))
    assert not torch.equal(weights(static), weights(adaptive))
