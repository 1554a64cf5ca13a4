"""Whatever holds numbers is taken everywhere and computed by one rule; the rest is refused."""

import copy
import functools
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from kinds_of_arrays import KINDS, REFUSED, TOLERANCE

import mmlearn
from mmlearn import losses, mining, retrieval
from mmlearn.arrays import cosine_similarity, inner_products, to_numpy
from mmlearn.features.vectors import Logarithm, SquareRoot
from mmlearn.kinds import as_numbers, as_tensor
from mmlearn.registry import get_method
from mmlearn.scaling import BlockScale, OneScale, Standardizer

NOT_FINITE = ("NaN", "infinity", "NaN in a tensor", "beyond float64")
NAMES = [method.name for method in mmlearn.methods(timed=True)]
every_method = pytest.mark.parametrize("name", NAMES)
every_kind = pytest.mark.parametrize("kind", KINDS)
SMALL = {
    "n_components": 2, "hidden": 4, "epochs": 1, "device": "cpu", "code": 4, "depth": 1,
    "pretraining_epochs": 0, "validation_fraction": 0.0, "patience": None, "batch_size": 64,
}  # fmt: skip
N = 30
LABELS = np.arange(N) % 3
RNG = np.random.default_rng(3)
X = np.minimum(RNG.integers(0, 8, (N, 5)) + 4 * (LABELS[:, None] == np.arange(5)), 15).astype(float)
Y = np.minimum(RNG.integers(0, 8, (N, 4)) + 4 * (LABELS[:, None] == np.arange(4)), 15).astype(float)


