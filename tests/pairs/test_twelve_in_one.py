"""12-in-1: the scheduler's steps, the heads, and one network for several tasks."""

import functools
from dataclasses import replace

import numpy as np
import pytest
import torch
from pairs_world import SMALL, tasks, twelve_in_one, vilbert, world
from torch.nn import functional

import mmlearn
from mmlearn.data import load_scenes
from mmlearn.pairs import TASKS, StopAndGo, Task, task_of
from mmlearn.pairs.tasks import held_out
from mmlearn.training import fit
from mmlearn.training.randomness import seed_everything


def going_after(scores, **settings):
    """ "g" or "s" after each validation of one task: does it go, or has it stopped?"""
    schedule, found = StopAndGo(["a"], **settings), ""
    for score in scores:
        schedule.update({"a": score})
        found += "g" if schedule.going[0] else "s"
    return found


def test_scripted_scores_stop_a_task_run_it_every_fourth_time_and_resume_it():
    schedule = StopAndGo(["a", "b"])
    scores = {"a": [0.5, 0.5004, 0.5, 0.4976, 0.497, 0.51], "b": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]}
    ran = []
    for i in range(6):  # an epoch has five iterations; then all tasks are validated
        ran.append([schedule.step() for _ in range(5)])
        schedule.update({task: values[i] for task, values in scores.items()})
    both, b = ["a", "b"], ["b"]
    assert ran[0] == ran[1] == ran[2] == [both] * 5  # .5004 and .5 gain less than .1 %: it stops
    assert ran[3] == [b, both, b, b, b]  # iterations 15 to 19: every fourth
    assert ran[4] == [both, b, b, b, both]  # .4976 is above .995 * .5: it stays; 20 and 24
    assert ran[5] == [both] * 5  # .497 is below .4975: it goes again
    assert schedule.steps.tolist() == [5 * 4 + 3, 5 * 6]


@pytest.mark.parametrize(
    ("scores", "going"),
    [
        ([0.5] * 3 + [0.4] * 6, "ggsgggsgg"),  # stopped, resumed, in cooldown, stopped, resumed
        ([0.5] * 10, "ggssssssss"),
        ([0.5, 0.5, 0.5, 0.5, 0.5, 0.4, 0.4, 0.4], "ggssssgg"),  # it stops again: no resuming
        ([0.5, 0.5, 0.5, 0.4999, 0.4999, 0.4, 0.4], "ggssssg"),
        ([0.0, 0.0, 0.0, 0.0], "ggss"),
        ([0.1, 0.2, 0.2, 0.3, 0.3, 0.2, 0.29, 0.29, 0.28], "gggggsggg"),
    ],
)
def test_the_traces_are_those_of_the_released_scheduler(scores, going):
    assert going_after(scores) == going == released(scores)


def released(scores, patience=1, gain=1e-3, drop=5e-3, cooldown=1):
    """The rules of the released code, told once more for a single task."""
    best, misses, cooling, stopped, found = -np.inf, 0, 0, False, ""
    for score in scores:
        better = score > best * (1 + gain)
        best, misses = (score, 0) if better else (best, misses + 1)
        if cooling > 0:
            cooling, misses = cooling - 1, 0
        if misses > patience:
            stopped, cooling, misses = True, cooldown, 0
        elif stopped and score < best * (1 - drop):
            stopped, cooling, misses = False, cooldown, 0
        found += "s" if stopped else "g"
    return found


def test_random_traces_are_those_of_the_released_scheduler():
    rng = np.random.default_rng(0)
    for _ in range(200):
        scores = 0.5 + 0.02 * rng.integers(-3, 4, size=12)
        assert going_after(scores) == released(scores)


@pytest.mark.parametrize(
    ("settings", "going"),
    [
        ({"patience": 0}, "gsssggsgg"),
        ({"patience": 8}, "ggggggggg"),
        ({"cooldown": 0}, "ggsggsggs"),
        ({"resume": 0.5}, "ggsssssss"),
        ({"gain": 0.0}, "ggsgggsgg"),
    ],
)
def test_the_schedulers_settings_are_open(settings, going):
    assert going_after([0.5] * 3 + [0.4] * 6, **settings) == going


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"gap": 0}, "gap must be a whole number of at least 1, got 0"),
        ({"gain": -0.1}, "gain must not be negative"),
        ({"resume": 1.5}, "resume must lie between 0 and 1"),
        ({"cooldown": 0.5}, "cooldown must be a whole number"),
        ({"task_patience": -1}, "the scheduler's patience must be a whole number of at least 0"),
    ],
)
def test_settings_that_cannot_be_met_are_refused_in_one_sentence(settings, sentence):
    with pytest.raises(ValueError, match=sentence) as caught:
        twelve_in_one(**settings).fit(tasks())
    assert "\n" not in str(caught.value)


