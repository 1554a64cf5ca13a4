"""Grade one submission: rebuild it, run it, score it; and make sure that a lab is fit for that."""

from __future__ import annotations

import json
from pathlib import Path

from mmlearn.grading.errors import GradingError, UnreadableSubmission
from mmlearn.grading.intake.submission import Submission, digest, parse_submission, read_bytes
from mmlearn.grading.judge.rebuild import (
    Lab,
    Rebuilt,
    empty_of,
    rebuild,
    solution_of,
    written_answers,
)
from mmlearn.grading.judge.score import Result, as_records, clean, overall, score
from mmlearn.grading.judge.statuses import GRADER_VERSION
from mmlearn.grading.records import write_file
from mmlearn.grading.run.channel import RunReport
from mmlearn.grading.run.execute import run_notebook


def key_of(lab: Lab, data: bytes, timeout: float, sandbox: str) -> str:
    """Return the key under which a result holds: everything that it depends on, hashed."""
    parts = (GRADER_VERSION, lab.unit, lab.hash, digest(data), f"{timeout:g}", sandbox)
    return digest("\n".join(parts).encode())


def grade_bytes(data: bytes, lab: Lab, timeout: float, sandbox: str = "none") -> dict:
    """Grade one notebook; whatever happens becomes a status, no exception.

    Returns
    -------
    dict: ``status``, ``points`` (None: not known), ``checks``, ``written``, ``notes``, ``message``
    """
    try:
        submission = parse_submission(data)
    except UnreadableSubmission as error:
        return without_run(lab, "unreadable", str(error))
    except Exception as error:  # a batch must not stop at one student
        return without_run(lab, "grader-error", f"{type(error).__name__}: {error}")
    try:
        return grade_submission(submission, lab, timeout, sandbox)
    except Exception as error:
        return without_run(lab, "grader-error", f"{type(error).__name__}: {error}")


def grade_submission(submission: Submission, lab: Lab, timeout: float, sandbox: str) -> dict:
    """Rebuild, run and score one submission; return what `grade_bytes` returns."""
    rebuilt = rebuild(lab, submission)
    report = run_notebook(rebuilt.cells, timeout, sandbox)
    results = score(lab, rebuilt, report, timeout)
    if any(result.quotes_student for result in results) and _saw_hidden(rebuilt, report):
        _retell(results, lab, rebuilt, timeout, sandbox)
    unknown = any(result.points is None for result in results)
    return {
        "status": overall(results),
        "points": None if unknown else sum(result.points for result in results),
        "checks": as_records(results),
        "written": _written(lab, written_answers(lab, submission)),
        "notes": [clean(note, 300) for note in rebuilt.notes],
        "message": f"The grader failed: {results[0].message}." if unknown else "",
    }


def _saw_hidden(rebuilt: Rebuilt, report: RunReport) -> bool:
    """Tell whether the source of a hidden test has reached the kernel."""
    return any(
        cell.role == "hidden" and report.cells.get(number, {}).get("reached", True)
        for number, cell in enumerate(rebuilt.cells)
    )


def _retell(results: list[Result], lab: Lab, rebuilt: Rebuilt, timeout, sandbox) -> None:
    """Take the messages from a second run, to which no hidden test was shown.

    Code that has seen a hidden test could write it into the next message that the student reads.
    """
    cells = [cell for cell in rebuilt.cells if cell.role != "hidden"]
    visible = Rebuilt(cells, rebuilt.missing, rebuilt.notes)
    told = score(lab, visible, run_notebook(cells, timeout, sandbox), timeout)
    for result, other in zip(results, told, strict=True):
        if result.quotes_student:
            same = other.status == result.status
            result.message = other.message if same else "the check failed"


def without_run(lab: Lab, status: str, message: str) -> dict:
    """Return the result of a submission that was not run, with the reason as its message."""
    points = None if status == "grader-error" else 0.0
    checks = [
        {
            "grade_id": check.grade_id,
            "status": status,
            "points": points,
            "max_points": check.points,
            "message": "",
            "exercise": check.exercise,
            "hidden": bool(check.hidden.strip()),
        }
        for check in lab.checks
    ]
    found = {"status": status, "points": points, "checks": checks, "notes": [], "message": message}
    return found | {"written": _written(lab, {})}


def _written(lab: Lab, answers: dict[str, str]) -> list[dict]:
    return [
        {"grade_id": name, "max_points": points, "answer": answers.get(name, "")}
        for name, points in lab.written
    ]


def verify_lab(lab: Lab, out: Path, timeout: float, sandbox: str) -> None:
    """Make sure that the solution scores 100 % and the empty lab 0 %; remembered in `out`.

    The instructor's solution runs outside the box first, so that the data and features which it
    computes lie in the cache; a boxed kernel may only read that.

    Raises
    ------
    GradingError
        If one of them does not: then no submission can be graded fairly.
    """
    empty = _empty_lab(lab)
    stored = out / "json" / "verified.json"
    key = digest(f"{key_of(lab, repr(empty).encode(), 0, sandbox)}".encode())
    try:
        verified = json.loads(stored.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        verified = []
    if key in verified:
        return
    if sandbox != "none":
        grade_submission(solution_of(lab), lab, timeout, "none")
    for name, submission, wanted in (("solution", solution_of(lab), True), ("empty", empty, False)):
        result = grade_submission(submission, lab, timeout, sandbox)
        for check in result["checks"]:
            if (check["status"] == "passed") != wanted or check["status"] == "grader-error":
                raise GradingError(_unfit(lab, name, check))
    write_file(stored, json.dumps([*verified, key]) + "\n")


def _unfit(lab: Lab, name: str, check: dict) -> str:
    if check["status"] == "grader-error":
        what = f"the grader cannot run it ({check['message']})"
    elif name == "solution":
        what = f"its own solution gets {check['status']} at check {check['grade_id']!r}"
        what += f" ({check['message']})"
    else:
        what = f"the unanswered lab passes check {check['grade_id']!r}"
    return f"{lab.path}: {what}, so nothing was graded; repair the lab and build it again."


def _empty_lab(lab: Lab) -> Submission:
    """Return the lab as it is handed out, where it stands beside the solutions; else make it."""
    handed_out = lab.path.parent.parent / "labs" / lab.path.name
    try:
        return parse_submission(read_bytes(handed_out))
    except UnreadableSubmission:
        return empty_of(lab)
