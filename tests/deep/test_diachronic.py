"""The diachronic embedding: static without time, moving with it, and blind to shuffled times."""

import io
import math

import numpy as np
import pytest
import torch
from planted import SMALL_NETWORK as SMALL
from planted import class_data as data
from sklearn.exceptions import NotFittedError

import mmlearn
from mmlearn.deep import Diachronic, TripletEmbedding, displacement, semantic_dispersion
from mmlearn.losses import (
    diachronic_inter_loss,
    diachronic_intra_loss,
    temporal_alignment,
    triplet_loss,
)

GRID = np.linspace(0.0, 1.0, 6)


def diachronic(**params):
    return Diachronic(**SMALL | params)


def swapping(rng, n=600):
    """Texts of classes 0 and 1 change places in time, suddenly at .5; those of 2 and 3 stay."""
    x, _, labels = data(rng, n)
    times = rng.random(n)
    text_labels = np.where((labels < 2) & (times > 0.5), 1 - labels, labels)
    y = np.random.default_rng(8).normal(size=(4, 5))[text_labels] + 0.3 * rng.normal(size=(n, 5))
    return x, y, labels, times


def lead(model, x, y, labels, c, times):
    """How much closer the images of class c are to the texts of the other class, at each time."""
    result = []
    for t in times:
        z_x, z_y = model.embed_images(x[labels == c], t), model.embed_texts(y, t)
        s = model.similarity(z_x, z_y)
        result.append(s[:, labels == 1 - c].mean() - s[:, labels == c].mean())
    return np.array(result)


@pytest.fixture(scope="module")
def moving():
    x, y, labels, times = swapping(np.random.default_rng(0))
    model = diachronic(epochs=40).fit(x, y, labels, times)
    # Texts of each class's own kind, as they were at the start.
    early = np.random.default_rng(8).normal(size=(4, 5))[labels]
    return model, x, early, labels, times


# -- without time it is static ------------------------------------------------------------------


@pytest.mark.parametrize("mining", ["all", "semi-hard", "hard"])
def test_constant_times_and_no_intra_term_are_the_static_triplet_bit_for_bit(rng, mining):
    x, y, labels = data(rng)
    settings = {"epochs": 3, "margin": 0.3, "mining": mining, "dropout": 0.2, "weight_decay": 0.01}
    static = TripletEmbedding(**SMALL | settings).fit(x, y, labels)
    constant = diachronic(**settings, intra=0.0).fit(x, y, labels, np.full(len(x), 1999.0))
    assert static.history_.loss == constant.history_.loss
    for t in (1999.0, -5.0, 1e9):
        np.testing.assert_array_equal(constant.embed_images(x, t), static.embed_images(x))
        np.testing.assert_array_equal(constant.embed_texts(y, t), static.embed_texts(y))


def test_constant_times_give_the_same_model_whatever_the_time_and_the_window(rng):
    x, y, labels = data(rng)
    one = diachronic(epochs=3, window=math.inf).fit(x, y, labels, 0.0)
    other = diachronic(epochs=3, window=0.5).fit(x, y, labels, np.full(len(x), 2020))
    assert one.window_ == other.window_ == math.inf
    np.testing.assert_array_equal(one.embed_images(x, 0.0), other.embed_images(x, 7.0))


def test_constant_times_leave_trajectories_flat_and_dispersion_without_a_slope(rng):
    x, y, labels = data(rng)
    model = diachronic(epochs=5).fit(x, y, labels, 3.0)
    path = model.trajectories(GRID, images=x)
    np.testing.assert_array_equal(path, np.repeat(path[:, :1], len(GRID), axis=1))
    sweep = [model.embed_images(x, t) for t in GRID]
    edges = np.append(GRID - 0.1, 1.1)
    _, d = semantic_dispersion(
        np.vstack(sweep), np.tile(labels, len(GRID)), np.repeat(GRID, len(x)), edges
    )
    np.testing.assert_allclose(np.polyfit(GRID, d.T, 1)[0], 0, atol=1e-7)
    assert (d > 0).all()


