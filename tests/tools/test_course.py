"""The builder of notebooks: what it promises to the people who write lessons and labs."""

import json
import sys
from types import SimpleNamespace

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

from mmlearn.notebook import role_of
from tools.course import files
from tools.course.__main__ import ROOT, main
from tools.course.build import build
from tools.course.drift import drift
from tools.course.model import SourceError
from tools.course.outputs import (
    WIDGET,
    caption_beside,
    code_digest,
    describe_pictures,
    tidy_outputs,
)

COURSE = """
[[unit]]
id = "01_toy"
title = "Toy"
minutes = 5
lab_minutes = 6
background = "counting"
objectives = ["count;", "add;", "double;"]

[[unit]]
id = "02_next"
title = "Next"
minutes = 7
prerequisites = ["01_toy"]
objectives = ["a;", "b;", "c;"]
"""
PROJECT = '[project.urls]\nRepository = "https://github.com/someone/somewhere"\n'
PROJECT = "[project]\nname = 'x'\n" + PROJECT
LESSON = """\
# %% [markdown]
# ## The question

# %% setup=true
import sys

# %%
print("two", 1 + 1)
"""
LAB = '''\
# %% setup=true
import math

# %% solution="double" minutes=5
def double(x):
    """Return twice x."""
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION


# %% check="check_double" for="double" points=2 rtol=1e-2
print(double(3))
### BEGIN HIDDEN TESTS
print(double(1.5))
### END HIDDEN TESTS

# %% [markdown] written="why" points=1
# ### BEGIN SOLUTION
# Because.
# ### END SOLUTION

# %% experiment="knob"
print(math.pi > 3)
'''


@pytest.fixture
def root(tmp_path):
    for name, text in {
        "pyproject.toml": PROJECT,
        "source/course.toml": COURSE,
        "source/01_toy/lesson.py": LESSON,
        "source/01_toy/lab.py": LAB,
        "source/02_next/lesson.py": LESSON,
        "README.md": f"# Title\n{files.TABLE[0]}\n{files.TABLE[1]}\nEnd\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def edit(root, name, old, new):
    path = root / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def notebook(root, name):
    return nbformat.read(root / name, as_version=4)


def pretend_executed(root):
    """Store made-up outputs as `--execute` would, without a kernel."""
    for folder in ("course", "solutions"):
        for path in (root / folder).glob("*.ipynb"):
            stored = nbformat.read(path, as_version=4)
            for number, cell in enumerate(c for c in stored.cells if c.cell_type == "code"):
                cell.execution_count = number + 1
                cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text="kept\n")]
            stored.metadata.mmlearn["executed"] = code_digest(stored)
            files.write(path, files.dump(stored))


def contents(root):
    files = [*root.glob("*/*.ipynb"), root / "README.md"]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def test_rebuild_changes_nothing(root):
    assert build(root) == []
    pretend_executed(root)
    before = contents(root)
    assert build(root) == []
    assert contents(root) == before
    assert len(before) == 5


def test_ids_are_valid_unique_and_tell_unit_kind_and_position(root):
    build(root)
    for path in root.glob("*/*.ipynb"):
        ids = [cell.id for cell in nbformat.read(path, as_version=4).cells]
        assert len(set(ids)) == len(ids)
    ids = [cell.id for cell in notebook(root, "course/01_toy.ipynb").cells]
    assert ids == [
        f"01_toy-lesson-{part}" for part in ("card", "01", "install", "02", "03", "footer")
    ]


def test_lab_holds_no_solution_and_the_solution_holds_all(root):
    build(root)
    lab, solution = ((root / f"{f}/01_toy_lab.ipynb").read_text() for f in ("labs", "solutions"))
    for secret in ("2 * x", "Because", "double(1.5)", "SOLUTION", "HIDDEN"):
        assert secret not in lab
        assert secret in solution
    stub = 'def double(x):\n    """Return twice x."""\n    # YOUR CODE HERE\n'
    stub += "    raise NotImplementedError"
    cells = notebook(root, "labs/01_toy_lab.ipynb").cells
    assert [cells[3].source, cells[5].source] == [stub, "*Your answer here.*"]


