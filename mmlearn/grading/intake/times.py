"""Moments as learning platforms and people write them, and as results store them: in UTC."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, tzinfo
from zoneinfo import ZoneInfo

NO_DATE = (ValueError, OverflowError, OSError, KeyError)  # KeyError: no such zone

# "Wednesday, 10 June 2026, 2:14 PM"; some languages put the month first, or a dot after the day.
_MOODLE = re.compile(
    r"(?:\w+,\s+)?(?:(\d{1,2})\.?\s+([^\W\d]+)|([^\W\d]+)\s+(\d{1,2}),)\s+(\d{4}),\s+"
    r"(\d{1,2}):(\d\d)(?::(\d\d))?(?:\s*([AP])\.?M\.?)?",
    re.IGNORECASE,
)
_MONTHS = (
    *("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
    *("januar", "februar", "märz", "april", "mai", "juni"),
    *("juli", "august", "september", "oktober", "november", "dezember"),
)


def iso_utc(moment: datetime, zone: tzinfo | None = None) -> str:
    """Return a moment in UTC, to the second (cut, not rounded).

    A naive one is of `zone`, or where that is None, of this machine's.

    >>> iso_utc(datetime.fromisoformat("2026-11-30 23:59:00.9+01:00"))
    '2026-11-30T22:59:00Z'
    """
    if moment.tzinfo is None and zone is not None:
        moment = moment.replace(tzinfo=zone)
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def read_moment(text: str) -> datetime:
    """Read ISO 8601, that followed by a zone's name (UTC, Europe/Berlin), or a date of Moodle's.

    A date alone is that day's last second.

    Raises
    ------
    One of `NO_DATE`
        If the text is no date.

    Examples
    --------
    >>> read_moment("2026-11-30 23:59 Europe/Berlin").utcoffset().seconds
    3600
    >>> read_moment("Wednesday, 10 June 2026, 2:14 PM")
    datetime.datetime(2026, 6, 10, 14, 14)
    """
    text = " ".join(text.split())
    if moodle := _MOODLE.fullmatch(text):
        return _moodle(*moodle.groups())
    head, _, zone = text.rpartition(" ")
    if zone[:1].isalpha():
        return read_moment(head).replace(tzinfo=ZoneInfo(zone))
    try:
        return datetime.combine(date.fromisoformat(text), time(23, 59, 59))
    except ValueError:
        return datetime.fromisoformat(text)


def _moodle(day, month, month_first, day_second, year, hour, minute, second, half) -> datetime:
    hour = int(hour)
    if half:
        hour = hour % 12 + 12 * (half.upper() == "P")
    month = _month(month or month_first)
    return datetime(int(year), month, int(day or day_second), hour, int(minute), int(second or 0))


def _month(name: str) -> int:
    """Return a month's number, by its English or German name or the first letters of one."""
    name = name.casefold()
    known = name if name in _MONTHS else name[:3]
    return _MONTHS.index(known) % 12 + 1


def local_time(moment: str, zone: str) -> str:
    """Return a stored moment as the clocks of a zone show it.

    >>> local_time("2026-11-30T22:59:00Z", "Europe/Berlin")
    '2026-11-30 23:59:00'
    >>> local_time("2026-11-30T22:59:00Z", "UTC+01:00")
    '2026-11-30 23:59:00'
    """
    at = datetime.fromisoformat(moment).astimezone(zone_named(zone))
    return at.replace(tzinfo=None).isoformat(" ")


def zone_named(name: str) -> tzinfo:
    """Return the zone of a name such as Europe/Berlin, or UTC+01:00.

    Raises
    ------
    One of `NO_DATE`
        If there is none of that name.
    """
    if re.fullmatch(r"UTC[+-]\d\d:\d\d", name):
        return datetime.strptime(name[3:], "%z").tzinfo
    return ZoneInfo(name)


def own_zone(moment: str) -> str:
    """Return what this machine's clocks differ from UTC at a moment, as ``UTC+01:00``."""
    offset = datetime.fromisoformat(moment).astimezone().isoformat()[-6:]
    return "UTC" if offset in ("+00:00", "-00:00") else f"UTC{offset}"
