"""What is run again, in which order, and what may be told of it (no kernels)."""

import json
import re
from pathlib import Path

import nbformat
import pytest
from conftest import DOUBLE, MEAN

from mmlearn.grading import batch, single
from mmlearn.grading.intake.submission import Cell, Submission
from mmlearn.grading.judge.helpers import helpers_for
from mmlearn.grading.judge.lab import Other
from mmlearn.grading.judge.plan import alone, whole
from mmlearn.grading.judge.rebuild import load_lab, rebuild, solution_of
from mmlearn.grading.run.channel import RunReport
from mmlearn.grading.run.names import bound_names, needed_names
from mmlearn.notebook import unit_named

ROOT = Path(__file__).resolve().parents[2]
OK = {"status": "ok", "reached": True, "ename": "", "evalue": "", "lines": 1, "line": None}


@pytest.fixture
def lab(tiny_lab):
    return load_lab(tiny_lab.root / "solutions" / "90_tiny.ipynb")


def report(cells, **what):
    """A report of cells, each ok but for those given as ROLE_NAME; none is reached after a stop."""
    found = RunReport(finished=True)
    for n, cell in enumerate(cells):
        entry = OK | what.get(f"{cell.role}_{cell.grade_id}", {})
        if found.cells and found.cells[n - 1]["status"] in ("timeout", "kernel-died"):
            entry = OK | {"status": found.cells[n - 1]["status"], "reached": False}
        found.cells[n] = entry
    return found


def runs(monkeypatch, *whats):
    """Let the runs that follow find these; return the cells that each was given."""
    seen, left = [], list(whats)

    def run(cells, *rest):
        seen.append([f"{cell.role} {cell.grade_id or ''}".strip() for cell in cells])
        return report(cells, **(left.pop(0) if left else {}))

    monkeypatch.setattr(single, "run_notebook", run)
    return seen


def grade(lab):
    return single.grade_submission(solution_of(lab), lab, 5, "none")


def test_hidden_tests_come_after_everything_visible(lab, monkeypatch):
    seen = runs(monkeypatch)
    assert grade(lab)["points"] == 5
    assert [", ".join(cells) for cells in seen] == [
        "other, solution double, check check_double, solution mean, check check_mean, "
        "hidden check_double"
    ]


STOP = {"status": "timeout"}
WRONG = {"status": "exception", "ename": "AssertionError", "evalue": "first"}
LEAK = {"status": "exception", "ename": "AssertionError", "evalue": "what hidden tests say"}


def test_what_was_not_reached_is_run_without_what_stopped(lab, monkeypatch):
    seen = runs(monkeypatch, {"check_check_double": STOP})
    found = grade(lab)
    assert [c["status"] for c in found["checks"]] == ["timeout", "passed"]
    assert seen[1] == ["other", "fresh", "solution mean", "check check_mean"]
    assert len(seen) == 2
    assert found["notes"] == [
        "Run by themselves (cell 'check_double' ran for more than 5 s): 'check_mean'."
    ]


def test_a_kernel_that_dies_between_two_cells_is_the_fault_of_the_first(lab, monkeypatch):
    died = {"status": "kernel-died", "reached": False}
    seen = runs(monkeypatch, {"solution_mean": died}, {}, {"check_check_double": died})
    found = grade(lab)
    assert [c["status"] for c in found["checks"]] == ["kernel-died", "passed"]
    assert [run[-1] for run in seen[1:]] == ["check check_mean", "hidden check_double"]


def test_a_kernel_that_died_in_a_later_exercise_may_be_an_earlier_ones_fault(lab, monkeypatch):
    died = {"status": "kernel-died"}
    seen = runs(monkeypatch, {"check_check_mean": died})
    assert grade(lab)["points"] == 5
    # First what was not reached, then the one in which it died.
    assert [run[2:] for run in seen[1:]] == [
        ["solution double", "check check_double", "hidden check_double"],
        ["solution mean", "check check_mean"],
    ]


def test_what_fails_beside_others_and_passes_by_itself_passes(lab, monkeypatch):
    seen = runs(monkeypatch, {"check_check_mean": WRONG})
    found = grade(lab)
    assert found["points"] == 5
    assert len(seen) == 2


def test_what_no_other_answer_can_have_broken_is_not_run_again(lab, monkeypatch):
    seen = runs(monkeypatch, {"check_check_double": WRONG})
    assert grade(lab)["points"] == 3
    assert len(seen) == 1
    open_ = {"solution_mean": {"status": "exception", "ename": "NotImplementedError"}}
    seen = runs(monkeypatch, open_ | {"check_check_mean": WRONG})
    assert grade(lab)["points"] == 2
    assert len(seen) == 1


def test_nothing_is_quoted_once_a_hidden_test_was_shown(lab, monkeypatch):
    stop = {"hidden_check_double": STOP, "check_check_mean": WRONG}
    runs(monkeypatch, stop, {"check_check_mean": LEAK})
    assert [c["message"] for c in grade(lab)["checks"]][1] == "first"
    found = grade_again(lab, monkeypatch, {"check_check_double": LEAK, "check_check_mean": LEAK})
    assert "hidden tests" not in json.dumps(found)


def test_no_word_of_a_hidden_part_is_quoted_wherever_it_was_printed(lab, monkeypatch):
    # A visible line that was left open could be ended by a line of the hidden part.
    leak = {"status": "differs", "line": 1, "got": "what hidden tests say", "expected_more": True}
    for what in (leak, LEAK):
        runs(monkeypatch, {"hidden_check_double": what}, {"hidden_check_double": what})
        assert grade(lab)["checks"][0]["message"] == "the result on fresh inputs differs"


