"""The author's cells: read from the percent format, each with its role, and checked."""

from __future__ import annotations

import re
from pathlib import Path

import jupytext

from tools.course.model import SourceError

# What may stand in a cell's header: role -> further keys (those in capitals must be there).
KEYS = {
    "lesson": {"setup": "", "widget": ""},
    "lab": {
        "setup": "",
        "solution": "minutes allow",
        "check": "FOR POINTS rtol atol",
        "written": "POINTS",
        "experiment": "",
    },
}
SETUP_LINES = 10


def read_source(path: Path, kind: str) -> list:
    """Return the author's cells: the header's keys in `metadata`, the role in `metadata.role`."""
    cells = jupytext.reads(path.read_text(encoding="utf-8"), fmt="py:percent").cells
    file = f"{path.parent.name}/{path.name}"
    for number, cell in enumerate(cells, start=1):
        where = f"{file}, cell {number}"
        for key in ("cell_marker", "lines_to_next_cell"):  # jupytext's own notes
            cell.metadata.pop(key, None)
        if cell.cell_type not in ("code", "markdown"):
            raise SourceError(f"{where}: only code and [markdown] cells are allowed.")
        cell.metadata["role"] = read_role(cell, KEYS[kind], where)
    _check_setup(cells, file)
    return cells


def _check_setup(cells: list, file: str) -> None:
    setups = [cell for cell in cells if cell.metadata.role == "setup"]
    code = [cell for cell in cells if cell.cell_type == "code"]
    if len(setups) != 1 or setups[0] is not code[0]:
        raise SourceError(f"{file}: the first code cell, and no other, needs setup=true.")
    if len(setups[0].source.splitlines()) > SETUP_LINES:
        raise SourceError(f"{file}: the set-up cell has over {SETUP_LINES} lines.")


def read_role(cell, roles: dict[str, str], where: str) -> str:
    """Check the keys of one cell's header and return its role ("" for a plain cell)."""
    keys = cell.metadata
    found = [role for role in roles if role in keys]
    if len(found) > 1:
        raise SourceError(f"{where}: {found[0]} and {found[1]} in one header; a cell has one role.")
    role = found[0] if found else ""
    _check_keys(keys, role, roles.get(role, "").split(), where)
    if role in ("setup", "widget") and keys[role] is not True:
        raise SourceError(f"{where}: write {role}=true.")
    if role not in ("", "setup", "widget") and not re.fullmatch(r"\w+", str(keys[role])):
        raise SourceError(f"{where}: {role}={keys[role]!r} is no id of letters, digits and _.")
    if role and (cell.cell_type == "markdown") != (role == "written"):
        raise SourceError(
            f"{where}: a {role} cell must be {'[markdown]' if role == 'written' else 'code'}."
        )
    return role


def _check_keys(keys: dict, role: str, allowed: list[str], where: str) -> None:
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


def allowed(keys: dict) -> list[str]:
    """Return the full names that an answer may take from a library: `allow="a.b, c.d"`."""
    return [name.strip() for name in keys.get("allow", "").split(",") if name.strip()]


def _check_allowed(cells: list, where: str) -> None:
    """Raise SourceError where a student is not told what an exercise allows."""
    text = ""
    for cell in cells:
        if cell.cell_type == "markdown":
            text += cell.source
        elif cell.metadata.role == "solution":
            for name in allowed(cell.metadata):
                if name.rpartition(".")[2] not in text:
                    raise SourceError(
                        f"{where}: solution {cell.metadata.solution!r} allows {name}, but its text "
                        "does not say so."
                    )
            text = ""


def check_lab(cells: list, where: str) -> None:
    """Raise SourceError where the graded cells of a lab do not fit together."""
    _check_allowed(cells, where)
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
