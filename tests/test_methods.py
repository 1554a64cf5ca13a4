"""What every registered method promises, whatever it computes."""

import functools
import inspect
import json
import pickle

import numpy as np
import pytest
import sklearn
import torch
from safetensors import safe_open
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV

import mmlearn
from mmlearn.classical import CCA
from mmlearn.contract import CoordinatedEmbedding, JointEmbedding
from mmlearn.deep.base import DeepMethod
from mmlearn.registry import get_method
from mmlearn.retrieval import chance_level

NAMES = [method.name for method in mmlearn.methods(timed=True)]
LINEAR = [m.name for m in mmlearn.methods(timed=True) if m.path.startswith("mmlearn.classical")]
DEEP = [m.name for m in mmlearn.methods(timed=True) if issubclass(m.cls, DeepMethod)]
SUPERVISED = [m.name for m in mmlearn.methods(timed=True) if m.supervised]
MULTILABEL = [m.name for m in mmlearn.methods(timed=True) if m.multilabel]
SMALL = {
    "n_components": 4, "hidden": 16, "epochs": 3, "batch_size": 64, "device": "cpu",
    "validation_fraction": 0.0, "patience": None,
}  # fmt: skip
N, D_X, D_Y = 90, 12, 9

every_method = pytest.mark.parametrize("name", NAMES)


def make(name, **params):
    """A method with its own defaults, but small."""
    model = get_method(name).cls()
    known = model.get_params()
    return model.set_params(**{k: v for k, v in (SMALL | params).items() if k in known})


def data(seed=0, n=N, d_x=D_X, d_y=D_Y, noise=0.5):
    """Three classes whose centres both sides share, linearly."""
    rng = np.random.default_rng(seed)
    world = np.random.default_rng(7)  # the same for every seed
    labels = np.arange(n) % 3
    centres_x, centres_y = world.normal(size=(3, d_x)), world.normal(size=(3, d_y))
    x = centres_x[labels] + noise * rng.normal(size=(n, d_x))
    return x, centres_y[labels] + noise * rng.normal(size=(n, d_y)), labels


@functools.cache
def fitted(name):
    x, y, labels = data()
    return fit(make(name), x, y, labels)


def with_times(model, times):
    """What a method of an estimator needs beside the rows: times, if it is timed."""
    return {"times": times} if model.timed else {}


def fit(model, x, y, labels):
    return model.fit(x, y, labels=labels, **with_times(model, np.arange(len(x)) % 5))


def embed_images(model, x):
    return model.embed_images(x, **with_times(model, 1.0))


def embed_texts(model, y):
    return model.embed_texts(y, **with_times(model, 1.0))


def embeddings(model, x, y):
    return embed_images(model, x), embed_texts(model, y)


def score(model, x, y, labels):
    return model.score(x, y, labels, **with_times(model, 1.0))


# -- the estimator ------------------------------------------------------------------------------


@every_method
def test_it_is_of_the_kind_that_its_class_declares(name):
    kinds = {"joint": JointEmbedding, "coordinated": CoordinatedEmbedding}
    assert issubclass(get_method(name).cls, kinds[get_method(name).kind])


@every_method
def test_it_takes_times_if_its_class_declares_so(name):
    cls = get_method(name).cls
    for method in (cls.fit, cls.embed_images, cls.embed_texts, cls.score):
        assert ("times" in inspect.signature(method).parameters) == cls.timed


@every_method
def test_settings_of_the_scoreboard_are_parameters_it_has(name):
    for dataset in ("emoji", "wikipedia"):
        assert set(get_method(name).settings(dataset)["params"]) <= set(make(name).get_params())


@every_method
def test_a_clone_has_the_same_parameters_and_is_not_fitted(name):
    copy = clone(fitted(name))
    assert copy.get_params() == fitted(name).get_params()
    assert repr(copy) == repr(clone(copy))
    with pytest.raises(NotFittedError):
        embed_images(copy, data()[0])


@every_method
def test_every_parameter_shows_in_the_signature_and_the_docstring_tells_of_it(name):
    cls = get_method(name).cls
    shown = set(inspect.signature(cls).parameters)
    assert shown == set(cls().get_params())
    own = shown - set(DeepMethod().get_params()) if issubclass(cls, DeepMethod) else shown
    assert all(parameter in cls.__doc__ for parameter in own)


