"""What was handed in: who, where the notebook is, when; and what no rule explains.

Read as they come: a folder (or a zip) of notebooks, one of folders, and the downloads of Moodle
and Canvas. A student may have handed in a zip. Nothing is extracted, guessed or dropped: what is
no submission is named, and a student without a notebook is one who cannot be read.
"""

from __future__ import annotations

import io
import itertools
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from mmlearn.grading.errors import GradingError, UnreadableSubmission
from mmlearn.grading.intake.archive import DEEP, Found, Source, shown, walk_archive, walk_folder
from mmlearn.grading.intake.names import printable, stems
from mmlearn.grading.intake.submission import parse_submission

MAX_LOOKED_INTO = 20  # notebooks by one student whose contents are compared

# "Anna Müller_12345_assignsubmission_file_", a folder, or the start of a file's name.
_MOODLE = re.compile(r"(.+?)_(\d+)_assignsubmission_([a-z]+)(?:_(.*))?", re.DOTALL)
# "mulleranna_LATE_12345_67890_lab-1.ipynb": student, user id, submission id, the file's name.
_CANVAS = re.compile(r"([^_]+)(_LATE)?_(\d+)_\d+_(.+)", re.DOTALL)

_NO_NOTEBOOK = "is no notebook (.ipynb), so it was not graded"
_NO_ZIP = "is an archive of a kind that is not opened: hand in the notebook itself"
_ONLINE = "is text that was typed into Moodle, so it was not graded"
_IN_ZIP = "is an archive in an archive, so it was not opened: hand in the notebook itself"
_CLASS = "is a whole class's download: give this file itself to be graded"


@dataclass(frozen=True)
class Handed:
    """One student's submission: the notebook that is graded."""

    student: str  # printable, NFC, unique in the class
    stem: str  # file name of the results, unique also where case is ignored
    source: Source
    handed_in: str | None  # UTC, "2026-11-30T22:59:00Z"; None: unknown
    notes: tuple[str, ...] = ()  # for the student and the instructor
    aliases: tuple[str, ...] = ()  # what the learning platform calls the student


@dataclass(frozen=True)
class Intake:
    """The submissions, by student, and one sentence for each file that is none."""

    handed: tuple[Handed, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True, order=True)
class _Owner:
    name: str
    number: str = ""
    platform: str = ""  # "Moodle" or "Canvas", where that gave the number


def read_handed(handed: Handed) -> bytes:
    """Return a submission's bytes.

    Raises
    ------
    UnreadableSubmission
        If it cannot be read; the message is one sentence for the student.
    """
    return handed.source.read()


def collect(path: Path, unit: str, leave_out: Path | None = None) -> Intake:
    """Return what was handed in at `path`: a folder or a zip, in any of the known layouts.

    Of several notebooks by one student, one of `unit` comes before others, one that can be read
    before one that cannot, then the newest; a note says so. The folder `leave_out`, of results that
    lie among the submissions, is not looked at.

    Raises
    ------
    GradingError
        If `path` cannot be read or holds no submission.
    """
    path = Path(path)
    works, unknown, late = defaultdict(list), [], set()
    for found in _unwrapped(_walk(path, leave_out), path):
        owner, own, is_late = _owner(found)
        if owner is None:
            unknown.append(f"{found.where} {found.reason or _why_not(found)}.")
            continue
        works[owner].append(own)
        late |= {owner} if is_late else set()
    if not works:
        raise GradingError(f"{path} holds no submissions: put one .ipynb per student into it.")
    students = _displayed(works)
    stem = stems(students.values())
    handed = []
    for owner, work in works.items():
        one, others = _handed(work, unit, students[owner])
        unknown += others
        notes = ("Canvas marked it as late.",) if owner in late else ()
        handed.append(
            replace(one, stem=stem[one.student], notes=notes + one.notes, aliases=_aliases(owner))
        )
    return Intake(
        tuple(sorted(handed, key=lambda one: one.student)), tuple(sorted(dict.fromkeys(unknown)))
    )


