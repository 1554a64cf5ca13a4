"""python -m tools.course: build the notebooks, or say where they have drifted."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tools.course.build import build
from tools.course.drift import drift
from tools.course.model import SourceError

ROOT = Path(__file__).resolve().parents[2]


def main(argv: list[str] | None = None, root: Path = ROOT) -> int:
    """Build or check; say the problems on stderr and return 1 if there are any."""
    options = _options(argv)
    names = tuple(options.units)
    try:
        if options.check:
            problems = drift(root, names)
        else:
            problems = build(root, names, options.execute, options.force, max(1, options.jobs))
    except SourceError as error:
        problems = [str(error)]
    print(*problems, sep="\n", end="\n" if problems else "", file=sys.stderr)
    return 1 if problems else 0


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tools.course", description="Build the notebooks of the course from source/."
    )
    parser.add_argument(
        "units", nargs="*", metavar="UNIT", help="ids or numbers; all units by default"
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; name every drift, exit 1"
    )
    parser.add_argument(
        "--execute", action="store_true", help="run lessons and solutions that changed"
    )
    parser.add_argument(
        "--force", action="store_true", help="with --execute: run the unchanged too"
    )
    parser.add_argument(
        "--jobs", type=int, default=1, metavar="N", help="notebooks run at a time (1)"
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
