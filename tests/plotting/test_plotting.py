"""The helpers draw what they say, and say it by more than a colour."""

import io

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")

import matplotlib.pyplot as plt

from mmlearn import plotting


@pytest.fixture(autouse=True)
def _clean_figures():
    with mpl.rc_context():
        yield
    plt.close("all")


@pytest.fixture
def pictures(rng):
    return rng.integers(0, 256, (5, 8, 8, 3), dtype=np.uint8)


def titles(figure):
    return [axes.get_title() for axes in figure.axes]


def test_style_uses_the_colours_that_everybody_can_tell_apart():
    plotting.use_style()
    cycle = mpl.rcParams["axes.prop_cycle"].by_key()["color"]
    assert cycle == list(plotting.COLOURS.values())


def test_hits_and_misses_differ_in_mark_line_and_colour(pictures):
    figure = plotting.retrieval_strip("red car", pictures, [True, False, True, False, False])
    assert titles(figure) == ["query", "1 ✓", "2 ✗", "3 ✓", "4 ✗", "5 ✗"]
    hit, miss = (figure.axes[i].spines["left"] for i in (1, 2))
    assert hit.get_linestyle() != miss.get_linestyle()
    assert hit.get_edgecolor() != miss.get_edgecolor()


def test_a_strip_takes_texts_as_results(pictures):
    figure = plotting.retrieval_strip(pictures[0], ["a car", "costs $5 or $6"], [1, 0])
    figure.savefig(io.BytesIO())  # a bare "$" would be read as a formula, and fail
    assert figure.axes[2].texts[0].get_text() == "costs \\$5 or\n\\$6"


def test_grid_leaves_no_empty_axes_visible(pictures):
    figure = plotting.picture_grid(pictures, ["a", "b", "c", "d", "e"], columns=3)
    assert [bool(axes.images) for axes in figure.axes] == [True] * 5 + [False]
    assert not figure.axes[5].axison


def test_scatter_has_a_colour_and_a_marker_per_class(rng):
    labels = np.arange(40) % 4
    figure = plotting.scatter_embedding(rng.normal(size=(40, 3)), labels, list("abcd"))
    drawn = figure.axes[0].collections
    assert [c.get_label() for c in drawn] == list("abcd")
    assert len({tuple(c.get_facecolor()[0]) for c in drawn}) == 4
    assert len({c.get_paths()[0].vertices.tobytes() for c in drawn}) == 4


def test_scatter_draws_pictures_in_given_axes(rng, pictures):
    figure, axes = plt.subplots()
    assert (
        plotting.scatter_embedding(rng.normal(size=(5, 2)), pictures=pictures, axes=axes) is figure
    )
    assert len(axes.artists) == 5


def test_bars_show_mean_spread_and_chance():
    figure = plotting.bar_with_chance(["a", "b"], [[0.2, 0.4], [0.5, 0.7]], chance=0.1)
    axes = figure.axes[0]
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([0.3, 0.6])
    assert {text.get_text() for text in axes.texts} == {"0.300", "0.600"}
    assert axes.get_legend().get_texts()[0].get_text() == "chance 0.100"


def test_the_line_of_guessing_is_called_what_it_is():
    figure = plotting.bar_with_chance(["a"], [0.6], 0.3, line="largest class")
    (text,) = figure.axes[0].get_legend().get_texts()
    assert text.get_text() == "largest class 0.300"


def test_tied_codes_show_the_spread_large_and_the_true_scale_in_the_inset(rng):
    h_x, h_y = 0.01 * rng.normal(size=(2, 30, 2))
    axes = plotting.tied_codes(h_x, h_y, np.arange(30), "small").axes[0]
    (inset,) = axes.child_axes
    large, true = (np.vstack([c.get_offsets() for c in a.collections]) for a in (axes, inset))
    assert large.std(axis=0).max() == pytest.approx(1)
    np.testing.assert_allclose(true, np.vstack([h_x, h_y]))


def test_codes_that_are_one_point_can_be_drawn():
    assert plotting.tied_codes(np.ones((5, 2)), np.ones((5, 2)), np.arange(5)).axes


def test_rows_of_queries_frame_the_hits_alone(pictures):
    figure = plotting.query_rows(["a", "b"], [pictures[:3], pictures[2:]], [[1, 0, 1], [0] * 3])
    axes = figure.axes[0]
    framed = [box for box in axes.patches if not box.get_fill()]
    assert len(axes.images) == 6
    assert [box.get_x() + box.get_width() / 2 for box in framed] == pytest.approx([3.6, 5.8])
    assert {"a", "b"} <= {text.get_text() for text in axes.texts}


def test_a_map_puts_no_two_things_into_one_cell(rng, pictures):
    many, words = pictures[np.arange(30) % 5], ["fruit", "fruit"]
    figure = plotting.embedding_map(
        np.zeros((30, 2)), many, words, np.zeros((2, 2)), np.arange(30), cells=(10, 5)
    )
    axes = figure.axes[0]
    boxes = np.array([[b.get_x(), b.get_y(), b.get_width(), b.get_height()] for b in axes.patches])
    low, high = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
    meet = (np.minimum(high[:, None], high) > np.maximum(low[:, None], low)).all(axis=2)
    assert len(boxes) == 32
    assert (meet == np.eye(32, dtype=bool)).all()


def test_a_map_with_room_leaves_order_as_it_was(pictures):
    line = np.column_stack([np.arange(5.0), np.zeros(5)])
    figure = plotting.embedding_map(line, pictures, ["a"], [[0.0, 4.0]], cells=(8, 5))
    images = figure.axes[0].images
    left = [image.get_extent()[0] for image in images]
    assert left == sorted(left)
    assert {image.get_extent()[2] for image in images} == {images[0].get_extent()[2]}
    assert figure.axes[0].texts[0].get_position() == pytest.approx((1, 4.5), abs=1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plotting.picture_grid([]), "nothing to draw"),
        (lambda: plotting.picture_grid(np.zeros((2, 4, 4, 3)), ["a"]), "one entry per picture"),
        (lambda: plotting.retrieval_strip("q", ["a"], [True, False]), "one entry per result"),
        (lambda: plotting.scatter_embedding(np.zeros(4)), "must have shape"),
        (lambda: plotting.scatter_embedding(np.zeros((4, 2)), [1]), "one entry per point"),
        (lambda: plotting.query_rows(["a"], [], []), "results must have 1 entries, got 0"),
        (lambda: plotting.query_rows([], [], []), "no query"),
        (
            lambda: plotting.embedding_map(np.eye(2), np.ones((3, 4, 4, 3)), [], []),
            "pictures must have 2 entries",
        ),
        (
            lambda: plotting.embedding_map(np.eye(2), np.ones((2, 4, 4, 3)), [], [], cells=(1, 1)),
            "give more cells",
        ),
        (
            lambda: plotting.embedding_map(
                np.eye(2), np.ones((2, 4, 4, 3)), ["a", "b"], np.eye(2), cells=(1, 1)
            ),
            "no room for the word 'b'",
        ),
        (
            lambda: plotting.embedding_map(np.eye(2), np.ones((2, 4, 4, 3)), [], [], [0]),
            "labels must have 2 entries",
        ),
        (lambda: plotting.bar_with_chance(["a"], [1, 2], 0.1), "one name per score"),
        (lambda: plotting.tied_codes(np.eye(2), np.eye(3), [1, 2]), "must have shape"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
