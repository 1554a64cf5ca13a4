"""The picture of where a word looks."""

from types import SimpleNamespace

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from mmlearn.plotting import plot_attention

mpl.use("agg")


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


class Scenes(SimpleNamespace):
    def __len__(self):
        return 1


def scene():
    return Scenes(
        picture=lambda i: np.full((40, 40, 3), 255, dtype=np.uint8),
        region_mask=np.array([[True, True, False]]),
        boxes=np.array([[[0, 0, 0.3, 0.3, 0.09], [0.5, 0.5, 0.8, 0.8, 0.09], [0] * 5]]),
        objects=np.array([[1, 0, -1]]),
        names=["dog", "cat"],
    )


WEIGHTS = np.array([[0.2, 0.5, 0.3, 0.0], [0.1, 0.2, 0.7, 0.0], [1.0, 0.0, 0.0, 0.0]])


def test_the_regions_show_the_attention_of_the_word():
    figure = plot_attention(scene(), 0, ["[CLS]", "dog", "[SEP]"], WEIGHTS, word=1)
    left, right = figure.axes[:2]
    assert "dog" in left.get_title()
    assert {"0.20", "0.70"} <= {text.get_text() for text in left.texts}
    np.testing.assert_allclose(right.images[0].get_array(), WEIGHTS[:, :3])
    assert [t.get_text() for t in right.get_xticklabels()] == ["image", "0 cat", "1 dog"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((0, ["a", "b"], WEIGHTS, 2), "there is no word 2"),
        ((0, ["a"], WEIGHTS[0], 0), "weights must be"),
        ((1, ["a"], WEIGHTS, 0), "there is no scene 1"),
    ],
)
def test_wrong_input_is_named(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        plot_attention(scene(), *arguments)
