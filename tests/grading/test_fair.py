"""Correct work is not marked wrong: prints cost nothing, an exercise costs its own points alone."""

import nbformat
import pytest
from conftest import BOX, graded, printed
from nbformat import v4

from mmlearn.grading.judge.rebuild import load_lab
from mmlearn.grading.single import grade_bytes

TIMEOUT = 6
SETUP = "import random\nimport numpy as np"
AREA = "def area(r):\n    return np.pi * r**2"
SPREAD = "def spread(x):\n    return float(np.std(np.asarray(x, dtype=float)))"
UNIT = "def unit(x):\n    return x / np.linalg.norm(x)"
LAB = (  # name, answer, visible part, hidden part, what both print
    (
        "area",
        AREA,
        "m = 3\nR = area(2.0)\nassert R > 12, 'too small'\nprint(f'area {R:.4f}')",
        "s = area(m)\nprint(f'{s:.4f}')",
        "area 12.5664\n28.2743\n",
    ),
    (
        "spread",
        SPREAD,
        "rng = np.random.default_rng(0)\nR = spread(rng.normal(size=50))\n"
        "assert np.isclose(spread([1, 3]), 1), 'the spread of 1 and 3 is 1'\nprint(f'{R:.6f}')",
        "print(f'{spread(np.random.default_rng(1).normal(size=9)):.6f} {R:.6f}')",
        None,
    ),
    (
        "unit",
        UNIT,
        "rec = unit(np.array([3.0, 4.0]))\nassert rec.shape == (2,), rec\n"
        "print('unit', *[f'{v:.4f}' for v in rec])",
        "print(unit(np.array([0.0, 2.0])).tolist()[1], len(unit(np.ones(3))))",
        "unit 0.6000 0.8000\n1.0 3\n",
    ),
)


def prints_of_spread():
    import numpy as np

    values = np.random.default_rng(0).normal(size=50).std()
    fresh = np.random.default_rng(1).normal(size=9).std()
    return f"{values:.6f}\n{fresh:.6f} {values:.6f}\n"


def make(solution, parts=LAB, setup=SETUP):
    cells = [v4.new_code_cell(setup, metadata={"mmlearn": {"role": "setup"}}, execution_count=1)]
    for name, answer, visible, hidden, text in parts:
        tests = f"{visible}\n### BEGIN HIDDEN TESTS\n{hidden}\n### END HIDDEN TESTS"
        check = v4.new_code_cell(tests if solution else visible)
        if solution:
            printed(check, text or prints_of_spread(), 2)
        cells.append(graded(v4.new_code_cell(answer), "solution", name))
        cells.append(graded(check, "check", f"check_{name}", 1, **{"for": name}))
    return v4.new_notebook(cells=cells, metadata={"mmlearn": {"unit": "91_three"}})


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    path = tmp_path_factory.mktemp("lab") / "91_three.ipynb"
    nbformat.write(make(solution=True), path)
    return load_lab(path)


def answers(**sources):
    """A filled-in lab; a name alone gives the right answer."""
    notebook = make(solution=False)
    for cell in notebook.cells[1:]:
        cell.source = sources.get(cell.metadata.nbgrader.grade_id, cell.source)
    return notebook


def grade(lab, notebook, timeout=TIMEOUT):
    return grade_bytes(nbformat.writes(notebook).encode(), lab, timeout, BOX)


def statuses(found):
    return [check["status"] for check in found["checks"]]


