"""Whose a mark by hand is, and for what: a row that fits nothing is an error, never ignored.

A row's ``grade_id`` names a written answer, a check, an exercise (then its checks share the points,
the first ones full), or is ``bonus``: points beside the lab's own, of any number.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from mmlearn.grading.errors import GradingError
from mmlearn.grading.intake.names import fold
from mmlearn.grading.roster.manual import Key, Mark

BONUS = "bonus"


@dataclass(frozen=True)
class Known:
    """What there is in a lab: who, and the points of each answer and check."""

    students: frozenset[str]
    parts: Mapping[str, float]  # grade_ids of written answers and checks
    exercises: Mapping[str, tuple[str, ...]]  # the checks of each


def known_of(about: Mapping, records: Iterable[Mapping]) -> Known:
    """Return what there is in a lab, by the class's data and the stored results."""
    records = list(records)
    students = {record["student"] for record in records} | set(about.get("handed", ()))
    students |= {entry["student"] for entry in about.get("roster") or ()}
    students |= {
        name for group in about.get("groups", {}).items() for name in (group[0], *group[1])
    }
    parts, exercises = {}, {}
    for source in (*records, about):
        for part in (*source.get("written", ()), *source.get("checks", ())):
            parts[part["grade_id"]] = part["max_points"]
        for check in source.get("checks", ()):
            if check.get("exercise"):
                exercises.setdefault(check["exercise"], {})[check["grade_id"]] = None
    return Known(frozenset(students), parts, {name: tuple(ids) for name, ids in exercises.items()})


def resolve(marks: Mapping[Key, Mark], labs: Mapping[str, Known]) -> dict[Key, Mark]:
    """Return the marks by the names in the gradebook, a mark for each answer and check.

    Raises
    ------
    GradingError
        If a mark's lab, student or ``grade_id`` is unknown, it gives more points than there are,
        or another row gives points for the same; the row is named.
    """
    found = {}
    for (student, unit, grade_id), mark in marks.items():
        lab = labs.get(unit)
        if lab is None:
            raise GradingError(
                f"{mark.where}: no lab {unit!r} was graded here; {_like(unit, labs)}"
            )
        student = _student(student, unit, lab, mark)
        for part, each in _parts(grade_id, unit, lab, mark):
            if (first := found.setdefault((student, unit, part), each)) is not each:
                raise GradingError(
                    f"{mark.where}: {first.where} gives {student!r} points for {part!r} already; "
                    "keep one row."
                )
    return found


def _student(name: str, unit: str, lab: Known, mark: Mark) -> str:
    if name in lab.students:
        return name
    same = [student for student in lab.students if fold(student) == fold(name)]
    if len(same) != 1:
        known = _like(name, lab.students)
        raise GradingError(f"{mark.where}: no student {name!r} in {unit!r}; {known}")
    return same[0]


def _parts(grade_id: str, unit: str, lab: Known, mark: Mark) -> list[tuple[str, Mark]]:
    """Return for what a mark counts, and how much of it for each."""
    if grade_id == BONUS and BONUS not in lab.parts:
        return [(BONUS, mark)]
    ids = (grade_id,) if grade_id in lab.parts else lab.exercises.get(grade_id)
    if not ids:
        known = _like(grade_id, [*lab.parts, *lab.exercises])
        raise GradingError(
            f"{mark.where}: no check, exercise or written answer {grade_id!r} in {unit!r}; {known}"
        )
    most = sum(lab.parts[part] for part in ids)
    if mark.points > most + 1e-9:
        raise GradingError(
            f"{mark.where}: {mark.points:g} points given, but 0 to {most:g} are possible for "
            f"{grade_id!r}. For more, add a row of which the grade_id is {BONUS}."
        )
    shares, left = [], mark.points
    for part in ids:
        points = min(left, lab.parts[part])
        left -= points
        shares.append((part, replace(mark, points=points, max_points=lab.parts[part])))
    return shares


def _like(name: str, names: Iterable[str]) -> str:
    """Return what the name may have meant, as the end of a sentence."""
    names = sorted(names)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5) or names[:10]
    return f"there is {', '.join(map(repr, close)) or 'none'}."