def test_training_starts_at_the_static_model(rng):
    x, y, labels = data(rng)
    model = diachronic(epochs=1, learning_rate=1e-12).fit(x, y, labels, rng.random(len(x)))
    path = model.trajectories(GRID, texts=y)
    np.testing.assert_allclose(path, np.repeat(path[:, :1], len(GRID), axis=1), atol=1e-5)


# -- with time it moves -------------------------------------------------------------------------


@pytest.mark.slow
def test_the_association_that_swaps_is_followed_and_the_one_that_stays_is_kept(moving):
    model, x, early, labels, _ = moving
    for c in (0, 1):
        before, after = lead(model, x, early, labels, c, [0.1, 0.9])
        assert before < -0.5
        assert after > 0.5
    for t in (0.1, 0.9):
        s = model.similarity(model.embed_images(x, t), model.embed_texts(early, t))
        for c in (2, 3):
            own = s[labels == c][:, labels == c].mean()
            assert own > s[labels == c][:, labels != c].mean() + 0.5


@pytest.mark.slow
def test_shuffled_times_show_no_drift(moving):
    _, x, early, labels, _ = moving
    images, texts, labels, times = swapping(np.random.default_rng(0))
    model = diachronic(epochs=40).fit(
        images, texts, labels, np.random.default_rng(1).permutation(times)
    )
    drift = [np.ptp(lead(model, x, early, labels, c, [0.1, 0.9])) for c in (0, 1)]
    found = [np.ptp(lead(moving[0], x, early, labels, c, [0.1, 0.9])) for c in (0, 1)]
    assert max(drift) < 0.25 * min(found)


@pytest.mark.slow
def test_time_beats_the_static_model_at_retrieval(rng, moving):
    x, y, labels, times = swapping(np.random.default_rng(0))
    static = diachronic(epochs=40).fit(x, y, labels, 0.0)
    fresh = swapping(np.random.default_rng(1))
    late = fresh[3] > 0.6
    x, y, labels, times = (v[late] for v in fresh)
    assert moving[0].score(x, y, labels, times) > static.score(x, y, labels, times) + 0.1


def test_the_same_image_moves_smoothly(moving):
    model, x, *_ = moving
    path = model.trajectories(np.linspace(0, 1, 101), images=x[:20])
    steps = np.linalg.norm(np.diff(path, axis=1), axis=2)
    whole = np.linalg.norm(path[:, -1] - path[:, 0], axis=1)
    assert (whole > 0).all()
    assert steps.max() < 0.2 * whole.max()


def test_times_beyond_the_training_range_count_as_its_ends(moving):
    model, x, _, _, times = moving
    for beyond, end in ((-100.0, times.min()), (100.0, times.max())):
        np.testing.assert_array_equal(model.embed_images(x, beyond), model.embed_images(x, end))


def test_one_time_for_all_is_that_time_for_each(moving):
    model, x, early, *_ = moving
    np.testing.assert_array_equal(
        model.embed_images(x, 0.3), model.embed_images(x, np.full(len(x), 0.3))
    )
    mixed = model.embed_texts(early[:2], [0.1, 0.9])
    np.testing.assert_allclose(mixed[0], model.embed_texts(early[:1], 0.1)[0], atol=1e-6)
    np.testing.assert_allclose(mixed[1], model.embed_texts(early[1:2], 0.9)[0], atol=1e-6)


def test_the_unit_and_the_origin_of_time_do_not_matter(rng):
    x, y, labels, times = swapping(rng, 200)
    times = np.round(times * 64) / 64  # exact in both units
    a = diachronic(epochs=3, window=0.25).fit(x, y, labels, times)
    b = diachronic(epochs=3, window=32.0).fit(x, y, labels, 2048 + 128 * times)
    np.testing.assert_allclose(
        a.embed_images(x, times), b.embed_images(x, 2048 + 128 * times), atol=1e-5
    )


