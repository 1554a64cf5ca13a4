"""Photos of clothes, shoes and accessories with their titles, classes and years, 2007 to 2018."""

import numpy as np

from mmlearn.data.hub import check_columns, check_count, open_table, square_pictures
from mmlearn.data.paired import PairedDataset
from mmlearn.storage.cache import local_folder

__all__ = ["load_fashion"]

HUB_NAME = "ashraq/fashion-product-images-small"
COLUMNS = ["subCategory", "articleType", "year", "productDisplayName"]
LICENCE = (
    "Photos and titles of an online shop's catalogue; their licence is not confirmed: "
    "learn from them, do not publish them."
)


def load_fashion(n=None, size=64, seed=0, min_items=500, max_items=1000, years=None):
    """Product photos on white with a title each: realistic pictures, and a real timeline.

    A caption is the product's title, such as "Puma Deck Navy Blue Backpack": brand, colour and
    often the class itself. A catalogue is lopsided and has a tail of rare subcategories, so
    classes are evened out by `min_items` and `max_items`. Products without a subcategory, article
    type, year or title are left out. Many products share their title with another one, so
    near-duplicates can lie on both sides of a random split.

    Looked for in $MMLEARN_DATA/fashion (train*.parquet), else had from the Hugging Face hub.

    Parameters
    ----------
    n : int or None: so many products drawn at random, in the end; None: all
    size : int, default 64: height and width in pixels; the photos (60 × 80) are padded with white
    seed : int, of all that is drawn at random
    min_items : int, default 500: subcategories with fewer products are left out
    max_items : int, default 1000: of larger subcategories so many are drawn
    years : (first, last) or None: products of other years are left out, before all the rest. Few
        are older than 2010, and few of 2014; many subcategories were sold in some years only.

    Returns
    -------
    PairedDataset with labels (subcategories, such as "Bags"), sublabels (article types, such as
    "Backpacks") and times (years), in the order of the catalogue.

    Raises
    ------
    FileNotFoundError
        If the data is neither on this machine nor to be had from the hub.
    ValueError
        If a number is out of range, or no subcategory (of these years) is large enough.

    Examples
    --------
    >>> train, test = load_fashion(n=3000).features().split()  # doctest: +SKIP
    """
    check_count("size", size, 8, 512)
    check_count("min_items", min_items, 1)
    check_count("max_items", max_items, 1)
    if n is not None:
        check_count("n", n, 1)
    first, last = _check_years(years)
    folder = local_folder("fashion")
    table = open_table(folder, HUB_NAME, "train")
    check_columns(table, COLUMNS, HUB_NAME)
    products = table.select_columns(COLUMNS).to_pandas()
    products = products[~((products["year"] < first) | (products["year"] > last))]
    chosen = _choose(products, n, seed, min_items, max_items)
    classes, types = (sorted(chosen[column].unique()) for column in COLUMNS[:2])
    return PairedDataset(
        "fashion",
        square_pictures(table.select(chosen.index), size, "fashion")[0],
        chosen["productDisplayName"].tolist(),
        labels=[classes.index(c) for c in chosen["subCategory"]],
        label_names=classes,
        sublabels=[types.index(t) for t in chosen["articleType"]],
        sublabel_names=types,
        times=chosen["year"].to_numpy(float),
        licence=LICENCE,
        source=f"the data set {HUB_NAME} of the Hugging Face hub",
    )


def _check_years(years):
    if years is None:
        return -np.inf, np.inf
    if len(years) != 2 or not years[0] <= years[1]:
        raise ValueError(f"years must be (first, last) with first <= last, got {years!r}.")
    return years


def _choose(products, n, seed, min_items, max_items):
    """The rows to keep, as a data frame whose index counts the rows of the table."""
    products = products.replace("", None).dropna()
    sizes = products.groupby("subCategory")["year"].transform("size")
    products = products[sizes >= min_items]
    if len(products) == 0:
        raise ValueError(f"no subcategory has {min_items} products; lower min_items.")
    shuffled = products.sample(frac=1, random_state=seed)
    return shuffled.groupby("subCategory").head(max_items).head(n or len(products)).sort_index()
