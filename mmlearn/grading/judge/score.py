"""From what happened in the kernel to a status, a message and points per check."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import asdict, dataclass

from mmlearn.grading.judge.lab import Check, Lab
from mmlearn.grading.judge.plan import exercise_of
from mmlearn.grading.judge.rebuild import Rebuilt
from mmlearn.grading.run.channel import RunReport
from mmlearn.grading.run.limits import ENTRIES, MAX_PRINTED, MAX_SENT, MEMORY, OPEN_IN_ALL

HIDDEN_MESSAGE = "the result on fresh inputs differs"
UNTOLD = "the check failed"  # where nothing may be quoted
NOT_REACHED = "not reached: "

# The student's overall status is the worst of the checks': the first of these that occurs.
_WORST_FIRST = ("grader-error", "kernel-died", "timeout", "missing", "error", "failed", "passed")
# What ends a run, as the student's status and the reason that is given.
_STOPPED = {
    "timeout": ("timeout", "ran for more than {:g} s"),
    "kernel-died": ("kernel-died", "ended the kernel (os._exit, a crash, or too little memory)"),
    "print-limit": ("error", f"printed more than {MAX_PRINTED:,} characters"),
    "output-limit": (
        "error",
        f"sent more than {MAX_SENT // 10**6} MB to the screen (figures, widgets, prints)",
    ),
    "intruder": ("kernel-died", "wrote into the folder of the kernel's sockets"),
    "file-limit": (
        "kernel-died",
        f"made more than {ENTRIES:,} files, or held more than {OPEN_IN_ALL:,} open",
    ),
    "memory-limit": ("kernel-died", f"took more than {MEMORY / 2**30:g} GB of memory"),
}
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


@dataclass
class Result:
    """The outcome of one check."""

    grade_id: str
    status: str
    points: float | None  # None: not known, because the grader itself failed
    max_points: float
    message: str = ""
    exercise: str | None = None
    hidden: bool = False  # whether a hidden test belongs to the check

    @property
    def quotes_student(self) -> bool:
        """Whether the message may hold text that the student's code chose."""
        ours = ("", HIDDEN_MESSAGE, UNTOLD)
        return self.status in ("failed", "error") and self.message not in ours


def score(lab: Lab, rebuilt: Rebuilt, report: RunReport, cell_timeout: float) -> list[Result]:
    """Return one `Result` per check of the lab, in its order; only "passed" earns points."""
    trouble = _trouble(rebuilt, report)
    results = []
    for check in lab.checks:
        if trouble:
            status, message = "grader-error", trouble
        elif check.exercise in rebuilt.missing:
            status = "missing"
            message = f"the solution cell {check.exercise!r} is not in the notebook"
        else:
            status, message = _judge(check, rebuilt, report, cell_timeout)
        points = check.points if status == "passed" else 0.0
        results.append(
            Result(
                check.grade_id,
                status,
                None if status == "grader-error" else points,
                check.points,
                _scrub(message, lab),
                check.exercise,
                bool(check.hidden.strip()),
            )
        )
    return results


def overall(results: list[Result]) -> str:
    """Return the worst status of a submission's checks."""
    return min((result.status for result in results), key=_WORST_FIRST.index)


def as_records(results: list[Result]) -> list[dict]:
    """Return the results as plain dictionaries."""
    return [asdict(result) for result in results]


def _trouble(rebuilt: Rebuilt, report: RunReport) -> str:
    """Return why the grader, not the student, failed; "" where it did not."""
    if report.trouble:
        return report.trouble
    if not report.cells and rebuilt.cells:
        return "no cell was run" + (": the kernel did not answer" if report.out_of_time else "")
    for number, cell in enumerate(rebuilt.cells):
        if cell.role == "solution":
            return ""
        entry = report.cells.get(number)
        if cell.role == "other" and entry and entry["status"] != "ok":
            # Nothing of the student's has run yet.
            return f"the lab's own set-up failed: {_exception(entry) or entry['status']}"
    return ""


def _judge(check: Check, rebuilt: Rebuilt, report: RunReport, limit: float) -> tuple[str, str]:
    """Return the status and message of a check that was to be run."""
    parts = [
        (cell, report.cells.get(number))
        for number, cell in enumerate(rebuilt.cells)
        if cell.grade_id == check.grade_id and cell.role in ("check", "hidden")
    ]
    for cell, entry in parts:
        if entry is None and report.finished:
            return "error", "what happened to this check could not be read"
        if entry is None:
            return "timeout", f"{NOT_REACHED}the notebook took too long as a whole"
        status = entry["status"]
        if status in _STOPPED:
            return _stopped(status, entry["reached"], _culprit(check, rebuilt, report), limit)
        if status == "exception":
            own = _own_exception(check, rebuilt, report)
            return _raised(entry, cell.role == "hidden", own)
        if status == "differs":
            return "failed", HIDDEN_MESSAGE if cell.role == "hidden" else _differs(entry)
        if status != "ok":
            return "failed", HIDDEN_MESSAGE
    return "passed", ""


