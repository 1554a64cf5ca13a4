"""Where data is looked for and kept, and how no reader ever meets half a file."""

import os
import warnings
import zipfile
import zlib
from pathlib import Path

import numpy as np
from platformdirs import user_cache_dir

from mmlearn.storage.files import atomic_path

__all__ = ["cache_dir", "local_folder", "remember_pictures", "write_cache"]


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
    """Call `write(file)` on a temporary file beside `path`, then rename it to `path`.

    An interruption leaves the old file, or none, and never a broken one. A folder that cannot be
    written costs only the cache: a warning says so, and the caller goes on with what it computed.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            write(file)
    except OSError as error:
        warnings.warn(
            f"could not write the cache file {path} ({error}); it will be computed "
            "again next time. Set MMLEARN_CACHE to a folder that can be written.",
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
