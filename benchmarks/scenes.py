"""Scenes: does a model look, and where? Accuracy on held-out scenes, per kind, with controls.

All models of a table see the same training scenes; the test scenes hold no two objects that ever
meet in training. "new wording" asks in sentence patterns that training never shows. Means and
standard deviations over seeds of the models; seconds are CPU seconds of all training of a model,
one thread. python -m benchmarks.scenes [relation] [kinds] [reasoning] [tasks] [--seeds 3] [--store]

All parts with three seeds take about 90 minutes. `--store` puts the values of every seed into
mmlearn/scoreboard/results/scenes.json, for README's table.
"""

import argparse
import time
from collections import defaultdict
from functools import cache

import numpy as np
import torch

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
    task_of,
    without_query,
)

TEST = 1_000  # scenes
WORLDS = {  # how many training scenes, and what is in them: six to eight objects if not said
    "relation": (20_000, {"n_objects": (5, 5), "kinds": ("relation",)}),
    "steps": (8_000, {"kinds": ("relation", "two_steps")}),
    "all kinds": (10_000, {}),
    "all tasks": (10_000, {"n_objects": (5, 5), "kinds": ("relation",)}),
}
HELD = {"validation_fraction": 0.03, "device": "cpu"}


@cache
def scenes(world, part):
    """Training scenes, or test scenes in the wording of training ("test") or in a new one."""
    n, settings = WORLDS[world]
    if part == "train":
        return load_scenes(n, **settings)
    wording = "seen" if part == "test" else "unseen"
    return load_scenes(TEST, split="test", wording=wording, **settings)


class Table:
    """Rows of numbers, collected over seeds, printed as means with standard deviations."""

    def __init__(self, title):
        self.title, self.rows = title, defaultdict(lambda: defaultdict(list))

    def values(self):
        return {name: dict(row) for name, row in self.rows.items()}

    def add(self, row, **values):
        for name, value in values.items():
            self.rows[row][name].append(round(float(value), 4))

    def print(self):
        columns = list(dict.fromkeys(c for row in self.rows.values() for c in row))
        print(f"\n{self.title}\n{'':<34}" + "".join(f"{c:>15}" for c in columns), flush=True)
        for name, row in self.rows.items():
            print(f"{name:<34}" + "".join(f"{_cell(row.get(c)):>15}" for c in columns), flush=True)


def _cell(values):
    if not values:
        return "–"
    mean, sd = np.mean(values), np.std(values, ddof=1) if len(values) > 1 else 0
    return f"{mean:,.0f}" if mean > 2 else f"{mean:.3f} ± {sd:.3f}"


def same(images):
    return images


def by_kind(right, items):
    """Accuracy of each kind of item."""
    return {name: float(right[items.kind == k].mean()) for k, name in enumerate(items.kind_names)}


# -- questions with four answers ------------------------------------------------------------------


def answer(model, see, world, pretrain=0):
    """Train a model on the world's questions; its accuracies as columns, and the seconds."""
    train, start = scenes(world, "train"), time.process_time()
    if pretrain:
        e, words = train.expressions, len(train.words)
        model.pretrain(Regions.of(train, e.scene), e.tokens, e.label, pretrain, words)
    q = train.questions
    model.fit(see(Regions.of(train, q.scene)), q.answer_choices(), q.label)
    return time.process_time() - start


def right_answers(model, see, world, part):
    s = scenes(world, part)
    q = s.questions
    return model.predict(see(Regions.of(s, q.scene)), q.answer_choices()) == q.label, q


def co_attention(**settings):
    return ViLBERT(head="answers", **settings)


def answering(title, world, seeds, epochs, pretrain, kinds):
    table = Table(title)
    models = {
        "co-attention": (co_attention, same, pretrain),
        "co-attention, not pre-trained": (co_attention, same, 0),
        "late fusion": (LateFusion, same, 0),
        "co-attention, image-blind": (co_attention, Regions.blind, 0),
    }
    for seed in range(seeds):
        for name, (make, see, first) in models.items():
            model = make(epochs=epochs, random_state=seed, **HELD)
            seconds = answer(model, see, world, first)
            _add(table, name, model, see, world, kinds, seconds)
            if name == "co-attention":
                _add(table, "  its objects shuffled at test", model, Regions.shuffled, world, kinds)
        table.print()
    return table


def _add(table, name, model, see, world, kinds, seconds=None):
    right, items = right_answers(model, see, world, "test")
    fresh, _ = right_answers(model, see, world, "new wording")
    table.add(name, all=right.mean(), new_wording=fresh.mean())
    if kinds:
        table.add(name, **by_kind(right, items))
    if seconds is not None:
        table.add(name, seconds=seconds)


