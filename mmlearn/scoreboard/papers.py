"""Results that others published: the webinar's table, and papers on shallow features."""

import csv
from importlib.resources import files

from mmlearn.registry import methods

__all__ = ["published", "published_cells", "published_shallow"]


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


def published_cells():
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
