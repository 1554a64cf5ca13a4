"""The class list: which submission belongs to whom, who is missing, and who is a stranger."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from mmlearn.grading.errors import GradingError
from mmlearn.grading.intake.collect import Handed
from mmlearn.grading.intake.names import fold, printable
from mmlearn.grading.roster.tables import read_table

_NAME = ("student", "name", "full name")
_FIRST = ("first name", "firstname", "given name")
_LAST = ("last name", "lastname", "surname", "family name")
# Columns that tell one student from another: a value that is there twice is a mistake.
_UNIQUE = re.compile(
    r"(sis )?(id|user id|login id)|id number|identifier|user ?name|login|e-?mail.*"
)


@dataclass(frozen=True)
class Entry:
    """A student as the gradebook names them, and what else a submission of theirs may be called."""

    student: str
    aliases: tuple[str, ...]


@dataclass(frozen=True)
class Match:
    """Submissions under the roster's names, entries without one, submissions without an entry."""

    handed: tuple[Handed, ...]
    missing: list[Entry]
    strangers: list[str]


def read_roster(path: Path) -> list[Entry]:
    """Read a class list: a CSV whose column ``student``, ``name`` or ``full name`` is the name.

    Without one, ``first name`` and ``last name`` together are. Every other column is an alias.

    Raises
    ------
    GradingError
        If there is no name, or a name, an id or an e-mail address is there twice.
    """
    table = read_table(path)
    heads = {fold(column): column for column in table.columns}
    name, first, last = (
        next((h for h in known if h in heads), None) for known in (_NAME, _FIRST, _LAST)
    )
    if name is None and (first is None or last is None):
        raise GradingError(f"{path} must have a column student, or first name and last name.")
    entries, seen = [], {}
    for line, row in table.rows:
        cells = {head: row[column].strip() for head, column in heads.items()}
        cells = {head: printable(cell) if cell else "" for head, cell in cells.items()}
        both = (cells[first], cells[last]) if first and last else ("", "")
        student = cells[name] if name else " ".join(both).strip()
        if not student:
            raise GradingError(f"{path}, line {line}: no student is named.")
        _refuse_twice(path, line, seen, {"student": student} | cells)
        aliases = [*_spellings(*both), *_spellings(*_parted(student))]
        aliases += [cell for head, cell in cells.items() if head not in (name, first, last)]
        aliases = dict.fromkeys(alias for alias in aliases if alias not in ("", student))
        entries.append(Entry(student, tuple(aliases)))
    if not entries:
        raise GradingError(f"{path} names no student below its header.")
    return entries


def _refuse_twice(path: Path, line: int, seen: dict, cells: dict[str, str]) -> None:
    for head, value in cells.items():
        if value and (head == "student" or _UNIQUE.fullmatch(head)):
            at = seen.setdefault((head, fold(value)), line)
            if at != line:
                raise GradingError(f"{path}, line {line}: {head} {value!r} is in line {at}, too.")


def _parted(student: str) -> tuple[str, str]:
    """Part ``Müller, Anna`` into first and last name; any other name into nothing."""
    last, comma, first = student.partition(",")
    return (first.strip(), last.strip()) if comma and "," not in first else ("", "")


def _spellings(first: str, last: str) -> list[str]:
    """Return the ways in which learning platforms join two names."""
    if not (first and last):
        return []
    joined = re.sub(r"\W", "", last + first)  # Canvas
    return [f"{first} {last}", f"{last} {first}", f"{last}, {first}", joined]


def match(handed: Iterable[Handed], roster: Iterable[Entry]) -> Match:
    """Give submissions the roster's names: by name first, then by an alias that only one has.

    Compared are whole names, by `names.fold`; of an e-mail address its local part, too. Where two
    submissions belong to one entry, the second keeps its name and is reported as a stranger.
    """
    roster, named, strangers = list(roster), {}, []
    owners, by_name = _owners(roster), {fold(entry.student): entry for entry in roster}
    found = []
    for one in handed:
        entry, alias = by_name.get(fold(one.student)), ""
        for key in () if entry else (one.student, *one.aliases):
            if len(owners[fold(key)]) == 1:
                (entry,), alias = owners[fold(key)], key
                break
        # Of several for one entry, the one that is spelt as it is comes first, an alias last.
        order = (entry is None or one.student != entry.student, bool(alias), one.student)
        found.append((order, one, entry, alias))
    result = []
    for _, one, entry, alias in sorted(found, key=lambda f: f[0]):
        if entry is None:
            strangers.append(one.student)
        elif entry in named:
            note = f"{entry.student} of the roster has handed in twice: the other is "
            note += f"{named[entry]!r}, and this one is kept apart."
            one = replace(one, notes=(*one.notes, note))
            strangers.append(one.student)
        else:
            named[entry] = one.student
            note = (f"Handed in as {one.student!r}, matched to the roster by {alias!r}.",)
            one = replace(one, student=entry.student, notes=one.notes + (note if alias else ()))
        result.append(one)
    result.sort(key=lambda one: one.student)
    missing = [entry for entry in roster if entry not in named]
    return Match(tuple(result), missing, sorted(strangers))


def _owners(roster: list[Entry]) -> dict[str, set[Entry]]:
    owners = defaultdict(set)
    for entry in roster:
        for alias in (entry.student, *entry.aliases):
            owners[fold(alias)].add(entry)
            if re.fullmatch(r"[^@\s]+@[^@\s]+", alias):
                owners[fold(alias.partition("@")[0])].add(entry)
    return owners