def _walk(path: Path, leave_out: Path | None) -> list[Found]:
    try:
        if path.is_dir():
            skipped = leave_out.absolute() if leave_out else None
            return [f for f in walk_folder(path) if not _is_in(f.source.path, skipped)]
        if path.suffix.lower() == ".zip" and path.exists():
            return walk_archive(path, Source(path, in_class_archive=True))
    except OSError as error:
        raise GradingError(f"{path} cannot be read: {error.strerror}.") from error
    except UnreadableSubmission as error:
        raise GradingError(f"{path} cannot be opened. {error}") from error
    if not path.exists():
        raise GradingError(f"{path} does not exist: give a folder or a .zip of submissions.")
    raise GradingError(f"{path} is neither a folder nor a .zip: unpack it and give the folder.")


def _is_in(path: Path, folder: Path | None) -> bool:
    return folder is not None and path.absolute().is_relative_to(folder)


def _unwrapped(found: list[Found], path: Path) -> list[Found]:
    """Leave out a folder around the whole class, which zipping a folder leaves in the archive.

    It must hold a platform's names; in an archive, its name may be the archive's, or it may hold
    several notebooks: one student alone would hardly be zipped, and a class must not become one.
    """
    inside = [f for f in found if f.parts and not f.folder]
    tops = {f.parts[0] for f in inside}
    if len(tops) != 1 or any(len(f.parts) == 1 for f in inside) or _MOODLE.fullmatch(*tops):
        return found
    (top,) = tops
    several = sum(_is_notebook(f) or _is_zip(f) for f in inside) > 1
    zipped = not path.is_dir() and (several or top == path.stem)
    if not zipped and not any(_is_platforms(f.parts[1]) for f in inside):
        return found
    return [replace(f, parts=f.parts[1:]) for f in found if f.parts != (top,)]


def _is_platforms(name: str) -> bool:
    return bool(_MOODLE.fullmatch(name) or _CANVAS.fullmatch(name))


def _owner(found: Found) -> tuple[_Owner | None, Found, bool]:
    """Return whose a file is, the file within that student's, and whether Canvas says late."""
    if not found.parts:
        return None, found, False
    top, *rest = found.parts
    if moodle := _MOODLE.fullmatch(top):
        name, number, kind, tail = moodle.groups()
        own = replace(found, parts=(tail, *rest) if tail else tuple(rest))
        if kind != "file":
            own = replace(found, parts=(top,), where=shown((top,)), reason=_ONLINE)
        return _Owner(_clean(name), number, "Moodle"), own, False
    canvas = None if rest or found.folder else _CANVAS.fullmatch(top)
    if canvas:
        name, is_late, number, tail = canvas.groups()
        return _Owner(_clean(name), number, "Canvas"), replace(found, parts=(tail,)), bool(is_late)
    if rest or found.folder:
        return _Owner(_clean(top)), replace(found, parts=tuple(rest)), False
    if _is_notebook(found) or _is_zip(found):
        return _Owner(_clean(Path(top).stem)), found, False
    return None, found, False


def _clean(name: str) -> str:
    """Return one spelling for a name; unlike `printable`, it keeps different bytes apart."""
    return unicodedata.normalize("NFC", " ".join(name.split()))


def _aliases(owner: _Owner) -> tuple[str, ...]:
    if not owner.number:
        return ()
    # Moodle's number is that of its grading worksheet, not the student's own.
    return (owner.number if owner.platform == "Canvas" else f"Participant {owner.number}",)


def _displayed(owners: Iterable[_Owner]) -> dict[_Owner, str]:
    """Return a different printable name for each, with the platform's number where two share it."""
    owners = sorted(owners)
    count, students = Counter(printable(owner.name) for owner in owners), {}
    for owner in owners:
        name = printable(owner.name)
        if count[name] > 1 and owner.number:
            name = f"{name} ({owner.number})"
        more = (f"{name} ({number})" for number in itertools.count(2))
        students[next(n for n in itertools.chain([name], more) if n not in students)] = owner
    return {owner: student for student, owner in students.items()}


