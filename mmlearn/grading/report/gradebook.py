"""The gradebook, and every page beside it, made from the results on disk.

Nothing but the JSONs, the class's data and ``manual.csv`` goes into a report, and no date or
duration: the same results give the same bytes, and a file that would not change is not written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from mmlearn.grading.errors import GradingError
from mmlearn.grading.records import feedback_path, read_record, write_file
from mmlearn.grading.report.feedback import feedback_page, written_name, written_pages
from mmlearn.grading.report.overview import overview_page
from mmlearn.grading.report.pages import number
from mmlearn.grading.report.standing import Cohort, Standing, cohort, duration
from mmlearn.grading.roster.manual import Key, Mark, read_manual, update_manual
from mmlearn.grading.roster.overrides import BONUS, known_of, resolve
from mmlearn.grading.roster.tables import STYLES, table_text

COLUMNS = (
    "student",
    "lab",
    "status",
    "points",
    "max_points",
    "automatic",
    "written",
    "to_mark",
    "penalty",
    "late",
    "handed_in",
    "sandbox",
)


def write_reports(out: Path) -> Path:
    """Make every report of what is stored in `out`; return the path of the gradebook.

    Written are ``gradebook.csv``, ``overview/``, ``feedback/``, ``written/`` and, where answers
    are marked by hand, ``manual.csv`` with a row for each of them; rows that are there stay.

    Raises
    ------
    GradingError
        If ``manual.csv`` or a class's data cannot be read, or a mark is nobody's; then no report is
        touched.
    """
    style = csv_style(out)
    labs, about = _stored(out)
    cohorts = _cohorts(out, labs, about)
    _add_rows(out, [record for records in labs.values() for record in records])
    for each in cohorts:
        write_file(out / "overview" / f"{each.lab}.html", overview_page(each))
        for one in each.standings:
            if one.stem is not None:
                write_file(feedback_path(out, each.lab, one.stem), feedback_page(each, one))
        _write_answers(out / "written", each)
    path = out / "gradebook.csv"
    write_file(path, gradebook(cohorts, style))
    return path


def read_cohorts(out: Path, marks: Mapping[Key, Mark] | None = None) -> list[Cohort]:
    """Return how the class stands in each lab that is stored in `out`, with all marks by hand.

    `marks`, of another table than ``manual.csv``, win; they are looked at, and not kept.

    Raises
    ------
    GradingError
        As `write_reports` does.
    """
    return _cohorts(out, *_stored(out), marks)


def _stored(out: Path) -> tuple[dict[str, list[dict]], dict[str, dict]]:
    """Return the records and the class's data of each lab that is stored in `out`."""
    names = [path.name for path in sorted((out / "json").glob("*")) if path.is_dir()]
    labs = {name: _records(out, name) for name in names}
    about = {lab: _read_class(out / "json" / lab / "class.json") for lab in labs}
    return {lab: records for lab, records in labs.items() if records or about[lab]}, about


def _cohorts(out: Path, labs, about, marks: Mapping[Key, Mark] | None = None) -> list[Cohort]:
    path = out / "manual.csv"
    given = (read_manual(path) if path.exists() else {}) | dict(marks or {})
    known = {lab: known_of(about[lab], records) for lab, records in labs.items()}
    given = resolve(given, known)
    return [cohort(lab, records, about[lab], given) for lab, records in labs.items()]


def csv_style(out: Path, new: str | None = None) -> str:
    """Return how the tables in `out` are written, one of `STYLES`; `new` is kept for later runs."""
    path = out / "json" / "tables.json"
    if new is not None:
        write_file(path, json.dumps({"csv": new}) + "\n")
    try:
        style = json.loads(path.read_text(encoding="utf-8"))["csv"]
    except (OSError, ValueError, KeyError, TypeError):
        return "plain"
    return style if style in STYLES else "plain"


def gradebook(cohorts: Iterable[Cohort], style: str = "plain") -> str:
    """Return the gradebook as CSV: a row per student and lab, a column per check and answer."""
    cohorts = list(cohorts)
    parts = [grade_id for each in cohorts for grade_id in (*each.checks, *each.written)]
    parts = list(dict.fromkeys(parts))
    if any(one.bonus for each in cohorts for one in each.standings):
        parts.append(BONUS)
    heads = [f"{part} (check)" if part in COLUMNS else part for part in parts]
    delimiter, mark = STYLES[style]
    rows = [
        _row(one, parts, "," if delimiter == ";" else ".") for c in cohorts for one in c.standings
    ]
    return mark + table_text([*COLUMNS, *heads], rows, delimiter)


def _row(one: Standing, parts: list[str], decimal: str) -> list[str]:
    def shown(value: float | None) -> str:
        return number(value).replace(".", decimal)

    record = one.record
    points = {check["grade_id"]: check["points"] for check in record["checks"]}
    points |= {grade_id: mark.points for grade_id, mark in one.marks.items()}
    row = [
        one.student,
        record["lab"],
        one.status,
        shown(one.points),
        shown(one.max_points),
        shown(one.automatic),
        shown(one.written),
        str(one.to_mark),
        shown(one.penalty),
        duration(one.late),
        record.get("handed_in") or "",
        record["sandbox"] or "",
    ]
    return row + [shown(points.get(part)) for part in parts]


def _records(out: Path, lab: str) -> list[dict]:
    paths = sorted((out / "json" / lab).glob("*.json"))
    return [read_record(p) or _unread(p, lab) for p in paths if p.name != "class.json"]


def _unread(path: Path, lab: str) -> dict:
    """Return what stands for a record that was damaged: no student is lost without a word."""
    return {
        "student": path.stem,
        "stem": path.stem,
        "lab": lab,
        "status": "grader-error",
        "points": None,
        "max_points": 0.0,
        "checks": [],
        "written": [],
        "notes": [],
        "message": f"The stored result {path.name} cannot be read.",
        "sandbox": None,
        "handed_in": None,
    }


def _read_class(path: Path) -> dict:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise GradingError(
            f"{path} cannot be read ({error}): repair it, or delete it and give --roster and "
            "--deadline again."
        ) from error


def _add_rows(out: Path, records: list[dict]) -> None:
    """Let a row wait in ``manual.csv`` for each written answer."""
    rows = [
        (record["student"], record["lab"], answer["grade_id"], answer["max_points"])
        for record in sorted(records, key=lambda r: (r["lab"], r["student"]))
        for answer in record["written"]
    ]
    if rows:
        update_manual(out / "manual.csv", rows, style=csv_style(out))


def _write_answers(folder: Path, each: Cohort) -> None:
    pages = written_pages(each)
    for at, text in enumerate(pages, 1):
        write_file(folder / written_name(each.lab, at), text)
    # A page that a longer run left behind would show answers as they were.
    at = len(pages) + 1
    while (stale := folder / written_name(each.lab, at)).exists():
        stale.unlink()
        at += 1
