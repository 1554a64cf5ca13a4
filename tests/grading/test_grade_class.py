"""A class of submissions, graded once by the real command with real kernels."""

import csv
import json
import os

import nbformat
import pytest
from conftest import TinyLab, printed

from mmlearn.grading import batch

EXITS = "import sys\ndef double(x):\n    sys.exit(0)"
WRONG_HIDDEN = "def double(x):\n    return min(2 * x, 6)"
SQUARE = "def double(x):\n    return x * x"

WARNS = """\
import sys, warnings
double = lambda x: warnings.warn("slow") or print("noise", file=sys.stderr) or x * 2"""


def edited_check(lab):
    """A wrong answer, its check made to pass, its outputs forged; then the kernel is killed."""
    notebook = lab.answer(double=SQUARE, mean="import os\ndef mean(x):\n    os._exit(0)")
    notebook.cells[3].source = 'print("twice 6")'
    printed(notebook.cells[3], "twice 6\nfresh 42\n", 1)
    notebook.cells[3].metadata.tags = ["nbval-skip", "raises-exception"]
    return notebook


def without(notebook, *cells):
    notebook.cells = [cell for i, cell in enumerate(notebook.cells) if i not in cells]
    return notebook


def nameless(notebook):
    """The notebook as a tool leaves it that drops the cells' metadata; with a byte order mark."""
    for cell in notebook.cells:
        cell.metadata = nbformat.NotebookNode()
    return b"\xef\xbb\xbf" + nbformat.writes(notebook).encode()


