"""Average precision, ranks and search against hand values, scikit-learn and brute force."""

from itertools import permutations

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score

from mmlearn.contract import CoordinatedEmbedding
from mmlearn.retrieval import (
    average_precision,
    chance_level,
    cross_modal_map,
    evaluate_retrieval,
    first_hit_rank,
    mean_average_precision,
    median_rank,
    recall_at_k,
    relevance,
    search,
)


def plain_ap(hits, top=None):
    """The textbook definition, for hits in ranked order."""
    n_relevant = sum(hits)
    hits = hits[:top]
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return (precision * hits).sum() / min(n_relevant, len(hits))


def test_ranking_hit_miss_hit_scores_five_sixths():
    ap = average_precision(np.array([[3.0, 2.0, 1.0]]), np.array([[1, 0, 1]]))
    np.testing.assert_allclose(ap, 5 / 6)


def test_cut_off_divides_by_the_hits_that_could_have_been_shown():
    ap = average_precision(np.array([[3.0, 2.0, 1.0]]), np.array([[1, 0, 1]]), top=2)
    np.testing.assert_allclose(ap, 0.5)


def test_three_tied_items_with_two_relevant_score_the_mean_over_all_orders():
    ap = average_precision(np.zeros((1, 3)), np.array([[1, 0, 1]]))
    np.testing.assert_allclose(ap, 29 / 36)


@pytest.mark.parametrize("top", [None, 1, 3, 4])
def test_ties_count_by_the_mean_over_every_order_of_the_tied_items(top):
    scores = np.array([2.0, 1.0, 1.0, 1.0, 0.0, 0.0])
    relevant = np.array([0, 1, 0, 1, 1, 0])
    orders = [
        [0, *middle, *last] for middle in permutations([1, 2, 3]) for last in permutations([4, 5])
    ]
    expected = np.mean([plain_ap(relevant[order], top) for order in orders])
    np.testing.assert_allclose(average_precision(scores[None], relevant[None], top), expected)


def test_tie_free_values_equal_scikit_learns(rng):
    scores, relevant = rng.normal(size=(20, 60)), rng.random((20, 60)) < 0.2
    expected = [average_precision_score(r, s) for r, s in zip(relevant, scores, strict=True)]
    np.testing.assert_allclose(average_precision(scores, relevant), expected, atol=1e-12)


@pytest.mark.parametrize("shift", [0, -5.0])
def test_negative_scores_and_mixed_signs_rank_as_numbers_do(rng, shift):
    scores, relevant = rng.normal(size=(5, 30)), rng.random((5, 30)) < 0.3
    moved = average_precision(scores + shift, relevant)
    np.testing.assert_allclose(moved, average_precision(scores, relevant), atol=1e-12)


def test_order_of_the_gallery_does_not_matter_even_with_ties(rng):
    scores, relevant = rng.integers(0, 4, (6, 25)).astype(float), rng.random((6, 25)) < 0.3
    order = rng.permutation(25)
    a, b = (
        average_precision(scores, relevant),
        average_precision(scores[:, order], relevant[:, order]),
    )
    np.testing.assert_allclose(a, b, atol=1e-12)


def test_negative_zero_ties_with_zero():
    a = average_precision(np.array([[0.0, -0.0]]), np.array([[0, 1]]))
    np.testing.assert_allclose(a, 0.75)


def test_infinite_scores_are_the_first_and_the_last():
    a = average_precision(np.array([[np.inf, 0.0, -np.inf]]), np.array([[0, 0, 1]]))
    np.testing.assert_allclose(a, 1 / 3)


def test_float32_tensor_gives_what_numpy_gives(rng):
    scores = rng.normal(size=(4, 30)).astype(np.float32)
    relevant = rng.random((4, 30)) < 0.3
    a = average_precision(torch.as_tensor(scores), torch.as_tensor(relevant))
    np.testing.assert_array_equal(a, average_precision(scores, relevant))


def test_input_is_left_as_it_was(rng):
    scores = rng.normal(size=(4, 30))
    kept = scores.copy()
    average_precision(scores, scores > 0)
    np.testing.assert_array_equal(scores, kept)


