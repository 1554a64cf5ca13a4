"""Pictures with their texts, queries with their results, and scores beside chance."""

import numpy as np

from mmlearn.plotting.style import COLOURS, card, place_picture, round_box, wrap

__all__ = ["bar_with_chance", "picture_grid", "query_rows", "retrieval_strip", "show_pairs"]


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
            text = wrap(titles[i], width if below else 14)
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
            ax.set_xlabel(wrap(titles[rank - 1], 16), fontsize=7)
    return figure


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
    figure, axes = card(left + 1.1 * max(map(len, results)), height * len(queries), padding=0.3)
    rows = zip(queries, results, relevant, notes, strict=True)
    for row, (query, pictures, hits, note) in enumerate(rows):
        y = height * (len(queries) - row - 0.5)
        text = wrap(query, 18)
        tall = 0.46 + 0.27 * text.count("\n")
        field = {"facecolor": "#EEF1F4", "edgecolor": "#C4CBD2", "linewidth": 1.5}
        round_box(axes, (1.43, y + 0.14), (2.86, tall), **field)
        axes.text(0.16, y + 0.13, text, size=21, weight="bold", va="center")
        axes.text(0.16, y - 0.02 - tall / 2, note, size=17, color="#444444", va="top")
        for rank, (picture, hit) in enumerate(zip(pictures, hits, strict=True)):
            place = (left + 1.1 * rank + 0.5, y)
            place_picture(axes, picture, place, 0.92)
            if hit:
                round_box(axes, place, 1.03, fill=False, edgecolor=COLOURS["green"], linewidth=4)
    return figure


def bar_with_chance(
    names, scores, chance, spread=None, xlabel="mean average precision", line="chance"
):
    """Horizontal bars of scores with their spread, and the line of chance.

    Parameters
    ----------
    names : n str
    scores : (n,) scores, or (n, seeds): then mean and standard deviation over seeds are drawn
    chance : float, the score of guessing
    spread : (n,) half-lengths of the error bars, when `scores` are means already
    xlabel : str
    line : str, what the line of `chance` is called: "largest class" where guessing means that

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
    axes.axvline(chance, color=COLOURS["vermilion"], linestyle="--", label=f"{line} {chance:.3f}")
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
        axes.text(0.5, 0.5, wrap(item, 13, lines=5), ha="center", va="center", size=7.5)
    else:
        axes.imshow(item, cmap="gray" if np.ndim(item) == 2 else None)


def _frame(axes, colour, line):
    for spine in axes.spines.values():
        spine.set(visible=True, color=colour, linestyle=line, linewidth=2)


def _check_pictures(pictures, titles, name):
    if len(pictures) == 0:
        raise ValueError("there is nothing to draw: the list of pictures is empty.")
    if titles is not None and len(titles) != len(pictures):
        raise ValueError(
            f"{name} must have one entry per picture: got {len(titles)} for {len(pictures)}."
        )
