"""How cross-modal retrieval is scored: average precision, recall at k, median rank, and search.

A query ranks every item of the gallery by similarity. Scores are computed over the full ranking
unless `top` says otherwise. Ties are handled by one rule throughout: **average precision is the
expectation over all orders of tied items** (McSherry and Najork, Computing Information Retrieval
Performance Measures Efficiently in the Presence of Tied Scores, ECIR 2008), so it does not depend
on the order of the gallery, and a constant similarity scores exactly at chance; ranks are
pessimistic, so an item that ties with a wrong one stands behind it.
"""

from mmlearn.retrieval.by_time import map_by_time
from mmlearn.retrieval.metrics import (
    chance_level,
    cross_modal_map,
    evaluate_pairs,
    evaluate_retrieval,
    mean_average_precision,
    median_rank,
    recall_at_k,
    relevant_labels,
)
from mmlearn.retrieval.nearest import search
from mmlearn.retrieval.ranking import average_precision, first_hit_rank, relevance

__all__ = [
    "average_precision",
    "chance_level",
    "cross_modal_map",
    "evaluate_pairs",
    "evaluate_retrieval",
    "first_hit_rank",
    "map_by_time",
    "mean_average_precision",
    "median_rank",
    "recall_at_k",
    "relevance",
    "relevant_labels",
    "search",
]
