"""Ranking holds a bounded number of similarities beside what it is given, however many."""

import tracemalloc

import numpy as np
import pytest
import torch

from mmlearn.classical import JRL
from mmlearn.contract import CoordinatedEmbedding
from mmlearn.retrieval import (
    average_precision,
    chance_level,
    cross_modal_map,
    first_hit_rank,
    mean_average_precision,
    median_rank,
    ranking,
    recall_at_k,
    relevance,
    search,
)

N = 1000
RNG = np.random.default_rng(0)
LABELS = np.arange(N) % 40
TAGS = RNG.random((N, 30)) < 0.1
S = RNG.normal(size=(N, N)).astype(np.float32)
Z = RNG.normal(size=(N, 8))


class Cosine(CoordinatedEmbedding):
    """The similarity of most methods."""


FUNCTIONS = {
    "average_precision": lambda relevant: average_precision(S, relevant),
    "average_precision, ties": lambda relevant: average_precision(S.astype(np.int8), relevant),
    "mean_average_precision": lambda _: mean_average_precision(S, LABELS, LABELS),
    "mean_average_precision, tags": lambda _: mean_average_precision(S, TAGS, TAGS, top=10),
    "chance_level": lambda _: chance_level(LABELS, LABELS),
    "recall_at_k": lambda _: recall_at_k(S, k=5),
    "median_rank": lambda _: median_rank(S, LABELS, LABELS),
    "first_hit_rank, tags": lambda _: first_hit_rank(S, TAGS, TAGS),
    "first_hit_rank, a tensor": lambda _: first_hit_rank(torch.as_tensor(S), LABELS, LABELS),
    "cross_modal_map": lambda _: cross_modal_map(Cosine(), Z, Z, LABELS)["mean"],
    "search": lambda _: search(Z, Z, k=5),
    "search by a model": lambda _: search(Cosine(), Z, Z, k=5),
}


def peak(work):
    """The most numbers of float64 whose memory numpy, or torch, held at once."""
    tracemalloc.start()
    work()
    of_numpy = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    activities = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(profile_memory=True, activities=activities) as profile:
        work()
    events = profile.profiler.kineto_results.events()
    held = np.cumsum([event.nbytes() for event in events if event.name() == "[memory]"])
    return max(of_numpy, held.max(initial=0)) / 8


@pytest.mark.parametrize("name", FUNCTIONS)
def test_memory_is_bounded_and_results_do_not_depend_on_the_bound(name, monkeypatch):
    relevant, work = relevance(LABELS, LABELS), FUNCTIONS[name]
    expected = work(relevant)
    cells = 2**16
    for module in ("metrics", "nearest", "ranking", "sides"):
        monkeypatch.setattr(f"mmlearn.retrieval.{module}.CELLS", cells)
    monkeypatch.setattr(ranking, "RANKED", cells // 8)
    for found, value in zip(np.atleast_1d(work(relevant)), np.atleast_1d(expected), strict=True):
        np.testing.assert_allclose(found, value, atol=1e-12)
    assert peak(lambda: work(relevant)) < 4 * cells < N * N / 3


def test_a_peak_is_seen_in_numpy_and_in_torch():
    assert peak(lambda: S.astype(np.float64)) >= N * N
    assert peak(lambda: torch.as_tensor(S).double()) >= N * N


def test_jrl_compares_with_its_training_items_in_bounded_memory(monkeypatch):
    n = 600
    model = JRL(sigma=0, gamma=1).fit(Z[:n], Z[:n], LABELS[:n])
    expected = model.similarity(Z[:, :8] @ model.image_weights_, Z[:1] @ model.text_weights_)
    monkeypatch.setattr("mmlearn.classical.jrl.CELLS", 2**14)
    z = Z @ model.image_weights_, Z[:1] @ model.text_weights_
    np.testing.assert_allclose(model.similarity(*z), expected, atol=1e-12)
    assert peak(lambda: model.similarity(*z)) < N * n / 2


def test_a_function_of_rows_is_asked_for_no_row_that_is_not_there():
    def rows(i, j):
        assert 0 <= i < j <= N
        return S[i:j]

    for score in (mean_average_precision, recall_at_k, median_rank):
        score(rows, LABELS, LABELS)
    mean_average_precision(rows, LABELS, LABELS, chunk_size=300)
