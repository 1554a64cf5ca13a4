"""CMDN: what each stage is, that later stages leave earlier ones alone, and what labels are for."""

import numpy as np
import pytest
import torch
from sklearn.base import clone

from mmlearn.deep import CMDN, RBM
from mmlearn.retrieval import chance_level


def data(seed=0, n=200):
    """Four classes whose centres both modalities share; and a stronger factor that they share too.

    Only labels can tell which of the two is meant.
    """
    rng, world = np.random.default_rng(seed), np.random.default_rng(9)
    labels, other = np.arange(n) % 4, rng.normal(size=(n, 3))
    x, y = (
        1.5 * world.normal(size=(4, d))[labels]
        + other @ world.normal(size=(3, d))
        + 0.3 * rng.normal(size=(n, d))
        for d in (12, 9)
    )
    return x, y, labels


def small(**settings):
    base = {"n_components": 8, "hidden": 64, "epochs": 30, "batch_size": 20, "device": "cpu"}
    return CMDN(**base | {"dropout": 0.0} | settings)


@pytest.fixture(scope="module")
def fitted():
    return small().fit(*data())


@pytest.fixture(scope="module")
def unsupervised():
    return small(supervised=False).fit(*data()[:2])


def codes(model, n_steps, side=0):
    rows = model._standardized(data()[side], side)
    with torch.no_grad():
        return model.module_.encode(rows, side, n_steps)


def test_the_stages_are_those_of_the_paper(fitted):
    first = ["intra", "inter", "joint of images", "joint of texts"]
    assert list(fitted.histories_) == [*first, "semantic", "bimodal 1", "bimodal 2"]
    shallow = small(supervised=False, depth=1, epochs=1).fit(*data()[:2])
    assert list(shallow.histories_) == [*first, "bimodal 1"]
    for history in fitted.histories_.values():
        assert history.loss[-1] < history.loss[0]


def test_intra_and_inter_codes_stand_side_by_side(fitted):
    x = fitted._standardized(data()[0], 0)
    network, q = fitted.module_, codes(fitted, 1)
    with torch.no_grad():
        torch.testing.assert_close(q[:, :8], network.intra.encoders[0](x))
        torch.testing.assert_close(q[:, 8:], network.inter.encode(x, torch.zeros(len(x), 9)))


def test_the_inter_autoencoder_fills_in_the_missing_modality():
    fitted = small(noise=0, supervised=False, depth=1).fit(*data()[:2])
    x, y = (fitted._standardized(rows, side) for side, rows in enumerate(data(seed=1)[:2]))
    inter = fitted.module_.inter
    with torch.no_grad():
        y_hat = inter.decoders[1](inter.encode(x, torch.zeros_like(y)))
    assert ((y_hat - y) ** 2).mean() < 0.7 * (y**2).mean()


def test_the_joint_layer_is_a_trained_rbm_on_codes_of_mean_0_and_variance_1(fitted):
    for side, rbm in enumerate(fitted.module_.joint):
        assert isinstance(rbm, RBM)
        v = codes(fitted, 2, side)
        torch.testing.assert_close(v.mean(dim=0), torch.zeros(16), rtol=0, atol=1e-4)
        torch.testing.assert_close(v.var(dim=0, unbiased=False), torch.ones(16), rtol=1e-3, atol=0)
        torch.testing.assert_close(codes(fitted, 3, side), rbm(v))
        generator = torch.Generator().manual_seed(0)
        apart = torch.stack([c[torch.randperm(len(v), generator=generator)] for c in v.T], dim=1)
        assert rbm.free_energy(v).mean() < rbm.free_energy(apart).mean()  # it knows what goes with


def test_labels_enter_in_the_semantic_stage_alone(fitted, unsupervised):
    for side in (0, 1):
        torch.testing.assert_close(
            codes(fitted, 3, side), codes(unsupervised, 3, side), rtol=0, atol=0
        )
    assert not hasattr(unsupervised, "classes_")
    semantic = fitted.module_.semantic
    with torch.no_grad():
        logits = semantic.output(codes(fitted, 4, side=1))
    assert (logits.argmax(dim=1).numpy() == data()[2]).mean() > 0.8


def test_a_later_level_leaves_the_earlier_ones_as_they_are():
    x, y, labels = data()
    shallow, deep = (small(depth=depth, epochs=3).fit(x, y, labels) for depth in (1, 3))
    n_steps = len([*shallow.module_.steps(0)])
    np.testing.assert_array_equal(codes(deep, n_steps), codes(shallow, n_steps))
    assert deep.embed_images(x).shape == shallow.embed_images(x).shape == (len(x), 8)


def test_embeddings_of_the_training_items_have_mean_0_and_variance_1(fitted):
    x, y, _ = data()
    for z in (fitted.embed_images(x), fitted.embed_texts(y)):
        np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-4)
        np.testing.assert_allclose(z.std(axis=0), 1, rtol=1e-3)


def test_held_out_retrieval_is_above_chance_and_labels_help_it(fitted, unsupervised):
    x, y, labels = data(seed=1)
    chance = chance_level(labels, labels)
    assert unsupervised.score(x, y, labels) > chance + 0.05
    assert fitted.score(x, y, labels) > unsupervised.score(x, y, labels) + 0.05


def test_several_labels_an_item_are_learned():
    x, y, labels = data()
    tags = np.eye(5, dtype=int)[labels] | np.eye(5, dtype=int)[np.full(len(x), 4)]
    tags[:100, 4] = 0
    model = small().fit(x, y, tags)
    assert model.score(*data(seed=1)) > chance_level(labels, labels) + 0.1


def test_held_out_pairs_are_watched_in_every_stage_with_a_loss():
    model = small(validation_fraction=0.2, patience=2, epochs=5).fit(*data())
    watched = {name for name, history in model.histories_.items() if history.validation}
    assert watched == {"intra", "inter", "semantic", "bimodal 1", "bimodal 2"}


def test_each_stage_has_its_checkpoint_and_a_finished_run_is_not_run_again(tmp_path):
    x, y, labels = data()
    model = small(epochs=2, checkpoint=str(tmp_path / "run")).fit(x, y, labels)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["run.bimodal 1", "run.bimodal 2", "run.inter", "run.intra", "run.semantic"]
    again = clone(model).fit(x, y, labels)
    np.testing.assert_array_equal(model.embed_images(x), again.embed_images(x))


@pytest.mark.parametrize("bad", [{"depth": 0}, {"noise": 1.0}, {"hidden": (8, 8)}])
def test_impossible_settings_are_refused(bad):
    with pytest.raises(ValueError, match=f"^{next(iter(bad))} must"):
        small(**bad).fit(*data())


def test_labels_are_asked_for_only_where_they_are_used():
    x, y, _ = data()
    with pytest.raises(ValueError, match="pass labels="):
        small().fit(x, y)
    small(supervised=False, epochs=1).fit(x, y)
