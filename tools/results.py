"""Run the whole scoreboard and store it, in mmlearn/scoreboard/results and README.md's tables.

The second table shows what `python -m benchmarks.diachronic --store` and
`python -m benchmarks.scenes --store` have kept.

    python tools/results.py [--datasets emoji,wikipedia] [--methods cca,kcca] [--seeds 3]
    python tools/results.py --table-only

With --methods these alone are run, on as many seeds as the stored board has, and all other rows
stay: a new method takes minutes, not the hours of a whole board.
"""

import argparse
import json
import math
import statistics
import sys
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from mmlearn import scoreboard  # noqa: E402
from mmlearn.registry import methods  # noqa: E402
from mmlearn.storage.files import write_atomically  # noqa: E402

RESULTS = ROOT / "mmlearn" / "scoreboard" / "results"
DATASETS = ("emoji", "wikipedia")
# Of each line: method, what is measured, chance, and which figure of a benchmark it is; then the
# figures beside it. A figure: a name, a part of the file, a row, a column.
BLIND, SHUFFLED = "co-attention, image-blind", "  its objects shuffled at test"
SCENES = (
    ("vilbert", "accuracy, one-step relations", "0.250", ("relation", "co-attention", "all"), [
        ("not pre-trained", "relation", "co-attention, not pre-trained", "all"),
        ("late fusion", "relation", "late fusion", "all"),
        ("subject hidden", "relation", "co-attention, subject hidden", "all"),
        ("no question", "relation", "co-attention, no question", "all"),
        ("picture hidden", "relation", BLIND, "all"),
        ("objects shuffled", "relation", SHUFFLED, "all"),
    ]),
    ("vilbert", "accuracy, five kinds of question", "0.250", ("kinds", "co-attention", "all"), [
        ("relations", "kinds", "co-attention", "relation"),
        ("two steps", "kinds", "co-attention", "two_steps"),
        ("comparison", "kinds", "co-attention", "comparison"),
        ("existence", "kinds", "co-attention", "existence"),
        ("counting", "kinds", "co-attention", "counting"),
        ("not pre-trained", "kinds", "co-attention, not pre-trained", "all"),
        ("late fusion", "kinds", "late fusion", "all"),
        ("no question", "kinds", "co-attention, no question", "all"),
        ("picture hidden", "kinds", BLIND, "all"),
    ]),
    ("r2c", "answer and rationale both right", "0.0625", ("reasoning", "R2C", "Q→AR"), [
        ("of all sixteen", "reasoning", "R2C", "4 x 4"),
        ("subject hidden", "reasoning", "subject hidden", "Q→AR"),
        ("picture hidden", "reasoning", "image-blind", "Q→AR"),
        ("responses alone", "reasoning", "response-only", "Q→AR"),
        ("objects shuffled", "reasoning", SHUFFLED, "Q→AR"),
    ]),
    ("twelve_in_one", "accuracy, five tasks", "–", ("tasks", "one network for all", "mean"), [
        ("one network a task", "tasks", "one network a task", "mean"),
    ]),
)  # fmt: skip
DIACHRONIC = (
    ("diachronic", "correlation of found and planted drift", "0", ("known", "diachronic", "r"), [
        ("p", "known", "diachronic", "p"),
        ("times shuffled", "known", "times shuffled", "r"),
        ("a regression", "known", "regression", "r"),
        ("counting", "known", "counting", "r"),
    ]),
    ("diachronic", "the same, unseen emoji", "0", ("unseen", "diachronic", "r"), [
        ("a regression", "unseen", "regression", "r"),
        ("one that is told the groups", "unseen", "regression, groups told", "r"),
    ]),
    ("diachronic", "movement of texts, after Procrustes", "–", ("known", "moved, texts", "aligned"),
     [("times shuffled", "known", "moved, texts", "control")]),
    ("diachronic", "mAP at a given time", None, ("known", "diachronic", "timed"), [
        ("without time", "known", "diachronic", "static"),
        ("times shuffled", "known", "times shuffled", "timed"),
    ]),
    ("diachronic", "mAP, photos of later years", None, ("later years", "diachronic", "timed"), [
        ("without time", "later years", "diachronic", "static"),
        ("times shuffled", "later years", "diachronic", "times shuffled"),
    ]),
)  # fmt: skip


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--datasets", default=",".join(DATASETS))
    parser.add_argument("--methods", metavar="A,B", help="run these alone and keep all other rows")
    parser.add_argument("--seeds", type=int, help="3, or with --methods those of the stored board")
    parser.add_argument("--table-only", action="store_true", help="rewrite README's table alone")
    args = parser.parse_args(argv)
    names = args.methods.split(",") if args.methods else None
    for dataset in [] if args.table_only else args.datasets.split(","):
        try:
            board = some(dataset, names, args.seeds) if names else run(dataset, None, args.seeds)
        except ValueError as error:
            sys.exit(str(error))
        write_atomically(RESULTS / f"{dataset}.json", board.to_json())
    readme = ROOT / "README.md"
    write_atomically(readme, with_tables(readme.read_text(encoding="utf-8")))


