"""Kernel CCA against answers known in advance, against a peer library, and on awkward data."""

import numpy as np
import pytest

from mmlearn.classical import CCA, KCCA
from mmlearn.classical.kernels import kernel_matrix


def circle(rng, n=300):
    """Texts know the radius of the images alone: no linear map correlates the two."""
    x = rng.normal(size=(n, 2))
    radius = np.linalg.norm(x, axis=1, keepdims=True)
    return x, np.hstack([radius + 0.1 * rng.normal(size=(n, 1)), rng.normal(size=(n, 1))])


def correlated(rng, n=200, d_x=6, d_y=5):
    z = rng.normal(size=(n, 2))
    x = z @ rng.normal(size=(2, d_x)) + rng.normal(size=(n, d_x))
    return x, z @ rng.normal(size=(2, d_y)) + rng.normal(size=(n, d_y))


def correlation(u, v):
    return np.array([np.corrcoef(a, b)[0, 1] for a, b in zip(u.T, v.T, strict=True)])


def ridge_cca(x, y, kappa):
    """Correlations of CCA with a ridge of kappa times the total variance, by eigenvectors."""
    kappa_x, kappa_y = np.broadcast_to(kappa, 2)

    def inverse_root(s, kappa):
        values, vectors = np.linalg.eigh(s + kappa * s.trace() * np.eye(len(s)))
        return vectors / np.sqrt(values) @ vectors.T

    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    t = inverse_root(x.T @ x, kappa_x) @ x.T @ y @ inverse_root(y.T @ y, kappa_y)
    return np.linalg.svd(t)[1]


@pytest.mark.parametrize("kappa", [0.05, (0.01, 0.3)])
@pytest.mark.parametrize("kernel", ["linear", "precomputed"])
def test_a_linear_kernel_is_ridge_cca(rng, kernel, kappa):
    x, y = correlated(rng)
    given = (x, y) if kernel == "linear" else (x @ x.T, y @ y.T)
    found = KCCA(4, kernel, kernel, kappa=kappa).fit(*given).correlations_
    np.testing.assert_allclose(found, ridge_cca(x, y, kappa)[:4], atol=1e-8)


def test_a_linear_kernel_without_much_ridge_is_cca(rng):
    x, y = correlated(rng)
    kernel, linear = KCCA(3, "linear", "linear", kappa=1e-12).fit(x, y), CCA(3, shrinkage=0)
    linear.fit(x, y)
    np.testing.assert_allclose(kernel.correlations_, linear.correlations_, atol=1e-8)
    u, v = kernel.embed_images(x), linear.embed_images(x)
    np.testing.assert_allclose(np.abs(correlation(u, v)), 1, atol=1e-8)
    np.testing.assert_allclose(u.std(axis=0), v.std(axis=0), atol=1e-8)


def test_wide_data_with_a_linear_kernel_is_ridge_cca_too(rng):
    x, y = rng.normal(size=(30, 80)), rng.normal(size=(30, 50))
    found = KCCA(4, "linear", "linear", kappa=0.02).fit(x, y).correlations_
    np.testing.assert_allclose(found, ridge_cca(x, y, 0.02)[:4], atol=1e-8)


def test_towards_no_ridge_and_fewer_pairs_than_features_every_correlation_is_one(rng):
    x, y = rng.normal(size=(40, 100)), rng.normal(size=(40, 100))
    found = KCCA(10, "linear", "linear", kappa=1e-10).fit(x, y).correlations_
    np.testing.assert_allclose(found, 1, atol=1e-6)


def test_the_constraint_of_the_definition_holds_at_the_solution(rng):
    x, y = circle(rng, n=120)
    n, h = 120, np.eye(120) - 1 / 120
    k_x = kernel_matrix(x, x, "rbf", 0.4)
    k_y = kernel_matrix(y, y, "rbf", 0.7)
    model = KCCA(3, "precomputed", "precomputed", kappa=0.02).fit(k_x, k_y)
    alpha, beta = np.zeros((n, 3)), np.zeros((n, 3))
    alpha[model.image_map_.landmarks_] = model.image_coefficients_
    beta[model.text_map_.landmarks_] = model.text_coefficients_
    k_x, k_y = h @ k_x @ h, h @ k_y @ h
    for k, a in ((k_x, alpha), (k_y, beta)):
        constraint = a.T @ (k @ k + 0.02 * k.trace() * k) @ a / n
        np.testing.assert_allclose(constraint, np.eye(3), atol=1e-7)
    objective = alpha.T @ k_x @ k_y @ beta / n
    np.testing.assert_allclose(objective, np.diag(model.correlations_), atol=1e-7)


