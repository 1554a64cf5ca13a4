"""Of all that one student handed in, the notebook that is graded, and a word on all the rest."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from datetime import tzinfo
from pathlib import Path

from mmlearn.grading.errors import UnreadableSubmission
from mmlearn.grading.intake.archive import (
    DEEP,
    MAX_MEMBERS,
    Found,
    Source,
    shown,
    too_many,
    walk_archive,
)
from mmlearn.grading.intake.owners import claims, is_notebook, is_packed, may_be_notebook
from mmlearn.grading.intake.submission import MAX_BYTES, parse_submission
from mmlearn.grading.intake.times import NO_DATE, iso_utc, read_moment

MAX_LOOKED_INTO = 20  # notebooks by one student whose contents are compared
MAX_LOOKED_BYTES = MAX_BYTES  # and how much of them together, but for the last one
STAMP = "timestamp.txt"  # where nbgrader says when something was handed in

_NO_NOTEBOOK = "is no notebook (.ipynb), so it was not graded"
_NO_ZIP = "is an archive of a kind that is not opened: hand in the notebook itself"
_IN_ZIP = "is an archive in an archive, so it was not opened: hand in the notebook itself"
_CLASS = "is a whole class's download: give this file itself to be graded"
_RECEIPT = "is the learning platform's receipt"


@dataclass(frozen=True)
class Handed:
    """One student's submission: the notebook that is graded."""

    student: str  # printable, NFC, unique in the class
    stem: str  # file name of the results, unique also where case is ignored
    source: Source
    handed_in: str | None  # UTC, "2026-11-30T22:59:00Z"; None: unknown
    notes: tuple[str, ...] = ()  # for the student and the instructor
    aliases: tuple[str, ...] = ()  # what the learning platform calls the student


def choose(
    work: list[Found], unit: str, student: str, zone: tzinfo | None = None
) -> tuple[Handed, list[str]]:
    """Choose the notebook that is graded; return it and a sentence for each file that is not."""
    if len(work) > MAX_MEMBERS:
        problem = f"{student} {too_many(MAX_MEMBERS)}."
        return Handed(student, "", Source(work[0].source.path, problem=problem), None), [problem]
    files = [file for found in work for file in _expanded(found, zone)]
    files, odd = _stamped(files, zone)
    notebooks = [f for f in files if _is_candidate(f)]
    notebooks = notebooks or [f for f in files if _may_be_candidate(f)]
    chosen = {id(f) for f in notebooks}
    others = [(f, f.reason or why_not(f)) for f in files if _is_other(f) and id(f) not in chosen]
    told = [(f, reason) for f, reason in others if reason != _RECEIPT]
    unknown = list(dict.fromkeys([*(f"{f.where} {reason}." for f, reason in told), *odd]))
    if len(unknown) > 10:
        unknown[10:] = [f"{student}: {len(unknown) - 10} more files were not graded."]
    if not notebooks:
        return _without_notebook(files, work, student, others, unknown)
    (best, *rest), unread = _ranked(notebooks, unit)
    notes = _about(best, rest, unread)
    if told:
        names = _listed([_name(f) for f, _ in told])
        notes.append(f"Only the notebook is graded; not looked at: {names}.")
    return Handed(student, "", _source(best), best.time, tuple(notes)), unknown


def _about(best: Found, rest: list[Found], unread: int) -> list[str]:
    """Return what a student should know of the notebook that was chosen."""
    notes, name = [], best.parts[-1]
    if rest:
        alike = _name(best) in map(_name, rest)
        first, *others = (f.where if alike else _name(f) for f in (best, *rest))
        names = _listed(others)
        notes.append(f"{len(rest) + 1} notebooks were handed in: {first} was graded, not {names}.")
    if unread:
        notes.append(f"{unread} of them were not looked into: they are too many, or too large.")
    if not name.lower().endswith(".ipynb") and not is_packed(name):
        notes.append(f"{_name(best)} was read as a notebook; its name should end in .ipynb.")
    return notes


def _without_notebook(files, work, student, others, unknown) -> tuple[Handed, list[str]]:
    told = "; ".join(dict.fromkeys(f"{_name(f)} {reason}" for f, reason in others[:3]))
    junk = [f for f in files if f.junk]
    if not told and junk:
        told = f"there is only {_name(junk[0])}, which a system or an editor left behind"
    problem = f"No notebook was handed in: {told or 'the folder is empty'}."
    if not others:
        unknown.append(f"{student}: {told or 'the folder is empty'}.")
    newest = max((f.time for f in files if f.time and not f.folder), default=None)
    return Handed(student, "", Source(work[0].source.path, problem=problem), newest), unknown


