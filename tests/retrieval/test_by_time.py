"""mAP by time and class: what ages falls in later columns, what stays does not."""

from types import SimpleNamespace

import numpy as np
import pytest

from mmlearn.arrays import cosine_similarity
from mmlearn.retrieval import evaluate_retrieval, map_by_time


class Bare:
    """Images and texts are their own embeddings."""

    similarity = staticmethod(cosine_similarity)

    def embed_images(self, images):
        return images

    embed_texts = embed_images


def ageing(n=40):
    """Texts of classes 0 and 1 change places at .5; those of 2 stay."""
    labels, times = np.arange(3 * n) % 3, np.linspace(0, 1, 3 * n)
    of_text = np.where((labels < 2) & (times > 0.5), 1 - labels, labels)
    return SimpleNamespace(
        images=np.eye(3)[labels],
        texts=np.eye(3)[of_text],
        labels=labels,
        times=times,
        label_names=["swaps", "swaps too", "stays"],
    )


def test_the_classes_that_change_age_and_the_one_that_stays_does_not():
    centres, scores = map_by_time(Bare(), ageing(), bins=2)
    np.testing.assert_allclose(centres, [0.25, 0.75])
    np.testing.assert_allclose(scores[:, 0], 1)
    assert scores[:2, 1].max() < 0.5
    assert scores[2, 1] == 1


def test_one_stretch_of_equal_classes_is_the_usual_map(rng):
    data = ageing()
    data.images, data.texts = rng.normal(size=(2, 120, 5))
    scores = map_by_time(Bare(), data, bins=1)[1]
    assert scores.mean() == pytest.approx(evaluate_retrieval(Bare(), data)["mean"])


def test_a_class_without_items_in_a_stretch_has_no_score():
    data = ageing()
    scores = map_by_time(Bare(), data, bins=[-2, -1, 0, 1])[1]
    assert np.isnan(scores[:, 0]).all()
    assert np.isfinite(scores[:, 2]).all()


@pytest.mark.parametrize(
    ("change", "bins", "sentence"),
    [
        ({"times": None}, 2, "needs labels and times"),
        ({"labels": None}, 2, "needs labels and times"),
        ({}, 0, "bins must be a whole number"),
        ({}, [1, 0], "ascending"),
    ],
)
def test_bad_input_gets_one_clear_sentence(change, bins, sentence):
    data = ageing()
    vars(data).update(change)
    with pytest.raises(ValueError, match=sentence):
        map_by_time(Bare(), data, bins)
