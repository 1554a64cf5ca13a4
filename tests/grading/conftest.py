"""A tiny lab: two exercises, hidden tests, a written answer; its reference outputs by hand."""

import nbformat
import pytest
from nbformat import v4

from mmlearn.cli import main
from mmlearn.grading.run.sandbox import unavailable

BOX = "none" if unavailable("bwrap") else "bwrap"

DOUBLE = "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION"
MEAN = "def mean(x):\n    ### BEGIN SOLUTION\n    return sum(x) / len(x)\n    ### END SOLUTION"

CHECK_DOUBLE = """\
assert double(2) == 4, "double adds where it should multiply"
print("twice", double(3))
"""
HIDDEN_DOUBLE = """\
### BEGIN HIDDEN TESTS
secret_input = 21
assert double(secret_input) == 42, "secret message"
print("fresh", double(secret_input))
### END HIDDEN TESTS"""
CHECK_MEAN = """\
import numpy.testing
numpy.testing.assert_allclose(mean([1.0, 3.0]), 2.0)
print("mean", mean([1.0, 2.0, 4.0]))"""


def graded(cell, role, grade_id, points=0, **ours):
    """Give a cell the metadata that the builder writes."""
    nbgrader = {
        "schema_version": 3,
        "grade_id": grade_id,
        "solution": role in ("solution", "written"),
        "grade": role in ("check", "written"),
        "locked": role == "check",
        "task": False,
    }
    if nbgrader["grade"]:
        nbgrader["points"] = points
    cell.metadata = nbformat.from_dict({"nbgrader": nbgrader, "mmlearn": {"role": role, **ours}})
    return cell


def printed(cell, text, number):
    """Give a code cell a stored output."""
    cell.outputs, cell.execution_count = [v4.new_output("stream", name="stdout", text=text)], number
    return cell


def make_lab(solution):
    """Return the lab's notebook: the instructor's copy, or what is handed out."""
    hidden = HIDDEN_DOUBLE if solution else ""
    check_double = v4.new_code_cell(CHECK_DOUBLE + hidden)
    check_mean = v4.new_code_cell(CHECK_MEAN)
    setup = v4.new_code_cell("import math", metadata={"mmlearn": {"role": "setup"}})
    sources = {"double": DOUBLE, "mean": MEAN}
    if solution:
        printed(check_double, "twice 6\nfresh 42\n", 3)
        printed(check_mean, "mean 2.3333333333333335\n", 5)
        setup.execution_count = 1
    else:
        stub = "    # YOUR CODE HERE\n    raise NotImplementedError"
        sources = {name: f"def {name}(x):\n{stub}" for name in sources}
    cells = [
        v4.new_markdown_cell("# A tiny lab"),
        setup,
        graded(v4.new_code_cell(sources["double"]), "solution", "double"),
        graded(check_double, "check", "check_double", 2, **{"for": "double"}),
        graded(v4.new_code_cell(sources["mean"]), "solution", "mean"),
        graded(check_mean, "check", "check_mean", 3, **{"for": "mean", "rtol": 1e-3}),
        graded(v4.new_markdown_cell("*Your answer here.*"), "written", "why", 4),
    ]
    unit = {"unit": "90_tiny", "kind": "solution" if solution else "lab"}
    return v4.new_notebook(cells=cells, metadata={"mmlearn": unit})


class TinyLab:
    """The lab's folders, and the command as it is typed."""

    def __init__(self, root):
        self.root = root
        for name in ("labs", "solutions", "submissions"):
            (root / name).mkdir()
        nbformat.write(make_lab(solution=True), root / "solutions" / "90_tiny.ipynb")
        nbformat.write(make_lab(solution=False), root / "labs" / "90_tiny.ipynb")

    def answer(self, double="def double(x):\n    return x + x", mean=None):
        """Return a filled-in lab; `None` leaves an exercise as the solution has it."""
        notebook = make_lab(solution=False)
        notebook.cells[2].source = double
        notebook.cells[4].source = MEAN if mean is None else mean
        return notebook

    def hand_in(self, name, notebook):
        """Put a notebook, or bytes, into the folder of submissions; return its path."""
        path = self.root / "submissions" / f"{name}.ipynb"
        if isinstance(notebook, bytes):
            path.write_bytes(notebook)
        else:
            nbformat.write(notebook, path)
        return path

    def grade(self, *arguments):
        """Run the command with the tiny lab's solutions; return its exit status."""
        solutions = str(self.root / "solutions")
        return main(["grade", "--timeout", "5", "--solutions", solutions, *map(str, arguments)])

    def grade_all(self, *arguments):
        """Grade the folder of submissions into ``grades``; return the exit status."""
        folder, out = self.root / "submissions", self.root / "grades"
        box = () if "--sandbox" in arguments else ("--sandbox", BOX)
        return self.grade(folder, "--lab", "90_tiny", "--out", out, *box, *arguments)


@pytest.fixture
def tiny_lab(tmp_path):
    return TinyLab(tmp_path)
