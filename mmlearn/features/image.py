"""Pictures as vectors: what colours, which gradients, and what a trained network sees."""

from itertools import pairwise

import numpy as np
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from mmlearn.arrays import to_numpy
from mmlearn.features.matrices import repeatable
from mmlearn.features.pictures import SIZE, to_pictures
from mmlearn.progress import progress_bar
from mmlearn.storage.cache import remember_features
from mmlearn.torch_state import ordinary_torch

__all__ = ["HOG", "CNNFeatures", "ColourHistogram", "check_pictures"]

CHUNK = 256  # pictures worked on at once, so that memory stays flat however many there are


def check_pictures(pictures, size=SIZE):
    """Pictures as a uint8 array (n, height, width, 3): such an array as it is, others made one.

    A list of such arrays of one shape is stacked. Anything else (files, PIL images, other kinds and
    sizes of arrays) goes through :func:`mmlearn.features.to_pictures` with this `size`.
    """
    if _is_rgb(pictures, 4):
        return to_numpy(pictures)
    rgb = isinstance(pictures, list | tuple) and all(_is_rgb(picture, 3) for picture in pictures)
    if rgb and len({tuple(picture.shape) for picture in pictures}) == 1:
        return np.stack([to_numpy(picture) for picture in pictures])
    return to_pictures(pictures, size)


def _is_rgb(array, ndim):
    if not isinstance(array, np.ndarray | torch.Tensor) or np.ma.is_masked(array):
        return False
    return array.ndim == ndim and array.shape[-1] == 3 and array.dtype in (np.uint8, torch.uint8)


class _PictureFeatures(TransformerMixin, BaseEstimator):
    """What the picture transformers share: they learn nothing but the size of the pictures."""

    def fit(self, X, y=None):
        """Note the size of the pictures uint8 (n, h, w, 3); nothing else is learned.

        Files, PIL images and other arrays are made such pictures, here and in `transform`, see
        :func:`mmlearn.features.to_pictures`.
        """
        pictures = check_pictures(repeatable(X))
        self.picture_shape_ = pictures.shape[1:]
        self.feature_groups_ = self._groups(*pictures.shape[1:3])
        self.n_features_out_ = self.feature_groups_[-1].stop
        return self

    def transform(self, X):
        """Features of the pictures uint8 (n, h, w, 3): float32 (n, n_features_out_)."""
        check_is_fitted(self)
        pictures = check_pictures(X, self.picture_shape_[0])
        if pictures.shape[1:] != self.picture_shape_:
            raise ValueError(
                f"pictures have shape {pictures.shape[1:]}, but the features were fitted on "
                f"{self.picture_shape_}; resize them first."
            )
        out = np.empty((len(pictures), self.n_features_out_), dtype=np.float32)
        for start in range(0, len(pictures), CHUNK):
            out[start : start + CHUNK] = self._describe(pictures[start : start + CHUNK])
        return out


class ColourHistogram(_PictureFeatures):
    """Share of the pixels that fall into each box of the RGB cube, per tile of the picture.

        x_{t, (r, g, b)} = pixels of tile t with colour in box (r, g, b) / pixels of tile t

    It knows which colours a picture has, and nothing of what they form.

    Parameters
    ----------
    bins : int, default 4: boxes along each of R, G and B, so that a tile has bins³ of them
    grid : int, default 1: the picture is cut into grid × grid tiles

    Attributes
    ----------
    n_features_out_ : int, grid² · bins³
    feature_groups_ : list of grid² slices, the columns of each tile

    References
    ----------
    M. J. Swain and D. H. Ballard, Color indexing, International Journal of Computer Vision 7, 1991.

    Examples
    --------
    >>> red = np.zeros((1, 8, 8, 3), dtype=np.uint8) + np.uint8([255, 0, 0])
    >>> ColourHistogram(bins=2).fit_transform(red)
    array([[0., 0., 0., 0., 1., 0., 0., 0.]], dtype=float32)
    """

    def __init__(self, bins=4, grid=1):
        self.bins = bins
        self.grid = grid

    def _groups(self, height, width):
        _check_whole("bins", self.bins, 2, 256)
        _check_whole("grid", self.grid, 1, min(height, width))
        return _equal_slices(self.grid**2, self.bins**3)

    def _describe(self, pictures):
        n, height, width, _ = pictures.shape
        level = pictures.astype(np.int64) * self.bins // 256
        box = (level[..., 0] * self.bins + level[..., 1]) * self.bins + level[..., 2]
        row, column = np.arange(height) * self.grid // height, np.arange(width) * self.grid // width
        tile = row[:, None] * self.grid + column
        counts = _count(n, self.grid**2, self.bins**3, tile, box)
        return (counts / counts.sum(axis=2, keepdims=True)).reshape(n, -1)