def _source(found: Found) -> Source:
    problem = f"{_name(found)} {found.reason}." if found.reason else ""
    return replace(found.source, problem=problem)


def _expanded(found: Found, zone: tzinfo | None) -> list[Found]:
    """Return a file, or in place of a student's zip what that holds."""
    if not _is_zip(found) or found.reason or found.junk or len(found.parts) > 3:
        return [found]
    try:
        inside = walk_archive(io.BytesIO(found.source.read()), found.source, zone)
    except UnreadableSubmission as error:
        told = str(error).rstrip(".")
        return [replace(found, reason=f"cannot be read: {told[:1].lower()}{told[1:]}")]
    tops = {(f.parts[0], f.folder or len(f.parts) > 1) for f in inside if f.parts and not f.junk}
    if len({claim.owner for claim in claims(tops).values() if claim.owner.number}) > 1:
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


def _stamped(files: list[Found], zone: tzinfo | None) -> tuple[list[Found], list[str]]:
    """Give files the time that nbgrader's ``timestamp.txt`` beside them says; leave that out.

    Returns the files and a sentence for each such file that holds no time.
    """
    times, odd, kept = {}, [], []
    for f in files:
        if not f.parts or f.parts[-1] != STAMP or len(f.parts) > 3 or f.reason:
            kept.append(f)
            continue
        try:
            text = f.source.read()[:200].decode("utf-8-sig")
            times[f.parts[:-1]] = iso_utc(read_moment(text), zone)
        except (UnreadableSubmission, *NO_DATE):
            odd.append(f"{f.where} holds no time, so it was not used.")
    return [replace(f, time=times.get(f.parts[:-1], f.time)) for f in kept], odd


def _ranked(notebooks: list[Found], unit: str) -> tuple[list[Found], int]:
    """Return a student's notebooks, the one to grade first, and how many were not looked into."""
    by_name = sorted(notebooks, key=lambda f: f.where)
    newest = sorted(by_name, key=lambda f: (f.time or "", f.saved or ""), reverse=True)
    if len(newest) == 1:
        return newest, 0
    ranks, left = [], MAX_LOOKED_BYTES
    for found in newest[:MAX_LOOKED_INTO]:
        if left <= 0:
            break
        rank, size = _rank(found, unit)
        ranks.append(rank)
        left -= size
    unread = len(newest) - len(ranks)
    ranks += [2] * unread
    return [newest[i] for i in sorted(range(len(newest)), key=ranks.__getitem__)], unread


def _rank(found: Found, unit: str) -> tuple[int, int]:
    """Return how likely a notebook is the one that was meant, the least the best, and its size.

    A fork of the course holds the lab, and perhaps an instructor's copy, which is nobody's work.
    """
    try:
        data = _source(found).read()
    except UnreadableSubmission:
        return 3, 0
    try:
        submission = parse_submission(data)
    except UnreadableSubmission:
        return 3, len(data)
    if submission.unit != unit:
        return 2, len(data)
    return (1 if submission.kind == "solution" else 0), len(data)


def _is_zip(found: Found) -> bool:
    return not found.folder and _ending(found) == ".zip"


def _is_candidate(found: Found) -> bool:
    """Tell a notebook, or a zip that is none: its student handed in something, and must know."""
    if found.folder or found.junk:
        return False
    if _is_zip(found):
        return bool(found.reason) and found.reason != _IN_ZIP
    return 0 < len(found.parts) <= 3 and is_notebook(found.parts[-1])


def _may_be_candidate(found: Found) -> bool:
    named = 0 < len(found.parts) <= 3 and may_be_notebook(found.parts[-1])
    return named and not found.folder and not found.junk and not found.reason


def _is_other(found: Found) -> bool:
    return not found.junk and bool(found.reason or not found.folder)


def _ending(found: Found) -> str:
    return Path(found.parts[-1]).suffix.lower() if found.parts else ""


def why_not(found: Found) -> str:
    """Return why a file is not graded: what follows its name in a sentence."""
    if len(found.parts) > 3:
        return DEEP
    return _NO_ZIP if found.parts and is_packed(found.parts[-1]) else _NO_NOTEBOOK


def receipt(found: Found) -> Found:
    """Return a file that a platform added, which nobody is told of unless there is nothing else."""
    return replace(found, reason=_RECEIPT)


def _name(found: Found) -> str:
    return shown(found.parts) or found.where


def _listed(names: list[str], most: int = 5) -> str:
    more = [f"{len(names) - most} more"] if len(names) > most else []
    names = names[:most] + more
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
