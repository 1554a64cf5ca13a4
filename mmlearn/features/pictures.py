"""Pictures of any kind as uint8 RGB of one size: the one place where pictures are decoded."""

import io
import os
import re
import warnings
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from mmlearn.arrays import to_numpy
from mmlearn.labels import is_unordered, refuse_missing
from mmlearn.progress import progress_bar

__all__ = ["SIZE", "square_picture", "to_pictures"]

SIZE = 96  # pixels, where no size is asked for
ONE = str | os.PathLike | bytes | Image.Image  # one picture, whatever stands around it
TOPS = (1, 255, 65535)  # what white may be: of fractions, of 8 and of 16 bits
ROUNDING = 1e-3  # of that, by which values may lie outside


def to_pictures(pictures, size=SIZE):
    """Pictures of any kind and any sizes as one array, as a dataset holds them.

    Every picture is scaled to fit a square, its proportions kept (each side has at least a pixel),
    and lies in the middle of white; what is transparent shows white. A photo is turned as its EXIF
    tag says, of an animation the first frame counts.

    **What is white**: 255 for uint8, 65535 for uint16, True for bool. For other numbers it is the
    least of 1 (floats only), 255 and 65535 that no value of the picture lies above; of an array of
    many pictures, no value of all. Files of 16 bits and of floats are read by the same rule.

    Parameters
    ----------
    pictures : list of files (str or Path), files' contents (bytes), PIL images, arrays or tensors,
        in any mix; or an array of them. An array is (h, w), (h, w, c) or (c, h, w), with c = 1
        (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGB, alpha); where both fit, channels come last.
    size : int, default 96: height and width in pixels

    Returns
    -------
    uint8 array (n, size, size, 3)

    Raises
    ------
    ValueError
        If a picture is missing, not to be found, damaged (half a picture is no picture), too large
        for Pillow (a "decompression bomb") or holds NaN, negative or too large numbers. The
        message names its row and its file.
    TypeError
        If something is no picture.

    Examples
    --------
    >>> to_pictures([np.zeros((20, 40)), np.ones((3, 5, 5), dtype=bool)], size=4)[..., 0]
    array([[[255, 255, 255, 255],
            [  0,   0,   0,   0],
            [  0,   0,   0,   0],
            [255, 255, 255, 255]],
    <BLANKLINE>
           [[255, 255, 255, 255],
            [255, 255, 255, 255],
            [255, 255, 255, 255],
            [255, 255, 255, 255]]], dtype=uint8)
    """
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
        raise ValueError(f"size must be a whole number of pixels from 1, got {size!r}.")
    items, top = _items(pictures)
    refuse_missing(items, "pictures")
    out = np.empty((len(items), size, size, 3), dtype=np.uint8)
    rows = progress_bar(items, desc="pictures", unit=" pictures", show=len(items) > 1000)
    for row, picture in enumerate(rows):
        out[row] = square_picture(picture, size, f"picture {row}", top)
    return out


def square_picture(picture, size, name, top=None):
    """One picture as uint8 (size, size, 3); `name` is what a message calls it.

    `top` is what white is in an array of numbers, where that is known.
    """
    if not isinstance(picture, ONE | np.ndarray | torch.Tensor):
        raise TypeError(
            f"{name} is of type {type(picture).__name__}; it must be a file's name or content "
            "(bytes), a PIL image, an array or a tensor."
        )
    try:
        with _strictly():
            return np.asarray(_fitted(_on_white(_opened(picture, size, top)), size))
    except Exception as error:  # Pillow's readers raise whatever a damaged file leads them to
        raise ValueError(f"{name}{_file(picture)} cannot be read: {_reason(error)}.") from error


def _items(pictures):
    """The pictures one by one, and what white is for all of them where they are one array."""
    if isinstance(pictures, ONE):
        return [pictures], None
    if not isinstance(pictures, np.ndarray | torch.Tensor):
        if not hasattr(pictures, "__iter__"):
            raise TypeError(f"pictures must be a list of pictures, got {pictures!r}.")
        if is_unordered(pictures):
            kind = type(pictures).__name__
            raise TypeError(f"pictures must be a list of pictures, got a {kind}.")
        return list(pictures), None
    if not isinstance(pictures, np.ma.MaskedArray):
        pictures = to_numpy(pictures)
    if pictures.ndim == 1:
        return pictures.tolist(), None
    one = pictures.ndim == 3 and (pictures.shape[2] <= 4 or pictures.shape[0] in (1, 3, 4))
    if pictures.ndim not in (3, 4) or one:
        raise ValueError(
            "pictures must be a list of pictures or an array of many, (n, h, w, channels), (n, "
            f"channels, h, w) or (n, h, w), got shape {pictures.shape}; put one picture into a "
            "list."
        )
    return list(pictures), _top(pictures)


