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
    "embedding_map",
    "picture_grid",
    "plot_attention",
    "plot_dispersion",
    "plot_scene",
    "plot_trajectories",
    "query_rows",
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
DARK = "#003B5C"  # blue, dark enough to carry white words
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


def query_rows(queries, results, relevant, notes=None):
    """Typed queries, one a row, each beside its ranked pictures; hits have a quiet green frame.

    Parameters
    ----------
    queries : r str
    results : (r, k) pictures (h, w, 3), best first
    relevant : (r, k) bools
    notes : r str, written small below the queries, or None

    Returns
    -------
    matplotlib Figure, 18 inches wide

    Raises
    ------
    ValueError
        If `results`, `relevant` and `notes` do not have an entry a query.
    """
    if len(queries) == 0:
        raise ValueError("there is nothing to draw: no query is given.")
    notes = [""] * len(queries) if notes is None else notes
    for name, values in (("results", results), ("relevant", relevant), ("notes", notes)):
        if len(values) != len(queries):
            raise ValueError(f"{name} must have {len(queries)} entries, got {len(values)}.")
    left, height = 3.1, 1.25
    figure, axes = _card(left + 1.1 * max(map(len, results)), height * len(queries), padding=0.3)
    rows = zip(queries, results, relevant, notes, strict=True)
    for row, (query, pictures, hits, note) in enumerate(rows):
        y = height * (len(queries) - row - 0.5)
        text = _wrap(query, 18)
        tall = 0.46 + 0.27 * text.count("\n")
        field = {"facecolor": "#EEF1F4", "edgecolor": "#C4CBD2", "linewidth": 1.5}
        _round_box(axes, (1.43, y + 0.14), (2.86, tall), **field)
        axes.text(0.16, y + 0.13, text, size=21, weight="bold", va="center")
        axes.text(0.16, y - 0.02 - tall / 2, note, size=17, color="#444444", va="top")
        for rank, (picture, hit) in enumerate(zip(pictures, hits, strict=True)):
            place = (left + 1.1 * rank + 0.5, y)
            _place(axes, picture, place, 0.92)
            if hit:
                _round_box(axes, place, 1.03, fill=False, edgecolor=COLOURS["green"], linewidth=4)
    return figure


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
    figure, axes = _card(*cells)
    for i, (place, picture) in enumerate(zip(places, pictures, strict=True)):
        tint = np.ones(3) if labels is None else _pale(labels[i])
        _round_box(axes, place, 0.94, color=tint, linewidth=0)
        _place(axes, (picture * tint).astype(np.uint8), place, 0.84)
    for (place, length), word in zip(seats, words, strict=True):
        _round_box(axes, place, (length - 0.06, 0.94), color=DARK, linewidth=0)
        axes.text(
            *place, word, size=24, weight="bold", color="white", ha="center", va="center_baseline"
        )
    return figure


