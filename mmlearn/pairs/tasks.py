"""The five tasks of 12-in-1: their items, checked, and which of them are held out."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from mmlearn.arrays import to_numpy
from mmlearn.labels import check_label_values
from mmlearn.pairs.base import check_choices, check_images
from mmlearn.pairs.regions import Regions
from mmlearn.pairs.tokens import check_tokens, split_response
from mmlearn.special_tokens import CLS

__all__ = ["TASKS", "Task", "check_task", "check_task_name", "held_out", "task_of"]

TASKS = ("answering", "retrieval", "referring", "verification", "entailment")


@dataclass(eq=False)
class Task:
    """The items of one task.

    Parameters
    ----------
    images : Regions, n of them; for verification a pair (Regions, Regions)
    texts : word ids, or (tokens, tags) whose tags are left out
        "answering", "retrieval": (n, C, T), C texts an item; else (n, T)
    labels : (n,)
        "answering", "retrieval": which of the C texts is right; "referring": which region is
        meant; "verification": 1 true, 0 false; "entailment": 0 entailed, 1 neutral,
        2 contradicted
    pictures : (n,) whole numbers, for verification (n, 2); optional
        Which picture each item shows: the same number in two tasks is the same picture. Validation
        of several tasks needs it, so that no task trains on what another is validated on. Without
        it every item shows a picture of its own.
    """

    images: object
    texts: object
    labels: object
    pictures: object = None


def task_of(name, scenes):
    """A :class:`Task` from :func:`mmlearn.data.load_scenes`."""
    check_task_name(name)
    found = {
        "answering": "questions",
        "retrieval": "captions",
        "referring": "expressions",
        "verification": "statements",
    }
    items = getattr(scenes, found.get(name, name))
    if name == "verification":
        images = tuple(Regions.of(scenes, items.scene[:, k]) for k in range(2))
        return Task(images, items.tokens, items.label, items.scene)
    images = Regions.of(scenes, items.scene)
    if name == "answering":
        return Task(images, items.answer_choices()[0], items.label, items.scene)
    if name == "retrieval":
        start = np.full((len(items), items.answers.shape[1], 1), CLS, dtype=np.int64)
        texts = np.concatenate([start, items.answers], axis=2)
        return Task(images, texts, items.label, items.scene)
    return Task(images, items.tokens, items.label, items.scene)


def check_task_name(name, known=TASKS):
    if name not in known:
        raise ValueError(f"unknown task {name!r}; known tasks: {', '.join(known)}.")


def check_task(name, task, config, d=None, vocabulary=None):
    """A task's items, checked: images, what the head reads, labels (None for new items)."""
    pair = task.images if name == "verification" else (task.images,)
    if not isinstance(pair, tuple) or len(pair) != 1 + (name == "verification"):
        raise ValueError("verification needs two images a text: images=(first, second).")
    for images in pair:
        check_images(images, config.max_regions, d)
        tokens, _ = check_choices(images, task.texts)
    room = config.max_tokens - 1  # the task's own token takes one
    tokens = check_tokens(tokens, "texts", room, vocabulary)
    _check_texts(name, tokens)
    texts = split_response(tokens) if name == "answering" else [tokens]
    labels = None if task.labels is None else _check_labels(name, task, tokens)
    return [*pair, *texts, labels]


