"""Run the whole scoreboard and store it: mmlearn/results/*.json and the table of README.md.

python tools/results.py [--datasets emoji,wikipedia] [--seeds 3] [--table-only]
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from mmlearn import scoreboard  # noqa: E402
from mmlearn.files import write_atomically  # noqa: E402
from mmlearn.registry import methods  # noqa: E402

DATASETS = ("emoji", "wikipedia")
MARKERS = ("<!-- methods:begin -->", "<!-- methods:end -->")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--datasets", default=",".join(DATASETS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--table-only", action="store_true", help="rewrite README's table alone")
    args = parser.parse_args()
    if not args.table_only:
        for dataset in args.datasets.split(","):
            board = scoreboard.run(dataset, seeds=args.seeds)
            print(board)
            write_atomically(ROOT / "mmlearn" / "results" / f"{dataset}.json", board.to_json())
    readme = ROOT / "README.md"
    write_atomically(readme, with_table(readme.read_text(encoding="utf-8")))


def with_table(readme):
    """README's text with the table of methods as it should be."""
    before, begin, rest = readme.partition(MARKERS[0])
    _, end, after = rest.partition(MARKERS[1])
    return before + begin + "\n\n" + table() + "\n\n" + end + after


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


def _cell(row):
    return "–" if row is None else f"{row.mean:.3f} ± {row.mean_sd:.3f}"


if __name__ == "__main__":
    main()
