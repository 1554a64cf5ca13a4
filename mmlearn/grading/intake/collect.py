"""What was handed in: who, where the notebook is, when; and what no rule explains.

Read as they come: a folder (or a zip) of notebooks, one of folders, and the downloads of learning
platforms. A student may have handed in a zip. Nothing is extracted, guessed or dropped: what is no
submission is named, and a student without a notebook is one who cannot be read.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import tzinfo
from pathlib import Path

from mmlearn.grading.errors import GradingError, UnreadableSubmission
from mmlearn.grading.intake.archive import Found, Source, walk_archive, walk_folder
from mmlearn.grading.intake.choose import Handed, choose, receipt, why_not
from mmlearn.grading.intake.names import fold, printable, stems
from mmlearn.grading.intake.owners import (
    Owner,
    claims,
    is_notebook,
    is_packed,
    own_name,
    owned,
)

_LATE = "Canvas marked it as late."
_TWIN = (
    "Another hand-in has the same name but for upper and lower case, or for how its letters are "
    "stored: each is graded on its own."
)
_LISTED = 20  # names of files that are no hand-ins


@dataclass(frozen=True)
class Intake:
    """The submissions, by student, and one sentence for each file that is none.

    `loose` are files that no student is known for; where a class list names one of them, that
    student handed in something that cannot be read.
    """

    handed: tuple[Handed, ...]
    unknown: tuple[str, ...]
    loose: tuple[Handed, ...] = ()


def read_handed(handed: Handed) -> bytes:
    """Return a submission's bytes.

    Raises
    ------
    UnreadableSubmission
        If it cannot be read; the message is one sentence for the student.
    """
    return handed.source.read()


def collect(
    path: Path, unit: str, leave_out: Path | None = None, zone: tzinfo | None = None
) -> Intake:
    """Return what was handed in at `path`: a folder or a zip, in any of the known layouts.

    Of several notebooks by one student, one of `unit` comes before others, one that can be read
    before one that cannot, then the newest; a note says so. The folder `leave_out`, of results that
    lie among the submissions, is not looked at. `zone` is that of times without one.

    Raises
    ------
    GradingError
        If `path` cannot be read or holds no submission.
    """
    path = Path(path)
    works, unknown, loose, late, receipts = defaultdict(list), [], [], set(), []
    everything = _unwrapped(_walk(path, leave_out, zone), path)
    known = claims(_tops(everything), zone)
    for found in everything:
        if found.junk and len(found.parts) == 1:
            continue
        owner, own, claim = owned(found, known)
        if owner is None:
            reason = f"{found.where} {found.reason or why_not(found)}."
            unknown.append(reason)
            loose += [_loose(found, reason)] if found.parts else []
            continue
        if claim and claim.receipt:
            receipts.append(found.where)
            own = receipt(own)
        works[owner].append(own)
        late |= {owner} if claim and claim.late else set()
    if not works:
        raise GradingError(f"{path} holds no submissions: put one .ipynb per student into it.")
    handed, spelt = [], Counter(fold(printable(o.name)) for o in works if not o.number)
    for owner, student in _displayed(works).items():
        one, others = choose(works[owner], unit, student, zone)
        unknown += others
        notes = (_LATE,) if owner in late else ()
        if not owner.number and spelt[fold(printable(owner.name))] > 1:
            notes += (_TWIN,)
        handed.append(replace(one, notes=notes + one.notes, aliases=owner.aliases))
    junk = [found.where for found in everything if found.junk]
    unknown = sorted(dict.fromkeys(unknown))
    unknown += _together("Left out, as systems and editors leave such things behind", junk)
    unknown += _together("Not read, as the learning platform adds such receipts", receipts)
    return Intake(_named(handed), tuple(unknown), _named(loose))


def _named(handed: list[Handed]) -> tuple[Handed, ...]:
    """Return the hand-ins by name, each with a file name of its own."""
    stem = stems(one.student for one in handed)
    by_name = sorted(handed, key=lambda one: one.student)
    return tuple(replace(one, stem=stem[one.student]) for one in by_name)


def _loose(found: Found, reason: str) -> Handed:
    name = printable(own_name(found.parts[0]).name)
    source = Source(found.source.path, problem=f"No notebook was handed in: {reason}")
    return Handed(name, "", source, found.time)


def _together(said: str, names: list[str]) -> list[str]:
    """Return one sentence on files that are no hand-ins, all for one reason."""
    if not names:
        return []
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return [f"{said}: {', '.join(sorted(names)[:_LISTED])}{more}."]


def _tops(everything: list[Found], at: int = 0) -> set[tuple[str, bool]]:
    """Return the names on a level of folders, and whether each is a folder's."""
    return {
        (found.parts[at], found.folder or len(found.parts) > at + 1)
        for found in everything
        if len(found.parts) > at and not (found.junk and len(found.parts) == at + 1)
    }


def _walk(path: Path, leave_out: Path | None, zone: tzinfo | None) -> list[Found]:
    try:
        if path.is_dir():
            skipped = leave_out.absolute() if leave_out else None
            return [f for f in walk_folder(path) if not _is_in(f.source.path, skipped)]
        if path.suffix.lower() == ".zip" and path.exists():
            return walk_archive(path, Source(path, in_class_archive=True), zone)
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
    inside = [f for f in found if f.parts and not f.folder and not f.junk]
    tops = {f.parts[0] for f in inside}
    if len(tops) != 1 or any(len(f.parts) == 1 for f in inside) or claims([(*tops, True)]):
        return found
    (top,) = tops
    several = sum(is_notebook(f.parts[-1]) or is_packed(f.parts[-1]) for f in inside) > 1
    zipped = not path.is_dir() and (several or top == path.stem)
    cloned = top.endswith("-submissions")  # GitHub Classroom
    if not zipped and not cloned and not claims(_tops(inside, 1)):
        return found
    return [
        replace(f, parts=f.parts[1:]) if f.parts[0] == top else f
        for f in found
        if f.parts and f.parts != (top,)
    ] + [f for f in found if not f.parts]


def _displayed(owners: Iterable[Owner]) -> dict[Owner, str]:
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
