"""Labs in nbgrader: its metadata, its own validation, its release and its points.

The rules of the metadata (nbgrader's schema, version 3) are tested always. What nbgrader itself
does is tested where the environment variable MMLEARN_NBGRADER names a Python that has it:

    python -m venv nbgrader-venv && nbgrader-venv/bin/pip install nbgrader ipykernel numpy
    MMLEARN_NBGRADER=nbgrader-venv/bin/python python -m pytest tests/grading/test_nbgrader.py
"""

import csv
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest
from conftest import TinyLab, make_lab

from mmlearn.grading import GradingError
from mmlearn.grading.handout.release import release_nbgrader

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted([*ROOT.glob("labs/*.ipynb"), *ROOT.glob("solutions/*.ipynb")])
KEYS = {
    "schema_version",
    "grade",
    "locked",
    "solution",
    "task",
    "grade_id",
    "points",
    "checksum",
    "cell_type",
}


def problems(notebook):
    """Return how a notebook's metadata breaks the rules of nbgrader's schema, version 3."""
    found, seen = [], set()
    for cell in notebook.cells:
        meta = cell.metadata.get("nbgrader")
        if meta is None:
            continue
        grade, solution, locked = (meta.get(key) for key in ("grade", "solution", "locked"))
        points, grade_id = meta.get("points"), meta.get("grade_id")
        number = isinstance(points, int | float) and not isinstance(points, bool)
        markdown = cell.cell_type == "markdown"
        rules = {
            "schema_version must be 3": meta.get("schema_version") == 3,
            "unknown keys": meta.keys() <= KEYS,
            "flags must be true or false": {type(f) for f in (grade, solution, locked)} == {bool},
            "task must be absent or false": meta.get("task", False) is False,
            "grade_id must be valid": bool(re.fullmatch(r"[a-zA-Z0-9_-]+", str(grade_id))),
            "grade_id must be unique": grade_id not in seen,
            "points must be a number": (number and points >= 0) if grade else points is None,
            "a check must be locked": locked is (grade is True and solution is False),
            "a markdown cell is graded by hand": (grade and solution) or not markdown,
            "a raw cell has no part in grading": cell.cell_type in ("code", "markdown"),
            "cell_type must be the cell's": meta.get("cell_type", cell.cell_type) == cell.cell_type,
            "checksum must be one": re.fullmatch(r"[0-9a-f]{32}", meta.get("checksum", "0" * 32)),
        }
        seen.add(grade_id)
        found += [f"{grade_id}: {rule}" for rule, kept in rules.items() if not kept]
    return found


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_metadata_keeps_nbgraders_rules(path):
    notebook = nbformat.read(path, as_version=4)
    assert problems(notebook) == []
    assert any("nbgrader" in cell.metadata for cell in notebook.cells)


@pytest.mark.parametrize("path", sorted(ROOT.glob("labs/*.ipynb")), ids=lambda path: path.stem)
def test_a_lab_and_its_instructors_copy_have_the_same_graded_cells(path):
    lab, copy = (
        [c.metadata.nbgrader for c in nbformat.read(each, 4).cells if "nbgrader" in c.metadata]
        for each in (path, ROOT / "solutions" / path.name)
    )
    assert lab == copy


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"schema_version": 2}, "schema_version must be 3"),
        ({"grade_id": ""}, "grade_id must be valid"),
        ({"grade_id": "a b"}, "grade_id must be valid"),
        ({"grade_id": "mean"}, "grade_id must be unique"),
        ({"points": "2"}, "points must be a number"),
        ({"points": True}, "points must be a number"),
        ({"points": -1}, "points must be a number"),
        ({"locked": False}, "a check must be locked"),
        ({"locked": 1}, "flags must be true or false"),
        ({"cell_type": "markdown"}, "cell_type must be the cell's"),
        ({"checksum": "short"}, "checksum must be one"),
        ({"minutes": 5}, "unknown keys"),
    ],
)
def test_each_rule_is_really_looked_at(change, rule):
    notebook = make_lab(solution=True)
    assert problems(notebook) == []
    notebook.cells[5].metadata.nbgrader.update(change)  # the last check
    assert rule in " ".join(problems(notebook))


