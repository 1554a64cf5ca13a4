"""Scenes with their objects in boxes, and where a word looks."""

import numpy as np

from mmlearn.plotting.style import COLOURS

__all__ = ["plot_attention", "plot_scene"]


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
        as a row of :meth:`mmlearn.pairs.ViLBERT.attention`
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
