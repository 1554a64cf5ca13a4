"""The course's one style: its colours, and the few things that several pictures draw."""

import textwrap

import numpy as np

__all__ = ["COLOURS", "DARK", "MARKERS", "card", "place_picture", "round_box", "use_style", "wrap"]

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


def wrap(text, width, lines=3):
    """`text` broken after `width` characters, in so many lines at most."""
    # A "$" would open a formula.
    wrapped = textwrap.wrap(text, width, max_lines=lines, placeholder=" …")
    return "\n".join(wrapped).replace("$", r"\$")


def card(width, height, inches=18, padding=0.5):
    """A white figure and its one axes, in units of a picture's cell, with an even margin."""
    import matplotlib.pyplot as plt

    width, height = width + 2 * padding, height + 2 * padding
    figure = plt.figure(figsize=(inches, inches * height / width), layout="none", facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    axes.set(xlim=(-padding, width - padding), ylim=(-padding, height - padding))
    return figure, axes


def place_picture(axes, picture, centre, side):
    """Draw a picture about `centre`, `side` wide."""
    (x, y), half = centre, side / 2
    extent = (x - half, x + half, y - half, y + half)
    axes.imshow(picture, extent=extent, aspect="auto", interpolation="antialiased", zorder=2)


def round_box(axes, centre, size, **style):
    """Draw a box with round corners about `centre`."""
    from matplotlib.patches import FancyBboxPatch

    size = np.broadcast_to(size, 2)
    corner = np.subtract(centre, size / 2)
    axes.add_patch(FancyBboxPatch(corner, *size, "round,pad=0,rounding_size=0.16", **style))
