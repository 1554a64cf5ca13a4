"""``mmlearn grade``: a student checks a lab, an instructor grades a class."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from dataclasses import fields, replace
from pathlib import Path

from mmlearn.doctor import ROOT, cure, missing
from mmlearn.grading.errors import GradingError, UnreadableSubmission
from mmlearn.grading.imports import skip_slow_imports
from mmlearn.grading.roster.tables import STYLES
from mmlearn.grading.run.sandbox import BACKENDS, STAMPS, unavailable
from mmlearn.notebook import metadata_of, unit_named
from mmlearn.workspace import find_lab

_DESCRIPTION = """\
Check one lab, or grade what a class handed in.

  mmlearn grade 02
      a student checks their own lab, named by its number or file: each check with
      its message and points;
      exit status 0 where all passed, 1 otherwise
  mmlearn grade submissions/ --lab 02_linear_cca --out grades/ --jobs 2
      a folder of notebooks, a folder of folders, a zip, or what Moodle, Canvas or
      another platform gave to download; writes gradebook.csv, overview/, feedback/, written/,
      manual.csv and json/ into --out; a second run grades only what changed

A class is graded in a box (bubblewrap, Linux). Without one, a class is graded
only if --sandbox none is given: the code then runs with your own rights.
The instructor's guide is docs/instructors.md.
"""


def add_grade_command(subparsers) -> argparse.ArgumentParser:
    """Add ``grade`` to the subcommands; its default ``command`` runs it."""
    parser = subparsers.add_parser(
        "grade",
        help="check a lab, or grade what a class handed in",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "path", type=Path, help="a lab (its file or number), or the folder or zip of a class"
    )
    parser.add_argument("--lab", help="the lab's name, such as 02_linear_cca (for a class)")
    parser.add_argument("--out", type=Path, help="folder for the results (default: grades)")
    parser.add_argument(
        "--timeout",
        type=_within(0.1, 86_400),
        default=60.0,
        metavar="S",
        help="seconds that one cell may take (default: 60)",
    )
    parser.add_argument("--solutions", type=Path, metavar="DIR", help="the instructor's copies")
    parser.add_argument(
        "--sandbox",
        choices=BACKENDS,
        help="how the kernel is boxed (default: bwrap; one's own lab: bwrap where it works)",
    )
    parser.add_argument(
        "--results",
        type=Path,
        metavar="JSON",
        help="of one lab: write the result in the format of Gradescope's results.json, too",
    )
    parser.add_argument(
        "--forbid-library",
        action="store_true",
        help="an answer that takes from a library what its exercise does not allow earns nothing",
    )
    _add_class_options(parser.add_argument_group("for a class"))
    parser.set_defaults(command=run)
    return parser


def _add_class_options(of_class) -> None:
    of_class.add_argument("--jobs", type=_count, default=1, help="submissions at a time")
    of_class.add_argument(
        "--dask", metavar="ADDRESS", help="grade on the workers of a Dask scheduler"
    )
    of_class.add_argument(
        "--roster",
        type=Path,
        metavar="CSV",
        help="who is in the class: a column `student`, Moodle's worksheet or Canvas's gradebook",
    )
    of_class.add_argument(
        "--groups", type=Path, metavar="CSV", help="who hands in together: `group` and `student`"
    )
    of_class.add_argument(
        "--deadline", metavar="TIME", help="such as '2026-11-30 23:59'; none takes it back"
    )
    of_class.add_argument(
        "--zone",
        metavar="NAME",
        help="whose clock times without a zone are of, such as Europe/Berlin (default: this one's)",
    )
    of_class.add_argument(
        "--extensions",
        type=Path,
        metavar="CSV",
        help="deadlines of single students: columns `student` and `extension`",
    )
    of_class.add_argument(
        "--penalty",
        type=_within(0, 100),
        metavar="P",
        help="percent of the points taken for each day late that has begun (default: 10)",
    )
    of_class.add_argument(
        "--handed-in",
        type=Path,
        metavar="CSV",
        help="when: columns `student` and `time`, or Moodle's worksheet",
    )
    of_class.add_argument(
        "--manual", type=Path, metavar="CSV", help="points given by hand, like manual.csv"
    )
    of_class.add_argument(
        "--csv",
        choices=STYLES,
        help="how gradebook.csv is written: excel for Excel, excel-semicolon where the decimal "
        "sign is a comma (default: plain)",
    )
    of_class.add_argument(
        "--export",
        action="append",
        choices=("moodle", "canvas"),
        default=[],
        help="write what a learning platform takes into exports/ (can be repeated)",
    )
    of_class.add_argument(
        "--assignment", metavar="NAME", help="for --export canvas: the column, or its id"
    )
    of_class.add_argument(
        "--student",
        action="append",
        default=[],
        metavar="NAME",
        help="grade only this student, again (can be repeated)",
    )


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {text}")
    return value


def _within(lowest: float, highest: float):
    def parse(text: str) -> float:
        value = float(text)
        if not lowest <= value <= highest:
            raise argparse.ArgumentTypeError(f"must be {lowest:g} to {highest:g}, got {text}")
        return value

    parse.__name__ = "number"  # named in argparse's own message
    return parse


def run(args: argparse.Namespace) -> int:
    """Run the command; return the exit status."""
    skip_slow_imports()
    if lacking := missing(None, "grade"):
        raise GradingError(f"grading needs {', '.join(lacking)}; {cure('grade')}")
    args.path = _meant(args.path)
    if args.path.is_dir() or (args.path.suffix.lower() != ".ipynb" and args.path.exists()):
        return _grade_class_or_stop(args)
    if args.path.exists() or args.path.is_symlink():
        return _check_one(args)
    raise GradingError(f"{args.path} does not exist: give a lab, or the folder or zip of a class.")


def _meant(path: Path) -> Path:
    """Return the path, or the file of the lab that is named by its number alone, such as 02."""
    if not path.exists() and re.fullmatch(r"\d\d(_\w+)?", str(path)):
        with suppress(FileNotFoundError):
            return find_lab(str(path)) or path
    return path


def _print_line(line: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    print(line.encode(encoding, "replace").decode(encoding), flush=True)


def solution_folders(args: argparse.Namespace) -> list[Path]:
    """Return the folders in which instructor's copies are looked for, the nearest first."""
    if args.solutions is not None:
        if not args.solutions.is_dir():
            raise GradingError(f"--solutions {args.solutions} is not a folder.")
        return [args.solutions]
    folders = [Path("solutions"), ROOT / "solutions"]
    if args.path.is_file():
        above = args.path.resolve().parents
        folders[:0] = [folder / "solutions" for folder in above[1:3]]  # of labs/, of work/labs/
    return [folder for folder in folders if folder.is_dir()]


