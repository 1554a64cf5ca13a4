"""Scenes with their objects in boxes, where a word looks, and what is missed when it is gone."""

import numpy as np

from mmlearn.plotting.style import COLOURS

__all__ = [
    "attention_frames",
    "attention_map",
    "light_objects",
    "plot_attention",
    "plot_occlusion",
    "plot_scene",
]


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

    _check_scene(scenes, i)
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
    """Where a word looks: the scene that it lights beside the map of all words.

    Parameters
    ----------
    scenes, i, words, weights, word : see :func:`light_objects`

    Returns
    -------
    matplotlib Figure
    """
    import matplotlib.pyplot as plt

    _check_word(scenes, i, words, word)
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 5.2), layout="constrained")
    light_objects(scenes, i, words, weights, word, axes=left)
    attention_map(scenes, i, words, weights, axes=right)
    return figure


def light_objects(scenes, i, words, weights, word, axes=None):
    """A sentence over its scene: one word lights the objects that it looks at.

    Objects fade as their share of the word's attention falls, and each says its share, so that no
    colour need be told. For a viewer, call it anew in the axes of the last frame.

    Parameters
    ----------
    scenes : Scenes;  i : int, which scene
    words : T str, as ``scenes.words[token]`` for the tokens of the text, without padding
    weights : (T, 1 + R), the attention from each word to the whole image and to each region, such
        as a row of :meth:`mmlearn.pairs.ViLBERT.attention`
    word : int, which of the words is read
    axes : matplotlib axes, cleared first, or None for a new figure

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If there is no such scene or word, or the weights have another shape.
    """
    import matplotlib.pyplot as plt

    _check_word(scenes, i, words, word)
    shares = _check_weights(scenes, words, weights)[word]
    if axes is None:
        _, axes = plt.subplots(figsize=(5.4, 5.6), layout="constrained")
    axes.clear()
    picture, regions = scenes.picture(i), _regions(scenes, i)
    axes.imshow(picture)
    axes.set(xticks=[], yticks=[], ylim=(1.04 * len(picture), -0.5))  # room for the lowest names
    for spine in axes.spines.values():
        spine.set(visible=True, color="#cccccc")
    first = regions[shares[1 + regions].argmax()]
    for region in regions:
        relative = shares[1 + region] / max(shares[1 + first], 1e-9)
        _light(axes, scenes, i, region, shares[1 + region], relative, region == first)
    name = _name(scenes, i, first)
    axes.set_xlabel(f"“{words[word]}” looks at the {name}; the whole image gets {shares[0]:.2f}")
    _write_sentence(axes, words, word)
    return axes.figure


