"""A picture's features, computed once and kept on disk."""

import hashlib
import sqlite3
from contextlib import closing

import numpy as np

from mmlearn.storage.cache import cache_dir

__all__ = ["remember"]


def remember(name, pictures, compute, width):
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