def test_trajectories_are_the_embeddings_at_the_times_in_the_kind_of_the_input(moving):
    model, x, early, *_ = moving
    path = model.trajectories(GRID, images=torch.as_tensor(x[:4]))
    assert isinstance(path, torch.Tensor)
    assert path.shape == (4, len(GRID), 8)
    np.testing.assert_array_equal(path[:, 2].numpy(), model.embed_images(x[:4], GRID[2]))
    np.testing.assert_array_equal(
        model.trajectories(GRID, texts=early[:4])[:, -1], model.embed_texts(early[:4], 1.0)
    )
    assert model.time_grid(5)[[0, -1]].tolist() == model.time_range_.tolist()


def test_what_is_saved_moves_as_before(moving, tmp_path):
    model, x, *_ = moving
    mmlearn.save(model, tmp_path / "model")
    again = mmlearn.load(tmp_path / "model")
    np.testing.assert_array_equal(
        again.trajectories(GRID, images=x[:5]), model.trajectories(GRID, images=x[:5])
    )
    assert again.window_ == model.window_


@pytest.mark.parametrize("own", [torch.nn.Linear(6, 8), torch.nn.Sequential(torch.nn.Linear(6, 8))])
def test_an_encoder_of_ones_own_is_conditioned_and_left_as_it_was(rng, own):
    x, y, labels, times = swapping(rng, 200)
    before = {name: value.clone() for name, value in own.state_dict().items()}
    model = diachronic(image_encoder=own, epochs=5).fit(x, y, labels, times)
    assert np.abs(np.diff(model.trajectories([0.0, 1.0], images=x), axis=1)).max() > 1e-3
    assert all(torch.equal(value, before[name]) for name, value in own.state_dict().items())


def test_held_out_pairs_are_scored_at_their_times(rng):
    model = diachronic(validation_fraction=0.25, epochs=4).fit(*swapping(rng, 200))
    assert len(model.history_.validation) == 4
    assert max(model.history_.validation) > 0.4


# -- summary ------------------------------------------------------------------------------------


def test_a_summary_names_each_neighbour_once_at_the_step_where_it_came_near(moving):
    model, x, _, labels, _ = moving
    kinds = np.random.default_rng(8).normal(size=(4, 5))  # one text of each kind
    c = 0
    item = x[labels == c][0]
    told = model.summary(np.linspace(0, 1, 9), image=item, texts=kinds)
    assert [n.index for n in told] == [0, 1]  # first its own kind, then that of its partner
    assert told[0].time == 0.0
    assert 0.2 < told[1].time < 0.8
    s = model.similarity(model.embed_images(item[None], 0.0), model.embed_texts(kinds, 0.0))
    assert told[0].similarity == pytest.approx(s[0, 0], abs=1e-6)


def test_items_of_one_name_are_told_once_and_k_counts_names(moving):
    model, x, *_ = moving
    kinds = np.random.default_rng(8).normal(size=(4, 5))
    texts, names = np.repeat(kinds, 3, axis=0), np.repeat(list("abcd"), 3)
    told = model.summary(GRID, image=x[0], texts=texts, names=names, k=2)
    assert len({names[n.index] for n in told}) == len(told) >= 2
    assert sum(n.time == GRID[0] for n in told) == 2


def test_a_gallery_may_stand_at_its_own_times(moving):
    model, x, early, _, times = moving
    told = model.summary([0.9], image=x[0], texts=early, gallery_times=times)
    z = model.embed_texts(early, times)
    s = model.similarity(model.embed_images(x[:1], 0.9), z)[0]
    assert told[0].index == s.argmax()
    told = model.summary([0.9], text=early[0], images=x, gallery_times=0.1, k=3)
    assert len(told) == 3


# -- dispersion ---------------------------------------------------------------------------------


def test_dispersion_is_the_mean_cosine_distance_of_two_items(rng):
    z, times = rng.normal(size=(30, 4)), np.repeat([0.0, 1.0, 2.0], 10)
    centres, d = semantic_dispersion(z, np.zeros(30), times, bins=3)
    u = z / np.linalg.norm(z, axis=1, keepdims=True)
    for b in range(3):
        s = (u @ u.T)[b * 10 : b * 10 + 10, b * 10 : b * 10 + 10]
        assert d[0, b] == pytest.approx(1 - (s.sum() - 10) / 90)
    np.testing.assert_allclose(centres, [1 / 3, 1, 5 / 3])


