"""The timeline's drift is there, is what its ground truth says, and is gone when shuffled."""

import numpy as np
import pytest

from mmlearn.data import PairedDataset, Timeline, load_emoji, load_fashion, load_timeline
from mmlearn.storage.cache import local_folder


@pytest.fixture(scope="module")
def many():
    return load_timeline(draws=40, size=8)


@pytest.fixture(scope="module")
def few():
    return load_timeline(draws=3, size=8)


def away(timeline):
    return timeline.labels != timeline.sublabels


def test_the_share_of_partner_captions_is_the_planted_one_at_every_time(many):
    for first in np.linspace(0, 0.8, 5):
        here = (many.times >= first) & (many.times < first + 0.2)
        n = np.bincount(many.labels[here])
        observed = np.bincount(many.labels[here], away(many)[here]) / n
        expected = many.share(first + 0.1)
        error = np.sqrt(np.maximum(expected * (1 - expected), 0.01) / n)
        assert (abs(observed - expected) < 5 * error + 0.01).all()


def test_the_slope_of_that_share_over_time_is_the_velocity(many):
    slopes = [
        np.polyfit(many.times[many.labels == g], away(many)[many.labels == g], 1)[0]
        for g in range(len(many.velocities))
    ]
    assert np.corrcoef(slopes, many.velocities)[0, 1] > 0.98
    assert np.polyfit(many.velocities, slopes, 1) == pytest.approx([1, 0], abs=0.06)


def test_shuffling_keeps_pairs_and_times_but_cuts_them_apart(many):
    control = load_timeline(draws=40, size=8, shuffled=True)
    assert control.captions == many.captions
    assert control.folds == many.folds
    np.testing.assert_array_equal(control.pictures, many.pictures)
    np.testing.assert_array_equal(control.velocities, many.velocities)
    np.testing.assert_array_equal(np.sort(control.times), np.sort(many.times))
    slopes = [
        np.polyfit(control.times[control.labels == g], away(control)[control.labels == g], 1)[0]
        for g in range(len(control.velocities))
    ]
    assert abs(np.polyfit(control.velocities, slopes, 1)[0]) < 0.06


def test_partners_are_mutual_have_one_velocity_and_cover_the_range_evenly(few):
    g = np.arange(len(few.partners))
    assert (few.partners != g).all()
    np.testing.assert_array_equal(few.partners[few.partners], g)
    np.testing.assert_array_equal(few.velocities[few.partners], few.velocities)
    np.testing.assert_allclose(
        np.sort(few.velocities), np.repeat(np.linspace(-1, 1, len(g) // 2), 2)
    )


def test_pictures_and_captions_are_those_of_real_emoji_of_the_groups_named(few):
    emoji = load_emoji(size=8)
    group = dict(zip(emoji.glyphs, emoji.sublabels, strict=True))
    picture = dict(zip(emoji.glyphs, emoji.pictures, strict=True))
    of_caption = {}
    for caption, label in zip(emoji.captions, emoji.sublabels, strict=True):
        of_caption.setdefault(caption, set()).add(emoji.sublabel_names[label])
    for i in range(0, len(few), 7):
        name = few.label_names[few.labels[i]]
        assert name == emoji.sublabel_names[group[few.glyphs[i]]]
        assert few.sublabel_names[few.sublabels[i]] in of_caption[few.captions[i]]
        np.testing.assert_array_equal(few.pictures[i], picture[few.glyphs[i]])


def test_a_caption_that_stayed_is_the_pictures_own(few):
    emoji = load_emoji(size=8)
    own = dict(zip(emoji.glyphs, emoji.captions, strict=True))
    home = np.flatnonzero(~away(few))
    assert all(few.captions[i] == own[few.glyphs[i]] for i in home)


def test_every_emoji_is_seen_once_in_each_stretch_of_time(few):
    stretch = (few.times * 3).astype(int)
    seen = sorted(zip(few.glyphs, stretch.tolist(), strict=True))
    assert len(seen) == len(set(seen)) == 3 * len(set(few.glyphs))
    assert few.times.min() >= 0
    assert few.times.max() < 1


def test_the_official_split_shares_no_emoji_in_picture_or_caption(few):
    train, test = few.official_split()
    assert isinstance(train, Timeline)
    assert not set(train.glyphs) & set(test.glyphs)
    # Two emoji may have the same words; their captions alone are shared.
    emoji = load_emoji(size=8)
    twice = {c for c in emoji.captions if emoji.captions.count(c) > 1}
    assert set(train.captions) & set(test.captions) <= twice
    assert set(train.labels) == set(test.labels) == set(range(len(few.label_names)))


def test_a_seed_gives_the_same_timeline_and_another_seed_another(few):
    again, other = load_timeline(draws=3, size=8), load_timeline(draws=3, size=8, seed=1)
    assert again.captions == few.captions
    np.testing.assert_array_equal(again.times, few.times)
    assert not np.array_equal(other.velocities, few.velocities)
    assert not np.array_equal(other.partners, few.partners)


def test_parts_and_subsets_keep_times_and_the_ground_truth(few):
    for part in (*few.split(), *few.temporal_split(0.5), few[:10], few.features("colour", "bow")):
        assert isinstance(part, Timeline)
        assert len(part.times) == len(part)
        np.testing.assert_array_equal(part.velocities, few.velocities)
        np.testing.assert_array_equal(part.partners, few.partners)


def test_a_temporal_split_trains_on_the_past_alone(few):
    train, test = few.features(image=None, text="bow").temporal_split(0.7)
    assert train.times.max() < 0.7 <= test.times.min()
    assert len(train) + len(test) == len(few)
    assert train.text_transformer is test.text_transformer  # fitted on the past


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda data: load_timeline(draws=0), "draws must be a whole number from 1 to 1000"),
        (lambda data: load_timeline(draws=2.5), "draws must be a whole number"),
        (lambda data: data.temporal_split(0.0), "start must leave items before and after"),
        (lambda data: data.temporal_split(1.0), "start must leave items before and after"),
        (lambda data: data.temporal_split(np.nan), "start must leave items before and after"),
        (lambda data: load_fashion(years=(2018, 2010)), "years must be"),
    ],
)
def test_bad_input_gets_one_clear_sentence(few, call, sentence):
    with pytest.raises(ValueError, match=sentence) as caught:
        call(few)
    assert "\n" not in str(caught.value)


def make_dataset(**fields):
    return PairedDataset("toy", np.zeros((4, 2, 2, 3), dtype=np.uint8), list("abcd"), **fields)


def test_a_dataset_without_times_has_no_temporal_split():
    with pytest.raises(ValueError, match="toy has no times"):
        make_dataset().temporal_split(1)


@pytest.mark.parametrize("times", [[0, 1, np.nan, 2], [[0], [1], [2], [3]], [0, 1, 2, np.inf]])
def test_times_of_a_dataset_are_finite_and_one_an_item(times):
    with pytest.raises(ValueError, match="times must be finite numbers"):
        make_dataset(times=times)


@pytest.mark.skipif(local_folder("fashion") is None, reason="needs the fashion data, MMLEARN_DATA")
def test_fashion_of_some_years_holds_these_alone_and_splits_in_time():
    data = load_fashion(n=400, years=(2010, 2018), min_items=100)
    assert set(data.times) <= set(range(2010, 2019))
    train, test = data.temporal_split(2013)
    assert train.times.max() == 2012
    assert test.times.min() >= 2013