@contextmanager
def _strictly():
    """A half picture is an error, whatever was set elsewhere, and what Pillow calls a bomb, too."""
    before = ImageFile.LOAD_TRUNCATED_IMAGES
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before


def _opened(picture, size, top):
    if isinstance(picture, Image.Image):
        return picture
    if isinstance(picture, np.ndarray | torch.Tensor):
        return _from_array(picture, top)
    if isinstance(picture, str) and not picture.strip():
        raise ValueError("its file has no name")
    if isinstance(picture, str) and re.match("(https?|ftp|data):", picture):
        raise ValueError("it is an address; download it first")
    content = picture if isinstance(picture, bytes) else Path(picture).expanduser().read_bytes()
    image = Image.open(io.BytesIO(content))
    image.draft("RGB", (2 * size, 2 * size))  # a JPEG is decoded no larger than it has to be
    return image


def _from_array(array, top):
    if np.ma.is_masked(array):
        raise ValueError("values are masked; fill them in first")
    array = to_numpy(array)
    if array.ndim == 3 and not 1 <= array.shape[2] <= 4 and 1 <= array.shape[0] <= 4:
        array = np.moveaxis(array, 0, 2)
    if array.ndim not in (2, 3) or (array.ndim == 3 and not 1 <= array.shape[2] <= 4):
        raise ValueError(
            f"its shape {array.shape} is none of (h, w), (h, w, channels) and (channels, h, w), "
            "with 1 to 4 channels"
        )
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.size == 0:
        raise ValueError(f"it has no pixels, its shape is {array.shape}")
    return Image.fromarray(np.ascontiguousarray(_as_bytes(array, top or _top(array))))


def _top(values):
    """What white is in an array of numbers."""
    kind, bits = values.dtype.kind, 8 * values.dtype.itemsize
    if kind == "b" or (kind == "u" and bits <= 16):
        return 1 if kind == "b" else 2**bits - 1
    if kind not in "iuf" or values.size == 0:
        return TOPS[-1]
    peak = np.max(values, initial=0, where=np.isfinite(values))
    fit = (top for top in TOPS[kind != "f" :] if peak <= top * (1 + ROUNDING))
    return next(fit, TOPS[-1])


def _as_bytes(values, top):
    """Numbers from 0 to `top` as 0 to 255."""
    if values.dtype == np.uint8:
        return values
    if values.dtype.kind not in "biuf":
        raise ValueError(f"its values are no numbers but {values.dtype}")
    if not np.isfinite(values).all():
        raise ValueError("it holds NaN or infinite values")
    values = values.astype(np.float64) / top
    low, high = values.min(), values.max()
    if low < -ROUNDING or high > 1 + ROUNDING:
        raise ValueError(
            f"its values run from {low * top:g} to {high * top:g}, not from 0 to 1, 255 or "
            "65535; undo what normalised them"
        )
    return np.rint(values.clip(0, 1) * 255).astype(np.uint8)


def _on_white(image):
    """The picture in RGB, as it was held and not as it was stored, on white where transparent."""
    if min(image.size) == 0:
        raise ValueError(f"it has no pixels, its size is {image.size}")
    image = ImageOps.exif_transpose(image)
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        image = _in_8_bits(image)
    if image.mode == "La":  # the one that Pillow turns into nothing but LA
        image = image.convert("LA")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def _in_8_bits(image):
    """A grey picture of 16 bits or of floats, which Pillow itself would cut off at 255."""
    values = np.asarray(image)
    of_16_bits = image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG")
    grey = _as_bytes(values, TOPS[-1] if of_16_bits else _top(values))
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        grey = np.where(values == transparent, np.uint8(255), grey)
    return Image.fromarray(grey)


def _fitted(image, size):
    """Scaled to fit a square, in the middle of white; no side vanishes."""
    width, height = image.size
    shape = [max(1, round(side / max(width, height) * size)) for side in (width, height)]
    image = image.resize(shape, Image.Resampling.BICUBIC)
    square = Image.new("RGB", (size, size), "white")
    square.paste(image, tuple(round((size - side) * 0.5) for side in shape))
    return square


def _file(picture):
    name = getattr(picture, "filename", "") if isinstance(picture, Image.Image) else picture
    return f" ({name!s:.200})" if isinstance(name, str | os.PathLike) and str(name) else ""


def _reason(error):
    if isinstance(error, UnidentifiedImageError):
        return "it is no picture, or of a kind that Pillow does not know"
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return f"{error}".rstrip(".").replace("Image size", "its size") + "; scale it down first"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).rstrip(".") or type(error).__name__
