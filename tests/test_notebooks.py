"""What every lesson and every lab of the course keeps to, whoever writes it."""

import ast
import functools
import json
import re
import statistics
from pathlib import Path

import nbformat
import pytest

from mmlearn.notebook import (
    FOLDERS,
    MARKERS,
    file_name,
    unwrap_check,
)
from mmlearn.notebook import role_of as role
from tools.course.drift import drift
from tools.course.files import MAX_BYTES, read_timings
from tools.course.model import load_course
from tools.course.strip import regions

ROOT = Path(__file__).parents[1]
COURSE = load_course(ROOT)
LESSONS, LABS = (
    [unit for unit in COURSE.units if (ROOT / "source" / unit / f"{kind}.py").exists()]
    for kind in ("lesson", "lab")
)
each_lesson = pytest.mark.parametrize("unit", LESSONS)
each_lab = pytest.mark.parametrize("unit", LABS)
each_notebook = pytest.mark.parametrize(
    ("kind", "unit"),
    [(kind, unit) for kind in FOLDERS for unit in (LESSONS if kind == "lesson" else LABS)],
)


@functools.cache
def read(kind, unit):
    path = ROOT / FOLDERS[kind] / file_name(unit, kind)
    if not path.exists():
        pytest.fail(f"{path.relative_to(ROOT)} is not there: run python -m tools.course {unit}")
    return nbformat.read(path, as_version=4)


def of_role(notebook, name):
    return [cell for cell in notebook.cells if role(cell) == name]


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def author_lines(cell):
    """The lines an author wrote, without blank ones."""
    lines = [line for line in cell.source.splitlines() if line.strip()]
    return [] if role(cell) in ("install", "tally") else lines


def markdown(cells):
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def has_figure(cell):
    return any("image/png" in output.get("data", {}) for output in cell.get("outputs", []))


def alternative_texts(cell):
    pictures = [out.data for out in cell.get("outputs", []) if "image/png" in out.get("data", {})]
    return [re.findall(r'<img alt="([^"]+)"', data.get("text/html", "")) for data in pictures]


def beside(cells, position, reach):
    return cells[max(0, position - reach) : position] + cells[position + 1 : position + 1 + reach]


def limit_seconds(unit):
    return 120 if unit[:2] in ("09", "10", "11") else 60


# ------------------------------------------------------------------------------------ all notebooks


def test_stored_notebooks_are_what_the_sources_build():
    assert drift(ROOT) == []


@pytest.mark.parametrize("unit", COURSE.units.values(), ids=lambda unit: unit.id)
def test_every_unit_of_the_course_has_its_sources(unit):
    assert unit.id in LESSONS, f"source/{unit.id}/lesson.py is missing"
    assert unit.lab_minutes is None or unit.id in LABS, f"source/{unit.id}/lab.py is missing"


@each_notebook
def test_notebook_is_valid_small_and_free_of_errors(kind, unit):
    notebook = read(kind, unit)
    nbformat.validate(notebook)
    assert (ROOT / FOLDERS[kind] / file_name(unit, kind)).stat().st_size <= MAX_BYTES
    types = {out.output_type for cell in code(notebook) for out in cell.outputs}
    assert "error" not in types


@each_notebook
def test_code_hides_nothing(kind, unit):
    for cell in code(read(kind, unit)):
        source = "\n".join(author_lines(cell))
        assert not re.search(r"import\s+\*", source), f"{cell.id}: import *"
        assert not re.search(r"^\s*[%!]", source, re.MULTILINE), f"{cell.id}: a magic"
        assert not re.search(r"(simplefilter|filterwarnings)\(\s*[\"']ignore[\"']\s*\)", source), (
            f"{cell.id}: warnings are suppressed wholesale"
        )


@each_notebook
def test_links_between_notebooks_lead_somewhere(kind, unit):
    folder = ROOT / FOLDERS[kind]
    for target in re.findall(r"\]\(([^)#:]+\.ipynb)", markdown(read(kind, unit).cells)):
        assert (folder / target).resolve().exists(), target


@pytest.mark.parametrize(
    ("kind", "unit"),
    [("lesson", unit) for unit in LESSONS] + [("solution", unit) for unit in LABS],
)
def test_notebook_ran_within_its_time(kind, unit):
    seconds = read_timings(ROOT).get(unit, {}).get(kind)
    assert seconds is not None, "never executed: run python -m tools.course --execute"
    assert seconds <= (limit_seconds(unit) if kind == "lesson" else 60)


# ------------------------------------------------------------------------------------------ lessons


@each_lesson
def test_lesson_has_the_size_of_a_lesson(unit):
    notebook = read("lesson", unit)
    sizes = {cell.id: len(author_lines(cell)) for cell in code(notebook)}
    assert 28 <= len(notebook.cells) <= 46
    assert sum(sizes.values()) <= 220
    assert statistics.median(sizes.values()) <= 8
    assert [cell for cell, size in sizes.items() if size > 25] == []