class HOG(_PictureFeatures):
    """Histograms of oriented gradients: which edges run where, whatever their colour.

    1. gradient (g_y, g_x) by central differences, of the colour channel where it is largest;
    2. per cell: the mean gradient magnitude that falls into each bin of orientation, 0° to 180°;
    3. per block of cells, overlapping: v ← v / √(‖v‖² + ε²), clipped at 0.2 and normalised again.

    Parameters
    ----------
    cell : int, default 16: side of a cell in pixels; a rest at the right or bottom is left out
    block : int, default 2: side of a block in cells
    bins : int, default 9: bins of orientation

    Attributes
    ----------
    n_features_out_ : int
    feature_groups_ : list of slices, the columns of each block, row by row

    Raises
    ------
    ValueError
        If the pictures are too small for one block.

    References
    ----------
    N. Dalal and B. Triggs, Histograms of oriented gradients for human detection, CVPR 2005.

    Examples
    --------
    >>> picture = np.zeros((1, 32, 32, 3), dtype=np.uint8)
    >>> picture[:, 16:] = 255  # one horizontal edge: the gradient points down, at 90 degrees
    >>> HOG(bins=4).fit_transform(picture).reshape(2, 2, 4).sum(axis=(0, 1))
    array([0., 0., 2., 0.], dtype=float32)
    """

    def __init__(self, cell=16, block=2, bins=9):
        self.cell = cell
        self.block = block
        self.bins = bins

    def _groups(self, height, width):
        _check_whole("cell", self.cell, 2, 4096)
        _check_whole("block", self.block, 1, 64)
        _check_whole("bins", self.bins, 2, 180)
        rows, columns = height // self.cell, width // self.cell
        if min(rows, columns) < self.block:
            raise ValueError(
                f"pictures of {height}×{width} pixels have {rows}×{columns} cells of {self.cell} "
                f"pixels, fewer than a block of {self.block}×{self.block}; use a smaller cell."
            )
        blocks = (rows - self.block + 1) * (columns - self.block + 1)
        return _equal_slices(blocks, self.block**2 * self.bins)

    def _describe(self, pictures):
        magnitude, angle = _gradients(pictures)
        n, height, width = angle.shape
        rows, columns = height // self.cell, width // self.cell
        inside = np.s_[:, : rows * self.cell, : columns * self.cell]
        magnitude, angle = magnitude[inside], angle[inside]
        cell_row, cell_column = (np.arange(m * self.cell) // self.cell for m in (rows, columns))
        cell = cell_row[:, None] * columns + cell_column
        bin_ = np.minimum((angle * self.bins / 180).astype(np.int64), self.bins - 1)
        sums = _count(n, rows * columns, self.bins, cell, bin_, magnitude)
        histograms = sums.reshape(n, rows, columns, self.bins) / self.cell**2
        return self._normalised_blocks(histograms)

    def _normalised_blocks(self, histograms):
        windows = np.lib.stride_tricks.sliding_window_view(
            histograms, (self.block, self.block), axis=(1, 2)
        )  # (n, block rows, block columns, bins, block, block)
        v = np.moveaxis(windows, 3, 5).reshape(*windows.shape[:3], -1)
        v = np.minimum(_unit(v), 0.2)
        return _unit(v).reshape(len(v), -1)


class CNNFeatures(_PictureFeatures):
    """What a network trained on ImageNet sees: the layer before its classes, averaged over space.

    With grid = g > 1 the picture is also cut into g × g crops, row by row, and each is seen on its
    own, enlarged to the same size:

        x = [x_whole, x_crop 1, ..., x_crop g²]

    Crops were chosen over tiles of the last feature map because they say more: that map has only
    3 × 3 cells at 96 pixels, and every cell has already seen most of the picture. A logistic
    regression on the emoji's groups gets .682 from the whole, .681 with tiles of the map added
    and .717 with crops (mean of three splits, on 400 principal components, each at its best of
    three strengths). The price is g² more runs of the network.

    Nothing is learned here. Every picture's vector is kept in :func:`mmlearn.data.cache_dir`,
    under a hash of the picture, the network and the size, so that it is computed once only.

    Parameters
    ----------
    model : str, default "efficientnet_lite0"
        "efficientnet_lite0" (1,280 features; its weights come with the installation, offline), or
        torchvision's "resnet18", "resnet34" (512) or "resnet50" (2,048), downloaded on first use.
    size : int, default 96
        Pictures are resized to size × size pixels first. ImageNet's 224 sees more and is slower.
    device : str or None: "cuda", "mps", "cpu"; None takes the best there is
    cache : bool, default True
    grid : int, default 1: the picture as a whole; more adds grid × grid crops

    Attributes
    ----------
    n_features_out_ : int
    feature_groups_ : list of slices, the whole first, then the columns of each crop

    Raises
    ------
    ValueError
        For an unknown model; the message lists the known ones.
    RuntimeError
        If weights cannot be downloaded.

    References
    ----------
    M. Tan and Q. V. Le, EfficientNet: rethinking model scaling for convolutional neural networks,
    ICML 2019 (Lite0: without squeeze-and-excitation, ReLU6 for swish).
    K. He, X. Zhang, S. Ren and J. Sun, Deep residual learning for image recognition, CVPR 2016.

    Examples
    --------
    >>> from mmlearn.data import load_emoji
    >>> CNNFeatures().fit_transform(load_emoji().pictures[:3]).shape
    (3, 1280)
    """

    def __init__(self, model="efficientnet_lite0", size=96, device=None, cache=True, grid=1):
        self.model = model
        self.size = size
        self.device = device
        self.cache = cache
        self.grid = grid

    def _groups(self, height, width):
        from mmlearn.features.networks import NETWORKS

        if self.model not in NETWORKS:
            raise ValueError(f"unknown model {self.model!r}; known models: {', '.join(NETWORKS)}.")
        _check_whole("size", self.size, 32, 1024)
        _check_whole("grid", self.grid, 1, min(height, width))
        parts = 1 if self.grid == 1 else 1 + self.grid**2
        return _equal_slices(parts, NETWORKS[self.model].width)

    def transform(self, X):
        """Features of the pictures uint8 (n, h, w, 3): float32 (n, n_features_out_)."""
        check_is_fitted(self)
        self._groups(*self.picture_shape_[:2])  # settings that came from a file, too
        pictures = check_pictures(X, self.picture_shape_[0])
        if self.grid == 1:
            return self._features(pictures)
        return np.hstack([self._features(part) for part in [pictures, *self._crops(pictures)]])

    def _crops(self, pictures):
        """The grid × grid crops of all pictures, row by row; sides differ by a pixel at most."""
        height, width = pictures.shape[1:3]
        rows, columns = (np.arange(self.grid + 1) * m // self.grid for m in (height, width))
        for top, bottom in pairwise(rows):
            for left, right in pairwise(columns):
                yield np.ascontiguousarray(pictures[:, top:bottom, left:right])

    def _features(self, pictures):
        """Features (n, width) of pictures or of crops, which are pictures to the network."""
        if not self.cache:
            return self._see(pictures)
        width = self.feature_groups_[0].stop
        return remember_features(f"cnn-{self.model}-{self.size}", pictures, self._see, width)

    @ordinary_torch()
    def _see(self, pictures, keep=None, batch=64):
        """Run the network; `keep(start, stop, features)` is called after every batch."""
        import torch

        from mmlearn.features.networks import load_network, prepare
        from mmlearn.training.device import pick_device

        device = pick_device(self.device)
        network = load_network(self.model).to(device).eval()
        out = np.empty((len(pictures), self.feature_groups_[0].stop), dtype=np.float32)
        starts = range(0, len(pictures), batch)
        with torch.inference_mode():
            for start in progress_bar(starts, desc=f"{self.model} features", show=len(starts) > 4):
                block = slice(start, start + batch)
                x = prepare(torch.from_numpy(pictures[block]).to(device), self.model, self.size)
                out[block] = network(x).float().cpu().numpy()
                if keep is not None:
                    keep(start, start + len(x), out[block])
        return out


def _check_whole(name, value, low, high):
    if (
        isinstance(value, bool)
        or not isinstance(value, int | np.integer)
        or not low <= value <= high
    ):
        raise ValueError(f"{name} must be a whole number from {low} to {high}, got {value!r}.")


def _equal_slices(count, width):
    return [slice(i * width, (i + 1) * width) for i in range(count)]


def _count(n, regions, bins, region, value, weight=None):
    """Histogram of `value` (n, h, w) in each region of the map (h, w): (n, regions, bins)."""
    index = (np.arange(n)[:, None, None] * regions + region) * bins + value
    weight = None if weight is None else weight.ravel()
    counts = np.bincount(index.ravel(), weights=weight, minlength=n * regions * bins)
    return counts.reshape(n, regions, bins)


def _gradients(pictures):
    """Magnitude and angle (degrees, 0 to 180) of the gradient (n, h, w); zero at the border."""
    x = pictures.astype(np.float32) / 255
    g_y, g_x = np.zeros_like(x), np.zeros_like(x)
    g_y[:, 1:-1] = x[:, 2:] - x[:, :-2]
    g_x[:, :, 1:-1] = x[:, :, 2:] - x[:, :, :-2]
    magnitude = np.hypot(g_y, g_x)
    strongest = magnitude.argmax(axis=3)[..., None]
    g_y, g_x, magnitude = (
        np.take_along_axis(a, strongest, axis=3)[..., 0] for a in (g_y, g_x, magnitude)
    )
    return magnitude, np.rad2deg(np.arctan2(g_y, g_x)) % 180


def _unit(v, eps=1e-5):
    return v / np.sqrt((v**2).sum(axis=-1, keepdims=True) + eps**2)
