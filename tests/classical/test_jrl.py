"""JRL against least squares, its own objective written out, and planted classes."""

import pickle

import numpy as np
import pytest
from scipy.linalg import lstsq

from mmlearn.classical import JRL

SMALL = {"sigma": 1.0, "gamma": 1.0, "n_neighbors": 10, "n_votes": 10}


def classed(rng, n=120, c=3, noise=0.5):
    labels = np.arange(n) % c
    x = np.eye(c, 6)[labels] + noise * rng.normal(size=(n, 6))
    return x, np.eye(c, 4)[labels] + noise * rng.normal(size=(n, 4)), labels


def standardised(x):
    return (x - x.mean(axis=0)) / x.std(axis=0)


def test_without_graph_pairs_and_sparsity_it_is_least_squares(rng):
    x, y, labels = classed(rng)
    target = np.eye(3)[labels] - 1 / 3
    model = JRL(sigma=0, lam=0, gamma=1e-9).fit(x, y, labels)
    for z, features in ((model.embed_images(x), x), (model.embed_texts(y), y)):
        centred = features - features.mean(axis=0)
        np.testing.assert_allclose(z, centred @ lstsq(centred, target)[0], atol=1e-6)


def brute_force_objective(model, x, y, labels):
    """The formula of the docstring, sum by sum."""
    x, y = standardised(x), standardised(y)
    target = np.eye(3)[labels] - np.eye(3)[labels].mean(axis=0)
    scores = x @ model.image_weights_, y @ model.text_weights_
    total = model.lam * ((scores[0] - scores[1]) ** 2).sum()
    for features, z, p in zip(
        (x, y), scores, (model.image_weights_, model.text_weights_), strict=True
    ):
        distances = ((features[:, None] - features) ** 2).sum(axis=2)
        np.fill_diagonal(distances, np.inf)
        near = distances <= np.sort(distances, axis=1)[:, [model.n_neighbors - 1]]
        w = near | near.T
        unit = z / np.sqrt(w.sum(axis=1))[:, None]
        total += model.sigma * (w * ((unit[:, None] - unit) ** 2).sum(axis=2)).sum() / 2
        total += model.mu * ((z - target) ** 2).sum()
        total += model.gamma * np.linalg.norm(p, axis=1).sum()
    return total


def test_the_objective_is_that_of_the_docstring(rng):
    x, y, labels = classed(rng, n=40)
    model = JRL(sigma=3, mu=2, lam=0.5, gamma=4, n_neighbors=6).fit(x, y, labels)
    np.testing.assert_allclose(
        model.objective_[-1], brute_force_objective(model, x, y, labels), rtol=1e-9
    )


def test_the_objective_never_rises_and_ends_where_no_step_lowers_it(rng):
    x, y, labels = classed(rng)
    model = JRL(sigma=2, gamma=20, n_neighbors=10, max_iter=200, tol=1e-10).fit(x, y, labels)
    assert len(model.objective_) > 5
    assert (np.diff(model.objective_) <= 1e-9).all()
    best = brute_force_objective(model, x, y, labels)
    for _ in range(20):
        moved = pickle.loads(pickle.dumps(model))
        moved.image_weights_ = model.image_weights_ + 1e-3 * rng.normal(size=(6, 3))
        moved.text_weights_ = model.text_weights_ + 1e-3 * rng.normal(size=(4, 3))
        assert brute_force_objective(moved, x, y, labels) > best


def test_a_strong_tie_of_pairs_gives_both_items_one_score(rng):
    x, y, labels = classed(rng)
    loose = JRL(**SMALL, lam=0).fit(x, y, labels)
    tied = JRL(**SMALL | {"gamma": 1e-3}, lam=1e4).fit(x, y, labels)
    gaps = [np.abs(m.embed_images(x) - m.embed_texts(y)).mean() for m in (loose, tied)]
    assert gaps[1] < 0.2 * gaps[0]


def test_a_feature_that_says_nothing_gets_a_row_of_zeros(rng):
    x, y, labels = classed(rng)
    model = JRL(sigma=0, gamma=40, max_iter=200, tol=1e-12).fit(x, y, labels)
    lengths = np.linalg.norm(model.image_weights_, axis=1)
    assert lengths[3:].max() < 1e-3 * lengths[:3].min()


def test_a_vote_counts_the_classes_of_the_nearest_training_items(rng):
    model = JRL(**SMALL | {"n_votes": 2}).fit(*classed(rng))
    model.image_train_ = np.array([[0.0, 0], [1, 0], [9, 0]])
    model.text_train_ = np.array([[5.0, 0], [6, 0], [7, 0]])
    model.votes_ = np.eye(3)[[0, 1, 1]]
    near_both = model.similarity(np.array([[0.4, 0]]), np.array([[5.1, 0], [8, 0]]))
    np.testing.assert_allclose(near_both, [[0.5 * 0.5 + 0.5 * 0.5, 0.5]])


