"""Pictures of every kind, from wherever, become uint8 RGB squares; what cannot be read is named."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image, ImageFile

from mmlearn.data import PairedDataset, to_pictures
from mmlearn.features import CNNFeatures, ColourHistogram

RAMP = np.tile(np.linspace(0, 1, 64), (64, 1))  # grey, from black at the left to white at the right


def encoded(image, kind="PNG", **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def is_ramp(picture):
    """Whether a square is the ramp, to what a change of precision may change."""
    return picture.ndim == 3 and np.abs(picture.astype(int) - (RAMP * 255)[..., None]).max() <= 1


SIXTEEN = (RAMP * 65535).astype(np.uint16)
EIGHT = np.rint(RAMP * 255).astype(np.uint8)
RGB = np.dstack([EIGHT] * 3)
OPAQUE = np.full_like(EIGHT, 255)
ARRAYS = {
    "grey": EIGHT,
    "grey with an axis": EIGHT[..., None],
    "grey and alpha": np.dstack([EIGHT, OPAQUE]),
    "RGB": RGB,
    "RGBA": np.dstack([RGB, OPAQUE]),
    "channels first": RGB.transpose(2, 0, 1),
    "grey, channel first": EIGHT[None],
    "RGBA, channels first": np.dstack([RGB, OPAQUE]).transpose(2, 0, 1),
    "16 bits": SIXTEEN,
    "16 bits, RGB": np.dstack([SIXTEEN] * 3),
    "16 bits, big-endian": SIXTEEN.astype(">u2"),
    "16 bits in int32": SIXTEEN.astype(np.int32),
    "8 bits in int64": RGB.astype(np.int64),
    "fractions": RAMP,
    "fractions, float16": RAMP.astype(np.float16),
    "fractions that overshoot": np.where(RAMP == 1, 1 + 1e-6, RAMP - 1e-7),
    "floats to 255": RGB.astype(np.float32),
    "floats to 65535": SIXTEEN.astype(np.float32),
    "Fortran order": np.asfortranarray(RGB),
    "reversed twice": RGB[::-1][::-1],
    "read-only": np.broadcast_to(EIGHT[..., None], (64, 64, 3)),
    "masked, nothing masked": np.ma.array(RGB),
    "tensor": torch.from_numpy(RGB),
    "tensor, channels first": torch.from_numpy(RGB).permute(2, 0, 1) / 255,
    "tensor, bfloat16": torch.from_numpy(np.rint(RAMP * 255)).bfloat16(),
    "tensor with gradients": torch.from_numpy(RAMP).requires_grad_(),
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_arrays_of_every_kind_and_layout(kind):
    (picture,) = to_pictures([ARRAYS[kind]], size=64)
    assert picture.dtype == np.uint8
    assert is_ramp(picture)


@pytest.mark.parametrize("kind", [k for k in ARRAYS if np.ndim(ARRAYS[k]) == 3])
def test_an_array_of_many_is_a_list_of_them(kind):
    one = ARRAYS[kind]
    many = torch.stack([one, one]) if torch.is_tensor(one) else np.stack([one, one])
    for picture in to_pictures(many, size=64):
        assert is_ramp(picture)
    assert to_pictures(np.stack([EIGHT] * 5), size=64).shape == (5, 64, 64, 3)


def test_a_dark_picture_among_others_of_one_array_stays_dark():
    many = np.stack([np.zeros((8, 8, 3)), np.ones((8, 8, 3)), np.full((8, 8, 3), 255.0)])
    assert to_pictures(many, size=8).max(axis=(1, 2, 3)).tolist() == [0, 1, 255]
    assert to_pictures(list(many), size=8).max(axis=(1, 2, 3)).tolist() == [0, 255, 255]


PALETTE = Image.fromarray(EIGHT).quantize(256)
FILES = {
    "PNG": encoded(Image.fromarray(RGB)),
    "grey PNG": encoded(Image.fromarray(EIGHT)),
    "PNG, alpha": encoded(Image.fromarray(np.dstack([RGB, OPAQUE]))),
    "PNG, grey and alpha": encoded(Image.fromarray(np.dstack([EIGHT, OPAQUE]))),
    "16-bit PNG": encoded(Image.fromarray(SIXTEEN)),
    "16-bit TIFF": encoded(Image.fromarray(SIXTEEN), "TIFF"),
    "16-bit TIFF, big-endian": encoded(Image.fromarray(SIXTEEN.astype(">u2")), "TIFF"),
    "32-bit TIFF": encoded(Image.fromarray(SIXTEEN.astype(np.int32)), "TIFF"),
    "32-bit TIFF of 8 bits": encoded(Image.fromarray(EIGHT.astype(np.int32)), "TIFF"),
    "float TIFF": encoded(Image.fromarray(RAMP.astype(np.float32)), "TIFF"),
    "float TIFF to 255": encoded(Image.fromarray((RAMP * 255).astype(np.float32)), "TIFF"),
    "float TIFF to 65535": encoded(Image.fromarray(SIXTEEN.astype(np.float32)), "TIFF"),
    "palette": encoded(PALETTE),
    "GIF": encoded(PALETTE, "GIF"),
    "BMP": encoded(Image.fromarray(RGB), "BMP"),
    "WebP": encoded(Image.fromarray(RGB), "WEBP", lossless=True),
    "JPEG": encoded(Image.fromarray(RGB), "JPEG", quality=100),
    "grey JPEG": encoded(Image.fromarray(EIGHT), "JPEG", quality=100),
    "CMYK JPEG": encoded(Image.fromarray(RGB).convert("CMYK"), "JPEG", quality=100),
    "CMYK TIFF": encoded(Image.fromarray(RGB).convert("CMYK"), "TIFF"),
}


@pytest.mark.parametrize("kind", FILES)
def test_files_contents_and_opened_images_of_every_kind(kind, tmp_path):
    path = tmp_path / "ramp.bin"
    path.write_bytes(FILES[kind])
    content = FILES[kind]
    given = [path, str(path), content, Image.open(io.BytesIO(content)), Image.open(path)]
    first, *others = to_pictures(given, size=64)
    assert np.abs(first.astype(int) - (RAMP * 255)[..., None]).max() <= 2
    assert all(np.abs(first.astype(int) - other.astype(int)).max() <= 1 for other in others)


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I;16L", "I", "F", "L", "LA", "RGBA", "HSV"])
def test_images_of_every_mode_in_memory(mode):
    if mode.startswith("I;16"):
        values = SIXTEEN.astype(">u2" if mode == "I;16B" else "<u2")
        image = Image.frombytes(mode, (64, 64), values.tobytes())
    else:
        image = Image.fromarray(RGB).convert("L" if mode in "IF" else "RGB").convert(mode)
    assert is_ramp(to_pictures([image], size=64)[0])


@pytest.mark.parametrize("mode", ["1", "P", "YCbCr", "RGBX", "CMYK", "RGBa", "La", "PA"])
def test_rarer_modes_in_memory(mode):
    through = {"RGBa": "RGBA", "La": "LA", "PA": "P"}.get(mode, "RGB")
    image = Image.new("RGB", (4, 4), "white").convert(through)
    assert (to_pictures([image.convert(mode)], size=4) == 255).all()


def png_of_16_bits(values):
    """A PNG of 16 bits in more than one channel, which Pillow reads and does not write."""
    height, width, channels = values.shape
    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in values)
    header = struct.pack(">IIBBBBB", width, height, 16, {2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_16_bits_in_several_channels(channels):
    full = np.full_like(SIXTEEN, 65535)
    values = np.dstack([SIXTEEN, full] if channels == 2 else [SIXTEEN] * 3 + [full])[..., :channels]
    assert is_ramp(to_pictures([png_of_16_bits(values)], size=64)[0])


def test_the_16_bit_gradient_of_the_fault_is_half_white():
    g = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    assert abs(to_pictures([encoded(Image.fromarray(g))], size=64).mean() - 127.5) < 0.5
    dark = (g // 300).astype(np.uint16)  # below 256, and 16 bits all the same
    assert to_pictures([encoded(Image.fromarray(dark))], size=64).max() <= 1


def test_what_is_transparent_shows_white():
    half = np.zeros((8, 8, 4), dtype=np.uint8)
    half[:4, :, 3] = 255  # the upper half black, the lower half glass
    grey = half[..., [0, 3]]
    palette = Image.new("P", (8, 8), 1)
    palette.putpalette([0, 0, 0, 255, 0, 0])
    palette.paste(0, (0, 0, 8, 4))
    levels = np.zeros((8, 8), dtype=np.uint16)
    levels[4:] = 300
    given = [
        half,
        half / 255,
        half.astype(np.uint16) * 257,
        half.transpose(2, 0, 1),
        grey,
        Image.fromarray(half),
        Image.fromarray(grey),
        encoded(Image.fromarray(half)),
        encoded(palette, transparency=1),
        encoded(palette, "GIF", transparency=1),
        encoded(Image.fromarray(np.where(half[..., 3], 0, np.uint8(9))), transparency=9),
        encoded(Image.fromarray(levels), transparency=300),
    ]
    expected = np.repeat([0, 255], 32).reshape(8, 8)
    for i, picture in enumerate(to_pictures(given, size=8)):
        np.testing.assert_array_equal(picture, np.dstack([expected] * 3), err_msg=f"number {i}")
    half[..., 3] = 127
    assert abs(int(to_pictures([half], size=8).mean()) - 128) <= 1


def test_photos_are_turned_as_they_were_held(tmp_path):
    wide = Image.new("RGB", (40, 20), "white")
    wide.paste("black", (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise: what was left comes to the top
    path = tmp_path / "held.jpg"
    wide.save(path, exif=exif)
    for turned in to_pictures([path, Image.open(path), encoded(wide, exif=exif)], size=40):
        assert turned[5, 20].mean() < 50 < 200 < turned[35, 20].mean()


def test_of_an_animation_the_first_frame_counts():
    frames = [Image.new("P", (8, 8), colour) for colour in (0, 1)]
    for frame in frames:
        frame.putpalette([255, 0, 0, 0, 0, 255])
    for kind in ("GIF", "PNG"):
        content = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
        assert to_pictures([content], size=8)[0, 4, 4].tolist() == [255, 0, 0]


@pytest.mark.parametrize("shape", [(3, 20_000), (20_000, 3), (1, 1), (1, 5000), (2, 3), (97, 95)])
def test_no_shape_becomes_blank(shape):
    green = Image.new("RGB", shape[::-1], (0, 128, 0))
    (picture,) = to_pictures([encoded(green)])
    there = (picture == [0, 128, 0]).all(axis=2)
    height, width = np.ptp(np.argwhere(there), axis=0) + 1
    assert max(height, width) == 96
    assert abs(height - max(1, 96 * shape[0] / max(shape))) <= 1
    assert abs(width - max(1, 96 * shape[1] / max(shape))) <= 1
    assert (picture[~there] == 255).all()


def test_any_mix_of_any_sizes_keeps_its_order(tmp_path):
    path = tmp_path / "b.png"
    Image.new("RGB", (9, 5), (2, 2, 2)).save(path)
    mix = [np.full((7, 7), 1, np.uint8), path, Image.new("L", (3, 8), 3), torch.full((3, 6, 5), 4)]
    assert to_pictures(mix, size=12)[:, 6, 6, 0].tolist() == [1, 2, 3, 4]
    assert to_pictures(pd.Series([path, str(path)]), size=12)[:, 6, 6, 0].tolist() == [2, 2]
    assert to_pictures(np.array([str(path)]), size=12).shape == (1, 12, 12, 3)
    assert to_pictures(path, size=12).shape == to_pictures(mix[2], 12).shape == (1, 12, 12, 3)
    assert to_pictures([], size=12).shape == (0, 12, 12, 3)


# -- what cannot be read --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"])
@pytest.mark.parametrize("keep", [0.02, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("lenient", [False, True])
def test_half_a_file_is_never_half_a_picture(kind, keep, lenient, rng, tmp_path, monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", lenient)
    noise = Image.fromarray(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8))
    content = encoded(noise, kind)
    path = tmp_path / "half.img"
    path.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(ValueError, match=r"picture 1 \(.*half\.img\) cannot be read: ") as error:
        to_pictures([content, path])
    assert "\n" not in str(error.value)
    assert "BytesIO" not in str(error.value)
    assert ImageFile.LOAD_TRUNCATED_IMAGES is lenient


@pytest.mark.parametrize("limit", [100, 150], ids=["error", "warning"])
def test_a_bomb_is_named(limit, tmp_path, monkeypatch):
    path = tmp_path / "bomb.png"
    Image.new("1", (20, 11)).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(ValueError, match=r"picture 1 \(.*bomb\.png\) cannot be read: its size \("):
        to_pictures([EIGHT, path])


def test_files_that_are_none_are_named(tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("no picture")
    empty = tmp_path / "empty.png"
    empty.touch()
    for path, reason in (
        (text, r"picture 1 \(.*notes\.txt\) cannot be read: it is no picture, or of a kind"),
        (empty, r"picture 1 \(.*empty\.png\) cannot be read: it is no picture"),
        (tmp_path / "gone.png", r"picture 1 \(.*gone\.png\) cannot be read: No such file"),
        (tmp_path, r"picture 1 \(.*\) cannot be read: Is a directory"),
        (b"no picture", "picture 1 cannot be read: it is no picture"),
        (b"", "picture 1 cannot be read: it is no picture"),
        ("", "picture 1 cannot be read: its file has no name"),
    ):
        with pytest.raises(ValueError, match=reason):
            to_pictures([EIGHT, path])


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (np.full((4, 4), np.nan), "picture 1 cannot be read: it holds NaN"),
        (Image.fromarray(np.full((4, 4), np.nan, np.float32)), "it holds NaN"),
        (
            np.linspace(-2, 2, 16).reshape(4, 4),
            "run from -2 to 2, not from 0 to 1, .* normalised",
        ),
        (np.full((4, 4), 70_000), "values run from 70000 to 70000"),
        (np.zeros((4, 0, 3), np.uint8), "no pixels"),
        (Image.new("RGB", (0, 3)), "no pixels"),
        (np.zeros((7, 6, 5)), r"its shape \(7, 6, 5\) is none of"),
        (np.zeros(4), r"its shape \(4,\) is none of"),
        (np.zeros((2, 4, 4, 3)), "is none of"),
        (np.zeros((4, 4), complex), "no numbers"),
        (np.full((4, 4), "a"), "no numbers"),
        (np.ma.array(np.zeros((4, 4)), mask=np.eye(4)), "values are masked"),
    ],
)
def test_numbers_that_are_no_picture_are_named(picture, message):
    with pytest.raises(ValueError, match=r"picture 1 cannot be read: .*") as error:
        to_pictures([EIGHT, picture])
    assert error.match(message)


@pytest.mark.parametrize("nothing", [None, float("nan"), pd.NA])
def test_a_missing_picture_is_named_by_its_row(nothing):
    with pytest.raises(ValueError, match="pictures are missing in row 1: none may be missing"):
        to_pictures([EIGHT, nothing])
    with pytest.raises(ValueError, match="pictures are missing in row 1"):
        PairedDataset("mine", [EIGHT, nothing], ["a", "b"])


def test_what_is_no_picture_is_named():
    with pytest.raises(TypeError, match="picture 1 is of type dict; it must be a file's name"):
        to_pictures([EIGHT, {}])
    with pytest.raises(TypeError, match="must be a list of pictures, got 5"):
        to_pictures(5)
    for one in (RGB, EIGHT, RGB.transpose(2, 0, 1), RGB[0, 0], np.zeros((1, 1, 1, 1, 1))):
        if one.ndim > 1:
            with pytest.raises(ValueError, match="put one picture into a list"):
                to_pictures(one)
    for size in (0, -1, 2.0, True, None):
        with pytest.raises(ValueError, match="size must be a whole number of pixels"):
            to_pictures([EIGHT], size=size)


# -- where pictures are taken ---------------------------------------------------------------------


def test_a_dataset_takes_pictures_of_any_kind(tmp_path):
    path = tmp_path / "a.png"
    Image.new("RGBA", (20, 10), (0, 0, 0, 0)).save(path)
    given = [path, Image.new("L", (5, 9)), EIGHT, RGB.transpose(2, 0, 1) / 255]
    data = PairedDataset("mine", given, list("abcd"), labels=["x", "y", "x", "y"])
    np.testing.assert_array_equal(data.pictures, to_pictures(given))
    assert data.label_names == ["x", "y"]
    assert data[[2, 0]].pictures.shape == (2, 96, 96, 3)
    with pytest.raises(ValueError, match="captions must have one entry per picture: got 3 for 4"):
        PairedDataset("mine", given, list("abc"))


def test_an_array_of_uint8_rgb_is_taken_as_it_is():
    pictures = np.zeros((2, 8, 6, 3), dtype=np.uint8)
    assert PairedDataset("mine", pictures, ["a", "b"]).pictures is pictures
    assert PairedDataset("mine", list(pictures), ["a", "b"]).pictures.shape == (2, 8, 6, 3)
    assert PairedDataset("mine", torch.from_numpy(pictures), ["a", "b"]).pictures.shape[1] == 8


@pytest.mark.parametrize("features", [ColourHistogram(), CNNFeatures(cache=False)], ids=repr)
def test_features_of_new_files_are_those_of_their_pictures(features, tmp_path):
    path = tmp_path / "new.png"
    Image.fromarray(RGB[:40]).save(path)
    features.fit(np.zeros((1, 48, 48, 3), np.uint8))
    expected = features.transform(to_pictures([path], size=48))
    np.testing.assert_array_equal(features.transform([str(path)]), expected)
    np.testing.assert_array_equal(features.transform([Image.open(path)]), expected)
    with pytest.raises(ValueError, match=r"picture 0 \(.*gone\.png\) cannot be read"):
        features.transform([Path("gone.png")])


@pytest.mark.parametrize("pictures", [pd.DataFrame({"file": ["a.png"]}), {"a.png": 1}, {"a.png"}])
def test_what_is_no_list_of_pictures_is_called_by_its_name(pictures):
    with pytest.raises(TypeError, match=f"a list of pictures, got a {type(pictures).__name__}"):
        to_pictures(pictures)


def test_an_address_is_to_be_downloaded_and_a_long_name_does_not_fill_the_screen():
    with pytest.raises(ValueError, match=r"\(https://a.org/b.png\).*download it first"):
        to_pictures(["https://a.org/b.png"])
    with pytest.raises(ValueError, match="too long") as e:
        to_pictures(["a" * 50_000])
    assert len(str(e.value)) < 400


def test_features_of_a_generator_are_refused_since_they_need_it_twice():
    with pytest.raises(TypeError, match="a generator gives its items once"):
        ColourHistogram().fit_transform(picture for picture in np.zeros((2, 8, 8, 3), np.uint8))
