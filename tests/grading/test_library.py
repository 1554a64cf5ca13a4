"""What answers take from a library: named to student and instructor, and forbidden if asked."""

import csv
import json

import pytest

from mmlearn.cli import main

OWN = """def mean(x):
    total = 0
    for value in x:
        total += value
    return total / len(x)
"""
OTHER = """def mean(v):
    s = 0
    for one in v:  # add up
        s += one
    return s / len(v)
"""
TAKEN = """import statistics
from packaging import version  # it is light; any library will do

def mean(x):
    return float(version.parse("1") and statistics.mean(x))
"""


@pytest.fixture
def three(tiny_lab):
    """Anna and Ben wrote the same loop, Carl takes a library; Dora is empty-handed."""
    tiny_lab.hand_in("anna", tiny_lab.answer(mean=OWN))
    tiny_lab.hand_in("ben", tiny_lab.answer(mean=OTHER))
    tiny_lab.hand_in("carl", tiny_lab.answer(mean=TAKEN))
    tiny_lab.hand_in("dora", tiny_lab.answer("def double(x):\n    pass", "def mean(x):\n    pass"))
    tiny_lab.hand_in("emil", tiny_lab.answer(mean="def mean(x):\n    return sum(x) / len(x)"))
    return tiny_lab


def points(lab):
    with (lab.root / "grades/gradebook.csv").open(encoding="utf-8-sig", newline="") as file:
        return {row["student"]: row["automatic"] for row in csv.DictReader(file)}


def test_a_class_is_told_of_libraries_and_of_answers_alike_and_nobody_loses_a_point(three):
    assert three.grade_all() == 0
    assert points(three) == {"anna": "5", "ben": "5", "carl": "5", "dora": "0", "emil": "5"}
    grades = three.root / "grades"
    overview = (grades / "overview/90_tiny.html").read_text(encoding="utf-8")
    alike = overview.partition("Answers that are alike")[2].partition("</ul>")[0]
    assert [name in alike for name in ("anna", "ben", "carl", "emil")] == [True, True, False, False]
    taken = overview.partition("Answers that take something from a library")[2]
    assert "packaging.version.parse" in taken.partition("</ul>")[0]
    feedback = (grades / "feedback/90_tiny/carl.html").read_text(encoding="utf-8")
    assert "Taken from a library" in feedback
    assert "packaging.version.parse" in feedback
    other = (grades / "feedback/90_tiny/anna.html").read_text(encoding="utf-8")
    assert "Taken from a library" not in other
    record = json.loads((grades / "json/90_tiny/carl.json").read_text(encoding="utf-8"))
    assert record["library"] == {"mean": ["packaging.version.parse"]}
    # Asked for later, the rule grades those anew whom it may concern.
    assert three.grade_all("--forbid-library") == 0
    assert points(three) == {"anna": "5", "ben": "5", "carl": "2", "dora": "0", "emil": "5"}


def test_ones_own_grade_says_it_too(three, capsys):
    path = three.root / "submissions/carl.ipynb"
    solutions = ["--solutions", str(three.root / "solutions"), "--sandbox", "none"]
    results = three.root / "results.json"
    assert main(["grade", str(path), *solutions, "--results", str(results)]) == 0
    written = json.loads(results.read_text())
    assert [test["score"] for test in written["tests"]] == [2, 3]
    assert [test["max_score"] for test in written["tests"]] == [2, 3]
    assert "mean takes packaging.version.parse from a library" in written["output"]
    assert "library      mean: takes packaging.version.parse" in capsys.readouterr().out
    assert main(["grade", str(path), *solutions, "--forbid-library"]) == 1
    said = capsys.readouterr().out
    assert "takes packaging.version.parse from a library: write it yourself" in said
    assert "2 of 5 points" in said
