"""Corr-AE and the multimodal autoencoder: least squares where linear, and what they promise."""

import numpy as np
import pytest
import torch
from torch import nn

from mmlearn.arrays import cosine_similarity
from mmlearn.deep import CorrespondenceAutoencoder, MultimodalAutoencoder
from mmlearn.retrieval import first_hit_rank
from mmlearn.scaling import Standardizer

LINEAR = {
    "hidden": 0, "learning_rate": 0.05, "weight_decay": 0, "batch_size": 1000, "epochs": 160,
    "device": "cpu",
}  # fmt: skip


def related(rng, n=200, d=4, noise=0.5):
    """Three modalities of d columns that share two factors; each also has noise of its own."""
    z, world = rng.normal(size=(n, 2)), np.random.default_rng(3)
    return [z @ world.normal(size=(2, d)) + noise * rng.normal(size=(n, d)) for _ in range(3)]


def standardized(*modalities):
    return [Standardizer(x)(x) for x in modalities]


def pca_error(x, k):
    return (np.linalg.svd(x, compute_uv=False)[k:] ** 2).sum() / x.size


def relative_error(x, x_hat):
    """Mean squared error in units of the variance: 1 for always saying the mean."""
    return ((x - x_hat) ** 2).mean() / x.var(axis=0).mean()


# -- correspondence autoencoder -----------------------------------------------------------------


def corr_ae(**settings):
    return CorrespondenceAutoencoder(**{"epochs": 60, "device": "cpu"} | settings)


def test_linear_plain_corr_ae_without_penalty_is_the_pca_of_each_modality(rng):
    x, y, _ = related(rng)
    model = corr_ae(n_components=2, alpha=0, **LINEAR).fit(x, y)
    x, y = standardized(x, y)
    expected = pca_error(x, 2) + pca_error(y, 2)
    assert model.history_.loss[-1] == pytest.approx(expected, rel=1e-3)
    assert min(model.history_.loss) > expected - 1e-5


def test_linear_cross_corr_ae_without_penalty_is_the_regression_on_the_other_modality(rng):
    x, y, _ = related(rng)
    model = corr_ae(n_components=4, alpha=0, variant="cross", **LINEAR).fit(x, y)
    x, y = standardized(x, y)
    residuals = [b - a @ np.linalg.lstsq(a, b)[0] for a, b in ((x, y), (y, x))]
    expected = sum((r**2).mean() for r in residuals)
    assert model.history_.loss[-1] == pytest.approx(expected, rel=1e-3)
    assert min(model.history_.loss) > expected - 1e-5


def test_full_corr_ae_does_what_plain_and_cross_do(rng):
    x, y, _ = related(rng)
    rec = {
        variant: corr_ae(n_components=4, alpha=0, variant=variant, **LINEAR).fit(x, y).history_.loss
        for variant in ("plain", "cross", "full")
    }
    assert rec["full"][-1] == pytest.approx(rec["plain"][-1] + rec["cross"][-1], abs=1e-3)


def test_the_loss_weighs_reconstruction_and_distance_by_alpha(rng):
    x, y, _ = related(rng)
    history = corr_ae(n_components=3, alpha=0.3, epochs=3).fit(x, y).history_
    parts = zip(history.terms["reconstruction"], history.terms["distance"], strict=True)
    np.testing.assert_allclose(history.loss, [0.7 * r + 0.3 * d for r, d in parts], rtol=1e-5)


def test_history_reports_distance_and_variance_of_the_codes(rng):
    x, y, _ = related(rng)
    model = corr_ae(n_components=3, epochs=1, batch_size=200, learning_rate=0, weight_decay=0)
    model.fit(x, y)
    h_x, h_y = model.embed_images(x), model.embed_texts(y)
    terms = {name: values[0] for name, values in model.history_.terms.items()}
    assert terms["distance"] == pytest.approx(((h_x - h_y) ** 2).sum(axis=1).mean(), rel=1e-4)
    assert terms["variance"] == pytest.approx((h_x.var(0) + h_y.var(0)).sum() / 2, rel=1e-4)