def old_format(notebook):
    """Written by hand: nbformat 3 keeps its cells in worksheets and knows their metadata."""
    cells = [
        {
            "cell_type": "code",
            "language": "python",
            "collapsed": False,
            "input": cell.source,
            "metadata": cell.metadata,
            "outputs": [],
        }
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]
    data = {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": cells}]}
    return json.dumps(data).encode()


def split_cell(lab):
    """A solution cell cut in two, with a magic and a marker that would switch it off."""
    notebook = lab.answer(double="%%script false --no-raise-error\n# NBVAL_SKIP\ntwo = 2")
    second = nbformat.from_dict(dict(notebook.cells[2]))
    second.source = "def double(x):\n    return two * x"
    second.id = "second-half"
    notebook.cells.insert(3, second)
    return notebook


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    lab = TinyLab(tmp_path_factory.mktemp("class"))
    lab.hand_in("right", lab.answer())
    lab.hand_in("warns on stderr", lab.answer(double=WARNS))
    lab.hand_in("wrong", lab.answer(WRONG_HIDDEN, mean="def mean(x):\n    return sum(x) / 2"))
    lab.hand_in("exit and loop", lab.answer(EXITS, mean="def mean(x):\n    while True: pass"))
    lab.hand_in("edited check and dead kernel", edited_check(lab))
    lab.hand_in("Zo\u00eb \u59d3, deleted checks", without(lab.answer(), 3, 5))
    lab.hand_in("=cmd(),old format", old_format(lab.answer()))
    lab.hand_in("nameless cells", nameless(lab.answer()))
    lab.hand_in("no double", without(lab.answer(), 2))
    lab.hand_in("split", split_cell(lab))
    lab.hand_in("not json", b"PK\x03\x04 this is a zip")
    lab.hand_in("<b>merge<", b"<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> theirs\n")
    lab.hand_in("empty", b"")
    lab.hand_in("a list", b"[]")
    os.symlink(lab.root / "solutions" / "90_tiny.ipynb", lab.root / "submissions" / "link.ipynb")
    (lab.root / "submissions" / "a folder.ipynb").mkdir()
    lab.status = lab.grade_all("--jobs", 2, "--timeout", 3)
    return lab


def record(lab, stem):
    return json.loads((lab.root / "grades" / "json" / "90_tiny" / f"{stem}.json").read_text())


def statuses(lab, stem):
    return {check["grade_id"]: check["status"] for check in record(lab, stem)["checks"]}


@pytest.mark.parametrize(
    ("stem", "double", "mean", "points"),
    [
        ("right", "passed", "passed", 5),
        ("warns on stderr", "passed", "passed", 5),
        ("wrong", "failed", "failed", 0),
        ("exit and loop", "error", "timeout", 0),
        ("edited check and dead kernel", "failed", "kernel-died", 0),
        ("Zo\u00eb \u59d3, deleted checks", "passed", "passed", 5),
        ("=cmd(),old format", "passed", "passed", 5),
        ("nameless cells", "passed", "passed", 5),
        ("no double", "missing", "passed", 3),
        ("split", "passed", "passed", 5),
        ("not json", "unreadable", "unreadable", 0),
        ("<b>merge<", "unreadable", "unreadable", 0),
        ("empty", "unreadable", "unreadable", 0),
        ("a list", "unreadable", "unreadable", 0),
        ("link", "unreadable", "unreadable", 0),
        ("a folder", "unreadable", "unreadable", 0),
    ],
)
def test_each_submission_gets_its_status_and_points(graded, stem, double, mean, points):
    assert statuses(graded, stem) == {"check_double": double, "check_mean": mean}
    assert record(graded, stem)["points"] == points


def test_a_batch_with_broken_submissions_ends_well(graded):
    assert graded.status == 0
    assert len(list((graded.root / "grades" / "feedback" / "90_tiny").glob("*.html"))) == 16


def test_the_gradebook_has_a_row_per_student_and_a_column_per_check(graded):
    text = (graded.root / "grades" / "gradebook.csv").read_text(encoding="utf-8")
    rows = {row["student"]: row for row in csv.DictReader(text.splitlines())}
    header = "student,lab,status,points,max_points,check_double,check_mean"
    assert text.splitlines()[0] == header
    assert len(rows) == 16
    expected = ["right", "90_tiny", "passed", "5", "5", "2", "3"]
    assert list(rows["right"].values()) == expected
    assert rows["Zo\u00eb \u59d3, deleted checks"]["points"] == "5"
    assert "'=cmd(),old format" in rows  # no formula for a spreadsheet


def test_hidden_tests_are_never_shown(graded):
    for path in (graded.root / "grades").rglob("*.*"):
        text = path.read_text(encoding="utf-8")
        assert "secret" not in text, path
        assert "42" not in text or path.suffix == ".json", path
    checks = record(graded, "wrong")["checks"]
    assert checks[0]["message"] == "the result on fresh inputs differs"


def test_feedback_says_what_to_do(graded):
    def message(stem, check):
        return record(graded, stem)["checks"][check]["message"]

    assert message("wrong", 1).startswith("line 1 of what the check printed, '3.5', differs")
    assert message("exit and loop", 0).startswith("SystemExit")
    assert message("exit and loop", 1) == "this check ran for more than 3 s"
    assert "'9', differs" in message("edited check and dead kernel", 0)
    assert "ended the kernel" in message("edited check and dead kernel", 1)
    assert "'double'" in message("no double", 0)
    assert "merge markers" in record(graded, "<b>merge<")["message"]
    assert "symbolic link" in record(graded, "link")["message"]


def test_what_was_repaired_is_noted(graded):
    def notes(stem):
        return " ".join(record(graded, stem)["notes"])

    assert "old notebook format 3" in notes("=cmd(),old format")
    assert "byte order mark" in notes("nameless cells")
    assert "found by its place" in notes("nameless cells")
    assert "2 parts" in notes("split")
    assert "%%script" in notes("split")
    assert notes("right") == ""


def test_feedback_is_escaped_and_lists_what_is_marked_by_hand(graded):
    page = (graded.root / "grades/feedback/90_tiny/<b>merge<.html").read_text(encoding="utf-8")
    assert "<b>" not in page
    assert "&lt;b&gt;merge" in page
    assert "marked by hand" in page
    assert "not boxed" in page


def test_a_second_run_grades_nothing_again(graded, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a notebook was run again")

    before = (graded.root / "grades" / "gradebook.csv").read_bytes()
    (graded.root / "grades" / "gradebook.csv").unlink()
    monkeypatch.setattr(batch, "run_notebook", refuse)
    assert graded.grade_all("--timeout", 3) == 0
    assert (graded.root / "grades" / "gradebook.csv").read_bytes() == before


def test_a_changed_submission_alone_is_graded_again(graded, monkeypatch):
    runs = []
    monkeypatch.setattr(batch, "run_notebook", lambda cells, *rest: runs.append(cells) or 1 / 0)
    changed = graded.hand_in("right", graded.answer(double="def double(x):\n    return 2 * x  #"))
    try:
        assert graded.grade_all("--timeout", 3) == 1
    finally:
        nbformat.write(graded.answer(), changed)
    assert len(runs) == 1
    row = (graded.root / "grades" / "gradebook.csv").read_text()
    assert "right,90_tiny,grader-error,,5,," in row  # unknown, and never a silent zero