def test_dispersion_does_not_depend_on_how_many_items_a_bin_holds(rng):
    z = rng.normal(size=(4000, 3))
    z[:, 0] += 3
    few = [semantic_dispersion(part, np.zeros(2), [0, 0])[1][0, 0] for part in np.split(z, 2000)]
    many = semantic_dispersion(z, np.zeros(len(z)), np.zeros(len(z)))[1][0, 0]
    assert np.mean(few) == pytest.approx(many, rel=0.1)


def test_dispersion_leaves_out_lone_items_and_what_lies_outside_the_edges():
    z = np.eye(4)
    _, d = semantic_dispersion(z, [0, 0, 1, 0], [0.0, 1.0, 1.0, 9.0], bins=[0, 1, 2])
    assert np.isnan(d[1]).all()
    assert np.isnan(d[0, :]).all()  # one item in each bin
    _, d = semantic_dispersion(z, [0, 0, 1, 0], [0.0, 1.0, 1.0, 9.0], bins=[0, 2])
    assert d[0, 0] == pytest.approx(1.0)


def test_dispersion_of_a_planted_mixture_peaks_in_its_middle(rng):
    """Half of the images of a class are elsewhere at t = .5, none at 0, all at 1."""
    times = rng.random(4000)
    z = np.where((rng.random(4000) < times)[:, None], [1.0, 0.0], [0.0, 1.0])
    centres, d = semantic_dispersion(z, np.zeros(4000), times, bins=10)
    np.testing.assert_allclose(d[0], 2 * centres * (1 - centres), atol=0.06)


def test_dispersion_of_two_items_by_hand():
    """At right angles: their centroid (½, ½) is √½ from each, cosine distance 1."""
    z, at = np.eye(2), np.zeros(2)
    assert semantic_dispersion(z, at, at)[1][0, 0] == pytest.approx(1.0)
    assert semantic_dispersion(z, at, at, corrected=False)[1][0, 0] == pytest.approx(0.5)


def test_plain_dispersion_falls_with_fewer_items_and_the_corrected_does_not(rng):
    """A planted spread that never changes, seen through ever fewer items: σ² (1 - 1/n)."""
    spread, trials = 0.3, 400
    for n in (2, 3, 8):
        z = np.ones((trials * n, 1)) * [1.0, 0.0, 0.0] + spread * rng.normal(size=(trials * n, 3))
        labels, at = np.repeat(np.arange(trials), n), np.zeros(trials * n)
        plain = semantic_dispersion(z, labels, at, corrected=False)[1].mean()
        corrected = semantic_dispersion(z, labels, at)[1].mean()
        truth = 1 - (np.mean(z / np.linalg.norm(z, axis=1, keepdims=True), axis=0) ** 2).sum()
        assert corrected == pytest.approx(truth, rel=0.1)
        assert plain == pytest.approx((1 - 1 / n) * corrected, rel=1e-9)


def test_items_seen_again_do_not_change_dispersion(rng):
    z, at = rng.normal(size=(12, 4)), np.zeros(12)
    once = semantic_dispersion(z, at, at)[1][0, 0]
    rows = np.repeat(np.arange(12), np.arange(12) % 5 + 1)
    again = semantic_dispersion(z[rows], at[rows], at[rows], items=rows)[1][0, 0]
    assert again == pytest.approx(once)
    unnamed = semantic_dispersion(z[np.repeat(np.arange(12), 8)], *[np.zeros(96)] * 2)[1][0, 0]
    assert unnamed < once * 0.95  # repeats of an item are no distance apart


def test_dispersion_by_item_is_the_mean_distance_of_two_different_items(rng):
    z, items = rng.normal(size=(9, 3)), np.array([0, 0, 0, 1, 1, 2, 2, 2, 2])
    u = z / np.linalg.norm(z, axis=1, keepdims=True)
    pairs = [
        1 - (u[items == i] @ u[items == j].T).mean() for i in range(3) for j in range(3) if i != j
    ]
    at = np.zeros(9)
    assert semantic_dispersion(z, at, at, items=items)[1][0, 0] == pytest.approx(np.mean(pairs))
    assert np.isnan(semantic_dispersion(z[:3], at[:3], at[:3], items=items[:3])[1]).all()


