"""Build the notebooks of the course from their sources.

    python tools/build.py [UNIT ...] [--execute [--force] [--jobs N]] [--check]

`source/NN_slug/lesson.py` and `lab.py` (jupytext percent format) with `source/course.toml` become
`course/NN_slug.ipynb`, `labs/NN_slug_lab.ipynb`, `solutions/NN_slug_lab.ipynb` and the table of
README.md.
A rebuild changes nothing. Outputs are kept while the code that made them is unchanged; `--execute`
runs what has changed, on the CPU, in an empty folder, with downloads blocked. `--check` writes
nothing and names every drift. The cell keys that an author may write stand in `KEYS`.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import html
import json
import os
import re
import sys
import tempfile
import time
import tomllib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import jupytext
import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from mmlearn.notebook import FOLDERS, TOLERANCE, file_name, role_of, wrap_check

ROOT = Path(__file__).resolve().parents[1]
# What may stand in a cell's header: role -> further keys (those in capitals must be there).
KEYS = {
    "lesson": {"setup": "", "widget": ""},
    "lab": {
        "setup": "",
        "solution": "minutes",
        "check": "FOR POINTS rtol atol",
        "written": "POINTS",
        "experiment": "",
    },
}
MAX_BYTES = 800_000
SETUP_LINES = 10
CELL_SECONDS = 300
STUB = ["# YOUR CODE HERE", "raise NotImplementedError"]
PNG = "image/png"
WIDGET = "application/vnd.jupyter.widget-view+json"
MARKERS = ("<!-- course:begin -->", "<!-- course:end -->")
# What JupyterLab writes on opening a notebook, so that nothing changes then.
LANGUAGE = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
    "version": "3.11.7",
}
# Pages made of a notebook cut long lines of code in print; the notebook itself tells them not to.
PRINT = "<style>@media print { .highlight pre { white-space: pre-wrap !important; } }</style>"
OPENMOJI = "Emoji pictures: [OpenMoji](https://openmoji.org), CC BY-SA 4.0"


class SourceError(ValueError):
    """Something in the sources must be put right by their author."""


@dataclass(frozen=True)
class Unit:
    id: str
    title: str
    minutes: int
    objectives: list[str]
    lab_minutes: int | None = None  # None: the unit has no lab
    prerequisites: tuple[str, ...] = ()  # ids of earlier units
    background: str = ""  # what else the reader should know

    @property
    def number(self) -> str:
        return self.id.split("_")[0]

    @property
    def name(self) -> str:
        return f"{self.number} · {self.title}"


@dataclass(frozen=True)
class Course:
    root: Path
    units: dict[str, Unit]
    repository: str

    def neighbour(self, unit: Unit, step: int) -> Unit | None:
        order = list(self.units.values())
        at = order.index(unit) + step
        return order[at] if 0 <= at < len(order) else None


# ------------------------------------------------------------------------------------------ sources


def load_course(root: Path) -> Course:
    """Read `source/course.toml` and the public address; SourceError on what cannot be built."""
    table = tomllib.loads((root / "source/course.toml").read_text(encoding="utf-8"))
    units: dict[str, Unit] = {}
    for entry in table.get("unit", []):
        try:
            unit = Unit(**entry)
        except TypeError as error:
            raise SourceError(f"course.toml: unit {entry.get('id')!r}: {error}.") from None
        if not re.fullmatch(r"\d\d_[a-z0-9_]+", unit.id) or unit.id in units:
            raise SourceError(f"course.toml: {unit.id!r} is not a new id of the form NN_slug.")
        if not 3 <= len(unit.objectives) <= 5:
            raise SourceError(f"course.toml: {unit.id} needs 3-5 objectives.")
        for name in unit.prerequisites:
            if name not in units:
                raise SourceError(
                    f"course.toml: {unit.id} needs {name!r}, which is no earlier unit."
                )
        units[unit.id] = unit
    for folder in sorted(p.parent for p in (root / "source").glob("*/*.py")):
        if folder.name not in units:
            raise SourceError(f"source/{folder.name} is missing in course.toml.")
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    repository = project.get("urls", {}).get("Repository", "").rstrip("/")
    if not re.fullmatch(r"https://github\.com/[^/]+/[^/]+", repository):
        raise SourceError("pyproject.toml: [project.urls] Repository must be a GitHub address.")
    return Course(root, units, repository)


def read_source(path: Path, kind: str) -> list:
    """Return the author's cells: the header's keys in `metadata`, the role in `metadata.role`."""
    cells = jupytext.reads(path.read_text(encoding="utf-8"), fmt="py:percent").cells
    for number, cell in enumerate(cells, start=1):
        where = f"{path.parent.name}/{path.name}, cell {number}"
        for key in ("cell_marker", "lines_to_next_cell"):  # jupytext's own notes
            cell.metadata.pop(key, None)
        if cell.cell_type not in ("code", "markdown"):
            raise SourceError(f"{where}: only code and [markdown] cells are allowed.")
        cell.metadata["role"] = read_role(cell, KEYS[kind], where)
    setups = [cell for cell in cells if cell.metadata.role == "setup"]
    code = [cell for cell in cells if cell.cell_type == "code"]
    if len(setups) != 1 or setups[0] is not code[0]:
        raise SourceError(
            f"{path.parent.name}/{path.name}: the first code cell, and no other, needs setup=true."
        )
    if len(setups[0].source.splitlines()) > SETUP_LINES:
        raise SourceError(
            f"{path.parent.name}/{path.name}: the set-up cell has over {SETUP_LINES} lines."
        )
    return cells


def read_role(cell, roles: dict[str, str], where: str) -> str:
    """Check the keys of one cell's header and return its role ("" for a plain cell)."""
    keys = cell.metadata
    found = [role for role in roles if role in keys]
    if len(found) > 1:
        raise SourceError(f"{where}: {found[0]} and {found[1]} in one header; a cell has one role.")
    role = found[0] if found else ""
    allowed = roles.get(role, "").split()
    for key in keys:
        if key != role and key not in [name.lower() for name in allowed]:
            raise SourceError(f"{where}: unknown key {key!r}{f' beside {role}' if role else ''}.")
    for key in allowed:
        if key.isupper() and key.lower() not in keys:
            raise SourceError(f"{where}: {role}={keys[role]!r} needs the key {key.lower()}.")
    for key in ("points", "minutes", "rtol", "atol"):
        value = keys.get(key, 1)
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise SourceError(f"{where}: {key} must be a number of at least 0, got {value!r}.")
    if role in ("setup", "widget") and keys[role] is not True:
        raise SourceError(f"{where}: write {role}=true.")
    if role not in ("", "setup", "widget") and not re.fullmatch(r"\w+", str(keys[role])):
        raise SourceError(f"{where}: {role}={keys[role]!r} is no id of letters, digits and _.")
    if role and (cell.cell_type == "markdown") != (role == "written"):
        raise SourceError(
            f"{where}: a {role} cell must be {'[markdown]' if role == 'written' else 'code'}."
        )
    return role