def stops_in_six(n_held, gain=0.01, runs=400):
    """Share of runs in which a task that gains steadily stops within six validations."""
    truth = 0.5 + gain * np.arange(6)
    scores = np.random.default_rng(0).binomial(n_held, truth, size=(runs, 6)) / n_held
    return np.mean(["s" in going_after(s) for s in scores])


@pytest.mark.parametrize(("n_held", "said"), [(153, 0.77), (2000, 0.26), (8000, 0.02)])
def test_how_often_noise_stops_a_task_that_gains_is_what_the_docstring_says(n_held, said):
    assert stops_in_six(n_held) == pytest.approx(said, abs=0.06)
    assert f"{said:.2f}".removeprefix("0") in StopAndGo.__doc__


def test_a_gain_of_more_than_a_thousandth_counts_and_one_of_less_does_not():
    for gain, goes in ((1.0011, True), (1.0009, False)):
        schedule = StopAndGo(["a"])
        for score in (0.5, 0.5, 0.5 * gain):
            schedule.update({"a": score})
        assert bool(schedule.going[0]) is goes


def test_the_schedulers_state_is_saved_with_the_network():
    schedule, other = StopAndGo(["a"]), StopAndGo(["a"])
    for score in (0.5, 0.5, 0.5):
        schedule.step()
        schedule.update({"a": score})
    other.load_state_dict(schedule.state_dict())
    assert [other.step() for _ in range(2)] == [schedule.step() for _ in range(2)] == [[], ["a"]]


@functools.cache
def fitted():
    return twelve_in_one(validation_fraction=0.2, epochs=3).fit(tasks())


@pytest.mark.parametrize(
    ("name", "classes"),
    [("answering", 4), ("retrieval", 4), ("referring", 5), ("verification", 2), ("entailment", 3)],
)
def test_every_head_chooses_among_its_own_classes(name, classes):
    task = tasks(40, seed=1)[name]
    scores = fitted()._scores(name, task.images, task.texts)
    assert scores.shape == (len(task.labels), classes)
    assert torch.isfinite(scores).all()
    chosen = fitted().predict(name, task.images, task.texts)
    accuracy = fitted().score(name, task.images, task.texts, task.labels)
    assert accuracy == (chosen == task.labels).mean()


def test_the_tasks_token_makes_the_difference():
    network, w = fitted().module_, world(4)
    images = fitted().scaler_(w.images)
    tokens = torch.as_tensor(w.texts[:, 0])
    with torch.no_grad():
        a, b = (network.read(task, images, tokens)[1] for task in ("referring", "entailment"))
        words = network.streams.words.weight
        words[network.vocabulary + 2] = words[network.vocabulary + 4]
        same, _ = (network.read(task, images, tokens)[1] for task in ("referring", "entailment"))
    assert not torch.allclose(a, b)
    torch.testing.assert_close(same, b)
    fitted.cache_clear()  # its words were changed


def test_referring_never_chooses_a_region_that_is_not_there():
    w = world(20)
    rows, boxes = w.images.rows.clone(), w.images.boxes.clone()
    rows[:, 2:], boxes[:, 2:] = 0, 0
    few = w.images._with(rows=rows, boxes=boxes)
    assert fitted().predict("referring", few, w.texts[:, 0, :4]).max() <= 1


@pytest.mark.slow
def test_it_points_at_what_is_named_in_new_images_and_elsewhere_when_objects_are_shuffled():
    w, t = world(1500, names=8), world(300, seed=1, names=8)
    model = twelve_in_one(learning_rate=3e-3, batch_size=32)
    model.fit({"referring": Task(w.images, w.texts[:, 0, :4], w.regions)})
    question = t.texts[:, 0, :4]
    assert model.score("referring", t.images, question, t.regions) > 0.95
    assert model.score("referring", t.images.shuffled(), question, t.regions) < 0.1


def test_the_two_images_of_a_statement_are_told_apart():
    w = world(20)
    tokens, other = w.texts[:, 0, :4], w.images[::-1]
    one = fitted()._scores("verification", (w.images, other), tokens)
    two = fitted()._scores("verification", (other, w.images), tokens)
    assert not torch.allclose(one, two)


