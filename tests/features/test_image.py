"""Picture features: known answers, groups, caches."""

import itertools

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_sample_image
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mmlearn.features import HOG, CNNFeatures, ColourHistogram, make_image_features
from mmlearn.features.networks import EfficientNetLite0, SameConv, load_network, prepare
from mmlearn.storage.cache import remember_features

LIGHT = [ColourHistogram(), ColourHistogram(bins=2, grid=2), HOG(), HOG(8, 1, 4)]


@pytest.fixture
def pictures(rng):
    return rng.integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)


@pytest.fixture
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("MMLEARN_CACHE", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("features", [*LIGHT, make_image_features("colour+hog")], ids=repr)
def test_contract_of_a_picture_transformer(features, pictures):
    fitted = clone(features).fit(pictures)
    x = fitted.transform(pictures)
    assert x.dtype == np.float32
    assert np.isfinite(x).all()
    # One picture alone gets the same features as in company.
    np.testing.assert_array_equal(fitted.transform(pictures[2:3])[0], x[2])
    # The groups cover all columns, in order, without a gap.
    edges = [(g.start, g.stop) for g in fitted.feature_groups_]
    assert edges[0][0] == 0
    assert edges[-1][1] == x.shape[1]
    assert all(a[1] == b[0] for a, b in itertools.pairwise(edges))
    assert make_pipeline(features, StandardScaler()).fit_transform(pictures).shape == x.shape


def test_chunks_do_not_change_the_result(pictures, monkeypatch):
    whole = HOG().fit_transform(pictures)
    monkeypatch.setattr("mmlearn.features.image.CHUNK", 4)
    np.testing.assert_array_equal(HOG().fit_transform(pictures), whole)


def test_colour_histogram_counts_shares_per_tile():
    picture = np.zeros((1, 4, 4, 3), dtype=np.uint8)
    picture[0, :, 2:] = [255, 0, 0]  # left black, right red
    assert ColourHistogram(bins=2).fit_transform(picture).tolist() == [[0.5, 0, 0, 0, 0.5, 0, 0, 0]]
    tiles = ColourHistogram(bins=2, grid=2).fit_transform(picture).reshape(4, 8)
    assert tiles[:, 0].tolist() == [1, 0, 1, 0]
    assert tiles[:, 4].tolist() == [0, 1, 0, 1]


def test_colour_histogram_equals_numpy(pictures):
    x = ColourHistogram(bins=4).fit_transform(pictures)
    edges = [np.linspace(0, 256, 5)] * 3
    for row, picture in zip(x, pictures, strict=True):
        counts, _ = np.histogramdd(picture.reshape(-1, 3), bins=edges)
        np.testing.assert_allclose(row, counts.ravel() / 1024, rtol=1e-6)


@pytest.mark.parametrize(("axis", "bin_"), [(0, 2), (1, 0)])
def test_hog_finds_the_direction_of_an_edge(axis, bin_):
    """A horizontal edge has a vertical gradient, 90 degrees; a vertical edge 0 degrees."""
    picture = np.zeros((32, 32, 3), dtype=np.uint8)
    picture[(slice(16, None), slice(None))[:: 1 if axis == 0 else -1]] = 255
    energy = HOG(bins=4).fit_transform(picture[None]).reshape(-1, 4).sum(axis=0)
    assert energy[bin_] > 0
    assert energy.sum() == energy[bin_]


def test_hog_equals_scikit_image(pictures):
    reference = pytest.importorskip("skimage.feature")
    ours = HOG(cell=8, block=2, bins=9).fit_transform(pictures)
    theirs = [
        reference.hog(
            picture / 255,
            orientations=9,
            pixels_per_cell=(8, 8),
            cells_per_block=(2, 2),
            block_norm="L2-Hys",
            channel_axis=-1,
        )
        for picture in pictures
    ]
    np.testing.assert_allclose(ours, theirs, atol=2e-3)


def test_hog_ignores_brightness_but_not_a_blank_picture():
    ramp = np.tile(np.arange(0, 64, 2, dtype=np.uint8)[:, None], (1, 32))[None, ..., None]
    ramp = np.repeat(ramp, 3, axis=3)
    np.testing.assert_allclose(
        HOG().fit_transform(ramp), HOG().fit_transform(ramp + np.uint8(100)), atol=1e-5
    )
    assert HOG().fit_transform(np.full((1, 32, 32, 3), 9, np.uint8)).sum() == 0


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (ColourHistogram(bins=1), "bins must be a whole number from 2 to 256"),
        (ColourHistogram(grid=0), "grid must be a whole number"),
        (HOG(cell=20), "fewer than a block of 2×2"),
        (CNNFeatures("vgg"), "known models: efficientnet_lite0, resnet18"),
        (CNNFeatures(size=8), "size must be a whole number from 32"),
        (CNNFeatures(grid=0), "grid must be a whole number from 1 to 32"),
    ],
)
def test_wrong_settings_are_named(features, message, pictures):
    with pytest.raises(ValueError, match=message):
        features.fit(pictures)