def test_codes_collapse_as_alpha_goes_to_one(rng):
    x, y, _ = related(rng)
    by_alpha = {a: corr_ae(n_components=3, alpha=a).fit(x, y) for a in (0.2, 1.0)}
    variance = {a: model.history_.terms["variance"] for a, model in by_alpha.items()}
    assert variance[1.0][-1] < 0.1 * variance[1.0][0]
    assert variance[1.0][-1] < 0.02 * variance[0.2][-1]
    assert by_alpha[1.0].history_.loss[-1] < 0.01  # and yet the loss looks like success


def test_the_penalty_brings_the_codes_of_a_held_out_pair_together(rng):
    (x, y, _), (fresh_x, fresh_y, _) = related(rng, 400), related(rng, 100)
    rank = {}
    for alpha in (0.0, 0.3):
        model = corr_ae(n_components=2, alpha=alpha).fit(x, y)
        s = cosine_similarity(model.embed_images(fresh_x), model.embed_texts(fresh_y))
        rank[alpha] = first_hit_rank(s).mean()
    assert rank[0.0] > 30  # two codes of which nothing is shared: chance is 50
    assert rank[0.3] < 20


def test_a_decoder_is_its_encoder_turned_round(rng):
    x, y, _ = related(rng)
    model = corr_ae(n_components=2, hidden=(8, 5), epochs=1).fit(x, y)
    decoder = model.module_.decoders["xx"]
    widths = [layer.out_features for layer in decoder if isinstance(layer, nn.Linear)]
    assert widths == [5, 8, 4]


@pytest.mark.parametrize("bad", [{"alpha": 1.5}, {"alpha": -0.1}, {"variant": "half"}])
def test_impossible_settings_of_corr_ae_are_refused(rng, bad):
    x, y, _ = related(rng)
    with pytest.raises(ValueError, match=f"^{next(iter(bad))} must"):
        corr_ae(**bad).fit(x, y)


# -- multimodal autoencoder ---------------------------------------------------------------------


def multimodal(**settings):
    small = {"n_components": 4, "hidden": 32, "epochs": 80, "batch_size": 64, "device": "cpu"}
    return MultimodalAutoencoder(**small | settings)


def reduced_rank_error(given, wanted, k):
    """Least mean squared error of wanted ≈ given M over matrices M of rank k."""
    fitted = given @ np.linalg.lstsq(given, wanted)[0]
    singular = np.linalg.svd(fitted, compute_uv=False)
    return (((wanted - fitted) ** 2).sum() + (singular[k:] ** 2).sum()) / wanted.size


@pytest.mark.parametrize("k", [3, 8])
def test_linear_autoencoder_is_reduced_rank_regression_on_all_that_may_be_missing(rng, k):
    """On (x, y), (x, 0) and (0, y) stacked; with nothing missing it would be PCA."""
    x, y, _ = related(rng, 100)
    model = multimodal(**LINEAR | {"n_components": k, "epochs": 400}).fit(x, y)
    x, y = standardized(x, y)
    given = np.vstack([np.hstack([x, y]), np.hstack([x, 0 * y]), np.hstack([0 * x, y])])
    expected = reduced_rank_error(given, np.vstack([np.hstack([x, y])] * 3), k)
    assert model.history_.loss[-1] == pytest.approx(expected, rel=2e-3)
    assert min(model.history_.loss) > expected - 1e-5


def test_items_of_one_modality_only_are_reconstructed_as_by_the_pca_of_each(rng):
    """No item has both, so nothing ties the two: one code serves the best subspace of each."""
    x, y, _ = related(rng)
    x[:100], y[100:] = np.nan, np.nan
    model = multimodal(**LINEAR | {"n_components": 2}).fit(x, y)
    x, y = standardized(x[100:], y[:100])
    assert model.history_.terms["images"][-1] == pytest.approx(pca_error(x, 2), rel=2e-3)
    assert model.history_.terms["texts"][-1] == pytest.approx(pca_error(y, 2), rel=2e-3)


