"""Procrustes undoes a turn exactly; what is left of movement stands beside a control."""

import numpy as np
import pytest

from mmlearn.deep import displacement, procrustes


def rotation(rng, k):
    return np.linalg.qr(rng.normal(size=(k, k)))[0]


def test_a_planted_rotation_is_recovered_exactly(rng):
    a, q = rng.normal(size=(40, 6)), rotation(rng, 6)
    np.testing.assert_allclose(procrustes(a, a @ q), q, atol=1e-12)
    np.testing.assert_allclose(procrustes(a, 3 * a @ q), q, atol=1e-12)  # whatever the scale
    np.testing.assert_allclose(procrustes(a, a), np.eye(6), atol=1e-12)


def test_a_rotation_is_recovered_through_noise(rng):
    a, q = rng.normal(size=(500, 4)), rotation(rng, 4)
    found = procrustes(a, a @ q + 0.3 * rng.normal(size=a.shape))
    np.testing.assert_allclose(found, q, atol=0.06)


@pytest.mark.parametrize("a", [np.zeros((3, 4)), np.eye(4)[:2], np.ones((5, 4))])
def test_what_has_not_full_rank_still_gives_an_orthogonal_matrix(a):
    q = procrustes(a, a)
    np.testing.assert_allclose(q @ q.T, np.eye(4), atol=1e-12)
    np.testing.assert_allclose(a @ q, a, atol=1e-12)


def test_a_turn_of_the_whole_space_is_no_movement(rng):
    z = rng.normal(size=(30, 5))
    paths = np.stack([z, z @ rotation(rng, 5)], axis=1)
    assert displacement(paths, paths).aligned.max() < 1e-12


def test_who_moves_in_a_turning_space_is_found(rng):
    z = rng.normal(size=(200, 5))
    later = z.copy()
    later[:10] = -z[:10]
    turned = later @ rotation(rng, 5)
    moved = displacement(np.stack([z, turned], 1), np.stack([z, z], 1))
    assert moved.aligned[:10].min() > 1.9
    assert moved.aligned[10:].max() < 0.1
    np.testing.assert_allclose(moved.excess, moved.aligned, atol=1e-12)


def test_the_excess_is_what_is_left_above_the_control(rng):
    z = rng.normal(size=(300, 4))
    noisy = np.stack([z, z + 0.5 * rng.normal(size=z.shape)], axis=1)
    again = np.stack([z, z + 0.5 * rng.normal(size=z.shape)], axis=1)
    moved = displacement(noisy, again)
    assert moved.aligned.mean() > 0.05
    assert abs(moved.excess.mean()) < 0.02


def test_only_the_first_and_the_last_time_count(rng):
    paths = rng.normal(size=(20, 4, 3))
    ends = paths[:, [0, -1]]
    np.testing.assert_array_equal(
        displacement(paths, paths).aligned, displacement(ends, ends).aligned
    )


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: procrustes(np.eye(3), np.eye(4)), "one shape, row by row"),
        (lambda: displacement(np.zeros((3, 4)), np.zeros((3, 4))), "paths must be"),
        (lambda: displacement(np.zeros((3, 1, 4)), np.zeros((3, 2, 4))), "two or more times"),
        (lambda: displacement(np.zeros((3, 2, 4)), np.zeros((2, 2, 4))), "of the same items"),
    ],
)
def test_bad_input_gets_one_clear_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