def check_lab(cells: list, where: str) -> None:
    """Raise SourceError where the graded cells of a lab do not fit together."""
    ids = [
        (c.metadata.role, c.metadata[c.metadata.role])
        for c in cells
        if c.metadata.role not in ("", "setup")
    ]
    names = [name for _, name in ids]
    for name in names:
        if names.count(name) > 1:
            raise SourceError(f"{where}: the id {name!r} is used twice.")
    solutions = {name for role, name in ids if role == "solution"}
    checked = set()
    for cell in cells:
        if cell.metadata.role == "check":
            name, target = cell.metadata.check, cell.metadata["for"]
            if target not in solutions:
                raise SourceError(
                    f"{where}: check {name!r} is for {target!r}, which names no solution."
                )
            checked.add(target)
    for name in sorted(solutions - checked):
        raise SourceError(f"{where}: solution {name!r} has no check.")


def regions(source: str, marker: str, where: str) -> list[tuple[int, int]]:
    """Return (first, last) line indices of each `### BEGIN marker` ... `### END marker` block."""
    blocks, begin = [], None
    for number, line in enumerate(source.splitlines()):
        if line.strip() == f"### BEGIN {marker}" and begin is None:
            begin = number
        elif line.strip() == f"### END {marker}" and begin is not None:
            blocks.append((begin, number))
            begin = None
        elif line.strip() in (f"### BEGIN {marker}", f"### END {marker}"):
            raise SourceError(f"{where}: ### BEGIN {marker} and ### END {marker} are unbalanced.")
    if begin is not None:
        raise SourceError(f"{where}: ### BEGIN {marker} and ### END {marker} are unbalanced.")
    return blocks


