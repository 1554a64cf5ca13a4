"""Groups that hand in together: one hand-in counts for all members, and each is told so.

Whoever handed in something is graded by that. Who did not gets the group's newest hand-in, one that
could be read before one that could not; something handed in under the group's own name is the
whole group's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from mmlearn.grading.errors import GradingError
from mmlearn.grading.intake.names import fold, printable, stems
from mmlearn.grading.roster.tables import read_table

MAX_GROUP = 10  # members; a larger one is a tutorial's, which hands in nothing together

_UNREAD = ("unreadable", "grader-error")


def read_groups(path: Path) -> list[tuple[str, str, str]]:
    """Return (where, group, student) for each row of a CSV with columns ``group``, ``student``.

    Raises
    ------
    GradingError
        If a column or a cell is missing, or a student is there twice; the line is named.
    """
    table = read_table(path)
    heads = {fold(column): column for column in table.columns}
    group = next((heads[name] for name in ("group", "team") if name in heads), None)
    if group is None or "student" not in heads:
        raise GradingError(f"{path} must have the columns group and student.")
    found, seen = [], {}
    for line, row in table.rows:
        where, cells = f"{path}, line {line}", (row[group].strip(), row[heads["student"]].strip())
        if not all(cells):
            raise GradingError(f"{where}: group and student must not be blank.")
        if (first := seen.setdefault(fold(cells[1]), line)) != line:
            raise GradingError(f"{where}: {cells[1]!r} is in line {first} already.")
        found.append((where, *map(printable, cells)))
    return found


def check_sizes(groups: Mapping[str, Iterable[str]]) -> None:
    """Refuse groups that are too large to have handed in one thing together.

    Raises
    ------
    GradingError
        If a group has more than `MAX_GROUP` members.
    """
    for group, members in groups.items():
        if (size := len(list(members))) > MAX_GROUP:
            raise GradingError(
                f"The group {group!r} has {size} members; at most {MAX_GROUP} hand in together. "
                "If it is a tutorial's, name the column otherwise."
            )


def share(
    records: list[dict], groups: Mapping[str, list[str]]
) -> tuple[list[dict], list[str], set[str]]:
    """Give each member without a record the group's.

    Returns the records, one sentence for each group with several hand-ins, and the names under
    which groups handed in, which are no students.
    """
    by_name = {record["student"]: record for record in records}
    by_fold = {fold(name): name for name in by_name}
    used, result, notices, hidden = {fold(r["stem"] or "") for r in records}, [], [], set()
    for group, members in sorted(groups.items()):
        own = by_fold.get(fold(group)) if group not in members else None
        hidden |= {own} if own else set()
        names = [name for name in (own, *members) if name in by_name]
        if len(names) > 1:
            notices.append(
                f"Group {group}: {', '.join(names)} handed in. Each is graded on their own hand-in."
            )
        if not names:
            continue
        best = max((by_name[name] for name in names), key=_order)
        best = by_name[own] if own else best
        for member in members:
            if member not in by_name:
                result.append(_shared(best, member, group, used))
    return [r for r in records if r["student"] not in hidden] + result, notices, hidden


def _order(record: dict) -> tuple[bool, str, str]:
    readable = record["status"] not in _UNREAD
    return readable, record.get("handed_in") or "", record["student"]


def _shared(record: dict, member: str, group: str, used: set[str]) -> dict:
    by = "" if fold(record["student"]) == fold(group) else f" by {record['student']}"
    note = f"Handed in{by} for the group {group}: it counts for each of its members."
    stem = stems([member])[member]
    if fold(stem) in used:
        stem = stems([member, member.swapcase()])[member]  # tagged, as of two that only case parts
    used.add(fold(stem))
    return record | {
        "student": member,
        "stem": stem,
        "notes": [*record["notes"], note],
        "shared_by": record["student"],
        "shared_stem": record["stem"],
    }
