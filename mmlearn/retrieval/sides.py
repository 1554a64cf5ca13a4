"""The two sides of a test set, embedded: items, or distinct pictures and all their captions."""

import numpy as np

from mmlearn.arrays import to_numpy
from mmlearn.labels import check_label_values
from mmlearn.retrieval.ranking import CELLS

__all__ = ["embed_both", "pictures_and_captions"]


def embed_both(model, test, pictures=slice(None)):
    """Embeddings of the images at the rows `pictures`, and of all texts; each at its own time."""
    timed = getattr(model, "timed", False)
    at_x, at_y = ({"times": test.times[rows]} if timed else {} for rows in (pictures, slice(None)))
    return model.embed_images(test.images[pictures], **at_x), model.embed_texts(test.texts, **at_y)


def pictures_and_captions(groups, images):
    """Where each distinct picture first stands, (p,), and of which picture each caption is, (n,).

    Raises
    ------
    ValueError: groups that are missing or not (n,), or two different images in one group

    >>> pictures_and_captions(["b", "b", "a"], np.array([[1.0], [1.0], [2.0]]))
    (array([0, 2]), array([0, 0, 1]))
    """
    groups = check_label_values(groups, "groups")
    if groups.shape != (len(images),):
        raise ValueError(
            f"groups must have shape ({len(images)},), one a pair, got {groups.shape}."
        )
    _, first, code = np.unique(groups, return_index=True, return_inverse=True)
    order = np.argsort(first)  # the pictures in the order of the data set
    pictures, picture_of = first[order], np.argsort(order)[code]
    _check_one_picture_a_group(images, pictures[picture_of])
    return pictures, picture_of


def _check_one_picture_a_group(images, own):
    step = max(1, CELLS // max(int(np.prod(images.shape[1:])), 1))
    for start in range(0, len(images), step):
        rows = slice(start, start + step)
        given, expected = (to_numpy(images[i]).astype(np.float64) for i in (rows, own[rows]))
        # Features of one picture that were computed in two batches differ in their last digits.
        differs = np.abs(given - expected) > 1e-3 * np.abs(expected).max(initial=1e-30)
        if differs.any():
            i = start + int(np.argmax(differs.reshape(len(given), -1).any(axis=1)))
            raise ValueError(
                f"items {own[i]} and {i} are of one group, but their images differ; items of one "
                "group are captions of one picture."
            )
