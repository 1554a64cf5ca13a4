"""LGCFL against least squares and the conditions of its optimum; groups, and unpaired data."""

import numpy as np
import pytest
from scipy.linalg import lstsq

from mmlearn.classical import LGCFL

TIGHT = {"max_iter": 2000, "tol": 1e-13}
GROUPS = [slice(0, 3), slice(3, 7)]


def classed(rng, n=120, c=3, noise=0.5):
    """The first three columns of the images tell the class, the other four are noise."""
    labels = np.arange(n) % c
    x = np.eye(c, 7)[labels] + noise * rng.normal(size=(n, 7))
    return x, np.eye(c, 4)[labels] + noise * rng.normal(size=(n, 4)), labels


def standardised(x):
    return (x - x.mean(axis=0)) / x.std(axis=0)


def test_without_a_penalty_it_is_least_squares(rng):
    x, y, labels = classed(rng)
    target = np.eye(3)[labels] - 1 / 3
    model = LGCFL(gamma=1e-11, image_groups=GROUPS).fit(x, y, labels)
    for z, features in ((model.embed_images(x), x), (model.embed_texts(y), y)):
        centred = features - features.mean(axis=0)
        np.testing.assert_allclose(z, centred @ lstsq(centred, target)[0], atol=1e-6)


def test_the_optimum_meets_the_conditions_of_the_group_penalty(rng):
    """Where ‖W^(g)‖ > 0 the gradient of the loss is -γ W^(g) / ‖W^(g)‖, elsewhere at most γ."""
    x, y, labels = classed(rng)
    gamma, z, target = 0.35, standardised(x), np.eye(3)[labels] - 1 / 3
    model = LGCFL(gamma, image_groups=GROUPS, **TIGHT).fit(x, y, labels)
    w = model.image_weights_
    gradient = 2 / len(z) * z.T @ (z @ w - target)
    expected = -gamma * w[:3] / np.linalg.norm(w[:3])
    np.testing.assert_allclose(gradient[:3], expected, atol=1e-6)
    assert np.linalg.norm(gradient[3:]) < 0.99 * gamma


def test_an_irrelevant_group_vanishes_and_a_relevant_one_stays(rng):
    x, y, labels = classed(rng)
    norms = LGCFL(0.35, image_groups=GROUPS, **TIGHT).fit(x, y, labels).image_group_norms_
    assert norms.shape == (2,)
    assert norms[0] > 0.1
    assert norms[1] < 1e-4 * norms[0]


def test_columns_of_one_group_stay_or_vanish_together(rng):
    x, y, labels = classed(rng)
    mixed = [[0, 3, 4], [1, 2, 5, 6]]
    grouped = LGCFL(0.35, image_groups=mixed, **TIGHT).fit(x, y, labels).image_weights_
    single = LGCFL(0.35, **TIGHT).fit(x, y, labels).image_weights_
    assert np.linalg.norm(grouped[3:], axis=1).min() > 1e-3
    assert np.linalg.norm(single[3:], axis=1).max() < 1e-3


def test_no_groups_means_a_group_for_every_column(rng):
    x, y, labels = classed(rng)
    columns = [slice(i, i + 1) for i in range(7)]
    a, b = LGCFL().fit(x, y, labels), LGCFL(image_groups=columns).fit(x, y, labels)
    np.testing.assert_array_equal(b.image_weights_, a.image_weights_)


@pytest.mark.parametrize("d", [7, 200])
def test_the_objective_never_rises_and_is_that_of_the_docstring(rng, d):
    x, y, labels = classed(rng)
    x = np.hstack([x, rng.normal(size=(len(x), d - 7))])
    model = LGCFL(0.05, max_iter=100, tol=1e-9).fit(x, y, labels)
    assert len(model.objective_) > 5
    assert (np.diff(model.objective_) <= 1e-12).all()
    target, total = np.eye(3)[labels] - 1 / 3, 0
    for features, w in ((x, model.image_weights_), (y, model.text_weights_)):
        total += ((standardised(features) @ w - target) ** 2).sum() / len(x)
        total += 0.05 * np.linalg.norm(w, axis=1).sum()
    np.testing.assert_allclose(model.objective_[-1], total, rtol=1e-10)


def test_the_two_forms_of_a_step_agree(rng):
    x, y, labels = classed(rng, n=60)
    wide = np.hstack([x, rng.normal(size=(60, 60))])  # 67 columns: the form of n
    groups = [slice(0, 7), slice(7, 67)]
    padded = LGCFL(image_groups=groups).fit(wide, y, labels)
    twice = LGCFL(image_groups=groups).fit(  # the same problem with more rows: the form of d
        np.vstack([wide, wide]), np.vstack([y, y]), np.tile(labels, 2)
    )
    np.testing.assert_allclose(twice.image_weights_, padded.image_weights_, atol=1e-8)


def test_pairing_does_not_matter(rng):
    x, y, labels = classed(rng)
    order = rng.permutation(len(x))
    paired = LGCFL().fit(x, y, labels)
    unpaired = LGCFL().fit(x, y[order], labels=(labels, labels[order]))
    np.testing.assert_allclose(unpaired.image_weights_, paired.image_weights_, atol=1e-10)
    np.testing.assert_allclose(unpaired.text_weights_, paired.text_weights_, atol=1e-10)