def held_out(tasks, share, seed):
    """Which items of each task are held out, ``{name: (n,) booleans}``: those of some pictures.

    Pictures are drawn at random, at most `share` of all, and no task trains on any of them.
    Pictures that a statement joins are held out together or not at all, and so are those that are
    joined to them in turn (statements of :func:`mmlearn.data.load_scenes` join scenes of the same
    eleven objects).

    Raises
    ------
    ValueError: a task that would be left without items to hold out, or to train on

    >>> images = Regions(np.ones((4, 1, 2)), boxes=np.zeros((4, 1, 5)))
    >>> word, labels = np.full((4, 1), 5), np.zeros(4, dtype=int)
    >>> pairs = np.array([[0, 1], [1, 0], [2, 3], [3, 2]])
    >>> tasks = {
    ...     "referring": Task(images, word, labels, pictures=np.arange(4)),
    ...     "verification": Task((images, images), word, labels, pictures=pairs),
    ... }
    >>> held = held_out(tasks, 0.5, seed=0)
    >>> held["referring"].tolist() == held["verification"].tolist(), int(held["referring"].sum())
    (True, 2)
    """
    pairs = {name: _pictures(name, task, len(tasks)) for name, task in tasks.items()}
    pictures, index = np.unique(np.concatenate([*pairs.values()]), return_inverse=True)
    first, second = index.reshape(-1, 2).T
    n = len(pictures)
    links = coo_array((np.ones(len(first)), (first, second)), shape=(n, n))
    _, group = connected_components(links, directed=False)
    held = _draw(np.bincount(group), round(share * n), seed)[group[first]]
    ends = np.cumsum([len(p) for p in pairs.values()])[:-1]
    rows = dict(zip(pairs, np.split(held, ends), strict=True))
    for name, h in rows.items():
        if h.all() or not h.any():
            raise ValueError(
                f"validation_fraction={share} holds out {int(h.sum())} of {len(h)} items of the "
                f"task {name!r}, since whole pictures are held out, with those that statements "
                "join to them; give another fraction, or more items."
            )
    return {name: torch.as_tensor(h) for name, h in rows.items()}


def _draw(sizes, most, seed):
    """Groups in random order, as long as their sizes add up to no more than `most`: booleans."""
    drawn, total = np.zeros(len(sizes), dtype=bool), 0
    for g in np.random.default_rng(seed).permutation(len(sizes)):
        if total + sizes[g] <= most:
            drawn[g], total = True, total + sizes[g]
    return drawn


def _pictures(name, task, n_tasks):
    """(n, 2): the first and the last picture of each item, mostly the same."""
    n = len(task.labels)
    if task.pictures is None:
        if n_tasks > 1:
            raise ValueError(
                "validation of several tasks needs to know which picture each item shows, so that "
                f"none is trained on and held out: give the task {name!r} its pictures."
            )
        return np.repeat(np.arange(n)[:, None], 2, axis=1)
    pictures, shape = to_numpy(task.pictures), (n, 2) if name == "verification" else (n,)
    if pictures.shape != shape or pictures.dtype.kind not in "iu":
        raise ValueError(
            f"pictures of the task {name!r} must be whole numbers {shape}, "
            f"got {pictures.dtype} {pictures.shape}."
        )
    return pictures if name == "verification" else np.repeat(pictures[:, None], 2, axis=1)


def _check_texts(name, tokens):
    choices = name in ("answering", "retrieval")
    if (tokens.ndim == 3) != choices:
        shape = "(n, choices, tokens)" if choices else "(n, tokens)"
        raise ValueError(f"the task {name!r} takes texts {shape}, got {tuple(tokens.shape)}.")


def _check_labels(name, task, tokens):
    labels = check_label_values(task.labels, f"labels of the task {name!r}")
    n_classes = {
        "answering": lambda: tokens.shape[1],
        "retrieval": lambda: tokens.shape[1],
        "referring": lambda: task.images.max_regions,
        "verification": lambda: 2,
        "entailment": lambda: 3,
    }[name]()
    if labels.shape != (len(tokens),) or labels.dtype.kind not in "biu":
        raise ValueError(f"the task {name!r} needs one whole number a text as its label.")
    labels = torch.as_tensor(labels)
    if int(labels.min()) < 0 or int(labels.max()) >= n_classes:
        raise ValueError(f"labels of the task {name!r} must lie from 0 to {n_classes - 1}.")
    if name == "referring" and not bool(
        task.images.present.gather(1, labels.long()[:, None]).all()
    ):
        raise ValueError("a label of the task 'referring' names a region that is not there.")
    return labels.long()
