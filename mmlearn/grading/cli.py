"""``python -m mmlearn grade``: a student checks a lab, an instructor grades a folder of them."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from mmlearn.grading import GradingError
from mmlearn.grading.sandbox import BACKENDS, STAMPS

_DESCRIPTION = """\
Check one lab, or grade a folder of submissions.

  python -m mmlearn grade labs/02_linear_cca.ipynb
      a student checks their own lab: each check with its message and points;
      exit status 0 where all passed, 1 otherwise
  python -m mmlearn grade submissions/ --lab 02_linear_cca --out grades/ --jobs 2
      each *.ipynb is a student, named by the file; writes gradebook.csv, json/
      and feedback/ into --out; a second run grades only what changed

Written answers are marked by hand: they are listed, but not part of the points.
The code of a submission runs with your own rights (sandbox "none").
"""


def add_grade_command(subparsers) -> argparse.ArgumentParser:
    """Add ``grade`` to the subcommands; its default ``command`` runs it."""
    parser = subparsers.add_parser(
        "grade",
        help="check a lab, or grade a folder of submissions",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("path", type=Path, help="a lab, or a folder of submissions")
    parser.add_argument("--lab", help="the lab's name, such as 02_linear_cca (for a folder)")
    parser.add_argument("--out", type=Path, help="folder for the results (default: grades)")
    parser.add_argument("--jobs", type=_positive(int), default=1, help="submissions at a time")
    parser.add_argument(
        "--timeout",
        type=_positive(float),
        default=60.0,
        metavar="S",
        help="seconds that one cell may take (default: 60)",
    )
    parser.add_argument("--solutions", type=Path, metavar="DIR", help="the instructor's copies")
    parser.add_argument(
        "--sandbox", choices=BACKENDS, default="none", help="how the kernel is boxed"
    )
    parser.set_defaults(command=run)
    return parser


def _positive(kind):
    def parse(text: str):
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"must be above 0, got {text}")
        return value

    parse.__name__ = kind.__name__  # named in argparse's own message
    return parse


def run(args: argparse.Namespace) -> int:
    """Run the command; return the exit status (2: nothing could be graded, with one sentence)."""
    try:
        import nbformat  # noqa: F401
        import nbval  # noqa: F401
    except ImportError as error:
        return _stop(f"Grading needs {error.name}: install it with pip install -e '.[grade]'.")
    try:
        if args.path.is_dir():
            return _grade_folder(args)
        if args.path.exists() or args.path.is_symlink():
            return _check_one(args)
        raise GradingError(f"{args.path} does not exist: give a lab or a folder of submissions.")
    except GradingError as error:
        return _stop(str(error))
    except OSError as error:
        return _stop(f"The results cannot be written: {error}.")
    except KeyboardInterrupt:
        return _stop("Stopped; what was graded is kept, and the same command goes on from there.")


def _stop(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 2


def _say(line: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    print(line.encode(encoding, "replace").decode(encoding), flush=True)


def solution_folders(args: argparse.Namespace) -> list[Path]:
    """Return the folders in which instructor's copies are looked for, the nearest first."""
    if args.solutions is not None:
        if not args.solutions.is_dir():
            raise GradingError(f"--solutions {args.solutions} is not a folder.")
        return [args.solutions]
    folders = [Path("solutions"), Path(__file__).resolve().parents[2] / "solutions"]
    if args.path.is_file():
        folders.insert(0, args.path.resolve().parent.parent / "solutions")
    return [folder for folder in folders if folder.is_dir()]


def _units(folders: list[Path]) -> dict[str, Path]:
    """Return each unit that has an instructor's copy, and where that is."""
    units = {}
    for folder in reversed(folders):  # the nearest folder has the last word
        for path in sorted(folder.glob("*.ipynb")):
            units[_unit_of(path) or path.stem] = path
    return dict(sorted(units.items()))


def _unit_of(path: Path) -> str | None:
    try:
        unit = json.loads(path.read_bytes().decode("utf-8-sig"))["metadata"]["mmlearn"]["unit"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return unit if isinstance(unit, str) else None


def _copy_named(name: str | None, units: dict[str, Path]) -> Path:
    known = ", ".join(units) or "none (no solutions folder was found; give --solutions DIR)"
    if name is None:
        raise GradingError(f"Say which lab the folder holds: --lab NAME; known: {known}.")
    name = Path(name).name.removesuffix(".ipynb")
    if name not in units:
        raise GradingError(f"Unknown lab {name!r}; known: {known}.")
    return units[name]


def _check_one(args: argparse.Namespace) -> int:
    from mmlearn.grading.batch import grade_file
    from mmlearn.grading.rebuild import load_lab

    units = _units(solution_folders(args))
    names = [args.lab] if args.lab else [_unit_of(args.path), args.path.stem]
    name = next((name for name in names if name in units), args.lab)
    if name is not None:
        lab = load_lab(_copy_named(name, units))
        _say(f"{args.path}, checked against {lab.path}")
    else:
        lab = load_lab(args.path, with_reference=False)
        _say(f"{args.path}, its own visible checks only: no instructor's copy was found, so the")
        _say("values that they print are not compared with a right answer's.")
    record = grade_file(args.path, lab, args.timeout, args.sandbox)
    if record["message"]:
        raise GradingError(f"{args.path}: {record['message']}")
    width = max(len(check["grade_id"]) for check in record["checks"])
    for check in record["checks"]:
        points = f"{check['points']:g}/{check['max_points']:g}"
        line = f"  {check['status']:<12} {check['grade_id']:<{width}}  {points:>5}"
        _say(f"{line}  {check['message']}".rstrip())
    for note in record["notes"]:
        _say(f"  note: {note}")
    for written in record["written"]:
        _say(f"  by hand      {written['grade_id']}: {written['max_points']:g} points, not counted")
    _say(f"{record['points']:g} of {record['max_points']:g} points ({STAMPS[args.sandbox]})")
    return 0 if all(check["status"] == "passed" for check in record["checks"]) else 1


def _grade_folder(args: argparse.Namespace) -> int:
    from mmlearn.grading.batch import grade_folder, submissions_in
    from mmlearn.grading.rebuild import load_lab

    submissions_in(args.path)  # an empty folder is told before anything else
    lab = load_lab(_copy_named(args.lab, _units(solution_folders(args))))
    out = args.out or Path("grades")
    if out.exists() and not out.is_dir():
        raise GradingError(f"--out {out} is a file: give a folder.")
    records = grade_folder(
        args.path,
        lab,
        out,
        timeout=args.timeout,
        jobs=args.jobs,
        sandbox=args.sandbox,
        say=_say,
    )
    _say(f"Wrote {out / 'gradebook.csv'} ({STAMPS[args.sandbox]}).")
    failed = [record for record in records if record["status"] == "grader-error"]
    for record in failed:
        print(f"Not graded: {record['student']}: {record['message']}", file=sys.stderr)
    return 1 if failed else 0