def test_lanczos_and_the_full_decomposition_find_the_same(rng):
    x, y = circle(rng)  # 300 directions: 31 components are past the full decomposition's share
    few, many = KCCA(5).fit(x, y), KCCA(31).fit(x, y)
    np.testing.assert_allclose(few.correlations_, many.correlations_[:5], atol=1e-9)
    np.testing.assert_allclose(few.embed_images(x), many.embed_images(x)[:, :5], atol=1e-6)


def test_a_signal_that_linear_cca_misses_is_recovered_on_held_out_pairs(rng):
    x, y = circle(rng)
    new_x, new_y = circle(rng)
    kernel, linear = KCCA(1).fit(x, y), CCA(1).fit(x, y)
    assert correlation(kernel.embed_images(new_x), kernel.embed_texts(new_y)) > 0.9
    assert np.abs(correlation(linear.embed_images(new_x), linear.embed_texts(new_y))) < 0.2


def test_correlations_agree_with_cca_zoo(rng):
    zoo = pytest.importorskip("cca_zoo.nonparametric", reason="cca-zoo is not installed")
    x, y = circle(rng, n=150)
    kappa, shrinkages = 0.01, []
    for m in (x, y):
        k = kernel_matrix(m, m, "rbf", 0.5)
        ridge = kappa * (k.trace() - k.mean() * 150) / 149
        shrinkages.append(ridge / (1 + ridge))  # theirs is (1 - c) S / (n - 1) + c I
    peer = zoo.KCCA(3, kernel="rbf", gamma=0.5, shrinkage=shrinkages).fit([x, y])
    ours = KCCA(3, image_gamma=0.5, text_gamma=0.5, kappa=kappa).fit(x, y)
    new_x, new_y = circle(rng)
    theirs = peer.transform([new_x, new_y])
    agreement = correlation(ours.embed_images(new_x), theirs[0])
    np.testing.assert_allclose(np.abs(agreement), 1, atol=1e-5)
    held_out = correlation(ours.embed_images(new_x), ours.embed_texts(new_y))
    np.testing.assert_allclose(held_out, correlation(*theirs), atol=1e-5)


def test_all_points_as_landmarks_are_the_exact_solution(rng):
    x, y = circle(rng, n=100)
    exact, nystrom = KCCA(3).fit(x, y), KCCA(3, n_landmarks=100).fit(x, y)
    np.testing.assert_allclose(nystrom.correlations_, exact.correlations_, atol=1e-8)
    np.testing.assert_allclose(nystrom.embed_texts(y), exact.embed_texts(y), atol=1e-6)


def test_a_fifth_of_the_points_as_landmarks_recovers_the_signal_too(rng):
    x, y = circle(rng, n=500)
    model = KCCA(1, n_landmarks=100).fit(x, y)
    new_x, new_y = circle(rng)
    assert correlation(model.embed_images(new_x), model.embed_texts(new_y)) > 0.9
    assert len(model.image_coefficients_) <= 100


@pytest.mark.parametrize("n_landmarks", [None, 50])
def test_precomputed_kernels_give_what_the_built_in_ones_give(rng, n_landmarks):
    x, y = circle(rng, n=120)
    new = rng.normal(size=(7, 2))
    built_in = KCCA(3, image_gamma=0.4, text_gamma=0.6, n_landmarks=n_landmarks).fit(x, y)
    given = KCCA(3, "precomputed", "precomputed", n_landmarks=n_landmarks)
    given.fit(kernel_matrix(x, x, "rbf", 0.4), kernel_matrix(y, y, "rbf", 0.6))
    test_kernel = kernel_matrix(new, x, "rbf", 0.4)
    np.testing.assert_allclose(
        given.embed_images(test_kernel), built_in.embed_images(new), atol=1e-6
    )


def test_a_constant_added_to_a_kernel_changes_nothing_since_kernels_are_centred(rng):
    x, y = circle(rng, n=80)
    k_x, k_y = kernel_matrix(x, x, "rbf", 0.4), kernel_matrix(y, y, "rbf", 0.4)
    a = KCCA(3, "precomputed", "precomputed").fit(k_x, k_y)
    b = KCCA(3, "precomputed", "precomputed").fit(k_x + 5, k_y)
    np.testing.assert_allclose(b.correlations_, a.correlations_, atol=1e-8)
    np.testing.assert_allclose(b.embed_images(k_x + 5), a.embed_images(k_x), atol=1e-6)


def test_training_embeddings_have_mean_zero(rng):
    model = KCCA(3).fit(*(pair := circle(rng)))
    np.testing.assert_allclose(model.embed_images(pair[0]).mean(axis=0), 0, atol=1e-8)


