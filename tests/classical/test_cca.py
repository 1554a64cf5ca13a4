"""CCA against answers known in advance, against a peer library, and on awkward data."""

import numpy as np
import pytest
from sklearn.base import clone

from mmlearn.classical import CCA

RHO = np.array([0.9, 0.5, 0.1])


def planted(rng, n=60):
    """Paired data whose sample canonical correlations are exactly RHO."""
    raw = rng.normal(size=(n, 6))
    q, _ = np.linalg.qr(raw - raw.mean(axis=0))
    x = q[:, :3]
    return x, x * RHO + q[:, 3:] * np.sqrt(1 - RHO**2)


def correlated(rng, n=400, d_x=12, d_y=9, latent=4):
    z = rng.normal(size=(n, latent))
    x = z @ rng.normal(size=(latent, d_x)) + rng.normal(size=(n, d_x))
    return x, z @ rng.normal(size=(latent, d_y)) + rng.normal(size=(n, d_y))


def column_correlations(u, v):
    return np.array([np.corrcoef(a, b)[0, 1] for a, b in zip(u.T, v.T, strict=True)])


def test_planted_sample_correlations_are_found_exactly(rng):
    x, y = planted(rng)
    np.testing.assert_allclose(CCA(3, shrinkage=0).fit(x, y).correlations_, RHO, atol=1e-12)


def test_correlations_do_not_change_under_invertible_maps_without_shrinkage(rng):
    x, y = planted(rng)
    m, n = rng.normal(size=(3, 3)), rng.normal(size=(3, 3))
    found = CCA(3, shrinkage=0).fit(x @ m + 5, y @ n - 3).correlations_
    np.testing.assert_allclose(found, RHO, atol=1e-9)


def test_embeddings_are_white_and_correlate_as_reported(rng):
    x, y = correlated(rng)
    cca = CCA(5, shrinkage=0).fit(x, y)
    u, v = cca.embed_images(x), cca.embed_texts(y)
    np.testing.assert_allclose(u.T @ u / len(u), np.eye(5), atol=1e-10)
    np.testing.assert_allclose(v.T @ v / len(v), np.eye(5), atol=1e-10)
    np.testing.assert_allclose(u.T @ v / len(u), np.diag(cca.correlations_), atol=1e-10)


def test_correlations_agree_with_cca_zoo(rng):
    cca_zoo = pytest.importorskip("cca_zoo.linear", reason="cca-zoo is not installed")
    x, y = correlated(rng)
    peer = cca_zoo.CCA(n_components=4).fit([x, y])
    u, v = peer.transform([x, y])
    ours = CCA(4, shrinkage=0).fit(x, y).correlations_
    np.testing.assert_allclose(ours, np.abs(column_correlations(u, v)), atol=1e-6)


def test_rows_may_come_in_any_order(rng):
    x, y = correlated(rng)
    order = rng.permutation(len(x))
    a, b = CCA(3).fit(x, y), CCA(3).fit(x[order], y[order])
    np.testing.assert_allclose(a.image_weights_, b.image_weights_, atol=1e-9)


def test_shifting_the_data_changes_no_embedding_even_by_a_million(rng):
    x, y = correlated(rng)
    a, b = CCA(3).fit(x, y), CCA(3).fit(x + 1e6, y)
    np.testing.assert_allclose(a.embed_images(x), b.embed_images(x + 1e6), atol=1e-5)


def test_the_largest_image_weight_of_each_component_is_positive(rng):
    x, y = correlated(rng)
    for w in (CCA(4).fit(x, y).image_weights_, CCA(4).fit(-x, y).image_weights_):
        assert (w[np.abs(w).argmax(axis=0), range(4)] > 0).all()


def test_planted_signal_is_recovered_on_held_out_pairs(rng):
    x, y = correlated(rng, n=800)
    cca = CCA(4).fit(x[:600], y[:600])
    held_out = column_correlations(cca.embed_images(x[600:]), cca.embed_texts(y[600:]))
    assert held_out[:2].min() > 0.8


def test_pure_noise_with_fewer_pairs_than_features_correlates_only_in_training(rng):
    x, y = rng.normal(size=(40, 100)), rng.normal(size=(40, 100))
    cca = CCA(5, shrinkage=0).fit(x, y)
    np.testing.assert_allclose(cca.correlations_, 1, atol=1e-8)
    fresh = rng.normal(size=(500, 100)), rng.normal(size=(500, 100))
    held_out = column_correlations(cca.embed_images(fresh[0]), cca.embed_texts(fresh[1]))
    assert np.abs(held_out).max() < 0.4


