"""`python -m mmlearn`: scoreboard, grade, release, methods and doctor."""

import argparse
import io
import sys
from pathlib import Path

__all__ = ["main"]

PICTURES = (".png", ".svg", ".pdf")


def main(arguments=None):
    """Run a command and return its exit code: 0 done, 1 found wanting, 2 asked for wrongly."""
    args = _parser().parse_args(arguments)
    try:
        return args.command(args)
    except (ValueError, FileNotFoundError) as error:
        print(f"mmlearn: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("mmlearn: stopped.", file=sys.stderr)
        return 130


def _parser():
    from mmlearn.grading.cli import add_grade_command
    from mmlearn.grading.release import add_release_command

    parser = argparse.ArgumentParser(
        prog="python -m mmlearn",
        description="Tools of the course on multimodal and cross-modal embeddings.",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    board = commands.add_parser(
        "scoreboard",
        help="fit and score methods by cross-modal retrieval",
        description="Fit methods on several random splits and print the mean average precision of "
        "retrieval, image to text and text to image, beside chance.",
        epilog="example: python -m mmlearn scoreboard --methods cca,cfa --seeds 3 --plot board.png",
    )
    board.add_argument(
        "--dataset", default="emoji", help="emoji (default), wikipedia, fashion or captions"
    )
    board.add_argument(
        "--labels",
        help="what to learn from and to score by: labels, sublabels, tags (several an item) or "
        "pairs; what is usual for the dataset",
    )
    board.add_argument("--methods", metavar="A,B", help="names from the methods command; all")
    board.add_argument("--seeds", type=int, default=3, metavar="N", help="random splits; 3")
    board.add_argument("--json", type=Path, metavar="FILE", help="write the results as JSON")
    board.add_argument("--csv", type=Path, metavar="FILE", help="write the results as CSV")
    board.add_argument("--plot", type=Path, metavar="FILE", help="draw the results (PNG, SVG, PDF)")
    board.set_defaults(command=_scoreboard)

    add_grade_command(commands)
    add_release_command(commands)

    listing = commands.add_parser("methods", help="list every method and where it comes from")
    listing.set_defaults(command=_methods)
    doctor = commands.add_parser("doctor", help="say whether this environment can run the course")
    doctor.set_defaults(command=_doctor)
    return parser


def _scoreboard(args):
    from mmlearn.files import write_atomically
    from mmlearn.scoreboard import run

    for path in (args.json, args.csv, args.plot):
        if path is not None and not path.parent.is_dir():  # said before the work, not after it
            raise ValueError(f"the folder {path.parent} does not exist; create it first.")
        if path is not None and path.is_dir():
            raise ValueError(f"{path} is a folder; give the name of a file in it.")
    if args.plot and args.plot.suffix.lower() not in PICTURES:
        raise ValueError(f"--plot draws {', '.join(PICTURES)}, not {args.plot.suffix or 'that'}.")
    names = [name.strip() for name in args.methods.split(",")] if args.methods else None
    board = run(args.dataset, names, args.seeds, labels=args.labels)
    print(board)
    if args.json:
        write_atomically(args.json, board.to_json())
    if args.csv:
        write_atomically(args.csv, board.to_csv())
    if args.plot:
        picture = io.BytesIO()
        board.plot().savefig(picture, format=args.plot.suffix[1:], dpi=150)
        write_atomically(args.plot, picture.getvalue())
    return 0


def _methods(args):
    from mmlearn.registry import methods

    for method in methods(timed=True, pairs=True):
        supervision = "supervised" if method.supervised else "unsupervised"
        print(f"{method.name:<14}{method.kind:<13}{supervision:<14}{method.reference}")
    return 0


def _doctor(args):
    from mmlearn.doctor import examine

    findings = examine()
    signs = {"ok": "ok      ", "note": "note    ", "problem": "PROBLEM "}
    for status, sentence in findings:
        print(signs[status] + sentence)
    problems = sum(status == "problem" for status, _ in findings)
    print(
        "Verdict: everything the course needs is here."
        if problems == 0
        else f"Verdict: {problems} problem(s) to mend, see above."
    )
    return int(problems > 0)
