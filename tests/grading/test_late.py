"""Deadlines to the second, in any zone, and what a late submission costs."""

import time

import pytest

from mmlearn.grading import GradingError
from mmlearn.grading.roster.late import (
    DAY,
    clock_of,
    describe,
    find_zone,
    late_by,
    parse_deadline,
    penalty,
    read_times,
)

DEADLINE = "2026-11-30T22:59:59Z"


@pytest.fixture
def zone(monkeypatch):
    """Let this computer be in a zone (as POSIX writes it) for the time of a test."""
    if not hasattr(time, "tzset"):
        pytest.skip("this system cannot change its zone")

    def set_zone(name):
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield set_zone
    monkeypatch.undo()
    time.tzset()


BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"
NEW_YORK = "EST5EDT,M3.2.0,M11.1.0"


@pytest.mark.parametrize(
    ("local", "text", "utc"),
    [
        (BERLIN, "2026-11-30", "2026-11-30T22:59:59Z"),
        (BERLIN, "2026-07-01", "2026-07-01T21:59:59Z"),
        (BERLIN, " 2026-11-30 23:59 ", "2026-11-30T22:59:00Z"),
        (BERLIN, "2026-11-30T23:59:30", "2026-11-30T22:59:30Z"),
        (NEW_YORK, "2026-11-30", "2026-12-01T04:59:59Z"),
        (NEW_YORK, "2026-11-30 23:59+01:00", "2026-11-30T22:59:00Z"),
        (NEW_YORK, "2026-11-30T23:59:59Z", "2026-11-30T23:59:59Z"),
        (NEW_YORK, "2026-11-30 23:59 UTC", "2026-11-30T23:59:00Z"),
        (NEW_YORK, "2026-11-30 Europe/Berlin", "2026-11-30T22:59:59Z"),
        # 02:30 is twice on this night: the second one, an hour later, is meant.
        (BERLIN, "2026-10-25 02:30", "2026-10-25T01:30:00Z"),
        # 02:30 is not at all on this night: the clock shows 03:30 when it would be.
        (BERLIN, "2026-03-29 03:30", "2026-03-29T01:30:00Z"),
    ],
)
def test_a_deadline_is_local_time_unless_it_names_a_zone(zone, local, text, utc):
    zone(local)
    assert parse_deadline(text) == utc


@pytest.mark.parametrize(
    ("text", "zone_name", "utc", "clock"),
    [
        ("2026-11-03T23:59", "Europe/Berlin", "2026-11-03T22:59:00Z", "Europe/Berlin"),
        ("2026-07-03 23:59", "Europe/Berlin", "2026-07-03T21:59:00Z", "Europe/Berlin"),
        ("2026-10-25 02:30", "Europe/Berlin", "2026-10-25T01:30:00Z", "Europe/Berlin"),
        ("2026-11-03", "UTC-05:00", "2026-11-04T04:59:59Z", "UTC-05:00"),
        ("2026-11-03 12:00+05:30", "Europe/Berlin", "2026-11-03T06:30:00Z", "UTC+05:30"),
        ("2026-11-03 12:00 Asia/Tokyo", "Europe/Berlin", "2026-11-03T03:00:00Z", "Asia/Tokyo"),
        ("2026-11-03 12:00Z", None, "2026-11-03T12:00:00Z", "UTC"),
        ("2026-11-03 12:00", None, "2026-11-03T17:00:00Z", "UTC-05:00"),
        ("2026-07-03 12:00", None, "2026-07-03T16:00:00Z", "UTC-04:00"),
    ],
)
def test_a_deadline_is_told_by_the_clock_that_it_was_given_by(zone, text, zone_name, utc, clock):
    zone(NEW_YORK)
    assert parse_deadline(text, find_zone(zone_name)) == utc
    assert clock_of(text, zone_name) == clock
    sentence = describe(utc, 0, clock)
    assert text[:10] in sentence
    assert f"{utc[:10]} {utc[11:-1]} UTC" in sentence


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("Wednesday, 10 June 2026, 2:14 PM", "2026-06-10T14:14:00Z"),
        ("Wednesday, September 23, 2026, 12:05 AM", "2026-09-23T00:05:00Z"),
        ("Mittwoch, 10. Juni 2026, 14:14", "2026-06-10T14:14:00Z"),
        ("Samstag, 7. März 2026, 09:00", "2026-03-07T09:00:00Z"),
        ("10 Dec 2026, 12:30 PM", "2026-12-10T12:30:00Z"),
    ],
)
def test_moodles_dates_are_read(text, utc):
    assert parse_deadline(text, find_zone("UTC")) == utc


