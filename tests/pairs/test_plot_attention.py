"""The pictures of where a word looks, and of what is missed."""

from types import SimpleNamespace

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from mmlearn.plotting import (
    attention_frames,
    attention_map,
    light_objects,
    plot_attention,
    plot_occlusion,
)

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
    assert left.get_xlabel() == "“dog” looks at the dog; the whole image gets 0.10"
    assert {"cat 0.20", "dog 0.70"} == {text.get_text() for text in left.texts}
    np.testing.assert_allclose(right.images[0].get_array(), WEIGHTS[:, :3])
    assert [t.get_text() for t in right.get_xticklabels()] == ["image", "0 cat", "1 dog"]


def test_the_object_that_a_word_looks_at_most_is_the_brightest_and_has_the_thickest_box():
    figure = light_objects(scene(), 0, ["[CLS]", "dog", "[SEP]"], WEIGHTS, word=1)
    veils = [p.get_alpha() for p in figure.axes[0].patches[::2]]
    assert veils[1] == 0 < veils[0]
    thin, thick = (p.get_linewidth() for p in figure.axes[0].patches[1::2])
    assert thick > 2 * thin
    bold = [t.get_text() for t in figure.axes[0].texts if t.get_weight() == "bold"]
    assert bold == ["dog 0.70"]


def test_a_viewer_draws_the_next_word_into_the_same_axes():
    figure = light_objects(scene(), 0, ["[CLS]", "dog", "[SEP]"], WEIGHTS, word=1)
    axes = figure.axes[0]
    assert light_objects(scene(), 0, ["[CLS]", "dog"], WEIGHTS, 0, axes=axes) is figure
    assert {"cat 0.50", "dog 0.30"} == {text.get_text() for text in axes.texts}


def test_frames_are_of_the_words_alone_unless_others_are_chosen():
    words = ["[CLS]", "dog", "[SEP]"]
    assert [a.axison for a in attention_frames(scene(), 0, words, WEIGHTS).axes] == [1, 0, 0]
    chosen = attention_frames(scene(), 0, words, WEIGHTS, chosen=[0, 2], columns=2)
    assert len(chosen.axes) == 2


def test_the_map_writes_every_share_into_its_cell():
    figure = attention_map(scene(), 0, ["[CLS]", "dog", "[SEP]"], WEIGHTS)
    found = [text.get_text() for text in figure.axes[0].texts]
    assert found == [f"{share:.2f}" for share in WEIGHTS[:, :3].flat]


def test_what_is_missed_stands_beside_what_is_looked_at():
    figure = plot_occlusion(scene(), 0, [0.4, -0.001, 0.0], {0: "subject"}, [0.1, 0.7, 0.0])
    axes = figure.axes[0]
    assert [t.get_text() for t in axes.get_yticklabels()] == ["0 cat\nsubject", "1 dog"]
    assert [t.get_text() for t in axes.texts] == ["+0.40", "+0.00", "0.10", "0.70"]
    hatches = {bars.patches[0].get_hatch() for bars in axes.containers}
    assert len(hatches) == 2  # told apart without colours, too
    with pytest.raises(ValueError, match="give 3 values, one a region"):
        plot_occlusion(scene(), 0, [0.4])


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
