"""What a class is handed: whole, checked, without a word of the instructor's copy."""

import json
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import nbformat
import pytest
from conftest import make_lab, printed

from mmlearn.cli import main
from mmlearn.grading import GradingError
from mmlearn.grading.handout.release import release
from mmlearn.grading.intake.submission import digest

ROOT = Path(__file__).resolve().parents[2]
LAB = "90_tiny"


@pytest.fixture
def course(tiny_lab, monkeypatch):
    """The tiny lab as a course, with a lesson, and the folder it lies in as the current one."""
    root = tiny_lab.root
    (root / "course").mkdir()
    lesson = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Tiny")])
    nbformat.write(lesson, root / "course" / f"{LAB}.ipynb")
    monkeypatch.chdir(root)
    return root


def edit_lab(root, edit):
    """Change the lab that would be handed out."""
    notebook = make_lab(solution=False)
    edit(notebook)
    nbformat.write(notebook, root / "labs" / f"{LAB}.ipynb")


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_release_holds_the_lab_a_readme_and_sums(course):
    out = course / "new" / "handout"
    written = release([LAB], course, out)
    assert set(files(out)) == {f"labs/{LAB}.ipynb", "README.txt", "SHA256SUMS"}
    assert set(written) == {out / name for name in files(out)}
    assert files(out)[f"labs/{LAB}.ipynb"] == (course / "labs" / f"{LAB}.ipynb").read_bytes()
    readme = (out / "README.txt").read_text(encoding="utf-8")
    assert f"labs/{LAB}.ipynb  A tiny lab" in readme
    assert f"    mmlearn grade labs/{LAB}.ipynb" in readme
    assert "Hand in" in readme
    assert list(course.rglob(".release-*")) == []


def test_the_sums_are_what_sha256sum_reads(course):
    release([LAB], course, course / "out", lessons=True)
    held = files(course / "out")
    lines = held.pop("SHA256SUMS").decode().splitlines()
    assert lines == [f"{digest(held[name])}  {name}" for name in sorted(held)]
    if shutil.which("sha256sum"):
        command = ["sha256sum", "--strict", "-c", "SHA256SUMS"]
        assert subprocess.run(command, cwd=course / "out", capture_output=True).returncode == 0


def test_lessons_come_along_when_asked_for(course):
    release(["all"], course, course / "out", lessons=True)
    lesson = (course / "course" / f"{LAB}.ipynb").read_bytes()
    assert files(course / "out")[f"course/{LAB}.ipynb"] == lesson
    (course / "course" / f"{LAB}.ipynb").unlink()
    with pytest.raises(GradingError, match="cannot be read"):
        release([LAB], course, course / "other", lessons=True)
    assert not (course / "other").exists()


def test_the_zip_is_always_of_the_same_bytes_and_holds_everything(course):
    release([LAB], course, course / "a", archive=True)
    os.utime(course / "labs" / f"{LAB}.ipynb", (10**9, 10**9))
    release([LAB], course, course / "b", archive=True)
    assert files(course / "a") == files(course / "b")
    held = files(course / "a")
    with zipfile.ZipFile(course / "a" / "labs.zip") as archive:
        inside = {name: archive.read(name) for name in archive.namelist()}
        assert all(info.date_time[0] == 1980 for info in archive.infolist())
    assert inside == {name: data for name, data in held.items() if name != "labs.zip"}
    assert list(inside) == sorted(inside)


# ------------------------------------------------------------------------------------------- leaks


def leave_solution(notebook):
    notebook.cells[2].source = "def double(x):\n    return 2*x"  # spaced differently


def leave_hidden_test(notebook):
    notebook.cells[3].source += "secret_input = 21\n"


def leave_comment(notebook):
    notebook.cells[0].source += "\n\n> `return sum(x) / len(x)`"


def leave_metadata(notebook):
    notebook.cells[4].metadata["old"] = ["def mean(x):\n", "    return sum(x) / len(x)"]


def leave_marker(notebook):
    notebook.cells[4].source += "\n    ### begin solution"


