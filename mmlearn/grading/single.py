"""Grade one submission: rebuild it, run it, score it; and make sure that a lab is fit for that."""

from __future__ import annotations

import json
import time
from pathlib import Path

from mmlearn.grading.errors import GradingError, UnreadableSubmission
from mmlearn.grading.intake.submission import Submission, digest, parse_submission, read_bytes
from mmlearn.grading.judge.authorship import made_of
from mmlearn.grading.judge.lab import Check, Lab
from mmlearn.grading.judge.plan import Step, alone, numbered, whole
from mmlearn.grading.judge.rebuild import (
    Rebuilt,
    empty_of,
    rebuild,
    solution_of,
    written_answers,
)
from mmlearn.grading.judge.score import (
    NOT_REACHED,
    UNTOLD,
    Result,
    as_records,
    clean,
    may_differ_alone,
    overall,
    score,
    stopped_at,
    unreached,
)
from mmlearn.grading.judge.statuses import GRADER_VERSION
from mmlearn.grading.records import write_file
from mmlearn.grading.run.channel import RunReport
from mmlearn.grading.run.execute import longest, run_notebook
from mmlearn.grading.run.limits import STARTUP_TIMEOUT

STARVED = ("timeout", "kernel-died")  # what another student's code, or a busy machine, may cause


def key_of(lab: Lab, data: bytes, timeout: float, sandbox: str) -> str:
    """Return the key under which a result holds: everything that it depends on, hashed."""
    rules = "own work" if lab.own_work else ""
    parts = (GRADER_VERSION, lab.unit, lab.hash, digest(data), f"{timeout:g}", sandbox, rules)
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
    grading = _Grading(lab, rebuilt, timeout, sandbox)
    report, results = grading.run(whole(rebuilt))
    if not any(result.points is None for result in results):
        grading.try_alone(_second_tries(lab, rebuilt, report, results), results)
        grading.died += _where_it_died(lab, rebuilt, report, results)
        grading.try_each_that_died(results)
    about = made_of(lab, rebuilt.cells)
    if lab.own_work:
        _refuse_library(results, about["library"])
    written = _written(lab, written_answers(lab, submission))
    return {"written": written, "message": "", **about} | _found(results, rebuilt.notes)


def _refuse_library(results: list[Result], library: dict[str, list[str]]) -> None:
    """Take the points of answers that come from a library."""
    for result in results:
        if names := library.get(result.exercise):
            result.status, result.points = "failed", 0.0
            result.message = f"takes {', '.join(names)} from a library: write it yourself"


def needs_another_run(found: dict) -> bool:
    """Tell whether a result may be due to what ran beside it (see `grade_again`)."""
    return any(check["status"] in STARVED for check in found["checks"])


def grade_again(data: bytes, lab: Lab, timeout: float, sandbox: str, found: dict) -> dict:
    """Run the checks of a result once more that ran out of time or lost their kernel.

    Each exercise is run by itself. What passes now earns its points; all else stays as it was, the
    message too, which could now be told by code that has seen a hidden test.
    """
    rebuilt = rebuild(lab, parse_submission(data))
    results = [Result(**check) for check in found["checks"]]
    todo = [c for c, r in zip(lab.checks, results, strict=True) if r.status in STARVED]
    rebuilt.notes = [*found["notes"], "What took too long, or ended its kernel, was run twice."]
    grading = _Grading(lab, rebuilt, timeout, sandbox, shown=True)
    grading.until = time.monotonic() + STARTUP_TIMEOUT + 2 * timeout
    grading.try_alone(todo, results)
    grading.try_each_that_died(results)
    if lab.own_work:
        _refuse_library(results, found["library"])
    return found | _found(results, rebuilt.notes)


def _found(results: list[Result], notes: list[str]) -> dict:
    unknown = any(result.points is None for result in results)
    found = {
        "status": overall(results),
        "points": None if unknown else sum(result.points for result in results),
        "checks": as_records(results),
        "notes": [clean(note, 300) for note in notes],
    }
    return found | ({"message": f"The grader failed: {results[0].message}."} if unknown else {})