def _units(folders: list[Path]) -> dict[str, Path]:
    """Return each unit that has an instructor's copy, and where that is."""
    units = {}
    for folder in reversed(folders):  # the nearest folder has the last word
        for path in sorted(folder.glob("*.ipynb")):
            units[_unit_of(path) or unit_named(path)] = path
    return dict(sorted(units.items()))


def _unit_of(path: Path) -> str | None:
    try:
        unit = metadata_of(json.loads(path.read_bytes().decode("utf-8-sig"))).get("unit")
    except (OSError, ValueError):
        return None
    return unit if isinstance(unit, str) else None


def _copy_named(name: str | None, units: dict[str, Path]) -> Path:
    known = ", ".join(units) or "none (no solutions folder was found; give --solutions DIR)"
    if name is None:
        raise GradingError(f"Say which lab the folder holds: --lab NAME; known: {known}.")
    unit = unit_named(name, units)
    if unit not in units:
        raise GradingError(f"Unknown lab {unit!r}; known: {known}.")
    return units[unit]


def _check_one(args: argparse.Namespace) -> int:
    from mmlearn.grading.intake.submission import read_bytes
    from mmlearn.grading.judge.rebuild import load_lab
    from mmlearn.grading.records import write_file
    from mmlearn.grading.report.gradescope import gradescope_results
    from mmlearn.grading.single import grade_bytes, without_run

    units = _units(solution_folders(args))
    names = [args.lab] if args.lab else [_unit_of(args.path), unit_named(args.path)]
    name = next((name for name in names if name in units), args.lab)
    if name is not None:
        lab = load_lab(_copy_named(name, units))
        _print_line(f"{args.path}, checked against {lab.path}")
    else:
        lab = load_lab(args.path, with_reference=False)
        _print_line(
            f"{args.path}, its own visible checks only: no instructor's copy was found, so the"
        )
        _print_line("values that they print are not compared with a right answer's.")
    lab = replace(lab, own_work=args.forbid_library)
    sandbox = args.sandbox or ("none" if unavailable("bwrap") else "bwrap")
    if unavailable(sandbox):
        raise GradingError(f"The sandbox {sandbox!r} does not work here: {unavailable(sandbox)}.")
    try:
        found = grade_bytes(read_bytes(args.path), lab, args.timeout, sandbox)
    except UnreadableSubmission as error:
        found = without_run(lab, "unreadable", str(error))
    if args.results is not None:
        write_file(args.results, gradescope_results(found))
    if found["message"]:
        raise GradingError(f"{args.path}: {found['message']}")
    _print_result(found)
    _print_line(f"{found['points']:g} of {lab.max_points:g} points ({STAMPS[sandbox]})")
    return 0 if all(check["status"] == "passed" for check in found["checks"]) else 1


