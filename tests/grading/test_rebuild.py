"""What is taken from a submission, what is left out, and which labs are refused (no kernels)."""

import hashlib
import json
import re
import time
from pathlib import Path

import nbformat
import pytest
from conftest import DOUBLE, HIDDEN_DOUBLE, MEAN, make_lab, printed

from mmlearn import notebook
from mmlearn.grading.errors import GradingError, UnreadableSubmission
from mmlearn.grading.intake.submission import Cell, Submission, parse_submission
from mmlearn.grading.judge.rebuild import empty_of, load_lab, neutralise, rebuild, solution_of
from mmlearn.grading.judge.score import clean, score
from mmlearn.grading.run.channel import RunReport, read_lines, sign


@pytest.fixture
def lab(tiny_lab):
    return load_lab(tiny_lab.root / "solutions" / "90_tiny.ipynb")


def code(source, grade_id=None):
    return Cell("code", source, grade_id)


def test_hidden_tests_run_in_a_cell_of_their_own_after_the_visible_part(lab):
    cells = rebuild(lab, solution_of(lab)).cells
    assert [cell.role for cell in cells] == [
        "other",
        "solution",
        "check",
        "hidden",
        "solution",
        "check",
    ]
    assert "secret" not in cells[2].source
    assert "secret" in cells[3].source
    assert cells[2].prefix
    assert not cells[3].prefix


def test_only_the_source_of_solution_cells_is_taken(lab):
    cells = (code("import os; os.abort()"), code("A", "mean"), code("B", "double"), code("C"))
    rebuilt = rebuild(lab, Submission(cells, lab.unit))
    assert [c.source for c in rebuilt.cells if c.role == "solution"] == ["B", "A"]
    assert "os.abort" not in "".join(cell.source for cell in rebuilt.cells)


def test_an_answer_turned_into_text_is_missing(lab):
    cells = (Cell("markdown", DOUBLE, "double"), code(MEAN, "mean"))
    rebuilt = rebuild(lab, Submission(cells, lab.unit))
    assert rebuilt.missing == {"double"}
    assert "no code cell any more" in rebuilt.notes[0]


def test_cells_of_another_lab_are_not_taken_by_place(lab):
    cells = tuple(code(cell.source) for cell in rebuild(lab, solution_of(lab)).cells)
    rebuilt = rebuild(lab, Submission(cells, "01_other"))
    assert rebuilt.missing == {"double", "mean"}
    assert "01_other" in rebuilt.notes[0]


