"""Results on disk: one JSON per student, and the gradebook and pages that are made from them.

Nothing but the JSONs, the class's data and ``manual.csv`` goes into a report, and no date or
duration: the same results give the same bytes, and a file that would not change is not written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from mmlearn.grading import GradingError
from mmlearn.grading.feedback import feedback_page, written_name, written_pages
from mmlearn.grading.manual import read_manual, update_manual
from mmlearn.grading.overview import overview_page
from mmlearn.grading.pages import number
from mmlearn.grading.standing import Cohort, Standing, cohort, duration
from mmlearn.grading.tables import table_text
from mmlearn.storage.files import write_atomically

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


def write_file(path: Path, text: str) -> None:
    """Write a file whole or not at all, and make its folder first; the same content stays."""
    try:
        if path.read_bytes() == text.encode("utf-8", "replace"):
            return
    except OSError:
        path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text)


def record_path(out: Path, lab: str, stem: str) -> Path:
    """Return where the JSON of a student's lab stands."""
    return out / "json" / lab / f"{stem}.json"


def feedback_path(out: Path, lab: str, stem: str) -> Path:
    """Return where the HTML feedback of a student's lab stands."""
    return out / "feedback" / lab / f"{stem}.html"


def read_record(path: Path) -> dict | None:
    """Return a stored record, or None where there is none that can be read."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and {"checks", "stem"} <= record.keys() else None


def write_record(out: Path, record: dict) -> None:
    """Write a student's record, and nothing else."""
    text = json.dumps(record, indent=1, ensure_ascii=True, sort_keys=True)
    write_file(record_path(out, record["lab"], record["stem"]), text + "\n")


def write_reports(out: Path) -> Path:
    """Make every report of what is stored in `out`; return the path of the gradebook.

    Written are ``gradebook.csv``, ``overview/``, ``feedback/``, ``written/`` and, where answers
    are marked by hand, ``manual.csv`` with a row for each of them; rows that are there stay.

    Raises
    ------
    GradingError
        If ``manual.csv`` or a class's data cannot be read; then no report is touched.
    """
    labs = {path.parent.name: [] for path in sorted(out.glob("json/*/*.json"))}
    about = {lab: _read_class(out / "json" / lab / "class.json") for lab in labs}
    for lab, records in labs.items():
        records += _records(out, lab)
    marks = _marks(out / "manual.csv", [r for records in labs.values() for r in records])
    cohorts = [cohort(lab, records, about[lab], marks) for lab, records in labs.items()]
    for each in cohorts:
        write_file(out / "overview" / f"{each.lab}.html", overview_page(each))
        for one in each.standings:
            if one.stem is not None:
                write_file(feedback_path(out, each.lab, one.stem), feedback_page(each, one))
        _write_answers(out / "written", each)
    path = out / "gradebook.csv"
    write_file(path, gradebook(cohorts))
    return path


def gradebook(cohorts: Iterable[Cohort]) -> str:
    """Return the gradebook as CSV: a row per student and lab, a column per check and answer."""
    cohorts = list(cohorts)
    parts = [grade_id for each in cohorts for grade_id in (*each.checks, *each.written)]
    parts = list(dict.fromkeys(parts))
    heads = [f"{part} (check)" if part in COLUMNS else part for part in parts]
    rows = [_row(one, parts) for each in cohorts for one in each.standings]
    return table_text([*COLUMNS, *heads], rows)


def _row(one: Standing, parts: list[str]) -> list[str]:
    record = one.record
    points = {check["grade_id"]: check["points"] for check in record["checks"]}
    points |= {grade_id: mark.points for grade_id, mark in one.marks.items()}
    row = [
        one.student,
        record["lab"],
        one.status,
        number(one.points),
        number(one.max_points),
        number(one.automatic),
        number(one.written),
        str(one.to_mark),
        number(one.penalty),
        duration(one.late),
        record.get("handed_in") or "",
        record["sandbox"] or "",
    ]
    return row + [number(points.get(part)) for part in parts]


def _records(out: Path, lab: str) -> list[dict]:
    paths = sorted(path for path in out.glob(f"json/{lab}/*.json") if path.name != "class.json")
    return [read_record(path) or _unread(path, lab) for path in paths]


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


def _marks(path: Path, records: list[dict]):
    rows = [
        (record["student"], record["lab"], answer["grade_id"], answer["max_points"])
        for record in sorted(records, key=lambda r: (r["lab"], r["student"]))
        for answer in record["written"]
    ]
    if rows:
        update_manual(path, rows)
    return read_manual(path) if path.exists() else {}


def _write_answers(folder: Path, each: Cohort) -> None:
    pages = written_pages(each)
    for at, text in enumerate(pages, 1):
        write_file(folder / written_name(each.lab, at), text)
    # A page that a longer run left behind would show answers as they were.
    at = len(pages) + 1
    while (stale := folder / written_name(each.lab, at)).exists():
        stale.unlink()
        at += 1