def _print_result(found: dict) -> None:
    width = max(len(check["grade_id"]) for check in found["checks"])
    for check in found["checks"]:
        points = f"{check['points']:g}/{check['max_points']:g}"
        line = f"  {check['status']:<12} {check['grade_id']:<{width}}  {points:>5}"
        _print_line(f"{line}  {' '.join(check['message'].split())}".rstrip())
    for exercise, names in found.get("library", {}).items():
        _print_line(f"  library      {exercise}: takes {', '.join(names)}")
    for note in found["notes"]:
        _print_line(f"  note: {note}")
    for written in found["written"]:
        points = f"{written['max_points']:g} points"
        _print_line(f"  by hand      {written['grade_id']}: {points}, not counted")


def _grade_class_or_stop(args: argparse.Namespace) -> int:
    try:
        return _grade_class(args)
    except KeyboardInterrupt:
        kept = "what was graded is kept, and the same command goes on from there"
        raise KeyboardInterrupt(f"stopped; {kept}.") from None


def _grade_class(args: argparse.Namespace) -> int:
    from mmlearn.grading.batch import grade_class
    from mmlearn.grading.judge.rebuild import load_lab
    from mmlearn.grading.report.exports import write_exports
    from mmlearn.grading.roster.classroom import Rules

    out = args.out or Path("grades")
    lab = load_lab(_copy_named(args.lab, _units(solution_folders(args))))
    lab = replace(lab, own_work=args.forbid_library)
    if out.exists() and not out.is_dir():
        raise GradingError(f"--out {out} is a file: give a folder.")
    with _executor(args.dask) as (executor, workers):
        records = grade_class(
            args.path,
            lab,
            out,
            timeout=args.timeout,
            sandbox=args.sandbox or "bwrap",
            jobs=workers or args.jobs,
            executor=executor,
            rules=Rules(**{field.name: getattr(args, field.name) for field in fields(Rules)}),
            again=tuple(args.student),
            log=_print_line,
        )
    _print_line(f"Wrote {out / 'gradebook.csv'} ({STAMPS[args.sandbox or 'bwrap']}).")
    for sentence in write_exports(out, lab.unit, args.export, args.assignment):
        _print_line(sentence)
    failed = [record for record in records if record["status"] == "grader-error"]
    for record in failed:
        print(f"Not graded: {record['student']}: {record['message']}", file=sys.stderr)
    return 1 if failed else 0


@contextmanager
def _executor(address: str | None) -> Iterator[tuple[Executor | None, int]]:
    """Yield the executor of a Dask cluster and how many tasks it runs at a time; (None, 0)."""
    if address is None:
        yield None, 0
        return
    try:
        from distributed import Client
    except ImportError:
        raise GradingError("--dask needs Dask: install it with pip install distributed.") from None
    try:
        client = Client(address, timeout=10)
    except (OSError, ValueError) as error:
        raise GradingError(f"No Dask scheduler answers at {address}: {error}.") from error
    with client:
        workers = sum(client.nthreads().values())
        if not workers:
            raise GradingError(f"The Dask scheduler at {address} has no workers: start one.")
        yield client.get_executor(pure=False), workers