def test_votes_beat_cosine_where_one_class_stands_in_the_middle(rng):
    """Scores of the middle one of three classes on a line are near zero: no direction."""
    labels = np.arange(300) % 3

    def features():
        return labels[:, None] - 1.0 + 0.2 * rng.normal(size=(300, 1))

    x, y, new_x, new_y = (features() for _ in range(4))
    model = JRL(sigma=0, gamma=1e-3, n_votes=20).fit(x, y, labels)
    by_vote = model.score(new_x, new_y, labels)
    assert by_vote > model.set_params(match="cosine").score(new_x, new_y, labels) + 0.1


def test_planted_classes_are_found_on_held_out_pairs(rng):
    x, y, labels = classed(rng)
    new_x, new_y, new_labels = classed(rng)
    assert JRL(**SMALL).fit(x, y, labels).score(new_x, new_y, new_labels) > 0.6


def test_items_without_labels_change_the_graph_and_need_no_partner(rng):
    x, y, labels = classed(rng)
    more_x, more_y = rng.normal(size=(30, 6)), rng.normal(size=(70, 4))
    plain = JRL(**SMALL).fit(x, y, labels)
    more = JRL(**SMALL).fit(x, y, labels, unlabeled_images=more_x, unlabeled_texts=more_y)
    assert more.embed_images(more_x).shape == (30, 3)
    assert not np.allclose(more.image_weights_, plain.image_weights_)
    off = JRL(**SMALL | {"sigma": 0}).fit(x, y, labels)
    same = JRL(**SMALL | {"sigma": 0}).fit(x, y, labels, more_x, more_y)
    np.testing.assert_array_equal(same.image_weights_, off.image_weights_)


def test_several_labels_an_item_are_indicators(rng):
    x, y, labels = classed(rng)
    one = JRL(**SMALL).fit(x, y, labels)
    same = JRL(**SMALL).fit(x, y, np.eye(3, dtype=bool)[labels])
    np.testing.assert_allclose(same.embed_images(x), one.embed_images(x))
    tags = np.eye(3)[labels] + np.eye(3)[rng.permutation(labels)] > 0
    several = JRL(**SMALL).fit(x, y, tags)
    np.testing.assert_allclose(several.votes_.sum(axis=1), 1)
    assert several.classes_.tolist() == [0, 1, 2]


def test_scale_shift_and_order_of_the_rows_change_nothing(rng):
    x, y, labels = classed(rng)
    a = JRL(**SMALL).fit(x, y, labels).embed_images(x)
    order = rng.permutation(len(x))
    moved = x * [1e-3, 1, 1, 1, 1, 1e3] + 50
    b = JRL(**SMALL).fit(moved[order], y[order], labels[order]).embed_images(moved)
    np.testing.assert_allclose(b, a, atol=1e-8)


def test_constant_and_duplicate_columns_and_fewer_pairs_than_features_are_harmless(rng):
    x, y, labels = classed(rng, n=30)
    wide = np.hstack([x, np.full((30, 1), 1e5 / 3), x[:, :1], rng.normal(size=(30, 60))])
    model = JRL(**SMALL).fit(wide, y, labels)
    assert np.isfinite(model.embed_images(wide)).all()
    assert not model.image_weights_[6].any()


@pytest.mark.parametrize(
    ("settings", "change", "sentence"),
    [
        ({}, lambda x, y, t: (x, y, None), "supervised"),
        ({}, lambda x, y, t: (x, y, t * 0), "single class"),
        ({}, lambda x, y, t: (x, y, 2 * np.eye(3)[t]), "must be indicators"),
        ({}, lambda x, y, t: (x, y, np.ones((120, 3))), "the same set of labels"),
        ({}, lambda x, y, t: (x, y, t, np.ones((3, 2))), "unlabeled_images has 2 features"),
        ({}, lambda x, y, t: (x[:-1], y, t), "119 images and 120 texts"),
        ({}, lambda x, y, t: (x, y * np.nan, t), "texts holds NaN"),
        ({"gamma": 0}, lambda x, y, t: (x, y, t), "gamma must be above 0"),
        ({"sigma": -1}, lambda x, y, t: (x, y, t), "sigma must not be negative"),
        ({"n_votes": 0}, lambda x, y, t: (x, y, t), "n_votes must be at least 1"),
        ({"match": "dot"}, lambda x, y, t: (x, y, t), "match must be"),
    ],
)
def test_bad_input_gets_one_clear_sentence(rng, settings, change, sentence):
    with pytest.raises(ValueError, match=sentence):
        JRL(**SMALL | settings).fit(*change(*classed(rng)))


def test_votes_of_all_training_items_are_refused_and_the_default_stays_within_a_class(rng):
    labels = np.arange(90) % 3
    x, y = np.eye(3)[labels] + 0.2 * rng.normal(size=(2, 90, 3))
    with pytest.raises(ValueError, match="n_votes=90 of 90 training items"):
        JRL(n_votes=90).fit(x, y, labels)
    model = JRL(sigma=1, gamma=1).fit(x, y, labels)
    assert model.n_votes_ == 30
    assert model.score(x, y, labels) > 0.9
