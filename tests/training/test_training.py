"""The training loop: it learns, repeats itself, stops in time and refuses nonsense."""

import os
import random
import socket
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from mmlearn.deep import SAM, TripletEmbedding
from mmlearn.training import fit
from mmlearn.training.device import pick_device
from mmlearn.training.loop import rate


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


def test_the_learning_rate_rises_in_a_straight_line_and_falls_to_nearly_nothing():
    shares = [rate(step, 10, warm_up=0.2) for step in range(10)]
    np.testing.assert_allclose(shares[:3], [0.5, 1, 1])
    np.testing.assert_allclose(np.diff(shares[2:]), -1 / 8)
    assert shares[-1] == 1 / 8
    assert rate(0, 10, warm_up=0.0) == 1
    assert {rate(step, 10) for step in range(10)} == {1.0}


def test_every_step_takes_its_share_of_the_learning_rate():
    x, taken = torch.ones(6, 1), []

    def loss(module, x):
        taken.append(module.weight.item())
        return module(x).mean()  # a gradient of 1: AdamW steps by the learning rate

    module = nn.Linear(1, 1, bias=False)
    fit(
        module, loss, (x,), epochs=2, batch_size=2, learning_rate=0.1, warm_up=0.5, device="cpu",
        progress=False,
    )  # fmt: skip
    steps = -np.diff([*taken, module.weight.item()])
    np.testing.assert_allclose(steps, 0.1 * np.array([1 / 3, 2 / 3, 1, 1, 2 / 3, 1 / 3]), rtol=1e-4)


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


# -- validation by a metric, terms, schedules ---------------------------------------------------


def quick(module, loss=squared_error, **settings):
    return fit(module, loss, problem(), **{"device": "cpu", "progress": False} | settings)


def test_a_metric_is_maximised_and_its_best_epoch_kept():
    scores = iter([1.0, 3.0, 2.0, 0.0])
    states = []

    def metric(module, x, y):
        states.append(module.weight.detach().clone())
        return next(scores)

    module = linear()
    history = quick(module, epochs=4, validation=problem(), metric=metric)
    assert history.validation == [1.0, 3.0, 2.0, 0.0]
    assert history.best_epoch == 1
    torch.testing.assert_close(module.weight.detach(), states[1])


def test_a_metric_without_validation_data_is_refused():
    with pytest.raises(ValueError, match="a metric needs validation data"):
        quick(linear(), metric=lambda m, x, y: 0.0)


def test_further_terms_of_the_loss_are_averaged_over_the_items_of_an_epoch():
    def loss(module, x, y):
        return {"loss": squared_error(module, x, y), "rows": float(len(x))}

    history = quick(linear(), loss, epochs=2, batch_size=48)  # 64 items: batches of 48 and 16
    assert history.terms == {"rows": [(48 * 48 + 16 * 16) / 64] * 2}


def test_a_generator_of_losses_takes_a_step_after_each_before_the_next_is_computed():
    module, seen = linear(), []

    def two(module, x, y):
        for _ in range(2):
            seen.append(module.weight.detach().clone())
            yield squared_error(module, x, y)

    history = fit(module, two, problem(), epochs=1, batch_size=64, device="cpu", progress=False)
    assert len(seen) == 2
    assert not torch.equal(seen[0], seen[1])
    plain = linear()
    once = fit(plain, squared_error, problem(), epochs=2, batch_size=64, device="cpu",
               progress=False)  # fmt: skip
    torch.testing.assert_close(plain.weight, module.weight)
    assert history.loss == [pytest.approx(np.mean(once.loss))]


def test_where_no_loss_is_given_no_step_is_taken():
    def none(module, x, y):
        yield from ()

    module, before = linear(), linear()
    history = fit(module, none, problem(), epochs=2, device="cpu", progress=False)
    assert torch.equal(module.weight, before.weight)
    assert np.isnan(history.loss).tolist() == [True, True]


def test_further_terms_of_the_metric_are_kept_epoch_by_epoch():
    def metric(module, x, y):
        return {"metric": -float(squared_error(module, x, y)), "weights": module.weight.numel()}

    history = fit(linear(), squared_error, problem(), epochs=3, device="cpu", progress=False,
                  validation=problem(), metric=metric)  # fmt: skip
    assert history.validation_terms == {"weights": [3, 3, 3]}
    assert len(history.validation) == 3


def test_progress_of_training_is_told_before_every_epoch():
    told = []
    quick(linear(), epochs=4, on_epoch=told.append)
    assert told == [0, 0.25, 0.5, 0.75]


def test_a_small_last_batch_can_be_left_out():
    sizes = []

    def loss(module, x, y):
        sizes.append(len(x))
        return squared_error(module, x, y)

    quick(linear(), loss, epochs=1, batch_size=48, drop_last=True)
    assert sizes == [48]


# -- checkpoints --------------------------------------------------------------------------------


def noisy_network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 1))


