"""What an instructor says of a class: who is in it, when a lab was due; kept for the next run."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import tzinfo
from pathlib import Path

from mmlearn.grading.errors import GradingError
from mmlearn.grading.intake.collect import Handed, Intake
from mmlearn.grading.intake.names import fold
from mmlearn.grading.judge.rebuild import Lab
from mmlearn.grading.records import write_file
from mmlearn.grading.roster.class_list import Entry, finder, match, read_class
from mmlearn.grading.roster.groups import check_sizes, read_groups
from mmlearn.grading.roster.late import (
    clock_of,
    find_zone,
    parse_deadline,
    read_extensions,
    read_times,
)
from mmlearn.grading.roster.platforms import MOODLE, platform_of, worksheet_times
from mmlearn.grading.roster.tables import read_table

Find = Callable[[str], str | None]  # the student whom a name means

PENALTY = 10.0  # percent of a lab's points for each day that has begun since the deadline


@dataclass(frozen=True)
class Rules:
    """The options of a run; what is None stays as the last run had it."""

    roster: Path | None = None
    deadline: str | None = None  # "none" takes it back
    penalty: float | None = None  # percent per day
    handed_in: Path | None = None
    manual: Path | None = None  # points by hand, besides those in manual.csv
    zone: str | None = None  # of times that name none; None: this machine's
    groups: Path | None = None
    extensions: Path | None = None
    csv: str | None = None  # how tables are written, one of `tables.STYLES`


def class_path(out: Path, unit: str) -> Path:
    """Return where the data of a class and lab stand."""
    return out / "json" / unit / "class.json"


def class_zone(out: Path, unit: str, rules: Rules) -> tzinfo | None:
    """Return the zone of times that name none; None: this machine's.

    Raises
    ------
    GradingError
        If there is no such zone, or the stored data cannot be read.
    """
    return find_zone(rules.zone or _read(class_path(out, unit))["zone"])


def attend(intake: Intake, lab: Lab, out: Path, rules: Rules) -> list[Handed]:
    """Return what was handed in, named as in the roster and with its time; keep the class's data.

    Raises
    ------
    GradingError
        If the roster, the times, the deadline or the stored data cannot be read.
    """
    path = class_path(out, lab.unit)
    known = _read(path)
    _learn(known, rules)
    roster, handed, strangers = _matched(known, intake)
    find = finder(roster or [Entry(one.student, ()) for one in handed])
    unknown = list(intake.unknown)
    groups = _groups(known, find, listed=known["roster"] is not None)
    extensions, odd = _extensions(known, find, listed=known["roster"] is not None)
    times, early = _times(known, find, {one.student for one in handed})
    handed = [replace(one, handed_in=times.get(one.student, one.handed_in)) for one in handed]
    names = {fold(group) for group in groups}
    known |= {
        "lab": lab.unit,
        "max_points": lab.max_points,
        "checks": [
            {"grade_id": c.grade_id, "max_points": c.points, "exercise": c.exercise}
            for c in lab.checks
        ],
        "written": [{"grade_id": name, "max_points": points} for name, points in lab.written],
        "handed": sorted(one.student for one in handed),
        "ids": {one.student: list(one.aliases) for one in handed if one.aliases},
        "groups": groups,
        "extensions": extensions,
        "strangers": [name for name in strangers if fold(name) not in names],
        "unknown": unknown + odd + early,
    }
    write_file(path, json.dumps(known, indent=1, sort_keys=True) + "\n")
    return sorted(handed, key=lambda one: one.student)


def _learn(known: dict, rules: Rules) -> None:
    """Take up what this run says anew."""
    known["zone"] = rules.zone or known["zone"]
    zone = find_zone(known["zone"])
    if rules.roster is not None:
        _learn_roster(known, rules.roster, zone)
    if rules.deadline is not None:
        given = rules.deadline.strip().lower() != "none"
        known["deadline"] = parse_deadline(rules.deadline, zone) if given else None
        known["clock"] = clock_of(rules.deadline, known["zone"]) if given else None
    if rules.penalty is not None:
        known["penalty"] = rules.penalty
    if rules.handed_in is not None:
        known["times"] = _read_times(rules.handed_in, zone)
    if rules.groups is not None:
        known["file_groups"] = read_groups(rules.groups)
    if rules.extensions is not None:
        found = read_extensions(rules.extensions, zone)
        known["file_extensions"] = [
            (f"{rules.extensions}, line {line}", *rest) for line, *rest in found
        ]


def _learn_roster(known: dict, path: Path, zone: tzinfo | None) -> None:
    table = read_class(path)
    known["roster"] = [
        {
            "student": entry.student,
            "aliases": list(entry.aliases),
            "group": entry.group,
            "extension": parse_deadline(entry.extension, zone) if entry.extension else None,
        }
        for entry in table.entries
    ]
    known["table"] = None
    if table.platform:
        rows = [{"student": name, "cells": row} for name, row in table.rows]
        known["table"] = {"platform": table.platform, "columns": table.columns, "rows": rows}
    cells = {name: row for name, row in table.rows if name}
    moodle = table.platform == MOODLE
    known["worksheet_times"] = worksheet_times(table.columns, cells, zone) if moodle else {}


def _read_times(path: Path, zone: tzinfo | None) -> dict[str, str]:
    """Return when each student handed in, by a table of times or Moodle's worksheet."""
    if platform_of(read_table(path).columns) != MOODLE:
        return read_times(path, zone)
    table = read_class(path)
    cells = {name: row for name, row in table.rows if name}
    return worksheet_times(table.columns, cells, zone)