@each_lesson
def test_lesson_has_its_parts(unit):
    cells = read("lesson", unit).cells
    assert (role(cells[0]), role(cells[-1])) == ("card", "footer")
    assert len(of_role(read("lesson", unit), "setup")) == 1
    headings = [re.findall(r"^#+ (.+)$", markdown([cell]), re.MULTILINE) for cell in cells]
    recap = [i for i, found in enumerate(headings) if any("recap" in h.lower() for h in found)]
    assert len(recap) == 1, "one heading says Recap"
    before, after = markdown(cells[: recap[0]]), markdown(cells[recap[0] :])
    assert before.count("<details>") >= 1, "a folded answer to 'predict first'"
    assert after.count("<details>") >= 4, "four questions with folded answers"
    assert markdown(cells).count("<details>") == markdown(cells).count("</details>")
    readings = re.search(r"^#+ [^\n]*reading[^\n]*\n(.*?)(?=^#+ |\Z)", after, re.I | re.M | re.S)
    assert readings, "a heading says Further reading"
    assert 3 <= len(re.findall(r"^\s*(?:[-*]|\d+\.) ", readings[1], re.MULTILINE)) <= 5


@each_lesson
def test_lesson_has_a_widget_with_a_static_figure_beside_it(unit):
    cells = read("lesson", unit).cells
    widgets = [i for i, cell in enumerate(cells) if role(cell) == "widget"]
    assert len(widgets) == 1
    nearby = [cells[widgets[0]], *beside(cells, widgets[0], 2)]
    assert any(has_figure(cell) for cell in nearby)


@each_lesson
def test_every_figure_is_told_in_words_beside_it(unit):
    cells = read("lesson", unit).cells
    for position, cell in enumerate(cells):
        if has_figure(cell):
            words = markdown(beside(cells, position, 1))
            assert re.search(r"^\*Figure: .{20,}", words, re.MULTILINE), f"{cell.id}: no caption"


@each_notebook
def test_every_picture_has_an_alternative_text(kind, unit):
    for cell in code(read(kind, unit)):
        for texts in alternative_texts(cell):
            assert texts, f"{cell.id}: a picture without words: put *Figure: ...* beside it"


@each_lesson
def test_every_code_cell_of_a_lesson_was_executed(unit):
    counts = [cell.execution_count for cell in code(read("lesson", unit))]
    assert counts == list(range(1, len(counts) + 1))


# --------------------------------------------------------------------------------------------- labs


@functools.cache
def unfilled(unit):
    """The lab as a student first runs it, in a real kernel, errors allowed."""
    from nbclient import NotebookClient

    notebook = nbformat.from_dict(json.loads(json.dumps(read("lab", unit))))
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=120,
        allow_errors=True,
        extra_arguments=["--log-level=ERROR"],
    )
    return client.execute()


@each_lab
def test_unfilled_lab_runs_to_its_end_where_every_check_is_still_open(unit):
    notebook = unfilled(unit)
    assert [
        out for cell in code(notebook) for out in cell.outputs if out.output_type == "error"
    ] == []
    for cell in of_role(notebook, "check"):
        points = cell.metadata.nbgrader.points
        told = f"○ 0 of {points:g} points: {cell.metadata.mmlearn['for']} is not done yet.\n"
        assert printed(cell) == told
    (tally,) = of_role(notebook, "tally")
    total = sum(cell.metadata.nbgrader.points for cell in of_role(notebook, "check"))
    assert f"Together 0 of {total:g} points." in printed(tally)


def printed(cell):
    return "".join(out.text for out in cell.outputs if out.get("name") == "stdout")


@each_lab
def test_a_check_is_the_same_in_the_lab_and_in_its_solution(unit):
    labs = {cell.id.rsplit("-")[-1]: cell.source for cell in of_role(read("lab", unit), "check")}
    for cell in of_role(read("solution", unit), "check"):
        visible = cell.source.split(MARKERS["check"][0])[0].strip()
        assert unwrap_check(labs[cell.id.rsplit("-")[-1]]).strip() == visible


@each_lab
def test_lab_has_its_parts(unit):
    notebook = read("lab", unit)
    exercises = of_role(notebook, "solution")
    assert 4 <= len(exercises) <= 6
    assert len(of_role(notebook, "written")) >= 1
    assert len(of_role(notebook, "experiment")) == 1
    text = markdown(notebook.cells)
    assert text.count("<details>") == text.count("</details>") >= 2 * len(exercises)
    everything = "\n".join(cell.source for cell in notebook.cells).lower()
    assert everything.count("you should see") >= len(exercises)


@each_lab
def test_stubs_have_a_docstring(unit):
    for cell in of_role(read("lab", unit), "solution"):
        functions = [n for n in ast.walk(ast.parse(cell.source)) if isinstance(n, ast.FunctionDef)]
        missing = [f.name for f in functions if not ast.get_docstring(f)]
        assert functions
        assert missing in ([], ["__init__"]), f"{cell.id}: {missing} without docstring"


@each_lab
def test_lab_asks_for_at_most_sixty_lines(unit):
    written = 0
    for cell in of_role(read("solution", unit), "solution"):
        lines = cell.source.splitlines()
        for first, last in regions(cell.source, *MARKERS["solution"], cell.id):
            body = [line.strip() for line in lines[first + 1 : last]]
            written += sum(bool(line) and not line.startswith("#") for line in body)
    assert 1 <= written <= 60


@each_lab
def test_every_check_stores_what_a_right_answer_prints(unit):
    for cell in of_role(read("solution", unit), "check"):
        printed = [out.text for out in cell.outputs if out.get("name") == "stdout"]
        assert "".join(printed).strip(), f"{cell.id} prints nothing"
        assert " at 0x" not in "".join(printed)


@each_lab
def test_lab_gives_nothing_away(unit):
    lab = json.dumps(read("lab", unit)).upper()
    assert "BEGIN SOLUTION" not in lab
    assert "HIDDEN TESTS" not in lab
