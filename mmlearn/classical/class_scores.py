"""What the linear regressions on class labels share: LGCFL and JRL."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from mmlearn.arrays import in_kind_of
from mmlearn.contract import CoordinatedEmbedding
from mmlearn.labels import check_labels

__all__ = ["ClassScores", "class_indicators"]


class ClassScores(CoordinatedEmbedding):
    """Standardised features times weights: one score for every class.

    A subclass's `fit` sets ``image_scaler_``, ``text_scaler_`` (Standardizer), ``image_weights_``
    (d_x, c) and ``text_weights_`` (d_y, c).
    """

    def embed_images(self, images):
        """Class scores of images (m, d_x), relative to the class frequencies: (m, c)."""
        check_is_fitted(self)
        images = self._new_rows(images, "images", len(self.image_weights_))
        return in_kind_of(images, self.image_scaler_(images) @ self.image_weights_)

    def embed_texts(self, texts):
        """Class scores of texts (m, d_y), relative to the class frequencies: (m, c)."""
        check_is_fitted(self)
        texts = self._new_rows(texts, "texts", len(self.text_weights_))
        return in_kind_of(texts, self.text_scaler_(texts) @ self.text_weights_)


def class_indicators(labels, n):
    """0/1 indicators (n, c) and the classes (c,), of classes (n,) or of indicators (n, t).

    Raises ValueError for what :func:`mmlearn.labels.check_labels` refuses.

    >>> class_indicators(["b", "a"], 2)
    (array([[0., 1.],
           [1., 0.]]), array(['a', 'b'], dtype='<U1'))
    """
    labels = check_labels(labels, n, multilabel=True)
    if labels.ndim == 2:
        return labels.astype(np.float64), np.arange(labels.shape[1])
    classes, column = np.unique(labels, return_inverse=True)
    return np.eye(len(classes))[column], classes
