"""Tables that learning platforms give: what in them names a student, and what does not.

Moodle's grading worksheet (an assignment's *Download grading worksheet*) and Canvas's gradebook
(*Export entire gradebook*) are class lists, and the tables into which grades are exported.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import tzinfo

from mmlearn.grading.intake.names import fold
from mmlearn.grading.intake.times import NO_DATE, iso_utc, read_moment

MOODLE, CANVAS = "moodle", "canvas"

# Moodle writes its columns in the language of the site: here English and German.
MOODLE_COLUMNS = {
    "identifier": ("identifier", "id"),
    "name": ("full name", "vollständiger name"),
    "number": ("id number", "id-nummer", "matrikelnummer"),
    "login": ("username", "anmeldename"),
    "email": ("email address", "e-mail-adresse"),
    "group": ("group", "gruppe"),
    "grade": ("grade", "bewertung"),
    "maximum": ("maximum grade", "bestwertung"),
    "submitted": ("last modified (submission)", "zuletzt geändert (abgabe)"),
    "graded": ("last modified (grade)", "zuletzt geändert (bewertung)"),
    "feedback": ("feedback comments", "feedback als kommentar"),
}
_CANVAS_IDS = ("id", "sis user id", "sis login id", "integration id")
_CANVAS_OWN = {"student", *_CANVAS_IDS, "root account", "section"}
_CANVAS_SUMS = re.compile(
    r"(unposted )?(current|final|override) (score|points|grade|status)|.* \(read only\)|"
    r".* (unposted )?(current|final) (score|points)",
)
_CANVAS_NOTHING = re.compile(r"|muted|manual posting.*|\(read only\)")


def platform_of(columns: Mapping[str, str] | tuple[str, ...]) -> str:
    """Return whose table this is, by its columns: ``"moodle"``, ``"canvas"`` or ``""``.

    >>> platform_of(("Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Lab 2 (17)"))
    'canvas'
    """
    heads = {fold(column) for column in columns}
    if {"student", "id", "section"} <= heads:
        return CANVAS
    needed = (MOODLE_COLUMNS[part] for part in ("identifier", "grade", "graded"))
    return MOODLE if all(heads & set(names) for names in needed) else ""


def moodle_column(part: str, columns) -> str | None:
    """Return a column of Moodle's worksheet by what it holds, as the table calls it."""
    heads = {fold(column): column for column in columns}
    return next((heads[name] for name in MOODLE_COLUMNS[part] if name in heads), None)


def identity_columns(platform: str, columns) -> list[str]:
    """Return the columns that name a student, besides the name itself."""
    if platform == MOODLE:
        parts = ("identifier", "number", "login", "email")
        return [column for part in parts if (column := moodle_column(part, columns))]
    return [column for column in columns if fold(column) in _CANVAS_IDS]


def is_nobody(platform: str, row: Mapping[str, str]) -> bool:
    """Tell a row that is no student's: Canvas's points possible, its test student, its marks."""
    if platform != CANVAS:
        return False
    heads = {fold(column): cell for column, cell in row.items()}
    name = fold(heads["student"])
    if name in ("points possible", "student, test", "test student"):
        return True
    return not name and all(_CANVAS_NOTHING.fullmatch(fold(cell)) for cell in row.values())


def participant(identifier: str) -> str:
    """Return the number in a worksheet's identifier, which every language writes its own way.

    >>> participant("Participant 12345"), participant("Teilnehmer/in12345")
    ('12345', '12345')
    """
    found = re.search(r"\d+$", identifier.strip())
    return found.group() if found else ""


def assignments(columns) -> list[str]:
    """Return the columns of Canvas's gradebook into which grades can be imported."""
    return [
        column
        for column in columns
        if column and fold(column) not in _CANVAS_OWN and not _CANVAS_SUMS.fullmatch(fold(column))
    ]


def identity(columns) -> list[str]:
    """Return the columns by which Canvas's import knows a student, in the table's order."""
    return [column for column in columns if fold(column) in _CANVAS_OWN]


def worksheet_times(columns, rows: Mapping[str, Mapping[str, str]], zone: tzinfo | None) -> dict:
    """Return when each student handed in, by Moodle's worksheet; no time where it has none."""
    column, times = moodle_column("submitted", columns), {}
    for student, row in rows.items() if column else ():
        try:
            times[student] = iso_utc(read_moment(row[column]), zone)
        except NO_DATE:
            continue  # "-": nothing was handed in
    return times
