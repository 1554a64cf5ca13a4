"""Texts without their question or its subject, images without a region or without places."""

import numpy as np
import pytest
import torch
from pairs_world import world

from mmlearn.pairs import without_query, without_subject


def test_without_query_leaves_the_responses_alone():
    w = world(5)
    tokens, tags = without_query((w.texts, w.tags))
    assert tokens.shape == tags.shape == (5, 4, 4)
    np.testing.assert_array_equal(tokens[:, :, :2], np.broadcast_to([1, 2], (5, 4, 2)))
    np.testing.assert_array_equal(tokens[:, :, 2:], w.texts[:, :, 4:])
    np.testing.assert_array_equal(tags[:, :, 2:], w.tags[:, :, 4:])


def test_without_subject_hides_what_the_question_names_and_nothing_else():
    w = world(5)
    tags = w.tags.copy()
    tags[:, :, 4] = 1  # an answer that names a region
    tokens, hidden = without_subject((w.texts, tags))
    assert (tokens[:, :, 2] == 4).all()  # [UNK]
    others = [0, 1, 3, 4, 5]
    np.testing.assert_array_equal(tokens[:, :, others], w.texts[:, :, others])
    np.testing.assert_array_equal(hidden[:, :, others], tags[:, :, others])
    assert (hidden[:, :, 2] == -1).all()


def test_an_image_without_a_region_keeps_all_others_where_they_were():
    images = world(3).images
    fewer = images.without([1, 4, -1])
    assert fewer.present.tolist() == [
        [True, False, True, True, True],
        [True, True, True, True, False],
        [True] * 5,  # there is no region -1
    ]
    stay = fewer.present
    for name in ("rows", "boxes", "classes"):
        torch.testing.assert_close(getattr(fewer, name)[stay], getattr(images, name)[stay])
    assert (fewer.boxes[~stay] == 0).all()
    assert (fewer.classes[~stay] == -1).all()
    assert not images.without(2).present[:, 2].any()
    with pytest.raises(ValueError, match="one an image: 3 of them"):
        images.without([1, 2])


def test_a_place_blind_image_keeps_its_objects():
    images = world(3).images
    blind = images.place_blind()
    assert (blind.boxes == 0).all()
    torch.testing.assert_close(blind.rows, images.rows)


def test_the_mean_of_an_images_regions_is_a_vector_of_it():
    images = world(4).images.without(0)
    mean = images.features[images.rows[:, 1:]].mean(dim=1)
    np.testing.assert_allclose(images.mean_features(), mean, rtol=1e-5, atol=1e-6)
