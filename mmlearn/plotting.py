"""The course's one style, and the few pictures that every unit draws.

Colours are those of M. Okabe and K. Ito (Color universal design, 2008), told apart with every kind
of colour vision; whatever a colour says, a mark or a word says too. Each function returns a
matplotlib figure; matplotlib is loaded when one is called, not before.
"""

import textwrap

import numpy as np

__all__ = [
    "COLOURS",
    "bar_with_chance",
    "picture_grid",
    "retrieval_strip",
    "scatter_embedding",
    "show_pairs",
    "use_style",
]

COLOURS = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "green": "#009E73",
    "vermilion": "#D55E00",
    "purple": "#CC79A7",
    "sky": "#56B4E9",
    "black": "#000000",
    "yellow": "#F0E442",
}
MARKERS = "os^DvPX*"  # beside the colours, so that a class can be told without them


def use_style():
    """Set the course's matplotlib style for all figures that follow."""
    import matplotlib as mpl

    mpl.rcParams.update(
        {
            "axes.prop_cycle": mpl.cycler(color=list(COLOURS.values())),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": False,
            "axes.titlesize": "medium",
            "figure.dpi": 90,
            "figure.figsize": (6, 3.2),
            "figure.constrained_layout.use": True,
            "font.size": 10,
            "image.cmap": "cividis",
            "legend.frameon": False,
        }
    )


def show_pairs(dataset, indices=range(8), columns=4):
    """Pictures of a :class:`~mmlearn.data.PairedDataset` with their captions below.

    Parameters
    ----------
    dataset : PairedDataset
    indices : ints, which items
    columns : int, pictures per row

    Returns
    -------
    matplotlib Figure
    """
    indices = list(indices)
    captions = [dataset.captions[i] for i in indices]
    return picture_grid(dataset.pictures[indices], captions, columns=columns, below=True)


def picture_grid(pictures, titles=None, columns=8, width=26, below=False):
    """Pictures in rows, each with a short text.

    Parameters
    ----------
    pictures : sequence of n arrays (h, w, 3) or (h, w)
    titles : n str, or None
    columns : int, pictures per row
    width : int, characters after which a text is broken (at most three lines are shown)
    below : bool, put the texts below the pictures instead of above

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If there is no picture, or there are more or fewer titles than pictures.
    """
    _check_pictures(pictures, titles, "titles")
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    cell = (1.9, 1.9) if below else (1.1, 1.3 if titles is not None else 1.1)
    figure, grid = _subplots(rows, columns, cell)
    for i, axes in enumerate(grid.flat):
        axes.axis("off")
        if i >= len(pictures):
            continue
        _draw(axes, pictures[i])
        if titles is not None:
            text = _wrap(titles[i], width if below else 14)
            if below:
                axes.text(0.5, -0.04, text, ha="center", va="top", transform=axes.transAxes, size=8)
            else:
                axes.set_title(text, fontsize=8)
    return figure


def retrieval_strip(query, results, relevant, titles=None):
    """A query beside its ranked results; hits have a solid frame and a tick, misses a cross.

    Parameters
    ----------
    query : str or picture (h, w, 3)
    results : sequence of k pictures or k str, best first
    relevant : k bools
    titles : k str under the results, or None

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If `results`, `relevant` and `titles` are not equally long.
    """
    _check_pictures(results, titles, "titles")
    if len(relevant) != len(results):
        raise ValueError(
            f"relevant must have one entry per result: got {len(relevant)} for {len(results)}."
        )
    figure, grid = _subplots(1, len(results) + 1, (1.15, 1.6 if titles is None else 1.8))
    axes = grid[0]
    _draw(axes[0], query)
    axes[0].set_title("query", fontsize=9, fontweight="bold")
    _frame(axes[0], COLOURS["black"], ":")
    for rank, (ax, result, hit) in enumerate(zip(axes[1:], results, relevant, strict=True), 1):
        _draw(ax, result)
        colour, line, mark = (
            (COLOURS["blue"], "-", "✓") if hit else (COLOURS["vermilion"], "--", "✗")
        )
        ax.set_title(f"{rank} {mark}", fontsize=9, color=colour)
        _frame(ax, colour, line)
        if titles is not None:
            ax.set_xlabel(_wrap(titles[rank - 1], 16), fontsize=7)
    return figure


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


def bar_with_chance(names, scores, chance, spread=None, xlabel="mean average precision"):
    """Horizontal bars of scores with their spread, and the line of chance.

    Parameters
    ----------
    names : n str
    scores : (n,) scores, or (n, seeds): then mean and standard deviation over seeds are drawn
    chance : float, the score of guessing
    spread : (n,) half-lengths of the error bars, when `scores` are means already
    xlabel : str

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If names and scores differ in number.
    """
    import matplotlib.pyplot as plt

    scores = np.asarray(scores, dtype=float)
    if len(scores) != len(names):
        raise ValueError(f"{len(names)} names for {len(scores)} scores; give one name per score.")
    if scores.ndim == 2:
        several = scores.shape[1] > 1
        scores, spread = scores.mean(axis=1), scores.std(axis=1, ddof=1) if several else None
    figure, axes = plt.subplots(figsize=(6, 0.8 + 0.4 * len(names)), layout="constrained")
    bars = axes.barh(
        list(names),
        scores,
        xerr=spread,
        color=COLOURS["blue"],
        error_kw={"ecolor": COLOURS["black"], "capsize": 3},
    )
    axes.bar_label(bars, [f"{score:.3f}" for score in scores], padding=6, fontsize=9)
    axes.axvline(chance, color=COLOURS["vermilion"], linestyle="--", label=f"chance {chance:.3f}")
    axes.margins(x=0.15)  # room for the numbers
    axes.invert_yaxis()
    axes.set_xlabel(xlabel)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0, frameon=False)
    return figure


def _subplots(rows, columns, cell):
    import matplotlib.pyplot as plt

    size = (columns * cell[0], rows * cell[1])
    return plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")


def _draw(axes, item):
    """A picture, or a text in a box of the same size."""
    axes.set(xticks=[], yticks=[])
    if isinstance(item, str):
        axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
        axes.text(0.5, 0.5, _wrap(item, 13, lines=5), ha="center", va="center", size=7.5)
    else:
        axes.imshow(item, cmap="gray" if np.ndim(item) == 2 else None)


def _frame(axes, colour, line):
    for spine in axes.spines.values():
        spine.set(visible=True, color=colour, linestyle=line, linewidth=2)


def _wrap(text, width, lines=3):
    # A "$" would open a formula.
    wrapped = textwrap.wrap(text, width, max_lines=lines, placeholder=" …")
    return "\n".join(wrapped).replace("$", r"\$")


def _check_pictures(pictures, titles, name):
    if len(pictures) == 0:
        raise ValueError("there is nothing to draw: the list of pictures is empty.")
    if titles is not None and len(titles) != len(pictures):
        raise ValueError(
            f"{name} must have one entry per picture: got {len(titles)} for {len(pictures)}."
        )