def strip(cell, where: str) -> str:
    """Return the source that the student gets: no solution, no hidden test, no model answer."""
    role = cell.metadata.role
    where = f"{where}: {role} {cell.metadata.get(role, '')!r}" if role else f"{where}: a plain cell"
    lines = cell.source.splitlines()
    marker = {"solution": "SOLUTION", "written": "SOLUTION", "check": "HIDDEN TESTS"}.get(role)
    blocks = regions(cell.source, marker, where) if marker else []
    if not blocks and marker == "SOLUTION":
        raise SourceError(f"{where}: no ### BEGIN SOLUTION ... ### END SOLUTION.")
    for first, last in reversed(blocks):
        indent = lines[first][: len(lines[first]) - len(lines[first].lstrip())]
        if role == "solution" and not indent:
            raise SourceError(f"{where}: ### BEGIN SOLUTION must stand inside a function.")
        if role == "check" and any(line.strip() for line in lines[last + 1 :]):
            raise SourceError(f"{where}: hidden tests must stand at the end of the cell.")
        new = {"solution": [indent + line for line in STUB], "written": ["*Your answer here.*"]}
        lines[first : last + 1] = new.get(role, [])
    source = "\n".join(lines).strip()
    if re.search(r"\b(BEGIN|END)\s+(SOLUTION|HIDDEN)", source, re.IGNORECASE):
        raise SourceError(f"{where}: a marker is misspelt or stands where it has no meaning.")
    if role in ("solution", "check", "experiment"):
        for text in (cell.source, source):
            try:
                ast.parse(text)
            except SyntaxError as error:
                raise SourceError(
                    f"{where}: not plain Python: {error.msg}, line {error.lineno}."
                ) from None
    return source


# ---------------------------------------------------------------------------------------- notebooks


def build_unit(course: Course, unit: Unit) -> dict[str, nbformat.NotebookNode]:
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


def assemble(course: Course, unit: Unit, kind: str, author_cells: list) -> nbformat.NotebookNode:
    """Return the notebook: card, the author's cells, footer; ids by unit, kind and position."""
    cells = [
        new_markdown_cell(card(course, unit, kind, author_cells), metadata=ours("card"), id="card")
    ]
    for number, cell in enumerate(author_cells, start=1):
        source = cell.source
        if kind != "lesson":
            stripped = strip(cell, f"{unit.id}/lab.py")  # for its errors, in a solution too
            source = for_students(cell, stripped, unit) if kind == "lab" else source
        if cell.metadata.role == "setup":
            cells.append(
                new_code_cell(install_cell(course), metadata=ours("install"), id="install")
            )
        new = new_code_cell if cell.cell_type == "code" else new_markdown_cell
        cells.append(new(source, metadata=cell_metadata(cell.metadata), id=f"{number:02d}"))
    if kind == "lab":
        cells.append(new_code_cell(tally_cell(author_cells), metadata=ours("tally"), id="tally"))
    cells.append(
        new_markdown_cell(footer(course, unit, kind), metadata=ours("footer"), id="footer")
    )
    for cell in cells:
        cell.id = f"{unit.id}-{kind}-{cell.id}"[-64:]
    metadata = {
        "kernelspec": {
            "display_name": "Python 3 (ipykernel)",
            "language": "python",
            "name": "python3",
        },
        "language_info": LANGUAGE,
        "mmlearn": {"unit": unit.id, "kind": kind},
    }
    return new_notebook(cells=cells, metadata=metadata)


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