def test_a_check_of_a_lab_reports_and_the_last_cell_adds_up(root):
    build(root)
    cells = notebook(root, "labs/01_toy_lab.ipynb").cells
    assert cells[2].source == "from mmlearn.exercises import check, tally\nimport math"
    assert cells[4].source == 'with check("double", points=2):\n    print(double(3))'
    assert role_of(cells[-2]) == "tally"
    assert cells[-2].source == "# Your points so far.\ntally(\n    double=2,\n    by_hand=1,\n)"
    solution = notebook(root, "solutions/01_toy_lab.ipynb").cells
    assert solution[4].source.startswith("print(double(3))\n### BEGIN HIDDEN")
    assert "tally" not in {role_of(cell) for cell in solution}


def test_a_check_that_cannot_be_wrapped_names_its_exercise(root):
    edit(root, "source/01_toy/lab.py", "print(double(3))", 'print("""a\nb""", double(3))')
    with pytest.raises(SourceError, match="'double' has a string of several lines"):
        build(root)


def test_a_picture_gets_its_caption_as_alternative_text():
    figure = nbformat.v4.new_output("display_data", data={"image/png": "iVBO\n", "text/plain": ""})
    cell = nbformat.v4.new_code_cell("plot()", outputs=[figure])
    text = nbformat.v4.new_markdown_cell('*Figure: two "dots"\n& a line.* What follows.')
    describe_pictures(cell, caption_beside([cell, text], 0))
    assert cell.outputs[0].data["text/html"] == (
        '<img alt="two &quot;dots&quot; &amp; a line." src="data:image/png;base64,iVBO">'
    )


def test_graded_cells_carry_nbgrader_metadata_and_ours(root):
    build(root)
    for folder in ("labs", "solutions"):
        cells = notebook(root, f"{folder}/01_toy_lab.ipynb").cells
        common = {"schema_version": 3, "task": False}
        assert cells[3].metadata == {
            "nbgrader": {
                **common, "grade_id": "double", "solution": True, "grade": False, "locked": False
            },
            "mmlearn": {"role": "solution"},
        }  # fmt: skip
        assert cells[4].metadata == {
            "nbgrader": {
                **common, "grade_id": "check_double", "solution": False, "grade": True,
                "locked": True, "points": 2,
            },
            "mmlearn": {"role": "check", "for": "double", "rtol": 1e-2, "atol": 1e-6},
        }  # fmt: skip
        assert cells[5].metadata.nbgrader == {
            **common, "grade_id": "why", "solution": True, "grade": True, "locked": False,
            "points": 1,
        }  # fmt: skip
        assert cells[6].metadata == {"mmlearn": {"role": "experiment", "id": "knob"}}


def test_what_an_exercise_allows_is_in_its_text_and_in_its_cell(root):
    edit(root, LAB_FILE, "# %% solution", "# %% [markdown]\n# Use `fsum`.\n\n# %% solution")
    edit(root, LAB_FILE, "minutes=5", 'minutes=5 allow="math.fsum"')
    build(root)
    cells = notebook(root, "solutions/01_toy_lab.ipynb").cells
    ours = [cell.metadata.mmlearn for cell in cells if "allow" in cell.metadata.get("mmlearn", {})]
    assert ours == [{"role": "solution", "allow": ["math.fsum"]}]


def test_card_and_footer_say_where_the_reader_stands(root):
    build(root)
    cells = notebook(root, "course/02_next.ipynb").cells
    for text in (
        "# 02 · Next",
        "https://colab.research.google.com/github/someone/somewhere/blob/main/course/02_next.ipynb",
        "7 minutes",
        "[01 · Toy](01_toy.ipynb)",
        "- b;",
    ):
        assert text in cells[0].source
    assert "Previous: [01 · Toy](01_toy.ipynb)" in cells[-1].source
    first = notebook(root, "course/01_toy.ipynb").cells
    assert "counting" in first[0].source
    assert "Lab: [01 · Toy](../labs/01_toy_lab.ipynb)" in first[-1].source
    assert "Next: [02 · Next](02_next.ipynb)" in first[-1].source
    assert "OpenMoji](https://openmoji.org), CC BY-SA 4.0" in first[-1].source
    lab_card = notebook(root, "labs/01_toy_lab.ipynb").cells[0].source
    assert "| `double` | 5 | 2 |" in lab_card
    assert "**3**" in lab_card


