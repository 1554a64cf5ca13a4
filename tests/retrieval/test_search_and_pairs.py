"""Search by the cosine or by a method's own similarity; several captions a picture."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

import mmlearn
from mmlearn.classical import JRL, SM
from mmlearn.contract import CoordinatedEmbedding
from mmlearn.deep import DeepSM
from mmlearn.registry import get_method
from mmlearn.retrieval import (
    chance_level,
    evaluate_pairs,
    evaluate_retrieval,
    relevance,
    relevant_labels,
    search,
)

SMALL = {"n_components": 3, "hidden": 8, "epochs": 1, "device": "cpu", "validation_fraction": 0.0}
COORDINATED = [m.name for m in mmlearn.methods() if m.kind == "coordinated"]


@pytest.fixture(scope="module")
def world():
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 4
    centres = rng.normal(size=(4, 6))
    return [centres[labels] + 2 * rng.normal(size=(60, 6)) for _ in range(2)] + [labels]


def fitted(model, world):
    settings = SMALL | {"patience": None}
    known = {k: v for k, v in settings.items() if k in model.get_params()}
    return model.set_params(**known).fit(*world)


MODELS = {name: get_method(name).cls for name in COORDINATED} | {
    "sm, centred cosine": lambda: SM(match="centred_cosine"),
    "jrl, sparse": lambda: JRL(sigma=1, gamma=1, n_votes=7),
    "deep-sm, cosine": lambda: DeepSM(match="cosine"),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.filterwarnings("ignore:a batch of")
def test_search_by_a_model_ranks_as_its_similarity_does_in_both_directions(name, world):
    model = fitted(MODELS[name](), world)
    z_x, z_y = model.embed_images(world[0]), model.embed_texts(world[1])
    s = model.similarity(z_x, z_y)
    for queries, gallery, query, scores in ((z_y, z_x, "text", s.T), (z_x, z_y, "image", s)):
        indices, values = search(model, queries, gallery, k=5, query=query)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :5]
        np.testing.assert_allclose(values, np.take_along_axis(scores, order, 1), atol=1e-6)
        np.testing.assert_allclose(np.take_along_axis(scores, indices, 1), values, atol=1e-6)
        if type(model).similarity is CoordinatedEmbedding.similarity:
            np.testing.assert_array_equal(indices, search(queries, gallery, k=5)[0])


def test_texts_find_images_unless_it_is_said_otherwise(world):
    model = fitted(SM(), world)
    z_x, z_y = model.embed_images(world[0]), model.embed_texts(world[1])
    plain = search(model, z_y, z_x)[0]
    np.testing.assert_array_equal(plain, search(model, z_y, z_x, 10, "text")[0])
    by_name = search(model=model, queries=z_y, gallery=z_x, k=10)[0]
    np.testing.assert_array_equal(plain, by_name)
    cosine = search(z_y, z_x, k=1)[0]
    assert (cosine[:, 0] != plain[:, 0]).mean() > 0.2  # SM's own ranking is another


def test_items_that_tie_come_in_the_order_of_the_gallery():
    gallery = np.array([[0.0, 1], [1, 0], [2, 0], [0, 3], [3, 0], [1, 1]])
    for k, expected in ((1, [1]), (2, [1, 2]), (4, [1, 2, 4, 5]), (6, [1, 2, 4, 5, 0, 3])):
        np.testing.assert_array_equal(search([[1.0, 0.0]], gallery, k)[0], [expected])
    many = np.ones((3000, 2))
    np.testing.assert_array_equal(search(many[:3], many, 7)[0], [range(7)] * 3)


def test_no_query_finds_nothing_and_an_empty_gallery_is_refused(world):
    indices, values = search(np.empty((0, 3)), np.eye(3), k=2)
    assert indices.shape == values.shape == (0, 2)
    assert indices.dtype == np.int64
    assert search(torch.empty(0, 6), torch.eye(6))[0].shape == (0, 6)
    with pytest.raises(ValueError, match="gallery is empty"):
        search(np.eye(3), np.empty((0, 3)))


@pytest.mark.parametrize("k", [0, -1, 2.5, "3", None, True])
def test_a_number_of_results_that_is_no_whole_number_is_refused(k):
    with pytest.raises(ValueError, match="k must be a whole number of at least 1"):
        search(np.eye(3), np.eye(3), k)


def test_what_the_queries_are_must_be_known(world):
    with pytest.raises(ValueError, match='query must be "text" or "image"'):
        search(fitted(SM(), world), np.eye(4), np.eye(4), query="texts")


# -- several captions a picture --------------------------------------------------------------------


class Given(CoordinatedEmbedding):
    """Embeddings as they come, compared by their inner product."""

    def embed_images(self, images):
        return images

    def embed_texts(self, texts):
        return texts

    def similarity(self, image_embeddings, text_embeddings):
        return image_embeddings @ text_embeddings.T


# Pictures b, a, c with two captions each, in this order; a row of S is a distinct picture.
S = np.array(
    [
        [9.0, 1.0, 2.0, 3.0, 4.0, 5.0],  # b: its caption 0 is first
        [8.0, 9.0, 7.0, 6.0, 1.0, 2.0],  # a: captions 2 and 3 are third and fourth
        [7.0, 2.0, 8.0, 5.0, 6.0, 1.0],  # c: captions 4 and 5 are third and sixth
    ]
)
# The columns: caption 0 finds b first; 1 finds a, c, b; 2 c, a; 3 a; 4 c; 5 b, a, c.
RANKS_I2T, RANKS_T2I = [1, 3, 3], [1, 3, 2, 1, 1, 3]
THREE = SimpleNamespace(
    images=np.eye(3)[[0, 0, 1, 1, 2, 2]], texts=S.T, groups=["b", "b", "a", "a", "c", "c"]
)


def test_captions_and_distinct_pictures_find_each_other_by_hand():
    scores = evaluate_pairs(Given(), THREE, k=(1, 2, 3))
    assert scores == {
        way: {f"recall@{k}": np.mean(np.array(ranks) <= k) for k in (1, 2, 3)}
        | {"median_rank": np.median(ranks)}
        for way, ranks in (("i2t", RANKS_I2T), ("t2i", RANKS_T2I))
    }
    assert list(evaluate_pairs(Given(), THREE)["t2i"]) == [
        "recall@1", "recall@5", "recall@10", "median_rank"
    ]  # fmt: skip


def test_the_order_of_the_items_does_not_matter_and_without_groups_each_has_one_partner():
    order = [3, 0, 5, 2, 4, 1]
    mixed = SimpleNamespace(
        images=THREE.images[order], texts=S.T[order], groups=np.array(THREE.groups)[order]
    )
    assert evaluate_pairs(Given(), mixed) == evaluate_pairs(Given(), THREE)
    assert evaluate_retrieval(Given(), mixed, "pairs") == pytest.approx(
        evaluate_retrieval(Given(), THREE, "pairs")
    )
    alone = SimpleNamespace(images=np.eye(3), texts=S.T[[0, 2, 4]], groups=None)
    s = S[:, [0, 2, 4]]
    ranks = [(s[i] >= s[i, i]).sum() for i in range(3)]
    assert evaluate_pairs(Given(), alone, k=1)["i2t"]["median_rank"] == np.median(ranks)


def test_average_precision_by_pairs_counts_all_captions_of_a_picture_and_the_picture_once():
    scores = evaluate_retrieval(Given(), THREE, labels="pairs")
    # b: captions 0 and 1 stand 1st and 6th; a: 3rd and 4th; c: 3rd and 6th
    i2t = np.mean([(1 + 2 / 6) / 2, (1 / 3 + 2 / 4) / 2, (1 / 3 + 2 / 6) / 2])
    assert scores["i2t"] == pytest.approx(i2t)
    assert scores["t2i"] == pytest.approx(np.mean(1 / np.array(RANKS_T2I)))
    pictures, captions = np.arange(3), np.repeat(np.arange(3), 2)
    chance = chance_level(pictures, captions), chance_level(captions, pictures)
    assert scores["chance"] == pytest.approx(np.mean(chance))
    np.testing.assert_array_equal(relevant_labels(THREE, "pairs"), THREE.groups)
    alone = SimpleNamespace(texts=S)
    np.testing.assert_array_equal(relevant_labels(alone, "pairs"), [0, 1, 2])


@pytest.mark.parametrize(
    ("groups", "sentence"),
    [
        ([0, 0, 1, 1, 2], r"groups must have shape \(6,\)"),
        ([0, 0, 1, 1, 2, None], "groups are missing in row 5"),
        ([0, 0, 1, 1, 2, np.nan], "groups are missing in row 5"),
        ([0, 1, 1, 1, 2, 2], "items 1 and 2 are of one group, but their images differ"),
    ],
)
def test_groups_that_cannot_be_meant_are_refused(groups, sentence):
    test = SimpleNamespace(images=THREE.images, texts=THREE.texts, groups=groups)
    for score in (evaluate_pairs, lambda model, test: evaluate_retrieval(model, test, "pairs")):
        with pytest.raises(ValueError, match=sentence):
            score(Given(), test)


# -- labels at scoring -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ([0.0, np.nan], "missing in row 1"),
        (torch.tensor([0.0, torch.inf]), "no whole numbers in row 1"),
        ([0, None], "missing in row 1"),
        (["cat", None], "missing in row 1"),
        (["cat", np.nan], "missing in row 1"),
        (np.ma.masked_equal([0, 1], 1), "missing in row 1"),
        ([[0, 2], [1, 0]], "must be indicators"),
        ([[0, np.nan], [1, 0]], "missing in row 0, column 1"),
        ([[3], [4]], "are one column"),
        ([0 + 1j, 1], "must be classes of one kind, whole numbers or str"),
        ([[0, 1], [1]], "must be classes of one kind, whole numbers or str"),
    ],
)
def test_labels_that_fit_would_refuse_are_refused_at_scoring(labels, sentence):
    for sides in ((labels, labels), (labels, [0, 1]), ([0, 1], labels)):
        with pytest.raises(ValueError, match=sentence):
            relevance(*sides)


def test_names_and_numbers_of_classes_are_not_compared():
    with pytest.raises(ValueError, match="are text and gallery_labels numbers"):
        relevance(["0", "1"], [0, 1])
    names = np.array(["a", "b", "a"], dtype=object)
    np.testing.assert_array_equal(relevance(names, ["b", "a"]), [[0, 1], [1, 0], [0, 1]])
