"""Notebooks out of the author's cells: their ids, their metadata, and the cells that are added."""

from __future__ import annotations

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from mmlearn.notebook import TOLERANCE, wrap_check
from tools.course.cards import card, footer
from tools.course.model import Course, SourceError, Unit
from tools.course.source import allowed, check_lab, read_source
from tools.course.strip import strip

# What JupyterLab writes on opening a notebook, so that nothing changes then.
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
    "version": "3.11.7",
}


def build_unit(course: Course, unit: Unit) -> dict[str, NotebookNode]:
    """Return the unit's notebooks by kind, without outputs; none for an absent source."""
    folder, notebooks = course.root / "source" / unit.id, {}
    if (folder / "lesson.py").exists():
        cells = read_source(folder / "lesson.py", "lesson")
        notebooks["lesson"] = assemble(course, unit, "lesson", cells)
    if (folder / "lab.py").exists():
        if unit.lab_minutes is None:
            raise SourceError(f"course.toml: {unit.id} has a lab, so it needs lab_minutes.")
        cells = read_source(folder / "lab.py", "lab")
        check_lab(cells, f"{unit.id}/lab.py")
        notebooks["lab"] = assemble(course, unit, "lab", cells)
        notebooks["solution"] = assemble(course, unit, "solution", cells)
    return notebooks


def assemble(course: Course, unit: Unit, kind: str, author_cells: list) -> NotebookNode:
    """Return the notebook: card, the author's cells, footer; ids by unit, kind and position."""
    cells = [added("card", card(course, unit, kind, author_cells), new_markdown_cell)]
    for number, cell in enumerate(author_cells, start=1):
        source = _source_for(kind, cell, unit)
        if cell.metadata.role == "setup":
            cells.append(added("install", install_cell(course)))
        new = new_code_cell if cell.cell_type == "code" else new_markdown_cell
        cells.append(new(source, metadata=cell_metadata(cell.metadata), id=f"{number:02d}"))
    if kind == "lab":
        cells.append(added("tally", tally_cell(author_cells)))
    cells.append(added("footer", footer(course, unit, kind), new_markdown_cell))
    for cell in cells:
        cell.id = f"{unit.id}-{kind}-{cell.id}"[-64:]
    about = {"mmlearn": {"unit": unit.id, "kind": kind}}
    metadata = {"kernelspec": KERNEL, "language_info": LANGUAGE, **about}
    return new_notebook(cells=cells, metadata=metadata)


def added(role: str, source: str, new=new_code_cell) -> NotebookNode:
    """Return a cell that no author wrote."""
    return new(source, metadata=ours(role), id=role)


def _source_for(kind: str, cell, unit: Unit) -> str:
    """Return the source of an author's cell in a notebook of this kind."""
    if kind == "lesson":
        return cell.source
    stripped = strip(cell, f"{unit.id}/lab.py")  # for its errors, in a solution too
    return for_students(cell, stripped, unit) if kind == "lab" else cell.source


def ours(role: str, **more) -> dict:
    return {"mmlearn": {"role": role, **more}}


def cell_metadata(keys: dict) -> dict:
    """Return nbgrader's metadata (schema 3) for a graded cell and our own beside it."""
    role = keys["role"]
    if not role:
        return {}
    if role in ("setup", "widget"):
        return ours(role)
    if role == "experiment":
        return ours(role, id=keys[role])
    more = (
        {"for": keys["for"], **{k: keys.get(k, v) for k, v in TOLERANCE.items()}}
        if role == "check"
        else {}
    )
    if role == "solution" and allowed(keys):
        more = {"allow": allowed(keys)}
    nbgrader = {
        "schema_version": 3,
        "grade_id": keys[role],
        "solution": role != "check",
        "grade": role != "solution",
        "locked": role == "check",
        "task": False,
    }
    if role != "solution":
        nbgrader["points"] = keys["points"]
    return {"nbgrader": nbgrader, **ours(role, **more)}


def for_students(cell, source: str, unit: Unit) -> str:
    """Return the source of a lab's cell: a check reports instead of stopping the notebook."""
    if cell.metadata.role == "setup":
        return "from mmlearn.exercises import check, tally\n" + source
    if cell.metadata.role != "check":
        return source
    try:
        return wrap_check(source, cell.metadata["for"], cell.metadata.points)
    except ValueError as error:
        raise SourceError(f"{unit.id}/lab.py: {error}") from None


def install_cell(course: Course) -> str:
    """Return the cell that looks for the package; only on Colab does it install anything."""
    return f"""\
# Is the course's package here? On Colab this gets it (a minute).
import importlib.util, os, pathlib, sys

found = importlib.util.find_spec("mmlearn")
file = found and found.origin
ours = file and "mmlearn-course" in pathlib.Path(file).read_text()
if not ours and ("google.colab" in sys.modules or "MMLEARN_INSTALL" in os.environ):
    %pip uninstall -qqq -y mmlearn mmlearn-course
    %pip install -q "mmlearn-course[grade] @ git+{course.repository}"
elif not ours:
    raise ImportError(
        f"This kernel, {{sys.executable}}, has not the course's package (it has {{file}}). "
        "Choose the kernel of the course's .venv, which `make lab` starts; or set "
        "MMLEARN_INSTALL=1 and run this cell again to install the package here."
    )"""


def tally_cell(cells: list) -> str:
    """Return the last cell of a lab: what its checks found, and the points together."""
    points: dict[str, float] = {}
    for cell in cells:
        if cell.metadata.role == "check":
            name = cell.metadata["for"]
            points[name] = points.get(name, 0) + cell.metadata.points
    by_hand = sum(cell.metadata.points for cell in cells if cell.metadata.role == "written")
    rows = [f"    {name}={value:g}," for name, value in points.items()]
    rows += [f"    by_hand={by_hand:g},"] if by_hand else []
    return "\n".join(["# Your points so far.", "tally(", *rows, ")"])