@pytest.mark.parametrize("features", [ColourHistogram(), HOG(), CNNFeatures()], ids=repr)
def test_wrong_pictures_are_refused(features, pictures):
    with pytest.raises(ValueError, match="picture 0 cannot be read: its values run from"):
        features.fit(pictures * 2000.0)
    with pytest.raises(ValueError, match="put one picture into a list"):
        features.fit(pictures[0])


def test_pictures_of_another_size_are_refused(pictures):
    with pytest.raises(ValueError, match="resize them first"):
        HOG().fit(pictures).transform(np.zeros((1, 64, 64, 3), np.uint8))


def test_joined_features_stand_side_by_side_with_their_groups(pictures):
    joined = make_image_features("colour+hog").fit(pictures)
    x = joined.transform(pictures)
    colour, hog = ColourHistogram().fit(pictures), HOG().fit(pictures)
    np.testing.assert_array_equal(x[:, :64], colour.transform(pictures))
    np.testing.assert_array_equal(x[:, 64:], hog.transform(pictures))
    assert joined.feature_groups_[1].start == 64
    assert len(joined.feature_groups_) == 1 + len(hog.feature_groups_)


def test_same_padding_is_that_of_tensorflow():
    """Stride 2 on an even side pads right and below only: 4 -> 2, the windows start at 0 and 2."""
    conv = SameConv(1, 1, 3, 2, bias=False)
    torch.nn.init.ones_(conv.weight)
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    expected = [[x[0, 0, r : r + 3, c : c + 3].sum().item() for c in (0, 2)] for r in (0, 2)]
    assert conv(x)[0, 0].tolist() == expected


@pytest.mark.parametrize(("photo", "number"), [("china.jpg", 698), ("flower.jpg", 985)])
def test_the_network_recognises_photographs(photo, number):
    """A palace and a daisy: a wrong activation or a lost skip connection names neither."""
    picture = load_sample_image(photo)
    left = (picture.shape[1] - picture.shape[0]) // 2
    square = torch.from_numpy(picture[None, :, left : left + picture.shape[0]].copy())
    with torch.inference_mode():
        logits = load_network("efficientnet_lite0").classify(
            prepare(square, "efficientnet_lite0", 224)
        )
    assert logits.argmax().item() == number


def test_network_has_the_published_number_of_parameters():
    assert sum(p.numel() for p in EfficientNetLite0().parameters()) == 4_652_008


def test_cnn_features_are_the_same_from_the_cache(pictures, own_cache):
    fresh = CNNFeatures(size=32, device="cpu", cache=False).fit_transform(pictures)
    first = CNNFeatures(size=32, device="cpu").fit_transform(pictures)
    second = CNNFeatures(size=32, device="cpu").fit_transform(pictures[::-1])
    assert fresh.shape == (6, 1280)
    assert fresh.dtype == np.float32
    np.testing.assert_array_equal(first, fresh)
    np.testing.assert_array_equal(second, fresh[::-1])


@pytest.fixture
def colour_network(monkeypatch):
    """In place of the network: the mean colour of a picture, and a note of what was seen."""
    seen = []

    def see(self, pictures, keep=None):
        seen.append(pictures.shape)
        x = np.zeros((len(pictures), 1280), np.float32)
        x[:, :3] = pictures.mean(axis=(1, 2))
        if keep is not None:
            keep(0, len(pictures), x)
        return x

    monkeypatch.setattr(CNNFeatures, "_see", see)
    return seen


