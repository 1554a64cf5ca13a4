"""What an instructor says of a class: who is in it, when a lab was due; kept for the next run."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from mmlearn.grading.errors import GradingError
from mmlearn.grading.intake.collect import Handed, Intake
from mmlearn.grading.judge.rebuild import Lab
from mmlearn.grading.records import write_file
from mmlearn.grading.roster.class_list import Entry, match, read_roster
from mmlearn.grading.roster.late import parse_deadline, read_times

PENALTY = 10.0  # percent of a lab's points for each day that has begun since the deadline


@dataclass(frozen=True)
class Rules:
    """The options of a run; what is None stays as the last run had it."""

    roster: Path | None = None
    deadline: str | None = None  # "none" takes it back
    penalty: float | None = None  # percent per day
    handed_in: Path | None = None
    manual: Path | None = None  # points for written answers, besides those in manual.csv


def class_path(out: Path, unit: str) -> Path:
    """Return where the data of a class and lab stand."""
    return out / "json" / unit / "class.json"


def attend(intake: Intake, lab: Lab, out: Path, rules: Rules) -> list[Handed]:
    """Return what was handed in, named as in the roster and with its time; keep the class's data.

    Raises
    ------
    GradingError
        If the roster, the times, the deadline or the stored data cannot be read.
    """
    path = class_path(out, lab.unit)
    known = _read(path)
    if rules.roster is not None:
        known["roster"] = [
            {"student": entry.student, "aliases": list(entry.aliases)}
            for entry in read_roster(rules.roster)
        ]
    if rules.deadline is not None:
        given = rules.deadline.strip().lower() != "none"
        known["deadline"] = parse_deadline(rules.deadline) if given else None
    if rules.penalty is not None:
        known["penalty"] = rules.penalty
    if rules.handed_in is not None:
        known["times"] = read_times(rules.handed_in)
    handed, strangers = list(intake.handed), []
    if known["roster"] is not None:
        roster = [Entry(e["student"], tuple(e["aliases"])) for e in known["roster"]]
        matched = match(handed, roster)
        handed, strangers = list(matched.handed), list(matched.strangers)
    times, names = known["times"], {one.student for one in handed}
    unknown = list(intake.unknown)
    unknown += [f"{n} has a time, but handed nothing in." for n in times if n not in names]
    handed = [replace(one, handed_in=times.get(one.student, one.handed_in)) for one in handed]
    known |= {
        "lab": lab.unit,
        "max_points": lab.max_points,
        "checks": [{"grade_id": c.grade_id, "max_points": c.points} for c in lab.checks],
        "written": [{"grade_id": name, "max_points": points} for name, points in lab.written],
        "strangers": strangers,
        "unknown": unknown,
    }
    write_file(path, json.dumps(known, indent=1, sort_keys=True) + "\n")
    return sorted(handed, key=lambda one: one.student)


def notice(out: Path, lab: Lab, notices: list[str]) -> None:
    """Keep, for the overview, what an instructor should know of the results that are stored."""
    path = class_path(out, lab.unit)
    write_file(
        path, json.dumps(_read(path) | {"notices": notices}, indent=1, sort_keys=True) + "\n"
    )


def _read(path: Path) -> dict:
    empty = {"roster": None, "deadline": None, "penalty": PENALTY, "times": {}}
    try:
        return empty | json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return empty
    except (OSError, ValueError, TypeError) as error:
        raise GradingError(
            f"{path} cannot be read ({error}): repair it, or delete it and give --roster and "
            "--deadline again."
        ) from error
