"""Kernels by hand, and explicit features that reproduce them."""

import numpy as np
import pytest
from sklearn.metrics.pairwise import chi2_kernel, rbf_kernel

from mmlearn.classical.kernels import KernelMap, dual_coefficients, kernel_matrix

KINDS = ("linear", "rbf", "chi2")


def histograms(rng, n=40, d=6):
    return rng.dirichlet(np.ones(d), size=n)


def test_kernels_have_their_hand_values():
    a, b = np.array([[1.0, 3.0]]), np.array([[3.0, 1.0]])
    assert kernel_matrix(a, b, "linear").item() == 6
    np.testing.assert_allclose(kernel_matrix(a, b, "rbf", 0.1), np.exp(-0.8))
    np.testing.assert_allclose(kernel_matrix(a, b, "chi2", 0.1), np.exp(-0.2))


@pytest.mark.parametrize(("kind", "peer"), [("rbf", rbf_kernel), ("chi2", chi2_kernel)])
def test_kernels_agree_with_scikit_learn(rng, kind, peer):
    a, b = histograms(rng), histograms(rng, n=30)
    np.testing.assert_allclose(kernel_matrix(a, b, kind, 1.7), peer(a, b, 1.7), atol=1e-12)


def test_rbf_keeps_its_digits_far_from_the_origin(rng):
    a, b = rng.normal(size=(20, 3)), rng.normal(size=(10, 3))
    far = kernel_matrix(a + 1e6, b + 1e6, "rbf", 0.5)
    np.testing.assert_allclose(far, kernel_matrix(a, b, "rbf", 0.5), atol=1e-8)


def test_chi2_takes_two_empty_bins_as_equal():
    assert kernel_matrix(np.array([[0.0, 1.0]]), np.array([[0.0, 1.0]]), "chi2", 1.0).item() == 1


@pytest.mark.parametrize("kind", KINDS)
def test_features_reproduce_the_training_kernel(rng, kind):
    x = histograms(rng)
    phi, _ = (kernel_map := KernelMap(kind)).fit(x)
    k = kernel_matrix(x, x, kind, kernel_map.gamma_)
    np.testing.assert_allclose(phi @ phi.T, k, atol=1e-10)


def test_a_linear_kernel_of_more_columns_than_rows_has_as_many_features_as_rows(rng):
    x = rng.normal(size=(10, 50))
    phi, _ = KernelMap("linear").fit(x)
    assert phi.shape == (10, 10)
    np.testing.assert_allclose(phi @ phi.T, x @ x.T, atol=1e-10)


def test_few_landmarks_reproduce_their_own_block_of_the_kernel(rng):
    x = rng.normal(size=(60, 3))
    kernel_map = KernelMap("rbf", n_landmarks=12)
    phi, _ = kernel_map.fit(x)
    at = [np.flatnonzero((x == row).all(axis=1))[0] for row in kernel_map.landmarks_]
    k = kernel_matrix(x[at], x[at], "rbf", kernel_map.gamma_)
    assert phi.shape == (60, 12)
    np.testing.assert_allclose(phi[at] @ phi[at].T, k, atol=1e-10)


@pytest.mark.parametrize("n_landmarks", [None, 15])
def test_dual_coefficients_give_the_score_of_the_features(rng, n_landmarks):
    x, w = rng.normal(size=(40, 3)), rng.normal(size=(500, 2))
    kernel_map = KernelMap("rbf", n_landmarks=n_landmarks)
    phi, root = kernel_map.fit(x)
    w = w[: phi.shape[1]]
    np.testing.assert_allclose(kernel_map(x) @ dual_coefficients(root, w), phi @ w, atol=1e-6)


def test_duplicate_rows_add_no_features(rng):
    x = rng.normal(size=(15, 3))
    phi, _ = KernelMap("rbf").fit(np.vstack([x, x]))
    assert phi.shape == (30, 15)
    np.testing.assert_allclose(phi[:15], phi[15:], atol=1e-9)


def test_the_default_gamma_is_one_over_the_mean_distance(rng):
    x = rng.normal(size=(30, 4))
    kernel_map = KernelMap("rbf")
    kernel_map.fit(x)
    distances = ((x[:, None] - x) ** 2).sum(axis=2)
    np.testing.assert_allclose(kernel_map.gamma_, 1 / distances.mean())


def test_a_precomputed_kernel_gives_what_the_built_in_gives(rng):
    x = rng.normal(size=(30, 4))
    k = kernel_matrix(x, x, "rbf", 0.3)
    built_in, given = KernelMap("rbf", 0.3), KernelMap("precomputed")
    np.testing.assert_allclose(given.fit(k.copy())[0], built_in.fit(x)[0], atol=1e-10)
    np.testing.assert_allclose(given(k[:5]), built_in(x[:5]), atol=1e-10)


@pytest.mark.parametrize(
    ("settings", "x", "sentence"),
    [
        ({"kernel": "cosine"}, np.eye(3), "unknown kernel 'cosine'"),
        ({"kernel": "chi2"}, np.eye(3) - 0.5, "hold nothing negative"),
        ({"gamma": 0}, np.eye(3), "gamma must be above 0"),
        ({"n_landmarks": 4}, np.eye(3), "between 1 and the 3 training rows"),
        ({"n_landmarks": 0}, np.eye(3), "between 1 and the 3 training rows"),
        ({}, np.ones((5, 2)), "every row of images is the same"),
        ({"kernel": "precomputed"}, np.ones((5, 2)), "must be square"),
        ({"kernel": "precomputed"}, np.triu(np.ones((3, 3))), "not symmetric"),
        ({"kernel": "precomputed"}, np.diag([1.0, 1, -1]), "not positive semi-definite"),
    ],
)
def test_bad_input_gets_one_clear_sentence(settings, x, sentence):
    with pytest.raises(ValueError, match=sentence):
        KernelMap(**settings).fit(x)


def test_a_precomputed_float32_kernel_of_low_rank_is_taken(rng):
    x = rng.normal(size=(300, 20)).astype(np.float32)
    phi, root = KernelMap("precomputed").fit((x @ x.T).astype(np.float64))
    assert len(root) == 20
    np.testing.assert_allclose(phi @ phi.T, x @ x.T, atol=1e-4)


def test_a_kernel_of_zeros_is_refused():
    with pytest.raises(ValueError, match="zero everywhere"):
        KernelMap("precomputed").fit(np.zeros((5, 5)))
