"""Files that learning platforms take: Moodle's worksheet and feedback zip, Canvas's gradebook.

Each is the platform's own table, as the instructor gave it for a class list, with the grades filled
in; or, where it was not given, made of the numbers in the names of the platform's download.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from mmlearn.grading.errors import GradingError
from mmlearn.grading.records import feedback_path, write_bytes
from mmlearn.grading.report import canvas, moodle
from mmlearn.grading.report.gradebook import read_cohorts
from mmlearn.grading.report.pages import plural
from mmlearn.grading.report.standing import Cohort
from mmlearn.grading.roster.classroom import class_path
from mmlearn.grading.roster.platforms import CANVAS, MOODLE

EXPORTS = (MOODLE, CANVAS)


def write_exports(
    out: Path, unit: str, kinds: Iterable[str], assignment: str | None = None
) -> list[str]:
    """Write a lab's files for learning platforms into ``exports/``; return what to say of them.

    `assignment` is the column of Canvas's gradebook, or its id.

    Raises
    ------
    GradingError
        If the platform's numbers of the students, or Canvas's column, are not known.
    """
    about = json.loads(class_path(out, unit).read_text(encoding="utf-8"))
    (cohort,) = (each for each in read_cohorts(out) if each.lab == unit)
    told = _open_ends(cohort) if kinds else []
    for kind in kinds:
        for name, data, sentences in _files(kind, cohort, about, out, assignment):
            path = out / "exports" / f"{unit}.{name}"
            write_bytes(path, data)
            told += [f"Wrote {path}.", *sentences]
    return list(dict.fromkeys(told))


def _files(kind: str, cohort: Cohort, about: dict, out: Path, assignment: str | None):
    table = about.get("table") or {}
    table = table if table.get("platform") == kind else {}
    if kind == CANVAS:
        text, told = canvas.gradebook(cohort, table, about.get("ids", {}), assignment)
        return [("canvas.csv", text.encode(), told)]
    people = moodle.participants(cohort, table, about.get("ids", {}))
    if not people:
        raise GradingError(
            "Moodle's numbers of the students are not known: give its grading worksheet as "
            "--roster (in the assignment: Download grading worksheet)."
        )
    text, told = moodle.worksheet(cohort, table, people)
    pages = {
        one.student: feedback_path(out, cohort.lab, one.stem)
        for one in cohort.standings
        if one.stem is not None
    }
    data, missing = moodle.feedback_zip(cohort, people, pages)
    return [("moodle.csv", text.encode(), told), ("moodle_feedback.zip", data, missing)]


def _open_ends(cohort: Cohort) -> list[str]:
    """Return what in the grades is not settled."""
    open_ = [one.student for one in cohort.standings if one.points is None]
    told = [f"No grade yet, so left blank: {', '.join(open_)}."] if open_ else []
    if cohort.to_mark:
        left = plural(cohort.to_mark, "written answer is", "written answers are")
        told.append(f"{left} not marked yet, and so far without points.")
    return told