def test_shifting_the_data_changes_no_embedding(rng):
    x, y = circle(rng)
    a, b = KCCA(3).fit(x, y), KCCA(3).fit(x + 1000, y - 10)
    np.testing.assert_allclose(b.embed_images(x + 1000), a.embed_images(x), atol=1e-6)


def test_the_ridge_means_the_same_when_the_kernel_is_rescaled_or_the_data_repeated(rng):
    x, y = circle(rng, n=100)
    k_x, k_y = kernel_matrix(x, x, "rbf", 0.4), kernel_matrix(y, y, "rbf", 0.4)
    a = KCCA(3, "precomputed", "precomputed").fit(k_x, k_y).correlations_
    b = KCCA(3, "precomputed", "precomputed").fit(k_x * 1e4, k_y * 1e-4).correlations_
    np.testing.assert_allclose(b, a, atol=1e-8)
    twice = KCCA(3, image_gamma=0.4, text_gamma=0.4)
    twice.fit(np.vstack([x, x]), np.vstack([y, y]))
    np.testing.assert_allclose(twice.correlations_, a, atol=1e-8)


@pytest.mark.parametrize("kernel", ["rbf", "linear"])
def test_rows_may_come_in_any_order(rng, kernel):
    x, y = circle(rng)
    order = rng.permutation(len(x))
    a, b = KCCA(2, kernel, kernel).fit(x, y), KCCA(2, kernel, kernel).fit(x[order], y[order])
    np.testing.assert_allclose(b.embed_images(x), a.embed_images(x), atol=1e-6)


def test_the_largest_image_score_of_each_component_is_positive(rng):
    x, y = circle(rng)
    z = KCCA(4).fit(x, y).embed_images(x)
    assert (z[np.abs(z).argmax(axis=0), range(4)] > 0).all()


def test_a_chi2_kernel_works_on_histograms_and_refuses_what_is_not(rng):
    x, y = rng.dirichlet(np.ones(5), size=50), rng.normal(size=(50, 3))
    model = KCCA(2, image_kernel="chi2").fit(x, y)
    assert model.embed_images(x).shape == (50, 2)
    with pytest.raises(ValueError, match="hold nothing negative"):
        KCCA(2, text_kernel="chi2").fit(x, y)


def test_landmarks_follow_the_seed(rng):
    x, y = circle(rng)
    fits = [KCCA(2, n_landmarks=30, random_state=s).fit(x, y).correlations_ for s in (0, 0, 1)]
    np.testing.assert_array_equal(fits[0], fits[1])
    assert not np.array_equal(fits[0], fits[2])


@pytest.mark.parametrize(
    ("settings", "change", "sentence"),
    [
        ({"kappa": 0}, lambda x, y: (x, y), "kappa must be a number above 0"),
        ({"kappa": (0.1, 0)}, lambda x, y: (x, y), "kappa must be a number above 0"),
        ({"kappa": (1, 1, 1)}, lambda x, y: (x, y), "kappa must be a number above 0"),
        ({"n_components": 0}, lambda x, y: (x, y), "n_components must be a whole number"),
        ({"n_components": 300}, lambda x, y: (x, y), "300 pairs are too few"),
        ({"image_kernel": "linear"}, lambda x, y: (x, y), "fewer than n_components=5"),
        ({"text_kernel": "sigmoid"}, lambda x, y: (x, y), "unknown kernel"),
        ({}, lambda x, y: (x[:-1], y), "299 images and 300 texts"),
        ({}, lambda x, y: (x * np.nan, y), "images holds NaN"),
        ({}, lambda x, y: (x, y * 0), "every row of texts is the same"),
    ],
)
def test_bad_input_gets_one_clear_sentence(rng, settings, change, sentence):
    with pytest.raises(ValueError, match=sentence):
        KCCA(**{"n_components": 5} | settings).fit(*change(*circle(rng)))


def test_new_data_of_another_width_is_refused(rng):
    with pytest.raises(ValueError, match="fitted on 2"):
        KCCA(2).fit(*circle(rng)).embed_images(np.ones((3, 5)))


@pytest.mark.parametrize("k", [1, 2])
def test_few_components_are_found_where_many_correlations_are_nearly_one(k):
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 48, size=(60, 1))
    y = -np.cos(2 * np.pi * x / 24) + 0.4 * rng.normal(size=(60, 1))
    settings = {"image_gamma": 1 / 0.18, "kappa": 1e-6}
    many = KCCA(10, **settings).fit(x, y).correlations_
    few = KCCA(k, **settings).fit(x, y).correlations_  # Lanczos' method does not converge here
    np.testing.assert_allclose(few, many[:k])
