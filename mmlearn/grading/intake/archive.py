"""Folders and zip archives as flat lists of files; nothing is ever extracted to the disk.

A member of an archive is read into memory when it is needed, and never more of it than
`submission.MAX_BYTES`, whatever the archive says about its size. Nothing is left out: what systems
and editors leave behind is marked as such.
"""

from __future__ import annotations

import functools
import io
import os
import re
import stat
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from mmlearn.grading.errors import UnreadableSubmission
from mmlearn.grading.intake.names import printable
from mmlearn.grading.intake.submission import MAX_BYTES, read_bytes
from mmlearn.grading.intake.times import NO_DATE, iso_utc

MAX_MEMBERS = 10_000  # files of one student
MAX_CLASS_MEMBERS = 1_000_000  # files in a class's archive
MAX_DEPTH = 5  # folders below the class's: a wrapper, a student's, two more, and one to refuse

DEEP = "lies more than two folders deep, so it was not looked at"
_SYMLINK = "is a symbolic link: hand in the notebook itself"
_LARGE = f"is larger than {MAX_BYTES // 10**6} MB: clear its outputs and save it again"
_ENCRYPTED = "is encrypted: hand it in without a password"
_PACKED = "is packed by a method that is not read here: hand in the notebook itself"
_TWICE = "is in the archive twice: hand in one"
_OUTSIDE = "has a name that leads out of the archive, so it was not read"

# What systems, editors and version control leave behind; nobody hands it in.
_JUNK = {"__macosx", ".ds_store", ".ipynb_checkpoints", "__pycache__", "thumbs.db", "desktop.ini"}
_JUNK |= {".git", ".github", ".gitignore", ".gitattributes", ".gitkeep", ".vscode", ".idea"}
_JUNK |= {".venv", ".cache", ".config", ".local", ".jupyter", ".ipython", ".directory", "@eadir"}
_JUNK |= {".trashes", ".fseventsd", ".spotlight-v100", ".temporaryitems", ".virtual_documents"}
_JUNK |= {".pytest_cache", ".ruff_cache", ".mypy_cache"}
_JUNK_STARTS = ("._", ".~lock.", "~$", ".nfs0")


@dataclass(frozen=True)
class Source:
    """Where a submission's bytes are: a file, or members of archives, each within the last."""

    path: Path
    members: tuple[str, ...] = ()
    in_class_archive: bool = False  # `path` is the instructor's archive, of any size
    problem: str = ""  # why there is nothing to read: one sentence for the student

    def read(self) -> bytes:
        """Return the bytes.

        Raises
        ------
        UnreadableSubmission
            If there is a problem, a link or a broken archive on the way, or too much to read.
        """
        if self.problem:
            raise UnreadableSubmission(self.problem)
        members = list(self.members)
        if self.in_class_archive:
            data = _read_member(self.path, members.pop(0))
        else:
            data = read_bytes(self.path)
        for member in members:
            data = _read_member(io.BytesIO(data), member)
        return data


@dataclass(frozen=True)
class Found:
    """A file or folder: its place, and where `reason` is not empty, why nothing is read of it."""

    parts: tuple[str, ...]  # names below the class's (or the student's) folder
    where: str  # the same, printable, and never shortened
    source: Source
    time: str | None = None  # handed in, UTC
    saved: str | None = None  # last changed, where that is another time
    folder: bool = False
    reason: str = ""  # what follows the name in a sentence
    junk: bool = False  # a system or an editor left it behind; nothing below it is listed


def walk_folder(root: Path, parts: tuple[str, ...] = ()) -> Iterator[Found]:
    """Yield what a folder holds, by name, without following links.

    Raises
    ------
    OSError
        If the folder itself cannot be listed; a folder in it is yielded with a reason.
    """
    with os.scandir(root.joinpath(*parts)) as scan:
        entries = sorted(scan, key=lambda entry: entry.name)
    for entry in entries:
        here = (*parts, entry.name)
        folder, junk, reason, inside = os.path.isdir(entry.path), is_junk(entry.name), "", []
        if entry.is_symlink():
            reason = _SYMLINK
        elif folder and len(here) > MAX_DEPTH:
            reason = DEEP
        elif folder and not junk:
            try:
                inside = list(walk_folder(root, here))
            except OSError as error:
                reason = f"cannot be read: {error.strerror}"
        source = Source(root.joinpath(*here))
        yield Found(here, shown(here), source, _file_time(entry), None, folder, reason, junk)
        yield from inside


