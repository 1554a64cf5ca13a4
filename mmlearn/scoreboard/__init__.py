"""The scoreboard: every method, both directions of retrieval, several seeds, one table."""

import csv
import io
import json
import time
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from importlib.resources import files

import numpy as np

from mmlearn.progress import bars, progress_bar
from mmlearn.registry import get_method, methods

__all__ = [
    "BENCHMARKS",
    "Benchmark",
    "Row",
    "Scoreboard",
    "Stopped",
    "choose",
    "fit_method",
    "published",
    "published_shallow",
    "remember_parts",
    "run",
    "stored",
]

TEST_SIZE = 0.25


@dataclass(frozen=True)
class Benchmark:
    """A dataset as the scoreboard uses it.

    ``loader`` names a function of :mod:`mmlearn.data`. Features are those of `image` and `text`
    unless a method asks for others; None takes the vectors that came with the data. ``official``:
    the dataset's own split, so that seeds differ in the methods' random states only.
    ``relevant`` is what makes an item relevant to a query, as in
    :func:`mmlearn.retrieval.evaluate_retrieval`. ``settings`` names the dataset whose settings
    of `settings.toml` are used.
    """

    loader: str
    image: str | None = "cnn"
    text: str | None = "lsa"
    official: bool = False
    relevant: str = "labels"
    settings: str = "emoji"
    options: dict = field(default_factory=dict)  # of the loader

    def load(self):
        """The dataset, without features."""
        import mmlearn.data

        return getattr(mmlearn.data, self.loader)(**self.options)

    def split(self, data, seed, features=None):
        """Training and test part of split `seed`, with the usual features or those given."""
        chosen = data.features(**{"image": self.image, "text": self.text} | (features or {}))
        if self.official:
            return chosen.official_split()
        return chosen.split(TEST_SIZE, seed=seed, stratify=data.labels is not None)


RELEVANT = {  # what may be relevant to a query, and what it is called in a sentence
    "labels": "classes",
    "sublabels": "finer classes",
    "tags": "several labels an item",
    "pairs": "pairs alone",
}
BENCHMARKS = {
    "emoji": Benchmark("load_emoji"),
    "wikipedia": Benchmark(
        "load_wikipedia", image=None, text=None, official=True, settings="wikipedia"
    ),
    "fashion": Benchmark("load_fashion", options={"n": 4000}),
    "captions": Benchmark("load_captions", relevant="pairs", options={"caption": "all"}),
}


@dataclass
class Row:
    """One method: mean average precisions (means over seeds), spread, and seconds to fit.

    ``mean_sd`` is None where there is one seed only, so that no spread is known.
    """

    method: str
    i2t: float
    t2i: float
    mean: float
    mean_sd: float | None
    fit_seconds: float
    seeds: int = 1