class Interruption(Exception):
    pass


def interrupted_at(step):
    """The squared error with noise of its own, which fails at one step of training."""
    count = 0

    def loss(module, x, y):
        nonlocal count
        count += 1
        if count == step:
            raise Interruption
        return noisy_error(module, x, y)

    loss.__qualname__ = noisy_error.__qualname__
    return loss


def noisy_error(module, x, y):
    noise = torch.as_tensor(np.random.normal(size=(len(x), 1)))  # noqa: NPY002
    return squared_error(module, x + 0.1 * noise.float() * random.random(), y)


@pytest.mark.parametrize("step", [1, 3, 8, 9, 14, 24])
def test_interrupted_at_any_step_and_resumed_is_bit_for_bit_uninterrupted(tmp_path, step):
    settings = {"epochs": 3, "batch_size": 8, "validation": problem(20)}
    straight, resumed = noisy_network(), noisy_network()
    expected = quick(straight, noisy_error, **settings)
    path = tmp_path / "run.safetensors"
    with pytest.raises(Interruption):
        quick(resumed, interrupted_at(step), checkpoint=path, **settings)
    torch.manual_seed(99)  # a new process would start anywhere
    history = quick(noisy_network(seed=5), noisy_error, checkpoint=path, **settings)
    again = noisy_network(seed=6)
    finished = quick(again, interrupted_at(1), checkpoint=path, **settings)  # nothing left to run
    assert history == finished == expected
    for a, b in zip(straight.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)


def interrupt_in_third_epoch(progress):
    if progress >= 2 / 50:
        raise KeyboardInterrupt


def test_patience_is_remembered_across_an_interruption(tmp_path):
    x, y = problem()
    settings = {"validation": (x, -y), "patience": 2, "epochs": 50, "learning_rate": 0.1}
    expected = quick(linear(), **settings)
    with pytest.raises(KeyboardInterrupt):
        quick(
            linear(), checkpoint=tmp_path / "run",
            on_epoch=interrupt_in_third_epoch, **settings,
        )  # fmt: skip
    assert quick(linear(), checkpoint=tmp_path / "run", **settings) == expected


def written(tmp_path, **settings):
    path = tmp_path / "run.safetensors"
    quick(linear(), epochs=1, checkpoint=path, **settings)
    return path


def test_a_checkpoint_cut_in_half_is_named(tmp_path):
    path = written(tmp_path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ValueError, match=r"run\.safetensors is damaged.*delete it"):
        quick(linear(), epochs=1, checkpoint=path)


def test_a_checkpoint_of_another_method_is_refused(tmp_path):
    def another_error(module, x, y):
        return (module(x) - y).abs().mean()

    with pytest.raises(ValueError, match=r"written by squared_error, not by .*another_error"):
        quick(linear(), another_error, epochs=1, checkpoint=written(tmp_path))