def _second_tries(lab: Lab, rebuilt: Rebuilt, report: RunReport, results: list[Result]):
    """Return the checks that could still pass: not reached, or perhaps broken by another answer."""
    stop = stopped_at(lab, rebuilt, report)
    return [
        check
        for check, result in zip(lab.checks, results, strict=True)
        if result.status not in ("passed", "missing")
        and stop != (check.exercise or check.grade_id)
        and (unreached(check, rebuilt, report) or may_differ_alone(check, rebuilt, report))
    ]


def _where_it_died(lab: Lab, rebuilt: Rebuilt, report: RunReport, results: list[Result]):
    """Return the check in which the kernel died, if an earlier answer may have been the reason.

    One that never ends is not tried again: it would take its time again.
    """
    stop = stopped_at(lab, rebuilt, report)
    return [
        check
        for check, result in zip(lab.checks, results, strict=True)
        if result.status == "kernel-died"
        and stop == (check.exercise or check.grade_id)
        and may_differ_alone(check, rebuilt, report)
    ]


class _Grading:
    """The runs of one submission: together they take no longer than one may.

    `shown` tells whether a hidden test has reached a kernel. From then on nothing is quoted: code
    that has seen one could hand it on to a later run, and from there to the student.
    """

    def __init__(self, lab: Lab, rebuilt: Rebuilt, timeout: float, sandbox: str, shown=False):
        self.lab, self.rebuilt, self.timeout, self.sandbox = lab, rebuilt, timeout, sandbox
        self.shown = shown
        self.died: list[Check] = []  # in which a kernel died that others had used before
        self.until = time.monotonic() + longest(timeout)

    def run(self, steps: list[Step]) -> tuple[RunReport, list[Result]]:
        """Run some cells; return what happened, and a result for every check of the lab."""
        left = self.until - time.monotonic()
        report = run_notebook([cell for _, cell in steps], self.timeout, self.sandbox, left)
        report = numbered(steps, report)
        results = score(self.lab, self.rebuilt, report, self.timeout)
        for result in results:
            if self.shown and result.quotes_student:
                result.message = UNTOLD
        self.shown = self.shown or _saw_hidden(self.rebuilt, report)
        return report, results

    def try_alone(self, todo: list[Check], results: list[Result]) -> None:
        """Run exercises by themselves; a better result takes the place of the first one.

        Where one of them stops the run, the others go on without it, in another kernel.
        """
        reasons: dict[str, list[str]] = {}
        while todo and time.monotonic() < self.until:
            report, found = self.run(alone(self.rebuilt, todo))
            if report.trouble or any(result.points is None for result in found):
                break
            stop = stopped_at(self.lab, self.rebuilt, report)
            left = []
            for at, check in enumerate(self.lab.checks):
                if check not in todo:
                    continue
                exercise = check.exercise or check.grade_id
                skipped = results[at].message.startswith(NOT_REACHED)
                if exercise != stop and unreached(check, self.rebuilt, report):
                    left.append(check)
                    continue
                if exercise == stop and found[at].status == "kernel-died" and len(todo) > 1:
                    self.died.append(check)
                if found[at].status == "passed" or skipped:
                    why = results[at].message.removeprefix(NOT_REACHED) if skipped else ""
                    why = why or "they did not pass beside the other answers"
                    reasons.setdefault(why, []).append(repr(check.grade_id))
                    results[at] = found[at]
            todo = left if len(left) < len(todo) else []
        for why, names in reasons.items():
            self.rebuilt.notes.append(f"Run by themselves ({why}): {', '.join(names)}.")

    def try_each_that_died(self, results: list[Result]) -> None:
        """Run each exercise in which a kernel died in one of its own: who was it?"""
        for check in dict.fromkeys(self.died):
            self.try_alone([check], results)


def _saw_hidden(rebuilt: Rebuilt, report: RunReport) -> bool:
    """Tell whether the source of a hidden test may have reached the kernel."""
    return any(
        cell.role == "hidden" and report.cells.get(number, {}).get("reached", not report.finished)
        for number, cell in enumerate(rebuilt.cells)
    )


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