def relation(seeds):
    title = "One-step relations, five objects, four answers (chance .250)"
    return answering(title, "relation", seeds, epochs=10, pretrain=2, kinds=False)


def kinds(seeds):
    title = "Questions of five kinds, six to eight objects, four answers (chance .250)"
    return answering(title, "all kinds", seeds, epochs=5, pretrain=3, kinds=True)


# -- answer and rationale -------------------------------------------------------------------------


def reasoning(seeds):
    table = Table("R2C: answer, and rationale given the right answer (chance .250 .250 .0625)")
    controls = {
        "R2C": (same, same),
        "image-blind": (Regions.blind, same),
        "response-only": (Regions.blind, without_query),
    }
    for seed in range(seeds):
        for name, (see, ask) in controls.items():
            start = time.process_time()
            models = _reasoners(see, ask, seed)
            seconds = time.process_time() - start
            table.add(name, **_reason(models, see, ask), seconds=seconds)
            if name == "R2C":
                shuffled = _reason(models, Regions.shuffled, ask)
                table.add("  its objects shuffled at test", **shuffled)
        table.print()
    return table


def _sides(questions):
    """Texts and labels of Q→A and of QA→R."""
    return (
        (questions.answer_choices(), questions.label),
        (questions.rationale_choices(), questions.rationale_label),
    )


def _reasoners(see, ask, seed, epochs=(4, 3)):
    """A model of answers, and one of rationales that begins as the first ended."""
    train, models = scenes("steps", "train"), [None]
    images = see(Regions.of(train, train.questions.scene))
    for (texts, labels), n in zip(_sides(train.questions), epochs, strict=True):
        model = R2C(epochs=n, random_state=seed, **HELD)
        models.append(model.fit(images, ask(texts), labels, start=models[-1]))
    return models[1:]


def _reason(models, see, ask):
    test = scenes("steps", "test")
    images = see(Regions.of(test, test.questions.scene))
    (a, a_label), (r, r_label) = _sides(test.questions)
    chosen = [model.predict(images, ask(t)) for model, t in zip(models, (a, r), strict=True)]
    return answer_and_rationale(chosen[0], a_label, chosen[1], r_label)


# -- several tasks --------------------------------------------------------------------------------


def tasks(seeds, epochs=6):
    """A network for each task against one for all, with as many batches of every task.

    All begin with the same streams, as the paper's begin with ViLBERT's: they have learned to
    point at what an expression means. Their seconds are in those of all networks.
    """
    table = Table("One network for five tasks, or one for each: accuracy on held-out scenes")
    given, test = _tasks_of("train"), _tasks_of("test")
    for seed in range(seeds):
        settings = {"epochs": epochs, "random_state": seed, **HELD}
        start, seconds = _streams(seed)
        groups = {
            "one network a task": [[name] for name in TASKS],
            "one network for all": [list(TASKS)],
        }
        for row, group in groups.items():
            began = time.process_time()
            models = [
                TwelveInOne(**settings).fit({name: given[name] for name in names}, start)
                for names in group
            ]
            spent = seconds + time.process_time() - began
            scores = {
                name: model.score(name, test[name].images, test[name].texts, test[name].labels)
                for model in models
                for name in model.tasks_
            }
            size = sum(p.numel() for model in models for p in model.module_.parameters())
            mean = np.mean(list(scores.values()))
            table.add(row, **scores, mean=mean, seconds=spent, parameters=size)
        table.print()
        _print_schedule(models[-1])
    return table


def _tasks_of(part):
    """Every task of the world, with equally many items."""
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
    return Task(images, task.texts[rows], task.labels[rows])


def _streams(seed):
    """ViLBERT's streams that can point, and the seconds that it took."""
    train, began = scenes("all tasks", "train"), time.process_time()
    e = train.expressions
    model = ViLBERT(random_state=seed, device="cpu")
    model.pretrain(Regions.of(train, e.scene), e.tokens, e.label, 3, len(train.words))
    return model, time.process_time() - began


def _print_schedule(model):
    for name in TASKS:
        print(f"  {name:<16}" + "".join("go " if g else "stop " for g in model.going_[name]))


PARTS = {"relation": relation, "kinds": kinds, "reasoning": reasoning, "tasks": tasks}


def main(arguments=()):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=list(PARTS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--store", action="store_true", help="keep the figures")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    for part in given.parts:
        table = PARTS[part](given.seeds)
        if given.store:
            store("scenes", part, table.title, table.values())


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