@pytest.mark.parametrize("shrinkage", [0, 0.1])
def test_constant_and_duplicate_columns_leave_the_embedding_finite_and_unchanged(rng, shrinkage):
    x, y = correlated(rng)
    plain = CCA(3, shrinkage=shrinkage).fit(x, y)
    wide = np.hstack([x, np.ones((len(x), 1)), x[:, :1]])
    odd = CCA(3, shrinkage=shrinkage).fit(wide, y)
    assert np.isfinite(odd.embed_images(wide)).all()
    if shrinkage == 0:
        np.testing.assert_allclose(odd.correlations_, plain.correlations_, atol=1e-9)


def test_columns_of_very_different_scale_keep_their_correlations(rng):
    x, y = planted(rng)
    found = CCA(3, shrinkage=0).fit(x * [1e-6, 1, 1e6], y).correlations_
    np.testing.assert_allclose(found, RHO, atol=1e-9)


def test_full_shrinkage_is_cross_covariance_analysis(rng):
    x, y = correlated(rng)
    a, b = x - x.mean(0), y - y.mean(0)
    u, _, _ = np.linalg.svd(a.T @ b)
    w = CCA(2, shrinkage=1).fit(x, y).image_weights_
    cosines = np.abs((w / np.linalg.norm(w, axis=0)).T @ u[:, :2])
    np.testing.assert_allclose(cosines, np.eye(2), atol=1e-9)


def test_batches_give_what_one_fit_gives(rng):
    x, y = correlated(rng)
    whole, stream = CCA(3).fit(x, y), CCA(3)
    for rows in np.array_split(np.arange(len(x)), [2, 7, 150]):
        stream.partial_fit(x[rows], y[rows])
    np.testing.assert_allclose(stream.image_weights_, whole.image_weights_, atol=1e-9)


def test_moments_of_two_workers_merge(rng):
    x, y = correlated(rng)
    first, second = CCA(3).partial_fit(x[:100], y[:100]), CCA(3).partial_fit(x[100:], y[100:])
    merged = first.merge(second)
    np.testing.assert_allclose(merged.text_weights_, CCA(3).fit(x, y).text_weights_, atol=1e-9)


def test_estimator_can_be_cloned_and_scored(rng):
    x, y = correlated(rng)
    model = clone(CCA(3, shrinkage=0.2)).fit(x, y)
    assert model.get_params() == {"n_components": 3, "shrinkage": 0.2}
    assert model.score(x, y, np.arange(len(x))) > 10 / len(x)


def spoil(x, value):
    x = x.copy()
    x[3, 1] = value
    return x


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda x, y: (spoil(x, np.nan), y), "images holds NaN or infinite"),
        (lambda x, y: (x, spoil(y, np.inf)), "texts holds NaN or infinite"),
        (lambda x, y: (x[:-1], y), "399 images and 400 texts"),
        (lambda x, y: (x[:, 0], y), "images must be a matrix"),
        (lambda x, y: (x[:0], y[:0]), "images is empty"),
        (lambda x, y: (x * 0 + 3, y), "every row of images is the same"),
        (lambda x, y: (x[:5], y[:5]), "5 pairs are too few for n_components=5"),
        (lambda x, y: (x[:, :4], y), "more than the 4 features of images"),
        (lambda x, y: ([["a", "b"]], [["c", "d"]]), "must be a matrix of numbers"),
    ],
)
def test_bad_input_gets_one_clear_sentence(rng, change, sentence):
    with pytest.raises((ValueError, TypeError), match=sentence):
        CCA(5).fit(*change(*correlated(rng)))


def test_too_few_independent_directions_are_refused_without_shrinkage(rng):
    x, y = correlated(rng)
    with pytest.raises(ValueError, match="only 2 independent directions"):
        CCA(3, shrinkage=0).fit(x[:, [0, 1, 0, 1]], y)


def test_new_data_of_another_width_is_refused(rng):
    model = CCA(3).fit(*correlated(rng))
    with pytest.raises(ValueError, match="fitted on 12"):
        model.embed_images(rng.normal(size=(2, 5)))


@pytest.mark.parametrize("params", [{"shrinkage": -0.1}, {"shrinkage": 2}, {"n_components": 0}])
def test_impossible_settings_are_refused(rng, params):
    with pytest.raises(ValueError, match=next(iter(params))):
        CCA(**{"n_components": 3} | params).fit(*correlated(rng))


def test_singular_data_keep_their_correlations_whatever_the_scale_of_a_column(rng):
    x = rng.normal(size=(500, 3))
    y = x + rng.normal(size=(500, 3))
    expected = CCA(3, shrinkage=0).fit(x, y).correlations_
    for scales in ([1e-7, 1, 1], [1e-8, 1, 1], [1e-4, 1, 1e4]):
        wide = np.c_[x * scales, x[:, 1]]  # the last column repeats another
        found = CCA(3, shrinkage=0).fit(wide, y).correlations_
        np.testing.assert_allclose(found, expected, atol=1e-7)
