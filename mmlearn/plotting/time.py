"""What moves with time: trajectories of items, and the dispersion of categories."""

import numpy as np

from mmlearn.plotting.style import COLOURS, MARKERS, wrap

__all__ = ["plot_dispersion", "plot_trajectories"]


def plot_trajectories(z, times, names, background=None, background_names=None, axes=None):
    """How items move through the embedding: a line each, thin at its start, thick at its end.

    Drawn are the two leading directions of what is given, its rows scaled to unit length, since it
    is by the cosine that they are compared.

    Parameters
    ----------
    z : (m, s, k), m items at s times, such as :meth:`mmlearn.deep.Diachronic.trajectories` gives
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
    axes.annotate(wrap(text, 18), point, **shift, fontsize=7.5, **style)


def plot_dispersion(times, dispersion, names, axes=None):
    """Semantic dispersion over time, a line and a marker per category.

    Parameters
    ----------
    times : (b,), the middles of the bins
    dispersion : (c, b), as from :func:`mmlearn.deep.semantic_dispersion`; NaN leaves a gap
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
