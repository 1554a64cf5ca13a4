"""How every file is written: whole or not at all, and never in the place of a device.

**The rule.** A file is written under a temporary name beside its own, then renamed: an error, an
interruption or a second writer leaves the old file or a new one, never half of one. A new file has
the mode that the umask gives it; one that is replaced keeps its mode, and its owner where one may
give files away. A link is followed: what it names is replaced. Of a file with several names (hard
links) the name that was given gets the new content, the others keep the old. What may not be
written by `open(path, "w")` is not replaced either. Devices, pipes and open files (`/dev/stdout`,
`/dev/fd/3`) are written to.

What stands in the way is said in one sentence, by an `OSError` of Python's usual class:
`FileNotFoundError` for a missing folder, `IsADirectoryError`, `PermissionError`, and so on.
"""

import errno
import os
import re
import secrets
import stat
import sys
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

__all__ = [
    "check_readable",
    "check_writable",
    "file_name",
    "make_folder",
    "open_atomically",
    "write_all",
    "write_atomically",
]

REASONS = {
    errno.ENOENT: "the folder {folder} does not exist; create it or choose another",
    errno.ENOTDIR: "{folder} is no folder; choose another",
    errno.EISDIR: "it is a folder; give the name of a file in it",
    errno.EEXIST: "it is a file; give the name of a folder",
    errno.EACCES: "you lack the permission; have it given to you or choose another place",
    errno.EPERM: "you lack the permission; have it given to you or choose another place",
    errno.EROFS: "the disk is mounted for reading only; choose another place",
    errno.ENOSPC: "the disk is full; free some space or choose another place",
    errno.EDQUOT: "your share of the disk is used up; free some space or choose another place",
    errno.EFBIG: "it would be larger than a file may be here; see `ulimit -f`",
    errno.ENAMETOOLONG: "the name is too long; give a shorter one",
    errno.ELOOP: "it is a link that leads back to itself; remove it",
    errno.EPIPE: "whoever read from it has gone; start the reader again",
    errno.EBADF: "no file is open for writing there; give the name of a file",
}


def file_name(path):
    """The name of a file as str, `~` being the home folder.

    Raises
    ------
    TypeError: it is no name, but a number or an open file, say
    ValueError: no file can have this name

    >>> file_name(Path("a") / "b.txt") == os.path.join("a", "b.txt")
    True
    """
    if not isinstance(path, str | bytes | os.PathLike):
        raise TypeError(f"a file is given by its name, str or Path, got {type(path).__name__}.")
    name = os.path.expanduser(os.fsdecode(path))
    if not name or "\0" in name:
        raise ValueError(f"no file can have the name {name!r}; give another.")
    return name


@contextmanager
def open_atomically(path):
    """A binary file to write to, which becomes `path` when the block is left without an error.

    Raises
    ------
    OSError: what stands in the way, in one sentence; the old file is as it was

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with open_atomically(f"{folder}/a.txt") as file:
    ...         _ = file.write(b"whole")
    ...     Path(folder, "a.txt").read_text()
    'whole'
    """
    path = file_name(path)
    with _reasons(path):
        if _is_stream(path):
            with _open_stream(path) as file:
                yield file
        else:
            with _replacing(_check_file(path)) as file:
                yield file


def write_atomically(path, content):
    """Write text (as UTF-8, line ends as they are) or bytes to `path`, whole or not at all."""
    with open_atomically(path) as file:
        file.write(_as_bytes(content))


def write_all(contents):
    """Write several files, {path: text or bytes}: none is replaced before all are on the disk."""
    with ExitStack() as stack:
        files = [stack.enter_context(open_atomically(path)) for path in contents]
        for (path, content), file in zip(contents.items(), files, strict=True):
            with _reasons(file_name(path)):
                file.write(_as_bytes(content))
                _to_disk(file)


def make_folder(path):
    """Make a folder, and those above it, where it is not there yet.

    Raises
    ------
    OSError: what stands in the way, in one sentence
    """
    path = file_name(path)
    with _reasons(path):
        Path(path).mkdir(parents=True, exist_ok=True)


def check_writable(path):
    """Refuse a `path` that cannot be written, before the work whose result it is for.

    Raises
    ------
    OSError: what stands in the way, in one sentence
    """
    path = file_name(path)
    with _reasons(path):
        if not _is_stream(path):
            _check_file(path)


def check_readable(path):
    """Refuse a `path` that is not there, is no ordinary file, or may not be read; its name as str.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, PermissionError, OSError: in one sentence
    TypeError, ValueError: it is no name of a file
    """
    path = file_name(path)
    try:
        kind = stat.S_IFMT(os.stat(path).st_mode)
        if kind == stat.S_IFREG:
            open(path, "rb").close()
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(f"there is no file {path}.") from None
    except PermissionError:
        raise PermissionError(
            f"{path} cannot be read: you lack the permission; have it given to you."
        ) from None
    except OSError as error:
        reason = REASONS.get(error.errno, error.strerror).format(folder=Path(path).parent)
        raise type(error)(f"{path} cannot be read: {reason}.") from None
    if kind == stat.S_IFDIR:
        raise IsADirectoryError(f"{path} is a folder; give the name of a file in it.")
    if kind != stat.S_IFREG:
        raise OSError(f"{path} is no ordinary file; give the name of one.")
    return path