@dataclass
class Scoreboard:
    """The result of :func:`run`; `seeds` is how many runs of each method were asked for.

    ``left_out`` holds the methods that cannot learn from what is ``relevant`` here. ``stopped``:
    the run was stopped early, and rows hold the seeds that were finished.
    """

    dataset: str
    chance: float
    seeds: int
    rows: list
    left_out: list = field(default_factory=list)
    relevant: str = "labels"
    stopped: bool = False

    def to_json(self):
        """The whole board as JSON text."""
        return json.dumps(asdict(self), indent=2) + "\n"

    def to_csv(self):
        """One line a method; chance comes last."""
        out = io.StringIO()
        names = [*Row.__dataclass_fields__, "seeds_asked"]
        writer = csv.DictWriter(out, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) | {"seeds_asked": self.seeds} for row in self.rows)
        writer.writerow({"method": "chance", **dict.fromkeys(names[1:4], self.chance)})
        return out.getvalue()

    def __str__(self):
        comparable = self.dataset == "wikipedia" and self.relevant == "labels"
        printed, notes = _published_cells() if comparable else ({}, [])
        head = f"{'method':<24}{'I→T':>7}{'T→I':>7}{'mean':>8}  {'± sd':<6}{'fit s':>8}"
        head += f"{'published':>14}" if printed else ""
        lines = [head, "-" * len(head)]
        lines += [self._line(row, printed) for row in self.rows]
        c = self.chance
        lines.append(f"{'chance':<24}{c:>7.3f}{c:>7.3f}{c:>8.3f}")
        by = "" if self.relevant == "labels" else f" by {self.relevant}"
        lines.append(f"mAP over the full ranking, {self.dataset}{by}, {self._runs}")
        if self.stopped:
            done = ", ".join(f"{get_method(row.method).title} {row.seeds}" for row in self.rows)
            lines.append(f"stopped early; seeds finished of {self.seeds}: {done}")
        benchmark = BENCHMARKS.get(self.dataset)
        if benchmark and benchmark.settings != self.dataset:
            lines.append(f"settings: those chosen on {benchmark.settings}")
        if self.left_out:
            names = ", ".join(get_method(name).title for name in self.left_out)
            lines.append(f"left out, not learning from {RELEVANT[self.relevant]}: {names}")
        return "\n".join(lines + notes)

    @property
    def _runs(self):
        return "stopped early" if self.stopped else f"{self.seeds} seed(s)"

    def _line(self, row, printed):
        spread = "–" if row.mean_sd is None else f"±{row.mean_sd:.3f}"
        line = (
            f"{get_method(row.method).title:<24}{row.i2t:>7.3f}{row.t2i:>7.3f}{row.mean:>8.3f}"
            f"  {spread:<6}{row.fit_seconds:>8.2f}"
        )
        return (line + f"{printed.get(row.method, ''):>14}").rstrip() if printed else line

    def plot(self):
        """A bar a method with its spread over seeds, and the chance line: a matplotlib figure."""
        from mmlearn.plotting import bar_with_chance

        return bar_with_chance(
            [get_method(row.method).title for row in self.rows],
            [row.mean for row in self.rows],
            self.chance,
            [np.nan if row.mean_sd is None else row.mean_sd for row in self.rows],
            xlabel=f"mean mAP, {self.dataset}, {self._runs}",
        )


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


def stored(dataset):
    """Our own last full run on a dataset, without computing anything; see `tools/results.py`.

    Raises
    ------
    ValueError: no run on this dataset is stored
    """
    path = files("mmlearn.scoreboard") / "results" / f"{dataset}.json"
    if not path.is_file():
        raise ValueError(f"no run on {dataset!r} is stored; use scoreboard.run({dataset!r}).")
    board = json.loads(path.read_text(encoding="utf-8"))
    rows = [Row(**{"seeds": board["seeds"]} | row) for row in board["rows"]]
    return Scoreboard(**board | {"rows": rows})


def _row(name, scores):
    columns = {key: np.array([s[key] for s in scores]) for key in ("i2t", "t2i", "mean")}
    spread = float(columns["mean"].std(ddof=1)) if len(scores) > 1 else None
    means = {key: float(values.mean()) for key, values in columns.items()}
    seconds = float(np.mean([s["fit_seconds"] for s in scores]))
    return Row(name, **means, mean_sd=spread, fit_seconds=seconds, seeds=len(scores))


def published():
    """The webinar's table of results: a list of dicts method, dataset, i2t, t2i, mean (floats)."""
    return _read_table("published.csv")


def published_shallow():
    """Results in papers on Wikipedia's shallow features: what `load_wikipedia` gives.

    A list of dicts method, i2t, t2i, mean (floats), source (str) and confirmed (bool: the source
    could be looked at).
    """
    rows = _read_table("published_shallow.csv")
    return [row | {"confirmed": row["confirmed"] == "yes"} for row in rows]


def _read_table(name):
    with (files("mmlearn.scoreboard") / name).open(encoding="utf-8") as file:
        lines = [line for line in file if not line.startswith("#")]
    return [
        row | {key: float(row[key]) for key in ("i2t", "t2i", "mean")}
        for row in csv.DictReader(lines)
    ]


def _published_cells():
    """What the board prints beside our methods, {method: cell}, and the notes below it."""
    rows = published_shallow()
    sources = list(dict.fromkeys(row["source"] for row in rows))
    text = {
        row["method"]: f"{row['mean']:.3f} [{sources.index(row['source']) + 1}]"
        + ("" if row["confirmed"] else " ?")
        for row in rows
    }
    ours = {method.name for method in methods()}
    others = ", ".join(f"{name} {cell}" for name, cell in text.items() if name not in ours)
    notes = [
        "published: mean of both directions in papers, on the same shallow features. ? means not",
        "confirmed; splits, gallery and depth of ranking differ between papers.",
        f"others published: {others}",
        *(f"[{i}] {source}" for i, source in enumerate(sources, 1)),
    ]
    return {name: cell for name, cell in text.items() if name in ours}, notes