def _card(width, height, inches=18, padding=0.5):
    """A white figure and its one axes, in units of a picture's cell, with an even margin."""
    import matplotlib.pyplot as plt

    width, height = width + 2 * padding, height + 2 * padding
    figure = plt.figure(figsize=(inches, inches * height / width), layout="none", facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    axes.set(xlim=(-padding, width - padding), ylim=(-padding, height - padding))
    return figure, axes


def _place(axes, picture, centre, side):
    (x, y), half = centre, side / 2
    extent = (x - half, x + half, y - half, y + half)
    axes.imshow(picture, extent=extent, aspect="auto", interpolation="antialiased", zorder=2)


def _round_box(axes, centre, size, **style):
    from matplotlib.patches import FancyBboxPatch

    size = np.broadcast_to(size, 2)
    corner = np.subtract(centre, size / 2)
    axes.add_patch(FancyBboxPatch(corner, *size, "round,pad=0,rounding_size=0.16", **style))


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


def plot_scene(scenes, i, text="", highlight=(), axes=None):
    """A scene of :func:`~mmlearn.data.load_scenes` with its objects in numbered boxes.

    Parameters
    ----------
    scenes : Scenes
    i : int, which scene
    text : str to write below it, such as `scenes.questions.text(0)`
    highlight : ints, regions whose boxes are drawn in bold
    axes : matplotlib axes to draw into, or None for a new figure

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If there is no such scene.
    """
    import matplotlib.pyplot as plt

    if not 0 <= i < len(scenes):
        raise ValueError(f"there is no scene {i}; choose from 0 to {len(scenes) - 1}.")
    if axes is None:
        _, axes = plt.subplots(figsize=(4.2, 4.4 + 0.17 * text.count("\n")), layout="constrained")
    picture = scenes.picture(i)
    axes.set(xticks=[], yticks=[])
    axes.imshow(picture)
    for region in np.flatnonzero(scenes.region_mask[i]):
        bold = region in highlight
        colour = COLOURS["vermilion" if bold else "blue"]
        x1, y1, x2, y2 = scenes.boxes[i, region, :4] * len(picture)
        shape = {"edgecolor": colour, "fill": False, "linewidth": 2.5 if bold else 1}
        axes.add_patch(plt.Rectangle((x1, y1), x2 - x1, y2 - y1, **shape))
        axes.text(x1, y1, f"{region}", size=8, color=colour, va="bottom", weight="bold")
    axes.text(0, -0.03, text, transform=axes.transAxes, va="top", size=7, family="monospace")
    return axes.figure


def plot_attention(scenes, i, words, weights, word):
    """Where a word looks: a scene whose regions are as opaque as their attention, and all weights.

    Parameters
    ----------
    scenes : Scenes
    i : int, which scene
    words : T str, as ``scenes.words[token]`` for the tokens of the text, without padding
    weights : (T, 1 + R), the attention from each word to the whole image and to each region, such
        as a row of :meth:`mmlearn.transformers.ViLBERT.attention`
    word : int, which of the words is drawn in the scene

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If there is no such scene or word, or the weights have another shape.
    """
    import matplotlib.pyplot as plt

    if not 0 <= i < len(scenes):
        raise ValueError(f"there is no scene {i}; choose from 0 to {len(scenes) - 1}.")
    if not 0 <= word < len(words):
        raise ValueError(f"there is no word {word}; choose from 0 to {len(words) - 1}.")
    weights = np.asarray(weights)[: len(words)]
    if weights.shape != (len(words), 1 + scenes.region_mask.shape[1]):
        raise ValueError(
            f"weights must be ({len(words)}, {1 + scenes.region_mask.shape[1]}): the words by the "
            f"image and its regions; got {weights.shape}."
        )
    regions = np.flatnonzero(scenes.region_mask[i])
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 4.4), layout="constrained")
    plot_scene(scenes, i, highlight=[regions[weights[word, 1 + regions].argmax()]], axes=left)
    side = len(scenes.picture(i))
    for region in regions:
        x1, y1, x2, y2 = scenes.boxes[i, region, :4] * side
        share = weights[word, 1 + region] / weights[word].max()
        left.add_patch(
            plt.Rectangle((x1, y1), x2 - x1, y2 - y1, color=COLOURS["orange"], alpha=0.6 * share)
        )
        left.text(x2, y2, f"{weights[word, 1 + region]:.2f}", size=8, ha="right", va="top")
    left.set_title(f"“{words[word]}” looks at")
    shown = weights[:, [0, *(1 + regions)]]
    names = [f"{r} {scenes.names[scenes.objects[i, r]]}" for r in regions]
    image = right.imshow(shown, vmin=0, aspect="auto")
    right.set_xticks(range(len(names) + 1), ["image", *names], rotation=60, ha="right", size=8)
    right.set_yticks(range(len(words)), words, size=8)
    figure.colorbar(image, ax=right, label="attention")
    return figure