CHATTY = """\
import logging, sys, warnings
from tqdm import tqdm
logging.basicConfig(level="DEBUG")
def area(r):
    print("debug", r, end="")
    logging.info("radius %s", r)
    warnings.warn("slow")
    sys.stdout.write("half a line")
    print("x" * 2_000_000, file=sys.stderr)
    for _ in tqdm([1]):
        display({"text/plain": "shown"}, raw=True)
    display({"image/png": "A" * 21_000_000}, raw=True)
    return np.pi * r**2
area(1.0)"""
SHOWS = "import subprocess\nsubprocess.run(['echo', 'from a child'])\n" + SPREAD + "\nspread"
RIGHT = {
    "prints, logs, warns and shows": {"area": CHATTY, "spread": SHOWS},
    "the check's names": {
        "area": "m = np.pi\nR = 2\ndef area(r):\n    return m * r**R",
        "spread": "rng = 0.5\ns = rng\ndef spread(x):\n    return np.var(np.asarray(x)) ** s",
        "unit": "rec = np.linalg.norm\nR = rec\nm = 7\ndef unit(x):\n    return x / R(x)",
    },
    "names that the lab has set": {
        "area": "from math import pi\nnp = None\ndef area(r):\n    return pi * r**2",
        "spread": "import numpy\nprint = len = R = None\ndef spread(x):\n"
        "    return float(numpy.std(numpy.asarray(x, dtype=float)))",
    },
    "settings of the libraries": {
        "area": "import os, sys, warnings\n"
        "np.seterr(all='raise')\nwarnings.simplefilter('error')\nos.chdir('/')\n"
        "np.set_printoptions(precision=1)\nsys.setrecursionlimit(200)\n" + AREA,
    },
    "a library taken apart": {
        "spread": SPREAD + "\nsave = np.std\ndef spread(x):\n    return float(save(x))\n"
        "np.linalg.norm = np.std = None",
    },
    "output that is taken away": {
        "area": AREA + "\nimport sys, io\nsys.stdout = io.StringIO()\nimport builtins\n"
        "builtins.print = lambda *a, **k: None",
    },
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_work_gets_all_points(lab, name):
    found = grade(lab, answers(**RIGHT[name]))
    assert statuses(found) == ["passed"] * 3, found


LOST = {  # an exercise that is lost, and what becomes of it
    "endless loop": ("area", "def area(r):\n    while True: pass", "timeout"),
    "endless loop at once": ("area", "while True: pass", "timeout"),
    "quit": ("area", "def area(r):\n    quit()", "error"),
    "quit at once": ("area", "exit()", "error"),
    "sys.exit": ("spread", "import sys\ndef spread(x):\n    sys.exit()", "error"),
    "os._exit": ("area", "import os\ndef area(r):\n    os._exit(0)", "kernel-died"),
    "segfault": ("area", "import ctypes\ndef area(r):\n    ctypes.string_at(0)", "kernel-died"),
    "flood": ("area", "def area(r):\n    while True: print('x' * 10**5)", "error"),
    "ends between two cells": (
        "spread",
        "get_ipython().ask_exit()\n" + SPREAD,
        None,  # a second later, wherever that is
    ),
    "patches, and is wrong itself": (
        "area",
        "np.std = np.random.default_rng = None\ndef area(r):\n    return 0",
        "failed",
    ),
    "takes a library apart, second": (
        "spread",
        "class Bad:\n    def __call__(self, *a): raise OSError\n"
        "np.linalg.norm = np.array = np.ones = Bad()\ndef spread(x):\n    return 0",
        "error",
    ),
}


@pytest.mark.parametrize("name", LOST)
def test_a_lost_exercise_costs_its_own_points_alone(lab, name):
    exercise, source, status = LOST[name]
    found = grade(lab, answers(**{exercise: source}))
    status = status or statuses(found)[1]
    wanted = [status if n == exercise else "passed" for n in ("area", "spread", "unit")]
    assert statuses(found) == wanted, found


def test_several_that_stop_cost_their_own_points_alone(lab):
    loop = "import os\ndef area(r):\n    os._exit(1)"
    found = grade(lab, answers(area=loop, spread="def spread(x):\n    while True: pass"))
    assert statuses(found) == ["kernel-died", "timeout", "passed"]
    assert "Run by themselves" in " ".join(found["notes"])


def test_an_answer_that_uses_a_stopped_one_takes_it_along(lab):
    stops = "def area(r):\n    while r == 3: pass\n    return np.pi * r**2"
    uses = "def unit(x):\n    return x / (np.linalg.norm(x) + 0 * area(1.0))"
    assert statuses(grade(lab, answers(area=stops, unit=uses))) == ["timeout", "passed", "passed"]


def insert(notebook, at, *sources):
    notebook.cells[at:at] = [v4.new_code_cell(source) for source in sources]
    return notebook


def test_helpers_of_other_cells_are_taken_along(lab):
    notebook = answers(
        area="def area(r):\n    return PI * square(r)",
        spread="def spread(x):\n    return stat.pstdev(map(float, x))",
        unit="def unit(x):\n    return x / table['norm'](x)",
    )
    notebook.cells[0].source += "\nimport statistics as stat\nraise SystemExit"
    helper = "PI = np.pi\ndef power(x, n):\n    return x**n\ndef square(x): return power(x, 2)"
    insert(notebook, 1, helper + "\nwhile True: pass", "table = {}\ntable['norm'] = LENGTH")
    insert(notebook, 2, "%matplotlib inline\nfrom numpy.linalg import norm as LENGTH; 1 / 0")
    found = grade(lab, notebook)
    assert statuses(found) == ["passed"] * 3, found
    assert "'PI', 'square'" in found["notes"][0]


def copy_of(cell, source):
    made = nbformat.from_dict(dict(cell))
    made.id, made.source = f"copy-{abs(hash(source))}", source
    return made


@pytest.mark.parametrize(("at", "unanswered"), [(2, True), (2, False), (3, False), (7, False)])
def test_an_old_draft_below_does_not_count(lab, at, unanswered):
    notebook = answers()
    stub = "def area(r):\n    # YOUR CODE HERE\n    raise NotImplementedError"
    draft = stub if unanswered else "def area(r):\n    return 1"
    notebook.cells.insert(at, copy_of(notebook.cells[1], draft))
    found = grade(lab, notebook)
    assert statuses(found) == ["passed"] * 3, found
    assert "2 times" in found["notes"][0] or "2 parts" in found["notes"][0]


def with_helper(notebook):
    notebook.cells[1].source = "def area(r):\n    return PI * r**2"
    return insert(notebook, 1, "PI = float(np.pi)\nprint(PI)")


def with_copies(notebook):
    notebook.cells.insert(3, copy_of(notebook.cells[1], "def area(r):\n    return 1"))
    notebook.cells.insert(7, copy_of(notebook.cells[2], LAB[0][2]))
    return notebook


@pytest.mark.parametrize("change", [with_helper, with_copies])
def test_what_a_student_is_told_at_home_the_instructor_says_too(lab, tmp_path, change):
    notebook = change(answers(spread=RIGHT["the check's names"]["spread"]))
    nbformat.write(notebook, tmp_path / "mine.ipynb")
    at_home = grade(load_lab(tmp_path / "mine.ipynb", with_reference=False), notebook)
    assert statuses(at_home) == ["passed"] * 3, at_home
    found = grade(lab, notebook)
    assert statuses(found) == ["passed"] * 3, found


def test_wrong_work_stays_wrong_whatever_it_prints(lab):
    forged = 'print("area 12.5664")\nprint("28.2743")'
    notebook = answers(
        area=f"def area(r):\n    {forged.replace(chr(10), '; ')}\n    return 13.0",
        spread="R = 1\ndef spread(x):\n    return 1.0",
        unit="_lab = {}\ndef unit(x):\n    return 2 * x",
    )
    found = grade(lab, notebook)
    assert statuses(found) == ["failed"] * 3, found
    assert "'13.0000', differs" in found["checks"][0]["message"]


TORCH = (
    (
        "root",
        "torch.set_default_dtype(torch.float64)\ntorch.set_grad_enabled(False)\n"
        "def root(x):\n    return x.double().sqrt()",
        "print(root(torch.tensor([4.0])).tolist())",
        "print(root(torch.tensor([9.0])).tolist())",
        "[2.0]\n[3.0]\n",
    ),
    (
        "slope",
        "def slope(f, x):\n    x = torch.tensor(x, requires_grad=True)\n    f(x).backward()\n"
        "    return x.grad",
        "g = slope(torch.sin, 0.0)\nprint(g, g.dtype)",
        "print(slope(torch.exp, 0.0), torch.ones(1).dtype)",
        "tensor(1.) torch.float32\ntensor(1.) torch.float32\n",
    ),
)


def test_what_one_exercise_sets_in_torch_costs_no_other(tmp_path):
    for name, solution in (("91_torch.ipynb", True), ("mine.ipynb", False)):
        nbformat.write(make(solution, TORCH, SETUP + "\nimport torch"), tmp_path / name)
    found = grade(load_lab(tmp_path / "91_torch.ipynb"), nbformat.read(tmp_path / "mine.ipynb", 4))
    assert statuses(found) == ["passed"] * 2, found