# -- one file in the place of another --------------------------------------------------------


@contextmanager
def _replacing(path):
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    old = path.stat() if _kind(path) else None
    try:
        with _create(temporary, private=old is not None) as file:
            if old is not None:
                _take_over(temporary, old)
            yield file
            _to_disk(file)  # before it takes the place of the old one
        os.replace(temporary, path)
    finally:
        with suppress(OSError):
            temporary.unlink()  # gone already after a good rename


def _create(path, private):
    """A new file; a private one is nobody else's to read until it has the old file's mode."""
    mode = 0o600 if private else 0o666
    return open(path, "xb", opener=lambda name, flags: os.open(name, flags, mode))


def _take_over(temporary, old):
    if hasattr(os, "chown"):
        for owner, group in ((-1, old.st_gid), (old.st_uid, -1)):
            with suppress(OSError):  # only root gives files away
                os.chown(temporary, owner, group)
    os.chmod(temporary, stat.S_IMODE(old.st_mode) & 0o777)


def _to_disk(file):
    file.flush()
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        os.fsync(file.fileno())


def _check_file(path):
    """The file that `path` names, links followed; an error where it cannot be replaced."""
    kind, file = _kind(path), Path(os.path.realpath(path))
    if kind == stat.S_IFDIR or str(path).endswith(("/", os.sep)):
        raise _because(errno.EISDIR, path)
    if kind not in (None, stat.S_IFREG):
        raise OSError(f"{path} cannot be written: it is a socket or a disk; give a file's name.")
    if not stat.S_ISDIR(os.stat(file.parent).st_mode):
        raise _because(errno.ENOTDIR, path)
    if not os.access(file.parent, os.W_OK) or (kind is not None and not os.access(file, os.W_OK)):
        read_only = hasattr(os, "statvfs") and os.statvfs(file.parent).f_flag & os.ST_RDONLY
        raise _because(errno.EROFS if read_only else errno.EACCES, path)
    return file


def _kind(path):
    try:
        return stat.S_IFMT(os.stat(path).st_mode)
    except FileNotFoundError:
        return None


# -- devices, pipes and open files -----------------------------------------------------------


def _is_stream(path):
    """Whether `path` takes bytes as they come, so that nothing may take its place."""
    if _open_file(path) is not None:
        return True
    try:
        return _kind(path) in (stat.S_IFCHR, stat.S_IFIFO)
    except OSError:
        return False  # said where a file is looked for


def _open_stream(path):
    number = _open_file(path)
    if number is None:  # not made anew, should it have gone
        return open(path, "wb", opener=lambda name, flags: os.open(name, flags & ~os.O_CREAT))
    if sys.stdout is not None:
        sys.stdout.flush()  # what was printed before stands before
    return os.fdopen(os.dup(number), "wb")  # goes on where the open file stands


def _open_file(path):
    """The number of this process's open file that `path` names, as 1 for /dev/stdout, or None."""
    path = os.path.abspath(path)
    for _ in range(40):  # as many links as the system follows
        path = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
        if found := re.fullmatch(rf"(?:/dev|/proc/{os.getpid()}(?:/task/\d+)?)/fd/(\d+)", path):
            return int(found[1])
        if not os.path.islink(path):
            break
        path = os.path.join(os.path.dirname(path), os.readlink(path))
    return None


# -- what to say -----------------------------------------------------------------------------


@contextmanager
def _reasons(path):
    """Turn an error of the system about `path` into one sentence."""
    try:
        yield
    except OSError as error:
        if error.strerror is None or not _is_about(error, path):
            raise  # a sentence already, or not of this file
        raise _because(error.errno, path, error.strerror) from None


def _is_about(error, path):
    if error.filename is None or isinstance(error.filename, int):
        return True
    named, ours = (os.path.realpath(os.fsdecode(name)) for name in (error.filename, path))
    return named in (ours, os.path.dirname(ours)) or os.path.dirname(named) == os.path.dirname(ours)


def _because(code, path, strerror=""):
    folder = Path(path).parent
    if os.path.isdir(folder):
        folder = Path(os.path.realpath(path)).parent
    reason = REASONS.get(code, f"{strerror}; choose another place")
    if code == errno.ENOENT and os.path.isdir(folder):  # as in /proc
        reason = "no file can be made in {folder}; choose another folder"
    reason = reason.format(folder=folder)
    error = type(OSError(code, ""))(f"{path} cannot be written: {reason}.")
    error.errno = code
    return error


def _as_bytes(content):
    return content.encode("utf-8", errors="replace") if isinstance(content, str) else content