def _stopped(status: str, reached: bool, culprit: str, limit: float) -> tuple[str, str]:
    status, reason = _STOPPED[status]
    reason = reason.format(limit)
    if reached and not culprit:
        return status, f"this check {reason}"
    return status, f"{NOT_REACHED}{culprit or 'an earlier cell'} {reason}"


def _culprit(check: Check, rebuilt: Rebuilt, report: RunReport) -> str:
    """Name the cell that stopped the run, where it is not the check itself."""
    for number, cell in enumerate(rebuilt.cells):
        entry = report.cells.get(number)
        if entry and entry["reached"] and entry["status"] not in ("ok", "exception", "differs"):
            if cell.grade_id == check.grade_id:
                return ""
            return f"cell {cell.grade_id!r}" if cell.grade_id else "a cell of the lab"
    return ""


def stopped_at(lab: Lab, rebuilt: Rebuilt, report: RunReport) -> str | None:
    """Return the exercise at which a run stopped; "" at a cell of the lab, None where none did."""
    last = None
    for number, entry in report.cells.items():
        cell = rebuilt.cells[number]
        if entry["status"] in _STOPPED:
            return (exercise_of(lab, cell if entry["reached"] else last or cell)) or ""
        if entry["reached"]:
            last = cell
    return None


def unreached(check: Check, rebuilt: Rebuilt, report: RunReport) -> bool:
    """Tell whether a part of a check was not run because something else had stopped the run."""
    entries = _entries(check, rebuilt, report)
    stopped = [e for e in entries if e is None or (not e["reached"] and e["status"] in _STOPPED)]
    return bool(stopped) and all(e in stopped or e["status"] == "ok" for e in entries)


def may_differ_alone(check: Check, rebuilt: Rebuilt, report: RunReport) -> bool:
    """Tell whether a check that failed could pass by itself: another answer was run before it."""
    if check.exercise in rebuilt.firsts:
        return True
    cells = list(enumerate(rebuilt.cells))
    for n, cell in cells:
        entry = report.cells.get(n)
        own = cell.role == "solution" and cell.grade_id == check.exercise
        if own and entry and entry["ename"] == "NotImplementedError":
            return False
    at = next(n for n, c in cells if c.role == "check" and c.grade_id == check.grade_id)
    visible = report.cells.get(at)
    earlier = [c for n, c in cells if n < at or (visible and visible["status"] == "ok")]
    return any(c.role == "solution" and c.grade_id != check.exercise for c in earlier)


def _entries(check: Check, rebuilt: Rebuilt, report: RunReport) -> list[dict | None]:
    return [
        report.cells.get(number)
        for number, cell in enumerate(rebuilt.cells)
        if cell.grade_id == check.grade_id and cell.role in ("check", "hidden")
    ]


def _own_exception(check: Check, rebuilt: Rebuilt, report: RunReport) -> str:
    for number, cell in enumerate(rebuilt.cells):
        entry = report.cells.get(number)
        own = cell.role == "solution" and cell.grade_id == check.exercise
        if own and entry and entry["status"] == "exception":
            return f"cell {cell.grade_id!r} stopped with {_exception(entry)}"
    return ""


def _raised(entry: dict, hidden: bool, own: str) -> tuple[str, str]:
    name = entry["ename"]
    status = "failed" if name in ("AssertionError", "NotImplementedError") else "error"
    if hidden:
        return status, HIDDEN_MESSAGE
    if own:  # the check's own NameError would only hide the reason
        return ("failed" if "NotImplementedError" in own else "error"), own
    if name == "AssertionError":
        return status, entry["evalue"] or "the check's assertion does not hold"
    if name == "NotImplementedError":
        return status, entry["evalue"] or "not answered yet (NotImplementedError)"
    return status, _exception(entry)


def _exception(entry: dict) -> str:
    return ": ".join(filter(None, (entry["ename"], entry["evalue"])))


def _differs(entry: dict) -> str:
    """Tell where the printed text differs, but never what was expected."""
    if entry["got"] is None:
        return "the check printed fewer lines than for a right answer"
    if not entry["expected_more"]:
        return "the check printed more lines than for a right answer"
    line = f"line {entry['line']} of what the check printed, {entry['got']!r},"
    return f"{line} differs from a right answer"


def _scrub(message: str, lab: Lab) -> str:
    """Return a message fit for a student: no terminal colours, short, no line of a hidden test."""
    message = clean(message)
    for check in lab.checks:
        for line in check.hidden.splitlines():
            if len(line.strip()) >= 12 and line.strip() in message:
                return HIDDEN_MESSAGE
    return message


def clean(text: str, longest: int = 600) -> str:
    """Return a student's text fit for a page or a terminal: short, and without what steers one.

    >>> clean("a\x1b[31m red\x07 \u202e")
    'a red� �'
    """
    text = _ANSI.sub("", text).replace("\r\n", "\n").strip()
    text = text if len(text) <= longest else text[: longest - 3] + "..."
    return "".join(c if c in "\n\t" or _is_shown(c) else "\ufffd" for c in text)


def _is_shown(character: str) -> bool:
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