def _handed(work: list[Found], unit: str, student: str) -> tuple[Handed, list[str]]:
    """Choose the notebook that is graded; return it and a sentence for each file that is not."""
    files = [file for found in work for file in _expanded(found)]
    notebooks = [f for f in files if _is_candidate(f)]
    others = [f for f in files if not _is_candidate(f) and (f.reason or not f.folder)]
    others = [(f, f.reason or _why_not(f)) for f in others]
    unknown = list(dict.fromkeys(f"{f.where} {reason}." for f, reason in others))
    if len(unknown) > 10:
        unknown[10:] = [f"{student}: {len(unknown) - 10} more files were not graded."]
    if not notebooks:
        told = "; ".join(dict.fromkeys(f"{_name(f)} {reason}" for f, reason in others[:3]))
        problem = f"No notebook was handed in: {told or 'the folder is empty'}."
        if not others:
            unknown.append(f"{student}: the folder is empty.")
        newest = max((f.time for f in files if f.time and not f.folder), default=None)
        return Handed(student, "", Source(work[0].source.path, problem=problem), newest), unknown
    best, *rest = _ranked(notebooks, unit)
    notes = []
    if rest:
        count, names = len(notebooks), _listed([_name(f) for f in rest])
        notes.append(f"{count} notebooks were handed in: {_name(best)} was graded, not {names}.")
    if others:
        names = _listed([_name(f) for f, _ in others])
        notes.append(f"Only the notebook is graded; not looked at: {names}.")
    return Handed(student, "", _source(best), best.time, tuple(notes)), unknown


def _source(found: Found) -> Source:
    problem = f"{_name(found)} {found.reason}." if found.reason else ""
    return replace(found.source, problem=problem)


def _expanded(found: Found) -> list[Found]:
    """Return a file, or in place of a student's zip what that holds."""
    if not _is_zip(found) or found.reason or len(found.parts) > 3:
        return [found]
    try:
        inside = walk_archive(io.BytesIO(found.source.read()), found.source)
    except UnreadableSubmission as error:
        told = str(error).rstrip(".")
        return [replace(found, reason=f"cannot be read: {told[:1].lower()}{told[1:]}")]
    if len({f.parts[0] for f in inside if f.parts and _is_platforms(f.parts[0])}) > 1:
        return [replace(found, reason=_CLASS)]
    return [
        replace(
            f,
            where=f"{found.where}/{f.where}",
            time=found.time,
            saved=f.time,
            reason=f.reason or (_IN_ZIP if _is_zip(f) else ""),
        )
        for f in inside
    ] or [replace(found, reason="is an empty archive")]


def _ranked(notebooks: list[Found], unit: str) -> list[Found]:
    """Return a student's notebooks, the one to grade first."""
    by_name = sorted(notebooks, key=lambda f: f.where)
    newest = sorted(by_name, key=lambda f: (f.time or "", f.saved or ""), reverse=True)
    if len(newest) == 1:
        return newest
    ranks = [_rank(f, unit) for f in newest[:MAX_LOOKED_INTO]]
    ranks += [1] * len(newest[MAX_LOOKED_INTO:])
    return [newest[i] for i in sorted(range(len(newest)), key=ranks.__getitem__)]


def _rank(found: Found, unit: str) -> int:
    try:
        return 0 if parse_submission(_source(found).read()).unit == unit else 1
    except UnreadableSubmission:
        return 2


def _is_notebook(found: Found) -> bool:
    return not found.folder and _ending(found) == ".ipynb"


def _is_zip(found: Found) -> bool:
    return not found.folder and _ending(found) == ".zip"


def _is_candidate(found: Found) -> bool:
    """Tell a notebook, or a zip that is none: its student handed in something, and must know."""
    if _is_zip(found):
        return bool(found.reason) and found.reason != _IN_ZIP
    return _is_notebook(found) and 0 < len(found.parts) <= 3


def _ending(found: Found) -> str:
    return Path(found.parts[-1]).suffix.lower() if found.parts else ""


def _why_not(found: Found) -> str:
    if len(found.parts) > 3:
        return DEEP
    kinds = (".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".tbz2", ".txz")
    return _NO_ZIP if _ending(found) in kinds else _NO_NOTEBOOK


def _name(found: Found) -> str:
    return shown(found.parts) or found.where


def _listed(names: list[str], most: int = 5) -> str:
    more = [f"{len(names) - most} more"] if len(names) > most else []
    names = names[:most] + more
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