def test_each_task_is_validated_after_each_epoch_and_the_scheduler_learns_of_it():
    model = fitted()
    assert all(len(model.scores_[task]) == len(model.going_[task]) == 3 for task in TASKS)
    assert all(model.going_[task][0] for task in TASKS)
    means = np.mean([model.scores_[task] for task in TASKS], axis=0)
    np.testing.assert_allclose(means, model.history_.validation)


TWO = ("referring", "entailment")


def stopping(**settings):
    """No score passes this gain: every task has stopped after the second validation, for good."""
    settings = {"gain": 100.0, "task_patience": 0, "resume": 0.0, "validation_fraction": 0.2,
                "epochs": 4, "batch_size": 8} | settings  # fmt: skip
    return twelve_in_one(**settings).fit({name: tasks()[name] for name in TWO})


def test_a_stopped_task_trains_in_every_gap_th_iteration_and_the_record_tells():
    model = stopping(gap=3)
    iterations = 48 // 8
    assert model.going_ == {task: [True, False, False, False] for task in TWO}
    assert model.steps_ == {task: [iterations, iterations, 2, 2] for task in TWO}
    assert all(len(model.scores_[task]) == 4 for task in TWO)


def test_where_all_have_stopped_nothing_moves():
    seen = []

    def look(training):
        seen.append([p.detach().clone() for p in training.module.parameters()])

    model = stopping(gap=10_000, on_epoch=look)
    assert all(torch.equal(a, b) for a, b in zip(seen[2], seen[3], strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(seen[1], seen[2], strict=True))
    assert np.isfinite(model.history_.loss).tolist() == [True, True, False, False]
    assert [sum(steps) for steps in model.steps_.values()] == [12] * 2


def test_without_stop_and_go_all_tasks_train_always_and_are_validated_still():
    model = stopping(stop_and_go=False)
    assert model.going_ == {task: [True] * 4 for task in TWO}
    assert model.steps_ == {task: [6] * 4 for task in TWO}
    assert all(len(model.scores_[task]) == 4 for task in TWO)


def test_without_validation_steps_are_told_and_nothing_is_scored():
    model = twelve_in_one(batch_size=8).fit({name: tasks()[name] for name in TWO})
    assert model.steps_ == {task: [8, 8] for task in TWO}
    assert model.scores_ == model.going_ == {task: [] for task in TWO}


def test_a_training_that_went_on_from_a_checkpoint_tells_of_all_its_epochs(tmp_path):
    killed = []

    def kill_once(training):
        if training.progress == 0.5 and not killed:
            killed.append(True)
            raise InterruptedError

    settings = {"checkpoint": tmp_path / "run.safetensors", "on_epoch": kill_once}
    with pytest.raises(InterruptedError):
        stopping(**settings)
    resumed, whole = stopping(**settings), stopping()
    for name in ("scores_", "going_", "steps_"):
        assert getattr(resumed, name) == getattr(whole, name)


def test_one_task_alone_is_trained_as_the_plain_loop_trains_its_loss():
    given = tasks()["retrieval"]
    model = twelve_in_one(batch_size=16).fit({"retrieval": given})
    seed_everything(0)
    network = model._network()

    def loss(network, images, texts, labels):
        return functional.cross_entropy(network("retrieval", images, texts), labels)

    items = (
        model.scaler_(given.images),
        torch.as_tensor(given.texts),
        torch.as_tensor(given.labels),
    )
    settings = {"epochs": 2, "batch_size": 16, "weight_decay": 1e-2, "clip": 1.0}
    history = fit(network, loss, items, device="cpu", progress=False, **settings)
    assert history.loss == model.history_.loss
    for a, b in zip(network.parameters(), model.module_.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


# -- validation -----------------------------------------------------------------------------------


def shown(model_tasks, held, kept):
    """The pictures of the items that are held out, or that are trained on, of each task."""
    return {
        name: set(np.unique(task.pictures[held[name].numpy() != kept]))
        for name, task in model_tasks.items()
    }


def scenes_tasks():
    scenes = load_scenes(400, n_objects=(5, 5), kinds=("relation",))
    return {name: task_of(name, scenes) for name in TASKS}


@pytest.mark.parametrize("given", [tasks, scenes_tasks])
def test_no_picture_of_a_validation_is_trained_on_by_any_task(given):
    given = given()
    held = held_out(given, 0.2, seed=0)
    validated = set().union(*shown(given, held, kept=False).values())
    trained = set().union(*shown(given, held, kept=True).values())
    assert not validated & trained
    assert 0.1 < len(validated) / len(validated | trained) <= 0.2
    assert all(0 < int(rows.sum()) < len(rows) for rows in held.values())


def test_what_is_trained_on_is_what_is_not_held_out():
    given, seen = tasks(), []
    model = twelve_in_one(validation_fraction=0.2, epochs=1, on_epoch=seen.append).fit(given)
    held = held_out(given, 0.2, seed=0)
    kept, watched = (model._by_task(x)["entailment"] for x in (seen[0].items, seen[0].held))
    labels = torch.as_tensor(given["entailment"].labels)
    assert torch.equal(watched[-1], labels[held["entailment"]])
    rows = torch.arange(len(kept[-1])) % int((~held["entailment"]).sum())
    assert torch.equal(kept[-1], labels[~held["entailment"]][rows])
    assert model.n_held_ == {name: int(rows.sum()) for name, rows in held.items()}


def test_held_out_items_of_ones_own_are_validated_on_and_all_others_trained_on():
    given, own, seen = tasks(), tasks(20, seed=1), []
    settings = {"epochs": 2, "batch_size": 16, "patience": 2}
    model = twelve_in_one(on_epoch=seen.append, **settings).fit(given, validation=own)
    assert model.n_held_ == {name: len(task.labels) for name, task in own.items()}
    trained = model._by_task(seen[0].items)["referring"][-1]
    assert torch.equal(trained, torch.as_tensor(given["referring"].labels))
    best = model.history_.best_epoch
    for name, task in own.items():
        score = model.score(name, task.images, task.texts, task.labels)
        assert score == model.scores_[name][best]


@pytest.mark.parametrize(
    ("settings", "names"), [({"validation_fraction": 0.2}, ["referring"]), ({}, []), ({}, TASKS)]
)
def test_held_out_items_that_do_not_fit_are_refused(settings, names):
    given = tasks()
    own = {name: given[name] for name in names}
    with pytest.raises(ValueError, match="validation needs the tasks that are trained"):
        twelve_in_one(**settings).fit({"referring": given["referring"]}, validation=own)


def test_images_of_different_kinds_are_refused():
    given, other = tasks(), world(60, d=8)
    given["retrieval"] = Task(other.images, other.texts, other.labels)
    with pytest.raises(ValueError, match="equally many features a region"):
        twelve_in_one().fit(given)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"pictures": None}, "needs to know which picture each item shows"),
        ({"pictures": np.arange(60) / 2}, r"whole numbers \(60,\), got float64 \(60,\)"),
        ({"pictures": np.zeros(60, dtype=int)}, "holds out 0 of 60 items of the task 'referring'"),
    ],
)
def test_pictures_that_cannot_be_split_are_said_in_one_sentence(change, sentence):
    given = tasks()
    given = {name: given[name] for name in ("referring", "answering")}
    given["referring"] = replace(given["referring"], **change)
    with pytest.raises(ValueError, match=sentence) as caught:
        twelve_in_one(validation_fraction=0.2).fit(given)
    assert "\n" not in str(caught.value)


