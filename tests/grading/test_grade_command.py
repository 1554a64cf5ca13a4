"""The command's promises outside the batch: one's own lab, refusals, exit statuses."""

import nbformat
import pytest
from conftest import make_lab, printed


def test_a_student_sees_each_check_and_the_points(tiny_lab, capsys):
    lab = tiny_lab.root / "labs" / "90_tiny.ipynb"
    nbformat.write(tiny_lab.answer(double="def double(x):\n    return x + 2"), lab)
    assert tiny_lab.grade(lab) == 1
    out = capsys.readouterr().out
    assert "failed       check_double    0/2" in out
    assert "line 1 of what the check printed, '5'" in out
    assert "passed       check_mean      3/3" in out
    assert "why: 4 points, not counted" in out
    assert "3 of 5 points" in out


def test_without_an_instructors_copy_the_visible_checks_run(tiny_lab, tmp_path, capsys):
    (tmp_path / "solutions" / "90_tiny.ipynb").unlink()
    lab = tmp_path / "labs" / "90_tiny.ipynb"
    nbformat.write(tiny_lab.answer(), lab)
    assert tiny_lab.grade(lab) == 0
    out = capsys.readouterr().out
    assert "its own visible checks only" in out
    assert "5 of 5 points" in out


def test_a_lab_whose_solution_fails_stops_the_run(tiny_lab, capsys):
    notebook = make_lab(solution=True)
    printed(notebook.cells[3], "twice 7\nfresh 42\n", 3)
    nbformat.write(notebook, tiny_lab.root / "solutions" / "90_tiny.ipynb")
    tiny_lab.hand_in("anna", tiny_lab.answer())
    assert tiny_lab.grade_all() == 2
    error = capsys.readouterr().err
    assert "its own solution gets failed at check 'check_double'" in error
    assert error.count("\n") == 1
    assert not (tiny_lab.root / "grades" / "gradebook.csv").exists()


def test_an_empty_folder_is_one_clear_sentence(tiny_lab, capsys):
    assert tiny_lab.grade_all() == 2
    assert "holds no submissions: put one .ipynb per student into it." in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--lab", "99_none"], []])
def test_an_unknown_lab_lists_the_known_ones(tiny_lab, capsys, arguments):
    tiny_lab.hand_in("anna", tiny_lab.answer())
    assert tiny_lab.grade(tiny_lab.root / "submissions", *arguments) == 2
    assert "known: 90_tiny" in capsys.readouterr().err


def test_a_lab_of_a_class_is_named_by_its_number_too(tiny_lab):
    tiny_lab.hand_in("anna", tiny_lab.answer())
    assert tiny_lab.grade(tiny_lab.root / "submissions", "--lab", "90") == 0


def test_an_unreadable_lab_of_ones_own_is_one_clear_sentence(tiny_lab, capsys):
    path = tiny_lab.hand_in("90_tiny", b"not a notebook")
    assert tiny_lab.grade(path) == 2
    assert "not JSON" in capsys.readouterr().err


def test_a_path_that_does_not_exist_is_told(tiny_lab, capsys):
    assert tiny_lab.grade(tiny_lab.root / "nowhere.ipynb") == 2
    assert "does not exist" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["--jobs", "0"], ["--timeout", "inf"], ["--penalty", "x"], ["--sandbox", "x"]]
)
def test_senseless_options_are_refused(tiny_lab, arguments):
    with pytest.raises(SystemExit) as exit_:
        tiny_lab.grade(tiny_lab.root, *arguments)
    assert exit_.value.code == 2


def test_ctrl_c_promises_for_a_class_what_holds(tiny_lab, monkeypatch, capsys):
    def stopped(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("mmlearn.grading.batch.grade_class", stopped)
    monkeypatch.setattr("mmlearn.grading.single.grade_bytes", stopped)
    tiny_lab.hand_in("anna", tiny_lab.answer())
    assert tiny_lab.grade_all() == 130
    kept = "mmlearn: stopped; what was graded is kept, and the same command goes on from there.\n"
    assert capsys.readouterr().err == kept
    assert tiny_lab.grade(tiny_lab.root / "labs" / "90_tiny.ipynb") == 130
    assert capsys.readouterr().err == "mmlearn: stopped.\n"