def card(course: Course, unit: Unit, kind: str, cells: list) -> str:
    """Return the first cell: title, badge, minutes, prerequisites; objectives or points."""
    heading = {"lesson": "", "lab": "Lab ", "solution": "Solutions of lab "}[kind]
    minutes = unit.minutes if kind == "lesson" else unit.lab_minutes
    links = [
        f"[{course.units[name].name}]({link(kind, 'lesson', name)})" for name in unit.prerequisites
    ]
    if kind != "lesson":
        links = [f"the lesson [{unit.name}]({link(kind, 'lesson', unit.id)})"]
    elif unit.background:
        links.append(unit.background)
    parts = [f"# {heading}{unit.name}"]
    if kind == "solution":
        parts.append("**The instructor's copy**: it holds the solutions and the hidden tests.")
    else:
        parts.append(colab_badge(course, unit, kind))
    parts.append(
        f"**Time**: about {minutes} minutes. **Before this**: {', '.join(links) or 'nothing'}."
    )
    if kind == "lesson":
        parts.append(
            "**Afterwards you can**\n\n" + "\n".join(f"- {text}" for text in unit.objectives)
        )
    else:
        parts.append(points_table(cells))
    return "\n\n".join(parts)


def colab_badge(course: Course, unit: Unit, kind: str) -> str:
    """Return the badge that opens a notebook on Colab."""
    address = course.repository.removeprefix("https://github.com")
    file = f"{FOLDERS[kind]}/{file_name(unit.id, kind)}"
    picture = "https://colab.research.google.com/assets/colab-badge.svg"
    target = f"https://colab.research.google.com/github{address}/blob/main/{file}"
    return f"[![Open {unit.number} {kind} in Colab]({picture})]({target})"


def points_table(cells: list) -> str:
    """Return how the points of a lab count, one row per exercise and per written answer."""
    rows, total = [], 0
    for cell in cells:
        keys = cell.metadata
        if keys.role == "solution":
            points = sum(c.metadata.points for c in cells if c.metadata.get("for") == keys.solution)
            rows.append(
                f"| `{keys.solution}` | {keys.get('minutes', '')} | {points:g} | its checks |"
            )
        elif keys.role == "written":
            points = keys.points
            rows.append(
                f"| `{keys.written}` (written) | | {points:g} | your instructor, by the rubric |"
            )
        elif keys.role == "experiment":
            points = 0
            rows.append(
                f"| `{keys.experiment}` (your own experiment) | | – | nobody: it is yours |"
            )
        else:
            continue
        total += points
    how = (
        "A check gives all its points or none. Each exercise stands alone: skip one and the next "
        "still works. Your instructor runs every check again on fresh inputs, so an answer must be "
        "right in general.\n\n"
        "| exercise | minutes | points | marked by |\n|---|---|---|---|\n"
    )
    return how + "\n".join([*rows, f"| **together** | | **{total:g}** | |"])


def footer(course: Course, unit: Unit, kind: str) -> str:
    """Return the last cell: where to go from here, and the pictures' licence."""
    links = []
    if kind != "lesson":
        links.append(f"Lesson: [{unit.name}]({link(kind, 'lesson', unit.id)})")
    elif unit.lab_minutes is not None:
        links.append(f"Lab: [{unit.name}]({link(kind, 'lab', unit.id)})")
    for label, step in (("Previous", -1), ("Next", 1)):
        other = course.neighbour(unit, step)
        if other:
            links.append(f"{label}: [{other.name}]({link(kind, 'lesson', other.id)})")
    return "---\n\n" + "\n\n".join(
        [*([" | ".join(links)] if links else []), f"<small>{OPENMOJI}</small>", PRINT]
    )


def link(kind: str, to: str, unit_id: str) -> str:
    folder = "" if FOLDERS[kind] == FOLDERS[to] else f"../{FOLDERS[to]}/"
    return folder + file_name(unit_id, to)


# -------------------------------------------------------------------------------- outputs and files