@every_method
def test_the_docstring_names_errors_and_an_example(name):
    doc = get_method(name).cls.__doc__
    assert "Raises" in doc
    assert ">>>" in doc


# -- what comes out -----------------------------------------------------------------------------


@every_method
def test_either_modality_alone_is_embedded_in_one_space(name):
    x, y, _ = data()
    z_x, z_y = embeddings(fitted(name), x[:7], y[:5])
    assert z_x.shape[0] == 7
    assert z_y.shape[0] == 5
    assert z_x.shape[1] == z_y.shape[1]
    one_column_a_class = ("sm", "scm", "lgcfl", "jrl", "deep_sm")
    assert z_x.shape[1] == (3 if name in one_column_a_class else 4)
    assert fitted(name).similarity(z_x, z_y).shape == (7, 5)
    assert np.isfinite(z_x).all()
    assert np.isfinite(z_y).all()


@every_method
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_tensors_give_tensors_and_arrays_give_arrays_of_the_same_dtype(name, dtype):
    x, y, _ = data()
    z_x, z_y = embeddings(
        fitted(name), torch.as_tensor(x, dtype=dtype), torch.as_tensor(y, dtype=dtype)
    )
    assert z_x.dtype == z_y.dtype == dtype
    assert z_x.device == z_y.device == torch.device("cpu")
    arrays = embeddings(fitted(name), np.asarray(x, z_x.numpy().dtype), y.astype(z_y.numpy().dtype))
    assert all(isinstance(z, np.ndarray) for z in arrays)
    assert arrays[0].dtype == z_x.numpy().dtype
    np.testing.assert_allclose(arrays[0], z_x.numpy(), atol=1e-4)
    np.testing.assert_allclose(arrays[1], z_y.numpy(), atol=1e-4)
    similarity = fitted(name).similarity(z_x, z_y)
    assert isinstance(similarity, torch.Tensor)
    np.testing.assert_allclose(similarity.numpy(), fitted(name).similarity(*arrays), atol=1e-3)


@every_method
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_full_and_comes_back_as_it_was_given(name, dtype):
    x, y, _ = (torch.as_tensor(part) for part in data())
    halves = x.to(dtype), y.to(dtype)
    z = embeddings(fitted(name), *halves)
    full = embeddings(fitted(name), *(half.float() for half in halves))
    assert [side.dtype for side in z] == [dtype, dtype]
    for side, expected in zip(z, full, strict=True):
        assert torch.equal(side, expected.to(dtype))
    assert fitted(name).similarity(*z).dtype in (torch.float32, torch.float64)


@every_method
def test_two_sides_of_different_dtype_are_compared(name):
    x, y, _ = data()
    z_x, z_y = embeddings(fitted(name), x, y)
    s = fitted(name).similarity(z_x, z_y)
    for single in (torch.as_tensor(z_x).float(), z_x.astype(np.float32)):
        double = torch.as_tensor(z_y) if torch.is_tensor(single) else z_y
        np.testing.assert_allclose(fitted(name).similarity(single, double), s, atol=1e-4)
        np.testing.assert_allclose(
            fitted(name).similarity(double, single).shape, fitted(name).similarity(z_y, z_x).shape
        )


@every_method
def test_whole_numbers_are_embedded_as_numbers_with_a_point(name):
    x, _, _ = data()
    x = np.round(10 * x).astype(int)
    z = embed_images(fitted(name), torch.as_tensor(x))
    assert z.is_floating_point()
    np.testing.assert_allclose(z.numpy(), embed_images(fitted(name), x.astype(float)), atol=1e-4)


@every_method
def test_the_order_of_what_is_embedded_does_not_matter(name):
    x, y, _ = data()
    order = np.random.default_rng(1).permutation(len(x))
    for a, b in zip(
        embeddings(fitted(name), x, y), embeddings(fitted(name), x[order], y[order]), strict=True
    ):
        np.testing.assert_allclose(b, a[order], atol=1e-5)


@pytest.mark.slow
@every_method
def test_held_out_retrieval_of_a_planted_signal_is_far_above_chance(name):
    x, y, labels = data(n=240)
    model = fit(make(name, epochs=40), x, y, labels)
    fresh = data(seed=1)
    assert score(model, *fresh) > chance_level(fresh[2], fresh[2]) + 0.25


# -- learning from awkward data -----------------------------------------------------------------


