"""Photos with sentences that describe them: any such data set of the Hugging Face hub."""

import numpy as np

from mmlearn.data.hub import check_count, open_table, square_pictures
from mmlearn.data.paired import PairedDataset
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
    name : str or None
        A data set of the hub with a column `image` and the captions as columns `caption_0`,
        `caption_1` ... or as one column `caption`, `captions` or `text` (str or list of str).
        None: $MMLEARN_DATA/captioned_photos where it is there, else "jxie/flickr8k".
    split : str, default "train"; the parquet files in a folder are named after it
    size : int, default 96: height and width in pixels; photos are padded to a square with white
    caption : int or "all": which caption of a photo, or all of them joined to one text
    n : int or None: so many photos drawn at random; None: all
    seed : int, of that draw

    Returns
    -------
    PairedDataset without labels; titles are the first captions.

    Raises
    ------
    FileNotFoundError
        If the data is neither on this machine nor to be had from the hub.
    ValueError
        If a number is out of range or there are no captions.

    References
    ----------
    M. Hodosh, P. Young and J. Hockenmaier, Framing image description as a ranking task: data,
    models and evaluation metrics, Journal of Artificial Intelligence Research 47, 2013 (Flickr8k).

    Examples
    --------
    >>> train, test = load_captions(n=2000).features().split(stratify=False)  # doctest: +SKIP
    """
    check_count("size", size, 8, 512)
    if caption != "all":
        check_count("caption", caption, 0)
    folder = local_folder(LOCAL) if name is None else None
    name = name or (LOCAL if folder is not None else DEFAULT)
    table = _draw(open_table(folder, name, split), n, seed)
    captions = _captions(table, name)
    return PairedDataset(
        name,
        square_pictures(table, size, name.replace("/", "-")),
        [_choose(of_one, caption, name) for of_one in captions],
        titles=[of_one[0] for of_one in captions],
        licence=LICENCES.get(name, f"See the page of {name} on the Hugging Face hub."),
        source=f"parquet files in $MMLEARN_DATA/{LOCAL}"
        if folder is not None
        else f"the data set {name} of the Hugging Face hub, split {split}",
    )


def _draw(table, n, seed):
    if n is None:
        return table
    check_count("n", n, 1, len(table))
    rows = np.random.default_rng(seed).choice(len(table), n, replace=False)
    return table.select(np.sort(rows))


def _captions(table, name):
    """All captions of every photo: a list of lists of str."""
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
            return [[value] if isinstance(value, str) else list(value) for value in values]
    raise ValueError(
        f"{name} has no captions that can be told (caption_0, caption_1 ..., caption, captions or "
        f"text); its columns are {', '.join(table.column_names)}."
    )


def _choose(of_one, caption, name):
    if caption == "all":
        return " ".join(of_one)
    if caption >= len(of_one):
        raise ValueError(
            f'a photo of {name} has {len(of_one)} captions: caption must be "all" or a number '
            f"from 0 to {len(of_one) - 1}, got {caption}."
        )
    return of_one[caption]