# -- one network ----------------------------------------------------------------------------------


def test_smaller_tasks_begin_again_within_an_epoch():
    given = tasks()
    assert len(given["entailment"].labels) < len(given["referring"].labels)
    model = twelve_in_one().fit({name: given[name] for name in ("entailment", "referring")})
    assert len(model.history_.loss) == 2


def test_one_network_is_smaller_than_a_network_for_each_task():
    def size(model):
        return sum(p.numel() for p in model.module_.parameters())

    given = tasks()
    single = [size(twelve_in_one(epochs=1).fit({name: given[name]})) for name in TASKS]
    assert size(fitted()) < sum(single) / 2


def test_saving_loading_and_a_second_training_keep_every_tasks_scores(tmp_path):
    model = twelve_in_one().fit(tasks())
    mmlearn.save(model, tmp_path / "model")
    for again in (mmlearn.load(tmp_path / "model"), twelve_in_one().fit(tasks())):
        for name, task in tasks(20, seed=1).items():
            a, b = (m._scores(name, task.images, task.texts) for m in (model, again))
            torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_training_may_begin_with_the_streams_of_a_pretrained_vilbert():
    given = tasks()
    first = vilbert(epochs=1).pretrain(
        given["referring"].images, given["referring"].texts, given["referring"].labels, epochs=1
    )
    model = twelve_in_one(learning_rate=1e-12, weight_decay=0.0, epochs=1).fit(given, start=first)
    assert model.scaler_ is first.scaler_
    for name, weight in first.streams_.items():
        own = model.module_.streams.state_dict()[name]
        torch.testing.assert_close(own[: len(weight)] if own.ndim else own, weight)


