"""Results that others published: the webinar's table."""

import csv
from importlib.resources import files

from mmlearn.registry import methods

__all__ = ["published", "published_cells"]


def published():
    """The webinar's table of results: a list of dicts method, dataset, i2t, t2i, mean (floats)."""
    with (files("mmlearn.scoreboard") / "published.csv").open(encoding="utf-8") as file:
        lines = [line for line in file if not line.startswith("#")]
    return [
        row | {key: float(row[key]) for key in ("i2t", "t2i", "mean")}
        for row in csv.DictReader(lines)
    ]


def published_cells(dataset):
    """What the board prints of the webinar's table beside our methods: {name: mean} as text.

    >>> published_cells("wikipedia")["cca"], published_cells("emoji")
    ('0.286', {})
    """
    means = {
        row["method"]: f"{row['mean']:.3f}"
        for row in published()
        if row["dataset"].lower() == dataset
    }
    return {m.name: means[m.webinar_row] for m in methods() if m.webinar_row in means}
