"""ACMR: the reversed gradient reaches the projectors, the adversary learns, classes are found."""

import numpy as np
import pytest
import torch
from planted import SMALL_NETWORK as SMALL
from planted import class_data as data
from torch.nn import functional as F

from mmlearn.classical import CCA
from mmlearn.deep import ACMR
from mmlearn.losses import adversary_strength
from mmlearn.training.method import Training


def acmr(**params):
    return ACMR(**SMALL | params)


def batch():
    g = torch.Generator().manual_seed(0)
    return torch.randn(40, 6, generator=g), torch.randn(40, 5, generator=g), torch.arange(40) % 4


def training_at(model, strength):
    training = Training(model, model.module_)
    training.strength = strength
    return training


def projector_weights(module):
    return [*module.image_encoder.parameters(), *module.text_encoder.parameters()]


def test_without_the_label_term_the_classifier_learns_nothing(rng):
    x, y, labels = data(rng)
    first = acmr(epochs=1, learning_rate=1e-12, weight_decay=0.0).fit(x, y, labels)
    model = acmr(epochs=3, label=0.0, weight_decay=0.0).fit(x, y, labels)
    torch.testing.assert_close(
        model.module_.classifier.weight, first.module_.classifier.weight, atol=1e-6, rtol=0
    )
    assert min(model.history_.terms["label"]) > 0


@pytest.mark.parametrize("strength", [0.25, 1.0, 3.0])
def test_at_both_projectors_the_adversarial_gradient_is_minus_lambda_times_the_plain_one(
    rng, strength
):
    model = acmr(epochs=1).fit(*data(rng))
    module, (x, y, labels) = model.module_, batch()
    parameters = projector_weights(module)

    z = torch.cat([module.encode_images(x), module.encode_texts(y)])
    logits = module.discriminator(F.normalize(z))
    is_image = (torch.arange(80) < 40).float()
    plain = torch.autograd.grad(
        F.binary_cross_entropy_with_logits(logits[:, 0], is_image), parameters
    )
    loss = model._loss(training_at(model, strength), module, x, y, labels)["modality"]
    reversed_ = torch.autograd.grad(loss, parameters)
    for found, expected in zip(reversed_, plain, strict=True):
        assert expected.abs().max() > 0
        torch.testing.assert_close(found, -strength * expected, rtol=1e-4, atol=1e-8)


def test_the_discriminator_itself_gets_the_plain_gradient_whatever_lambda(rng):
    model = acmr(epochs=1).fit(*data(rng))
    module = model.module_
    gradients = []
    for strength in (0.0, 1.0):
        loss = model._loss(training_at(model, strength), module, *batch())["loss"]
        gradients.append(torch.autograd.grad(loss, [*module.discriminator.parameters()]))
    for at_0, at_1 in zip(*gradients, strict=True):
        assert at_0.abs().max() > 0
        torch.testing.assert_close(at_0, at_1)


def test_without_an_adversary_the_projectors_learn_as_if_there_was_no_discriminator(rng):
    model = acmr(epochs=1, adversary=0.0).fit(*data(rng))
    module, parameters = model.module_, projector_weights(model.module_)
    terms = model._loss(training_at(model, 0.0), module, *batch())
    with_it = torch.autograd.grad(terms["loss"], parameters, retain_graph=True)
    alone = torch.autograd.grad(terms["label"] + terms["triplet"], parameters)
    for a, b in zip(with_it, alone, strict=True):
        torch.testing.assert_close(a, b)


def test_lambda_grows_with_the_progress_of_training(rng):
    history = acmr(epochs=8, adversary=0.5).fit(*data(rng)).history_
    expected = [0.5 * adversary_strength(epoch / 8) for epoch in range(8)]
    np.testing.assert_allclose(history.terms["strength"], expected)


def test_the_parts_add_up_to_the_loss(rng):
    history = acmr(epochs=3, triplet=0.7).fit(*data(rng)).history_
    parts = {name: np.array(values) for name, values in history.terms.items()}
    total = parts["label"] + 0.7 * parts["triplet"] + parts["modality"]
    np.testing.assert_allclose(history.loss, total, rtol=1e-5)


@pytest.mark.slow
def test_the_adversary_tells_the_modalities_apart_unless_it_is_deceived(rng):
    """Deceived, it is driven to chance and below; it learns again, and its accuracy swings."""
    x, y, labels = data(rng)
    free, deceived = (
        acmr(adversary=strength, learning_rate=0.003, epochs=30)
        .fit(x, y, labels)
        .history_.terms["discriminator_accuracy"]
        for strength in (0.0, 5.0)
    )
    assert min(free[-10:]) > 0.9
    assert min(deceived[-10:]) <= 0.5


@pytest.mark.parametrize("adversary", [0.0, 1.0])
def test_classes_are_retrieved_where_cca_fails(rng, adversary):
    x, y, labels = data(rng)
    fresh = data(rng)
    score = acmr(adversary=adversary).fit(x, y, labels).score(*fresh)
    assert score > CCA(3).fit(x, y).score(*fresh) + 0.05


def test_several_labels_an_item_are_learnt(rng):
    tags = rng.random(size=(400, 4)) < 0.3
    x = tags @ rng.normal(size=(4, 6)) + 0.2 * rng.normal(size=(400, 6))
    y = tags @ rng.normal(size=(4, 5)) + 0.2 * rng.normal(size=(400, 5))
    model, linear = acmr().fit(x[:300], y[:300], tags[:300]), CCA(4).fit(x[:300], y[:300])
    fresh = x[300:], y[300:], tags[300:]
    assert model.score(*fresh) > linear.score(*fresh)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"triplet": -1.0}, "triplet must not be negative"),
        ({"adversary": -1.0}, "adversary must not be negative"),
        ({"margin": 0.0}, "margin must be above 0"),
    ],
)
def test_settings_out_of_range_are_refused(rng, params, message):
    with pytest.raises(ValueError, match=message):
        acmr(**params).fit(*data(rng))
