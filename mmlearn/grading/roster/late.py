"""Deadlines: when a submission was handed in, how late that is, and what it costs."""

from __future__ import annotations

import re
from datetime import datetime, tzinfo
from pathlib import Path

from mmlearn.grading.errors import GradingError
from mmlearn.grading.intake.names import fold, printable
from mmlearn.grading.intake.times import (
    NO_DATE,
    iso_utc,
    local_time,
    own_zone,
    read_moment,
    zone_named,
)
from mmlearn.grading.roster.tables import read_table

DAY = 86_400  # seconds
_FORMS = "write 2026-11-30, 2026-11-30 23:59 or 2026-11-30 23:59+01:00"


def find_zone(name: str | None) -> tzinfo | None:
    """Return a zone by its name; None, which stands for this machine's, for None.

    Raises
    ------
    GradingError
        If there is no zone of that name.
    """
    try:
        return None if name is None else zone_named(name)
    except NO_DATE:
        raise GradingError(
            f"There is no zone {name!r}: write Europe/Berlin or UTC+01:00."
        ) from None


def parse_deadline(text: str, zone: tzinfo | None = None) -> str:
    """Return a deadline in UTC; a date alone lasts until 23:59:59, and a naive one is of `zone`.

    Without a zone it is this machine's. An hour that the clocks go through twice is taken the
    second time, in the student's favour.

    Raises
    ------
    GradingError
        If the text is no date.

    Examples
    --------
    >>> parse_deadline("2026-11-30 23:59+01:00")
    '2026-11-30T22:59:00Z'
    """
    try:
        return iso_utc(read_moment(text).replace(fold=1), zone)
    except NO_DATE:
        raise GradingError(f"The deadline {text!r} is no date: {_FORMS}.") from None


def clock_of(text: str, zone: str | None = None) -> str:
    """Return by whose clock a deadline is told: its own zone's, `zone`'s, or this machine's.

    >>> clock_of("2026-11-30 23:59", "Europe/Berlin"), clock_of("2026-11-30 23:59+01:00")
    ('Europe/Berlin', 'UTC+01:00')
    """
    own = read_moment(text)
    if own.tzinfo is None:
        return zone or own_zone(parse_deadline(text))
    if key := getattr(own.tzinfo, "key", None):
        return key
    offset = own.isoformat()[-6:]
    return f"UTC{offset}" if re.fullmatch(r"[+-](?!00:00)\d\d:\d\d", offset) else "UTC"


def read_times(path: Path, zone: tzinfo | None = None) -> dict[str, str]:
    """Return when each student handed in, in UTC, from a CSV with columns ``student`` and ``time``.

    A naive time is of `zone`, or this machine's. A blank one is left out.

    Raises
    ------
    GradingError
        If a column is missing, a time is none, or a student is there twice; the line is named.
    """
    found = _moments(path, ("time",), zone, 0)
    return {student: moment for _, student, moment in found}


def read_extensions(path: Path, zone: tzinfo | None = None) -> list[tuple[int, str, str]]:
    """Return (line, student, deadline of their own) from a CSV: ``student`` and ``extension``.

    Raises
    ------
    GradingError
        As `read_times` does.
    """
    return _moments(path, ("extension", "deadline"), zone, 1)


def _moments(path: Path, names: tuple[str, ...], zone, fold_: int) -> list[tuple[int, str, str]]:
    table = read_table(path)
    heads = {fold(column): column for column in table.columns}
    column = next((heads[name] for name in names if name in heads), None)
    if column is None or "student" not in heads:
        raise GradingError(f"{path} must have the columns student and {names[0]}.")
    found, seen = [], {}
    for line, row in table.rows:
        student, text = printable(row[heads["student"]]), row[column].strip()
        if not row[heads["student"]].strip():
            raise GradingError(f"{path}, line {line}: no student is named.")
        if (first := seen.setdefault(fold(student), line)) != line:
            raise GradingError(f"{path}, line {line}: {student!r} is in line {first} already.")
        try:
            if text:
                moment = read_moment(text)
                found.append((line, student, iso_utc(moment.replace(fold=fold_), zone)))
        except NO_DATE:
            raise GradingError(f"{path}, line {line}: {text!r} is no time: {_FORMS}.") from None
    return found


def late_by(handed_in: str | None, deadline: str | None) -> int | None:
    """Return the seconds after the deadline, 0 where it was kept; None if the time is unknown.

    >>> late_by("2026-11-30T23:00:01Z", "2026-11-30T23:00:00Z")
    1
    """
    if deadline is None:
        return 0
    if handed_in is None:
        return None
    late = datetime.fromisoformat(handed_in) - datetime.fromisoformat(deadline)
    return max(0, int(late.total_seconds()))


def penalty(points: float, max_points: float, seconds: int | None, percent: float) -> float:
    """Return what being late costs: `percent` of `max_points` per started day, at most `points`.

    An unknown time costs nothing.

    >>> penalty(8, 10, seconds=1, percent=10), penalty(8, 10, seconds=9 * DAY, percent=10)
    (1.0, 8.0)
    """
    started_days = -(-(seconds or 0) // DAY)
    return float(max(0.0, min(points, max_points * percent * started_days / 100)))


def describe(deadline: str | None, percent: float, clock: str = "UTC") -> str:
    """Return the rule as one sentence, by a zone's clock and in UTC.

    >>> describe("2026-11-30T22:59:00Z", 0)
    'The deadline was 2026-11-30 22:59:00 UTC; handing in later costs no points.'
    >>> describe("2026-11-30T22:59:00Z", 0, "Europe/Berlin").partition(";")[0]
    'The deadline was 2026-11-30 23:59:00 Europe/Berlin (2026-11-30 22:59:00 UTC)'
    """
    if deadline is None:
        return "There is no deadline."
    rule = f"The deadline was {shown_time(deadline, clock)}; "
    if not percent:
        return rule + "handing in later costs no points."
    return rule + (
        f"each started day after it costs {percent:g} % of the lab's points, but never more "
        "than were reached."
    )


def shown_time(moment: str, clock: str = "UTC") -> str:
    """Return a moment as a report shows it: by a zone's clock, and in UTC."""
    utc = f"{moment.replace('T', ' ').removesuffix('Z')} UTC"
    return utc if clock == "UTC" else f"{local_time(moment, clock)} {clock} ({utc})"
