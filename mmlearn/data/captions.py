"""Photos with sentences that describe them: any such data set of the Hugging Face hub."""

import re
from pathlib import Path

import numpy as np

from mmlearn.data.hub import check_count, open_table, square_pictures
from mmlearn.data.paired import PairedDataset
from mmlearn.labels import is_missing, name_rows
from mmlearn.storage.cache import local_folder

__all__ = ["load_captions"]

DEFAULT = "jxie/flickr8k"
LOCAL = "captioned_photos"
LICENCES = {
    DEFAULT: "Photos: their owners on Flickr; terms: see its page on the Hugging Face hub.",
    LOCAL: "Photos: each under a licence of its own (column license of the file).",
}


def load_captions(name=None, split="train", size=96, caption=0, n=None, seed=0):
    """Photos and captions. There are no classes: the one relevant text is a photo's own.

    So `split(stratify=False)` splits it, and :func:`mmlearn.retrieval.recall_at_k` scores it.

    Parameters
    ----------
    name : str, Path or None
        A folder: parquet files, or pictures beside a metadata.csv with the columns `file_name` and
        `caption`, other columns are not read. Or a data set of the hub. Either with the captions as
        columns `caption_0`, `caption_1` ... or as one column `caption`, `captions` or `text` (str
        or list of str), and in parquet files and on the hub the photos as a column `image`.
        None: $MMLEARN_DATA/captioned_photos where it is there, else "jxie/flickr8k".
    split : str, default "train"; the parquet files in a folder are named after it
    size : int, default 96: height and width in pixels; photos are padded to a square with white
    caption : int, "all" or "each"
        Which caption of a photo, or all of them joined to one text, or each in a row of its own:
        then `groups` says which photo a row shows, and photos are held once for every caption.
        It says so, too, where the file itself has a photo in several rows.
    n : int or None: so many photos drawn at random; None: all
    seed : int, of that draw

    Returns
    -------
    PairedDataset without labels; titles are the first captions, or each row's own.

    Raises
    ------
    FileNotFoundError
        If the data is neither on this machine nor to be had from the hub.
    ValueError
        If a number is out of range, there are no captions, or one is missing; the message names
        its row and its file.

    References
    ----------
    M. Hodosh, P. Young and J. Hockenmaier, Framing image description as a ranking task: data,
    models and evaluation metrics, Journal of Artificial Intelligence Research 47, 2013 (Flickr8k).

    Examples
    --------
    >>> train, test = load_captions(n=2000).features().split(stratify=False)  # doctest: +SKIP
    """
    check_count("size", size, 8, 512)
    if caption not in ("all", "each"):
        check_count("caption", caption, 0)
    name, folder, licence, source = _origin(name, split)
    table = _draw(open_table(folder, name, split), n, seed)
    captions = _captions(table, name)
    pictures, photo = square_pictures(table, size, name.replace("/", "-"))
    about = {"licence": licence, "source": source}
    if caption == "each":
        rows = np.repeat(np.arange(len(captions)), [len(of_one) for of_one in captions])
        texts = [text for of_one in captions for text in of_one]
        return PairedDataset(name, pictures[rows], texts, groups=photo[rows], **about)
    if len(set(photo)) < len(photo):
        about["groups"] = photo
    texts = [_choose(of_one, caption, name) for of_one in captions]
    return PairedDataset(name, pictures, texts, titles=[c[0] for c in captions], **about)


def _origin(name, split):
    """What the data is called, its folder or None for the hub, its licence and its source."""
    if name is None and (folder := local_folder(LOCAL)) is not None:
        return LOCAL, folder, LICENCES[LOCAL], f"parquet files in $MMLEARN_DATA/{LOCAL}"
    name = DEFAULT if name is None else name
    if not isinstance(name, str | Path):
        raise TypeError(f"name must be a folder or a data set's name, got {name!r}.")
    folder = Path(name).expanduser()
    if folder.is_dir():
        licence = f"Not stated; pictures and texts are those of the folder {folder}."
        return folder.resolve().name, folder, licence, f"the folder {folder}"
    if folder.is_file():
        raise ValueError(f"{name} is a file; name the folder that it lies in.")
    if isinstance(name, Path) or not re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)?", name):
        raise FileNotFoundError(f"there is no folder {folder}.")
    licence = LICENCES.get(name, f"See the page of {name} on the Hugging Face hub.")
    return name, None, licence, f"the data set {name} of the Hugging Face hub, split {split}"


def _draw(table, n, seed):
    if n is None:
        return table
    check_count("n", n, 1, len(table))
    rows = np.random.default_rng(seed).choice(len(table), n, replace=False)
    return table.select(np.sort(rows))


def _captions(table, name):
    """All captions of every photo: a list of lists of str."""
    captions = _read_captions(table, name)
    rows = [i for i, of_one in enumerate(captions) if not of_one or any(map(is_missing, of_one))]
    if rows:
        images = table.select_columns("image")
        files = [(images[row]["image"] or {}).get("path") for row in rows[:3]]
        files = f" ({', '.join(map(str, files))})" if all(files) else ""
        raise ValueError(f"a caption of {name} is missing in {name_rows(rows)}{files}; drop them.")
    return captions


def _read_captions(table, name):
    numbered = sorted(
        (c for c in table.column_names if c.startswith("caption_") and c[8:].isdigit()),
        key=lambda column: int(column[8:]),
    )
    if numbered:
        columns = table.select_columns(numbered)[:]
        return [list(of_one) for of_one in zip(*(columns[c] for c in numbered), strict=True)]
    for column in ("caption", "captions", "text"):
        if column in table.column_names:
            values = table.select_columns(column)[:][column]
            return [list(value) if isinstance(value, list | tuple) else [value] for value in values]
    raise ValueError(
        f"{name} has no captions that can be told (caption_0, caption_1 ..., caption, captions or "
        f"text); its columns are {', '.join(table.column_names)}."
    )


def _choose(of_one, caption, name):
    if caption == "all":
        return " ".join(of_one)
    if caption >= len(of_one):
        raise ValueError(
            f'a photo of {name} has {len(of_one)} captions: caption must be "all", "each" or a '
            f"number from 0 to {len(of_one) - 1}, got {caption}."
        )
    return of_one[caption]