def test_items_of_a_dispersion_are_one_a_row(rng):
    with pytest.raises(ValueError, match=r"items must have shape \(4,\), one a row"):
        semantic_dispersion(np.eye(4), np.zeros(4), np.zeros(4), items=[1, 2])


def test_the_models_dispersion_is_of_one_modality(moving):
    model, x, early, labels, times = moving
    images = model.dispersion(labels, times, images=x, bins=3)[1]
    expected = semantic_dispersion(model.embed_images(x, times), labels, times, 3)[1]
    np.testing.assert_array_equal(images, expected)
    plain = model.dispersion(labels, times, texts=early, bins=3, corrected=False)[1]
    assert plain.shape == (4, 3)
    for both_or_none in ({"images": x, "texts": early}, {}):
        with pytest.raises(ValueError, match="one of the two"):
            model.dispersion(labels, times, **both_or_none)


# -- figures ------------------------------------------------------------------------------------


@pytest.fixture
def plotting():
    mpl = pytest.importorskip("matplotlib")
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    from mmlearn import plotting

    yield plotting
    plt.close("all")


def test_trajectories_are_drawn_from_a_hollow_to_a_filled_end_with_a_marker_each(rng, plotting):
    z = rng.normal(size=(3, 5, 4))
    times = [2010.0, 2011.0, 2012.0, 2013.0, 2018.0]
    figure = plotting.plot_trajectories(z, times, list("abc"), rng.normal(size=(2, 4)), ["$5", ""])
    axes = figure.axes[0]
    figure.savefig(io.BytesIO())
    ends = [line for line in axes.lines if line.get_marker() not in ("None", "")]
    assert [line.get_markerfacecolor() == "white" for line in ends] == [True, False] * 3
    assert len({line.get_marker() for line in ends}) == 3
    assert [text.get_text() for text in axes.texts] == ["a", "b", "c", r"\$5"]
    assert axes.get_title(loc="left") == "hollow: 2010    filled: 2018"


def test_a_name_stands_at_the_end_of_its_line_and_on_no_other(plotting):
    z = np.ones((3, 2, 3)) * [1.0, 0.0, 0.0]
    z[:, 0, 1:] = np.eye(3)[:, :2]  # all end in one place
    axes = plotting.plot_trajectories(z, [0, 1], ["one", "two", "three"]).axes[0]
    ends = [line.get_xydata()[0] for line in axes.lines if line.get_markerfacecolor() != "white"]
    np.testing.assert_allclose([text.xy for text in axes.texts], ends[-3:], atol=1e-9)
    axes.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in axes.texts]
    assert not any(boxes[i].overlaps(boxes[j]) for i, j in ((0, 1), (0, 2), (1, 2)))


def test_the_ghost_is_drawn_in_grey_in_the_same_two_directions(rng, plotting):
    z = rng.normal(size=(2, 4, 3))
    axes = plotting.plot_trajectories(z, np.arange(4), "ab", ghost=z).axes[0]
    dotted = [line for line in axes.lines if line.get_linestyle() == ":"]
    ends = [line for line in axes.lines if line.get_marker() not in ("None", "")]
    assert len(dotted) == 2
    np.testing.assert_allclose(dotted[0].get_xydata()[-1], ends[-3].get_xydata()[0])
    assert "grey: trained on shuffled times" in axes.get_title(loc="left")


def test_the_two_directions_drawn_hold_what_moves(plotting):
    """A circle in two of five dimensions is drawn as that circle."""
    angle = np.linspace(0, 2 * np.pi, 40)
    z = np.zeros((1, 40, 5))
    z[0, :, 1], z[0, :, 3] = np.cos(angle), np.sin(angle)
    lines = plotting.plot_trajectories(z, angle, ["a"]).axes[0].lines
    drawn = np.array([line.get_xydata()[0] for line in lines[:39]])
    np.testing.assert_allclose(
        np.ptp(np.linalg.norm(drawn - drawn.mean(axis=0), axis=1)), 0, atol=0.1
    )