def install(root, monkeypatch, found, modules=(), **environment):
    """Run the first code cell where `find_spec` finds the file `found`; return pip's orders."""
    orders = []
    shell = SimpleNamespace(run_line_magic=lambda name, line: orders.append(f"{name} {line}"))
    spec = found and SimpleNamespace(origin=str(found))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: spec)
    for name in modules:
        monkeypatch.setitem(sys.modules, name, SimpleNamespace())
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    build(root)
    (cell,) = (c for c in notebook(root, "course/01_toy.ipynb").cells if role_of(c) == "install")
    source = TransformerManager().transform_cell(cell.source)
    exec(source, {"get_ipython": lambda: shell})
    return orders


INSTALLED = 'pip install -q "mmlearn-course[grade] @ git+https://github.com/someone/somewhere"'


def test_where_the_package_is_nothing_is_installed_anywhere(root, monkeypatch):
    ours = ROOT / "mmlearn/__init__.py"
    assert install(root, monkeypatch, ours, ["google.colab"], MMLEARN_INSTALL="1") == []


@pytest.mark.parametrize("other", [False, True])
def test_colab_gets_the_package_in_place_of_another_of_its_name(root, monkeypatch, other, tmp_path):
    (tmp_path / "other.py").write_text("import torch\n")
    orders = install(root, monkeypatch, other and tmp_path / "other.py", ["google.colab"])
    assert orders == ["pip uninstall -qqq -y mmlearn mmlearn-course", INSTALLED]


def test_elsewhere_it_is_installed_where_the_user_says_so(root, monkeypatch):
    assert install(root, monkeypatch, None, MMLEARN_INSTALL="1")[-1] == INSTALLED


def test_a_wrong_kernel_is_told_which_one_to_choose(root, monkeypatch, tmp_path):
    (tmp_path / "other.py").write_text("import torch\n")
    with pytest.raises(ImportError, match=r"Choose the kernel of the course's \.venv") as error:
        install(root, monkeypatch, tmp_path / "other.py")
    assert sys.executable in str(error.value)
    assert "other.py" in str(error.value)


def test_outputs_survive_new_prose_and_a_new_address_but_not_new_code(root):
    build(root)
    pretend_executed(root)
    edit(root, "source/01_toy/lesson.py", "## The question", "## The first question")
    edit(root, "pyproject.toml", "someone", "somebody")
    build(root)
    stored = notebook(root, "course/01_toy.ipynb")
    assert "first" in stored.cells[1].source
    assert stored.cells[3].outputs[0].text == "kept\n"
    edit(root, "source/01_toy/lesson.py", "1 + 1", "2 + 2")
    build(root)
    stored = notebook(root, "course/01_toy.ipynb")
    assert "executed" not in stored.metadata.mmlearn
    assert not any(cell.get("outputs") for cell in stored.cells)


