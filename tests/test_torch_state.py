"""Global settings of torch break no method, change no result, and are as they were afterwards."""

from contextlib import ExitStack, contextmanager

import numpy as np
import pairs_world
import pytest
import torch
from test_methods import NAMES, data, embeddings, fit, fitted, make

import mmlearn
from mmlearn.features import CNNFeatures, ColourHistogram
from mmlearn.retrieval import mean_average_precision, recall_at_k, search
from mmlearn.training import fit as train


@contextmanager
def default_dtype(dtype):
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


@contextmanager
def deterministic():
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)


STATES = {
    "float64 by default": lambda: default_dtype(torch.float64),
    "float16 by default": lambda: default_dtype(torch.float16),
    "another device by default": lambda: torch.device("meta"),  # holds no numbers at all
    "gradients off": torch.no_grad,
    "inference": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "deterministic": deterministic,
}


def state():
    return (
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.is_autocast_enabled("cpu"),
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )


@contextmanager
def all_at_once():
    with ExitStack() as stack:
        for enter in STATES.values():
            stack.enter_context(enter())
        yield


EVERY = {"all at once": all_at_once, **STATES}
ONE_BY_ONE = [pytest.param(name, marks=pytest.mark.slow) for name in STATES]


@pytest.fixture(params=["all at once", *ONE_BY_ONE])
def odd(request):
    with EVERY[request.param]():
        before = state()
        yield
        assert state() == before


@pytest.fixture(scope="module", autouse=True)
def ordinary():
    """What each method gives in torch as it starts, worked out before anything odd is set."""
    x, y, _ = data()
    return {name: embeddings(fitted(name), x, y) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_a_method_of_vectors_gives_what_it_always_gives(name, ordinary, odd):
    x, y, labels = data()
    model = fit(make(name), x, y, labels)
    rows = embeddings(model, x, y)
    tensors = embeddings(model, *map(torch.from_numpy, (x, y)))
    for array, tensor, expected in zip(rows, tensors, ordinary[name], strict=True):
        np.testing.assert_allclose(array, expected, atol=1e-6)
        np.testing.assert_allclose(array, tensor.numpy(), atol=1e-6)
        assert not tensor.requires_grad
    np.testing.assert_allclose(
        model.similarity(*rows), fitted(name).similarity(*ordinary[name]), atol=1e-5
    )


PAIR_METHODS = {
    "vilbert": pairs_world.vilbert,
    "late_fusion": pairs_world.late_fusion,
    "r2c": pairs_world.r2c,
}


def score_pairs(name):
    w = pairs_world.world(40)
    texts = (w.texts, w.tags) if name == "r2c" else w.texts
    return PAIR_METHODS[name]().fit(w.images, texts, w.labels).score_pairs(w.images, texts)


@pytest.fixture(scope="module")
def ordinary_scores():
    return {name: score_pairs(name) for name in PAIR_METHODS}


@pytest.mark.parametrize("name", PAIR_METHODS)
def test_a_method_of_pairs_gives_what_it_always_gives(name, ordinary_scores, odd):
    np.testing.assert_allclose(score_pairs(name), ordinary_scores[name], atol=1e-6)


def test_several_tasks_are_trained(odd):
    tasks = pairs_world.tasks(40)
    model = pairs_world.twelve_in_one().fit(tasks)
    for name, task in tasks.items():
        assert 0 <= model.score(name, task.images, task.texts, task.labels) <= 1


def functions():
    """Public functions that make tensors of their own, on arrays."""
    rng = np.random.default_rng(0)
    a, b, labels = rng.normal(size=(12, 4)), rng.normal(size=(12, 4)), np.arange(12) % 3
    s = a @ b.T
    pictures = rng.integers(0, 256, size=(2, 32, 32, 3), dtype=np.uint8)
    return [
        *search(a, b, k=3),
        mean_average_precision(s, labels, labels),
        mean_average_precision(s.round(), labels, labels),  # with ties
        recall_at_k(s, k=2),
        CNNFeatures(cache=False, device="cpu").fit_transform(pictures),
        ColourHistogram().fit_transform(pictures),
    ]


@pytest.fixture(scope="module")
def ordinary_functions():
    return functions()


def test_functions_of_arrays_give_what_they_always_give(ordinary_functions, odd):
    for value, expected in zip(functions(), ordinary_functions, strict=True):
        np.testing.assert_allclose(value, expected, atol=1e-6)


def test_a_saved_method_is_loaded(ordinary, odd, tmp_path):
    x, y, _ = data()
    mmlearn.save(fitted("dcca"), tmp_path / "dcca")
    for z, expected in zip(
        embeddings(mmlearn.load(tmp_path / "dcca"), x, y), ordinary["dcca"], strict=True
    ):
        np.testing.assert_allclose(z, expected, atol=1e-6)


def test_the_loop_trains_a_network_in_the_dtype_that_its_user_chose():
    with default_dtype(torch.float64), torch.no_grad():
        line = torch.nn.Linear(3, 1)
        x = torch.ones(8, 3)
        history = train(
            line,
            lambda m, x: (m(x) - torch.tensor([2.0])).square().mean(),
            (x,),
            epochs=3,
            device="cpu",
            progress=False,
        )
        assert line.weight.dtype == torch.float64
    assert history.loss[-1] < history.loss[0]


def test_an_encoder_made_in_float64_is_copied_and_trained_in_float32():
    x, y, labels = data()
    encoder = torch.nn.Linear(x.shape[1], 4, dtype=torch.float64)
    model = fit(make("dcca", image_encoder=encoder), x, y, labels)
    assert encoder.weight.dtype == torch.float64
    assert embeddings(model, x, y)[0].shape == (len(x), 4)
