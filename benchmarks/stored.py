"""The figures of the longer benchmarks, kept among the scoreboard's stored results."""

import datetime
import json
import platform
import time
from contextlib import contextmanager
from pathlib import Path

from mmlearn.storage.files import write_atomically

__all__ = ["RESULTS", "store"]

RESULTS = Path(__file__).resolve().parents[1] / "mmlearn" / "scoreboard" / "results"


def store(name, part, title, rows, folder=RESULTS, **more):
    """Put a part's figures, ``{row: {column: [a value a seed]}}``, into the file `name`.json.

    What else is given by name stands beside the rows. Other parts of the file stay as they are,
    those of other processes that run meanwhile, too. Without `--store` a benchmark only
    prints.

    Raises
    ------
    OSError: another process has been writing for long, or was ended while it wrote
    """
    path = Path(folder) / f"{name}.json"
    with _alone(path.with_suffix(".lock")):
        found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        found[part] = {
            "title": title,
            "device": f"{platform.machine()} CPU, one thread",
            "date": datetime.date.today().isoformat(),
            "rows": rows,
            **more,
        }
        write_atomically(path, json.dumps(found, indent=1, ensure_ascii=False) + "\n")


@contextmanager
def _alone(lock, patience=30.0):
    """One process at a time reads, changes and writes: who comes later waits for the lock."""
    end = time.monotonic() + patience
    while True:
        try:
            lock.open("x").close()
            break
        except FileExistsError:
            if time.monotonic() > end:
                raise OSError(
                    f"{lock} is still there: if nothing else is storing, delete it and try again."
                ) from None
            time.sleep(0.02)
    try:
        yield
    finally:
        lock.unlink()