def test_check_is_silent_after_a_build(root):
    build(root)
    pretend_executed(root)
    assert drift(root) == []
    assert main(["--check"], root) == 0


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("source/01_toy/lesson.py", "The question", "A question", "cell 01_toy-lesson-01"),
        ("source/01_toy/lesson.py", "1 + 1", "1 + 2", "was executed with other code"),
        ("source/01_toy/lab.py", "2 * x", "x + x", "solutions/01_toy_lab.ipynb: was exec"),
        ("source/01_toy/lab.py", "points=2", "points=3", "the source of cell 01_toy-lab-card"),
        ("source/01_toy/lab.py", "rtol=1e-2", "rtol=1e-1", "metadata of cell 01_toy-lab-03"),
        ("source/course.toml", '"add;"', '"subtract;"', "source of cell 01_toy-lesson-card"),
        ("course/01_toy.ipynb", "1 + 1", "1 + 3", "was executed with other code"),
        ("course/01_toy.ipynb", "lesson-02", "lesson-12", "the id of cell 01_toy-lesson-02"),
        ("course/01_toy.ipynb", '"name": "python3"', '"name": "R"', "the notebook's metadata"),
        ("course/01_toy.ipynb", '"executed"', '"ran"', "was never executed"),
        ("labs/01_toy_lab.ipynb", '"outputs": []', '"outputs": [{"data": {}, "metadata": {}, '
         '"output_type": "display_data"}]', "labs/01_toy_lab.ipynb: a lab must hold no outputs"),
        ("labs/01_toy_lab.ipynb", "{", "<<<<", "is no readable notebook"),
        ("README.md", "5 + 6", "5 + 5", "README.md: the course table is out of date"),
        ("README.md", files.TABLE[1], "", "README.md: the markers"),
    ],
)  # fmt: skip
def test_check_names_each_kind_of_drift(root, name, old, new, message):
    build(root)
    pretend_executed(root)
    edit(root, name, old, new)
    before = contents(root)
    problems = drift(root)
    assert any(message in line for line in problems), problems
    assert main(["--check"], root) == 1
    assert contents(root) == before


def test_check_names_missing_and_stray_files(root):
    build(root)
    pretend_executed(root)
    (root / "labs/01_toy_lab.ipynb").unlink()
    (root / "source/02_next/lesson.py").unlink()
    problems = drift(root)
    assert "labs/01_toy_lab.ipynb: is missing: build again." in problems
    assert "source/02_next/lesson.py is missing." in problems
    assert "course/02_next.ipynb: has no source." in problems


def test_a_notebook_over_the_size_limit_is_reported(root, monkeypatch):
    monkeypatch.setattr(files, "MAX_BYTES", 1000)
    assert "course/02_next.ipynb" in build(root, ("02",))[0]


def test_a_repository_without_readme_builds(root):
    (root / "README.md").unlink()
    assert build(root) == []


LAB_FILE, COURSE_FILE = "source/01_toy/lab.py", "source/course.toml"


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        (LAB_FILE, "    ### END SOLUTION\n", "", "'double'.*SOLUTION are unbalanced"),
        (LAB_FILE, "### END HIDDEN TESTS", "", "'check_double'.*HIDDEN TESTS are unbalanced"),
        (LAB_FILE, "### END HIDDEN TESTS", "### END HIDDEN TESTS\n1", "at the end of the cell"),
        (LAB_FILE, "### BEGIN HIDDEN TESTS\n", "", "HIDDEN TESTS are unbalanced"),
        (LAB_FILE, "print(math.pi > 3)", "# BEGIN SOLUTION", "misspelt or stands where"),
        (LAB_FILE, "    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION\n",
         "    return 2 * x\n", "no ### BEGIN SOLUTION"),
        (LAB_FILE, 'written="why"', 'written="double"', "the id 'double' is used twice"),
        (LAB_FILE, 'for="double"', 'for="treble"', "for 'treble', which names no solution"),
        (LAB_FILE, 'for="double" points=2', 'for="double"', "needs the key points"),
        (LAB_FILE, 'for="double" points=2', "points=2", "needs the key for"),
        (LAB_FILE, "points=2", 'points="two"', "points must be a number"),
        (LAB_FILE, "minutes=5", "hours=5", "unknown key 'hours' beside solution"),
        (LAB_FILE, "minutes=5", 'minutes=5 allow="math.fsum"', "allows math.fsum, but its text"),
        (LAB_FILE, "minutes=5", 'experiment="k"', "one role"),
        (LAB_FILE, "# %% experiment", "# %% [markdown] experiment", "must be code"),
        (LAB_FILE, "print(double(3))", "%time double(3)", "not plain Python"),
        (LAB_FILE, "# %% setup=true", "# %%", "needs setup=true"),
        (LAB_FILE, "import math", "import math\n" * 11, "over 10 lines"),
        (COURSE_FILE, '"01_toy"\ntitle', '"01_other"\ntitle', "no earlier unit"),
        (COURSE_FILE, 'id = "02_next"', 'id = "03_last"', "source/02_next is missing in course"),
        (COURSE_FILE, '"add;", ', "", "3-5 objectives"),
        (COURSE_FILE, "lab_minutes = 6\n", "", "needs lab_minutes"),
        (COURSE_FILE, "minutes = 7", "hours = 7", "unexpected keyword argument 'hours'"),
        ("pyproject.toml", "github.com", "example.org", "must be a GitHub address"),
    ],
)  # fmt: skip
def test_what_cannot_be_built_is_said_in_one_sentence(root, capsys, name, old, new, message):
    edit(root, name, old, new)
    with pytest.raises(SourceError, match=message):
        build(root)
    assert main([], root) == 1
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_a_solution_needs_a_check_and_stands_inside_a_function(root):
    extra = '\n# %% solution="top"\n### BEGIN SOLUTION\nx = 1\n### END SOLUTION\n'
    (root / LAB_FILE).write_text(LAB + extra)
    with pytest.raises(SourceError, match="solution 'top' has no check"):
        build(root)
    (root / LAB_FILE).write_text(LAB + extra + '\n# %% check="c" for="top" points=1\nprint(x)\n')
    with pytest.raises(SourceError, match="must stand inside a function"):
        build(root)


