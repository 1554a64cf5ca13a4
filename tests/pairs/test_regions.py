"""Regions of images: rows, controls and scaling; texts: their parts."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from pairs_world import world

from mmlearn.pairs import Regions
from mmlearn.pairs.regions import RegionScaler
from mmlearn.pairs.tokens import segments, split_response


def dense(n=4, r=3, d=5):
    rng = np.random.default_rng(0)
    mask = np.array([[1, 1, 1], [1, 1, 0], [1, 0, 0], [1, 1, 1]], dtype=bool)
    return rng.normal(size=(n, r, d)), rng.random((n, r, 5)), mask


def test_features_of_each_image_and_a_shared_table_are_the_same_thing():
    features, boxes, mask = dense()
    images = Regions(features, boxes=boxes, mask=mask)
    np.testing.assert_array_equal(images.present, mask)
    found = images.features[images.rows].numpy()
    np.testing.assert_allclose(found, features * mask[..., None], rtol=1e-6)


@pytest.mark.parametrize(
    "index",
    [
        [2, 0],
        slice(1, None),
        slice(None, None, -1),
        np.array([1, 0, 0, 1], dtype=bool),
        torch.tensor([3, 3]),
    ],
)
def test_rows_are_taken_as_from_an_array(index):
    features, boxes, mask = dense()
    some = Regions(features, boxes=boxes, mask=mask)[index]
    rows = index.numpy() if torch.is_tensor(index) else index
    np.testing.assert_allclose(some.boxes, boxes[rows], rtol=1e-6)
    np.testing.assert_array_equal(some.present, mask[rows])
    assert len(some) == len(mask[rows])


def test_scenes_give_their_regions():
    w = world(6)
    scenes = SimpleNamespace(
        features=w.images.features.numpy(), regions=w.images.rows.numpy(),
        boxes=w.images.boxes.numpy(), objects=w.images.classes.numpy(),
    )  # fmt: skip
    images = Regions.of(scenes, np.array([3, 3, 0]))
    torch.testing.assert_close(images.rows, w.images.rows[[3, 3, 0]])
    torch.testing.assert_close(images.classes, w.images.classes[[3, 3, 0]])


def test_the_blind_control_shows_nothing():
    blind = world(6).images.blind()
    assert not blind.present.any()
    assert (blind.boxes == 0).all()
    assert (blind.classes == -1).all()


def test_shuffled_objects_stay_in_their_image_and_none_at_its_place():
    features, boxes, mask = dense()
    images = Regions(features, boxes=boxes, mask=mask)
    shuffled = images.shuffled(seed=3)
    moved = shuffled.rows != images.rows
    torch.testing.assert_close(shuffled.rows.sort(dim=1)[0], images.rows.sort(dim=1)[0])
    assert (moved == images.present & (images.present.sum(1, keepdim=True) > 1)).all()
    several = images.present.sum(1) > 2
    assert (shuffled.boxes != images.boxes).any(2)[several].all()
    places = images.boxes[..., 0].flatten().tolist()
    x1 = dict(zip(images.rows.flatten().tolist(), places, strict=True))
    for rows, boxes in zip(shuffled.rows[several], shuffled.boxes[several], strict=True):
        assert all(x1[int(row)] != float(box[0]) for row, box in zip(rows, boxes, strict=True))
    torch.testing.assert_close(shuffled.boxes.sum(1), images.boxes.sum(1))
    torch.testing.assert_close(images.shuffled(seed=3).rows, shuffled.rows)


def test_scaled_features_of_the_training_regions_are_white_and_boxes_standard():
    rng = np.random.default_rng(0)
    mixed = rng.normal(size=(200, 6)) @ rng.normal(size=(6, 9))  # rank 6
    table = np.vstack([np.zeros(9), mixed])
    rows, boxes = np.arange(1, 201).reshape(50, 4), rng.random((50, 4, 5))
    images = Regions(table, rows, boxes)
    scaler = RegionScaler(images, components=128)
    scaled = scaler(images)
    assert scaler.d == 6
    found = scaled.features[1:]
    torch.testing.assert_close(found.T @ found / 200, torch.eye(6), atol=1e-3, rtol=0)
    assert (scaled.features[0] == 0).all()
    torch.testing.assert_close(
        scaled.boxes.std(dim=(0, 1), correction=0), torch.ones(5), atol=1e-4, rtol=0
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (lambda f, b, m: {"features": f}, "boxes are missing"),
        (lambda f, b, m: {"features": f, "boxes": b[..., :4]}, "boxes .n, R, 5."),
        (lambda f, b, m: {"features": f, "boxes": b, "mask": m[:2]}, "mask must be"),
        (lambda f, b, m: {"features": f[0], "boxes": b}, r"must be \(n, R, d\)"),
        (lambda f, b, m: {"features": f * np.nan, "boxes": b}, "NaN or infinite"),
        (lambda f, b, m: {"features": f[0], "rows": m * 1, "boxes": b}, "zeros in row 0"),
        (lambda f, b, m: {"features": f[0] * 0, "rows": m * 3, "boxes": b}, "between 0 and 2"),
        (lambda f, b, m: {"features": f, "boxes": b, "classes": m[:1]}, "one a region"),
    ],
)
def test_bad_regions_get_one_clear_sentence(arguments, sentence):
    with pytest.raises(ValueError, match=sentence) as caught:
        Regions(**arguments(*dense()))
    assert "\n" not in str(caught.value)


def test_what_stands_before_the_first_sep_and_after_it_are_told_apart():
    tokens = torch.tensor([[1, 9, 2, 8, 7, 2, 0], [1, 9, 8, 7, 6, 5, 2]])
    expected = torch.tensor([[0, 0, 0, 1, 1, 1, 1], [0] * 7])
    torch.testing.assert_close(segments(tokens), expected)


def test_the_response_is_what_stands_after_the_last_but_one_sep():
    tokens = torch.tensor([[[1, 9, 2, 8, 2, 7, 2, 0], [1, 9, 2, 8, 2, 6, 5, 2]],
                           [[1, 4, 2, 3, 2, 0, 0, 0], [1, 4, 2, 3, 4, 2, 0, 0]]])  # fmt: skip
    tags = torch.where(tokens == 9, 2, -1)
    query, response, query_tags, response_tags = split_response(tokens, tags)
    assert query.tolist() == [[1, 9, 2, 8, 2], [1, 4, 2, 0, 0]]
    assert response.tolist() == [[[7, 2, 0], [6, 5, 2]], [[3, 2, 0], [3, 4, 2]]]
    assert query_tags.tolist() == [[-1, 2, -1, -1, -1], [-1] * 5]
    assert (response_tags == -1).all()
