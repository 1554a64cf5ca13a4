"""Which class an item is of, or which labels it carries."""

import torch  # noqa: F401 - for the examples
from torch.nn import functional as F

from mmlearn.kinds import as_tensor
from mmlearn.labels import comparable_labels
from mmlearn.losses.checks import as_floats, check_classes, full_precision

__all__ = ["classification_loss"]


@full_precision
def classification_loss(logits, labels):
    """Cross-entropy, for one class an item or for several labels an item.

    ::

        classes (n,):        L = -mean_i log softmax(logits_i)[label_i]
        indicators (n, t):   L = -mean_ij [y_ij log σ(l_ij) + (1 - y_ij) log(1 - σ(l_ij))]

    Parameters
    ----------
    logits : (n, t), before softmax or sigmoid
    labels : (n,) whole numbers from 0 to t - 1, or (n, t) indicators of 0 and 1

    Raises
    ------
    ValueError: labels of another shape, or classes outside 0..t-1

    References
    ----------
    Wei et al., Cross-Modal Retrieval With CNN Visual Features: A New Baseline, IEEE Trans.
    Cybernetics 47(2), 2017 (Deep-SM).

    >>> classification_loss(torch.zeros(2, 4), torch.tensor([0, 3])).exp()
    tensor(4.)
    """
    logits = as_floats(logits, "logits")
    labels = as_tensor(comparable_labels(labels), "labels").to(logits.device)
    if logits.ndim != 2 or labels.shape not in (logits.shape[:1], logits.shape):
        raise ValueError(
            "labels must be classes (n,) or indicators (n, t) for logits (n, t); got shapes "
            f"{tuple(labels.shape)} and {tuple(logits.shape)}."
        )
    if labels.ndim == 2:
        return F.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype))
    check_classes(labels, logits.shape[1])
    return F.cross_entropy(logits, labels.long())
