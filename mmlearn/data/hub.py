"""Tables of pictures: parquet files on this machine, or data sets of the Hugging Face hub."""

import glob
import hashlib
from pathlib import Path

import numpy as np

from mmlearn.features.pictures import square_picture
from mmlearn.progress import progress_bar, watched
from mmlearn.storage.cache import cache_dir, remember_pictures

__all__ = ["check_columns", "check_count", "open_table", "square_pictures"]


def open_table(folder, hub_name, split):
    """The rows of one split, on disk; its column `image` holds the files' bytes, not decoded.

    Parameters
    ----------
    folder : Path of parquet files named after their split, or of pictures beside a metadata.csv
        (or .jsonl) that names them in its column `file_name`; or None for the hub
    hub_name : str, such as "jxie/flickr8k"
    split : str, such as "train"

    Returns
    -------
    datasets.Dataset

    Raises
    ------
    FileNotFoundError
        If the folder has no such files or split, or the hub's data set cannot be had.
    ValueError
        If there is no column `image`.
    """
    from datasets import Image

    table = _open_hub(hub_name, split) if folder is None else _open_folder(folder, split)
    check_columns(table, ["image"], hub_name if folder is None else folder)
    return table.cast_column("image", Image(decode=False))


def _open_folder(folder, split):
    copy = str(cache_dir() / "datasets")  # the library keeps its own, memory-mapped copy
    files = sorted(str(path) for path in folder.glob(f"{glob.escape(split)}*.parquet"))
    if files:
        return _load("parquet", data_files=files, split="train", cache_dir=copy)
    if not any(folder.rglob("metadata.*")):
        raise FileNotFoundError(
            f"{folder} has no file named {split}*.parquet, and no metadata.csv beside pictures."
        )
    try:
        return _load("imagefolder", data_dir=str(folder), split=split, cache_dir=copy)
    except Exception as error:  # the library's own kinds, with the reason as their cause
        raise ValueError(f"{folder} cannot be read: {error.__cause__ or error}") from error


def _open_hub(name, split):
    try:
        return _load(name, split=split)
    except OSError as error:  # no network, or no such data set
        raise FileNotFoundError(
            f"the data set {name} is not on this machine and could not be had from the Hugging "
            f"Face hub ({type(error).__name__}); connect to the internet, check the name (a folder "
            "of that name is not here either), or put its parquet files where the loader's help "
            "says and name that place in MMLEARN_DATA."
        ) from None


def _load(name, **settings):
    """The library's `load_dataset`; its bars are drawn where the course's own would be."""
    import datasets

    silence = not (watched() or datasets.are_progress_bars_disabled())
    if silence:
        datasets.disable_progress_bars()
    try:
        return datasets.load_dataset(name, **settings)
    finally:
        if silence:
            datasets.enable_progress_bars()


def check_columns(table, names, origin):
    """Refuse a table that lacks a column, with the list of those it has."""
    missing = [name for name in names if name not in table.column_names]
    if missing:
        raise ValueError(
            f"{origin} has no column {', '.join(missing)}; its columns are "
            f"{', '.join(table.column_names)}."
        )


def check_count(name, value, low, high=None):
    """Refuse anything but a whole number from `low` to `high`."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < low or (high is not None and value > high):
        upper = "" if high is None else f" to {high}"
        raise ValueError(f"{name} must be a whole number from {low}{upper}, got {value!r}.")


def square_pictures(table, size, name):
    """The pictures of a table, uint8 (n, size, size, 3), and which of them each row shows, (n,).

    They are scaled to fit, the margin white, and kept in :func:`mmlearn.data.cache_dir`, under a
    hash of the files and the size. Rows of one and the same file have one number.
    """
    table = table.select_columns("image")
    digest, numbers, shown = hashlib.blake2b(digest_size=6), {}, []
    for i, row in enumerate(table):
        content = _content(row["image"], _called(i, name, row["image"]))
        digest.update(content)
        shown.append(numbers.setdefault(hashlib.blake2b(content).digest(), len(numbers)))
    path = cache_dir() / f"{name}-{size}px-{digest.hexdigest()}.npz"
    shape = (len(table), size, size, 3)
    pictures = remember_pictures(path, shape, lambda: _decode(table, shape, name))
    return pictures, np.array(shown)


def _decode(table, shape, name):
    pictures = np.empty(shape, dtype=np.uint8)
    rows = progress_bar(table, desc=f"pictures of {name} (once)", unit=" pictures")
    for i, row in enumerate(rows):
        called = _called(i, name, row["image"])
        pictures[i] = square_picture(_content(row["image"], called), shape[1], called)
    return pictures


def _called(i, name, image):
    """What a message calls a picture: its row, its table and its file, where that has a name."""
    file = f" ({image['path']})" if image is not None and image["path"] else ""
    return f"picture {i} of {name}{file}"


def _content(image, called):
    if image is None or (image["bytes"] is None and not image["path"]):
        raise ValueError(f"{called} is missing; drop its row.")
    if image["bytes"] is not None:
        return image["bytes"]
    try:
        return Path(image["path"]).read_bytes()
    except OSError as error:
        raise ValueError(f"{called} cannot be read: {error.strerror}.") from error
