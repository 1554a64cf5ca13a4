"""Moodle's offline grading worksheet, filled in, and its zip of feedback files.

The worksheet is taken back by an assignment's *Upload grading worksheet*, which looks at the
identifier, the grade, the feedback comment, and when a grade was last changed; so whatever stands
in the other cells stays. The zip is for *Upload multiple feedback files in a zip*: a folder for
each participant, named as in the download of the submissions.
"""

from __future__ import annotations

import html
import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mmlearn.grading.report.pages import number
from mmlearn.grading.report.standing import Cohort, Standing, duration
from mmlearn.grading.roster.platforms import moodle_column, participant
from mmlearn.grading.roster.tables import table_text

COLUMNS = (
    *("Identifier", "Full name", "Email address", "Status", "Grade", "Maximum Grade"),
    *("Grade can be changed", "Last modified (submission)", "Last modified (grade)"),
    "Feedback comments",
)
_LONG = 300  # characters of a check's message


@dataclass(frozen=True)
class Participant:
    """A student as Moodle names them, by the number of this assignment."""

    number: str
    name: str
    row: Mapping[str, str]


def participants(cohort: Cohort, table: Mapping, ids: Mapping) -> dict[str, Participant]:
    """Return Moodle's number and row for each student, by the worksheet or else by the download."""
    found = {}
    if table:
        columns = table["columns"]
        identifier = moodle_column("identifier", columns)
        name = moodle_column("name", columns) or identifier
        for row in table["rows"]:
            cells = row["cells"]
            who = Participant(participant(cells[identifier]), cells[name], cells)
            found[row["student"]] = who
        return found
    for one in cohort.standings:
        for alias in ids.get(one.student, ()):
            if re.fullmatch(r"Participant \d+", alias):
                found[one.student] = Participant(participant(alias), one.student, _row(alias, one))
    return found


def _row(identifier: str, one: Standing) -> dict[str, str]:
    cells = (identifier, one.student, "", "Submitted for grading", "", number(one.max_points))
    return dict(zip(COLUMNS, (*cells, "Yes", "-", "-", ""), strict=True))


def worksheet(
    cohort: Cohort, table: Mapping, people: Mapping[str, Participant]
) -> tuple[str, list[str]]:
    """Return the worksheet as CSV with the grades filled in, and what to say of it."""
    columns = table.get("columns") or COLUMNS
    grade, most, comment = (moodle_column(p, columns) for p in ("grade", "maximum", "feedback"))
    standings = {one.student: one for one in cohort.standings}
    rows, scaled = [], set()
    for student, who in people.items():
        cells, one = dict(who.row), standings.get(student)
        if one is not None and one.points is not None:
            points, factor = scale(one.points, one.max_points, cells.get(most, ""))
            scaled |= {factor} - {1.0}
            cells[grade] = points
            if comment:
                cells[comment] = _comment(one)
        rows.append([cells[column] for column in columns])
    told = [
        f"Grades were multiplied by {factor:.4g}: the maximum in Moodle is another than the lab's."
        for factor in sorted(scaled)
    ]
    if strangers := [name for name in standings if name not in people]:
        told.append(f"Not in Moodle's worksheet: {', '.join(strangers)}.")
    return table_text(columns, rows), told


def scale(points: float, most: float, maximum: str) -> tuple[str, float]:
    """Return points as the platform counts them, and the factor between.

    >>> scale(6.5, 13, "26,00"), scale(6.5, 13, "")
    (('13', 2.0), ('6.5', 1.0))
    """
    try:
        factor = float(maximum.replace(",", ".")) / most
    except (ValueError, ZeroDivisionError):
        factor = 1.0
    factor = factor if factor > 0 else 1.0
    return number(round(points * factor, 5)), factor


def _comment(one: Standing) -> str:
    """Return a student's result as the HTML that Moodle shows, in one line."""
    so_far = " so far" if one.to_mark else ""
    text = f"<p>{number(one.points)} of {number(one.max_points)} points{so_far}: {one.status}.</p>"
    if one.penalty:
        text += f"<p>{number(one.penalty)} points less, as it was {duration(one.late)} late.</p>"
    if one.status not in ("unreadable", "not-submitted"):
        checks = [_item(check, one) for check in one.record["checks"]]
        text += f"<ul>{''.join(checks)}</ul>" if checks else ""
    notes = [one.record["message"], *one.record["notes"]]
    text += "".join(f"<p>{_safe(note)}</p>" for note in notes if note)
    for mark in one.marks.values():
        text += f"<p>{_safe(mark.comment)}</p>" if mark.comment else ""
    return text


def _item(check: Mapping, one: Standing) -> str:
    points = f"{number(one.check_points(check), '?')} of {number(check['max_points'])}"
    message = f": {check['message']}" if check["message"] else ""
    text = f"{check['grade_id']}: {check['status']}, {points}{message}"
    return f"<li>{_safe(text)}</li>"


def _safe(text: str) -> str:
    """Return text as HTML of one line, in which no spreadsheet finds a formula."""
    text = " ".join(text.split())
    text = html.escape(text if len(text) <= _LONG else text[: _LONG - 3] + "...")
    return re.sub(r";(?=[=@+\-|＝＋－＠])", ";<wbr>", text)


def feedback_zip(
    cohort: Cohort, people: Mapping[str, Participant], pages: Mapping[str, Path]
) -> tuple[bytes, list[str]]:
    """Return a zip of the feedback pages, a folder for each participant, and what to say of it."""
    buffer, missing = io.BytesIO(), []
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for student, page in pages.items():
            who = people.get(student)
            if who is None or not who.number:
                missing.append(student)
                continue
            # The number stands between the first two "_", so the name must have none.
            name = " ".join(re.sub(r'[_<>:"/\\|?*\x00-\x1f]', " ", who.name).split()) or "Student"
            name = f"{name}_{who.number}_assignsubmission_file_/{cohort.lab}_feedback.html"
            info = zipfile.ZipInfo(name)  # without a time: the same pages give the same bytes
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o100644 << 16
            file.writestr(info, page.read_bytes())
    told = [f"No feedback for, as Moodle's number is not known: {', '.join(missing)}."]
    return buffer.getvalue(), told if missing else []