def test_dispersion_is_drawn_as_a_line_and_a_marker_a_category(plotting):
    axes = plotting.plot_dispersion([1, 2, 3], [[0.1, np.nan, 0.3], [0.2, 0.2, 0.2]], "ab").axes[0]
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), [0.1, np.nan, 0.3])
    assert axes.lines[0].get_marker() != axes.lines[1].get_marker()
    assert axes.get_ylim()[0] == 0


def test_dispersion_by_size_has_both_forms_beside_what_was_planted(plotting):
    axes = plotting.plot_dispersion_by_size([2, 5], [0.1, 0.16], [0.2, 0.2], planted=0.2).axes[0]
    assert [text.get_text() for text in axes.texts] == ["planted, at every n", "corrected", "plain"]
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), [0.2, 0.2])
    assert axes.get_ylim()[0] == 0


def test_found_drift_stands_over_planted_with_r_and_the_band_of_shuffles(rng, plotting):
    v = np.linspace(-1, 1, 9)
    drifts = {"model": 2 * v, "regression": -v}
    figure = plotting.plot_drift(v, drifts, {"model": rng.uniform(-0.1, 0.1, (200, 9))})
    model, regression = figure.axes
    assert model.get_title(loc="left") == "model: r = 1.00\ngrey: 95 % of shuffled times"
    assert regression.get_title(loc="left").startswith("regression: r = -1.00")
    band = model.patches[0].get_bbox()
    assert [band.y0, band.y1] == pytest.approx([-0.095, 0.095], abs=0.01)
    assert not regression.patches
    np.testing.assert_array_equal(model.collections[0].get_offsets()[:, 1], 2 * v)


def test_movement_stands_beside_that_with_times_shuffled(rng, plotting):
    still, moving = rng.normal(size=(2, 60, 3))
    found = displacement(np.stack([still, moving], 1), np.stack([still, still], 1))
    axes = plotting.plot_displacement({"pictures": found}).axes[0]
    assert [text.get_text() for text in axes.texts] == [
        f"times as they are: mean {found.aligned.mean():.3f}",
        "times shuffled: mean 0.000",
    ]


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda p: p.plot_trajectories(np.zeros((2, 3)), [1, 2], "ab"), "z must be"),
        (lambda p: p.plot_trajectories(np.zeros((2, 3, 4)), [1, 2], "ab"), "times must have 3"),
        (lambda p: p.plot_trajectories(np.zeros((2, 3, 4)), [1, 2, 3], "a"), "names must have 2"),
        (
            lambda p: p.plot_trajectories(np.zeros((1, 3, 4)), [1, 2, 3], "a", np.eye(4), ["b"]),
            "background_names must have 4",
        ),
        (
            lambda p: p.plot_trajectories(
                np.zeros((1, 3, 4)), [1, 2, 3], "a", ghost=np.ones((2, 3, 4))
            ),
            "ghost must have the shape of z",
        ),
        (lambda p: p.plot_dispersion([1, 2], np.zeros((2, 3)), "ab"), "dispersion must have shape"),
        (lambda p: p.plot_dispersion_by_size([2, 3], [0.1], [0.1, 0.1]), "plain must have 2"),
        (lambda p: p.plot_drift([1, 2], {"a": [1, 2, 3]}), "drift of 'a' must have one number"),
        (lambda p: p.plot_drift([1, 2], {"a": [1, 2]}, axes=[1, 2]), "one a method"),
        (lambda p: p.plot_displacement({}), "nothing to draw"),
    ],
)
def test_figures_refuse_shapes_that_do_not_fit(plotting, call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call(plotting)


# -- losses -------------------------------------------------------------------------------------


def random_batch(n=24, seed=0):
    generator = torch.Generator().manual_seed(seed)
    zx, zy = torch.randn(2, n, 5, generator=generator, dtype=torch.float64)
    return zx, zy, torch.arange(n) % 4, torch.rand(n, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("mining", ["all", "semi-hard", "hard"])
def test_with_an_infinite_window_the_inter_term_is_the_triplet_loss(mining):
    zx, zy, labels, times = random_batch()
    inter = diachronic_inter_loss(zx, zy, labels, times, math.inf, 0.3, mining)
    torch.testing.assert_close(inter, triplet_loss(zx, zy, labels, 0.3, mining), rtol=0, atol=0)


def test_the_inter_term_leaves_out_the_category_at_other_times():
    zx, zy, labels, times = random_batch()
    s = torch.nn.functional.normalize(zx) @ torch.nn.functional.normalize(zy).T
    same = labels[:, None] == labels
    near = (times[:, None] - times).abs() < 0.2
    expected = []
    for one_way in (s, s.T):
        losses = [
            0.3 - one_way[a, p] + one_way[a, n]
            for a in range(24)
            for p in range(24)
            for n in range(24)
            if same[a, p] and near[a, p] and not same[a, n]
        ]
        expected.append(np.mean([float(value) for value in losses if value > 0]))
    inter = diachronic_inter_loss(zx, zy, labels, times, window=0.2, margin=0.3)
    assert inter.item() == pytest.approx(np.mean(expected))


def test_the_intra_term_pulls_inside_the_window_and_pushes_outside():
    z = torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.8, 0.6]], dtype=torch.float64)
    times, labels = torch.tensor([0.0, 1.0, 10.0]), torch.zeros(3)
    # Inside: itself (κ 1, distance 0) and the pair 0-1 (κ .5, distance .4), both ways.
    # Outside, both ways: 0-2 at distance .2 and 1-2 at .04, the margin .3.
    inside = 2 * 0.5 * 0.4 / (3 + 2 * 0.5)
    outside = (0.1 + 0.26) / 2
    loss = diachronic_intra_loss(z, z, labels, times, window=2.0, margin=0.3)
    assert loss.item() == pytest.approx(inside + outside)
    loss = diachronic_intra_loss(z, z, labels, times, math.inf, 0.3)  # all pulled, none pushed
    assert loss.item() == pytest.approx(2 * (0.4 + 0.2 + 0.04) / 9)


