"""Scenes: does a model look, and where? Accuracy on held-out scenes, per kind, with controls.

All models of a table see the same training scenes; the test scenes hold no two objects that ever
meet in training. "new wording" asks in sentence patterns that training never shows. Means and
standard deviations over seeds of the models, and in brackets 95 % intervals over seeds and test
questions; seconds are CPU seconds of all training of a model, one thread.

    python -m benchmarks.scenes [relation] [kinds] [reasoning] [tasks] [--seeds 3] [--store]

With three seeds "relation" takes about 14 minutes, "kinds" 25 and "reasoning" 25; "tasks", with
five, about 20. `--store` puts the values of every seed into mmlearn/scoreboard/results/scenes.json,
for README's table; parts may run and be stored in processes of their own at the same time.
"""

import argparse
import copy
import time
from collections import defaultdict
from functools import cache

import numpy as np
import torch
from scipy.stats import t as student

from benchmarks.stored import store
from mmlearn.data import load_scenes
from mmlearn.pairs import (
    R2C,
    TASKS,
    LateFusion,
    Regions,
    Task,
    TwelveInOne,
    ViLBERT,
    answer_and_rationale,
    joint_accuracy,
    joint_scores,
    task_of,
    without_query,
    without_subject,
)

TEST = 1_000  # scenes
WORLDS = {  # how many training scenes, and what is in them: six to eight objects if not said
    "relation": (20_000, {"n_objects": (5, 5), "kinds": ("relation",)}),
    "steps": (8_000, {"kinds": ("relation", "two_steps")}),
    "all kinds": (8_000, {}),
    "all tasks": (4_000, {"n_objects": (5, 5), "kinds": ("relation",)}),
    "pointing": (5_000, {"n_objects": (5, 5), "kinds": ("relation",), "seed": 1}),
}
SEEDS = {"tasks": 5}  # of the models, where it is not three
HELD = {"validation_fraction": 0.03, "device": "cpu"}


