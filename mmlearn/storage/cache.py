"""Where data is looked for and kept, and how no reader ever meets half a file."""

import hashlib
import os
import sqlite3
import warnings
import zipfile
import zlib
from contextlib import closing
from pathlib import Path

import numpy as np
from platformdirs import user_cache_dir

from mmlearn.storage.files import make_folder, open_atomically

__all__ = ["cache_dir", "local_folder", "remember_features", "remember_pictures", "write_cache"]


def cache_dir():
    """The folder for computed and downloaded data: $MMLEARN_CACHE, or the user's cache / mmlearn.

    The folder is made by whoever writes to it first. Deleting it is always safe.
    """
    chosen = os.environ.get("MMLEARN_CACHE")
    return Path(chosen).expanduser() if chosen else Path(user_cache_dir("mmlearn", appauthor=False))


def local_folder(name):
    """The folder $MMLEARN_DATA/`name` of a data set that is already on this machine, or None."""
    chosen = os.environ.get("MMLEARN_DATA")
    folder = Path(chosen).expanduser() / name if chosen else None
    return folder if folder is not None and folder.is_dir() else None


def write_cache(path, write):
    """Call `write(file)` on the file that becomes `path`, whole or not at all.

    A folder that cannot be written costs only the cache: a warning says so, and the caller goes on
    with what it computed.
    """
    try:
        make_folder(path.parent)
        with open_atomically(path) as file:
            write(file)
    except OSError as error:
        warnings.warn(
            f"{error} It is computed again next time: set MMLEARN_CACHE to a folder "
            "that can be written.",
            stacklevel=3,
        )


def remember_pictures(path, shape, make):
    """The pictures uint8 of `shape` stored at `path`, where it holds them whole, else `make()`."""
    try:
        with np.load(path) as stored:
            pictures = stored["pictures"]  # the archive's own checksum finds damage
        if pictures.shape == shape:
            return pictures
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error):
        pass  # not there, or damaged: made anew and replaced
    pictures = make()
    write_cache(path, lambda file: np.savez_compressed(file, pictures=pictures))
    return pictures


def remember_features(name, pictures, compute, width):
    """Features float32 (n, width) of pictures uint8 (n, h, w, 3), computing only the unknown ones.

    `compute(pictures, keep)` returns features (m, width) and calls `keep(start, stop, features)`
    after every batch. The store is one SQLite file per `name`: it is transactional, so that an
    interruption loses the current batch at most, and several processes may use it. A damaged
    store is made anew; one that cannot be written costs only time.
    """
    path = cache_dir() / f"{name}.sqlite"
    keys = [_key(picture) for picture in pictures]
    known = _read(path, width)
    first_row = {}
    for i, key in enumerate(keys):
        first_row.setdefault(key, i)
    todo = [i for key, i in first_row.items() if key not in known]
    if todo:

        def keep(start, stop, features):
            _write(path, [keys[i] for i in todo[start:stop]], features)

        fresh = compute(pictures[todo], keep)
        known.update((keys[i], x) for i, x in zip(todo, fresh, strict=True))
    return np.stack([known[key] for key in keys])


def _key(picture):
    digest = hashlib.blake2b(picture.tobytes(), digest_size=16)
    digest.update(str(picture.shape).encode())
    return digest.digest()


def _read(path, width):
    """Everything in the store, {key: float32 (width,)}; nothing if it is absent or damaged."""
    if not path.exists():
        return {}
    try:
        with closing(sqlite3.connect(path, timeout=30)) as store:
            rows = store.execute("SELECT key, vector FROM features").fetchall()
    except sqlite3.OperationalError:  # locked, unreadable, or just made and still without a table
        return {}
    except sqlite3.DatabaseError:  # not a database, or a broken one
        path.unlink(missing_ok=True)
        return {}
    vectors = {key: np.frombuffer(vector, dtype=np.float32) for key, vector in rows}
    return {key: x for key, x in vectors.items() if x.shape == (width,)}


def _write(path, keys, features):
    rows = [(key, x.tobytes()) for key, x in zip(keys, features, strict=True)]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=30)) as store, store:
            store.execute(
                "CREATE TABLE IF NOT EXISTS features (key BLOB PRIMARY KEY, vector BLOB NOT NULL)"
            )
            store.executemany("INSERT OR REPLACE INTO features VALUES (?, ?)", rows)
    except (OSError, sqlite3.Error):
        pass  # without a store the same features are computed again next time