def test_what_it_may_begin_with_is_said_in_one_sentence():
    with pytest.raises(ValueError, match="start must be a ViLBERT after pretrain"):
        twelve_in_one().fit(tasks(), start=vilbert())
    given = tasks()["referring"]
    larger = vilbert().set_params(config=replace(SMALL, text_ff=32))
    larger.pretrain(given.images, given.texts, given.labels, epochs=1)
    with pytest.raises(ValueError, match="same config"):
        twelve_in_one().fit(tasks(), start=larger)


def test_a_refused_start_leaves_what_was_fitted_before():
    given = tasks()
    model = twelve_in_one(epochs=1).fit({"referring": given["referring"]})
    before = model.predict("referring", given["referring"].images, given["referring"].texts)
    with pytest.raises(ValueError, match="after pretrain"):
        model.fit(given, start=vilbert())
    after = model.predict("referring", given["referring"].images, given["referring"].texts)
    np.testing.assert_array_equal(after, before)
    assert model.tasks_ == ["referring"]


def test_score_pairs_is_the_retrieval_head():
    w = world(20)
    scores = fitted().score_pairs(w.images, w.texts)
    assert scores.shape == (20, 4)
    one = fitted().score_pairs(w.images, w.texts[:, 1])
    np.testing.assert_allclose(one, scores[:, 1], atol=1e-5)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: {"naming": t["referring"]}, "unknown task 'naming'; known tasks: answering"),
        (lambda t: {}, "at least one task"),
        (lambda t: {"verification": t["referring"]}, "verification needs two images"),
        (lambda t: {"referring": t["answering"]}, r"takes texts \(n, tokens\)"),
        (lambda t: {"retrieval": t["referring"]}, r"takes texts \(n, choices, tokens\)"),
        (lambda t: {"entailment": t["referring"]}, "must lie from 0 to 2"),
        (lambda t: {"entailment": Task(t["entailment"].images, t["entailment"].texts, None)},
         "needs labels"),
        (lambda t: {"entailment": Task(t["entailment"].images, t["entailment"].texts, [0.5] * 30)},
         "no whole numbers in 30 rows"),
        (lambda t: {"entailment": Task(t["entailment"].images, t["entailment"].texts, [1.0] * 30)},
         "one whole number a text"),
        (lambda t: {"entailment": Task(t["entailment"].images, t["entailment"].texts, [None] * 30)},
         "labels of the task 'entailment' are missing in 30 rows"),
        (lambda t: {"referring": Task(t["referring"].images.blind(), t["referring"].texts,
                                      t["referring"].labels)}, "region that is not there"),
        (lambda t: {"referring": Task(t["referring"].images,
                                      np.full((60, 12), 11), t["referring"].labels)},
         "12 tokens, but the config holds 11"),
    ],
)  # fmt: skip
def test_bad_tasks_get_one_clear_sentence(change, sentence):
    with pytest.raises(ValueError, match=sentence) as caught:
        twelve_in_one().fit(change(tasks()))
    assert "\n" not in str(caught.value)


def test_a_task_it_was_not_fitted_on_is_unknown_to_it():
    given = tasks()
    model = twelve_in_one(epochs=1).fit({"referring": given["referring"]})
    with pytest.raises(ValueError, match="unknown task 'answering'; known tasks: referring"):
        model.predict("answering", given["answering"].images, given["answering"].texts)


def test_attention_is_shown_for_a_task_with_its_token_after_the_first_word():
    given = tasks()["referring"]
    model = fitted()
    shown = model.attention("referring", given.images, given.texts)
    n, length = given.texts.shape
    assert shown.shape == (n, length + 1, 1 + given.images.max_regions)
    np.testing.assert_allclose(shown.sum(axis=2), 1, atol=1e-5)
    back = model.attention(
        "entailment", given.images, given.texts, layer=0, head=0, direction="regions_to_words"
    )
    assert back.shape == (n, 1 + given.images.max_regions, length + 1)
    other = model.attention("entailment", given.images, given.texts)
    assert not np.allclose(shown, other)
    with pytest.raises(ValueError, match="one text an image"):
        model.attention("referring", given.images, tasks()["answering"].texts)