@pytest.mark.parametrize(
    ("module", "settings", "sentence"),
    [
        (linear, {"batch_size": 7}, "other settings .batch_size."),
        (linear, {"learning_rate": 0.5}, "other settings .learning_rate."),
        (noisy_network, {}, "other parameters"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(tmp_path, module, settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        quick(module(), epochs=1, checkpoint=written(tmp_path), **settings)


def method(cls, path, **settings):
    rng = np.random.default_rng(0)
    settings = {"hidden": 4, "epochs": 1, "device": "cpu", "checkpoint": path} | settings
    x, y, labels = rng.normal(size=(20, 5)), rng.normal(size=(20, 4)), np.arange(20) % 2
    return cls(3, **settings).fit(x, y, labels=labels)


def test_a_method_goes_on_from_its_own_checkpoint_alone(tmp_path):
    path = tmp_path / "run"
    first = method(TripletEmbedding, path)
    again = method(TripletEmbedding, path, progress=False)
    assert again.history_ == first.history_
    with pytest.raises(ValueError, match="written by TripletEmbedding, not by SAM"):
        method(SAM, path)
    with pytest.raises(ValueError, match=r"other settings \(margin\)"):
        method(TripletEmbedding, path, margin=0.3)


def test_a_checkpoint_of_other_data_is_refused(tmp_path):
    path = written(tmp_path)
    x, y = problem()
    with pytest.raises(ValueError, match="other data"):
        fit(linear(), squared_error, (2 * x, y), epochs=1, checkpoint=path, device="cpu",
            progress=False)  # fmt: skip


def test_a_checkpoint_that_cannot_be_written_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere does not exist"):
        quick(linear(), epochs=1, checkpoint=tmp_path / "nowhere" / "run")


# -- several processes --------------------------------------------------------------------------

TWO_PROCESSES = """
import sys
import warnings
import torch
from torch import nn
from mmlearn.training import fit, gather

def info_nce(zx, zy):
    logits = zx @ zy.T
    rows = torch.arange(len(zx))
    cross_entropy = nn.functional.cross_entropy
    return cross_entropy(logits, rows) + cross_entropy(logits.T, rows)

class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.f, self.g = nn.Linear(3, 4), nn.Linear(2, 4)

    def forward(self, x, y):
        return self.f(x), self.g(y)

generator = torch.Generator().manual_seed(0)
x, y = torch.randn(24, 3, generator=generator), torch.randn(24, 2, generator=generator)
torch.manual_seed(1)
module = Two()
history = fit(
    module, lambda m, x, y: info_nce(*gather(*m(x, y))), (x, y),
    epochs=3, batch_size=8, learning_rate=0.01, device="cpu", progress=False,
)
import os
if os.environ.get("RANK", "0") == "0":
    torch.save([history.loss, *module.state_dict().values()], sys.argv[1])
"""


@pytest.mark.slow
def test_two_processes_on_half_batches_train_as_one_on_whole_batches(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(TWO_PROCESSES)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    launched = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    environments = [
        {},
        *(launched | {"RANK": rank, "LOCAL_RANK": rank} for rank in ("0", "1")),
    ]
    outputs = [tmp_path / name for name in ("one", "two", "other")]
    processes = [
        subprocess.Popen(
            [sys.executable, script, output], env=os.environ | extra, stderr=subprocess.PIPE
        )
        for extra, output in zip(environments, outputs, strict=True)
    ]
    for process in processes:
        _, error = process.communicate(timeout=100)
        assert process.returncode == 0, error.decode()[-2000:]
    one, two = torch.load(outputs[0]), torch.load(outputs[1])
    assert one[0] == pytest.approx(two[0], rel=1e-5)
    for a, b in zip(one[1:], two[1:], strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("launcher", "warned"),
    [
        ({}, False),
        ({"ACCELERATE_USE_CPU": "True"}, False),  # one process was asked for
        ({"ACCELERATE_USE_CPU": "True", "MASTER_PORT": "29500"}, True),
    ],
)
def test_a_launcher_that_starts_one_process_of_several_is_named(launcher, warned, monkeypatch):
    for name, value in launcher.items():
        monkeypatch.setenv(name, value)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        quick(linear(), epochs=1)
    said = [str(w.message) for w in caught if "torchrun --nproc-per-node 2" in str(w.message)]
    assert bool(said) == warned


def test_a_checkpoint_of_shuffled_data_is_refused(tmp_path):
    path = written(tmp_path)
    x, y = problem()
    with pytest.raises(ValueError, match="other data"):
        fit(linear(), squared_error, (x, y.flip(0)), epochs=1, checkpoint=path, device="cpu",
            progress=False)  # fmt: skip


def test_a_validation_that_is_not_a_number_and_no_patience_are_refused():
    with pytest.raises(ValueError, match="validation result became nan in epoch 1"):
        quick(linear(), validation=problem(), metric=lambda m, x, y: float("nan"))
    with pytest.raises(ValueError, match="patience must be at least 1"):
        quick(linear(), validation=problem(), patience=0)


class Doubled:
    """Rows that are no tensor: what `fit` asks of them is a length, rows, a device and tensors."""

    def __init__(self, x):
        self.x = x

    def __len__(self):
        return len(self.x)

    def __getitem__(self, rows):
        return Doubled(self.x[rows])

    def to(self, device):
        return Doubled(self.x.to(device))

    def tensors(self):
        return [self.x]


def test_what_has_rows_and_moves_to_a_device_may_stand_for_a_tensor(tmp_path):
    x, y = problem()

    def loss(module, rows, y):
        return squared_error(module, rows.x, y)

    rows, plain = linear(), linear()
    settings = {"epochs": 3, "device": "cpu", "progress": False}
    fit(rows, loss, (Doubled(x), y), **settings, checkpoint=tmp_path / "run")
    fit(plain, squared_error, (x, y), **settings)
    torch.testing.assert_close(rows.weight, plain.weight, rtol=0, atol=0)
    with pytest.raises(ValueError, match="other data"):
        fit(linear(), loss, (Doubled(x + 1), y), **settings, checkpoint=tmp_path / "run")


def test_a_gradient_longer_than_the_clip_is_scaled_down_to_it(monkeypatch):
    x, y = problem()
    norms = []
    step = torch.optim.AdamW.step

    def noted(self, *args, **kwargs):
        gradients = [p.grad.flatten() for group in self.param_groups for p in group["params"]]
        norms.append(float(torch.cat(gradients).norm()))
        return step(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.AdamW, "step", noted)
    settings = {"epochs": 2, "device": "cpu", "progress": False}
    fit(linear(), lambda m, x, y: 100 * squared_error(m, x, y), (x, y), **settings)
    assert max(norms) > 1
    norms.clear()
    fit(linear(), lambda m, x, y: 100 * squared_error(m, x, y), (x, y), clip=0.5, **settings)
    assert max(norms) == pytest.approx(0.5, abs=1e-3)
