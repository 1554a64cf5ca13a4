"""The course as its table says: units in their order, and the public address."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path


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


def load_course(root: Path) -> Course:
    """Read `source/course.toml` and the public address; SourceError on what cannot be built."""
    table = tomllib.loads((root / "source/course.toml").read_text(encoding="utf-8"))
    units: dict[str, Unit] = {}
    for entry in table.get("unit", []):
        unit = _read_unit(entry, units)
        units[unit.id] = unit
    for folder in sorted(p.parent for p in (root / "source").glob("*/*.py")):
        if folder.name not in units:
            raise SourceError(f"source/{folder.name} is missing in course.toml.")
    return Course(root, units, _read_repository(root))


def _read_unit(entry: dict, earlier: dict[str, Unit]) -> Unit:
    try:
        unit = Unit(**entry)
    except TypeError as error:
        raise SourceError(f"course.toml: unit {entry.get('id')!r}: {error}.") from None
    if not re.fullmatch(r"\d\d_[a-z0-9_]+", unit.id) or unit.id in earlier:
        raise SourceError(f"course.toml: {unit.id!r} is not a new id of the form NN_slug.")
    if not 3 <= len(unit.objectives) <= 5:
        raise SourceError(f"course.toml: {unit.id} needs 3-5 objectives.")
    for name in unit.prerequisites:
        if name not in earlier:
            raise SourceError(f"course.toml: {unit.id} needs {name!r}, which is no earlier unit.")
    return unit


def _read_repository(root: Path) -> str:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    repository = project.get("urls", {}).get("Repository", "").rstrip("/")
    if not re.fullmatch(r"https://github\.com/[^/]+/[^/]+", repository):
        raise SourceError("pyproject.toml: [project.urls] Repository must be a GitHub address.")
    return repository


def select(course: Course, names: tuple[str, ...]) -> list[Unit]:
    """Return the units of the given ids or numbers, in the course's order."""
    for name in names:
        if not any(name in (unit.id, unit.number) for unit in course.units.values()):
            raise SourceError(f"No unit {name!r}; there are {', '.join(course.units)}.")
    return [u for u in course.units.values() if not names or u.id in names or u.number in names]