@every_method
def test_fewer_items_than_features_leave_everything_finite(name):
    x, y, labels = data(n=45, d_x=60, d_y=50)
    for z in embeddings(fit(make(name), x, y, labels), x, y):
        assert np.isfinite(z).all()


@every_method
def test_constant_and_duplicate_columns_leave_everything_finite(name):
    x, y, labels = data()
    x = np.hstack([x, np.full((N, 1), 3.0), x[:, :1]])
    y = np.hstack([y, np.zeros((N, 1)), y[:, :1]])
    for z in embeddings(fit(make(name), x, y, labels), x, y):
        assert np.isfinite(z).all()


@every_method
def test_training_again_on_tensors_gives_the_same_embedding(name):
    x, y, labels = data()
    again = fit(make(name), *map(torch.as_tensor, (x, y, labels)))
    for a, b in zip(embeddings(fitted(name), x, y), embeddings(again, x, y), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", DEEP)
def test_another_seed_gives_another_network(name):
    x, y, labels = data()
    other = fit(make(name, random_state=1), x, y, labels)
    assert np.abs(embed_texts(other, y) - embed_texts(fitted(name), y)).max() > 1e-3


@pytest.mark.parametrize("name", LINEAR)
def test_the_order_of_training_pairs_does_not_matter_to_a_linear_method(name):
    x, y, labels = data()
    order = np.random.default_rng(1).permutation(N)
    other = fit(make(name), x[order], y[order], labels[order])
    s, t = (m.similarity(*embeddings(m, x, y)) for m in (fitted(name), other))
    np.testing.assert_allclose(s, t, atol=1e-4)


@every_method
def test_shifting_the_images_changes_no_similarity(name):
    x, y, labels = data()
    shift = np.linspace(-3, 3, D_X)
    other = fit(make(name), x + shift, y, labels)
    s = fitted(name).similarity(*embeddings(fitted(name), x, y))
    t = other.similarity(*embeddings(other, x + shift, y))
    np.testing.assert_allclose(s, t, atol=5e-3)


@pytest.mark.parametrize("name", SUPERVISED)
def test_names_of_classes_from_a_table_are_learned_and_saved(name, tmp_path):
    x, y, labels = data()
    names = np.array(["a", "b", "c"])[labels].astype(object)
    model = fit(make(name), x, y, names)
    mmlearn.save(model, tmp_path / "model")
    again = mmlearn.load(tmp_path / "model")
    np.testing.assert_array_equal(embed_texts(again, y), embed_texts(model, y))
    names[3] = None
    with pytest.raises(ValueError, match=r"labels.*none may be missing"):
        fit(make(name), x, y, names)


@pytest.mark.parametrize("name", DEEP)
def test_training_does_not_disturb_the_callers_random_numbers(name):
    x, y, labels = data()
    np.random.seed(5)  # noqa: NPY002 - the global state is what is tested
    torch.manual_seed(5)
    expected = np.random.random(), torch.rand(())  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    torch.manual_seed(5)
    fit(make(name), x, y, labels)
    assert (np.random.random(), torch.rand(())) == expected  # noqa: NPY002


@pytest.mark.parametrize("name", DEEP)
def test_an_interrupted_training_leaves_no_half_trained_method_and_can_be_gone_on_with(
    name, tmp_path
):
    x, y, labels = data()
    model = fit(make(name), x, y, labels)
    epochs = []

    def stops_in_the_second_epoch(training):
        epochs.append(training.progress)
        if len(epochs) == 2:
            raise KeyboardInterrupt

    model.set_params(checkpoint=tmp_path / "run", on_epoch=stops_in_the_second_epoch)
    with pytest.raises(KeyboardInterrupt):
        fit(model, x, y, labels)
    assert epochs[0] == 0 < epochs[1]
    with pytest.raises(NotFittedError):
        embed_images(model, x)
    fit(model, x, y, labels)
    assert epochs[2] == epochs[1]  # the first epoch is not trained again
    for a, b in zip(embeddings(model, x, y), embeddings(fitted(name), x, y), strict=True):
        np.testing.assert_array_equal(a, b)


@every_method
def test_fitting_leaves_behind_only_what_is_read_or_embeds(name):
    x, y, labels = data()
    model = fit(make(name), x, y, labels)
    found = {k for k in vars(model) if not k.endswith("_")} - set(model.get_params())
    assert found <= {"_columns", "_solution"}  # of tables; what CCA and CFA solve when asked
    assert all(getattr(model, k) == v for k, v in make(name).get_params().items())


@pytest.mark.parametrize("name", sorted(set(DEEP) - {"cmdn"}))
def test_a_loss_of_ones_own_is_trained_by(name):
    x, y, labels = data()
    shapes = []

    def smaller_weights(module, *batch):
        shapes.append([tuple(part.shape[1:]) for part in batch])
        size = sum(p.square().sum() for p in module.parameters())
        return {"loss": size, "size": size}

    history = fit(make(name, loss=smaller_weights), x, y, labels).history_
    assert history.terms["size"] == history.loss
    assert history.loss[-1] < history.loss[0]
    assert shapes[-1][:2] == [(D_X,), (D_Y,)]


@pytest.mark.parametrize("name", DEEP)
def test_a_method_with_a_loss_of_ones_own_is_saved_without_it(name, tmp_path):
    x, y, labels = data()
    model = fit(make(name, on_epoch=lambda training: None), x, y, labels)
    mmlearn.save(model, tmp_path / "model")
    again = mmlearn.load(tmp_path / "model")
    assert again.on_epoch is None
    np.testing.assert_array_equal(embed_texts(again, y), embed_texts(model, y))


@pytest.mark.parametrize("name", DEEP)
@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"epochs": 2.5}, "epochs must be a whole number"),
        ({"random_state": None}, "random_state must be a whole number"),
        ({"validation_fraction": 0.001}, "holds out 0"),
        ({"validation_fraction": 0.999}, "holds out 90"),
        ({"on_epoch": "later"}, "on_epoch must be a function"),
        ({"loss": "mine"}, "loss must be a function|takes no other"),
    ],
)
def test_impossible_settings_of_training_get_one_sentence(name, params, sentence):
    x, y, labels = data()
    with pytest.raises(ValueError, match=sentence):
        fit(make(name, **params), x, y, labels)


