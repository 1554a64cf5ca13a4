"""The training loop: it learns, repeats itself, stops in time and refuses nonsense."""

import pytest
import torch
from torch import nn

from mmlearn._torch import pick_device
from mmlearn.training import fit


def problem(n=64):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(n, 3, generator=generator)
    return x, x @ torch.tensor([[1.0], [-2.0], [0.5]])


def squared_error(module, x, y):
    return ((module(x) - y) ** 2).mean()


def linear(seed=0):
    torch.manual_seed(seed)
    return nn.Linear(3, 1)


def test_least_squares_is_learned():
    module = linear()
    history = fit(
        module,
        squared_error,
        problem(),
        epochs=200,
        learning_rate=0.05,
        device="cpu",
        progress=False,
    )
    torch.testing.assert_close(
        module.weight.detach(), torch.tensor([[1.0, -2.0, 0.5]]), atol=1e-2, rtol=0
    )
    assert len(history.loss) == 200


def test_one_seed_gives_one_history_and_another_seed_another():
    def run(seed):
        return fit(
            linear(), squared_error, problem(), epochs=3, batch_size=8, seed=seed, device="cpu",
            progress=False,
        ).loss  # fmt: skip

    assert run(0) == run(0) != run(1)


def test_training_stops_after_patience_and_keeps_the_best_epoch():
    x, y = problem()
    module = linear()
    history = fit(
        module, squared_error, (x, y), validation=(x, -y), patience=2, epochs=50, learning_rate=0.1,
        device="cpu", progress=False,
    )  # fmt: skip
    assert len(history.loss) == history.best_epoch + 3
    kept = squared_error(module, x, -y).item()
    assert kept == pytest.approx(min(history.validation))


def test_module_is_left_ready_for_use():
    module = linear()
    fit(module, squared_error, problem(), epochs=1, device="cpu", progress=False)
    assert not module.training


def test_diverging_loss_is_reported():
    with pytest.raises(ValueError, match="lower learning_rate"):
        fit(
            linear(), lambda m, x, y: squared_error(m, x, y) / 0, problem(), epochs=1, device="cpu",
            progress=False,
        )  # fmt: skip


def test_unequal_or_empty_tensors_are_refused():
    x, y = problem()
    with pytest.raises(ValueError, match="lengths"):
        fit(linear(), squared_error, (x, y[:-1]))
    with pytest.raises(ValueError, match="lengths"):
        fit(linear(), squared_error, (x[:0], y[:0]))


def test_patience_without_validation_is_refused():
    with pytest.raises(ValueError, match="patience needs validation"):
        fit(linear(), squared_error, problem(), patience=3)


def test_unknown_device_is_refused():
    with pytest.raises(ValueError, match="unknown device"):
        pick_device("abacus")