@pytest.mark.parametrize("grid", [2, 3])
def test_parts_are_the_whole_then_the_crops_row_by_row(grid, colour_network):
    picture = np.zeros((1, 10, 7, 3), np.uint8)  # neither side is a multiple of 2 and 3
    edges = [np.arange(grid + 1) * m // grid for m in (10, 7)]
    crops = list(itertools.product(*map(itertools.pairwise, edges)))
    for number, ((top, bottom), (left, right)) in enumerate(crops):
        picture[0, top:bottom, left:right] = 10 * (number + 1)
    features = CNNFeatures(grid=grid, cache=False)
    x = features.fit_transform(picture)
    assert x.shape == (1, 1280 * (1 + grid**2))
    assert len(features.feature_groups_) == 1 + grid**2
    blocks = [x[0, group][0] for group in features.feature_groups_]
    assert blocks[0] == pytest.approx(picture.mean())
    assert blocks[1:] == [10 * (number + 1) for number in range(grid**2)]


def test_the_whole_of_parts_is_what_the_network_sees_without_parts(pictures, own_cache):
    whole = CNNFeatures(size=32, device="cpu").fit_transform(pictures)
    parts = CNNFeatures(size=32, device="cpu", grid=2).fit_transform(pictures)
    np.testing.assert_array_equal(parts[:, :1280], whole)
    quarter = CNNFeatures(size=32, device="cpu").fit_transform(pictures[:, :16, 16:].copy())
    np.testing.assert_array_equal(parts[:, 2 * 1280 : 3 * 1280], quarter)


def test_parts_use_the_store_of_wholes(pictures, own_cache, colour_network):
    CNNFeatures().fit_transform(pictures)
    parts = make_image_features("cnn_parts").fit(pictures)
    first = parts.transform(pictures)
    assert colour_network == [(6, 32, 32, 3)] + [(6, 16, 16, 3)] * 4
    np.testing.assert_array_equal(parts.transform(pictures), first)
    assert len(colour_network) == 5
    assert len(list(own_cache.glob("*.sqlite"))) == 1


class Counting:
    """Stands for a network: counts the pictures it is shown, and may be interrupted."""

    def __init__(self, stop_after=None):
        self.seen, self.stop_after = 0, stop_after

    def __call__(self, pictures, keep):
        out = pictures.reshape(len(pictures), -1)[:, :3].astype(np.float32)
        for start in range(0, len(pictures), 2):
            if self.stop_after is not None and self.seen >= self.stop_after:
                raise KeyboardInterrupt
            keep(start, min(start + 2, len(pictures)), out[start : start + 2])
            self.seen += len(out[start : start + 2])
        return out


def test_only_unknown_pictures_are_computed(pictures, own_cache):
    first, second = Counting(), Counting()
    a = remember_features("test", pictures[:4], first, 3)
    b = remember_features("test", np.concatenate([pictures, pictures[:2]]), second, 3)
    assert (first.seen, second.seen) == (4, 2)
    np.testing.assert_array_equal(b[:4], a)
    np.testing.assert_array_equal(b[6:], a[:2])


def test_an_interrupted_computation_goes_on_where_it_stopped(pictures, own_cache):
    with pytest.raises(KeyboardInterrupt):
        remember_features("test", pictures, Counting(stop_after=4), 3)
    rest = Counting()
    x = remember_features("test", pictures, rest, 3)
    assert rest.seen == 2
    np.testing.assert_array_equal(x, pictures.reshape(6, -1)[:, :3])


@pytest.mark.parametrize("keep_bytes", [0, 50, 2000])
def test_a_damaged_store_is_made_anew(pictures, own_cache, keep_bytes):
    expected = remember_features("test", pictures, Counting(), 3)
    (path,) = own_cache.glob("test.sqlite")
    path.write_bytes(path.read_bytes()[:keep_bytes] + b"x" * (keep_bytes > 0) * 20)
    np.testing.assert_array_equal(remember_features("test", pictures, Counting(), 3), expected)
    again = Counting()
    remember_features("test", pictures, again, 3)
    assert again.seen == 0


def test_a_store_that_cannot_be_written_costs_only_time(pictures, own_cache, monkeypatch):
    (own_cache / "file").write_text("in the way")
    monkeypatch.setenv("MMLEARN_CACHE", str(own_cache / "file"))
    assert remember_features("test", pictures, Counting(), 3).shape == (6, 3)


@pytest.mark.slow
def test_weights_that_cannot_be_downloaded_are_explained(pictures, own_cache, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(own_cache))
    with pytest.raises(RuntimeError, match="weights of resnet18 could not be downloaded"):
        CNNFeatures("resnet18").fit_transform(pictures)


def test_torchvision_networks_give_their_last_features(pictures, own_cache, monkeypatch):
    import torchvision.models

    build = torchvision.models.get_model
    monkeypatch.setattr(torchvision.models, "get_model", lambda name, weights: build(name))
    x = CNNFeatures("resnet18", size=32, device="cpu", cache=False).fit_transform(pictures)
    assert x.shape == (6, 512)