@pytest.mark.parametrize("name", DEEP)
def test_numbers_of_numpy_are_numbers(name, tmp_path):
    x, y, labels = data()
    settings = {"random_state": np.int64(1), "batch_size": np.int64(64)}
    model = fit(make(name, checkpoint=tmp_path / "run", **settings), x, y, labels)
    mmlearn.save(model, tmp_path / "model")
    assert mmlearn.load(tmp_path / "model").random_state == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", MULTILABEL)
def test_several_labels_an_item_are_learned(name):
    x, y, labels = data(n=240)
    class_tag, second_tag = np.eye(3, dtype=bool)[labels], np.eye(3, dtype=bool)[labels]
    second_tag[np.random.default_rng(2).random(240) < 0.5] = False  # half the items have two tags
    model = fit(make(name, epochs=40), x, y, np.hstack([class_tag, second_tag]))
    fresh = data(seed=1)
    assert score(model, *fresh) > chance_level(fresh[2], fresh[2]) + 0.25


# -- keeping ------------------------------------------------------------------------------------


@every_method
def test_pickling_keeps_the_embedding(name):
    x, y, _ = data()
    again = pickle.loads(pickle.dumps(fitted(name)))
    for a, b in zip(embeddings(fitted(name), x, y), embeddings(again, x, y), strict=True):
        np.testing.assert_array_equal(a, b)


@every_method
def test_saving_and_loading_keeps_embedding_similarity_and_parameters(name, tmp_path):
    x, y, _ = data()
    path = tmp_path / "model.safetensors"
    mmlearn.save(fitted(name), path)
    again = mmlearn.load(path)
    assert type(again) is type(fitted(name))
    assert again.get_params() == fitted(name).get_params()
    z, same = embeddings(fitted(name), x, y), embeddings(again, x, y)
    np.testing.assert_array_equal(z[0], same[0])
    np.testing.assert_array_equal(z[1], same[1])
    np.testing.assert_array_equal(fitted(name).similarity(*z), again.similarity(*same))


@every_method
def test_a_saved_file_calls_the_method_by_its_name_in_the_registry_and_names_no_module(
    name, tmp_path
):
    mmlearn.save(fitted(name), tmp_path / "model")
    with safe_open(tmp_path / "model", "pt") as file:
        text = file.metadata()["mmlearn"]
    assert json.loads(text)["model"]["$object"] == name
    assert "mmlearn." not in text
    assert "sklearn" not in text.replace("_sklearn_output_config", "")  # the name of a setting


