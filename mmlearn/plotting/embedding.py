"""An embedding in the plane: as points, as pictures, and as a map with words among them."""

import numpy as np

from mmlearn.plotting.style import COLOURS, DARK, MARKERS, card, place_picture, round_box

__all__ = ["embedding_map", "scatter_embedding", "tied_codes"]


def scatter_embedding(z, labels=None, label_names=None, pictures=None, axes=None):
    """The first two dimensions of an embedding, one colour and marker per class.

    Parameters
    ----------
    z : (n, 2 or more)
    labels : int (n,), or None
    label_names : list of str; the numbers if not given
    pictures : n pictures to draw in place of the points, or None
    axes : matplotlib axes to draw into, or None for a new figure

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If `z` has fewer than two columns, or lengths differ.
    """
    import matplotlib.pyplot as plt

    z = np.asarray(z)
    if z.ndim != 2 or z.shape[1] < 2:
        raise ValueError(f"z must have shape (n, 2) or wider, got {z.shape}.")
    for name, values in (("labels", labels), ("pictures", pictures)):
        if values is not None and len(values) != len(z):
            raise ValueError(f"{name} must have one entry per point: {len(values)} for {len(z)}.")
    if axes is None:
        _, axes = plt.subplots(figsize=(6.5, 4.2), layout="constrained")
    labels = np.zeros(len(z), dtype=int) if labels is None else np.asarray(labels)
    if pictures is not None:
        _scatter_pictures(axes, z, pictures)
    else:
        _scatter_points(axes, z, labels, label_names)
    axes.set(xlabel="dimension 1", ylabel="dimension 2")
    return axes.figure


def tied_codes(h_x, h_y, values, title="", axes=None, reach=3.5):
    """The two codes of each pair, a line between them; large at the scale of their own spread.

    All codes are divided by their common standard deviation. The inset shows the same points at
    their true scale, from -`reach` to `reach`.

    Parameters
    ----------
    h_x, h_y : (n, 2), row i of both is pair i: circles and triangles
    values : (n,) what the colours show
    title : str
    axes : matplotlib axes to draw into, or None for a new figure
    reach : float, half the side of the inset

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If the codes have not two columns, or their numbers differ.
    """
    import matplotlib.pyplot as plt

    h_x, h_y = np.asarray(h_x), np.asarray(h_y)
    if h_x.ndim != 2 or h_x.shape[1] != 2 or h_x.shape != h_y.shape or len(values) != len(h_x):
        raise ValueError(
            f"h_x and h_y must have shape (n, 2) and values (n,): got {h_x.shape}, {h_y.shape}, "
            f"{np.shape(values)}."
        )
    if axes is None:
        _, axes = plt.subplots(figsize=(3.2, 3.2))
    both = np.stack([h_x, h_y])
    middle = both.mean(axis=(0, 1))
    scaled = (both - middle) / (both.std(axis=(0, 1)).max() or 1)
    small = axes.inset_axes([0.68, 0.68, 0.32, 0.32])
    for place, codes, half, size in ((axes, scaled, 3.5, 9), (small, both, reach, 1)):
        place.plot(*codes.transpose(2, 0, 1), color="grey", linewidth=0.3, zorder=1)
        for points, marker in zip(codes, "o^", strict=True):
            place.scatter(*points.T, c=values, s=size, marker=marker)
        limits = {"xlim": (-half, half), "ylim": (-half, half), "xticks": [], "yticks": []}
        place.set(aspect="equal", **limits)
    for spine in small.spines.values():
        spine.set_visible(True)
    axes.set_title(title)
    return axes.figure


def _scatter_points(axes, z, labels, names):
    colours = list(COLOURS.values())
    kinds = np.unique(labels)
    for i, kind in enumerate(kinds):
        axes.scatter(
            *z[labels == kind, :2].T,
            s=18,
            color=colours[i % len(colours)],
            marker=MARKERS[i % len(MARKERS)],
            # a thin dark edge keeps the yellow visible on white
            edgecolor="#333333",
            linewidth=0.3,
            alpha=0.8,
            label=str(kind) if names is None else names[kind],
        )
    if len(kinds) > 1:
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=8)