def test_chunks_change_nothing(rng):
    scores, q, g = rng.normal(size=(31, 40)), rng.integers(0, 3, 31), rng.integers(0, 3, 40)
    whole = mean_average_precision(scores, q, g)
    assert mean_average_precision(scores, q, g, chunk_size=7) == pytest.approx(whole, abs=1e-12)
    by_rows = mean_average_precision(lambda i, j: scores[i:j], q, g, chunk_size=5)
    assert by_rows == pytest.approx(whole, abs=1e-12)


def test_query_without_relevant_item_is_skipped_counted_as_zero_or_refused():
    scores, q, g = np.array([[1.0, 0.0], [1.0, 0.0]]), [0, 9], [0, 1]
    assert mean_average_precision(scores, q, g) == 1
    assert mean_average_precision(scores, q, g, empty=0) == 0.5
    with pytest.raises(ValueError, match="1 of 2 queries have no relevant item"):
        mean_average_precision(scores, q, g, empty="error")
    with pytest.raises(ValueError, match="no query has a relevant item"):
        mean_average_precision(scores, [8, 9], g)
    with pytest.raises(ValueError, match="empty must be"):
        mean_average_precision(scores, q, g, empty="zero")


def test_items_sharing_one_tag_are_relevant():
    tags = np.array([[1, 0, 1], [0, 1, 0], [0, 1, 1]], dtype=bool)
    expected = [[True, False, True], [False, True, True], [True, True, True]]
    np.testing.assert_array_equal(relevance(tags, tags), expected)


def test_labels_of_two_kinds_are_refused():
    with pytest.raises(ValueError, match="indicator matrices over the same labels"):
        relevance(np.zeros(3), np.zeros((3, 2)))


def test_chance_is_the_mean_over_random_rankings(rng):
    labels = rng.integers(0, 3, 30)
    sampled = [mean_average_precision(rng.random((30, 30)), labels, labels) for _ in range(300)]
    chance = chance_level(labels, labels)
    assert abs(np.mean(sampled) - chance) < 4 * np.std(sampled) / np.sqrt(300)


@pytest.mark.parametrize(
    ("scores", "relevant", "sentence"),
    [
        (np.zeros((2, 3)), np.zeros((3, 2)), "matrices of one shape"),
        (np.zeros((0, 3)), np.zeros((0, 3)), "nothing to rank"),
        (np.array([[np.nan, 1.0]]), np.ones((1, 2)), "holds NaN"),
    ],
)
def test_bad_scores_get_one_clear_sentence(scores, relevant, sentence):
    with pytest.raises(ValueError, match=sentence):
        average_precision(scores, relevant)


def test_wrong_number_of_labels_is_refused():
    with pytest.raises(ValueError, match="2 query labels and 3 gallery labels"):
        mean_average_precision(np.zeros((2, 2)), [0, 1], [0, 1, 2])


def test_top_below_one_is_refused():
    with pytest.raises(ValueError, match="top must be at least 1"):
        average_precision(np.eye(2), np.eye(2), top=0)


def test_rank_of_the_partner_counts_wrong_ties_against_it():
    scores = np.array([[0.9, 0.1, 0.2], [0.5, 0.5, 0.1], [0.3, 0.2, 0.1]])
    np.testing.assert_array_equal(first_hit_rank(scores), [1, 2, 3])
    assert recall_at_k(scores, k=1) == pytest.approx(1 / 3)
    assert recall_at_k(scores, k=2) == pytest.approx(2 / 3)
    assert median_rank(scores) == 2


def test_collapsed_embedding_has_no_recall():
    assert recall_at_k(np.ones((10, 10)), k=5) == 0
    assert median_rank(np.ones((10, 10))) == 10


@pytest.mark.parametrize(
    "dtypes", [("float64", "float32"), ("float16", "float32"), ("int64", "float64")]
)
def test_search_takes_queries_and_gallery_of_different_dtypes(dtypes, rng):
    queries, gallery = np.round(8 * rng.normal(size=(4, 3))), np.round(8 * rng.normal(size=(9, 3)))
    indices, similarities = search(queries.astype(dtypes[0]), gallery.astype(dtypes[1]), k=3)
    expected = search(queries, gallery, k=3)
    np.testing.assert_array_equal(indices, expected[0])
    np.testing.assert_allclose(similarities, expected[1], atol=1e-6)