def code_digest(notebook) -> str:
    """Return a digest of what was, or would be, executed; the install cell does not count."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    code = [cell.source for cell in cells if role_of(cell) != "install"]
    return hashlib.sha256(json.dumps(code).encode()).hexdigest()[:16]


def read_stored(path: Path):
    """Return the stored notebook, or None where there is none that can be read."""
    try:
        return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    except (OSError, ValueError, AttributeError, nbformat.ValidationError):
        return None


def adopt_outputs(notebook, stored) -> bool:
    """Give `notebook` the outputs of `stored` if the same code made them; return whether it did."""
    digest = code_digest(notebook)
    if stored is None or stored.metadata.get("mmlearn", {}).get("executed") != digest:
        return False
    if code_digest(stored) != digest:
        return False
    pairs = zip(
        *([c for c in nb.cells if c.cell_type == "code"] for nb in (notebook, stored)), strict=True
    )
    for cell, old in pairs:
        cell.outputs, cell.execution_count = old.outputs, old.execution_count
    for position, cell in enumerate(notebook.cells):
        describe_pictures(cell, caption_beside(notebook.cells, position))
    notebook.metadata.mmlearn["executed"] = digest
    return True


def dump(notebook) -> str:
    nbformat.validate(notebook)
    return nbformat.writes(notebook, version=4) + "\n"


def write(path: Path, text: str) -> None:
    """Write the file where its content is another, under a temporary name first."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def execute(notebook) -> tuple[nbformat.NotebookNode, float, list[str]]:
    """Run a notebook in an empty folder; return it, the seconds taken, and what is wrong."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellControlSignal, DeadKernelError

    nowhere = "http://127.0.0.1:9"  # a closed port: a notebook must not need a download
    env = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "HF_HUB_OFFLINE": "1"}
    env |= {name: nowhere for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")}
    env.pop("MPLBACKEND", None)  # the kernel's own, which stores figures in the notebook
    name = "{unit} {kind}".format(**notebook.metadata.mmlearn)
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook,
            kernel_name="python3",
            timeout=CELL_SECONDS,
            resources={"metadata": {"path": folder}},
            record_timing=False,
            extra_arguments=["--log-level=ERROR"],
            coalesce_streams=True,
        )
        start = time.perf_counter()
        try:
            client.execute(env=env)
            problems = []
        except (CellControlSignal, DeadKernelError) as error:
            started = [cell.id for cell in notebook.cells if cell.get("execution_count")]
            what = (str(error).strip() or type(error).__name__).splitlines()[0]
            if hasattr(error, "ename"):  # a cell raised: its name and message say it best
                what = f"{error.ename}: {error.evalue}"
            problems = [f"{name}: stopped at {(started or ['its start'])[-1]}: {what}"]
        seconds = time.perf_counter() - start
    for cell in notebook.cells:
        if cell.cell_type == "code":
            problems += [f"{name}, cell {cell.id}: {text}" for text in tidy_outputs(cell)]
    return notebook, seconds, problems


def caption_beside(cells: list, position: int) -> str:
    """Return the caption, `*Figure: ...*`, in the cell below or above; "" where there is none."""
    for near in (*cells[position + 1 : position + 2], *cells[max(0, position - 1) : position]):
        found = re.search(r"^\*Figure: (.+?[.!?])\*", near.source, re.MULTILINE | re.DOTALL)
        if found and near.cell_type == "markdown":
            return " ".join(found[1].split())
    return ""


def describe_pictures(cell, caption: str) -> None:
    """Give the pictures of a cell their caption as alternative text.

    No page that is made of a notebook takes it from the metadata of a PNG, so the picture stands in
    HTML as well, which pages and JupyterLab prefer; print by LaTeX takes the PNG.
    """
    for output in cell.get("outputs", []):
        if caption and PNG in output.get("data", {}):
            picture = output.data[PNG].replace("\n", "")
            text = html.escape(caption, quote=True)
            output.data["text/html"] = f'<img alt="{text}" src="data:{PNG};base64,{picture}">'


def tidy_outputs(cell) -> list[str]:
    """Drop from a cell's outputs what differs from run to run; return what must not be stored."""
    role, kept, problems = cell.metadata.get("mmlearn", {}).get("role"), [], []
    for output in cell.outputs:
        data = output.get("data", {})
        if output.get("name") == "stderr":
            text = re.sub(
                r"[^\n]*\r[^\n]*\n?|[^\n]*\d+%\|[^\n]*\n?", "", output.text
            )  # progress bars
            if text.strip():
                problems.append(f"writes to stderr: {text.strip().splitlines()[-1][:200]}")
            continue
        if WIDGET in data:  # its state is not stored, so the view would show nothing
            if role == "widget":
                output.data = {"text/plain": "A widget: run this cell to use it."}
                output.metadata = {}
                kept.append(output)
            continue
        if re.search(
            r" at 0x[0-9a-f]{6,}", str(data.get("text/plain", "")) + output.get("text", "")
        ):
            problems.append("shows an object's address: write _ = ... or print something better")
        kept.append(output)
    if role == "check" and not any(o.get("name") == "stdout" and o.text.strip() for o in kept):
        problems.append("prints nothing: a check must print values that only a right answer gives")
    cell.outputs, cell.metadata = kept, {k: v for k, v in cell.metadata.items() if k != "execution"}
    return problems


