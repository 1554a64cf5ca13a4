"""Deadlines: when a submission was handed in, how late that is, and what it costs."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from mmlearn.grading.errors import GradingError
from mmlearn.grading.intake.names import fold, printable
from mmlearn.grading.intake.times import NO_DATE, iso_utc, read_moment
from mmlearn.grading.roster.tables import read_table

DAY = 86_400  # seconds
_FORMS = "write 2026-11-30, 2026-11-30 23:59 or 2026-11-30 23:59+01:00"


def parse_deadline(text: str) -> str:
    """Return a deadline in UTC; a date alone lasts until 23:59:59, and a naive one is local time.

    An hour that the clocks go through twice is taken the second time, in the student's favour.

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
        return iso_utc(read_moment(text).replace(fold=1))
    except NO_DATE:
        raise GradingError(f"The deadline {text!r} is no date: {_FORMS}.") from None


def read_times(path: Path) -> dict[str, str]:
    """Return when each student handed in, in UTC, from a CSV with columns ``student`` and ``time``.

    A naive time is local time. A blank one is left out.

    Raises
    ------
    GradingError
        If a column is missing, a time is none, or a student is there twice; the line is named.
    """
    table = read_table(path)
    heads = {fold(column): column for column in table.columns}
    if not {"student", "time"} <= heads.keys():
        raise GradingError(f"{path} must have the columns student and time.")
    times, seen = {}, {}
    for line, row in table.rows:
        student, text = printable(row[heads["student"]]), row[heads["time"]].strip()
        if not row[heads["student"]].strip():
            raise GradingError(f"{path}, line {line}: no student is named.")
        if (first := seen.setdefault(fold(student), line)) != line:
            raise GradingError(f"{path}, line {line}: {student!r} is in line {first} already.")
        try:
            times |= {student: iso_utc(read_moment(text))} if text else {}
        except NO_DATE:
            raise GradingError(f"{path}, line {line}: {text!r} is no time: {_FORMS}.") from None
    return times


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


def describe(deadline: str | None, percent: float) -> str:
    """Return the rule as one sentence, in UTC, so that it reads the same everywhere.

    >>> describe("2026-11-30T22:59:00Z", 0)
    'The deadline was 2026-11-30 22:59:00 UTC; handing in later costs no points.'
    """
    if deadline is None:
        return "There is no deadline."
    rule = f"The deadline was {deadline.replace('T', ' ').removesuffix('Z')} UTC; "
    if not percent:
        return rule + "handing in later costs no points."
    return rule + (
        f"each started day after it costs {percent:g} % of the lab's points, but never more "
        "than were reached."
    )