def walk_archive(
    file: Path | io.BytesIO, source: Source, zone: tzinfo | None = None
) -> list[Found]:
    """Return what an archive holds, in its own order; a name that leads out of it has no parts.

    `source` is where the archive itself is, `zone` whose time it tells (None: this machine's).

    Raises
    ------
    UnreadableSubmission
        If it is no zip archive, or holds more than `MAX_MEMBERS` files (the archive of a class,
        more than `MAX_CLASS_MEMBERS`).
    """
    most = MAX_CLASS_MEMBERS if source.in_class_archive else MAX_MEMBERS
    with _opened(file) as archive:
        infos = archive.infolist()
    if len(infos) > most:
        raise UnreadableSubmission(f"The archive {too_many(most)}.")
    names = [_name(info) for info in infos]
    parts = [_parts(name) for name in names]
    count = Counter(p for p, info in zip(parts, infos, strict=True) if p and not info.is_dir())
    found = []
    for here, name, info in zip(parts, names, infos, strict=True):
        reason = _OUTSIDE if not here else _TWICE if count[here] > 1 else _refusal(info)
        inside = Source(source.path, (*source.members, info.filename), source.in_class_archive)
        time = _member_time(info, zone)
        found.append(Found(here, printable(name), inside, time, None, info.is_dir(), reason))
    return _without_junk(found)


def _without_junk(found: list[Found]) -> list[Found]:
    """Return what is left, and each thing that systems leave behind once, with nothing below it."""
    kept, seen = [], set()
    for one in found:
        at = next((i for i, part in enumerate(one.parts, 1) if is_junk(part)), None)
        if at is None:
            kept.append(one)
        elif one.parts[:at] not in seen:
            here = one.parts[:at]
            seen.add(here)
            kept.append(Found(here, shown(here), one.source, folder=len(one.parts) > at, junk=True))
    return kept


def is_junk(name: str) -> bool:
    """Tell what systems and editors leave behind (checkpoints, resource forks) by its name."""
    name = name.casefold()
    return name in _JUNK or name.startswith(_JUNK_STARTS)


def too_many(most: int) -> str:
    """Return what is said of something that holds more files than that."""
    return f"holds more than {most:,} files: hand in the notebook itself"


def shown(parts: tuple[str, ...]) -> str:
    """Return a place as a report shows it."""
    return "/".join(printable(part) for part in parts)


def _name(info: zipfile.ZipInfo) -> str:
    """Return a member's name; many tools write UTF-8 and forget to say so."""
    if not info.flag_bits & 0x800:
        try:
            return info.filename.encode("cp437").decode("utf-8")
        except UnicodeError:
            pass
    return info.filename


def _parts(name: str) -> tuple[str, ...]:
    """Return a member's folders and name; nothing if it is absolute or climbs with ``..``."""
    parts = re.split(r"[/\\]", name)  # old Windows tools write backslashes
    if not parts[0] or ".." in parts or re.match(r"[A-Za-z]:", name):
        return ()
    return tuple(part for part in parts if part not in ("", "."))


def _refusal(info: zipfile.ZipInfo) -> str:
    """Return why a member must not be read, or nothing."""
    if stat.S_ISLNK(info.external_attr >> 16):
        return _SYMLINK
    if info.flag_bits & 0x1:
        return _ENCRYPTED
    if info.file_size > MAX_BYTES:
        return _LARGE
    # bzip2 and lzma cannot be unpacked by parts: a small member could fill the memory.
    return "" if info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) else _PACKED


@contextmanager
def _opened(file: Path | io.BytesIO) -> Iterator[zipfile.ZipFile]:
    try:
        if isinstance(file, Path):
            about = file.stat()
            yield _class_archive(file, about.st_size, about.st_mtime_ns)
            return
        # Opening costs memory for each member, so a student's archive is looked at before.
        if file.getvalue().count(b"PK\x01\x02") > MAX_MEMBERS:
            raise UnreadableSubmission(f"The archive {too_many(MAX_MEMBERS)}.")
        with zipfile.ZipFile(file) as archive:
            yield archive
    except UnreadableSubmission:
        raise
    except Exception as error:  # an archive can be broken in many ways
        raise UnreadableSubmission(
            f"The archive is broken ({type(error).__name__}): hand in the notebook itself."
        ) from error


@functools.lru_cache(maxsize=1)
def _class_archive(path: Path, size: int, changed: int) -> zipfile.ZipFile:
    """Open the class's archive once: its list of members is long, and each student reads one."""
    return zipfile.ZipFile(path)


def _read_member(file: Path | io.BytesIO, name: str) -> bytes:
    with _opened(file) as archive:
        info = archive.getinfo(name)
        if reason := _refusal(info):
            raise UnreadableSubmission(f"The file {reason}.")
        with archive.open(info) as member:
            data = member.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise UnreadableSubmission(f"The file {_LARGE}.")
    return data


def _file_time(entry: os.DirEntry) -> str | None:
    try:
        return iso_utc(datetime.fromtimestamp(entry.stat(follow_symlinks=False).st_mtime, UTC))
    except NO_DATE:
        return None


def _member_time(info: zipfile.ZipInfo, zone: tzinfo | None) -> str | None:
    """Return a member's time; archives hold local time, and 1980 where there is none."""
    try:
        return iso_utc(datetime(*info.date_time), zone) if info.date_time[0] > 1980 else None
    except NO_DATE:
        return None
