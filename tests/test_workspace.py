"""Your own copy of the notebooks: made once, yours from then on."""

import json
import platform
import sys

import nbformat
import pytest
from nbformat import v4

from mmlearn import workspace
from mmlearn.cli import main
from mmlearn.workspace import copy_notebooks, course_root, find_lab, open_lab

LESSON, LAB = "course/00_start_here.ipynb", "labs/01_toy_lab.ipynb"


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "clone"
    for name in (LESSON, LAB):
        (root / name).parent.mkdir(parents=True)
        put(root / name, "first")
    return root


def put(path, source):
    metadata = {"language_info": {"name": "python", "version": "3.0"}}
    nbformat.write(
        v4.new_notebook(cells=[v4.new_code_cell(source, id="a")], metadata=metadata), path
    )


def source(path):
    return nbformat.read(path, as_version=4).cells[0].source


def test_lessons_and_labs_are_copied_beside_each_other_so_that_links_lead_on(root):
    assert copy_notebooks(root) == []
    assert source(root / "work" / LESSON) == source(root / "work" / LAB) == "first"


def test_a_copy_is_what_jupyterlab_would_save_so_that_opening_it_changes_nothing(root):
    copy_notebooks(root)
    text = (root / "work" / LAB).read_text(encoding="utf-8")
    assert json.loads(text)["metadata"]["language_info"]["version"] == platform.python_version()
    assert text == nbformat.writes(nbformat.reads(text, as_version=4)) + "\n"


def test_what_a_student_changed_is_never_overwritten(root):
    copy_notebooks(root)
    put(root / "work" / LAB, "mine")
    assert copy_notebooks(root) == []
    put(root / LAB, "second")
    (note,) = copy_notebooks(root)
    assert note == f"work/{LAB} is yours and stays; the course has a newer {LAB}."
    assert source(root / "work" / LAB) == "mine"


def test_a_copy_that_nobody_changed_follows_the_course(root):
    copy_notebooks(root)
    put(root / LESSON, "second")
    assert copy_notebooks(root) == []
    assert source(root / "work" / LESSON) == "second"


def test_a_deleted_copy_comes_again(root):
    copy_notebooks(root)
    (root / "work" / LAB).unlink()
    copy_notebooks(root)
    assert source(root / "work" / LAB) == "first"


def test_files_that_were_there_before_the_first_copy_stay(root):
    (root / "work/labs").mkdir(parents=True)
    put(root / "work" / LAB, "mine")
    (note,) = copy_notebooks(root)
    assert "is yours and stays" in note


def test_a_lab_is_found_by_its_number_ones_own_copy_first(root, monkeypatch):
    monkeypatch.chdir(root / "course")
    assert find_lab("01") == root / LAB
    copy_notebooks(root)
    assert find_lab("01_toy") == root / "work" / LAB
    assert find_lab("07") is None


@pytest.fixture
def started(root, monkeypatch):
    """What the process would become, instead of becoming it."""
    monkeypatch.chdir(root)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    commands = []
    monkeypatch.setattr(workspace.os, "execv", lambda program, command: commands.append(command))
    return commands


def test_jupyterlab_serves_the_whole_course_and_opens_the_first_lesson(root, started, monkeypatch):
    monkeypatch.setattr(workspace.os, "geteuid", lambda: 1000)
    open_lab(["--no-browser"])
    assert started == [
        [
            sys.executable,
            "-m",
            "jupyterlab",
            f"--ServerApp.root_dir={root}",
            f"--LabApp.default_url=/lab/tree/work/{LESSON}",
            "--no-browser",
        ]
    ]
    assert (root / "work" / LAB).is_file()


def test_what_stays_is_told_on_lines_of_its_own(root, started, monkeypatch, capsys):
    monkeypatch.setattr(workspace.os, "geteuid", lambda: 1000)
    copy_notebooks(root)
    for name in (LESSON, LAB):
        put(root / "work" / name, "mine")
        put(root / name, "second")
    open_lab()
    said = capsys.readouterr().out.splitlines()
    assert [line.startswith("work/") for line in said] == [True, True, False]


def test_root_is_told_what_to_do_before_anything_starts(started, monkeypatch, capsys):
    monkeypatch.setattr(workspace.os, "geteuid", lambda: 0)
    assert main(["lab"]) == 2
    assert "make lab LAB_ARGS=--allow-root" in capsys.readouterr().err
    assert started == []
    main(["lab", "--allow-root"])
    assert "--allow-root" in started[0]


def test_without_the_courses_folder_one_sentence_says_where_to_go(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(workspace, "ROOT", tmp_path)
    with pytest.raises(FileNotFoundError, match="go into your clone"):
        course_root()
    assert main(["lab"]) == 2
    assert "go into your clone" in capsys.readouterr().err