@cache
def scenes(world, part):
    """Training or validation scenes, or test scenes in the wording of training or in a new one."""
    n, settings = WORLDS[world]
    if part == "train":
        return load_scenes(n, **settings)
    if part == "validation":
        return load_scenes(n // 2, split="validation", **settings)
    wording = "seen" if part == "test" else "unseen"
    return load_scenes(TEST, split="test", wording=wording, **settings)


class Table:
    """Rows of numbers, collected over seeds, printed as means with standard deviations."""

    def __init__(self, title):
        self.title, self.rows = title, defaultdict(lambda: defaultdict(list))
        self.rights = defaultdict(list)
        self.more = {}  # what is kept beside the rows

    def values(self):
        """What is kept: of each row its columns, and its interval over seeds and questions."""
        found = {name: dict(row) for name, row in self.rows.items()}
        for name, rights in self.rights.items():
            found[name]["interval"] = interval(rights)
        return found

    def remember(self, row, right):
        """Which questions a seed had right, for the interval."""
        self.rights[row].append(right)

    def add(self, row, **values):
        for name, value in values.items():
            self.rows[row][name].append(round(float(value), 4))

    def print(self):
        columns = list(dict.fromkeys(c for row in self.rows.values() for c in row))
        print(f"\n{self.title}\n{'':<34}" + "".join(f"{c:>15}" for c in columns), flush=True)
        for name, row in self.rows.items():
            cells = "".join(f"{_cell(row.get(c)):>15}" for c in columns)
            if name in self.rights:
                cells += "  [{low:.3f}, {high:.3f}]".format(**interval(self.rights[name]))
            print(f"{name:<34}{cells}", flush=True)


def _cell(values):
    if not values:
        return "–"
    mean, sd = np.mean(values), np.std(values, ddof=1) if len(values) > 1 else 0
    return f"{mean:,.0f}" if mean > 2 else f"{mean:.3f} ± {sd:.3f}"


def same(given):
    return given


def by_kind(right, items):
    """Accuracy of each kind of item."""
    return {name: float(right[items.kind == k].mean()) for k, name in enumerate(items.kind_names)}


def interval(rights, draws=2_000):
    """Where 95 % of the accuracies lie if other seeds and other questions had been drawn.

    `rights` (seeds, questions), booleans: seeds are drawn with replacement, and questions, the
    same for all of them.

    >>> interval(np.array([[True, True], [True, True]]))
    {'low': 1.0, 'high': 1.0}
    """
    rights, rng = np.asarray(rights, dtype=float), np.random.default_rng(0)
    seeds, questions = rights.shape
    means = [
        rights[rng.integers(seeds, size=seeds)].mean(0)[rng.integers(questions, size=questions)]
        for _ in range(draws)
    ]
    low, high = np.quantile(np.mean(means, axis=1), (0.025, 0.975))
    return {"low": round(float(low), 4), "high": round(float(high), 4)}


# -- questions with four answers ------------------------------------------------------------------

# What a row is allowed to see: the images, the texts. (Of objects shuffled and subject hidden "at
# test" the model was trained on everything.)
CONTROLS = {
    "co-attention, subject hidden": (same, without_subject),
    "co-attention, no question": (same, without_query),
    "co-attention, image-blind": (Regions.blind, same),
}
AT_TEST = {
    "  its objects shuffled at test": (Regions.shuffled, same),
    "  the subject hidden at test": (same, without_subject),
}


RATE = {"learning_rate": 2e-3, "warm_up": 0.1}


def co_attention(seed, **settings):
    return ViLBERT(head="answers", random_state=seed, **HELD, **RATE, **settings)


def late_fusion(seed, **settings):
    return LateFusion(random_state=seed, **HELD, **RATE, **settings)


def pretrained(world, seed, epochs):
    """A co-attention whose streams have learned to point, and the CPU seconds that it took."""
    train, start = scenes(world, "train"), time.process_time()
    e, words, model = train.expressions, len(train.words), co_attention(seed)
    model.pretrain(Regions.of(train, e.scene), e.tokens, e.label, epochs, words)
    return model, time.process_time() - start


def answering(title, world, seeds, epochs, kinds=False, controls=tuple(CONTROLS)):
    """Co-attention and late fusion, each with what it may not see taken away.

    All rows of co-attention but the one that says so begin with the same pre-trained streams. Late
    fusion has no streams to pre-train: its match is the row that says so. `epochs` are those of
    the pre-training, of the training after it, and of a training without it, about as many steps.
    """
    pretrain, after, alone = epochs
    table = Table(title)
    for seed in range(seeds):
        first, seconds = pretrained(world, seed, pretrain)

        def started(first=first):
            return copy.deepcopy(first).set_params(epochs=after)

        rows = {
            "co-attention": (started(), same, same),
            "co-attention, not pre-trained": (co_attention(seed, epochs=alone), same, same),
            "late fusion": (late_fusion(seed, epochs=alone), same, same),
            **{name: (started(), *CONTROLS[name]) for name in controls},
        }
        for name, (model, see, ask) in rows.items():
            spent = learn(model, see, ask, world) + seconds * hasattr(model, "streams_")
            add(table, name, model, see, ask, world, kinds, spent)
            if name == "co-attention":
                for control, sight in AT_TEST.items():
                    add(table, control, model, *sight, world, kinds)
        table.print()
    return table


def learn(model, see, ask, world):
    """Train a model on what it may see of the world's questions; the CPU seconds."""
    train, start = scenes(world, "train"), time.process_time()
    q = train.questions
    model.fit(see(Regions.of(train, q.scene)), ask(q.answer_choices()), q.label)
    return time.process_time() - start


def add(table, name, model, see, ask, world, kinds, seconds=None):
    right, items = right_answers(model, see, ask, world, "test")
    fresh, _ = right_answers(model, see, ask, world, "new wording")
    table.add(name, all=right.mean(), new_wording=fresh.mean())
    table.remember(name, right)
    if kinds:
        table.add(name, **by_kind(right, items))
    if seconds is not None:
        table.add(name, seconds=seconds)


def right_answers(model, see, ask, world, part):
    s = scenes(world, part)
    q = s.questions
    chosen = model.predict(see(Regions.of(s, q.scene)), ask(q.answer_choices()))
    return chosen == q.label, q


def relation(seeds):
    title = "One-step relations, five objects, four answers (chance .250)"
    return answering(title, "relation", seeds, epochs=(4, 4, 14))


def kinds(seeds):
    title = "Questions of five kinds, six to eight objects, four answers (chance .250)"
    left = ("co-attention, no question", "co-attention, image-blind")
    return answering(title, "all kinds", seeds, (3, 10, 13), kinds=True, controls=left)


# -- answer and rationale -------------------------------------------------------------------------


def reasoning(seeds):
    """Two separate models, of answers and of rationales; what each may not see taken away.

    "Q→AR" chooses the rationale given the right answer, as the benchmark's own validation does;
    "4 x 4" chooses answer and rationale together among all sixteen, told nothing.
    """
    table = Table("R2C: answer, and rationale given the right answer (chance .250 .250 .0625)")
    controls = {
        "R2C": (same, same),
        "subject hidden": (same, without_subject),
        "image-blind": (Regions.blind, same),
        "response-only": (Regions.blind, without_query),
    }
    for seed in range(seeds):
        for name, (see, ask) in controls.items():
            start = time.process_time()
            models = _reasoners(see, ask, seed)
            seconds = time.process_time() - start
            _reason(table, name, models, see, ask)
            table.add(name, seconds=seconds)
            if name == "R2C":
                _reason(table, "  its objects shuffled at test", models, Regions.shuffled, ask)
        table.print()
    return table


def _sides(questions):
    """Texts and labels of Q→A and of QA→R."""
    return (
        (questions.answer_choices(), questions.label),
        (questions.rationale_choices(), questions.rationale_label),
    )


def _reasoners(see, ask, seed, epochs=(8, 8)):
    """A model of answers and one of rationales, separate as the paper's."""
    train = scenes("steps", "train")
    images = see(Regions.of(train, train.questions.scene))
    return [
        R2C(epochs=n, random_state=seed, **HELD).fit(images, ask(texts), labels)
        for (texts, labels), n in zip(_sides(train.questions), epochs, strict=True)
    ]


def _reason(table, name, models, see, ask):
    test = scenes("steps", "test")
    images = see(Regions.of(test, test.questions.scene))
    (a, a_label), (r, r_label) = ((ask(texts), label) for texts, label in _sides(test.questions))
    chosen = [model.predict(images, texts) for model, texts in zip(models, (a, r), strict=True)]
    both = answer_and_rationale(chosen[0], a_label, chosen[1], r_label)
    table.add(name, **both)
    if ask is not without_query:  # without a question there is no answer to give reasons for
        scores = joint_scores(*models, images, a, r)
        table.add(name, **{"4 x 4": joint_accuracy(scores, a_label, r_label)})
    table.remember(name, (chosen[0] == a_label) & (chosen[1] == r_label))


# -- several tasks --------------------------------------------------------------------------------


ARMS = {  # which tasks a network has, and whether the scheduler stops any
    "one network a task": ([[name] for name in TASKS], False),
    "one network for all, no stops": ([list(TASKS)], False),
    "one network for all": ([list(TASKS)], True),
}


def tasks(seeds, epochs=6):
    """A network for each task, one for all, and one for all with the stop-and-go scheduler.

    All see the same items in as many epochs. The first two take as many steps for every task; the
    third takes fewer where a task has stopped ("steps": of all tasks). All begin with the same
    streams, as the paper's begin with ViLBERT's: they have learned to point at what an expression
    means, in scenes of their own. Their seconds are in those of all networks. Each network keeps
    the epoch that does best on its own tasks' validation, in scenes of the validation split: about
    1,000 items a task, so that noise stops a task that gains .03 an epoch in a run of a hundred.
    """
    table = Table("One network for five tasks, or one for each: accuracy on held-out scenes")
    given, held, test = (_tasks_of(part) for part in ("train", "validation", "test"))
    table.more = {"going": [], "validation": [], "steps": []}
    for seed in range(seeds):
        start, seconds = _streams(seed)
        for row, (groups, stop_and_go) in ARMS.items():
            began, settings = time.process_time(), {"epochs": epochs, "stop_and_go": stop_and_go}
            models = [
                TwelveInOne(random_state=seed, device="cpu", **settings).fit(
                    _some(given, names), start, _some(held, names)
                )
                for names in groups
            ]
            spent = seconds + time.process_time() - began
            table.add(row, **_on(test, models), **_size(models), seconds=spent)
        table.print()
        (model,) = models
        _print_schedule(model)
        for name, record in (
            ("going", model.going_), ("validation", model.scores_), ("steps", model.steps_),
        ):  # fmt: skip
            table.more[name].append(record)
    for one, other in (
        ("one network for all, no stops", "one network a task"),
        ("one network for all", "one network for all, no stops"),
        ("one network for all", "one network a task"),
    ):
        print_differences(table, one, other, (*TASKS, "mean"))
    return table


def _some(tasks, names):
    return {name: tasks[name] for name in names}


def _on(test, models):
    """The accuracy of each task by the network that has it, and their mean."""
    scores = {
        name: model.score(name, test[name].images, test[name].texts, test[name].labels)
        for model in models
        for name in model.tasks_
    }
    return scores | {"mean": np.mean(list(scores.values()))}


def _size(models):
    """Parameters of all networks together, and the steps that all tasks took."""
    return {
        "parameters": sum(p.numel() for m in models for p in m.module_.parameters()),
        "steps": sum(sum(steps) for m in models for steps in m.steps_.values()),
    }


def difference(a, b):
    """Mean of the differences a - b, seed by seed, and the half width of its 95 % t interval.

    >>> mean, half = difference([0.5, 0.6, 0.7], [0.4, 0.5, 0.4])
    >>> round(mean, 3), round(half, 3)
    (0.167, 0.287)
    """
    d = np.subtract(a, b)
    if len(d) < 2:
        return float(d.mean()), float("nan")
    half = student.ppf(0.975, len(d) - 1) * d.std(ddof=1) / len(d) ** 0.5
    return float(d.mean()), float(half)


def print_differences(table, one, other, columns):
    print(f"\n{one} - {other}, paired by seed: mean and 95 % t interval")
    for column in columns:
        mean, half = difference(table.rows[one][column], table.rows[other][column])
        print(f"  {column:<16}{mean:+.3f} ± {half:.3f}", flush=True)


def _tasks_of(part):
    """Every task of the world, with equally many items; the test has all that there are."""
    found = {name: task_of(name, scenes("all tasks", part)) for name in TASKS}
    if part == "test":
        return found
    n = min(len(task.labels) for task in found.values())
    return {name: _first(task, n) for name, task in found.items()}


def _first(task, n):
    """n items of a task, drawn at random."""
    rows = np.random.default_rng(0).permutation(len(task.labels))[:n]
    images = task.images
    images = tuple(i[rows] for i in images) if isinstance(images, tuple) else images[rows]
    return Task(images, task.texts[rows], task.labels[rows], task.pictures[rows])


def _streams(seed):
    """ViLBERT's streams that can point, and the seconds that it took."""
    train, began = scenes("pointing", "train"), time.process_time()
    e = train.expressions
    model = ViLBERT(random_state=seed, device="cpu", **RATE)
    model.pretrain(Regions.of(train, e.scene), e.tokens, e.label, 2, len(train.words))
    return model, time.process_time() - began


def _print_schedule(model):
    for name in TASKS:
        print(f"  {name:<16}" + "".join("go " if g else "stop " for g in model.going_[name]))


PARTS = {"relation": relation, "kinds": kinds, "reasoning": reasoning, "tasks": tasks}


def main(arguments=()):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=list(PARTS))
    parser.add_argument("--seeds", type=int, help="of the models: 3, of the tasks 5")
    parser.add_argument("--store", action="store_true", help="keep the figures")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    for part in given.parts:
        table = PARTS[part](given.seeds or SEEDS.get(part, 3))
        if given.store:
            store("scenes", part, table.title, table.values(), **table.more)


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
