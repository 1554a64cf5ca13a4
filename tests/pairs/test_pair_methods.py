"""What every method that scores pairs promises, whatever it computes."""

import functools
import inspect
import json
import pickle

import numpy as np
import pytest
import torch
from pairs_world import answering, late_fusion, r2c, vilbert, world
from safetensors import safe_open
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import mmlearn
import mmlearn.training.loop
from mmlearn.pairs.base import PairMethod

METHODS = {"vilbert": vilbert, "answers": answering, "late_fusion": late_fusion, "r2c": r2c}
every_method = pytest.mark.parametrize("name", METHODS)


def texts_of(w, name):
    return (w.texts, w.tags) if name == "r2c" else w.texts


@functools.cache
def fitted(name):
    w = world(80)
    return METHODS[name]().fit(w.images, texts_of(w, name), w.labels)


@functools.cache
def fresh():
    return world(30, seed=1)


def test_the_registry_knows_them_as_methods_that_score_pairs_and_embed_nothing():
    embedding = {m.name for m in mmlearn.methods(timed=True)}
    found = [m for m in mmlearn.methods(pairs=True) if m.name not in embedding and not m.timed]
    assert [m.name for m in found] == ["vilbert", "twelve_in_one", "r2c"]
    for method in found:
        assert method.kind == "pair"
        assert issubclass(method.cls, PairMethod)
        assert hasattr(method.cls, "score_pairs")
        assert not hasattr(method.cls, "embed_images")
        assert method.build(random_state=3).random_state == 3


@every_method
def test_a_clone_has_the_same_parameters_and_is_not_fitted(name):
    w, copy = fresh(), clone(fitted(name))
    assert copy.get_params() == fitted(name).get_params()
    with pytest.raises(NotFittedError):
        copy.score_pairs(w.images, texts_of(w, name))


@every_method
def test_every_parameter_shows_in_the_signature_and_the_docstring_has_an_example(name):
    cls = type(METHODS[name]())
    assert set(inspect.signature(cls).parameters) == set(cls().get_params())
    assert ">>>" in cls.__doc__
    own = set(cls().get_params()) - set(PairMethod().get_params())
    documented = "".join(base.__doc__ for base in cls.__mro__ if issubclass(base, PairMethod))
    assert all(parameter in documented for parameter in own)


@every_method
def test_scores_are_one_a_choice_and_predictions_are_the_best(name):
    w = fresh()
    scores = fitted(name).score_pairs(w.images, texts_of(w, name))
    assert scores.shape == (30, 4)
    assert isinstance(scores, np.ndarray)
    chosen = fitted(name).predict(w.images, texts_of(w, name))
    np.testing.assert_array_equal(chosen, scores.argmax(1))
    accuracy = fitted(name).score(w.images, texts_of(w, name), w.labels)
    assert accuracy == (chosen == w.labels).mean()


@every_method
def test_the_order_of_the_choices_does_not_matter(name):
    w, order = fresh(), [2, 0, 3, 1]
    scores = fitted(name).score_pairs(w.images, texts_of(w, name))
    moved = (w.texts[:, order], w.tags[:, order])
    moved = moved if name == "r2c" else moved[0]
    np.testing.assert_allclose(
        fitted(name).score_pairs(w.images, moved), scores[:, order], atol=1e-5
    )


@every_method
def test_the_order_of_the_items_does_not_matter(name):
    w, order = fresh(), np.random.default_rng(0).permutation(30)
    scores = fitted(name).score_pairs(w.images, texts_of(w, name))
    moved = (w.texts[order], w.tags[order])
    moved = moved if name == "r2c" else moved[0]
    np.testing.assert_allclose(
        fitted(name).score_pairs(w.images[order], moved), scores[order], atol=1e-5
    )


@every_method
def test_padding_is_inert(name):
    w = fresh()
    scores = fitted(name).score_pairs(w.images, texts_of(w, name))
    tokens = np.pad(w.texts, ((0, 0), (0, 0), (0, 3)))
    tags = np.pad(w.tags, ((0, 0), (0, 0), (0, 3)), constant_values=-1)
    padded = w.images._with(
        rows=torch.nn.functional.pad(w.images.rows, (0, 2)),
        boxes=torch.nn.functional.pad(w.images.boxes, (0, 0, 0, 2)),
        classes=torch.nn.functional.pad(w.images.classes, (0, 2), value=-1),
    )
    given = (tokens, tags) if name == "r2c" else tokens
    np.testing.assert_allclose(fitted(name).score_pairs(padded, given), scores, atol=1e-5)


@every_method
def test_tensors_give_tensors(name):
    w = fresh()
    given = torch.as_tensor(w.texts), torch.as_tensor(w.tags)
    scores = fitted(name).score_pairs(w.images, given if name == "r2c" else given[0])
    assert isinstance(scores, torch.Tensor)
    arrays = fitted(name).score_pairs(w.images, texts_of(w, name))
    np.testing.assert_array_equal(scores.numpy(), arrays)


@every_method
def test_training_twice_gives_the_same_scores_and_another_seed_others(name):
    w, t = world(80), fresh()
    scores = fitted(name).score_pairs(t.images, texts_of(t, name))
    again = METHODS[name]().fit(w.images, texts_of(w, name), w.labels)
    np.testing.assert_array_equal(again.score_pairs(t.images, texts_of(t, name)), scores)
    other = METHODS[name](random_state=1).fit(w.images, texts_of(w, name), w.labels)
    assert not np.allclose(other.score_pairs(t.images, texts_of(t, name)), scores)


