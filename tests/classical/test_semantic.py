"""Semantic matching against answers known in advance, and the three ways to compare posteriors."""

import os
import pickle

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.special import log_softmax, logsumexp
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from mmlearn.classical import CCA, SCM, SM
from mmlearn.classical.kernels import kernel_matrix
from mmlearn.classical.semantic import KernelLogistic


def classed(rng, n=120, c=3, noise=0.5):
    labels = np.arange(n) % c
    x = np.eye(c, 5)[labels] + noise * rng.normal(size=(n, 5))
    return x, np.eye(c, 4)[labels] + noise * rng.normal(size=(n, 4)), labels


def xor(rng, n=300):
    """Two classes by the sign of a product: no linear classifier tells them apart."""
    x = rng.uniform(-1, 1, size=(n, 2))
    return x, (x[:, 0] * x[:, 1] > 0).astype(int)


def test_a_linear_kernel_is_logistic_regression(rng):
    x, _, labels = classed(rng)
    unit = np.sqrt(((x - x.mean(axis=0)) ** 2).sum() / len(x))
    peer = LogisticRegression(C=5.0, solver="newton-cg", tol=1e-8).fit(x / unit, labels)
    found = KernelLogistic("linear", C=5.0).fit(x, labels).posteriors(x)
    np.testing.assert_allclose(found, peer.predict_proba(x / unit), atol=1e-5)


def test_a_kernel_classifier_minimises_the_objective_in_dual_form(rng):
    x, _, labels = classed(rng, n=30)
    h = np.eye(30) - 1 / 30
    k = h @ kernel_matrix(x, x, "rbf", 0.3) @ h
    k *= 30 / k.trace()

    def objective(parameters):
        a, b = parameters[:90].reshape(30, 3), parameters[90:]
        logits = k @ a + b
        nll = (logsumexp(logits, axis=1) - logits[range(30), labels]).sum()
        residual = np.exp(logits - logsumexp(logits, axis=1, keepdims=True)) - np.eye(3)[labels]
        gradient = np.concatenate([(k @ (residual + a / 4)).ravel(), residual.sum(axis=0)])
        return nll + (a * (k @ a)).sum() / (2 * 4.0), gradient

    settings = {"maxiter": 20_000, "maxfun": 20_000, "ftol": 1e-15, "gtol": 1e-9}
    best = minimize(objective, np.zeros(93), jac=True, method="L-BFGS-B", options=settings)
    logits = k @ best.x[:90].reshape(30, 3) + best.x[90:]
    expected = np.exp(logits - logsumexp(logits, axis=1, keepdims=True))
    found = KernelLogistic("rbf", gamma=0.3, C=4.0).fit(x, labels).posteriors(x)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_the_mean_training_posterior_is_the_class_frequency(rng, kernel):
    x, y, labels = classed(rng, n=100)
    labels[:30] = 0
    model = SM(kernel, kernel).fit(x, y, labels)
    frequencies = np.bincount(labels) / 100
    np.testing.assert_allclose(model.embed_images(x).mean(axis=0), frequencies, atol=1e-6)
    np.testing.assert_allclose(model.class_frequencies_, frequencies)


def test_embeddings_are_probabilities(rng):
    x, y, labels = classed(rng)
    z = SM().fit(x, y, labels).embed_texts(y)
    assert z.shape == (120, 3)
    assert (z >= 0).all()
    np.testing.assert_allclose(z.sum(axis=1), 1)


def test_two_classes_give_two_probabilities(rng):
    x, labels = xor(rng)
    z = SM().fit(x, x, labels).embed_images(x)
    assert z.shape == (300, 2)
    np.testing.assert_allclose(z.sum(axis=1), 1)
    assert (z.argmax(axis=1) == labels).mean() > 0.9


def test_a_signal_that_a_linear_classifier_misses_is_recovered_on_held_out_pairs(rng):
    (x, labels), (new, new_labels) = xor(rng), xor(rng)
    rbf, linear = SM().fit(x, x, labels), SM("linear", "linear").fit(x, x, labels)
    assert rbf.score(new, new, new_labels) > 0.9
    assert linear.score(new, new, new_labels) < 0.6


