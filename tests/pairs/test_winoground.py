"""Two scenes, two captions of the same words: groups, their scores, and what cannot solve them."""

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
from pairs_world import world

from mmlearn.data import load_scenes
from mmlearn.pairs import Regions, opposite_groups, score_groups, winoground_scores


@pytest.fixture(scope="module")
def scenes():
    return load_scenes(60, n_objects=(5, 5), kinds=("relation",))


def test_the_captions_of_a_group_have_the_same_words_and_are_true_of_their_own_scene(scenes):
    rows, captions = opposite_groups(scenes)
    assert len(rows) == len(captions) > 20
    for (first, second), (here, there) in zip(rows, captions, strict=True):
        assert Counter(here) == Counter(there)
        words = scenes.decode(here).replace("[CLS] the ", "").split()
        a, b, direction = words[0], words[-2], 0 if "left" in words else 2
        for scene, (x, y) in ((first, (a, b)), (second, (b, a))):
            i, j = (
                int(np.flatnonzero(scenes.objects[scene] == scenes.names.index(n))[0])
                for n in (x, y)
            )
            assert scenes.world.relations[scene, i, j] == direction


def test_each_group_comes_once_and_some_can_be_drawn(scenes):
    rows, captions = opposite_groups(scenes)
    keys = {(*r, *c.ravel()) for r, c in zip(rows.tolist(), captions, strict=True)}
    assert len(keys) == len(rows)
    few, _ = opposite_groups(scenes, limit=7, seed=1)
    np.testing.assert_array_equal(few, opposite_groups(scenes, limit=7, seed=1)[0])
    assert few.shape == (7, 2)


def test_text_image_and_group_score_by_hand():
    right, only_text = [[2, 1], [0, 3]], [[3, 5], [2, 6]]
    only_image, tied = [[5, 4], [6, 7]], [[1, 1], [1, 1]]
    found = winoground_scores([right, only_text, only_image, tied])
    assert found == {"text": 0.5, "image": 0.5, "group": 0.25}
    with pytest.raises(ValueError, match="2 captions, 2 images"):
        winoground_scores(np.zeros((3, 2)))


def test_scores_by_chance_have_the_chance_levels():
    found = winoground_scores(np.random.default_rng(0).random((20_000, 2, 2)))
    assert abs(found["text"] - 1 / 4) < 0.01
    assert abs(found["image"] - 1 / 4) < 0.01
    assert abs(found["group"] - 1 / 6) < 0.01


def test_a_bag_of_words_and_a_reader_of_captions_alone_solve_no_group(scenes):
    rows, captions = opposite_groups(scenes)

    def bag(images, texts):
        return np.sort(texts, axis=1) @ np.arange(texts.shape[1]) + images.rows.sum(1).numpy()

    def caption(images, texts):
        return texts[:, 2]

    for score in (bag, caption):
        model = SimpleNamespace(score_pairs=score)
        scores = score_groups(model, Regions.of(scenes), rows, captions)
        assert winoground_scores(scores)["group"] == 0


def test_scores_of_groups_are_of_caption_i_with_image_j():
    images = world(3).images

    def score(images, texts):
        return images.rows[:, 0].numpy() * 100 + texts[:, 0]

    rows, captions = np.array([[2, 0]]), np.array([[[7], [8]]])
    scores = score_groups(SimpleNamespace(score_pairs=score), images, rows, captions)
    a, b = (int(images.rows[k, 0]) * 100 for k in (2, 0))
    np.testing.assert_array_equal(scores[0], [[a + 7, b + 7], [a + 8, b + 8]])