def attention_frames(scenes, i, words, weights, chosen=None, columns=3):
    """:func:`light_objects` for several words, side by side: what a viewer shows one by one.

    Parameters
    ----------
    scenes, i, words, weights : see :func:`light_objects`
    chosen : ints, which of the words; None for all that are words, not [CLS] or [SEP]
    columns : int, frames a row

    Returns
    -------
    matplotlib Figure
    """
    import matplotlib.pyplot as plt

    if chosen is None:
        chosen = [k for k, word in enumerate(words) if not word.startswith("[")]
    rows = -(-len(chosen) // columns)
    size = (4.6 * columns, 5 * rows)
    figure, grid = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    for axes in grid.flat:
        axes.axis("off")
    for axes, word in zip(grid.flat, chosen, strict=False):
        axes.axis("on")
        light_objects(scenes, i, words, weights, word, axes)
    return figure


def attention_map(scenes, i, words, weights, axes=None):
    """Words by regions: every share of attention, written into its cell.

    Parameters
    ----------
    scenes, i, words, weights : see :func:`light_objects`
    axes : matplotlib axes, or None for a new figure

    Returns
    -------
    matplotlib Figure
    """
    import matplotlib.pyplot as plt

    _check_scene(scenes, i)
    weights, regions = _check_weights(scenes, words, weights), _regions(scenes, i)
    if axes is None:
        size = (1.6 + 0.75 * (1 + len(regions)), 1.4 + 0.38 * len(words))
        _, axes = plt.subplots(figsize=size, layout="constrained")
    shown = weights[:, [0, *(1 + regions)]]
    axes.imshow(shown, vmin=0, aspect="auto", cmap="cividis")
    for (row, column), share in np.ndenumerate(shown):
        colour = "black" if share > 0.6 * shown.max() else "white"
        label = f"{share:.2f}"
        axes.text(column, row, label, ha="center", va="center", size=9, color=colour)
    names = [f"{r} {_name(scenes, i, r)}" for r in regions]
    axes.set_xticks(range(len(names) + 1), ["image", *names], rotation=40, ha="right", size=10)
    axes.set_yticks(range(len(words)), words, size=10)
    axes.set(xlabel="keys: the regions", ylabel="queries: the words")
    axes.tick_params(length=0)
    return axes.figure


def plot_occlusion(scenes, i, drop, roles=None, attention=None, axes=None):
    """How far the right choice falls without each object, beside what attention gives it.

    Parameters
    ----------
    scenes : Scenes;  i : int, which scene
    drop : (R,), such as a row of :func:`mmlearn.pairs.occlusion_drop`
    roles : ``{region: str}``, such as ``{2: "subject", 0: "answer"}``, written behind the name
    attention : (R,), the regions' shares of attention, to be drawn beside; optional
    axes : matplotlib axes, or None for a new figure

    Returns
    -------
    matplotlib Figure
    """
    import matplotlib.pyplot as plt

    _check_scene(scenes, i)
    regions, roles = _regions(scenes, i), roles or {}
    series = [("without it, the right answer loses", "vermilion", "", drop)]
    if attention is not None:
        series.append(("attention that it gets", "blue", "///", attention))
    for what, _, _, values in series:
        if np.shape(values) != (scenes.region_mask.shape[1],):
            raise ValueError(
                f"{what}: give {scenes.region_mask.shape[1]} values, one a region, "
                f"got shape {np.shape(values)}."
            )
    if axes is None:
        size = (7, 1.3 + 0.42 * len(series) * len(regions))
        _, axes = plt.subplots(figsize=size, layout="constrained")
    thick = 0.8 / len(series)
    for k, (what, colour, hatch, values) in enumerate(series):
        y, x = np.arange(len(regions)) + k * thick, np.asarray(values)[regions]
        bars = axes.barh(y, x, thick, color=COLOURS[colour], hatch=hatch, edgecolor="white")
        bars.set_label(what)
        axes.bar_label(
            bars, [f"{round(value, 2) + 0.0:+.2f}"[k:] for value in x], padding=3, fontsize=10
        )
    names = [f"{r} {_name(scenes, i, r)}\n{roles.get(r, '')}".strip() for r in regions]
    axes.set_yticks(np.arange(len(regions)) + (len(series) - 1) * thick / 2, names, size=11)
    axes.invert_yaxis()
    axes.axvline(0, color="black", linewidth=0.8)
    axes.margins(x=0.14)
    axes.set_xlabel("probability" if attention is None else "probability, share")
    axes.legend(loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=len(series))
    return axes.figure


def _light(axes, scenes, i, region, share, relative, first):
    """An object as bright as its share, with its name and the share below."""
    import matplotlib.pyplot as plt

    side = len(scenes.picture(i))
    x1, y1, x2, y2 = scenes.boxes[i, region, :4] * side
    size = {"xy": (x1, y1), "width": x2 - x1, "height": y2 - y1}
    axes.add_patch(plt.Rectangle(**size, color="white", alpha=0.8 * (1 - relative), linewidth=0))
    colour = COLOURS["vermilion" if first else "blue"]
    line = {"edgecolor": colour, "linewidth": 0.8 + 4 * relative, "fill": False}
    axes.add_patch(plt.Rectangle(**size, **line))
    label = f"{_name(scenes, i, region)} {share:.2f}"
    style = {"color": colour, "weight": "bold" if first else "normal", "size": 10}
    axes.text((x1 + x2) / 2, y2 + 0.012 * side, label, ha="center", va="top", **style)


def _write_sentence(axes, words, word, letters=54):
    """The words above the axes, in lines; the one that is read is marked."""
    from matplotlib.offsetbox import AnchoredOffsetbox, HPacker, TextArea, VPacker

    lines, length = [[]], 0
    for k, text in enumerate(words):
        if length + len(text) > letters:
            lines, length = [*lines, []], 0
        style = {"size": 11, "color": "#666666" if text.startswith("[") else "black"}
        if k == word:
            mark = {"boxstyle": "round,pad=0.2", "facecolor": COLOURS["yellow"]}
            style |= {"weight": "bold", "color": "black", "bbox": mark}
        lines[-1].append(TextArea(text, textprops=style))
        length += len(text) + 1
    rows = [HPacker(children=line, pad=0, sep=6, align="baseline") for line in lines if line]
    block = VPacker(children=rows, pad=0, sep=5, align="left")
    place = {"bbox_to_anchor": (0, 1.01), "bbox_transform": axes.transAxes}
    axes.add_artist(
        AnchoredOffsetbox("lower left", child=block, pad=0, borderpad=0, frameon=False, **place)
    )


def _regions(scenes, i):
    return np.flatnonzero(scenes.region_mask[i])


def _name(scenes, i, region):
    return scenes.names[scenes.objects[i, region]]


def _check_scene(scenes, i):
    if not 0 <= i < len(scenes):
        raise ValueError(f"there is no scene {i}; choose from 0 to {len(scenes) - 1}.")


def _check_word(scenes, i, words, word):
    _check_scene(scenes, i)
    if not 0 <= word < len(words):
        raise ValueError(f"there is no word {word}; choose from 0 to {len(words) - 1}.")


def _check_weights(scenes, words, weights):
    """The weights of the words, without those of padding."""
    weights = np.asarray(weights)[: len(words)]
    if weights.shape != (len(words), 1 + scenes.region_mask.shape[1]):
        raise ValueError(
            f"weights must be ({len(words)}, {1 + scenes.region_mask.shape[1]}): the words by the "
            f"image and its regions; got {weights.shape}."
        )
    return weights