def _matched(known: dict, intake: Intake) -> tuple[list[Entry], list[Handed], list[str]]:
    """Return the roster, the hand-ins under its names, and those of strangers.

    A file that is no notebook is the hand-in of whom the roster knows by its name, if that student
    handed in nothing else.
    """
    if known["roster"] is None:
        return [], list(intake.handed), []
    roster = [Entry(e["student"], tuple(e["aliases"])) for e in known["roster"]]
    matched = match(intake.handed, roster)
    loose = match(intake.loose, matched.missing)
    others = [one for one in loose.handed if one.student not in loose.strangers]
    return roster, [*matched.handed, *others], list(matched.strangers)


def _groups(known: dict, find: Find, listed: bool) -> dict[str, list[str]]:
    """Return the members of each group; without a class list, a table of groups is one."""
    groups = defaultdict(list)
    rows = known["file_groups"]
    if rows is None:
        for entry in known["roster"] or ():
            if entry.get("group"):
                groups[entry["group"]].append(entry["student"])
    for where, group, name in rows or ():
        student = find(name)
        if student is None and listed:
            raise GradingError(f"{where}: no student {name!r} is on the roster.")
        groups[group].append(student or name)
    check_sizes(groups)
    return dict(groups)


def _extensions(known: dict, find: Find, listed: bool) -> tuple[dict, list[str]]:
    """Return each student's own deadline, and a sentence for each who is not there."""
    own = {e["student"]: e["extension"] for e in known["roster"] or () if e.get("extension")}
    odd = []
    for where, name, moment in known["file_extensions"]:
        student = find(name)
        if student is None and listed:
            raise GradingError(f"{where}: no student {name!r} is on the roster.")
        if student is None:
            odd.append(f"{name} has an extension, but handed nothing in.")
        own[student or name] = moment
    return own, odd


def _times(known: dict, find: Find, names: set[str]) -> tuple[dict, list[str]]:
    """Return when each student handed in, and a sentence for each who handed in nothing."""
    given = {find(name) or name: time for name, time in known["times"].items()}
    early = [f"{n} has a time, but handed nothing in." for n in given if n not in names]
    return known["worksheet_times"] | given, early


def notice(out: Path, lab: Lab, notices: list[str], waiting: list[str]) -> None:
    """Keep, for the overview, what an instructor should know of the results that are stored.

    `waiting` are those who handed in but were not graded yet.
    """
    path = class_path(out, lab.unit)
    known = _read(path) | {"notices": notices, "waiting": waiting}
    write_file(path, json.dumps(known, indent=1, sort_keys=True) + "\n")


def _read(path: Path) -> dict:
    empty = {"roster": None, "deadline": None, "penalty": PENALTY, "times": {}}
    empty |= {"zone": None, "clock": None, "table": None, "worksheet_times": {}}
    empty |= {"file_groups": None, "file_extensions": []}
    try:
        return empty | json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return empty
    except (OSError, ValueError, TypeError) as error:
        raise GradingError(
            f"{path} cannot be read ({error}): repair it, or delete it and give --roster and "
            "--deadline again."
        ) from error