def run(dataset, names, seeds):
    """A new board, printed."""
    board = scoreboard.run(dataset, names, seeds=seeds or 3)
    print(board)
    return board


def some(dataset, names, seeds):
    """The stored board with new rows for the named methods, in the registry's order."""
    old = scoreboard.stored(dataset)
    new = run(dataset, names, seeds or old.seeds)
    if new.seeds == old.seeds and not math.isclose(new.chance, old.chance):
        raise ValueError(
            f"{dataset}: chance is {new.chance:g} now and {old.chance:g} in the stored board, so "
            "the data have changed: run all methods."
        )
    rows = {row.method: row for row in [*old.rows, *new.rows]}
    return replace(old, rows=[rows[m.name] for m in methods() if m.name in rows])


def with_tables(readme):
    """README's text with its tables as they should be."""
    tables = {"methods": table, "scenes": scenes_table, "shortcuts": shortcuts_table}
    for name, made in tables.items():
        readme = _between(readme, name, made())
    return readme


def _between(text, name, new):
    before, begin, rest = text.partition(f"<!-- {name}:begin -->")
    _, end, after = rest.partition(f"<!-- {name}:end -->")
    return before + begin + "\n\n" + new + "\n\n" + end + after


def table():
    """A Markdown table: each method, its stored results, and the webinar's on Wikipedia."""
    boards = [scoreboard.stored(dataset) for dataset in DATASETS]
    found = [{row.method: row for row in board.rows} for board in boards]
    webinar = {
        r["method"]: r["mean"] for r in scoreboard.published() if r["dataset"] == "Wikipedia"
    }
    lines = [
        "| name | method | learns from | emoji | Wikipedia | webinar's Wikipedia |",
        "|---|---|---|---|---|---|",
    ]
    for method in methods():
        learns = "labels" if method.supervised else "pairs"
        cells = [_cell(rows.get(method.name)) for rows in found]
        theirs = f"{webinar[method.webinar_row]:.3f}" if method.webinar_row else "–"
        lines.append(
            f"| `{method.name}` | {method.title} | {learns} | {' | '.join(cells)} | {theirs} |"
        )
    chance = " | ".join(f"{board.chance:.3f}" for board in boards)
    lines.append(f"| | chance | | {chance} | |")
    return "\n".join(lines)


def scenes_table():
    """A Markdown table of the methods that need times or score pairs, with their controls."""
    lines = ["| method | measured | chance | result | beside it |", "|---|---|---|---|---|"]
    for name, specs in (("diachronic", DIACHRONIC), ("scenes", SCENES)):
        found = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
        for method, what, chance, figure, others in specs:
            part, row, _ = figure
            if not (value := _figure(found, *figure)):
                continue
            if chance is None:
                chance = f"{statistics.mean(found[part]['rows'][row]['chance']):.3f}"
            known = [(label, _figure(found, *where)) for label, *where in others]
            beside = ", ".join(f"{label} {control}" for label, control in known if control)
            result = value + _interval(found[part]["rows"][row])
            lines.append(f"| `{method}` | {what} | {chance} | {result} | {beside} |")
    return "\n".join(lines)


def shortcuts_table():
    """A Markdown table of what attackers who lack a part of an item find in careful scenes.

    Those whose 95 % interval, corrected for their number, lies above chance; the same attackers in
    careless scenes beside them.
    """
    found = json.loads((RESULTS / "shortcuts.json").read_text(encoding="utf-8"))
    careful, careless = (found[part]["rows"] for part in ("careful", "careless"))
    far = statistics.NormalDist().inv_cdf(1 - 0.025 / len(careful))
    lines = ["| items | attacker | chance | right | in careless scenes |", "|---|---|---|---|---|"]
    for name, row in careful.items():
        (right,), (items,), (chance,) = row["right"], row["items"], row["chance"]
        if right - chance > far * math.sqrt(chance * (1 - chance) / items):
            kind, attacker = name.split(": ", 1)
            other = f"{careless[name]['right'][0]:.3f}" if name in careless else "–"
            cells = f"{chance:.3f} | {_share(right, items)} | {other}"
            lines.append(f"| {kind} | {attacker} | {cells} |")
    return "\n".join(lines)


def _share(right, items):
    return f"{right:.3f} ± {1.96 * math.sqrt(right * (1 - right) / items):.3f}"


def _figure(found, part, row, column):
    """Mean and spread over seeds; None where a benchmark has stored no such figure."""
    values = found.get(part, {}).get("rows", {}).get(row, {}).get(column)
    if values is None:
        return None
    spread = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.3f}{spread}"


def _interval(row):
    """The 95 % interval over seeds and test questions, of rows that have one."""
    return " [{low:.3f}, {high:.3f}]".format(**row["interval"]) if "interval" in row else ""


def _cell(row):
    if row is None:
        return "–"
    return f"{row.mean:.3f}" + ("" if row.mean_sd is None else f" ± {row.mean_sd:.3f}")


if __name__ == "__main__":
    main()
