"""What the benchmarks of time and scenes count, print and keep; on a CPU, in small."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import coattention, scenes
from benchmarks.stored import _alone, store
from mmlearn.pairs import R2C


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    sizes = {"BATCH": 2, "REGIONS": 11, "TOKENS": 9, "WIDTH": 24, "HEADS": 2, "FF": 40}
    for name, value in sizes.items():
        monkeypatch.setattr(coattention, name, value)


def test_the_multiply_adds_counted_by_hand_are_those_that_torch_counts():
    h, g, *_ = coattention.make_batch()
    layer = coattention.make_layers(0.0)["mmlearn"]
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad(), sdpa_kernel(SDPBackend.MATH):  # the others are not counted
        layer(h, g)
    assert counter.get_total_flops() == 2 * coattention.multiply_adds()


def test_both_contenders_do_the_same():
    coattention.check(coattention.make_layers(0.0), coattention.make_batch())


def test_throughput_is_measured_and_its_share_of_the_peak_reported():
    assert coattention.throughput("cpu", torch.float32, seconds=0.01) > 0
    line = coattention.report("NVIDIA H100 80GB", 1e6)
    flops = 6 * coattention.multiply_adds() / 2 * 1e6
    assert f"{flops / 989e12:.1%} of the peak" in line
    assert "peak unknown" in coattention.report("some card", 1e6)


def test_a_table_shows_means_with_their_spread(capsys):
    table = scenes.Table("a title")
    table.add("row", accuracy=0.5, seconds=100.0)
    table.add("row", accuracy=0.7, seconds=104.0)
    table.add("other", accuracy=0.25)
    table.print()
    shown = capsys.readouterr().out
    assert "0.600 ± 0.141" in shown
    assert "102" in shown
    assert "–" in shown


def test_kept_figures_stand_beside_those_of_other_parts(tmp_path):
    table = scenes.Table("a title")
    table.add("row", accuracy=0.51239)
    table.add("row", accuracy=0.7)
    store("scenes", "one", table.title, table.values(), tmp_path)
    store("scenes", "two", "another", {}, tmp_path)
    kept = json.loads((tmp_path / "scenes.json").read_text(encoding="utf-8"))
    assert list(kept) == ["one", "two"]
    assert kept["one"]["rows"] == {"row": {"accuracy": [0.5124, 0.7]}}
    assert kept["one"]["title"] == "a title"
    assert {"device", "date"} < set(kept["one"])


def test_who_stores_meanwhile_is_waited_for_and_nothing_is_lost(tmp_path):
    def one(part):
        store("scenes", part, "a title", {"row": {"accuracy": [0.5]}}, tmp_path)

    parts = [f"part {i}" for i in range(12)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(one, parts))
    kept = json.loads((tmp_path / "scenes.json").read_text(encoding="utf-8"))
    assert set(kept) == set(parts)
    assert [path.name for path in tmp_path.iterdir()] == ["scenes.json"]


def test_a_lock_that_nobody_lifts_is_named(tmp_path):
    (tmp_path / "scenes.lock").touch()
    writing = _alone(tmp_path / "scenes.lock", patience=0.05)
    with pytest.raises(OSError, match=r"scenes\.lock is still there"):
        writing.__enter__()


def test_an_interval_is_over_questions_and_over_seeds():
    rng = np.random.default_rng(0)
    one = rng.random((1, 400)) < 0.8
    found = scenes.interval(one)
    wide = 2 * 1.96 * (0.8 * 0.2 / 400) ** 0.5  # of a binomial
    assert abs(found["high"] - found["low"] - wide) < 0.02
    assert found["low"] < one.mean() < found["high"]
    seeds = scenes.interval(np.repeat([[True], [False], [True]], 400, axis=1))
    assert seeds == {"low": 0.0, "high": 1.0}


def test_every_row_sees_what_it_may_and_keeps_its_interval(monkeypatch):
    few = scenes.load_scenes(40, n_objects=(6, 6), kinds=("relation", "two_steps"))
    monkeypatch.setattr(scenes, "scenes", lambda world, part: few)
    monkeypatch.setattr(scenes, "R2C", lambda **settings: R2C(**settings | {"epochs": 1}))
    (asked,) = scenes.answering("a title", "relation", 1, epochs=(1, 1, 1))
    (reasoned,) = scenes.reasoning(1)
    rows = asked.values()
    assert {*scenes.CONTROLS, *scenes.AT_TEST, "late fusion", "co-attention"} < set(rows)
    assert rows["co-attention"]["interval"]["low"] <= rows["co-attention"]["all"][0]
    assert "seconds" in rows["co-attention, no question"]
    assert "4 x 4" in reasoned.values()["R2C"]
    assert "4 x 4" not in reasoned.values()["response-only"]


def test_tasks_are_given_as_many_items_each(monkeypatch):
    world = {"n_objects": (5, 5), "kinds": ("relation",)}
    monkeypatch.setattr(scenes, "WORLDS", {"all tasks": (12, world)})
    scenes.scenes.cache_clear()
    tasks = scenes._tasks_of("train")
    scenes.scenes.cache_clear()
    assert set(tasks) == set(scenes.TASKS)
    assert len({len(task.labels) for task in tasks.values()}) == 1
    assert len(tasks["verification"].images[1]) == len(tasks["verification"].labels)


def test_a_difference_is_paired_by_seed_and_has_the_interval_of_students_t():
    mean, half = scenes.difference([0.5, 0.6, 0.7], [0.4, 0.5, 0.4])
    assert mean == pytest.approx(0.5 / 3)
    assert half == pytest.approx(4.3027 * 0.11547 / 3**0.5, abs=1e-4)


@pytest.mark.slow
def test_the_tasks_part_keeps_every_arm_and_the_record_of_the_scheduler(monkeypatch, tmp_path):
    world = {"n_objects": (5, 5), "kinds": ("relation",)}
    worlds = {"all tasks": (80, world), "pointing": (40, world | {"seed": 1})}
    monkeypatch.setattr(scenes, "WORLDS", worlds)
    monkeypatch.setattr(scenes, "TEST", 40)
    scenes.scenes.cache_clear()
    (table,) = scenes.tasks(1, epochs=2)
    scenes.scenes.cache_clear()
    store("scenes", "tasks", table.title, table.values(), tmp_path, **table.more)
    kept = json.loads((tmp_path / "scenes.json").read_text(encoding="utf-8"))["tasks"]
    assert list(kept["rows"]) == list(scenes.ARMS)
    single, shared, stopping = (kept["rows"][row]["steps"][0] for row in scenes.ARMS)
    assert single == shared >= stopping
    for name in ("going", "validation", "steps"):
        (record,) = kept[name]
        assert set(record) == set(scenes.TASKS)
        assert all(len(epochs) == 2 for epochs in record.values())
