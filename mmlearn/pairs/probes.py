"""What a fitted model needs of an image: how far the right choice falls without a region."""

import numpy as np
import torch

from mmlearn.arrays import to_numpy
from mmlearn.kinds import as_tensor

__all__ = ["occlusion_drop"]


def occlusion_drop(model, images, texts, labels):
    """How much less probable the right choice is without each region: (n, R), 0 where none is.

    ::

        drop_ij = p(right | image i) - p(right | image i without region j),   p = softmax(scores)

    Attention says where a model looks, this says what its choice depends on; the two may differ.

    Parameters
    ----------
    model : a fitted method of pairs;  images : Regions, n of them
    texts : what its `score_pairs` takes, C texts an item
    labels : (n,), which of them is right
    """
    labels = as_tensor(to_numpy(labels), "labels").long()[:, None]

    def right(seen):
        scores = as_tensor(model.score_pairs(seen, texts), "scores")
        return scores.softmax(dim=1).gather(1, labels).squeeze(1)

    whole = right(images)
    drops = [whole - right(images.without(j)) for j in range(images.max_regions)]
    return np.where(images.present.numpy(), torch.stack(drops, dim=1).numpy(), 0.0)
