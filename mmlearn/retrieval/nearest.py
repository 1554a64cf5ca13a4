"""The nearest items of a gallery."""

import torch

from mmlearn.arrays import cosine_similarity, to_numpy
from mmlearn.retrieval.ranking import CELLS
from mmlearn.torch_state import ordinary_torch

__all__ = ["search"]


@ordinary_torch()
def search(queries, gallery, k=10):
    """The k nearest gallery items of every query by cosine.

    Parameters
    ----------
    queries : (q, d), gallery : (m, d), numpy or tensors (a tensor's device is used)
    k : int, at most m are returned

    Returns
    -------
    indices (q, k) and similarities (q, k), best first, as numpy arrays

    >>> import numpy as np
    >>> search(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0], [2.0, 0.1]]), k=1)[0]
    array([[1]])
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}.")
    queries, gallery = torch.as_tensor(queries), torch.as_tensor(gallery)
    if queries.ndim != 2 or gallery.ndim != 2 or queries.shape[1] != gallery.shape[1]:
        raise ValueError(
            "queries and gallery must be matrices with the same number of columns, got shapes "
            f"{tuple(queries.shape)} and {tuple(gallery.shape)}."
        )
    k, step = min(k, len(gallery)), max(1, CELLS // max(len(gallery), 1))
    found = [
        cosine_similarity(queries[i : i + step], gallery).topk(k, dim=1)
        for i in range(0, len(queries), step)
    ]
    indices = torch.cat([f.indices for f in found]) if found else torch.empty(0, k).long()
    values = torch.cat([f.values for f in found]) if found else torch.empty(0, k)
    return to_numpy(indices), to_numpy(values)
