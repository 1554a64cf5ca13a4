"""`mmlearn`, or `python -m mmlearn`: lab, grade, release, scoreboard, methods and doctor."""

import argparse
import io
import os
import sys
from pathlib import Path

import mmlearn
from mmlearn import doctor

__all__ = ["main"]

PICTURES = (".png", ".svg", ".pdf")


def main(arguments=None):
    """Run a command and return its exit code: 0 done, 1 found wanting, 2 asked for wrongly.

    As in a shell, 130 says that Ctrl-C stopped it, and 141 that whoever read its output has gone,
    such as `head`.
    """
    if sys.version_info < doctor.OLDEST:
        return _doctor()  # the one command that runs here, whatever was asked for
    try:
        try:
            return _run(arguments)
        finally:
            sys.stdout.flush()  # so that a reader who has gone is noticed here
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at exit
        return 141
    except KeyboardInterrupt as interrupt:
        print(f"mmlearn: {str(interrupt) or 'stopped.'}", file=sys.stderr)
        return 130


def _run(arguments):
    parser = _parser()
    args, others = parser.parse_known_args(arguments)
    if args.command is _lab:
        args.others = others
    elif others:
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    try:
        return args.command(args)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("mmlearn."):
            raise  # a fault of the course's own
        print(f"mmlearn: {error.name} is not installed; {doctor.cure()}", file=sys.stderr)
    except BrokenPipeError:
        raise
    except (ValueError, OSError) as error:
        print(f"mmlearn: {error}", file=sys.stderr)
    return 2


def _parser():
    from mmlearn.grading.cli import add_grade_command
    from mmlearn.grading.handout.release import add_release_command

    parser = argparse.ArgumentParser(
        prog="mmlearn",
        description="Tools of the course on multimodal and cross-modal embeddings.",
    )
    # Where another project's mmlearn is imported in place of ours, the doctor still has to run.
    version = getattr(mmlearn, "__version__", "of another project: see mmlearn doctor")
    parser.add_argument("--version", action="version", version=f"%(prog)s {version}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    board = commands.add_parser(
        "scoreboard",
        help="fit and score methods by cross-modal retrieval",
        description="Fit methods on several random splits and print the mean average precision of "
        "retrieval, image to text and text to image, beside chance.",
        epilog="example: mmlearn scoreboard --methods cca,cfa --seeds 3 --plot board.png",
    )
    board.add_argument(
        "--dataset", default="emoji", help="emoji (default), wikipedia, fashion or captions"
    )
    board.add_argument(
        "--labels",
        help="what to learn from and to score by: labels, sublabels, tags (several an item) or "
        "pairs; what is usual for the dataset",
    )
    board.add_argument(
        "--methods", metavar="A,B", help="names that `mmlearn methods` lists, or all (default)"
    )
    board.add_argument("--seeds", type=int, default=3, metavar="N", help="random splits; 3")
    board.add_argument("--json", type=Path, metavar="FILE", help="write the results as JSON")
    board.add_argument("--csv", type=Path, metavar="FILE", help="write the results as CSV")
    board.add_argument("--plot", type=Path, metavar="FILE", help="draw the results (PNG, SVG, PDF)")
    board.add_argument("--no-progress", action="store_true", help="draw no progress bars")
    board.set_defaults(command=_scoreboard)

    add_grade_command(commands)
    add_release_command(commands)

    lab = commands.add_parser(
        "lab",
        help="open your own copy of the lessons and labs in JupyterLab",
        description="Copy the lessons and labs to work/, each once and never over a changed one, "
        "and open JupyterLab there. What else is given goes to JupyterLab, such as --no-browser.",
    )
    lab.set_defaults(command=_lab)

    listing = commands.add_parser("methods", help="list every method and where it comes from")
    listing.set_defaults(command=_methods)
    verdict = commands.add_parser("doctor", help="say whether this environment can run the course")
    verdict.set_defaults(command=_doctor)
    return parser


def _scoreboard(args):
    from mmlearn.scoreboard import Stopped, run
    from mmlearn.storage.files import check_writable

    for path in (args.json, args.csv, args.plot):
        if path is not None:
            check_writable(path)  # said before the work, not after it
    if args.plot and args.plot.suffix.lower() not in PICTURES:
        raise ValueError(f"--plot draws {', '.join(PICTURES)}, not {args.plot.suffix or 'that'}.")
    names = None
    if args.methods not in (None, "all"):
        names = [name.strip() for name in args.methods.split(",") if name.strip()]
    try:
        board = run(args.dataset, names, args.seeds, not args.no_progress, args.labels)
    except Stopped as stopped:
        _give_out(stopped.board, args)
        raise KeyboardInterrupt from stopped
    _give_out(board, args)
    return 0


def _give_out(board, args):
    """Print a board, and write it into the files that were asked for."""
    from mmlearn.storage.files import write_atomically

    print(board)
    if args.json:
        write_atomically(args.json, board.to_json())
    if args.csv:
        write_atomically(args.csv, board.to_csv())
    if args.plot:
        picture = io.BytesIO()
        board.plot().savefig(picture, format=args.plot.suffix[1:], dpi=150)
        write_atomically(args.plot, picture.getvalue())


def _lab(args):
    from mmlearn.workspace import open_lab

    return open_lab(args.others)


def _methods(args):
    from mmlearn.registry import methods

    for method in methods(timed=True, pairs=True):
        supervision = "supervised" if method.supervised else "unsupervised"
        print(f"{method.name:<14}{method.kind:<13}{supervision:<14}{method.reference}")
    return 0


def _doctor(args=None):
    findings = doctor.examine()
    signs = {"ok": "ok      ", "note": "note    ", "problem": "PROBLEM "}
    for status, sentence in findings:
        print(signs[status] + sentence)
    problems = sum(status == "problem" for status, _ in findings)
    if problems == 0:
        print("Verdict: everything the course needs is here.")
        return 0
    print(f"Verdict: {problems} problem{'s' * (problems > 1)} to mend, see above.")
    return 1
