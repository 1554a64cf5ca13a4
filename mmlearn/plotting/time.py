"""What moves with time: trajectories, drift found and planted, displacement, dispersion."""

import numpy as np

from mmlearn.plotting.style import COLOURS, MARKERS, wrap

__all__ = [
    "plot_dispersion",
    "plot_dispersion_by_size",
    "plot_displacement",
    "plot_drift",
    "plot_trajectories",
]

GREY = "#8A8A8A"  # of controls: shuffled times
WITHOUT_YELLOW = [c for name, c in COLOURS.items() if name != "yellow"]  # it is too pale for lines


def plot_trajectories(
    z, times, names, background=None, background_names=None, axes=None, ghost=None
):
    """How items move through the embedding: a line each, thin at its start, thick at its end.

    Drawn are the two leading directions of what is given, its rows scaled to unit length, since it
    is by the cosine that they are compared. Each name stands at the end of its line.

    Parameters
    ----------
    z : (m, s, k), m items at s times, such as :meth:`mmlearn.deep.Diachronic.trajectories` gives
    times : (s,), ascending; the first and the last are written above
    names : m str
    background : (b, k) points that stay, such as the mean texts of some groups; or None
    background_names : b str, or None
    axes : matplotlib axes to draw into, or None for a new figure
    ghost : (m, s, k), drawn in grey: the same items in a model that was trained on shuffled times,
        turned into this space by :func:`mmlearn.deep.procrustes`; or None

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
    ghost = z[:0] if ghost is None else np.asarray(ghost, dtype=float)
    if len(ghost) and ghost.shape != z.shape:
        raise ValueError(f"ghost must have the shape of z, {z.shape}, got {ghost.shape}.")
    fixed = np.empty((0, z.shape[2])) if background is None else np.asarray(background, dtype=float)
    marks = [""] * len(fixed) if background_names is None else list(background_names)
    given = ((len(times), z.shape[1], "times"), (len(names), len(z), "names"))
    for got, wanted, what in (*given, (len(marks), len(fixed), "background_names")):
        if got != wanted:
            raise ValueError(f"{what} must have {wanted} entries, got {got}.")
    flat, fixed = _two_directions(np.vstack([z, ghost]).reshape(-1, z.shape[2]), fixed)
    paths = flat.reshape(-1, z.shape[1], 2)
    if axes is None:
        _, axes = plt.subplots(figsize=(9, 6), layout="constrained")
    axes.scatter(*fixed.T, s=40, marker="x", color="#777777", linewidth=1.5)
    for path in paths[len(z) :]:
        axes.plot(*path.T, color=GREY, linewidth=1.5, linestyle=":")
        axes.plot(*path[-1], "o", color=GREY, markersize=5)
    for i, path in enumerate(paths[: len(z)]):
        _draw_path(axes, path, WITHOUT_YELLOW[i % len(WITHOUT_YELLOW)], MARKERS[i % len(MARKERS)])
    axes.margins(0.12)
    axes.set(xlabel="direction 1", ylabel="direction 2")
    first, last = _short_times(times)
    shuffled = "    grey: trained on shuffled times" if len(ghost) else ""
    axes.set_title(f"hollow: {first}    filled: {last}{shuffled}", fontsize=11, loc="left")
    _write(axes, np.vstack([paths[: len(z), -1], fixed]), [*names, *marks])
    return axes.figure


def _draw_path(axes, path, colour, marker):
    for j, width in enumerate(np.linspace(1, 3.5, len(path) - 1)):
        axes.plot(*path[j : j + 2].T, color=colour, linewidth=width, solid_capstyle="round")
    axes.plot(*path[0], marker, color=colour, markerfacecolor="white", markersize=8)
    axes.plot(*path[-1], marker, color=colour, markersize=9)


def _write(axes, points, words, size=10):
    """A word beside each point; one that would lie on another moves up or down until it is free."""
    from matplotlib.patheffects import withStroke

    axes.figure.canvas.draw()  # so that points of the data are places on the page
    line = size * 1.25 * axes.figure.dpi / 72
    taken = []
    for (x, y), word in zip(axes.transData.transform(points), words, strict=True):
        if not word:
            continue
        word = wrap(word, 20)
        wide = 0.58 * size * max(map(len, word.split("\n"))) * axes.figure.dpi / 72
        tall = line * (word.count("\n") + 1)
        shift = next(
            d
            for step in range(200)
            for d in (step * line / 2, -step * line / 2)
            if not any(
                abs(x - u) < max(wide, v) and abs(y + d - w) < (tall + h) / 2
                for u, v, w, h in taken
            )
        )
        taken.append((x, wide, y + shift, tall))
        axes.annotate(
            word,
            axes.transData.inverted().transform((x, y)),
            xytext=(9, shift * 72 / axes.figure.dpi),
            textcoords="offset points",
            color="#222222",
            path_effects=[withStroke(linewidth=3, foreground="white")],
            fontsize=size,
            va="center",
            annotation_clip=False,
        )


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
        _, axes = plt.subplots(figsize=(9, 4.8), layout="constrained")
    _lines(axes, np.asarray(times, dtype=float), names, dispersion)
    axes.set(xlabel="time", ylabel="semantic dispersion")
    return axes.figure


def _lines(axes, x, names, lines):
    """A line and a marker a name, the name at its end."""
    ends = []
    for i, y in enumerate(lines):
        colour, marker = WITHOUT_YELLOW[i % len(WITHOUT_YELLOW)], MARKERS[i % len(MARKERS)]
        axes.plot(x, y, f"{marker}-", color=colour, ms=7, linewidth=2)
        known = np.flatnonzero(np.isfinite(y))
        ends.append((x[-1], y[known[-1]] if len(known) else 0))
    axes.set_xlim(x[0] - 0.04 * np.ptp(x), x[-1] + 0.3 * np.ptp(x))  # room for the names
    axes.set_ylim(0, 1.15 * np.nanmax(lines, initial=1e-9))
    _write(axes, np.array(ends), names)


def plot_dispersion_by_size(sizes, plain, corrected, planted=None, axes=None):
    """Plain and corrected dispersion against the number of items, beside the planted one.

    Parameters
    ----------
    sizes : (s,), n of a bin
    plain, corrected : (s,), of :func:`mmlearn.deep.semantic_dispersion`
    planted : float, optional: the dispersion that never changes, a dashed line
    axes : matplotlib axes to draw into, or None for a new figure

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If there is not one plain and one corrected dispersion for each size.
    """
    import matplotlib.pyplot as plt

    sizes, lines = np.asarray(sizes, dtype=float), {"corrected": corrected, "plain": plain}
    lines = {name: np.asarray(line, dtype=float) for name, line in lines.items()}
    for name, line in lines.items():
        if line.shape != sizes.shape:
            raise ValueError(f"{name} must have {len(sizes)} entries, one a size: {line.shape}.")
    if axes is None:
        _, axes = plt.subplots(figsize=(8, 4.8), layout="constrained")
    if planted is not None:
        axes.plot(sizes[[0, -1]], [planted] * 2, color=GREY, linestyle="--", zorder=1)
        axes.annotate(
            "planted, at every n", (0.01, planted), xycoords=("axes fraction", "data"),
            xytext=(0, 9), textcoords="offset points", color="#555555", fontsize=10,
        )  # fmt: skip
    _lines(axes, sizes, list(lines), list(lines.values()))
    axes.set(xlabel="items in the bin, n", ylabel="dispersion")
    return axes.figure


def plot_drift(velocities, drifts, shuffled=None, axes=None):
    """Found drift against planted velocities: a panel a method, r above, shuffled times behind.

    Parameters
    ----------
    velocities : (g,), planted
    drifts : {name: (g,)}, such as that of a model, of a regression and of counting. They need no
        common unit: each panel has its own
    shuffled : {name: (n, g)}, optional: the same method's drifts with times shuffled, n times; the
        grey band holds 95 % of them
    axes : as many matplotlib axes as drifts, or None for a new figure

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If drifts are not one a velocity, or axes are not one a method.
    """
    import matplotlib.pyplot as plt

    velocities = np.asarray(velocities, dtype=float)
    drifts = {name: np.asarray(drift, dtype=float) for name, drift in drifts.items()}
    shuffled = {} if shuffled is None else dict(shuffled)
    for name, drift in [*drifts.items(), *shuffled.items()]:
        if np.shape(drift)[-1:] != velocities.shape or np.ndim(drift) > 2:
            raise ValueError(
                f"the drift of {name!r} must have one number for each of {len(velocities)} "
                f"velocities, got {np.shape(drift)}."
            )
    if axes is None:
        _, axes = plt.subplots(1, len(drifts), figsize=(4.2 * len(drifts), 4.4), squeeze=False)
    axes = np.atleast_1d(axes).ravel()
    if len(axes) != len(drifts):
        raise ValueError(f"axes must be one a method: {len(axes)} for {len(drifts)}.")
    for i, (panel, (name, drift)) in enumerate(zip(axes, drifts.items(), strict=True)):
        if name in shuffled:
            low, high = np.quantile(shuffled[name], [0.025, 0.975])
            panel.axhspan(low, high, color="#DDDDDD", zorder=0)
        panel.plot(velocities, np.polyval(np.polyfit(velocities, drift, 1), velocities), "k-", lw=1)
        panel.scatter(velocities, drift, s=45, marker=MARKERS[i], color=WITHOUT_YELLOW[i])
        r = np.corrcoef(velocities, drift)[0, 1]
        band = "\ngrey: 95 % of shuffled times" if name in shuffled else "\n"
        panel.set_title(f"{name}: r = {r:.2f}{band}", loc="left", fontsize=11)
        panel.set(xlabel="planted velocity", ylabel="found drift" if i == 0 else None)
    return axes[0].figure


def plot_displacement(moved, axes=None):
    """Movement after Procrustes beside that with times shuffled, a panel each.

    Parameters
    ----------
    moved : {name: displacement}, such as ``{"pictures": displacement(paths, control)}``: what has
        ``aligned`` and ``control``, each (m,), as :func:`mmlearn.deep.displacement` gives
    axes : as many matplotlib axes as names, or None for a new figure

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If nothing is given, or axes are not one a name.
    """
    import matplotlib.pyplot as plt

    if len(moved) == 0:
        raise ValueError("nothing to draw: no displacement was given.")
    if axes is None:
        _, axes = plt.subplots(1, len(moved), figsize=(5 * len(moved), 4.2), squeeze=False)
    axes = np.atleast_1d(axes).ravel()
    if len(axes) != len(moved):
        raise ValueError(f"axes must be one a name: {len(axes)} for {len(moved)}.")
    for panel, (name, found) in zip(axes, moved.items(), strict=True):
        both = np.concatenate([found.aligned, found.control])
        edges = np.linspace(0, np.quantile(both, 0.99), 30)
        panel.hist(found.control, edges, color="#CCCCCC")
        panel.hist(found.aligned, edges, histtype="step", color=COLOURS["blue"], linewidth=2.5)
        top = panel.get_ylim()[1]
        panel.set_ylim(0, 1.3 * top)
        for height, values, colour, what in (
            (1.2 * top, found.aligned, COLOURS["blue"], "times as they are"),
            (1.06 * top, found.control, "#666666", "times shuffled"),
        ):
            mean = float(np.mean(values))
            panel.plot([mean, mean], [0, height], color=colour, linestyle="--", linewidth=1.5)
            panel.annotate(
                f"{what}: mean {mean:.3f}", (mean, height), xytext=(5, 0), color=colour,
                textcoords="offset points", va="center", fontsize=10,
            )  # fmt: skip
        panel.set_title(name, loc="left", fontsize=12)
        panel.set(xlabel="1 - cosine, first to last, after Procrustes", ylabel="items")
    return axes[0].figure