def test_the_empty_lab_keeps_signatures_and_loses_solutions(lab):
    sources = [cell.source for cell in empty_of(lab).cells]
    assert sources[0] == "def double(x):\n    raise NotImplementedError"


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ("# NBVAL_SKIP\nx = 1", "x = 1"),
        ("x = 1\n   ## NBVAL_IGNORE_OUTPUT  \ny = 2", "x = 1\ny = 2"),
        ("\n%%script false --no-raise-error\nx = 1", "x = 1"),
        ("%%time\n%%capture\nx = 1\n", "x = 1\n"),
        ("# about NBVAL_SKIP\nx = 5 %2", "# about NBVAL_SKIP\nx = 5 %2"),
    ],
)
def test_markers_and_cell_magics_are_left_out(source, kept):
    assert neutralise(source) == kept


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"{", "not JSON"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"[]", "not a notebook"),
        (b'{"cells": 3, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "not a notebook"),
        (b'{"cells": [], "nbformat": 5, "nbformat_minor": 0, "metadata": {}}', "format 5"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_what_is_no_notebook_is_told(data, reason):
    with pytest.raises(UnreadableSubmission, match=reason):
        parse_submission(data)


@pytest.mark.parametrize(
    ("cells", "reason"), [([{}] * 2_001, "2,000 cells"), ([{"source": "x" * 200_001}], "200,000")]
)
def test_a_notebook_of_absurd_size_is_told(cells, reason):
    data = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    with pytest.raises(UnreadableSubmission, match=reason):
        parse_submission(json.dumps(data).encode())


def test_a_long_cell_is_neutralised_quickly():
    source = "# NBVAL_SKIP\n" + "".join(f"x{i} = 1\n" for i in range(15_000))
    started = time.process_time()
    assert neutralise(source).startswith("x0 = 1\nx1 = 1\n")
    assert time.process_time() - started < 2  # it took half a minute


def test_what_steers_a_terminal_or_a_page_is_left_out():
    assert clean("\x1b]0;title\x07 \x1b[31mred \u202e!") == "\ufffd]0;title\ufffd red \ufffd!"
    assert len(clean("x" * 10_000)) == 600
    assert clean("two\nlines") == "two\nlines"


def test_odd_metadata_and_lone_surrogates_are_survived():
    cell = {"cell_type": "code", "source": ["a\n", "\ud800"], "metadata": [1], "outputs": 7}
    data = {"cells": [cell], "metadata": {"mmlearn": 3}, "nbformat": 4, "nbformat_minor": 5}
    submission = parse_submission(json.dumps(data).encode())
    assert submission.cells == (Cell("code", "a\n?", None),)


def broken(change):
    notebook = make_lab(solution=True)
    change(notebook.cells)
    return notebook


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda cells: cells[3].update(outputs=[]), "no stored printed output"),
        (lambda cells: printed(cells[5], " \n", 5), "no stored printed output"),
        (lambda cells: cells.clear(), "no check cells"),
        (lambda cells: cells[4].metadata.nbgrader.update(grade_id="double"), "used twice"),
        (lambda cells: cells[3].update(source=HIDDEN_DOUBLE + "\nx = 1"), "end of the cell"),
        (lambda cells: cells[3].update(source="### BEGIN HIDDEN TESTS\n1"), "end of the cell"),
    ],
)
def test_an_unusable_instructors_copy_is_refused(tmp_path, change, reason):
    path = tmp_path / "lab.ipynb"
    nbformat.write(broken(change), path)
    with pytest.raises(GradingError, match=reason):
        load_lab(path)


def test_a_report_line_with_a_wrong_signature_is_not_believed():
    key = "00" * 32
    line = json.dumps({"cell": 0, "status": "ok"})
    good = json.dumps({"body": line, "signature": sign(key, 0, line)})
    forged = json.dumps({"body": line.replace("0", "1"), "signature": sign("11" * 32, 1, line)})
    replayed = good
    for second in (forged, replayed, "noise", '{"body": 1}'):
        report = RunReport()
        read_lines(report, f"{good}\n{second}\n".encode(), key)
        assert list(report.cells) == [0]


def test_a_grader_that_fails_gives_no_zero(lab):
    rebuilt = rebuild(lab, solution_of(lab))
    results = score(lab, rebuilt, RunReport(trouble="no kernel"), 5)
    assert {result.status for result in results} == {"grader-error"}
    assert {result.points for result in results} == {None}


def test_a_cell_that_was_never_reached_is_no_pass(lab):
    rebuilt = rebuild(lab, solution_of(lab))
    ok = {"status": "ok", "reached": True, "ename": "", "evalue": "", "lines": 1, "line": None}
    report = RunReport(cells={n: ok for n in range(5)}, out_of_time=True)
    assert [result.status for result in score(lab, rebuilt, report, 5)] == ["passed", "timeout"]


def test_a_message_that_quotes_a_hidden_test_is_withheld(lab):
    rebuilt = rebuild(lab, solution_of(lab))
    ok = {"status": "ok", "reached": True, "ename": "", "evalue": "", "lines": 1, "line": None}
    leak = ok | {"status": "exception", "ename": "E", "evalue": "x " + HIDDEN_DOUBLE}
    report = RunReport(cells={0: ok, 1: ok, 2: leak, 4: ok, 5: ok}, finished=True)
    assert "secret" not in score(lab, rebuilt, report, 5)[0].message


def test_the_hash_of_a_lab_is_that_of_its_file(lab):
    assert lab.hash == hashlib.sha256(lab.path.read_bytes()).hexdigest()


def test_the_markers_of_a_notebook_stand_in_one_place():
    package = Path(notebook.__file__).parent
    spelled = [p.name for p in package.rglob("*.py") if re.search("# (BEGIN|END) ", p.read_text())]
    assert spelled == ["notebook.py"]
