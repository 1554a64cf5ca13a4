"""Numbers of others on the shallow Wikipedia features: complete, consistent, and marked as such."""

import csv
from importlib.resources import files

import pytest


@pytest.fixture(scope="module")
def rows():
    lines = (
        (files("mmlearn.scoreboard") / "published_shallow.csv")
        .read_text(encoding="utf-8")
        .splitlines()
    )
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def test_every_row_is_complete_and_named_once(rows):
    assert len(rows) == 10
    assert len({row["method"] for row in rows}) == 10
    assert all(value for row in rows for value in row.values())
    assert set(rows[0]) == {"method", "i2t", "t2i", "mean", "source", "confirmed"}


def test_means_are_the_means_of_both_directions(rows):
    for row in rows:
        i2t, t2i, mean = (float(row[key]) for key in ("i2t", "t2i", "mean"))
        assert mean == pytest.approx((i2t + t2i) / 2, abs=1.01e-3), row
        assert 0 < mean < 1


def test_no_number_from_memory_counts_as_confirmed(rows):
    assert {row["confirmed"] for row in rows if "from memory" in row["source"]} == {"not confirmed"}
    assert {row["confirmed"] for row in rows} <= {"confirmed", "not confirmed"}
