"""Planted drift is found by what knows it, not by what cannot, and is told over its velocities."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from mmlearn.arrays import cosine_similarity
from mmlearn.data import load_timeline
from mmlearn.deep import counted_drift, drift_correlation, recovered_drift, regression_drift
from mmlearn.permutation import permutation_test


@pytest.fixture(scope="module")
def timeline():
    return load_timeline(size=8).features(image=None, text="lsa")


def toy(n=80):
    """Two pairs of groups with velocities 1 and -1, pictures and captions as the four axes."""
    labels, times = np.arange(4 * n) % 4, np.linspace(0, 1, 4 * n)
    velocities, partners = np.array([1.0, 1.0, -1.0, -1.0]), np.array([1, 0, 3, 2])
    share = np.where(velocities[labels] > 0, times, 1 - times)
    away = np.random.default_rng(0).random(4 * n) < share
    away[:4] = False  # each group is seen with its own caption
    sublabels = np.where(away, partners[labels], labels)
    return Toy(labels, sublabels, times, velocities, partners, np.eye(4)[labels])


class Toy(SimpleNamespace):
    def __init__(self, labels, sublabels, times, velocities, partners, images):
        super().__init__(labels=labels, sublabels=sublabels, times=times, images=images)
        self.velocities, self.partners = velocities, partners
        self.captions = [f"caption {c}" for c in sublabels]
        self.texts, self.label_names = np.eye(4)[sublabels], list("abcd")

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, rows):
        of_items = (self.labels, self.sublabels, self.times)
        return Toy(*(a[rows] for a in of_items), self.velocities, self.partners, self.images[rows])


class Turning:
    """Pictures whose cosine with the partner's caption grows by `speed` from 0 to 1, at most."""

    def __init__(self, speed):
        self.speed = speed

    def embed_images(self, images, t):
        partner = images[:, [1, 0, 3, 2]]
        lead = self.speed * t * images.argmax(axis=1)[:, None] / 3
        return np.sqrt(1 - lead**2) * images + lead * partner

    def embed_texts(self, texts, t):
        return texts

    similarity = staticmethod(cosine_similarity)


def test_recovered_drift_is_the_slope_by_which_the_pictures_turn_to_the_partner():
    drift = recovered_drift(Turning(0.6), toy(), steps=2)
    lead = 0.6 * np.arange(4) / 3
    np.testing.assert_allclose(drift, lead - np.sqrt(1 - lead**2) + 1, atol=1e-12)  # from -1


def test_a_model_that_stands_still_has_no_drift():
    np.testing.assert_allclose(recovered_drift(Turning(0.0), toy()), 0, atol=1e-12)


def test_counting_and_the_regression_find_the_planted_velocities(timeline):
    counted, found = counted_drift(timeline), regression_drift(timeline)
    assert np.polyfit(timeline.velocities, counted, 1) == pytest.approx([1, 0], abs=0.1)
    assert drift_correlation(counted, timeline) > 0.97
    assert drift_correlation(found, timeline) > 0.85


def test_on_captions_without_noise_the_regression_is_the_counting_twice_over():
    data = toy()
    np.testing.assert_allclose(regression_drift(data), 2 * counted_drift(data), atol=1e-9)


def test_the_correlation_is_over_distinct_velocities(timeline):
    wrong = np.where(np.arange(66) < timeline.partners, 1.0, -1.0)  # one of each pair too much
    assert drift_correlation(timeline.velocities + wrong, timeline) == pytest.approx(1)


def test_shuffled_times_never_do_as_well(timeline):
    def found(times):
        return drift_correlation(regression_drift(timeline, times=times), timeline)

    test = permutation_test(found, timeline.times, n=99)
    assert test.p == 0.01
    assert abs(test.shuffled.mean()) < 0.06
    assert test.shuffled.std() > 0.1  # one shuffle alone can well give .2


def test_new_pictures_drift_with_the_groups_that_they_are_taken_for():
    """Pictures that tell their group exactly give the training groups' drift."""
    data = toy(300)
    data.images = data.images * 1.0
    drift = regression_drift(data, data)
    np.testing.assert_allclose(np.sign(drift), data.velocities)
    blind = toy(300)
    blind.images = np.ones((1200, 4))  # nothing tells one picture from another
    assert np.ptp(regression_drift(blind, blind)) < 0.1 * np.ptp(drift)


def test_data_without_planted_velocities_are_refused(timeline):
    plain = dataclasses.replace(timeline, velocities=None)
    for call in (counted_drift, regression_drift, lambda data: recovered_drift(None, data)):
        with pytest.raises(ValueError, match="planted drift is that of load_timeline"):
            call(plain)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda data: drift_correlation(np.ones(3), data), "one number a group"),
        (lambda data: recovered_drift(None, data, steps=1), "two or more steps"),
        (
            lambda data: regression_drift(data[data.labels != data.sublabels]),
            "never seen with a caption of its own",
        ),
        (lambda data: regression_drift(data, times=[1.0, 2.0]), "times must be one number or"),
    ],
)
def test_bad_input_gets_one_clear_sentence(timeline, call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call(timeline)