@pytest.mark.parametrize(
    "text",
    [
        *("", "soon", "30.11.2026", "2026-11-31", "2026-11-30 25:00", "Nowhere"),
        *("2026-11-30 23:59 Nowhere/City", "2026-11-30 23:59 ../../etc/passwd"),
        "9999-12-31 23:59-12:00",
        "Someday, 10 Foo 2026, 2:14 PM",
    ],
)
def test_what_is_no_deadline_is_one_sentence(zone, text):
    zone(BERLIN)
    with pytest.raises(GradingError, match="is no date: write 2026-11-30") as caught:
        parse_deadline(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("handed_in", "seconds"),
    [
        ("2026-11-30T22:59:58Z", 0),
        ("2026-11-30T22:59:59Z", 0),
        ("2026-11-30T23:00:00Z", 1),
        ("2026-12-01T22:59:59Z", DAY),
        (None, None),
    ],
)
def test_on_time_to_the_second_is_not_late(handed_in, seconds):
    assert late_by(handed_in, DEADLINE) == seconds


def test_without_a_deadline_nothing_is_late():
    assert late_by("2026-11-30T22:59:58Z", None) == 0
    assert late_by(None, None) == 0


@pytest.mark.parametrize(
    ("points", "seconds", "percent", "cost"),
    [
        (10, 0, 10, 0),
        (10, None, 10, 0),
        (10, 1, 10, 2),
        (10, DAY, 10, 2),
        (10, DAY + 1, 10, 4),
        (1, 1, 10, 1),
        (10, 400 * DAY, 10, 10),
        (0, 1, 10, 0),
        (10, 1, 0, 0),
        (20, 1, 100, 20),
        (10, 1, 12.5, 2.5),
    ],
)
def test_each_started_day_costs_its_share_of_all_points_but_no_more_than_there_are(
    points, seconds, percent, cost
):
    assert penalty(points, 20, seconds, percent) == cost


def test_the_rule_is_one_sentence():
    assert describe(None, 10) == "There is no deadline."
    sentence = describe(DEADLINE, 12.5)
    assert "2026-11-30 22:59:59 UTC" in sentence
    assert "each started day after it costs 12.5 % of the lab's points" in sentence
    assert sentence.count(".") == 2


def test_times_are_read_as_utc(zone, tmp_path):
    zone(BERLIN)
    path = tmp_path / "times.csv"
    path.write_text(
        "Time;Student\n2026-11-30 23:59;Anna  Müller\n2026-07-01T12:00:00Z;Ben\n;Cleo\n"
        "2026-10-25 02:30;'=Dan\n",
        encoding="utf-8-sig",
    )
    assert read_times(path) == {
        "Anna Müller": "2026-11-30T22:59:00Z",
        "Ben": "2026-07-01T12:00:00Z",
        "=Dan": "2026-10-25T00:30:00Z",  # the first of two, in the student's favour
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty"),
        ("student,when\nAnna,2026-11-30\n", "must have the columns student and time"),
        ("student,time\nAnna,noon\n", "line 2: 'noon' is no time: write"),
        ("student,time\nAnna,2026-11-30\nANNA,2026-11-30\n", "line 3: 'ANNA' is in line 2 already"),
        ("student,time\n,2026-11-30\n", "line 2: no student is named"),
    ],
)
def test_times_that_cannot_be_read_are_one_sentence(tmp_path, text, sentence):
    path = tmp_path / "times.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(GradingError, match=sentence):
        read_times(path)