def _scatter_pictures(axes, z, pictures):
    from matplotlib.offsetbox import AnnotationBbox, OffsetImage

    axes.scatter(*z[:, :2].T, alpha=0)  # sets the limits; the boxes below do not
    axes.margins(0.08)
    for point, picture in zip(z, pictures, strict=True):
        image = OffsetImage(
            _white_as_glass(picture), zoom=20 / max(picture.shape[:2]), interpolation="bilinear"
        )
        axes.add_artist(AnnotationBbox(image, point[:2], frameon=False, pad=0))


def _white_as_glass(picture):
    """RGBA with white made transparent, so that neighbours do not cover each other."""
    alpha = np.where((picture >= 250).all(axis=2), 0, 255).astype(np.uint8)
    return np.dstack([picture, alpha])


def embedding_map(points, pictures, words, word_points, labels=None, cells=(31, 20)):
    """Pictures at their places in the plane, moved to a grid, with words among them.

    The plane is cut into cells. A word takes the cells about its own place, then every picture gets
    a cell of its own, so that the sum of the squared moves is smallest.

    Parameters
    ----------
    points : (n, 2) places of the pictures, such as t-SNE gives
    pictures : n arrays (h, w, 3)
    words : m str, written in white on dark bands
    word_points : (m, 2) places of the words in the same plane
    labels : int (n,), classes that tint the cells, or None
    cells : (columns, rows) of the grid

    Returns
    -------
    matplotlib Figure, 18 inches wide

    Raises
    ------
    ValueError
        If lengths differ, or the grid has fewer free cells than there are pictures.
    """
    for name, given, wanted in (
        ("pictures", pictures, points),
        ("word_points", word_points, words),
        ("labels", points if labels is None else labels, points),
    ):
        if len(given) != len(wanted):
            raise ValueError(f"{name} must have {len(wanted)} entries, got {len(given)}.")
    places, seats = _on_grid(points, words, word_points, cells)
    figure, axes = card(*cells)
    for i, (place, picture) in enumerate(zip(places, pictures, strict=True)):
        tint = np.ones(3) if labels is None else _pale(labels[i])
        round_box(axes, place, 0.94, color=tint, linewidth=0)
        place_picture(axes, (picture * tint).astype(np.uint8), place, 0.84)
    for (place, length), word in zip(seats, words, strict=True):
        round_box(axes, place, (length - 0.06, 0.94), color=DARK, linewidth=0)
        axes.text(
            *place, word, size=24, weight="bold", color="white", ha="center", va="center_baseline"
        )
    return figure


def _on_grid(points, words, word_points, cells):
    """A cell's centre for every picture, and (place, length) of every word's own run of cells."""
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    both = np.vstack([np.reshape(points, (-1, 2)), np.reshape(word_points, (-1, 2))]).astype(float)
    low, high = both.min(axis=0), both.max(axis=0)
    both = (both - low) / np.where(high > low, high - low, 1) * cells  # in units of a cell
    free = np.ones(cells, dtype=bool)
    seats = [_seat(free, word, at) for word, at in zip(words, both[len(points) :], strict=True)]
    centres = np.argwhere(free) + 0.5
    if len(centres) < len(points):
        raise ValueError(
            f"{len(points)} pictures need as many free cells, and the words leave "
            f"{len(centres)} of {cells[0]} by {cells[1]}; give more cells."
        )
    return centres[
        linear_sum_assignment(cdist(both[: len(points)], centres, "sqeuclidean"))[1]
    ], seats


def _seat(free, word, place):
    """The nearest row of free cells that holds the word; they are free no longer."""
    length = min(int(np.ceil(0.42 * len(word) + 0.6)), len(free))
    runs = np.lib.stride_tricks.sliding_window_view(free, length, axis=0).all(axis=2)
    starts = np.argwhere(runs)
    if len(starts) == 0:
        raise ValueError(f"the grid has no room for the word {word!r}; give more cells.")
    middles = starts + np.array([length / 2, 0.5])
    best = np.square(middles - place).sum(axis=1).argmin()
    column, row = starts[best]
    free[column : column + length, row] = False
    return middles[best], length


def _pale(label):
    """A class's colour, mixed with white, so that a picture can lie on it."""
    from matplotlib.colors import to_rgb

    return 0.84 + 0.16 * np.array(to_rgb(list(COLOURS.values())[label % len(COLOURS)]))