def test_a_missing_modality_is_filled_in_far_better_than_by_its_mean(rng):
    train, fresh = related(rng, 400, noise=0.2), related(rng, 200, noise=0.2)
    model = multimodal().fit(*train[:2])
    from_images = model.reconstruct({"images": fresh[0]})
    from_texts = model.reconstruct({"texts": fresh[1]})
    assert relative_error(fresh[1], from_images["texts"]) < 0.3
    assert relative_error(fresh[0], from_texts["images"]) < 0.3


def test_three_modalities_are_filled_in_from_any_of_them(rng):
    names = ("images", "texts", "sound")
    train = dict(zip(names, related(rng, 400, noise=0.3), strict=True))
    fresh = dict(zip(names, related(rng, 200, noise=0.3), strict=True))
    model = multimodal().fit_modalities(train)
    assert model.modalities_ == list(names)
    for given in (("sound",), ("images",), ("sound", "texts"), names):
        filled = model.reconstruct({name: fresh[name] for name in given})
        assert list(filled) == list(names)
        assert max(relative_error(fresh[name], filled[name]) for name in names) < 0.35
    assert set(model.history_.terms) == set(names)


def test_modalities_missing_in_training_are_not_learned_as_their_mean(rng):
    """With 60 % of the texts missing, texts from images are as wide as they should be."""
    x, y, _ = related(rng, 500, noise=0.1)
    y[rng.permutation(500)[:300]] = np.nan
    x[np.flatnonzero(~np.isnan(y[:, 0]))[:50]] = np.nan
    fresh_x, fresh_y, _ = related(rng, 200, noise=0.1)
    filled = multimodal().fit(x, y).reconstruct({"images": fresh_x})["texts"]
    assert relative_error(fresh_y, filled) < 0.1
    np.testing.assert_allclose(filled.std(axis=0), fresh_y.std(axis=0), rtol=0.25)


def test_what_is_missing_counts_for_nothing_in_the_loss(rng):
    x, y = (torch.as_tensor(a, dtype=torch.float32) for a in standardized(*related(rng, 60)[:2]))
    model = multimodal(epochs=1).fit(x, y)
    present = torch.ones(60, 2, dtype=torch.bool)
    present[:20, 1], present[20:30, 0] = False, False
    x, y = x * present[:, :1], y * present[:, 1:]
    with torch.no_grad():
        whole = model._loss(None, model.module_, x, y, present)
    by_hand = {"images": [], "texts": []}
    for subset in ([0, 1], [0], [1]):
        given = [rows * (m in subset) for m, rows in enumerate((x, y))]
        z = model.module_.encode(*given)
        for m, name in enumerate(by_hand):
            rows = present[:, m] & present[:, subset].any(dim=1)
            by_hand[name].append((model.module_.decoders[m](z) - (x, y)[m])[rows].flatten() ** 2)
    for name, squares in by_hand.items():
        assert float(whole[name]) == pytest.approx(torch.cat(squares).mean().item(), rel=1e-5)
    assert float(whole["loss"]) == pytest.approx(float(whole["images"] + whole["texts"]) / 2)


def test_reconstructions_come_in_the_units_of_the_data(rng):
    x, y, _ = related(rng)
    far = 1000 * y + 50_000
    plain, moved = multimodal().fit(x, y), multimodal().fit(x, far)
    expected = 1000 * plain.reconstruct({"images": x})["texts"] + 50_000
    np.testing.assert_allclose(moved.reconstruct({"images": x})["texts"], expected, rtol=1e-3)


def test_an_item_is_embedded_from_what_it_has_whatever_others_have(rng):
    x, y, _ = related(rng)
    model = multimodal(epochs=2).fit(x, y)
    mixed_x, mixed_y = x.copy(), y.copy()
    mixed_x[:50], mixed_y[100:] = np.nan, np.nan
    z = model.embed(mixed_x, mixed_y)
    np.testing.assert_allclose(z[:50], model.embed(texts=y[:50]), atol=1e-5)
    np.testing.assert_allclose(z[50:100], model.embed(x[50:100], y[50:100]), atol=1e-5)
    np.testing.assert_allclose(z[100:], model.embed_images(x[100:]), atol=1e-5)


