"""The scoreboard: every method, both directions of retrieval, several seeds, one table."""

import csv
import io
import json
import time
from dataclasses import asdict, dataclass
from importlib.resources import files

import numpy as np
from tqdm.auto import tqdm

from mmlearn.registry import get_method, methods

__all__ = ["DATASETS", "Row", "Scoreboard", "published", "run"]

TEST_SIZE = 0.25


def _emoji():
    from mmlearn.data import load_emoji

    return load_emoji().features(image="cnn", text="lsa")


DATASETS = {"emoji": _emoji}  # name -> function that gives a dataset with features


@dataclass
class Row:
    """One method: mean average precisions (means over seeds), spread, and seconds to fit."""

    method: str
    i2t: float
    t2i: float
    mean: float
    mean_sd: float
    fit_seconds: float


@dataclass
class Scoreboard:
    """The result of :func:`run`; `seeds` is how many splits were averaged."""

    dataset: str
    chance: float
    seeds: int
    rows: list

    def to_json(self):
        """The whole board as JSON text."""
        return json.dumps(asdict(self), indent=2) + "\n"

    def to_csv(self):
        """One line a method; chance comes last."""
        out = io.StringIO()
        names = list(Row.__dataclass_fields__)
        writer = csv.DictWriter(out, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in self.rows)
        writer.writerow({"method": "chance", **dict.fromkeys(names[1:4], self.chance)})
        return out.getvalue()

    def __str__(self):
        head = f"{'method':<22}{'I→T':>7}{'T→I':>7}{'mean':>8}  {'± sd':<6}{'fit s':>8}"
        lines = [head, "-" * len(head)]
        lines += [
            f"{get_method(r.method).title:<22}{r.i2t:>7.3f}{r.t2i:>7.3f}{r.mean:>8.3f}"
            f"  ±{r.mean_sd:<5.3f}{r.fit_seconds:>8.2f}"
            for r in self.rows
        ]
        c = self.chance
        lines.append(f"{'chance':<22}{c:>7.3f}{c:>7.3f}{c:>8.3f}")
        lines.append(f"mAP over the full ranking, {self.dataset}, {self.seeds} seed(s)")
        return "\n".join(lines)

    def plot(self):
        """A bar a method with its spread over seeds, and the chance line: a matplotlib figure."""
        from mmlearn.plotting import bar_with_chance

        return bar_with_chance(
            [get_method(row.method).title for row in self.rows],
            [row.mean for row in self.rows],
            self.chance,
            [row.mean_sd for row in self.rows],
            xlabel=f"mean mAP, {self.dataset}, {self.seeds} seed(s)",
        )


def run(dataset="emoji", names=None, seeds=3, progress=True):
    """Fit and score methods on `seeds` random splits of a dataset.

    Parameters
    ----------
    dataset : str, a name of :data:`DATASETS`
    names : list of method names, or None for all
    seeds : int: splits (and random states) 0 .. seeds - 1
    progress : bool: show a progress bar

    Returns
    -------
    Scoreboard, rows in the order of `names`
    """
    from mmlearn.retrieval import evaluate_retrieval

    if dataset not in DATASETS:
        raise ValueError(f"unknown dataset {dataset!r}; known datasets: {', '.join(DATASETS)}.")
    if seeds < 1:
        raise ValueError(f"seeds must be at least 1, got {seeds}.")
    chosen = [get_method(name) for name in names] if names else methods()
    data = DATASETS[dataset]()
    scores = {method.name: [] for method in chosen}
    seconds = {method.name: [] for method in chosen}
    chance = []
    with tqdm(total=seeds * len(chosen), desc="scoreboard", disable=not progress) as bar:
        for seed in range(seeds):
            train, test = data.split(test_size=TEST_SIZE, seed=seed)
            images, texts = train.images, train.texts
            for method in chosen:
                bar.set_postfix_str(f"{method.name}, seed {seed}")
                model = method.build(random_state=seed)
                start = time.perf_counter()
                model.fit(images, texts, labels=train.labels)
                seconds[method.name].append(time.perf_counter() - start)
                scores[method.name].append(evaluate_retrieval(model, test))
                bar.update()
            chance.append(scores[chosen[0].name][-1]["chance"])
    rows = [_row(m.name, scores[m.name], seconds[m.name]) for m in chosen]
    return Scoreboard(dataset, float(np.mean(chance)), seeds, rows)


def _row(name, scores, seconds):
    i2t, t2i, mean = (np.array([s[key] for s in scores]) for key in ("i2t", "t2i", "mean"))
    spread = mean.std(ddof=1) if len(mean) > 1 else 0.0
    return Row(name, *map(float, (i2t.mean(), t2i.mean(), mean.mean(), spread, np.mean(seconds))))


def published():
    """The webinar's table of results: a list of dicts method, dataset, i2t, t2i, mean (floats)."""
    with (files("mmlearn") / "published.csv").open(encoding="utf-8") as file:
        lines = [line for line in file if not line.startswith("#")]
    return [
        row | {key: float(row[key]) for key in ("i2t", "t2i", "mean")}
        for row in csv.DictReader(lines)
    ]
