"""Deep-SM: posteriors as embeddings, without pairs, for one class an item and for several."""

from functools import partial

import numpy as np
import pytest
import torch
from planted import class_data
from sklearn.linear_model import LogisticRegression
from torch import nn

from mmlearn.classical import CCA
from mmlearn.deep import DeepSM

data = partial(class_data, n=200)


def small(**params):
    settings = {"hidden": 16, "dropout": 0.0, "epochs": 30, "learning_rate": 0.02, "device": "cpu"}
    return DeepSM(**settings | params)


def test_linear_classifiers_agree_with_logistic_regression(rng):
    x, y, labels = data(rng, noise=2.0)
    model = small(hidden=0, epochs=300, learning_rate=0.05, batch_size=200, weight_decay=0.0)
    model.fit(x, y, labels)
    peer = LogisticRegression(C=np.inf, max_iter=1000)
    standardised = (x - x.mean(axis=0)) / x.std(axis=0)
    posteriors = peer.fit(standardised, labels).predict_proba(standardised)
    np.testing.assert_allclose(model.embed_images(x), posteriors, atol=0.02)


def test_an_embedding_is_a_probability_for_each_class(rng):
    x, y, labels = data(rng)
    model = small(epochs=2).fit(x, y, np.array(list("abcd"))[labels])
    z = model.embed_images(x)
    assert z.shape == (200, 4)
    assert (z >= 0).all()
    np.testing.assert_allclose(z.sum(axis=1), 1, atol=1e-6)
    assert model.classes_.tolist() == list("abcd")


def test_the_largest_probability_is_that_of_the_own_class(rng):
    x, y, labels = data(rng, noise=0.2)
    model = small().fit(x, y, labels * 10)
    fresh_x, fresh_y, fresh = data(rng, noise=0.2)
    for z in (model.embed_images(fresh_x), model.embed_texts(fresh_y)):
        assert (model.classes_[z.argmax(axis=1)] == fresh * 10).mean() > 0.95


def test_same_class_is_the_probability_of_a_shared_class():
    z_x, z_y = np.array([[0.5, 0.5, 0.0]]), np.array([[0.2, 0.4, 0.4], [1.0, 0.0, 0.0]])
    np.testing.assert_allclose(DeepSM().similarity(z_x, z_y), [[0.3, 0.5]])
    cosines = [[0.3 / np.sqrt(0.5 * 0.36), np.sqrt(0.5)]]
    np.testing.assert_allclose(DeepSM(match="cosine").similarity(z_x, z_y), cosines)


def test_classes_that_are_matched_correctly_are_retrieved_where_cca_fails(rng):
    """Pairs are shuffled within their class: nothing but the class ties image to text."""
    x, y, labels = data(rng, n=400)
    fresh = data(rng)
    assert small().fit(x, y, labels).score(*fresh) > CCA(3).fit(x, y).score(*fresh) + 0.05


def test_pairs_are_not_needed(rng):
    x, _, labels_x = data(rng, n=300)
    _, y, labels_y = data(rng, n=130)
    fresh = data(rng)
    assert small().fit(x, y, (labels_x, labels_y)).score(*fresh) > 0.8
    assert small().fit(x[:50], y, (labels_x[:50], labels_y)).score(*fresh) > 0.7


def test_rows_that_fill_up_the_shorter_side_count_for_nothing(rng):
    x, y, labels = data(rng)
    model = small(epochs=1, random_state=3).fit(x, y[:20], (labels, labels[:20]))
    module = model.module_
    t = torch.as_tensor
    args = t(x).float(), t(y).float(), t(labels), t(labels)
    has_text = torch.arange(200) < 20
    full = torch.ones(200, dtype=torch.bool)
    loss = model._loss(None, module, *args, full, has_text)
    spoilt = args[1].clone()
    spoilt[20:] = 1e6
    again = model._loss(None, module, args[0], spoilt, *args[2:], full, has_text)
    assert loss.item() == again.item()
    text_gradient = torch.autograd.grad(loss, module.text_encoder[0].weight)[0]
    alone = nn.functional.cross_entropy(module.text_encoder(args[1][:20]), args[3][:20])
    expected = torch.autograd.grad(alone, module.text_encoder[0].weight)[0]
    torch.testing.assert_close(text_gradient, expected)


def test_a_batch_without_any_text_trains_the_images(rng):
    x, y, labels = data(rng)
    model = small(batch_size=10, epochs=2).fit(x, y[:4], (labels, np.arange(4)))
    assert np.isfinite(model.history_.loss).all()


def test_paired_rows_may_come_as_two_labellings_too(rng):
    x, y, labels = data(rng)
    a, b = small(epochs=2).fit(x, y, labels), small(epochs=2).fit(x, y, (labels, labels))
    np.testing.assert_array_equal(a.embed_images(x), b.embed_images(x))


def test_several_labels_an_item_get_a_probability_each(rng):
    tags = rng.random(size=(400, 3)) < [0.2, 0.5, 0.7]
    x = tags @ rng.normal(size=(3, 6)) + 0.1 * rng.normal(size=(400, 6))
    y = tags @ rng.normal(size=(3, 5)) + 0.1 * rng.normal(size=(400, 5))
    model = small(epochs=60).fit(x[:300], y[:300], tags[:300])
    for z in (model.embed_images(x[300:]), model.embed_texts(y[300:])):
        assert ((z > 0.5) == tags[300:]).mean() > 0.97
    shared = model.similarity(model.embed_images(x[300:]), model.embed_texts(y[300:]))
    expected = tags[300:].astype(float) @ tags[300:].T  # how many labels are shared
    assert np.abs(shared - expected).mean() < 0.1
    unpaired = small(epochs=60).fit(x, y[:200], (tags, tags[:200]))
    assert ((unpaired.embed_texts(y) > 0.5) == tags).mean() > 0.97


def test_held_out_items_are_watched_also_where_there_are_no_pairs(rng):
    x, _, labels_x = data(rng, n=300)
    _, y, labels_y = data(rng, n=130)
    model = small(validation_fraction=0.3).fit(x, y, (labels_x, labels_y))
    assert 0.7 < max(model.history_.validation) <= 1
    assert model.history_.best_epoch is not None


def test_there_is_no_n_components():
    assert "n_components" not in DeepSM().get_params()
    with pytest.raises(TypeError, match="n_components"):
        DeepSM(n_components=3)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (None, "supervised"),
        (lambda n: np.zeros(n), "single class"),
        (lambda n: (np.arange(n) % 2, np.eye(3)[np.arange(n) % 3]), "one kind"),
        (lambda n: (np.arange(n - 1) % 2, np.arange(n) % 2), "labels must have shape"),
    ],
)
def test_bad_labels_are_refused(rng, labels, message):
    x, y, _ = data(rng, n=20)
    with pytest.raises(ValueError, match=message):
        small().fit(x, y, labels(20) if labels else None)


def test_lengths_that_differ_need_labels_for_both(rng):
    x, y, labels = data(rng, n=20)
    with pytest.raises(ValueError, match="20 images and 15 texts"):
        small().fit(x, y[:15], labels)


def test_unknown_match_is_refused(rng):
    with pytest.raises(ValueError, match="match must be"):
        small(match="dot").fit(*data(rng))


def test_a_held_out_share_without_texts_is_named(rng):
    x, y, labels = data(rng)
    model = small(validation_fraction=0.02, epochs=1)
    with pytest.raises(ValueError, match="no image or no text was held out"):
        model.fit(x, y[:4], (labels, labels[:4]))