@pytest.mark.parametrize(
    ("leak", "what"),
    [
        (leave_solution, "'return 2 [*] x' of its solution"),
        (leave_hidden_test, "'secret_input = 21' of its solution or hidden tests"),
        (leave_comment, "sum"),
        (leave_metadata, "sum"),
        (leave_marker, "marker 'begin solution'"),
        (lambda n: n.cells[3].source and printed(n.cells[3], "twice 6\n", None), "holds outputs"),
        (lambda n: n.cells[1].update(execution_count=1), "holds outputs"),
    ],
)
def test_a_lab_that_holds_anything_of_its_solution_is_refused(course, leak, what):
    edit_lab(course, leak)
    with pytest.raises(GradingError, match=what) as refusal:
        release([LAB], course, course / "out")
    assert "\n" not in str(refusal.value)
    assert not (course / "out").exists()


def test_a_model_answer_is_part_of_the_solution(course):
    copy = make_lab(solution=True)
    text = "### BEGIN SOLUTION\nBecause a mean of means is none.\n### END SOLUTION"
    copy.cells[6].source = text
    nbformat.write(copy, course / "solutions" / f"{LAB}.ipynb")
    release([LAB], course, course / "fine")
    edit_lab(course, lambda n: n.cells[6].update(source="Because a mean of means is none."))
    with pytest.raises(GradingError, match="Because a mean"):
        release([LAB], course, course / "out")


def test_a_line_that_is_handed_out_anyway_is_no_secret(course):
    copy = make_lab(solution=True)
    copy.cells[2].source += "\n\nimport collections  # handed out"
    copy.cells[4].source = copy.cells[4].source.replace(
        "    return", "    import collections  # handed out\n    return"
    )
    nbformat.write(copy, course / "solutions" / f"{LAB}.ipynb")
    edit_lab(course, lambda n: n.cells[1].update(source="import collections  # handed out"))
    release([LAB], course, course / "out")


def test_a_solution_cell_without_markers_is_all_solution(course):
    copy = make_lab(solution=True)
    copy.cells[2].source = "def double(x):\n    return 2 * x"
    nbformat.write(copy, course / "solutions" / f"{LAB}.ipynb")
    edit_lab(course, leave_solution)
    with pytest.raises(GradingError, match="of its solution"):
        release([LAB], course, course / "out")


def test_without_an_instructors_copy_nothing_is_released(course):
    (course / "solutions" / f"{LAB}.ipynb").unlink()
    with pytest.raises(GradingError, match="is missing, so what"):
        release([LAB], course, course / "out")


@pytest.mark.parametrize("data", [b"", b"[]", b'{"cells": 1}', b'{"cells": ["x"]}', b"\xff"])
def test_a_lab_that_is_no_notebook_is_refused(course, data):
    (course / "labs" / f"{LAB}.ipynb").write_bytes(data)
    with pytest.raises(GradingError, match="is no notebook: build it again"):
        release([LAB], course, course / "out")


def test_the_labs_of_this_course_can_be_released(tmp_path):
    release(["all"], ROOT, tmp_path / "out", lessons=True)
    labs = sorted((ROOT / "labs").glob("*.ipynb"))
    assert [path.name for path in labs] == [
        path.name for path in sorted((tmp_path / "out" / "labs").iterdir())
    ]
    for path in labs:  # and the instructor's copy in its place cannot
        shutil.rmtree(tmp_path / "root", ignore_errors=True)
        for folder in ("labs", "solutions"):
            (tmp_path / "root" / folder).mkdir(parents=True)
            shutil.copy(ROOT / "solutions" / path.name, tmp_path / "root" / folder)
        with pytest.raises(GradingError, match="still holds the marker"):
            release(["all"], tmp_path / "root", tmp_path / "leak")


def test_each_solution_cell_of_this_course_is_found_in_a_lab_that_still_holds_it(tmp_path):
    for copy in sorted((ROOT / "solutions").glob("*.ipynb")):
        solution = json.loads(copy.read_bytes())
        for number, cell in enumerate(solution["cells"]):
            source = "".join(cell["source"])
            if "### BEGIN" not in source:
                continue
            lab = json.loads((ROOT / "labs" / copy.name).read_bytes())
            without_markers = re.sub(r"### (BEGIN|END) .*\n?", "", source)
            lab["cells"][number]["source"] = without_markers
            root = tmp_path / copy.stem / str(number)
            for folder in ("labs", "solutions"):
                (root / folder).mkdir(parents=True)
            shutil.copy(copy, root / "solutions")
            (root / "labs" / copy.name).write_text(json.dumps(lab), encoding="utf-8")
            with pytest.raises(GradingError, match="of its solution or hidden tests"):
                release(["all"], root, root / "out")