# ----------------------------------------------------------------------------------------- commands


def read_timings(root: Path) -> dict[str, dict[str, float]]:
    path = root / "source/timings.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def readme_text(course: Course) -> tuple[str, str] | None:
    """Return README.md as it is and as it should be; None where it has no markers."""
    path = course.root / "README.md"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    before, begin, rest = text.partition(MARKERS[0])
    _, end, after = rest.partition(MARKERS[1])
    if not begin or not end:
        return None
    timings = read_timings(course.root)
    rows = ["| unit | on Colab | lab | on Colab | minutes | runs in |", "|---|---|---|---|---|---|"]
    for unit in course.units.values():
        lab, lab_badge = "–", ""
        if unit.lab_minutes:
            lab = f"[lab {unit.number}](labs/{file_name(unit.id, 'lab')})"
            lab_badge = colab_badge(course, unit, "lab")
        minutes = f"{unit.minutes} + {unit.lab_minutes}" if unit.lab_minutes else f"{unit.minutes}"
        took = [timings.get(unit.id, {}).get(kind) for kind in ("lesson", "solution")]
        seconds = " + ".join(f"{max(1, round(s))} s" for s in took if s is not None)
        title = f"[{unit.name}](course/{file_name(unit.id, 'lesson')})"
        badge = colab_badge(course, unit, "lesson")
        rows.append(f"| {title} | {badge} | {lab} | {lab_badge} | {minutes} | {seconds or '–'} |")
    return text, "\n".join([before + begin, "", *rows, "", end + after])


def build(root: Path, names: tuple[str, ...] = (), run=False, force=False, jobs=1) -> list[str]:
    """Write the notebooks of the named units (all by default); return the problems."""
    course = load_course(root)
    problems, pending = [], []
    for unit in select(course, names):
        for kind, notebook in build_unit(course, unit).items():
            path = root / FOLDERS[kind] / file_name(unit.id, kind)
            stale = kind != "lab" and not adopt_outputs(notebook, read_stored(path))
            write(path, dump(notebook))
            if run and kind != "lab" and (stale or force):
                pending.append((path, notebook))
    with ProcessPoolExecutor(min(jobs, len(pending)) or 1) as pool:
        for (path, fresh), result in zip(
            pending, pool.map(execute, [nb for _, nb in pending]), strict=True
        ):
            problems += result[2] or store(course, path, fresh, *result[:2])
    readme = readme_text(course)
    if readme:
        write(root / "README.md", readme[1])
    return problems + [
        message for name in names or course.units for message in too_large(root, name)
    ]


def store(course: Course, path: Path, notebook, executed, seconds: float) -> list[str]:
    """Write an executed notebook and the seconds it took."""
    executed.metadata.mmlearn["executed"] = code_digest(executed)
    adopt_outputs(notebook, executed)
    write(path, dump(notebook))
    timings, which = read_timings(course.root), notebook.metadata.mmlearn
    timings.setdefault(which.unit, {})[which.kind] = round(seconds, 1)
    write(course.root / "source/timings.json", json.dumps(timings, indent=2, sort_keys=True) + "\n")
    print(f"{path.relative_to(course.root)}: executed in {seconds:.1f} s", flush=True)
    return []


def too_large(root: Path, name: str) -> list[str]:
    return [
        f"{path.relative_to(root)}: {path.stat().st_size // 1000} kB, over {MAX_BYTES // 1000} kB."
        for folder in FOLDERS.values()
        for path in sorted((root / folder).glob(f"{name}*.ipynb"))
        if path.stat().st_size > MAX_BYTES
    ]


