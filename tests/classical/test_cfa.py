"""CFA against answers known in advance, and where it differs from CCA."""

import numpy as np
import pytest

from mmlearn.classical import CCA, CFA


def data(rng, n=200):
    x = rng.normal(size=(n, 4)) * [4, 3, 2, 1]
    return x, x @ rng.normal(size=(4, 6)) + rng.normal(size=(n, 6))


def test_rotated_copy_is_matched_without_residual(rng):
    x = data(rng)[0]
    r, _ = np.linalg.qr(rng.normal(size=(4, 4)))
    cfa = CFA(4).fit(x, x @ r)
    np.testing.assert_allclose(cfa.embed_images(x), cfa.embed_texts(x @ r), atol=1e-12)
    centred = x - x.mean(axis=0)
    eigenvalues = np.linalg.eigvalsh(centred.T @ centred / len(x))[::-1]
    np.testing.assert_allclose(cfa.singular_values_, eigenvalues, rtol=1e-10)


def test_projections_are_orthonormal_and_not_whitened(rng):
    cfa = CFA(3).fit(*data(rng))
    for w in (cfa.image_weights_, cfa.text_weights_):
        np.testing.assert_allclose(w.T @ w, np.eye(3), atol=1e-12)


def test_no_other_orthonormal_pair_leaves_a_smaller_residual(rng):
    x, y = data(rng)
    cfa = CFA(2).fit(x, y)
    covariance = np.trace(cfa.embed_images(x).T @ cfa.embed_texts(y))
    for _ in range(50):
        a, _ = np.linalg.qr(rng.normal(size=(4, 2)))
        b, _ = np.linalg.qr(rng.normal(size=(6, 2)))
        assert np.trace(((x - x.mean(0)) @ a).T @ ((y - y.mean(0)) @ b)) < covariance


def test_scaling_a_column_turns_the_axes_while_cca_keeps_its_correlations(rng):
    x, y = data(rng)
    scaled = x * [1, 1, 1, 100]
    plain, pulled = CFA(1).fit(x, y), CFA(1).fit(scaled, y)
    assert abs(pulled.image_weights_[3, 0]) > 0.99 > abs(plain.image_weights_[3, 0])
    before, after = CCA(3, shrinkage=0).fit(x, y), CCA(3, shrinkage=0).fit(scaled, y)
    np.testing.assert_allclose(before.correlations_, after.correlations_, atol=1e-10)


def test_standardising_makes_the_scale_of_a_column_irrelevant(rng):
    x, y = data(rng)
    a, b = CFA(2, standardize=True).fit(x, y), CFA(2, standardize=True).fit(x * [1, 1, 1, 100], y)
    np.testing.assert_allclose(a.embed_images(x), b.embed_images(x * [1, 1, 1, 100]), atol=1e-10)


def test_a_constant_column_gets_no_weight(rng):
    x, y = data(rng)
    for standardize in (False, True):
        cfa = CFA(2, standardize=standardize).fit(np.hstack([x, np.full((200, 1), 0.1)]), y)
        assert np.abs(cfa.image_weights_[4]).max() < 1e-9


def test_batches_give_what_one_fit_gives(rng):
    x, y = data(rng)
    stream = CFA(2, standardize=True)
    for rows in np.array_split(np.arange(200), 4):
        stream.partial_fit(x[rows], y[rows])
    whole = CFA(2, standardize=True).fit(x, y)
    np.testing.assert_allclose(stream.text_weights_, whole.text_weights_, atol=1e-10)


def test_a_batch_of_another_width_is_refused_and_changes_nothing(rng):
    x, y = data(rng)
    stream = CFA(2).partial_fit(x, y)
    with pytest.raises(ValueError, match="earlier batches had 4"):
        stream.partial_fit(x[:, :3], y)
    np.testing.assert_allclose(stream.image_weights_, CFA(2).fit(x, y).image_weights_, atol=1e-12)


def test_more_features_than_pairs_is_no_obstacle(rng):
    x, y = rng.normal(size=(10, 30)), rng.normal(size=(10, 20))
    assert CFA(5).fit(x, y).embed_images(x).shape == (10, 5)
