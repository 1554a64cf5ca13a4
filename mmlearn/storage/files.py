"""Files that appear whole or not at all: written under a temporary name, then renamed."""

import os
import secrets
from contextlib import contextmanager
from pathlib import Path

__all__ = ["atomic_path", "write_atomically"]


@contextmanager
def atomic_path(path):
    """A temporary path beside `path` to write to; on leaving it is renamed to `path`.

    After an error the temporary file is removed and whatever stood at `path` is still there.

    Raises
    ------
    ValueError: the folder does not exist

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with atomic_path(Path(folder) / "a.txt") as temporary:
    ...         _ = temporary.write_text("whole")
    ...     (Path(folder) / "a.txt").read_text()
    'whole'
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise ValueError(f"the folder {path.parent} does not exist; create it or choose another.")
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())  # on the disk before it takes the place of the old one
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)  # gone already after a good rename


def write_atomically(path, content):
    """Write text (as UTF-8, line ends as they are) or bytes to `path`, whole or not at all."""
    if isinstance(content, str):
        content = content.encode("utf-8", errors="replace")
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