@every_method
def test_saving_loading_and_pickling_keep_scores_and_parameters(name, tmp_path):
    w, path = fresh(), tmp_path / "model.safetensors"
    scores = fitted(name).score_pairs(w.images, texts_of(w, name))
    mmlearn.save(fitted(name), path)
    for again in (mmlearn.load(path), pickle.loads(pickle.dumps(fitted(name)))):
        assert type(again) is type(fitted(name))
        assert again.get_params() == fitted(name).get_params()
        np.testing.assert_array_equal(again.score_pairs(w.images, texts_of(w, name)), scores)


@every_method
def test_a_saved_file_calls_the_method_by_its_name_in_the_registry_and_names_no_module(
    name, tmp_path
):
    mmlearn.save(fitted(name), tmp_path / "model")
    with safe_open(tmp_path / "model", "pt") as file:
        text = file.metadata()["mmlearn"]
    assert json.loads(text)["model"]["$object"] == {"answers": "vilbert"}.get(name, name)
    assert "mmlearn." not in text


@every_method
def test_training_goes_on_from_a_checkpoint_to_the_same_end(name, tmp_path):
    w, interruptions = world(80), []

    def stops_once(training):
        if training.progress > 0 and not interruptions:
            interruptions.append(training)
            raise KeyboardInterrupt

    model = METHODS[name](checkpoint=tmp_path / "run", on_epoch=stops_once)
    with pytest.raises(KeyboardInterrupt):
        model.fit(w.images, texts_of(w, name), w.labels)
    assert not hasattr(model, "module_")
    model.fit(w.images, texts_of(w, name), w.labels)
    t = fresh()
    np.testing.assert_array_equal(
        model.score_pairs(t.images, texts_of(t, name)),
        fitted(name).score_pairs(t.images, texts_of(t, name)),
    )
    with pytest.raises(ValueError, match="other data"):
        model.fit(w.images.shuffled(), texts_of(w, name), w.labels)


@every_method
def test_training_does_not_disturb_the_callers_random_numbers(name):
    w = world(80)
    torch.manual_seed(5)
    expected = torch.rand(())
    torch.manual_seed(5)
    METHODS[name]().fit(w.images, texts_of(w, name), w.labels)
    assert torch.rand(()) == expected


@every_method
def test_held_out_items_choose_the_epoch(name):
    w = world(80)
    model = METHODS[name](validation_fraction=0.25, epochs=3)
    model.fit(w.images, texts_of(w, name), w.labels)
    assert len(model.history_.validation) == 3
    best = model.history_.best_epoch
    assert model.history_.validation[best] == max(model.history_.validation)


@every_method
def test_an_image_blind_model_can_be_trained_and_sees_nothing(name):
    w = world(80)
    model = METHODS[name]().fit(w.images.blind(), texts_of(w, name), w.labels)
    scores = model.score_pairs(w.images.blind(), texts_of(w, name))
    other = model.score_pairs(w.images.shuffled().blind(), texts_of(w, name))
    assert np.isfinite(scores).all()
    np.testing.assert_array_equal(scores, other)


# -- bad input ----------------------------------------------------------------------------------


def longer(w):
    return np.concatenate([w.texts[..., :2], np.full((80, 4, 9), 11), w.texts[..., 2:]], axis=-1)


@every_method
@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        (lambda w: (w.images[:5], w.texts, w.labels), ValueError, "5 images and 80 texts"),
        (lambda w: (w.texts, w.texts, w.labels), TypeError, "images must be Regions"),
        (lambda w: (w.images, w.texts * 1.0, w.labels), ValueError, "must be word ids"),
        (lambda w: (w.images, -w.texts, w.labels), ValueError, "run from"),
        (lambda w: (w.images, longer(w), w.labels), ValueError, "15 tokens, .* holds 12"),
        (lambda w: (world(80, n_objects=9).images, w.texts, w.labels), ValueError,
         "9 regions, .* holds 8"),
        (lambda w: (w.images, w.texts * 0, w.labels), ValueError, "a text is empty"),
        (lambda w: (w.images, w.texts, w.labels + 1), ValueError, "from 0 to 3"),
        (lambda w: (w.images, w.texts, w.labels * 1.5), ValueError, "whole numbers"),
        (lambda w: (w.images, w.texts, None), ValueError, "pass labels"),
        (lambda w: (w.images[:0], w.texts[:0], w.labels[:0]), ValueError, "empty"),
    ],
)  # fmt: skip
def test_bad_training_data_gets_one_clear_sentence(name, change, error, sentence):
    with pytest.raises(error, match=sentence) as caught:
        METHODS[name]().fit(*change(world(80)))
    assert "\n" not in str(caught.value)


@every_method
def test_bad_new_data_gets_one_clear_sentence(name):
    w = fresh()
    with pytest.raises(ValueError, match="those it was fitted on"):
        fitted(name).score_pairs(w.images, np.where(w.texts > 9, 99, w.texts))
    with pytest.raises(ValueError, match="features a region"):
        fitted(name).score_pairs(world(30, d=7).images, w.texts)


@every_method
@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"epochs": 0}, "epochs must be a whole number"),
        ({"validation_fraction": 1.0}, "validation_fraction"),
        ({"patience": 2}, "patience needs"),
        ({"device": "abacus"}, "unknown device"),
    ],
)
def test_impossible_settings_get_one_sentence(name, params, sentence):
    w = world(80)
    with pytest.raises(ValueError, match=sentence):
        METHODS[name](**params).fit(w.images, texts_of(w, name), w.labels)
