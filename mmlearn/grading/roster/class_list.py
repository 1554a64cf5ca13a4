"""The class list: which submission belongs to whom, who is missing, and who is a stranger."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from mmlearn.grading.errors import GradingError
from mmlearn.grading.intake.collect import Handed
from mmlearn.grading.intake.names import fold, printable
from mmlearn.grading.roster.platforms import (
    MOODLE,
    identity_columns,
    is_nobody,
    moodle_column,
    participant,
    platform_of,
)
from mmlearn.grading.roster.tables import read_table

_NAME = ("student", "name", "full name")
_FIRST = ("first name", "firstname", "given name")
_LAST = ("last name", "lastname", "surname", "family name")
_GROUP = ("group", "team")
_NO_GROUP = ("default group", "standardgruppe", "-")  # what Moodle calls having none
_EXTENSION = ("extension", "extended deadline")
# Columns that tell one student from another: a value that is there twice is a mistake.
_UNIQUE = re.compile(
    r"(sis )?(id|user id|login id)|id number|identifier|user ?name|login|e-?mail.*"
)


@dataclass(frozen=True)
class Entry:
    """A student as the gradebook names them, and what else a submission of theirs may be called."""

    student: str
    aliases: tuple[str, ...]
    group: str = ""  # with whom they hand in
    extension: str = ""  # their own deadline, as it is written


@dataclass(frozen=True)
class ClassList:
    """A class list's entries, and the table itself, with the student of each row (or None)."""

    entries: list[Entry]
    platform: str  # "moodle", "canvas" or ""
    columns: tuple[str, ...]
    rows: list[tuple[str | None, dict[str, str]]]


@dataclass(frozen=True)
class Match:
    """Submissions under the roster's names, entries without one, submissions without an entry."""

    handed: tuple[Handed, ...]
    missing: list[Entry]
    strangers: list[str]


def read_roster(path: Path) -> list[Entry]:
    """Read a class list: a CSV whose column ``student``, ``name`` or ``full name`` is the name.

    Without one, ``first name`` and ``last name`` together are. ``group`` (or ``team``) says who
    hands in together, ``extension`` a deadline of one's own; every other column is an alias. Of
    Moodle's grading worksheet and Canvas's gradebook only names, ids and addresses are.

    Raises
    ------
    GradingError
        If there is no name, or a name, an id or an e-mail address is there twice.
    """
    return read_class(path).entries


def read_class(path: Path) -> ClassList:
    """Read a class list, as `read_roster` does, and keep the table that it is."""
    table = read_table(path)
    platform = platform_of(table.columns)
    names = _Names.of(path, table.columns, platform)
    entries, rows, seen = [], [], {}
    twice = Counter(fold(names.student(row)) for _, row in table.rows) if platform else {}
    for line, row in table.rows:
        if is_nobody(platform, row):
            rows.append((None, row))
            continue
        entry = names.entry(path, line, row)
        if twice and twice[fold(entry.student)] > 1:
            entry = replace(entry, student=f"{entry.student} ({names.number(row)})")
        _refuse_twice(path, line, seen, {"student": entry.student} | names.unique(row))
        entries.append(entry)
        rows.append((entry.student, row))
    if not entries:
        raise GradingError(f"{path} names no student below its header.")
    return ClassList(entries, platform, table.columns, rows)


@dataclass(frozen=True)
class _Names:
    """Which columns of a table say what of a student."""

    name: str | None
    first: str | None
    last: str | None
    group: str | None
    extension: str | None
    others: tuple[str, ...]
    platform: str

    @classmethod
    def of(cls, path: Path, columns: tuple[str, ...], platform: str) -> _Names:
        heads = {fold(column): column for column in columns}
        name, first, last, group, extension = (
            next((heads[h] for h in known if h in heads), None)
            for known in (_NAME, _FIRST, _LAST, _GROUP, _EXTENSION)
        )
        if platform == MOODLE:
            name = moodle_column("name", columns) or moodle_column("identifier", columns)
            group = moodle_column("group", columns)
        if name is None and (first is None or last is None):
            raise GradingError(f"{path} must have a column student, or first name and last name.")
        own = (name, first, last, group, extension)
        others = [column for column in heads.values() if column not in own]
        if platform:
            others = identity_columns(platform, columns)
        return cls(*own, tuple(others), platform)

    def _both(self, row: dict[str, str]) -> tuple[str, str]:
        both = (self.first, self.last)
        return tuple(_cell(row, column) for column in both) if all(both) else ("", "")

    def student(self, row: dict[str, str]) -> str:
        return _cell(row, self.name) if self.name else " ".join(self._both(row)).strip()

    def number(self, row: dict[str, str]) -> str:
        """Return the platform's number of a student, by which it tells two of one name apart."""
        cell = _cell(row, self.others[0])
        return participant(cell) if self.platform == MOODLE else cell

    def unique(self, row: dict[str, str]) -> dict[str, str]:
        return {fold(column): _cell(row, column) for column in row}

    def entry(self, path: Path, line: int, row: dict[str, str]) -> Entry:
        student = self.student(row)
        if not student:
            raise GradingError(f"{path}, line {line}: no student is named.")
        aliases = [*_spellings(*self._both(row)), *_spellings(*_parted(student))]
        aliases += [_cell(row, column) for column in self.others]
        if self.platform == MOODLE and (number := self.number(row)):
            aliases.append(f"Participant {number}")  # whatever the site's language
        aliases = dict.fromkeys(alias for alias in aliases if alias not in ("", student))
        group, extension = (_cell(row, column) for column in (self.group, self.extension))
        group = "" if fold(group) in _NO_GROUP else group
        return Entry(student, tuple(aliases), group, extension)


def _cell(row: dict[str, str], column: str | None) -> str:
    text = row[column].strip() if column else ""
    return printable(text) if text else ""


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


def finder(roster: Iterable[Entry]) -> Callable[[str], str | None]:
    """Return what tells which one student a name or an alias means; None: nobody, or several.

    >>> find = finder([Entry("Anna", ("am7",)), Entry("Ben", ())])
    >>> find("AM7"), find("ben"), find("Cleo")
    ('Anna', 'Ben', None)
    """
    roster = list(roster)
    named, owners = defaultdict(set), _owners(roster)
    for entry in roster:
        named[fold(entry.student)].add(entry.student)

    def find(name: str) -> str | None:
        found = named.get(fold(name)) or {entry.student for entry in owners.get(fold(name), ())}
        found = {name} if name in found else found
        return next(iter(found)) if len(found) == 1 else None

    return find


def _owners(roster: list[Entry]) -> dict[str, set[Entry]]:
    owners = defaultdict(set)
    for entry in roster:
        for alias in (entry.student, *entry.aliases):
            owners[fold(alias)].add(entry)
            if re.fullmatch(r"[^@\s]+@[^@\s]+", alias):
                owners[fold(alias.partition("@")[0])].add(entry)
    return owners