def test_images_and_texts_need_not_be_equally_many(rng):
    x, y, labels = classed(rng)
    model = LGCFL().fit(x, y[:50], labels=(labels, labels[:50]))
    assert model.embed_texts(y).shape == (120, 3)
    assert model.score(x, y, labels) > 0.6


def test_repeating_one_modality_changes_nothing_since_losses_are_means(rng):
    x, y, labels = classed(rng)
    once = LGCFL().fit(x, y, labels)
    more = LGCFL().fit(np.vstack([x, x]), y, labels=(np.tile(labels, 2), labels))
    np.testing.assert_allclose(more.image_weights_, once.image_weights_, atol=1e-9)


def test_planted_classes_are_found_on_held_out_pairs(rng):
    x, y, labels = classed(rng)
    new_x, new_y, new_labels = classed(rng)
    assert LGCFL().fit(x, y, labels).score(new_x, new_y, new_labels) > 0.6


def test_the_groups_of_a_feature_transformer_fit(rng):
    from mmlearn.features import HOG

    pictures = rng.integers(0, 255, size=(24, 32, 32, 3), dtype=np.uint8)
    hog = HOG(cell=8)
    x, labels = hog.fit_transform(pictures), np.arange(24) % 2
    model = LGCFL(image_groups=hog.feature_groups_).fit(x, rng.normal(size=(24, 3)), labels)
    assert len(model.image_group_norms_) == len(hog.feature_groups_) > 1


def test_several_labels_an_item_are_indicators(rng):
    x, y, labels = classed(rng)
    one, same = LGCFL().fit(x, y, labels), LGCFL().fit(x, y, np.eye(3, dtype=bool)[labels])
    np.testing.assert_allclose(same.embed_images(x), one.embed_images(x))
    tags = np.hstack([np.eye(3)[labels], rng.integers(0, 2, size=(120, 2))])
    assert LGCFL().fit(x, y, tags).embed_texts(y).shape == (120, 5)


def test_scale_shift_and_order_of_the_rows_change_nothing(rng):
    x, y, labels = classed(rng)
    a = LGCFL().fit(x, y, labels).embed_images(x)
    order = rng.permutation(len(x))
    moved = x * [1e-3, 1, 1, 1, 1, 1, 1e3] + 50
    b = LGCFL().fit(moved[order], y[order], labels[order]).embed_images(moved)
    np.testing.assert_allclose(b, a, atol=1e-8)


def test_constant_and_duplicate_columns_are_harmless(rng):
    x, y, labels = classed(rng)
    wide = np.hstack([x, np.full((120, 1), 1e5 / 3), x[:, :1]])
    model = LGCFL().fit(wide, y, labels)
    assert np.isfinite(model.embed_images(wide)).all()
    assert not model.image_weights_[7].any()
    np.testing.assert_allclose(model.image_weights_[0], model.image_weights_[8], atol=1e-10)


@pytest.mark.parametrize(
    ("groups", "sentence"),
    [
        ([slice(0, 3)], "column 3 is in 0 groups"),
        ([slice(0, 4), slice(3, 7)], "column 3 is in 2 groups"),
        ([[0, 0, 1], slice(2, 7)], "column 0 is in 2 groups"),
        ([slice(0, 3), slice(3, 9)], "name column 8, but there are only 7 columns"),
        ([[0, 1, 2], [3, 4, 5, 6, 7]], "name column 7, but there are only 7 columns"),
        ([], "column 0 is in 0 groups"),
    ],
)
def test_groups_that_do_not_cover_the_columns_are_refused(rng, groups, sentence):
    with pytest.raises(ValueError, match=sentence):
        LGCFL(image_groups=groups).fit(*classed(rng))


@pytest.mark.parametrize(
    ("settings", "change", "sentence"),
    [
        ({}, lambda x, y, t: (x, y, None), "supervised"),
        ({}, lambda x, y, t: (x, y, t * 0), "single class"),
        ({}, lambda x, y, t: (x, y, (t, t[:-1])), r"shape \(120,\)"),
        ({}, lambda x, y, t: (x, y, (t, t, t)), "must be a tuple"),
        ({}, lambda x, y, t: (x, y, (t, t + 1)), "the same classes"),
        ({}, lambda x, y, t: (x[:-1], y, t), "119 images and 120 texts"),
        ({}, lambda x, y, t: (x, y * np.nan, t), "texts holds NaN"),
        ({"gamma": 0}, lambda x, y, t: (x, y, t), "gamma must be above 0"),
    ],
)
def test_bad_input_gets_one_clear_sentence(rng, settings, change, sentence):
    with pytest.raises(ValueError, match=sentence):
        LGCFL(**settings).fit(*change(*classed(rng)))


def test_no_iteration_is_refused(rng):
    with pytest.raises(ValueError, match="max_iter must be at least 1"):
        LGCFL(max_iter=0).fit(rng.normal(size=(6, 2)), rng.normal(size=(6, 2)), np.arange(6) % 2)