def test_an_unknown_unit_gets_the_list_of_known_ones(root):
    with pytest.raises(SourceError, match="No unit '07'; there are 01_toy, 02_next"):
        build(root, ("07",))


@pytest.mark.slow
def test_execute_runs_what_changed_and_stores_outputs_and_seconds(root, capsys):
    (root / "source/02_next/lesson.py").unlink()
    assert build(root, run=True) == []
    assert capsys.readouterr().out.count("executed in") == 2
    assert notebook(root, "course/01_toy.ipynb").cells[4].outputs[0].text == "two 2\n"
    check = notebook(root, "solutions/01_toy_lab.ipynb").cells[4]
    assert check.outputs[0].text == "6\n3.0\n"
    assert check.execution_count == 4
    assert "execution" not in check.metadata
    seconds = json.loads((root / "source/timings.json").read_text())["01_toy"]
    assert set(seconds) == {"lesson", "solution"}
    assert f"{max(1, round(seconds['lesson']))} s + " in (root / "README.md").read_text()
    before = contents(root)
    assert build(root, run=True) == []
    assert capsys.readouterr().out == ""
    assert contents(root) == before
    assert drift(root, ("01",)) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import warnings; warnings.warn('careful')", "writes to stderr"),
        ("object()", "shows an object's address"),
    ],
)
def test_execute_stores_nothing_that_fails_or_warns(root, code, message):
    (root / "source/02_next/lesson.py").write_text(LESSON.replace('print("two", 1 + 1)', code))
    problems = build(root, ("02",), run=True)
    assert any(message in line and "02_next lesson" in line for line in problems), problems
    assert "executed" not in notebook(root, "course/02_next.ipynb").metadata.mmlearn


def test_outputs_that_differ_from_run_to_run_are_dropped():
    def tidy(role, *outputs):
        cell = nbformat.v4.new_code_cell(metadata={"mmlearn": {"role": role}}, outputs=[*outputs])
        problems = tidy_outputs(cell)
        return cell.outputs, problems

    view = nbformat.v4.new_output(
        "display_data", data={WIDGET: {"model_id": "x"}, "text/plain": "interactive("}
    )
    bar = nbformat.v4.new_output(
        "stream", name="stderr", text="\r 10%|#  | 1/10\r100%|###| 10/10\n"
    )
    text = nbformat.v4.new_output("stream", name="stdout", text="3\n")
    assert tidy("", bar, dict(view), text) == ([text], [])
    outputs, problems = tidy("widget", view)
    assert problems == []
    assert outputs[0].data == {"text/plain": "A widget: run this cell to use it."}
    assert "prints nothing" in tidy("check")[1][0]