# -------------------------------------------------------------------------------- the out folder


def test_a_former_release_is_brought_up_to_date_file_by_file(course):
    out = course / "out"
    release([LAB], course, out, archive=True)
    before = {path: path.stat().st_ino for path in out.rglob("*") if path.is_file()}
    assert release([LAB], course, out) == []
    edit_lab(course, lambda n: n.cells[1].update(source="import math  # new"))
    written = {path.relative_to(out).as_posix() for path in release([LAB], course, out)}
    assert written == {f"labs/{LAB}.ipynb", "SHA256SUMS", "labs.zip"}
    assert (out / "README.txt").stat().st_ino == before[out / "README.txt"]
    with zipfile.ZipFile(out / "labs.zip") as archive:  # kept, so it must be true
        assert b"# new" in archive.read(f"labs/{LAB}.ipynb")


def test_another_lab_joins_a_former_release(course):
    release([LAB], course, course / "out")
    for folder in ("labs", "solutions"):
        shutil.copy(course / folder / f"{LAB}.ipynb", course / folder / "91_other.ipynb")
    release(["91_other"], course, course / "out")
    held = files(course / "out")
    assert {f"labs/{LAB}.ipynb", "labs/91_other.ipynb"} < set(held)
    assert held["SHA256SUMS"].decode().count("labs/") == 2
    assert b"labs/90_tiny.ipynb" in held["README.txt"]


def test_a_file_that_is_no_part_of_a_release_stops_it(course):
    out = course / "out"
    release([LAB], course, out)
    (out / ".DS_Store").write_bytes(b"left by the system")
    assert release([LAB], course, out) == []
    (out / "mine.txt").write_text("mine")
    with pytest.raises(GradingError, match=r"mine\.txt is no part of a release"):
        release([LAB], course, out)


def test_work_in_a_former_release_is_never_overwritten(course):
    out = course / "out"
    release([LAB], course, out)
    path = out / "labs" / f"{LAB}.ipynb"
    path.write_bytes(path.read_bytes().replace(b"YOUR CODE HERE", b"my own work"))
    with pytest.raises(GradingError, match="was changed since it was released"):
        release([LAB], course, out)
    assert b"my own work" in path.read_bytes()


def test_a_folder_with_other_files_is_refused_and_an_empty_one_is_not(course):
    (course / "mine").mkdir()
    release([LAB], course, course / "mine")
    (course / "other").mkdir()
    (course / "other" / "x.txt").write_text("x")
    with pytest.raises(GradingError, match="is not empty and no former release"):
        release([LAB], course, course / "other")
    with pytest.raises(GradingError, match="is a file"):
        release([LAB], course, course / "other" / "x.txt")
    assert files(course / "other") == {"x.txt": b"x"}


def test_nothing_is_half_written_when_the_disk_is_full(course, monkeypatch):
    calls = []

    def full(number):
        calls.append(number)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="the disk is full"):
        release([LAB], course, course / "out")
    assert len(calls) == 3
    assert not (course / "out").exists()


# ----------------------------------------------------------------------------------------- command


def test_the_command_says_what_it_wrote(course, capsys):
    assert main(["release", LAB, "--out", "out", "--lessons", "--zip"]) == 0
    out = capsys.readouterr().out
    assert out.count("wrote ") == 5
    assert out.endswith("out is ready.\n")
    assert main(["release", LAB, "--out", "out", "--lessons"]) == 0
    assert "nothing was written" in capsys.readouterr().out


def test_refusals_are_one_sentence(course, capsys):
    assert main(["release", "99_none", "--out", "out"]) == 2
    assert capsys.readouterr().err == f"mmlearn: Unknown lab '99_none'; known: {LAB}, or all.\n"
    shutil.rmtree(course / "labs")
    (course / "labs").mkdir()
    assert main(["release", "all", "--out", "out"]) == 2
    assert "holds no labs: run this in the course's own folder" in capsys.readouterr().err
    assert not (course / "out").exists()


def test_a_lab_can_be_named_by_its_file(course):
    assert main(["release", f"labs/{LAB}.ipynb", LAB, "--out", "out"]) == 0
    assert len(list((course / "out" / "labs").iterdir())) == 1