def grade_again(lab, monkeypatch, then):
    runs(monkeypatch, {"check_check_double": {"status": "kernel-died"}}, {"check_check_mean": STOP})
    found = grade(lab)
    assert [c["status"] for c in found["checks"]] == ["kernel-died", "timeout"]
    runs(monkeypatch, then)
    cells = [nbformat.v4.new_code_cell(cell.source) for cell in solution_of(lab).cells]
    for cell, name in zip(cells, ("double", "mean"), strict=True):
        cell.metadata["nbgrader"] = {"grade_id": name}
    data = nbformat.writes(nbformat.v4.new_notebook(cells=cells)).encode()
    return single.grade_again(data, lab, 5, "none", found)


def test_graded_again_only_what_passes_changes(lab, monkeypatch):
    found = grade_again(lab, monkeypatch, {"check_check_mean": LEAK})
    assert [c["status"] for c in found["checks"]] == ["passed", "timeout"]
    assert [found["points"], found["status"]] == [2, "timeout"]
    assert "was run twice" in " ".join(found["notes"])


def test_in_a_class_what_took_too_long_is_graded_once_more_at_the_end(tiny_lab, monkeypatch):
    order = []

    def run(cells, *rest):
        order.append(next(c.source[-1] for c in cells if c.role == "solution"))
        first = len(order) <= 2  # as if each had held the machine that the other needed
        return report(cells, **({"check_check_double": STOP} if first else {}))

    monkeypatch.setattr(single, "run_notebook", run)
    monkeypatch.setattr(batch, "verify_lab", lambda *a: None)
    monkeypatch.setattr(single.time, "monotonic", lambda: 1e9 if len(order) in (1, 2) else 0.0)
    for number in (1, 2):
        tiny_lab.hand_in(f"s{number}", tiny_lab.answer(f"def double(x): return 2 * x  #{number}"))
    assert tiny_lab.grade_all("--sandbox", "none") == 0
    table = (tiny_lab.root / "grades" / "gradebook.csv").read_text()
    assert len(re.findall("s[12],90_tiny,passed,5", table)) == 2, table
    once = len(order)
    assert tiny_lab.grade_all("--sandbox", "none") == 0
    assert len(order) == once


def test_of_an_answer_that_stands_there_twice_either_may_pass(lab):
    other = "def double(x):\n    return 0"
    cells = (
        Cell("code", DOUBLE, "double"),
        Cell("code", other, "double"),
        Cell("code", "", "mean"),
    )
    rebuilt = rebuild(lab, Submission(cells, lab.unit))
    answer = next(cell.source for cell in rebuilt.cells if cell.role == "solution")
    assert answer == f"{DOUBLE}\n{other}"
    steps = alone(rebuilt, lab.checks[:1])
    assert [cell.source for _, cell in steps if cell.role == "solution"] == [DOUBLE]
    two = (Cell("code", "two = 2", "double"), Cell("code", "    return 1", "double"))
    assert rebuild(lab, Submission(two, lab.unit)).firsts == {}


def test_an_exercise_by_itself_has_the_answers_that_it_calls(lab):
    cells = (
        Cell("code", DOUBLE, "double"),
        Cell("code", MEAN.replace("len(x)", "double(len(x)) * 2"), "mean"),
    )
    rebuilt = rebuild(lab, Submission(cells, lab.unit))
    steps = alone(rebuilt, [check for check in lab.checks if check.exercise == "mean"])
    found = [(number, cell.role, cell.grade_id) for number, cell in steps]
    assert found[1:] == [
        (None, "fresh", None),
        (None, "solution", "double"),  # what happens to it counts elsewhere
        (4, "solution", "mean"),
        (5, "check", "check_mean"),
    ]
    assert [n for n, _ in whole(rebuilt)] == [0, 1, 2, 4, 5, 3]


@pytest.mark.parametrize(
    ("source", "others", "taken"),
    [
        ("f = lambda: g(1)", ["x = 1\ndef g(y): return y", "g = 2"], ["def g", "g = 2"]),
        ("print(h)", ["h = k = 1; 1 / 0"], ["h = k = 1"]),
        (
            "a[0]",
            ["a = []\nb = 2\na.append(b)\nc = 3", "%time\na += [1]"],
            ["a.append(b)", "b = 2"],
        ),
        ("q", ["from numpy import *"], ["import *"]),
        ("q", ["if x:\n    q = 1\nelse:\n    q = 2"], ["else:"]),
        ("r", ["@cache\ndef r(): pass\nfrom functools import cache"], ["@cache", "import cache"]),
    ],
)
def test_of_other_cells_just_what_is_needed_is_taken(source, others, taken):
    helper, _ = helpers_for(source, others, set())
    assert all(part in helper for part in taken), helper
    assert "c = 3" not in helper
    assert "1 / 0" not in helper


@pytest.mark.parametrize("path", sorted((ROOT / "solutions").glob("*.ipynb")), ids=unit_named)
def test_a_check_of_the_course_needs_the_lab_and_the_answers_alone(path):
    lab = load_lab(path)
    known = {"display", *lab.answers}
    known = known.union(*(bound_names(i.source) for i in lab.items if isinstance(i, Other)))
    for check in lab.checks:
        assert needed_names(f"{check.visible}\n{check.hidden}") <= known, check.grade_id
        assert not bound_names(f"{check.visible}\n{check.hidden}") & set(lab.answers)


def test_code_that_cannot_be_read_needs_and_binds_nothing():
    for source in ("def f(:", "\0", "(" * 10_000, "!ls\n%time x"):
        assert not bound_names(source) | needed_names(source)
