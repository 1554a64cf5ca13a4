"""Draw the two pictures of README's first screen: strip.png and map.png.

    python tools/pictures.py [--out docs/images]

One space for pictures and words is learnt from 1,221 emoji (supervised contrastive learning, by
subgroup, such as "food-fruit"). Both pictures show the 408 others, which took no part in it.

strip.png: typed texts and the nearest pictures. Its first row ranks by the raw vectors of the two
sides, cut to 50 columns each, as at the start of unit 02. A green frame: the picture's subgroup is
one of those that QUERIES names for the text. map.png: t-SNE of the learnt space, every emoji moved
to a cell of a grid and tinted by its group; the words are placed by the text side. Texts and words
were chosen by hand; no picture was taken out or moved up.

The pictures contain emoji designed by OpenMoji (https://openmoji.org), licence CC BY-SA 4.0, and
are under that licence themselves.
"""

import argparse
import io
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import torch
from PIL import Image
from sklearn.manifold import TSNE

from mmlearn import plotting
from mmlearn.arrays import cosine_similarity
from mmlearn.data import load_emoji
from mmlearn.deep import SupCon
from mmlearn.storage.files import write_atomically

QUERIES = {  # a typed text, and how the names of the subgroups begin that answer it
    "red fruit": ("food-fruit",),
    "a fast vehicle": ("transport-ground", "transport-air", "transport-water"),
    "something to wear in the rain": ("clothing",),
}
WORDS = (
    "fruit", "drink", "animal", "vehicle", "clock", "clothes", "weather", "happy face", "family",
    "building", "music", "sport", "heart", "arrow", "book", "hand",
)  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # sums in the same order on every machine
    train, test = load_emoji(size=192).features("cnn+colour", "lsa").split(0.25, seed=0)
    model = learn(train)
    save(strip(model, train, test), out / "strip.png")
    save(map_of_words(model, train, test), out / "map.png")


def learn(train):
    """A space of pictures and words.

    The settings are within 0.02 of the best mAP of twelve on a validation part of `train` (texts
    ask for pictures of their subgroup); among those the pictures themselves were looked at.
    """
    model = SupCon(
        100,
        temperature=0.1,
        hidden=512,
        dropout=0.7,
        epochs=40,
        standardize=False,
        device="cpu",
        random_state=0,
    )
    return model.fit(train.images, train.texts, train.sublabels)


def strip(model, train, test, k=8):
    """Three typed texts and their nearest pictures, the first also by the raw columns."""
    typed = train.text_transformer.transform(list(QUERIES))
    before = cosine_similarity(typed[:1, :50], test.images[:, :50])
    after = cosine_similarity(model.embed_texts(typed), model.embed_images(test.images))
    nearest = np.argsort(-np.vstack([before, after]), axis=1, kind="stable")[:, :k]
    texts = [next(iter(QUERIES)), *QUERIES]
    subgroups = np.array(test.sublabel_names)[test.sublabels]
    hits = [
        np.isin(subgroups[row], QUERIES[text]) for text, row in zip(texts, nearest, strict=True)
    ]
    notes = ["before: raw columns", *["after: one learnt space"] * len(QUERIES)]
    return plotting.query_rows(texts, test.pictures[nearest], hits, notes)


def map_of_words(model, train, test):
    """Held-out pictures and typed words in the plane."""
    typed = model.embed_texts(train.text_transformer.transform(list(WORDS)))
    z = np.vstack([model.embed_images(test.images), typed])
    z = z / np.linalg.norm(z, axis=1, keepdims=True)
    plane = TSNE(perplexity=20, init="pca", random_state=0).fit_transform(z)
    n = len(test)
    return plotting.embedding_map(plane[:n], test.pictures, WORDS, plane[n:], test.labels)


def save(figure, path):
    """PNG of 1800 pixels across, its colours cut to 256, which keeps it small."""
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=100)
    plt.close(figure)
    small = io.BytesIO()
    Image.open(drawn).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(
        small, "PNG", optimize=True
    )
    write_atomically(path, small.getvalue())
    print(f"{path}: {len(small.getvalue()) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
