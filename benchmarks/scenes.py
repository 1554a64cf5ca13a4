"""Scenes: does a model look, and where? Accuracy on held-out scenes, per kind, with controls.

Every model sees the same training scenes (10,000 a world); the test scenes hold no two objects
that ever meet in training. "new wording" asks in sentence patterns that training never shows.
Means and standard deviations over seeds of the models; seconds are CPU seconds of all training of
a model, one thread. python -m benchmarks.scenes [relation] [kinds] [reasoning] [tasks] [--seeds 3]
"""

import argparse
import time
from collections import defaultdict
from functools import cache

import numpy as np
import torch

from mmlearn.data import load_scenes
from mmlearn.transformers import (
    R2C,
    TASKS,
    LateFusion,
    Regions,
    TwelveInOne,
    ViLBERT,
    answer_and_rationale,
    task_of,
    without_query,
)

TRAIN, TEST = 10_000, 1_000
RELATION = {"n_objects": (5, 5), "kinds": ("relation",)}  # the easy world
FULL = {}  # six to eight objects, questions of five kinds
HELD = {"validation_fraction": 0.03, "device": "cpu"}


@cache
def scenes(world, part):
    """Training scenes, or test scenes in the wording of training ("test") or in a new one."""
    settings = dict(RELATION if world == "relation" else FULL)
    if part == "train":
        return load_scenes(TRAIN, **settings)
    wording = "seen" if part == "test" else "unseen"
    return load_scenes(TEST, split="test", wording=wording, **settings)


class Table:
    """Rows of numbers, collected over seeds, printed as means with standard deviations."""

    def __init__(self, title):
        self.title, self.rows = title, defaultdict(lambda: defaultdict(list))

    def add(self, row, **values):
        for name, value in values.items():
            self.rows[row][name].append(value)

    def print(self):
        columns = list(dict.fromkeys(c for row in self.rows.values() for c in row))
        print(f"\n{self.title}\n{'':<34}" + "".join(f"{c:>15}" for c in columns), flush=True)
        for name, row in self.rows.items():
            print(f"{name:<34}" + "".join(f"{_cell(row.get(c)):>15}" for c in columns), flush=True)


def _cell(values):
    if not values:
        return "–"
    mean, sd = np.mean(values), np.std(values)
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


def answering(title, world, seeds, epochs, pretrain, kinds):
    table = Table(title)
    models = {
        "co-attention": (lambda **k: ViLBERT(head="answers", **k), same, pretrain),
        "co-attention, not pre-trained": (lambda **k: ViLBERT(head="answers", **k), same, 0),
        "late fusion": (LateFusion, same, 0),
        "co-attention, image-blind": (lambda **k: ViLBERT(head="answers", **k), Regions.blind, 0),
    }
    for seed in range(seeds):
        for name, (make, see, first) in models.items():
            model = make(epochs=epochs, random_state=seed, **HELD)
            seconds = answer(model, see, world, first)
            _add(table, name, model, see, world, kinds, seconds)
            if name == "co-attention":
                _add(table, "  its objects shuffled at test", model, Regions.shuffled, world, kinds)
        table.print()


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
    answering(title, "relation", seeds, epochs=12, pretrain=3, kinds=False)


def kinds(seeds):
    title = "Questions of five kinds, six to eight objects, four answers (chance .250)"
    answering(title, "full", seeds, epochs=6, pretrain=3, kinds=True)


# -- answer and rationale -------------------------------------------------------------------------


def reasoning(seeds, world="relation", epochs=12):
    table = Table("R2C: answer, and rationale given the right answer (chance .250 .250 .0625)")
    controls = {
        "R2C": (same, same),
        "image-blind": (Regions.blind, same),
        "response-only": (Regions.blind, without_query),
    }
    for seed in range(seeds):
        for name, (see, ask) in controls.items():
            start = time.process_time()
            models = [_reasoner(k, see, ask, world, epochs, seed) for k in range(2)]
            seconds = time.process_time() - start
            table.add(name, **_reason(models, see, ask, world), seconds=seconds)
            if name == "R2C":
                shuffled = _reason(models, Regions.shuffled, ask, world)
                table.add("  its objects shuffled at test", **shuffled)
        table.print()


def _sides(questions):
    """Texts and labels of Q→A and of QA→R."""
    return (
        (questions.answer_choices(), questions.label),
        (questions.rationale_choices(), questions.rationale_label),
    )


def _reasoner(side, see, ask, world, epochs, seed):
    train = scenes(world, "train")
    texts, labels = _sides(train.questions)[side]
    model = R2C(epochs=epochs, random_state=seed, **HELD)
    return model.fit(see(Regions.of(train, train.questions.scene)), ask(texts), labels)


def _reason(models, see, ask, world):
    test = scenes(world, "test")
    images = see(Regions.of(test, test.questions.scene))
    (a, a_label), (r, r_label) = _sides(test.questions)
    chosen = [model.predict(images, ask(t)) for model, t in zip(models, (a, r), strict=True)]
    return answer_and_rationale(chosen[0], a_label, chosen[1], r_label)


# -- several tasks --------------------------------------------------------------------------------


def tasks(seeds, epochs=6):
    table = Table("One network for five tasks, or one for each: accuracy on held-out scenes")
    given = {name: task_of(name, scenes("full", "train")) for name in TASKS}
    test = {name: task_of(name, scenes("full", "test")) for name in TASKS}
    for seed in range(seeds):
        settings = {"epochs": epochs, "random_state": seed, **HELD}
        single = {}
        for name in TASKS:
            start = time.process_time()
            model = TwelveInOne(**settings).fit({name: given[name]})
            seconds = time.process_time() - start
            single[name] = _score(model, name, test), seconds, _size(model)
        scores, seconds, sizes = zip(*single.values(), strict=True)
        table.add(
            "one network a task", **dict(zip(TASKS, scores, strict=True)), mean=np.mean(scores),
            seconds=sum(seconds), parameters=sum(sizes),
        )  # fmt: skip
        start = time.process_time()
        model = TwelveInOne(**settings).fit(given)
        seconds = time.process_time() - start
        scores = [_score(model, name, test) for name in TASKS]
        table.add(
            "one network for all", **dict(zip(TASKS, scores, strict=True)), mean=np.mean(scores),
            seconds=seconds, parameters=_size(model),
        )  # fmt: skip
        table.print()
        for name in TASKS:
            goes = "".join("go " if going else "stop " for going in model.going_[name])
            print(f"  {name:<16}{goes}")


def _score(model, name, test):
    task = test[name]
    return model.score(name, task.images, task.texts, task.labels)


def _size(model):
    return sum(p.numel() for p in model.module_.parameters())


PARTS = {"relation": relation, "kinds": kinds, "reasoning": reasoning, "tasks": tasks}


def main(arguments=()):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=list(PARTS))
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    for part in given.parts:
        PARTS[part](given.seeds)


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
