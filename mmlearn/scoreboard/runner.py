"""Running the scoreboard: every method, on every split, by one rule."""

import json
import time
from dataclasses import replace
from functools import partial

import numpy as np

from mmlearn.progress import bars, progress_bar
from mmlearn.registry import get_method, methods
from mmlearn.scoreboard.benchmarks import BENCHMARKS, RELEVANT
from mmlearn.scoreboard.board import Row, Scoreboard

__all__ = ["Stopped", "choose", "fit_method", "remember_parts", "run"]


class Stopped(KeyboardInterrupt):
    """Ctrl-C while :func:`run` was running; `board` holds the rows that were finished."""

    def __init__(self, board):
        super().__init__("the scoreboard was stopped early")
        self.board = board


def run(dataset="emoji", names=None, seeds=3, progress=True, labels=None):
    """Fit and score methods on a dataset.

    Parameters
    ----------
    dataset : str, a name of :data:`BENCHMARKS`
    names : list of method names, or None for all
    seeds : int: splits (and random states) 0 .. seeds - 1
    progress : bool: show progress bars
    labels : "labels" (classes), "sublabels" (finer classes), "tags" (several an item) or "pairs"
        What supervised methods learn from and what makes an item relevant to a query; None: what
        is usual for the dataset. With pairs, an item's own partner alone is relevant, and
        there is nothing to learn from but the pairs.

    Returns
    -------
    Scoreboard, rows in the order of `names`

    Raises
    ------
    ValueError: an unknown dataset or method, no seed, labels that the dataset does not have, or a
        method that cannot learn from them or has no place on a board
    FileNotFoundError: the dataset is neither on this machine nor to be downloaded
    Stopped: Ctrl-C, when at least one fit was finished
    """
    if dataset not in BENCHMARKS:
        raise ValueError(f"unknown dataset {dataset!r}; known datasets: {', '.join(BENCHMARKS)}.")
    if seeds < 1:
        raise ValueError(f"seeds must be at least 1, got {seeds}.")
    benchmark = BENCHMARKS[dataset]
    if labels is not None:
        benchmark = replace(benchmark, relevant=labels)
    chosen, left_out = choose(benchmark, names)
    results = {method.name: [] for method in chosen}

    def board(stopped):
        rows = [_row(name, scores) for name, scores in results.items() if scores]
        chance = np.mean([score["chance"] for score in results[chosen[0].name]])
        about = {"left_out": left_out, "relevant": benchmark.relevant, "stopped": stopped}
        return Scoreboard(dataset, float(chance), seeds, rows, **about)

    try:
        with bars(progress):
            _fit_all(benchmark, chosen, seeds, results)
    except KeyboardInterrupt:
        if not any(results.values()):
            raise
        raise Stopped(board(stopped=True)) from None
    return board(stopped=False)


def _fit_all(benchmark, chosen, seeds, results):
    """Fit and score every method on every split; scores go into `results` one by one."""
    from mmlearn.retrieval import evaluate_retrieval

    data = benchmark.load()
    with progress_bar(total=seeds * len(chosen), desc="scoreboard") as bar:
        for seed in range(seeds):
            parts = remember_parts(partial(benchmark.split, data, seed))
            for method in chosen:
                bar.set_postfix_str(f"{method.name}, seed {seed}")
                settings = method.settings(benchmark.settings)
                model, test, seconds = fit_method(method, settings, parts, seed, benchmark.relevant)
                scores = evaluate_retrieval(model, test, labels=benchmark.relevant)
                results[method.name].append(scores | {"fit_seconds": seconds})
                bar.update()


def choose(benchmark, names):
    """The methods to run, and the names of those that cannot learn from what is relevant."""
    if benchmark.relevant not in RELEVANT:
        raise ValueError(
            f"labels must be one of {', '.join(RELEVANT)}, got {benchmark.relevant!r}."
        )
    if names is not None and not names:
        raise ValueError("no method is named; `mmlearn methods` lists them.")
    chosen = [get_method(name) for name in dict.fromkeys(names)] if names else methods()
    _refuse([m for m in chosen if m.kind == "pair"], "score pairs and have no embedding to rank by")
    _refuse([m for m in chosen if m.timed], "need the time of each item")
    left_out = [method.name for method in chosen if not _learns(method, benchmark.relevant)]
    if names and left_out:
        raise ValueError(
            f"{', '.join(left_out)} cannot learn from {RELEVANT[benchmark.relevant]}; "
            "leave such methods out."
        )
    return [method for method in chosen if method.name not in left_out], left_out


def _refuse(chosen, reason):
    if chosen:
        names = ", ".join(method.name for method in chosen)
        raise ValueError(f"no place on this board for {names}: they {reason}.")


def _learns(method, relevant):
    """Whether a method has something to learn from."""
    return not method.supervised or {"pairs": False, "tags": method.multilabel}.get(relevant, True)


def remember_parts(split):
    """``parts(features)`` that calls ``split(features)`` once for each set of features."""
    known = {}

    def parts(features):
        key = json.dumps(features, sort_keys=True)
        if key not in known:
            known[key] = split(features)
        return known[key]

    return parts


def fit_method(method, settings, parts, seed, relevant="labels"):
    """Fit a method with its settings on the features that these ask for.

    Parameters
    ----------
    settings : {"params": {...}, "features": {...}}, see :meth:`mmlearn.registry.Method.settings`
    parts : callable ``parts(features) -> (train, test)``
    relevant : which labels a supervised method learns from, as in :func:`run`

    Returns
    -------
    model, test, seconds of fitting (features are computed before)
    """
    from mmlearn.retrieval import relevant_labels

    train, test = parts(settings["features"])
    model = method.build(seed, settings)
    _give_groups(model, train)
    images, texts = train.images, train.texts
    labels = relevant_labels(train, relevant) if method.supervised else None
    start = time.perf_counter()
    model.fit(images, texts, labels=labels)
    return model, test, time.perf_counter() - start


def _give_groups(model, train):
    """Tell a method that works on blocks of columns which blocks the features have."""
    known = model.get_params()
    for name, transformer in (
        ("image_groups", train.image_transformer),
        ("text_groups", train.text_transformer),
    ):
        if name in known and known[name] is None and transformer is not None:
            model.set_params(**{name: transformer.feature_groups_})


def _row(name, scores):
    columns = {key: np.array([s[key] for s in scores]) for key in ("i2t", "t2i", "mean")}
    spread = float(columns["mean"].std(ddof=1)) if len(scores) > 1 else None
    means = {key: float(values.mean()) for key, values in columns.items()}
    seconds = float(np.mean([s["fit_seconds"] for s in scores]))
    return Row(name, **means, mean_sd=spread, fit_seconds=seconds, seeds=len(scores))