def test_other_categories_take_no_part_in_the_intra_term():
    zx, zy, labels, times = random_batch()
    order = labels.argsort(stable=True)
    zx, zy, labels, times = zx[order], zy[order], labels[order], times[:6].repeat(4)
    alone = [
        diachronic_intra_loss(zx[c], zy[c], labels[c], times[c], 9)
        for c in (labels == label for label in range(4))
    ]
    together = diachronic_intra_loss(zx, zy, labels, times, 9)  # κ sums to the same in each
    torch.testing.assert_close(together, torch.stack(alone).mean())


@pytest.mark.parametrize("loss", [diachronic_inter_loss, diachronic_intra_loss])
def test_swapping_the_modalities_changes_nothing_and_gradients_are_right(loss):
    zx, zy, labels, times = random_batch()
    torch.testing.assert_close(loss(zx, zy, labels, times, 0.3), loss(zy, zx, labels, times, 0.3))
    zx.requires_grad_()
    zy.requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: loss(a, b, labels, times, 0.3), (zx, zy))


@pytest.mark.parametrize("loss", [diachronic_inter_loss, diachronic_intra_loss])
def test_gradients_stay_finite_on_a_collapsed_embedding(loss):
    z = torch.ones(6, 3, requires_grad=True)
    loss(z, z, torch.arange(6) % 2, torch.arange(6.0), 2.0).backward()
    assert torch.isfinite(z.grad).all()