def select(course: Course, names: tuple[str, ...]) -> list[Unit]:
    """Return the units of the given ids or numbers, in the course's order."""
    for name in names:
        if not any(name in (unit.id, unit.number) for unit in course.units.values()):
            raise SourceError(f"No unit {name!r}; there are {', '.join(course.units)}.")
    return [u for u in course.units.values() if not names or u.id in names or u.number in names]


def drift(root: Path, names: tuple[str, ...] = ()) -> list[str]:
    """Return one line per file that is not what the sources would build."""
    course = load_course(root)
    lines, expected = [], set()
    for unit in select(course, names):
        notebooks = build_unit(course, unit)
        wanted = ["lesson", "lab"] if unit.lab_minutes else ["lesson"]
        lines += [
            f"source/{unit.id}/{kind}.py is missing." for kind in wanted if kind not in notebooks
        ]
        for kind, notebook in notebooks.items():
            path = root / FOLDERS[kind] / file_name(unit.id, kind)
            expected.add(path)
            lines += [
                f"{path.relative_to(root)}: {text}" for text in differences(path, kind, notebook)
            ]
        lines += too_large(root, unit.id)
    if not names:
        found = {path for folder in FOLDERS.values() for path in (root / folder).glob("*.ipynb")}
        lines += [f"{path.relative_to(root)}: has no source." for path in sorted(found - expected)]
        readme = readme_text(course)
        if readme and readme[0] != readme[1]:
            lines.append("README.md: the course table is out of date: build again.")
        elif (root / "README.md").exists() and not readme:
            lines.append(f"README.md: the markers {MARKERS[0]} and {MARKERS[1]} are missing.")
    return lines


def differences(path: Path, kind: str, notebook) -> list[str]:
    """Return how the stored notebook differs from the built one (which adopts its outputs)."""
    if not path.exists():
        return ["is missing: build again."]
    stored = read_stored(path)
    if stored is None:
        return ["is no readable notebook: build again."]
    lines = []
    if kind == "lab":
        if any(cell.get("outputs") or cell.get("execution_count") for cell in stored.cells):
            lines.append("a lab must hold no outputs: build again.")
    elif not adopt_outputs(notebook, stored):
        executed = stored.metadata.get("mmlearn", {}).get("executed")
        why = "was executed with other code" if executed else "was never executed"
        lines.append(f"{why}: run --execute.")
    if not lines and path.read_text(encoding="utf-8") != dump(notebook):
        lines.append(f"{first_difference(notebook, stored)}: build again.")
    return lines


def first_difference(notebook, stored) -> str:
    if len(notebook.cells) != len(stored.cells):
        return f"holds {len(stored.cells)} cells, its source {len(notebook.cells)}"
    for want, have in zip(notebook.cells, stored.cells, strict=True):
        for part in ("id", "cell_type", "source", "metadata"):
            if want.get(part) != have.get(part):
                return f"the {part.replace('_', ' ')} of cell {want.id} differs from its source"
    if {**notebook.metadata} != {**stored.metadata}:
        return "the notebook's metadata differs"
    return "is written differently"


def main(argv: list[str] | None = None, root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(description="Build the notebooks of the course from source/.")
    parser.add_argument(
        "units", nargs="*", metavar="UNIT", help="ids or numbers; all units by default"
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; name every drift, exit 1"
    )
    parser.add_argument(
        "--execute", action="store_true", help="run lessons and solutions that changed"
    )
    parser.add_argument(
        "--force", action="store_true", help="with --execute: run the unchanged too"
    )
    parser.add_argument(
        "--jobs", type=int, default=1, metavar="N", help="notebooks run at a time (1)"
    )
    options = parser.parse_args(argv)
    try:
        if options.check:
            problems = drift(root, tuple(options.units))
        else:
            problems = build(
                root, tuple(options.units), options.execute, options.force, max(1, options.jobs)
            )
    except SourceError as error:
        problems = [str(error)]
    print(*problems, sep="\n", end="\n" if problems else "", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