def test_same_class_is_the_probability_of_a_shared_class(rng):
    model = SM().fit(*classed(rng))
    z_x, z_y = np.array([[0.5, 0.5, 0.0]]), np.array([[0.2, 0.0, 0.8], [1.0, 0.0, 0.0]])
    np.testing.assert_allclose(model.similarity(z_x, z_y), [[0.1, 0.5]])


def test_cosine_forgets_how_sure_a_classifier_is_and_same_class_does_not(rng):
    x, y, labels = classed(rng)
    sure, unsure = np.array([[0.9, 0.05, 0.05]]), np.array([[1, 0.5, 0.5]]) / 2
    query = np.array([[0.4, 0.3, 0.3]])
    by = {m: SM(match=m).fit(x, y, labels) for m in ("same_class", "cosine", "centred_cosine")}
    scores = {
        m: (s.similarity(query, sure).item(), s.similarity(query, unsure).item())
        for m, s in by.items()
    }
    assert scores["same_class"][0] > scores["same_class"][1]
    assert scores["cosine"][0] < scores["cosine"][1]
    np.testing.assert_allclose(scores["centred_cosine"], 1, atol=1e-12)


@pytest.mark.parametrize("match", ["same_class", "cosine", "centred_cosine"])
def test_tensors_compare_as_arrays_do(rng, match):
    x, y, labels = classed(rng)
    model = SM(match=match).fit(x, y, labels)
    z_x, z_y = model.embed_images(x[:5]), model.embed_texts(y)
    as_tensors = model.similarity(torch.as_tensor(z_x), torch.as_tensor(z_y))
    np.testing.assert_allclose(as_tensors.numpy(), model.similarity(z_x, z_y), atol=1e-12)


def test_scm_is_sm_on_the_projections_of_cca(rng):
    x, y, labels = classed(rng)
    scm = SCM(n_components=3, shrinkage=0.2).fit(x, y, labels)
    cca = CCA(3, 0.2).fit(x, y)
    u, v = cca.embed_images(x), cca.embed_texts(y)
    sm = SM().fit(u, v, labels)
    np.testing.assert_allclose(scm.embed_images(x), sm.embed_images(u), atol=1e-10)
    np.testing.assert_allclose(scm.embed_texts(y), sm.embed_texts(v), atol=1e-10)


def test_all_points_as_landmarks_are_the_exact_classifier(rng):
    x, y, labels = classed(rng, n=60)
    exact, nystrom = SM().fit(x, y, labels), SM(n_landmarks=60).fit(x, y, labels)
    np.testing.assert_allclose(nystrom.embed_images(x), exact.embed_images(x), atol=1e-6)


@pytest.mark.parametrize("method", [SM, SCM])
def test_scale_and_shift_of_the_features_change_nothing(rng, method):
    x, y, labels = classed(rng)
    settings = {"image_kernel": "linear"} | ({"n_components": 3} if method is SCM else {})
    a = method(**settings).fit(x, y, labels).embed_images(x)
    b = method(**settings).fit(1e-3 * x + 7, y, labels).embed_images(1e-3 * x + 7)
    np.testing.assert_allclose(b, a, atol=1e-6)


def test_rows_may_come_in_any_order(rng):
    x, y, labels = classed(rng)
    order = rng.permutation(len(x))
    a = SM().fit(x, y, labels).embed_texts(y)
    b = SM().fit(x[order], y[order], labels[order]).embed_texts(y)
    np.testing.assert_allclose(b, a, atol=1e-6)


def test_pairing_does_not_matter_to_sm(rng):
    x, y, labels = classed(rng)
    order = np.arange(len(x)).reshape(-1, 3)[rng.permutation(40)].ravel()  # keeps the classes
    a, b = SM().fit(x, y, labels), SM().fit(x, y[order], labels)
    np.testing.assert_allclose(b.embed_texts(y), a.embed_texts(y), atol=1e-6)