def test_the_order_in_which_modalities_are_named_does_not_matter(rng):
    x, y, _ = related(rng)
    model = multimodal(epochs=2).fit(x, y)
    other_way = model.embed_modalities({"texts": y, "images": x})
    np.testing.assert_array_equal(model.embed(x, y), other_way)


def test_a_query_of_two_modalities_finds_more_than_either_alone(rng):
    """Images tell one half of each code's meaning, texts the other, sound both."""
    z = rng.normal(size=(500, 4))
    x, y, sound = z[:, :2], z[:, 2:], z @ np.random.default_rng(3).normal(size=(4, 5))
    model = multimodal(n_components=6)
    model.fit_modalities({"images": x[:400], "texts": y[:400], "sound": sound[:400]})
    x, y, gallery = x[400:], y[400:], model.embed_modalities({"sound": sound[400:]})
    rank = {
        name: first_hit_rank(cosine_similarity(model.embed(**query), gallery)).mean()
        for name, query in {
            "both": {"images": x, "texts": y},
            "images": {"images": x},
            "texts": {"texts": y},
        }.items()
    }
    assert rank["both"] < 0.5 * min(rank["images"], rank["texts"])


def test_an_encoder_of_ones_own_serves_its_modality(rng):
    x, y, _ = related(rng)
    own = nn.Linear(4, 4)
    model = multimodal(image_encoder=own, epochs=2)
    model.fit_modalities({"sound": y, "images": x})
    assert model.module_.encoders[0][0].out_features == 32
    assert isinstance(model.module_.encoders[1], nn.Linear)
    assert model.module_.encoders[1] is not own


def test_tensors_are_filled_in_as_tensors(rng):
    x, y, _ = (torch.as_tensor(a, dtype=torch.float32) for a in related(rng))
    y[:5] = float("nan")
    filled = multimodal(epochs=1).fit(x, y).reconstruct({"images": x, "texts": y})
    assert all(torch.is_tensor(rows) and rows.dtype == torch.float32 for rows in filled.values())
    assert torch.isfinite(filled["texts"]).all()


def test_held_out_items_are_watched_by_their_reconstruction(rng):
    x, y, _ = related(rng)
    model = multimodal(validation_fraction=0.25, epochs=5).fit(x, y)
    assert model.history_.validation[0] < model.history_.validation[-1] < 0


def test_what_cannot_be_fitted_or_embedded_is_refused_in_one_sentence(rng):
    x, y, _ = related(rng, 30)
    nothing, partly = np.full_like(y, np.nan), y.copy()
    partly[3, 1] = np.nan
    both_x, both_y = x.copy(), y.copy()
    both_x[7] = both_y[7] = np.nan
    for images, texts, sentence in (
        (both_x, both_y, r"row 7 is missing \(NaN\) in every modality"),
        (x, nothing, "every row of texts is missing"),
        (x, partly, "texts holds NaN or infinite values"),
        (x, y[:-1], "got 30 images and 29 texts"),
    ):
        with pytest.raises(ValueError, match=sentence):
            multimodal().fit(images, texts)
    with pytest.raises(ValueError, match="two modalities or more"):
        multimodal().fit_modalities({"images": x})
    model = multimodal(epochs=1).fit(x, y)
    with pytest.raises(ValueError, match="neither was given"):
        model.embed()
    with pytest.raises(ValueError, match="'sound' is not one of them"):
        model.embed_modalities({"sound": x})
    with pytest.raises(ValueError, match="row 0 is missing"):
        model.embed(texts=nothing)
    with pytest.raises(ValueError, match="fitted on 4"):
        model.reconstruct({"texts": y[:, :2]})