def test_search_finds_what_brute_force_finds(rng):
    queries, gallery = rng.normal(size=(7, 5)), rng.normal(size=(50, 5))
    indices, values = search(queries, gallery, k=4)
    unit = [a / np.linalg.norm(a, axis=1, keepdims=True) for a in (queries, gallery)]
    cosine = unit[0] @ unit[1].T
    np.testing.assert_array_equal(indices, np.argsort(-cosine, axis=1)[:, :4])
    np.testing.assert_allclose(values, np.take_along_axis(cosine, indices, 1), atol=1e-12)


def test_search_for_more_than_there_is_returns_all(rng):
    assert search(rng.normal(size=(2, 3)), rng.normal(size=(4, 3)), k=9)[0].shape == (2, 4)


def test_search_in_spaces_of_different_size_is_refused(rng):
    with pytest.raises(ValueError, match="same number of columns"):
        search(rng.normal(size=(2, 3)), rng.normal(size=(4, 2)))


class Given(CoordinatedEmbedding):
    """Embeddings as they come."""

    def embed_images(self, images):
        return images

    def embed_texts(self, texts):
        return texts


class Set:
    def __init__(self, images, texts, labels):
        self.images, self.texts, self.labels = images, texts, labels


def test_both_directions_are_scored_with_the_right_queries(rng):
    x, y, labels = rng.normal(size=(12, 3)), rng.normal(size=(12, 3)), np.arange(12) % 3
    scores = evaluate_retrieval(Given(), Set(x, y, labels))
    s = Given().similarity(x, y)
    assert scores["i2t"] == pytest.approx(mean_average_precision(s, labels, labels))
    assert scores["t2i"] == pytest.approx(mean_average_precision(s.T, labels, labels))
    assert scores["mean"] == pytest.approx((scores["i2t"] + scores["t2i"]) / 2)
    swapped = cross_modal_map(Given(), y, x, labels)
    assert swapped["i2t"] == pytest.approx(scores["t2i"])


def test_perfect_embedding_scores_one_and_constant_one_scores_chance():
    labels = np.arange(12) % 3
    perfect = evaluate_retrieval(Given(), Set(np.eye(3)[labels], np.eye(3)[labels], labels))
    assert perfect["mean"] == 1
    constant = evaluate_retrieval(Given(), Set(np.ones((12, 2)), np.ones((12, 2)), labels))
    assert constant["mean"] == pytest.approx(constant["chance"])


def test_scoring_by_pairs_counts_an_items_own_partner_alone(rng):
    x, y, labels = np.eye(4), np.eye(4)[[0, 1, 3, 2]], np.zeros(4)
    scores = evaluate_retrieval(Given(), Set(x, y, labels), labels="pairs")
    chance = np.mean(1 / np.arange(1, 5))  # one relevant item at a random place of four
    assert scores["chance"] == pytest.approx(chance)
    tied = (1 / 2 + 1 / 3 + 1 / 4) / 3  # behind the wrong partner, tied with two others
    assert scores["i2t"] == pytest.approx((1 + 1 + 2 * tied) / 4)


def test_a_method_that_takes_times_embeds_each_item_at_its_own(rng):
    class Turned(Given):
        timed = True

        def embed_images(self, images, times=None):
            return images * times[:, None]

        def embed_texts(self, texts, times=None):
            return texts * times[:, None]

    labels, test = np.arange(12) % 3, Set(*rng.normal(size=(2, 12, 2)), np.arange(12) % 3)
    test.times = rng.choice([-1.0, 1.0], size=12)
    at = test.times[:, None]
    expected = cross_modal_map(Given(), test.images * at, test.texts * at, labels)
    assert evaluate_retrieval(Turned(), test)["mean"] == pytest.approx(expected["mean"])
    untimed = evaluate_retrieval(Given(), test)["mean"]
    assert untimed != pytest.approx(expected["mean"], abs=0.01)


def test_scoring_by_labels_that_are_not_there_is_refused(rng):
    with pytest.raises(ValueError, match="no 'tags' to score by"):
        evaluate_retrieval(Given(), Set(np.eye(2), np.eye(2), np.arange(2)), labels="tags")


def test_labels_to_score_by_are_named_and_not_given():
    with pytest.raises(TypeError, match="labels is the name of what to score by"):
        evaluate_retrieval(None, None, np.arange(3))