def plot_trajectories(z, times, names, background=None, background_names=None, axes=None):
    """How items move through the embedding: a line each, thin at its start, thick at its end.

    Drawn are the two leading directions of what is given, its rows scaled to unit length, since it
    is by the cosine that they are compared.

    Parameters
    ----------
    z : (m, s, k), m items at s times, such as :meth:`mmlearn.neural.Diachronic.trajectories` gives
    times : (s,), ascending; the first and the last are written into the legend
    names : m str
    background : (b, k) points that stay, such as the mean texts of some groups; or None
    background_names : b str, or None
    axes : matplotlib axes to draw into, or None for a new figure

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If shapes do not fit one another, or there are fewer than two times.
    """
    import matplotlib.pyplot as plt

    z = np.asarray(z, dtype=float)
    if z.ndim != 3 or z.shape[1] < 2 or z.shape[2] < 2:
        raise ValueError(
            f"z must be (items, times, dimensions), with two or more of the latter; got {z.shape}."
        )
    fixed = np.empty((0, z.shape[2])) if background is None else np.asarray(background, dtype=float)
    marks = [""] * len(fixed) if background_names is None else list(background_names)
    given = ((len(times), z.shape[1], "times"), (len(names), len(z), "names"))
    for got, wanted, what in (*given, (len(marks), len(fixed), "background_names")):
        if got != wanted:
            raise ValueError(f"{what} must have {wanted} entries, got {got}.")
    flat, fixed = _two_directions(z.reshape(-1, z.shape[2]), fixed)
    if axes is None:
        _, axes = plt.subplots(figsize=(6.5, 4.6), layout="constrained")
    axes.scatter(*fixed.T, s=22, marker="x", color="#777777", linewidth=1)
    for point, mark in zip(fixed, marks, strict=True):
        _note(axes, point, mark, color="#555555")
    colours = list(COLOURS.values())
    for i, (name, path) in enumerate(zip(names, flat.reshape(*z.shape[:2], 2), strict=True)):
        colour, marker = colours[i % len(colours)], MARKERS[i % len(MARKERS)]
        for j, width in enumerate(np.linspace(0.8, 3, len(path) - 1)):
            axes.plot(*path[j : j + 2].T, color=colour, linewidth=width, solid_capstyle="round")
        axes.plot(*path[0], marker, color=colour, markerfacecolor="white", markersize=6)
        axes.plot(*path[-1], marker, color=colour, markersize=7, label=name)
    axes.margins(0.08)
    first, last = _short_times(times)
    title = f"hollow: {first}\nfilled: {last}"
    axes.legend(
        loc="center left", bbox_to_anchor=(1, 0.5), fontsize=8, title=title, title_fontsize=8
    )
    axes.set(xlabel="direction 1", ylabel="direction 2")
    return axes.figure


def _two_directions(points, fixed):
    """Both sets, scaled to unit length, on the two leading directions of all of them."""
    rows = np.vstack([points, fixed])
    norm = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = rows / np.where(norm > 0, norm, 1)
    rows = rows - rows.mean(axis=0)
    v = np.linalg.svd(rows, full_matrices=False)[2][:2].T
    v = v * np.where(v[np.abs(v).argmax(axis=0), [0, 1]] < 0, -1, 1)  # the same sign at every run
    return (rows @ v)[: len(points)], (rows @ v)[len(points) :]


def _short_times(times):
    """First and last time, to about a twentieth of what lies between."""
    span = abs(times[-1] - times[0])
    digits = max(0, 1 - int(np.floor(np.log10(span)))) if span else 3
    return [f"{round(float(t), digits):.10g}" for t in (times[0], times[-1])]


def _note(axes, point, text, **style):
    shift = {"xytext": (4, 4), "textcoords": "offset points"}
    axes.annotate(_wrap(text, 18), point, **shift, fontsize=7.5, **style)


def plot_dispersion(times, dispersion, names, axes=None):
    """Semantic dispersion over time, a line and a marker per category.

    Parameters
    ----------
    times : (b,), the middles of the bins
    dispersion : (c, b), as from :func:`mmlearn.neural.semantic_dispersion`; NaN leaves a gap
    names : c str
    axes : matplotlib axes to draw into, or None for a new figure

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If shapes do not fit one another.
    """
    import matplotlib.pyplot as plt

    dispersion = np.asarray(dispersion, dtype=float)
    if dispersion.shape != (len(names), len(times)):
        raise ValueError(
            f"dispersion must have shape ({len(names)}, {len(times)}), names by times, got "
            f"{dispersion.shape}."
        )
    if axes is None:
        _, axes = plt.subplots(figsize=(6.5, 3.4), layout="constrained")
    colours = list(COLOURS.values())
    for i, (name, line) in enumerate(zip(names, dispersion, strict=True)):
        marker = MARKERS[i % len(MARKERS)]
        axes.plot(times, line, f"{marker}-", color=colours[i % len(colours)], ms=5, label=name)
    axes.set(xlabel="time", ylabel="semantic dispersion", ylim=(0, None))
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=8)
    return axes.figure