# -- choosing settings --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cca", "deep_sm"])
def test_scikit_learn_searches_a_grid_of_settings(name):
    x, y, labels = data()
    grid = {"cca": {"n_components": [1, 2]}, "deep_sm": {"hidden": [4, 16]}}[name]
    with sklearn.config_context(enable_metadata_routing=True):
        model = make(name).set_score_request(labels=True)
        model.set_fit_request(labels=name in SUPERVISED)
        search = GridSearchCV(model, grid, cv=2).fit(x, y, labels=labels)
    assert search.best_score_ == max(search.cv_results_["mean_test_score"])
    assert search.best_score_ > chance_level(labels, labels)


# -- networks of one's own ----------------------------------------------------------------------


@pytest.mark.parametrize("name", DEEP)
def test_an_unknown_device_is_refused(name):
    x, y, labels = data()
    with pytest.raises(ValueError, match="unknown device"):
        fit(make(name, device="abacus"), x, y, labels)


# -- bad input ----------------------------------------------------------------------------------


def spoil(a, value):
    a = a.copy()
    a[3, 1] = value
    return a


@every_method
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda x, y, c: (spoil(x, np.nan), y, c), "images.* NaN or infinite"),
        (lambda x, y, c: (x, spoil(y, np.inf), c), "texts.* NaN or infinite"),
        (lambda x, y, c: (x[:-1], y, c), "89 images and 90 texts|image.*89"),
        (lambda x, y, c: (x[:, 0], y, c), "images must be a matrix"),
        (lambda x, y, c: (x[:0], y[:0], c[:0]), "images is empty"),
    ],
)
def test_bad_training_data_gets_one_clear_sentence(name, change, sentence):
    x, y, labels = change(*data())
    with pytest.raises(ValueError, match=sentence) as caught:
        fit(make(name), x, y, labels)
    assert "\n" not in str(caught.value)


@every_method
def test_bad_new_data_gets_one_clear_sentence(name):
    x, y, _ = data()
    with pytest.raises(ValueError, match="NaN or infinite"):
        embed_images(fitted(name), spoil(x, np.nan))
    with pytest.raises(ValueError, match=f"fitted on {D_Y}"):
        embed_texts(fitted(name), y[:, :3])


@pytest.mark.parametrize("name", SUPERVISED)
def test_labels_are_asked_for(name):
    x, y, labels = data()
    with pytest.raises(ValueError, match="supervised"):
        make(name).fit(x, y)
    with pytest.raises(ValueError, match="single class"):
        fit(make(name), x, y, np.zeros(N, dtype=int))
    with pytest.raises(ValueError, match="labels must have shape"):
        fit(make(name), x, y, labels[:-1])


@pytest.mark.parametrize("name", sorted(set(SUPERVISED) - set(MULTILABEL)))
def test_several_labels_an_item_are_refused_by_a_method_for_one(name):
    x, y, labels = data()
    with pytest.raises(ValueError, match="labels"):
        fit(make(name), x, y, np.eye(3, dtype=int)[labels])


@pytest.mark.parametrize("name", [n for n in NAMES if "n_components" in make(n).get_params()])
def test_impossible_numbers_of_components_are_refused(name):
    x, y, labels = data()
    with pytest.raises(ValueError, match="n_components"):
        fit(make(name, n_components=0), x, y, labels)


# -- nonlinear signal ---------------------------------------------------------------------------


def flipped(seed, n=300):
    """Images hold a class's centre or its negative: correlation with the texts is zero."""
    x, y, labels = data(seed, n=n, noise=0.2)
    signs = np.random.default_rng(seed + 50).choice([-1.0, 1.0], size=(n, 1))
    return signs * x, y, labels


NONLINEAR = [n for n in DEEP if get_method(n).kind == "coordinated"] + ["kcca"]


@pytest.mark.slow
@pytest.mark.parametrize("name", NONLINEAR)
def test_a_signal_that_no_linear_method_finds_is_found_on_held_out_data(name):
    fresh = flipped(1)
    linear = CCA(4).fit(*flipped(0)[:2]).score(*fresh)
    x, y, labels = flipped(0)
    model = fit(make(name, epochs=60, hidden=64), x, y, labels)
    assert score(model, *fresh) > linear + 0.15
