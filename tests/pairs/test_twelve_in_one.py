"""12-in-1: the scheduler's steps, the heads, and one network for several tasks."""

import functools
from dataclasses import replace

import numpy as np
import pytest
import torch
from pairs_world import SMALL, tasks, twelve_in_one, vilbert, world

import mmlearn
from mmlearn.pairs import TASKS, StopAndGo, Task


def test_scripted_scores_stop_a_task_run_it_every_fourth_time_and_resume_it():
    schedule = StopAndGo(["a", "b"])
    scores = {"a": [0.5, 0.5004, 0.5, 0.4976, 0.497, 0.51], "b": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]}
    ran = []
    for i in range(6):  # an epoch has five iterations; then all tasks are validated
        ran.append([sorted(schedule.step()) for _ in range(5)])
        schedule.update({task: values[i] for task, values in scores.items()})
    both, b = ["a", "b"], ["b"]
    assert ran[0] == ran[1] == ran[2] == [both] * 5  # .5004 and .5 gain less than .1 %: it stops
    assert ran[3] == [both, b, b, b, both]  # iterations 16 to 20: every fourth
    assert ran[4] == [b, b, b, both, b]  # .4976 is above .995 * .5: it stays; iteration 24
    assert ran[5] == [both] * 5  # .497 is below .4975: it goes again


def test_a_task_that_goes_again_has_two_validations_before_it_may_stop():
    schedule = StopAndGo(["a"])
    going = []
    for score in (0.5, 0.5, 0.5, 0.4, 0.4, 0.4, 0.4):
        schedule.update({"a": score})
        going.append(bool(schedule.going[0]))
    assert going == [True, True, False, True, True, False, True]


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
    assert [other.step() for _ in range(2)] == [schedule.step() for _ in range(2)] == [["a"], []]


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


@pytest.mark.slow
def test_a_stopped_task_is_trained_in_every_fourth_iteration_only():
    # Labels without meaning: nothing is gained, and the task soon stops.
    rng = np.random.default_rng(0)
    given = tasks(120)
    given["verification"].labels = rng.integers(0, 2, 120)
    model = twelve_in_one(validation_fraction=0.5, epochs=12, batch_size=8)
    counts = []
    loss = mmlearn.pairs.twelve_in_one.TwelveInOneNetwork.loss

    def counted(self, task, *items):
        counts.append(task)
        return loss(self, task, *items)

    network = mmlearn.pairs.twelve_in_one.TwelveInOneNetwork
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "loss", counted)
        model.fit({name: given[name] for name in ("verification", "referring")})
    stopped = [not goes for goes in model.going_["verification"]]
    assert any(stopped)
    assert counts.count("verification") < 12 * 8


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
