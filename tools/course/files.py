"""The files that are built: notebooks, README.md with its table, and the seconds of each run."""

from __future__ import annotations

import glob
import json
from pathlib import Path

import nbformat

from mmlearn.notebook import FOLDERS
from mmlearn.storage.files import make_folder, write_atomically
from tools.course.cards import course_table
from tools.course.model import Course

MAX_BYTES = 1_500_000
TABLE = ("<!-- course:begin -->", "<!-- course:end -->")  # where README.md holds the units


def read_stored(path: Path):
    """Return the stored notebook, or None where there is none that can be read."""
    try:
        return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    except (OSError, ValueError, AttributeError, nbformat.ValidationError):
        return None


def dump(notebook) -> str:
    nbformat.validate(notebook)
    return nbformat.writes(notebook, version=4) + "\n"


def write(path: Path, text: str) -> None:
    """Write the file, whole or not at all, where its content is another."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    make_folder(path.parent)
    write_atomically(path, text)


def read_timings(root: Path) -> dict[str, dict[str, float]]:
    """Return the seconds that each unit's notebooks took, by unit and kind."""
    path = root / "source/timings.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def write_timing(root: Path, unit: str, kind: str, seconds: float) -> None:
    timings = read_timings(root)
    timings.setdefault(unit, {})[kind] = round(seconds, 1)
    write(root / "source/timings.json", json.dumps(timings, indent=2, sort_keys=True) + "\n")


def readme_text(course: Course) -> tuple[str, str] | None:
    """Return README.md as it is and as it should be; None where it has no markers."""
    path = course.root / "README.md"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    before, begin, rest = text.partition(TABLE[0])
    _, end, after = rest.partition(TABLE[1])
    if not begin or not end:
        return None
    table = course_table(course, read_timings(course.root))
    return text, "\n".join([before + begin, "", table, "", end + after])


def too_large(root: Path, name: str) -> list[str]:
    return [
        f"{path.relative_to(root)}: {path.stat().st_size // 1000} kB, over {MAX_BYTES // 1000} kB."
        for folder in FOLDERS.values()
        for path in sorted((root / folder).glob(f"{glob.escape(name)}*.ipynb"))
        if path.stat().st_size > MAX_BYTES
    ]
