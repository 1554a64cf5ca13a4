"""Without a region, and beyond the first order: occlusion and reranking."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from pairs_world import vilbert, world

from mmlearn.pairs import occlusion_drop, rerank, score_all


def test_only_the_region_that_decides_is_missed():
    images = world(4).images
    images = images.without([-1, 4, -1, -1])

    def needs_region_2(images, texts):
        right = 3.0 * images.present[:, 2]
        return torch.stack([right, torch.zeros(len(images))], dim=1)

    drop = occlusion_drop(SimpleNamespace(score_pairs=needs_region_2), images, None, [0, 0, 0, 1])
    expected = np.zeros((4, 5))
    expected[:3, 2] = 1 / (1 + np.exp(-3)) - 0.5
    expected[3, 2] = -expected[0, 2]  # there the right choice grows more probable
    np.testing.assert_allclose(drop, expected, atol=1e-6)


def test_every_text_is_scored_with_every_image():
    w = world(6)
    model = vilbert(epochs=1).fit(w.images, w.texts, w.labels)
    texts = w.texts[:3, 0]
    scores = score_all(model, w.images, texts)
    assert scores.shape == (3, 6)
    one = model.score_pairs(w.images[[4]], texts[1:2])
    np.testing.assert_allclose(scores[1, 4], one[0], atol=1e-5)


class Asked:
    """Likes an image the better, the larger its first row; counts the pairs that it scores."""

    def __init__(self):
        self.pairs = 0

    def score_pairs(self, images, texts):
        self.pairs += len(texts)
        return images.rows[:, 0].numpy()


def test_only_the_head_of_the_first_order_is_sorted_anew():
    images, model = world(6).images, Asked()
    first = np.array([[6, 5, 4, 3, 2, 1], [1, 2, 3, 4, 5, 6.0]])
    texts, liked = np.array([[1, 5, 2]] * 2), images.rows[:, 0].numpy()
    found = rerank(model, images, texts, first, k=3)
    assert model.pairs == 6
    for order, head, tail in zip(
        (-found).argsort(axis=1), ([0, 1, 2], [5, 4, 3]), ([3, 4, 5], [2, 1, 0]), strict=True
    ):
        assert order[:3].tolist() == sorted(head, key=lambda i: (-liked[i], head.index(i)))
        assert order[3:].tolist() == tail


def test_with_one_it_is_the_first_order_and_with_all_the_models():
    images = world(6).images
    first, texts = np.random.default_rng(0).random((2, 6)), np.array([[1, 5, 2]] * 2)
    one, every = (rerank(Asked(), images, texts, first, k=k) for k in (1, 6))
    np.testing.assert_array_equal(one.argsort(axis=1), first.argsort(axis=1))
    liked = score_all(Asked(), images, texts)
    taken = np.take_along_axis(liked, (-every).argsort(axis=1), axis=1)
    assert (np.diff(taken, axis=1) <= 0).all()


@pytest.mark.parametrize(
    ("shape", "k", "sentence"),
    [((3, 6), 2, r"similarity must be \(2, 6\)"), ((2, 6), 7, "k must be from 1 to 6")],
)
def test_what_cannot_be_reranked_is_named(shape, k, sentence):
    with pytest.raises(ValueError, match=sentence):
        rerank(Asked(), world(6).images, np.array([[1, 5, 2]] * 2), np.zeros(shape), k)
