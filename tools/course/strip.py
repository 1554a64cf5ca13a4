"""What a student gets of a cell: no solution, no hidden test, no model answer."""

from __future__ import annotations

import ast

from mmlearn.notebook import ANY_MARKER, MARKERS, STUBS
from tools.course.model import SourceError


def regions(source: str, begin: str, end: str, where: str) -> list[tuple[int, int]]:
    """Return (first, last) line indices of each block from a line `begin` to a line `end`."""
    blocks, first = [], None
    for number, line in enumerate(source.splitlines()):
        if line.strip() == begin and first is None:
            first = number
        elif line.strip() == end and first is not None:
            blocks.append((first, number))
            first = None
        elif line.strip() in (begin, end):
            raise SourceError(f"{where}: {begin} and {end} are unbalanced.")
    if first is not None:
        raise SourceError(f"{where}: {begin} and {end} are unbalanced.")
    return blocks


def strip(cell, where: str) -> str:
    """Return the source that the student gets; SourceError where the markers are wrong."""
    role = cell.metadata.role
    where = f"{where}: {role} {cell.metadata.get(role, '')!r}" if role else f"{where}: a plain cell"
    blocks = regions(cell.source, *MARKERS[role], where) if role in MARKERS else []
    if not blocks and role in ("solution", "written"):
        raise SourceError(f"{where}: no {' ... '.join(MARKERS[role])}.")
    lines = cell.source.splitlines()
    for first, last in reversed(blocks):
        lines[first : last + 1] = _instead(role, lines, first, last, where)
    source = "\n".join(lines).strip()
    if ANY_MARKER.search(source):
        raise SourceError(f"{where}: a marker is misspelt or stands where it has no meaning.")
    if role in ("solution", "check", "experiment"):
        _check_python(cell.source, where)
        _check_python(source, where)
    return source


def _instead(role: str, lines: list[str], first: int, last: int, where: str) -> list[str]:
    """Return the lines that stand in place of one block."""
    if role == "written":
        return list(STUBS[role])
    if role == "check":
        if any(line.strip() for line in lines[last + 1 :]):
            raise SourceError(f"{where}: hidden tests must stand at the end of the cell.")
        return []
    indent = lines[first][: len(lines[first]) - len(lines[first].lstrip())]
    if not indent:
        raise SourceError(f"{where}: {MARKERS[role][0]} must stand inside a function.")
    return [indent + line for line in STUBS[role]]


def _check_python(source: str, where: str) -> None:
    try:
        ast.parse(source)
    except SyntaxError as error:
        raise SourceError(f"{where}: not plain Python: {error.msg}, line {error.lineno}.") from None
