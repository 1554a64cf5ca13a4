"""What stands in the files and is not what the sources would build."""

from __future__ import annotations

from pathlib import Path

from mmlearn.notebook import FOLDERS, file_name
from tools.course.assemble import build_unit
from tools.course.files import TABLE, dump, read_stored, readme_text, too_large
from tools.course.model import Course, load_course, select
from tools.course.outputs import adopt_outputs


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
    return lines if names else lines + _strays(root, expected) + _readme(course)


def _strays(root: Path, expected: set[Path]) -> list[str]:
    found = {path for folder in FOLDERS.values() for path in (root / folder).glob("*.ipynb")}
    return [f"{path.relative_to(root)}: has no source." for path in sorted(found - expected)]


def _readme(course: Course) -> list[str]:
    readme = readme_text(course)
    if readme and readme[0] != readme[1]:
        return ["README.md: the course table is out of date: build again."]
    if (course.root / "README.md").exists() and not readme:
        return [f"README.md: the markers {TABLE[0]} and {TABLE[1]} are missing."]
    return []


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
