"""Procrustes undoes a turn exactly; what is left of movement stands beside a control."""

import numpy as np
import pytest

from mmlearn.deep import Diachronic, displacement, procrustes


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


def shuffled_world(seed, groups=16, n=60):
    """Groups that exchange captions with a partner at their speed, their times dealt out anew."""
    rng = np.random.default_rng(seed)
    speed = np.repeat(np.linspace(-1, 1, groups // 2), 2)
    labels, times = np.repeat(np.arange(groups), n), rng.random(groups * n)
    v = speed[labels]
    away = rng.random(len(labels)) < np.where(v > 0, v * times, -v * (1 - times))
    of_text = np.where(away, labels ^ 1, labels)
    m_x, m_y = rng.normal(size=(2, groups, 12))
    x, y = (m + 0.5 * rng.normal(size=m.shape) for m in (m_x[labels], m_y[of_text]))
    return speed, labels, of_text, x, y, rng.permutation(times)


@pytest.mark.slow
def test_movement_goes_with_the_planted_speed_where_times_are_shuffled():
    """The trap: nothing can have drifted, but fast groups mix more captions and jump about more."""
    found = []
    for seed in (0, 1):
        speed, labels, of_text, x, y, times = shuffled_world(seed)
        model = Diachronic(
            16, hidden=32, epochs=20, batch_size=120, learning_rate=0.01, device="cpu"
        ).fit(x, y, labels, times)
        for rows, of_row in (({"images": x}, labels), ({"texts": y}, of_text)):
            path = model.trajectories([0.0, 1.0], **rows)
            u = path / np.linalg.norm(path, axis=2, keepdims=True)
            raw = 1 - (u[:, 0] * u[:, 1]).sum(axis=1)
            aligned = displacement(path, path).aligned
            assert raw.mean() > 5 * aligned.mean()  # nearly all of it is the space that turns
            by_group = np.bincount(of_row, raw) / np.bincount(of_row)
            found.append(np.corrcoef(by_group, abs(speed))[0, 1])
    assert np.mean(found) > 0.2


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
