"""Mean average precision against torchmetrics, pytorch-metric-learning and scikit-learn."""

import numpy as np
import torch
from sklearn.metrics import average_precision_score

from benchmarks.timing import compare
from mmlearn.arrays import cosine_similarity
from mmlearn.retrieval import mean_average_precision, relevance

CLASSES = 10


def make_data(n_queries, n_gallery, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(CLASSES, 32))
    q, g = rng.integers(0, CLASSES, n_queries), rng.integers(0, CLASSES, n_gallery)
    z_q = centres[q] + 2 * rng.normal(size=(n_queries, 32))
    z_g = centres[g] + 2 * rng.normal(size=(n_gallery, 32))
    return z_q, z_g, q, g


def sklearn_map(similarity, q, g):
    relevant = relevance(q, g)
    return np.mean(
        [average_precision_score(r, s) for r, s in zip(relevant, similarity, strict=True)]
    )


def torchmetrics_map(similarity, q, g):
    from torchmetrics.retrieval import RetrievalMAP

    # Raised above zero: this metric takes scores of zero or less as not relevant.
    scores = torch.as_tensor(similarity - similarity.min() + 1e-3)
    target = torch.as_tensor(relevance(q, g))
    indexes = torch.arange(len(q)).unsqueeze(1).expand_as(scores)
    return float(RetrievalMAP()(scores.flatten(), target.flatten(), indexes=indexes.flatten()))


def metric_learning_map(z_q, z_g, q, g):
    from pytorch_metric_learning.distances import CosineSimilarity
    from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
    from pytorch_metric_learning.utils.inference import CustomKNN

    calculator = AccuracyCalculator(
        include=("mean_average_precision",),
        k=len(g),
        knn_func=CustomKNN(CosineSimilarity(), batch_size=256),
        device=torch.device("cpu"),
    )
    result = calculator.get_accuracy(
        torch.as_tensor(z_q), torch.as_tensor(q), torch.as_tensor(z_g), torch.as_tensor(g)
    )
    return result["mean_average_precision"]


def main():
    for n_queries, n_gallery, repeats in ((693, 2_173, 7), (100, 50_000, 5)):
        z_q, z_g, q, g = make_data(n_queries, n_gallery)
        similarity = cosine_similarity(z_q, z_g)
        peers = {
            "mmlearn": lambda s=similarity, q=q, g=g: mean_average_precision(s, q, g),
            "pytorch-metric-learning": lambda a=z_q, b=z_g, q=q, g=g: metric_learning_map(
                a, b, q, g
            ),
            "torchmetrics RetrievalMAP": lambda s=similarity, q=q, g=g: torchmetrics_map(s, q, g),
            "scikit-learn loop": lambda s=similarity, q=q, g=g: sklearn_map(s, q, g),
        }
        truth = peers["scikit-learn loop"]()
        assert abs(peers["mmlearn"]() - truth) < 1e-6
        compare(f"mAP, {n_queries} queries x gallery {n_gallery}", peers, repeats)
        for name, work in peers.items():
            print(f"  {name:<34}differs from scikit-learn by {abs(work() - truth):.1e}")


if __name__ == "__main__":
    main()