@pytest.fixture(autouse=True)
def _no_warning():
    """torch warns of arrays that it may not write to, numpy of casts that overflow."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "a batch of .* pairs", UserWarning)
        yield


def make(name):
    model = get_method(name).cls(**({"sigma": 1, "gamma": 1} if name == "jrl" else {}))
    return model.set_params(**{k: v for k, v in SMALL.items() if k in model.get_params()})


def fit(name, x, y):
    return make(name).fit(x, y, labels=LABELS, **({"times": LABELS} if at(name) else {}))


def at(name):
    return {"times": 1.0} if get_method(name).timed else {}


@functools.cache
def fitted(name):
    return fit(name, X, Y)


def plain(z):
    return to_numpy(z).astype(np.float64)


def kept(given):
    """A copy by value, to see afterwards that nothing was changed."""
    return copy.deepcopy(plain(as_numbers(given)))


# -- methods --------------------------------------------------------------------------------------


@every_method
def test_every_kind_embeds_as_float64_does_and_stays_as_it_was(name):
    model, where = fitted(name), at(name)
    expected = model.embed_images(X, **where), model.embed_texts(Y, **where)
    for kind, in_kind in KINDS.items():
        x, y = in_kind(X), in_kind(Y)
        z = model.embed_images(x, **where), model.embed_texts(y, **where)
        for side, reference in zip(z, expected, strict=True):
            assert isinstance(side, torch.Tensor) == torch.is_tensor(as_numbers(x)), kind
            assert not getattr(side, "requires_grad", False), kind
            scale = np.abs(reference).max()
            np.testing.assert_allclose(
                plain(side), reference, atol=scale * TOLERANCE.get(kind, 1e-4), err_msg=kind
            )
        np.testing.assert_array_equal(kept(x), X, err_msg=kind)


@every_method
def test_two_kinds_of_embeddings_are_compared_and_scored(name):
    model = fitted(name)
    z = np.round(4 * np.abs(model.embed_images(X, **at(name))))
    expected = model.similarity(z, z)
    kinds = list(KINDS)
    for one, other in zip(kinds, kinds[5:] + kinds[:5], strict=True):
        if z.max() > 255:
            continue  # beyond what the small kinds hold
        s = model.similarity(KINDS[one](z), KINDS[other](z))
        assert s.dtype in (torch.float32, torch.float64, np.float32, np.float64)
        assert not getattr(s, "requires_grad", False)
        np.testing.assert_allclose(plain(s), expected, atol=1e-4 * np.abs(expected).max())
    scores = [
        model.score(KINDS[one](X), KINDS[other](Y), LABELS, **at(name))
        for one, other in (("float64", "float64"), ("table", "float32"), ("torch int64", "objects"))
    ]
    np.testing.assert_allclose(scores, scores[0], atol=0.02)


MIXED = [
    ("float16", "table"),
    ("nested lists", "tensor with a graph"),
    ("torch bfloat16", "read-only float32"),
    ("masked array, nothing masked", "negative strides"),
    ("table of nullable columns", "uint8"),
    ("big-endian", "longdouble"),
]


@every_method
def test_two_sides_of_different_kinds_are_fitted_as_float64_is(name):
    expected = fitted(name).embed_texts(Y, **at(name))
    for one, other in MIXED:
        x, y = KINDS[one](X), KINDS[other](Y)
        z = fit(name, x, y).embed_texts(Y, **at(name))
        np.testing.assert_allclose(z, expected, atol=1e-4 * np.abs(expected).max())
        np.testing.assert_array_equal(kept(x), X)
        np.testing.assert_array_equal(kept(y), Y)


@every_method
def test_what_cannot_be_meant_is_refused_at_fit_and_at_embedding(name):
    model, one_side_may_be_none = fitted(name), get_method(name).kind == "joint"
    for what, (spoil, sentence) in REFUSED.items():
        calls = [
            (lambda: model.similarity(spoil(X), X), "image_embeddings"),  # noqa: B023
            (lambda: model.similarity(X, spoil(X)), "text_embeddings"),  # noqa: B023
        ]
        if what != "nothing" or not one_side_may_be_none:
            calls += [
                (lambda: fit(name, spoil(X), Y), "images"),  # noqa: B023
                (lambda: fit(name, X, spoil(Y)), "texts"),  # noqa: B023
                (lambda: model.embed_images(spoil(X), **at(name)), "images"),  # noqa: B023
                (lambda: model.embed_texts(spoil(Y), **at(name)), "texts"),  # noqa: B023
            ]
        for call, side in calls:
            if name == "multimodal_ae" and side in ("images", "texts"):  # takes missing rows as NaN
                sentence = sentence.replace("masked.*", "NaN.*").replace("missing", "infinite")
            with pytest.raises((ValueError, TypeError), match=f"{side}.*{sentence}") as caught:
                call()
            assert "\n" not in str(caught.value)


@every_method
def test_the_columns_of_a_table_are_those_of_fit_in_the_order_of_fit(name, tmp_path):
    x, y = pd.DataFrame(X, columns=list("abcde")), pd.DataFrame(Y, columns=range(4))
    model = fit(name, x, y)
    mmlearn.save(model, tmp_path / "model")
    expected = fitted(name).embed_images(X, **at(name)), fitted(name).embed_texts(Y, **at(name))
    for again in (model, mmlearn.load(tmp_path / "model")):
        for x_again, y_again in ((x, y), (X, Y)):
            z = again.embed_images(x_again, **at(name)), again.embed_texts(y_again, **at(name))
            np.testing.assert_allclose(z[0], expected[0], atol=1e-6)
            np.testing.assert_allclose(z[1], expected[1], atol=1e-6)
        with pytest.raises(ValueError, match="column 0 of images is 'b', but was 'a' in fit"):
            again.embed_images(x[list("bacde")], **at(name))
        with pytest.raises(ValueError, match="column 4 of images is 'f', but was 'e' in fit"):
            again.embed_images(x.rename(columns={"e": "f"}), **at(name))
        with pytest.raises(ValueError, match="column 1 of texts is '2', but was '1' in fit"):
            again.embed_texts(y[[0, 2, 1, 3]], **at(name))
    assert fit(name, X, Y)._columns == {"images": None, "texts": None}


def test_a_later_batch_has_the_columns_of_the_first():
    x, y = pd.DataFrame(X, columns=list("abcde")), pd.DataFrame(Y)
    model = get_method("cca").cls(2).partial_fit(x, y).partial_fit(x, y)
    with pytest.raises(ValueError, match="column 0 of images is 'e'"):
        model.partial_fit(x[list("edcba")], y)


def test_missing_rows_of_a_modality_may_be_missing_in_a_table():
    x = pd.DataFrame(X).convert_dtypes()
    x.iloc[:3] = pd.NA
    plain_x = X.copy()
    plain_x[:3] = np.nan
    a, b = (make("multimodal_ae").fit(side, Y).embed(texts=Y) for side in (x, plain_x))
    np.testing.assert_array_equal(a, b)


# -- numbers at the ends of their range ---------------------------------------------------------


@pytest.mark.parametrize("make_array", [np.asarray, torch.as_tensor], ids=["numpy", "torch"])
@pytest.mark.parametrize(
    ("dtype", "size"),
    [
        ("float16", 6e4), ("float16", 1e-7), ("float32", 1e38), ("float32", 1e25),
        ("float32", 1e-25), ("float32", 1e-44), ("float64", 1e307), ("float64", 1e-320),
    ],
)  # fmt: skip
def test_rows_of_any_length_have_the_right_cosine(dtype, size, make_array):
    a = make_array(np.array([[size, 0], [size, size], [0, 0], [1, 2]], dtype=dtype))
    b = np.array([[3.0, 0.0], [0.0, -5.0]])
    expected = [[1, 0], [0.5**0.5, -(0.5**0.5)], [0, 0], [0.2**0.5, -(0.8**0.5)]]
    np.testing.assert_allclose(cosine_similarity(a, b), expected, atol=1e-3)
    np.testing.assert_allclose(cosine_similarity(a, a)[0, 1], 0.5**0.5, atol=1e-3)


def test_gradients_of_the_shortest_and_longest_rows_are_finite():
    z = torch.tensor([[1e-42, 0.0], [1e30, 1e30], [0.0, 0.0]], requires_grad=True)
    cosine_similarity(z, torch.tensor([[1.0, 2.0]])).sum().backward()
    assert bool(z.grad.isfinite().all())


def test_numbers_beyond_a_dtype_are_refused_and_do_not_become_infinite():
    cfa = get_method("cfa").cls(1).fit(X, Y)
    with pytest.raises(ValueError, match="results hold numbers too large for float16"):
        cfa.embed_images((6e4 * np.sign(cfa.image_weights_.T)).astype(np.float16))
    with pytest.raises(ValueError, match="images hold numbers too large for float32"):
        fitted("corr_ae").embed_images(X * 1e50)


# -- losses and miners -----------------------------------------------------------------------------

Z, W, TIMES = X[:, :3] - Y[:, :3], X[:, :3] + 1, np.arange(N) % 4
INDICATORS = np.eye(3, dtype=int)[LABELS]
S = 1.0 * (Z @ W.T)
LOSSES = {
    "contrastive pairs": (lambda x, y: losses.contrastive_pairs_loss(x, y, LABELS, 50.0), 2),
    "correspondence": (losses.correspondence_loss, 2),
    "reconstruction": (losses.reconstruction_loss, 2),
    "cca": (losses.cca_loss, 2),
    "info_nce": (losses.info_nce, 2),
    "siglip": (losses.siglip, 2),
    "supcon": (lambda x, y: losses.supcon(x, y, LABELS), 2),
    "triplet": (lambda x, y: losses.triplet_loss(x, y, LABELS, mining="semi-hard"), 2),
    "diachronic inter": (lambda x, y: losses.diachronic_inter_loss(x, y, LABELS, TIMES, 2), 2),
    "diachronic intra": (lambda x, y: losses.diachronic_intra_loss(x, y, LABELS, TIMES, 2), 2),
    "classification": (lambda x, _: losses.classification_loss(x, LABELS), 1),
    "triplet, one way": (lambda x, _: losses.triplet_loss_one_way(x, Z > 1, 3.0), 1),
    "centroids": (lambda x, _: losses.class_centroids(x, LABELS, 3), 1),
    "reversal": (lambda x, _: losses.reverse_gradient(x), 1),
    "margins": (lambda x, _: losses.adaptive_margin(LABELS, x), 1),
    "health": (lambda x, y: list(mining.embedding_health(x, y).values()), 2),
}
every_loss = pytest.mark.parametrize("loss", LOSSES)


@every_loss
def test_a_loss_is_the_same_of_every_kind_on_either_side(loss):
    compute, _ = LOSSES[loss]
    z, w = np.abs(Z), W
    expected = plain(as_tensor(compute(z, w)))
    kinds = list(KINDS)
    for one, other in zip(kinds, kinds[7:] + kinds[:7], strict=True):
        value = as_tensor(compute(KINDS[one](z), KINDS[other](w)))
        np.testing.assert_allclose(plain(value), expected, rtol=1e-4, atol=1e-5, err_msg=one)


@every_loss
def test_a_loss_refuses_what_cannot_be_meant(loss):
    compute, sides = LOSSES[loss]
    for what, (spoil, sentence) in REFUSED.items():
        if (loss == "reversal" and what in NOT_FINITE) or (loss, what) == ("margins", "nothing"):
            continue  # the one passes on what comes, the other may do without centroids
        for given in ((spoil(Z), W), (W, spoil(Z)))[:sides]:
            with pytest.raises((ValueError, TypeError), match=sentence):
                compute(*given)


@pytest.mark.parametrize("name", [n for n, (_, sides) in LOSSES.items() if sides == 2][:-1])
def test_a_loss_keeps_the_graph_of_either_side_beside_an_array(name):
    z, w = torch.as_tensor(Z).requires_grad_(), torch.as_tensor(W).requires_grad_()
    (LOSSES[name][0](z, W) + LOSSES[name][0](Z, w)).backward()
    assert bool(z.grad.isfinite().all() & w.grad.isfinite().all())
    assert bool(z.grad.any() & w.grad.any())


MINERS = {
    "batch_all": mining.batch_all,
    "semi_hard": mining.semi_hard,
    "batch_hard": mining.batch_hard,
    "active_counts": mining.active_counts,
}


@pytest.mark.parametrize("miner", MINERS)
def test_a_miner_finds_the_same_in_every_kind(miner):
    s, relevant = np.minimum(np.abs(S), 15.0).round(), LABELS[:, None] == LABELS
    expected = MINERS[miner](torch.as_tensor(s), torch.as_tensor(relevant), 2.5)
    for kind, in_kind in KINDS.items():
        for mask in (relevant, relevant.tolist(), torch.as_tensor(relevant)):
            for a, b in zip(MINERS[miner](in_kind(s), mask, 2.5), expected, strict=True):
                assert torch.equal(a, b), kind
    for spoil, sentence in REFUSED.values():
        with pytest.raises((ValueError, TypeError), match=f"similarity.*{sentence}|anchors"):
            MINERS[miner](spoil(s), relevant, 2.5)


# -- retrieval and scalers -------------------------------------------------------------------------

Q = np.eye(3)[[0, 1, 2, 0]]
RETRIEVAL = {
    "average precision": lambda s: retrieval.average_precision(s, LABELS[:, None] == LABELS),
    "mAP": lambda s: retrieval.mean_average_precision(s, LABELS, LABELS),
    "recall": lambda s: retrieval.recall_at_k(s, k=3),
    "median rank": lambda s: retrieval.median_rank(s, LABELS, LABELS),
    "first hit": retrieval.first_hit_rank,
}
COMPARISONS = {
    "search": lambda a, b: retrieval.search(a, b, k=4)[1],
    "found": lambda a, b: retrieval.search(a, b, k=4)[0],
    "search by a model": lambda a, b: retrieval.search(fitted("cca"), a, b, k=4)[1],
    "cosine": cosine_similarity,
    "inner products": inner_products,
}
SCALERS = {
    "standardizer": lambda x: Standardizer(x)(x),
    "standardizer, checked": lambda x: Standardizer(X).checked(x, "x"),
    "one scale": lambda x: OneScale(x)(x),
    "block scale": lambda x: BlockScale(x, standardize=True)(x),
    "square root": lambda x: SquareRoot().fit(x).transform(x),
    "logarithm": lambda x: Logarithm().fit(x).transform(x),
}


@every_kind
def test_scores_are_the_same_in_every_kind(kind):
    s = np.minimum(np.abs(S), 15.0).round()
    for name, score in RETRIEVAL.items():
        np.testing.assert_array_equal(score(KINDS[kind](s)), score(s), err_msg=name)
    for other in ("float64", "torch float32", "table"):
        for name, compare in COMPARISONS.items():
            expected = compare(X, W[:, [0, 1, 2, 1, 0]])
            found = compare(KINDS[kind](X), KINDS[other](W[:, [0, 1, 2, 1, 0]]))
            np.testing.assert_allclose(plain(found), expected, rtol=1e-4, atol=1e-5, err_msg=name)
    for scale in SCALERS.values():
        np.testing.assert_allclose(scale(KINDS[kind](X)), scale(X), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("what", REFUSED)
def test_scores_and_scalers_refuse_what_cannot_be_meant(what):
    spoil, sentence = REFUSED[what]
    for score in RETRIEVAL.values():
        if what not in ("infinity", "beyond float64"):  # is the first or the last
            with pytest.raises(
                (ValueError, TypeError), match=f"{sentence}|similarity holds NaN|inf"
            ):
                score(spoil(S))
    for compare in COMPARISONS.values():
        for sides in ((spoil(X), X), (X, spoil(X))):
            with pytest.raises((ValueError, TypeError), match=sentence):
                compare(*sides)
    for name, scale in SCALERS.items():
        if what not in NOT_FINITE or "checked" in name:
            with pytest.raises((ValueError, TypeError), match=sentence):
                scale(spoil(X))
