"""Marks by hand: a table that the instructor fills in and that every run keeps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mmlearn.grading.errors import GradingError
from mmlearn.grading.roster.tables import STYLES, Table, read_table, table_text
from mmlearn.storage.files import make_folder, write_atomically

COLUMNS = ("student", "lab", "grade_id", "points", "max_points", "comment")
Key = tuple[str, str, str]  # student, lab, grade_id

_NUMBER = re.compile(r"-?\d+([.,]\d+)?", re.ASCII)


@dataclass(frozen=True)
class Mark:
    """What the instructor gave for an answer or a check, of how many points, and why."""

    points: float
    comment: str
    max_points: float | None = None
    where: str = field(default="the table", compare=False)  # file and line, for messages


def read_manual(path: Path) -> dict[Key, Mark]:
    """Return the marks of a table, by (student, lab, grade_id); rows without points are left out.

    Raises
    ------
    GradingError
        If the columns are others, a row is there twice, or points are no number from 0 to
        ``max_points`` (which may be blank); the line is named.
    """
    rows = _rows(path, _table(path))
    return {key: mark for key, (row, mark) in rows.items() if row["points"]}


def update_manual(
    path: Path,
    rows: Iterable[tuple[str, str, str, float]],
    marks: Mapping[Key, Mark] | None = None,
    style: str = "plain",
) -> list[Key]:
    """Add rows (student, lab, grade_id, max_points) that are new; every filled-in row stays.

    What stands in the table keeps its order, also that of students who are no longer there; new
    rows follow. `marks`, from another table, win. A table that would not change is not written.
    Returns the keys of `marks` for which there is no row; they are kept in the table, too. `style`,
    one of `STYLES`, is that of a table which is not there yet.

    Raises
    ------
    GradingError
        If the table that is there cannot be read (`read_manual`), or a mark is above what its
        answer is worth; then the table is left as it is.
    """
    path = Path(path)
    delimiter, mark = STYLES[style]
    table = _table(path) if path.exists() else Table(COLUMNS, (), delimiter, bool(mark))
    old = {key: row for key, (row, _) in _rows(path, table).items()}
    new = {key: dict(row) for key, row in old.items()}
    comma = table.delimiter == ";"  # so spreadsheets write where the decimal sign is a comma
    for *key, max_points in rows:
        row = new.setdefault(tuple(key), _blank(key))
        _set(row, "max_points", max_points, comma)
    strangers = [key for key in marks or {} if key not in new]
    for key, mark in (marks or {}).items():
        row = new.setdefault(key, _blank(key))
        if not row["max_points"] and mark.max_points is not None:
            _set(row, "max_points", mark.max_points, comma)
        _set(row, "points", mark.points, comma)
        row["comment"] = mark.comment
        _mark(f"{mark.where}: the mark for {', '.join(key)}", row)
    if new != old:
        cells = ([row[column] for column in COLUMNS] for row in new.values())
        text = table_text(COLUMNS, cells, table.delimiter)
        make_folder(path.parent)
        write_atomically(path, "\ufeff" + text if table.marked else text)
    return strangers


def _blank(key: Iterable[str]) -> dict[str, str]:
    return dict(zip(COLUMNS, (*key, "", "", ""), strict=True))


def _set(row: dict[str, str], name: str, value: float, comma: bool) -> None:
    """Put a number into a row, unless the same number stands there in another spelling."""
    if not row[name] or _number(row[name]) != value:
        text = f"{value:.10g}"
        row[name] = text.replace(".", ",") if comma else text


def _table(path: Path) -> Table:
    table = read_table(path)
    if sorted(table.columns) != sorted(COLUMNS):
        odd = sorted(set(table.columns) ^ set(COLUMNS)) or ["one is there twice"]
        raise GradingError(
            f"{path}, line 1: the columns must be {', '.join(COLUMNS)}; "
            f"unknown or missing: {', '.join(odd)}."
        )
    return table


def _rows(path: Path, table: Table) -> dict[Key, tuple[dict[str, str], Mark]]:
    rows, lines = {}, {}
    for line, row in table.rows:
        where = f"{path}, line {line}"
        row = {name: cell if name == "comment" else cell.strip() for name, cell in row.items()}
        key = row["student"], row["lab"], row["grade_id"]
        if not all(key):
            raise GradingError(f"{where}: student, lab and grade_id must not be blank.")
        if (first := lines.setdefault(key, line)) != line:
            raise GradingError(f"{where}: this answer is in line {first} already; keep one.")
        rows[key] = row, _mark(where, row)
    return rows


def _mark(where: str, row: dict[str, str]) -> Mark:
    for name in ("points", "max_points"):
        if row[name] and not _NUMBER.fullmatch(row[name]):
            raise GradingError(f"{where}: {name} {row[name]!r} is not a number.")
    points, most = _number(row["points"] or "0"), None
    if row["max_points"]:
        most = _number(row["max_points"])
    if points < 0 or (most is not None and points > most):
        possible = "0 or more" if most is None else f"0 to {most:g}"
        raise GradingError(f"{where}: {points:g} points given, but {possible} are possible.")
    return Mark(points, row["comment"], most, where)


def _number(text: str) -> float:
    return float(text.replace(",", "."))
