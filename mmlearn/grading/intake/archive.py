"""Folders and zip archives as flat lists of files; nothing is ever extracted to the disk.

A member of an archive is read into memory when it is needed, and never more of it than
`submission.MAX_BYTES`, whatever the archive says about its size.
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
from datetime import UTC, datetime
from pathlib import Path

from mmlearn.grading.errors import UnreadableSubmission
from mmlearn.grading.intake.names import printable
from mmlearn.grading.intake.submission import MAX_BYTES, read_bytes

MAX_MEMBERS = 10_000
MAX_DEPTH = 5  # folders below the class's: a wrapper, a student's, two more, and one to refuse

DEEP = "lies more than two folders deep, so it was not looked at"
_SYMLINK = "is a symbolic link: hand in the notebook itself"
_LARGE = f"is larger than {MAX_BYTES // 10**6} MB: clear its outputs and save it again"
_ENCRYPTED = "is encrypted: hand it in without a password"
_PACKED = "is packed by a method that is not read here: hand in the notebook itself"
_TWICE = "is in the archive twice: hand in one"
_OUTSIDE = "has a name that leads out of the archive, so it was not read"
_TOO_MANY = f"holds more than {MAX_MEMBERS:,} files: hand in the notebook itself"


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


def walk_folder(root: Path, parts: tuple[str, ...] = ()) -> Iterator[Found]:
    """Yield what a folder holds, by name, without following links; hidden files are left out.

    Raises
    ------
    OSError
        If the folder itself cannot be listed; a folder in it is yielded with a reason.
    """
    with os.scandir(root.joinpath(*parts)) as scan:
        entries = sorted(scan, key=lambda entry: entry.name)
    for entry in entries:
        if is_hidden(entry.name):
            continue
        here = (*parts, entry.name)
        folder, reason, inside = os.path.isdir(entry.path), "", []
        if entry.is_symlink():
            reason = _SYMLINK
        elif folder and len(here) > MAX_DEPTH:
            reason = DEEP
        elif folder:
            try:
                inside = list(walk_folder(root, here))
            except OSError as error:
                reason = f"cannot be read: {error.strerror}"
        source = Source(root.joinpath(*here))
        yield Found(here, shown(here), source, _file_time(entry), folder=folder, reason=reason)
        yield from inside


def walk_archive(file: Path | io.BytesIO, source: Source) -> list[Found]:
    """Return what an archive holds, in its own order; a name that leads out of it has no parts.

    `source` is where the archive itself is.

    Raises
    ------
    UnreadableSubmission
        If it is no zip archive, or holds more than `MAX_MEMBERS` files.
    """
    with _opened(file) as archive:
        infos = archive.infolist()
    if len(infos) > MAX_MEMBERS:
        raise UnreadableSubmission(f"The archive {_TOO_MANY}.")
    parts = [_parts(info.filename) for info in infos]
    count = Counter(p for p, info in zip(parts, infos, strict=True) if p and not info.is_dir())
    return [
        Found(
            here,
            printable(info.filename),
            Source(source.path, (*source.members, info.filename), source.in_class_archive),
            time=_member_time(info),
            folder=info.is_dir(),
            reason=_OUTSIDE if not here else _TWICE if count[here] > 1 else _refusal(info),
        )
        for here, info in zip(parts, infos, strict=True)
        if not any(is_hidden(part) for part in here)
    ]


def is_hidden(name: str) -> bool:
    """Tell what systems and editors leave behind (checkpoints, resource forks) by its name."""
    return name.startswith(".") or name == "__MACOSX"


def shown(parts: tuple[str, ...]) -> str:
    """Return a place as a report shows it."""
    return "/".join(printable(part) for part in parts)


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
            raise UnreadableSubmission(f"The archive {_TOO_MANY}.")
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


def iso_utc(moment: datetime) -> str:
    """Return a moment in UTC, to the second (cut, not rounded); a naive one is local time.

    >>> iso_utc(datetime.fromisoformat("2026-11-30 23:59:00.9+01:00"))
    '2026-11-30T22:59:00Z'
    """
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def _file_time(entry: os.DirEntry) -> str | None:
    try:
        return iso_utc(datetime.fromtimestamp(entry.stat(follow_symlinks=False).st_mtime, UTC))
    except (OSError, ValueError, OverflowError):
        return None


def _member_time(info: zipfile.ZipInfo) -> str | None:
    """Return a member's time; archives hold local time, and 1980 where there is none."""
    try:
        return iso_utc(datetime(*info.date_time)) if info.date_time[0] > 1980 else None
    except (ValueError, OverflowError, OSError):
        return None
