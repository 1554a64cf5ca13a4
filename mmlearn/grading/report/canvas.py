"""Canvas's gradebook, as its *Import* takes it: who each student is, and the lab's column."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mmlearn.grading.errors import GradingError
from mmlearn.grading.intake.names import fold
from mmlearn.grading.report.moodle import scale
from mmlearn.grading.report.pages import number
from mmlearn.grading.report.standing import Cohort
from mmlearn.grading.roster.platforms import assignments, identity
from mmlearn.grading.roster.tables import table_text

OWN = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
POSSIBLE = "Points Possible"


def gradebook(
    cohort: Cohort, table: Mapping, ids: Mapping, assignment: str | None
) -> tuple[str, list[str]]:
    """Return the CSV that Canvas imports, and what to say of it.

    Of the gradebook that was exported the columns that say who a student is stay as they are, and
    of the assignments only this one: an import changes what it holds.

    Raises
    ------
    GradingError
        If the students' ids, or the column of the assignment, are not known.
    """
    if not table:
        return _from_ids(cohort, ids, assignment)
    column = _column(table["columns"], cohort.lab, assignment)
    own = identity(table["columns"])
    standings = {one.student: one for one in cohort.standings}
    possible = next((r["cells"] for r in table["rows"] if _is_possible(r["cells"], own)), None)
    maximum = possible[column] if possible else ""
    rows = [[*("    " * (c == own[0]) + possible[c] for c in own), maximum]] if possible else []
    scaled, listed = 1.0, set()
    for row in table["rows"]:
        one = standings.get(row["student"])
        if one is None:
            continue
        listed.add(one.student)
        points = ""
        if one.points is not None:
            points, scaled = scale(one.points, one.max_points, maximum)
        rows.append([*(row["cells"][c] for c in own), points])
    told = []
    if scaled != 1.0:
        why = f"Canvas's {POSSIBLE} is another than the lab's"
        told.append(f"Grades were multiplied by {scaled:.4g}: {why}.")
    if strangers := [name for name in standings if name not in listed]:
        told.append(f"Not in Canvas's gradebook: {', '.join(strangers)}.")
    return table_text([*own, column], rows), told


def _is_possible(cells: Mapping[str, str], own: list[str]) -> bool:
    return fold(cells[own[0]]) == fold(POSSIBLE)


def _from_ids(cohort: Cohort, ids: Mapping, assignment: str | None) -> tuple[str, list[str]]:
    rows, missing, most = [], [], ""
    for one in cohort.standings:
        numbers = [alias for alias in ids.get(one.student, ()) if re.fullmatch(r"\d+", alias)]
        if not numbers:
            missing.append(one.student)
            continue
        most = number(one.max_points)
        rows.append([one.student, numbers[0], "", "", "", number(one.points)])
    if not rows:
        raise GradingError(
            "Canvas's ids of the students are not known: export the gradebook from Canvas, and "
            "give it as --roster."
        )
    told = [f"Left out, as Canvas's id is not known: {', '.join(missing)}."] if missing else []
    rows.insert(0, [f"    {POSSIBLE}", "", "", "", "", most])
    return table_text([*OWN, assignment or cohort.lab], rows), told


def _column(columns: list[str], unit: str, wanted: str | None) -> str:
    """Return an assignment's column, by its name or id, or by the lab's name."""
    known = assignments(columns)
    if wanted is not None:
        found = [c for c in known if wanted in (c, _id(c)) or fold(wanted) == fold(_title(c))]
    else:
        found = [c for c in known if _words(unit) in _words(c)] or known[:1] * (len(known) == 1)
    if len(found) != 1:
        raise GradingError(
            "Say by --assignment into which column of Canvas's gradebook the grades go: "
            f"{', '.join(map(repr, known)) or 'it has none'}."
        )
    return found[0]


def _id(column: str) -> str:
    match = re.search(r"\((\d+)\)$", column)
    return match[1] if match else ""


def _title(column: str) -> str:
    return re.sub(r"\s*\(\d+\)$", "", column)


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.replace("_", " ").casefold()))