def test_no_triplet_reaches_a_text_of_the_category_at_another_time():
    """One category, far apart in time: nothing to learn from, a loss of 0 with its graph."""
    z = torch.randn(4, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    for mining in ("all", "semi-hard", "hard"):
        loss = diachronic_inter_loss(z, -z, torch.zeros(4), torch.arange(4.0), 0.5, 0.9, mining)
        loss.backward()
        assert loss.item() == 0
    assert not z.grad.any()


# -- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("times", "sentence"),
    [
        (None, "needs times: pass times="),
        ([np.nan] * 240, "times hold NaN or infinite"),
        ([math.inf] + [0.0] * 239, "times hold NaN or infinite"),
        (np.zeros(239), r"times must be one number or have shape \(240,\)"),
        (np.zeros((240, 1)), "times must be one number or have shape"),
        (["2015"] * 240, "times must be numbers"),
        (np.full(240, "2015-01-01", dtype="datetime64[D]"), "times must be numbers"),
    ],
)
def test_bad_times_get_one_clear_sentence_at_fitting_and_at_embedding(rng, moving, times, sentence):
    x, y, labels = data(rng)
    for call in (
        lambda: diachronic().fit(x, y, labels, times),
        lambda: moving[0].embed_images(x, times),
        lambda: moving[0].embed_texts(y, times),
        lambda: moving[0].score(x, y, labels, times),
    ):
        with pytest.raises(ValueError, match=sentence) as caught:
            call()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"window": 0}, "window must be above 0"),
        ({"window": math.nan}, "window must be above 0"),
        ({"margin": -1}, "margin must be above 0"),
        ({"intra": -0.1}, "intra must not be negative"),
        ({"intra": math.nan}, "intra must not be negative"),
        ({"mining": "soft"}, "mining must be"),
        ({"n_frequencies": 1.5}, "n_frequencies must be a whole number"),
        ({"n_frequencies": -1}, "n_frequencies must be a whole number"),
    ],
)
def test_settings_out_of_range_are_refused(rng, params, sentence):
    x, y, labels = data(rng)
    with pytest.raises(ValueError, match=sentence):
        diachronic(**params).fit(x, y, labels, 0.0)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda m, x, y: m.trajectories(GRID), "pass either images=... or texts=..."),
        (lambda m, x, y: m.trajectories(GRID, x, y), "pass either images=... or texts=..."),
        (lambda m, x, y: m.trajectories([[0.0, 1.0]], x), "times must be one number or have shape"),
        (lambda m, x, y: m.trajectories([np.nan], x), "times hold NaN"),
        (lambda m, x, y: m.summary(GRID, images=x), "pass either image=... or text=..."),
        (lambda m, x, y: m.summary(GRID, image=x[0]), "pass either images=... or texts=..."),
        (lambda m, x, y: m.summary(GRID, image=x[:2], texts=y), "of one image or text, got 2"),
        (lambda m, x, y: m.summary(GRID, image=x[0], texts=y, k=0), "k must be at least 1"),
        (lambda m, x, y: m.summary(GRID, image=x[0], texts=y, names=["a"]), "names must have one"),
        (lambda m, x, y: m.dispersion([0], 0.0), "pass either images=... or texts=..."),
        (lambda m, x, y: m.dispersion([0], 0.0, x), "labels must have shape"),
        (lambda m, x, y: m.dispersion(x[:, 0], 0.0, x, bins=0), "bins must be a whole number"),
        (lambda m, x, y: m.dispersion(x[:, 0], 0.0, x, bins=[1, 0]), "edges of bins"),
    ],
)
def test_other_bad_input_gets_one_clear_sentence(rng, moving, call, sentence):
    x, y, _ = data(rng)
    with pytest.raises(ValueError, match=sentence) as caught:
        call(moving[0], x, y)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("method", ["time_grid", "embed_images"])
def test_a_method_that_is_not_fitted_says_so(method):
    with pytest.raises(NotFittedError):
        getattr(diachronic(), method)(*([] if method == "time_grid" else [np.zeros((2, 6)), 0.0]))


@pytest.mark.parametrize("loss", [diachronic_inter_loss, diachronic_intra_loss])
def test_losses_refuse_times_of_another_length_and_windows_and_margins_of_0(loss):
    zx, zy, labels, times = random_batch()
    with pytest.raises(ValueError, match=r"times must have shape \(24,\)"):
        loss(zx, zy, labels, times[:-1])
    with pytest.raises(ValueError, match="window must be above 0"):
        loss(zx, zy, labels, times, 0)
    with pytest.raises(ValueError, match="margin must be above 0"):
        loss(zx, zy, labels, times, 1.0, 0)
    with pytest.raises(ValueError, match="times must have shape"):
        temporal_alignment(times[:, None])