def test_constant_and_duplicate_columns_and_rows_are_harmless(rng):
    x, y, labels = classed(rng)
    odd = np.hstack([x, np.ones((120, 1)), x[:, :1]])
    model = SM().fit(np.vstack([odd, odd]), np.vstack([y, y]), np.tile(labels, 2))
    assert np.isfinite(model.embed_images(odd)).all()


def test_fewer_pairs_than_features_work(rng):
    labels = np.arange(12) % 3
    model = SM("linear", "rbf").fit(rng.normal(size=(12, 50)), rng.normal(size=(12, 4)), labels)
    assert model.embed_images(rng.normal(size=(2, 50))).shape == (2, 3)


def test_a_chi2_kernel_serves_histograms(rng):
    labels = np.arange(90) % 3
    x = rng.dirichlet(np.ones(6), size=90) + np.eye(3, 6)[labels]
    model = SM("chi2", "chi2").fit(x, x, labels)
    assert (model.embed_images(x).argmax(axis=1) == labels).mean() > 0.9
    with pytest.raises(ValueError, match="nothing negative"):
        SM("chi2").fit(x - 1, x, labels)


def test_labels_may_be_words_and_columns_follow_their_order(rng):
    x, y, labels = classed(rng)
    words = np.array(["zoo", "art", "law"])[labels]
    model = SM().fit(x, y, words)
    assert model.classes_.tolist() == ["art", "law", "zoo"]
    assert (model.classes_[model.embed_texts(y).argmax(axis=1)] == words).mean() > 0.8


@pytest.mark.parametrize("method", [SM(), SCM(n_components=3)])
def test_what_is_fitted_holds_no_object_of_scikit_learn(rng, method):
    model = clone(method).fit(*classed(rng))
    assert "sklearn" not in pickle.dumps(model.__dict__).decode("latin1")


@pytest.mark.parametrize(
    ("settings", "change", "sentence"),
    [
        ({}, lambda x, y, t: (x, y, None), "supervised"),
        ({}, lambda x, y, t: (x, y, t * 0), "single class"),
        ({}, lambda x, y, t: (x, y, np.eye(3)[t]), "one class per pair"),
        ({}, lambda x, y, t: (x[:-1], y, t), "119 images and 120 texts"),
        ({}, lambda x, y, t: (x, y * np.nan, t), "texts holds NaN"),
        ({"image_C": 0}, lambda x, y, t: (x, y, t), "C must be above 0"),
        ({"match": "dot"}, lambda x, y, t: (x, y, t), "match must be"),
        ({"text_kernel": "poly"}, lambda x, y, t: (x, y, t), "unknown kernel"),
    ],
)
def test_bad_input_gets_one_clear_sentence(rng, settings, change, sentence):
    with pytest.raises(ValueError, match=sentence):
        SM(**settings).fit(*change(*classed(rng)))


@pytest.mark.skipif(
    not os.path.isdir(os.path.join(os.environ.get("MMLEARN_DATA", ""), "wikipedia")),
    reason="MMLEARN_DATA holds no folder wikipedia",
)
def test_the_wikipedia_benchmark_is_reached_with_chi2_kernels():
    from mmlearn.data import load_wikipedia

    train, test = load_wikipedia(texts=False).official_split()
    model = SM("chi2", "chi2", n_landmarks=400).fit(train.images, train.texts, train.labels)
    assert model.score(test.images, test.texts, test.labels) > 0.29


def test_two_classes_minimise_the_stated_objective(rng):
    labels = np.arange(60) % 2
    x = rng.normal(size=(60, 3)) + labels[:, None]
    C = 2.0
    centred = x - x.mean(axis=0)
    phi = centred / np.sqrt((centred**2).sum() / 60)

    def objective(flat):
        w, b = flat[:6].reshape(3, 2), flat[6:]
        log_p = log_softmax(phi @ w + b, axis=1)
        return -log_p[np.arange(60), labels].sum() + (w**2).sum() / (2 * C)

    best = minimize(objective, np.zeros(8)).x
    expected = np.exp(log_softmax(phi @ best[:6].reshape(3, 2) + best[6:], axis=1))
    found = KernelLogistic("linear", C=C).fit(x, labels).posteriors(x)
    np.testing.assert_allclose(found, expected, atol=1e-4)
