"""A board: its rows, how it is printed and drawn, and those that are stored."""

import csv
import io
import json
from dataclasses import asdict, dataclass, field
from importlib.resources import files

import numpy as np

from mmlearn.registry import get_method
from mmlearn.scoreboard.benchmarks import BENCHMARKS, RELEVANT
from mmlearn.scoreboard.papers import published_cells

__all__ = ["Row", "Scoreboard", "stored"]


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
        printed = published_cells(self.dataset) if self.relevant == "labels" else {}
        head = f"{'method':<24}{'I→T':>7}{'T→I':>7}{'mean':>8}  {'± sd':<6}{'fit s':>8}"
        head += f"{'webinar':>9}" if printed else ""
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
        if printed:
            lines.append("webinar: its own table, on other features; compare orders, not numbers")
        return "\n".join(lines)

    @property
    def _runs(self):
        return "stopped early" if self.stopped else f"{self.seeds} seed(s)"

    def _line(self, row, printed):
        spread = "–" if row.mean_sd is None else f"±{row.mean_sd:.3f}"
        line = (
            f"{get_method(row.method).title:<24}{row.i2t:>7.3f}{row.t2i:>7.3f}{row.mean:>8.3f}"
            f"  {spread:<6}{row.fit_seconds:>8.2f}"
        )
        return (line + f"{printed.get(row.method, ''):>9}").rstrip() if printed else line

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