# --------------------------------------------------------------------------- nbgrader itself


PYTHON = os.environ.get("MMLEARN_NBGRADER", "")
nbgrader_only = pytest.mark.skipif(
    not PYTHON, reason="MMLEARN_NBGRADER names no Python with nbgrader"
)

CONFIG = """\
c = get_config()
c.CourseDirectory.course_id = "tiny"
c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE\\nraise NotImplementedError"}
"""
VALIDATE = """\
import sys
import nbformat
from nbgrader.nbgraderformat import MetadataValidator

for path in sys.argv[1:]:
    MetadataValidator().validate_nb(nbformat.read(path, as_version=4))
"""
POINTS = """\
import json, sys
from nbgrader.api import Gradebook

with Gradebook("sqlite:///gradebook.db") as book:
    print(json.dumps({
        student.id: {
            grade.name: grade.auto_score
            for grade in book.find_submission(sys.argv[1], student.id).notebooks[0].grades
            if grade.cell.cell_type == "code"
        }
        for student in book.students
    }))
"""


class Nbgrader:
    """A course folder of nbgrader's, and its commands as they are typed."""

    def __init__(self, root):
        self.root, self.home = root / "course", root / "home"
        self.home.mkdir()
        self.root.mkdir()
        (self.root / "nbgrader_config.py").write_text(CONFIG, encoding="utf-8")

    def python(self, *arguments):
        """Run nbgrader's Python in the course's folder; return what it printed."""
        bare = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "PYTHON"))}
        path = os.pathsep.join([str(Path(PYTHON).parent.absolute()), os.environ["PATH"]])
        done = subprocess.run(
            [str(Path(PYTHON).absolute()), *map(str, arguments)],
            cwd=self.root,
            env=bare | {"HOME": str(self.home), "PATH": path, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    def __call__(self, *arguments):
        return self.python("-m", "nbgrader", *arguments)

    def assign(self, copy):
        """Make an assignment of an instructor's copy; return the notebook to hand out."""
        name = Path(copy).stem
        (self.root / "source" / name).mkdir(parents=True)
        shutil.copy(copy, self.root / "source" / name)
        self("generate_assignment", name, "--create")
        return nbformat.read(self.root / "release" / name / f"{name}.ipynb", as_version=4)


@nbgrader_only
def test_nbgrader_finds_the_metadata_valid(tmp_path):
    Nbgrader(tmp_path).python("-c", VALIDATE, *NOTEBOOKS)


@nbgrader_only
@pytest.mark.parametrize("path", sorted(ROOT.glob("solutions/*.ipynb")), ids=lambda path: path.stem)
def test_nbgrader_hands_out_the_code_that_we_hand_out(path, tmp_path):
    released = Nbgrader(tmp_path).assign(path)
    lab = nbformat.read(ROOT / "labs" / path.name, as_version=4)
    sources = [
        [cell.source.strip() for cell in notebook.cells if cell.cell_type == "code"]
        for notebook in (released, lab)
    ]
    assert sources[0] == sources[1]
    assert not re.search(r"(BEGIN|END) (SOLUTION|HIDDEN)", nbformat.writes(released))
    assert not any(cell.get("outputs") for cell in released.cells)


WRONG_ON_FRESH = "def double(x):\n    return min(2 * x, 6)"
WRONG_PRINT = "def mean(x):\n    return sum(x) / 2"


@pytest.fixture(scope="module")
def points(tmp_path_factory):
    """The points of five students by check: nbgrader's and ours."""
    if not PYTHON:
        pytest.skip("MMLEARN_NBGRADER names no Python with nbgrader")
    lab = TinyLab(tmp_path_factory.mktemp("tiny"))
    nbgrader = Nbgrader(tmp_path_factory.mktemp("nbgrader"))
    released = nbgrader.assign(lab.root / "solutions" / "90_tiny.ipynb")
    students = {
        "right": lab.answer(),
        "empty": make_lab(solution=False),
        "released": released,
        "freshly": lab.answer(double=WRONG_ON_FRESH),
        "printing": lab.answer(mean=WRONG_PRINT),
    }
    for name, notebook in students.items():
        folder = nbgrader.root / "submitted" / name / "90_tiny"
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / "90_tiny.ipynb")
        lab.hand_in(name, notebook)
    nbgrader("autograde", "90_tiny", "--create")
    theirs = json.loads(nbgrader.python("-c", POINTS, "90_tiny"))
    assert lab.grade_all("--sandbox", "none", "--jobs", 2) == 0
    with open(lab.root / "grades" / "gradebook.csv", encoding="utf-8", newline="") as file:
        ours = {
            row["student"]: {name: float(row[name]) for name in ("check_double", "check_mean")}
            for row in csv.DictReader(file)
        }
    return theirs, ours


@nbgrader_only
@pytest.mark.parametrize("student", ["right", "empty", "released", "freshly"])
def test_nbgrader_gives_our_points_where_checks_assert(points, student):
    theirs, ours = points
    assert theirs[student] == pytest.approx(ours[student])


@nbgrader_only
def test_nbgrader_passes_a_check_that_only_prints(points):
    theirs, ours = points
    assert ours["printing"] == {"check_double": 2.0, "check_mean": 0.0}
    assert theirs["printing"] == {"check_double": 2.0, "check_mean": 3.0}


# ------------------------------------------------------------------ sources made for nbgrader


def printing_lab(root):
    """A tiny lab whose hidden test only prints, as the course's do."""
    lab = TinyLab(root)
    path = lab.root / "solutions" / "90_tiny.ipynb"
    notebook = nbformat.read(path, as_version=4)
    lines = notebook.cells[3].source.splitlines()
    notebook.cells[3].source = "\n".join(
        line for line in lines if "assert double(secret" not in line
    )
    nbformat.write(notebook, path)
    return lab


def test_a_source_for_nbgrader_asserts_what_the_hidden_test_printed(tmp_path):
    lab = printing_lab(tmp_path)
    (path,) = release_nbgrader(["90_tiny"], lab.root, tmp_path / "source")
    assert path == tmp_path / "source" / "90_tiny" / "90_tiny.ipynb"
    notebook = nbformat.read(path, as_version=4)
    assert problems(notebook) == []
    check = notebook.cells[3].source
    exec(check, {"double": lambda x: 2 * x})
    with pytest.raises(AssertionError, match="fresh inputs"):
        exec(check, {"double": lambda x: min(2 * x, 6)})
    visible, hidden = check.split("### BEGIN HIDDEN TESTS")
    assert "twice 6" not in hidden
    assert "fresh 42" in hidden
    assert "fresh 42" not in visible


def test_a_source_for_nbgrader_needs_a_solution_that_runs(tmp_path):
    lab = printing_lab(tmp_path)
    path = lab.root / "solutions" / "90_tiny.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[2].source = notebook.cells[2].source.replace("return 2 * x", "return 2 / 0")
    nbformat.write(notebook, path)
    with pytest.raises(GradingError, match="its own solution does not run"):
        release_nbgrader(["90_tiny"], lab.root, tmp_path / "source")
    assert not (tmp_path / "source").exists()


@nbgrader_only
def test_nbgrader_gives_our_points_with_a_source_made_for_it(tmp_path):
    lab, nbgrader = printing_lab(tmp_path), Nbgrader(tmp_path)
    release_nbgrader(["90_tiny"], lab.root, nbgrader.root / "source")
    nbgrader("generate_assignment", "90_tiny", "--create")
    for name, double in (("right", None), ("freshly", WRONG_ON_FRESH)):
        folder = nbgrader.root / "submitted" / name / "90_tiny"
        folder.mkdir(parents=True)
        notebook = lab.answer() if double is None else lab.answer(double=double)
        nbformat.write(notebook, folder / "90_tiny.ipynb")
    nbgrader("autograde", "90_tiny", "--create")
    theirs = json.loads(nbgrader.python("-c", POINTS, "90_tiny"))
    assert theirs["right"] == {"check_double": 2.0, "check_mean": 3.0}
    assert theirs["freshly"] == {"check_double": 0.0, "check_mean": 3.0}
