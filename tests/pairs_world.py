"""A small world of objects on a grid, whose places can be asked for, and every method on it."""

from types import SimpleNamespace

import numpy as np

from mmlearn.pairs import (
    R2C,
    CoAttentionConfig,
    LateFusion,
    R2CConfig,
    Regions,
    Task,
    TwelveInOne,
    ViLBERT,
)

GRID, ROW, COLUMN, FIRST_NUMBER, FIRST_NAME = 5, 5, 6, 7, 12  # word ids below 5 are no words
SMALL = CoAttentionConfig(
    layers=1, text_width=16, region_width=16, width=16, text_ff=16, region_ff=16,
    max_tokens=12, max_regions=8,
)  # fmt: skip
SMALL_R2C = R2CConfig(hidden=8, width=16, mlp=16, max_tokens=12, max_regions=8)


def world(n, seed=0, n_objects=5, names=12, d=16):
    """n questions "[CLS] row-of name [SEP] number [SEP]" with four answers, one of them right.

    Who does not find the object that is named cannot tell its row (or column).
    """
    rng, looks = np.random.default_rng(seed), np.random.default_rng(99).normal(size=(names, d))
    objects = np.array([rng.permutation(names)[:n_objects] for _ in range(n)])
    cells = np.array([rng.permutation(GRID * GRID)[:n_objects] for _ in range(n)])
    places = np.stack([cells // GRID, cells % GRID], axis=2)  # row, column
    about, axis, item = rng.integers(n_objects, size=n), rng.integers(2, size=n), np.arange(n)
    right = places[item, about, axis]
    wrong = [rng.permutation(np.delete(np.arange(GRID), r))[:3] for r in right]
    labels = rng.integers(4, size=n)
    answers = np.array([np.insert(w, k, r) for w, k, r in zip(wrong, labels, right, strict=True)])
    corner = places[:, :, ::-1] / GRID
    area = np.full((n, n_objects, 1), 1 / GRID**2)
    tokens, tags = np.full((n, 4, 6), 1), np.full((n, 4, 6), -1)
    tokens[:, :, 1] = np.where(axis, COLUMN, ROW)[:, None]
    tokens[:, :, 2], tags[:, :, 2] = (FIRST_NAME + objects[item, about])[:, None], about[:, None]
    tokens[:, :, 4] = FIRST_NUMBER + answers
    tokens[:, :, [3, 5]] = 2
    return SimpleNamespace(
        images=Regions(
            np.vstack([np.zeros(d), looks]),
            objects + 1,
            np.concatenate([corner, corner + 1 / GRID, area], axis=2),
            objects,
        ),
        texts=tokens,
        tags=tags,
        labels=labels,
        regions=about,
    )


def tasks(n=60, seed=0):
    """The same questions as items of each of the five tasks."""
    w = world(n, seed)
    question, half = w.texts[:, 0, :4], np.arange(n) % 2
    item = np.arange(n)
    pairs, some = np.stack([item, item[::-1]], axis=1), slice(n // 2)
    return {
        "answering": Task(w.images, w.texts, w.labels, item),
        "retrieval": Task(w.images, w.texts, w.labels, item),
        "referring": Task(w.images, question, w.regions, item),
        "verification": Task((w.images, w.images[::-1]), question, half, pairs),
        "entailment": Task(w.images[some], question[some], (half + 1)[some], item[some]),
    }


def vilbert(**settings):
    return ViLBERT(SMALL, **{"epochs": 2, "device": "cpu"} | settings)


def answering(**settings):
    return vilbert(**{"head": "answers"} | settings)


def late_fusion(**settings):
    return LateFusion(SMALL, **{"epochs": 2, "device": "cpu"} | settings)


def r2c(**settings):
    return R2C(SMALL_R2C, **{"epochs": 2, "device": "cpu"} | settings)


def twelve_in_one(**settings):
    return TwelveInOne(SMALL, **{"epochs": 2, "device": "cpu"} | settings)
