"""Running means and covariances of paired data, and the estimator base that is fitted from them."""

import numpy as np
from sklearn.exceptions import NotFittedError

from mmlearn.arrays import at_least_float32, in_kind_of
from mmlearn.contract import CoordinatedEmbedding, check_number

__all__ = ["MomentEmbedding", "PairMoments"]

CHUNK = 2048  # rows centred at a time, so that no centred copy of the data is ever held


class PairMoments:
    """Count, means and scatter matrices of paired rows, updated chunk by chunk.

    ``s_xx`` (d_x, d_x), ``s_xy`` (d_x, d_y) and ``s_yy`` (d_y, d_y) are sums of centred outer
    products (divide by n for covariances), in float64. Two sets of moments are merged by the rule
    of Chan, Golub and LeVeque (The American Statistician, 1983), which does not cancel.

    >>> a, b = PairMoments(), PairMoments()
    >>> a.update(np.array([[1.0], [3.0]]), np.array([[2.0], [4.0]])).merge(
    ...     b.update(np.array([[5.0]]), np.array([[9.0]]))
    ... ).mean_y
    array([5.])
    """

    def __init__(self):
        self.n = 0

    def update(self, images, texts):
        """Add paired rows: images (m, d_x), texts (m, d_y)."""
        for start in range(0, len(images), CHUNK):
            rows = slice(start, start + CHUNK)
            self._merge(*_chunk_moments(images[rows], texts[rows]))
        return self

    def merge(self, other):
        """Add the moments of another worker's share of the data."""
        if other.n:
            self._merge(other.n, other.mean_x, other.mean_y, other.s_xx, other.s_xy, other.s_yy)
        return self

    def _merge(self, n, mean_x, mean_y, s_xx, s_xy, s_yy):
        if self.n == 0:
            self.n, self.mean_x, self.mean_y = n, mean_x.copy(), mean_y.copy()
            self.s_xx, self.s_xy, self.s_yy = s_xx.copy(), s_xy.copy(), s_yy.copy()
            return
        _same_width(self.mean_x, mean_x, "images")
        _same_width(self.mean_y, mean_y, "texts")
        total = self.n + n
        weight = self.n * n / total
        dx, dy = mean_x - self.mean_x, mean_y - self.mean_y
        self.s_xx += s_xx + weight * np.outer(dx, dx)
        self.s_xy += s_xy + weight * np.outer(dx, dy)
        self.s_yy += s_yy + weight * np.outer(dy, dy)
        self.mean_x += dx * n / total
        self.mean_y += dy * n / total
        self.n = total


def _chunk_moments(x, y):
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
    x, y = x - mean_x, y - mean_y
    return len(x), mean_x, mean_y, x.T @ x, x.T @ y, y.T @ y


def _same_width(mine, other, name):
    if len(mine) != len(other):
        raise ValueError(
            f"{name} has {len(other)} features, but the earlier batches had {len(mine)}."
        )


class MomentEmbedding(CoordinatedEmbedding):
    """A pair of linear projections that depends on the data through its moments alone.

    A subclass writes ``_solve(moments) -> (image_weights, text_weights, strengths)``. Solving is
    put off until a result is asked for, so that a stream of small batches costs no decompositions.
    """

    def fit(self, images, texts, labels=None):
        """Fit on paired rows: images (n, d_x), texts (n, d_y); `labels` are not used."""
        images, texts = self._training_pair(images, texts)
        self.moments_ = PairMoments().update(images, texts)
        self._solution = None
        self._solved()  # so that bad data is refused here and not at the first use
        return self

    def partial_fit(self, images, texts, labels=None):
        """Add a batch of paired rows; after the last, the result equals one `fit` on all."""
        images, texts = self._training_pair(images, texts, more=hasattr(self, "moments_"))
        if not hasattr(self, "moments_"):
            self.moments_ = PairMoments()
        self.moments_.update(images, texts)
        self._solution = None
        return self

    def merge(self, other):
        """Add what another estimator of the same kind has seen, as if this one had seen it too."""
        other._require_moments()
        if not hasattr(self, "moments_"):
            self.moments_ = PairMoments()
        self.moments_.merge(other.moments_)
        self._solution = None
        return self

    def embed_images(self, images):
        """Project images (m, d_x) to (m, n_components)."""
        weights = self.image_weights_
        images = self._new_rows(images, "images", len(weights))
        return _project(images, self.image_mean_, weights)

    def embed_texts(self, texts):
        """Project texts (m, d_y) to (m, n_components)."""
        weights = self.text_weights_
        texts = self._new_rows(texts, "texts", len(weights))
        return _project(texts, self.text_mean_, weights)

    @property
    def image_mean_(self):
        """Mean of the training images, (d_x,)."""
        return self._require_moments().mean_x

    @property
    def text_mean_(self):
        """Mean of the training texts, (d_y,)."""
        return self._require_moments().mean_y

    @property
    def image_weights_(self):
        """Projection of centred images, (d_x, n_components)."""
        return self._solved()[0]

    @property
    def text_weights_(self):
        """Projection of centred texts, (d_y, n_components)."""
        return self._solved()[1]

    def __sklearn_is_fitted__(self):
        return hasattr(self, "moments_")

    def _require_moments(self):
        if not hasattr(self, "moments_"):
            raise NotFittedError(f"this {type(self).__name__} is not fitted yet; call fit first.")
        return self.moments_

    def _solved(self):
        moments = self._require_moments()
        if self._solution is None:
            self._check_components(moments)
            self._solution = self._solve(moments)
        return self._solution

    def _check_components(self, moments):
        k = self.n_components
        check_number(k, "n_components", 1, whole=True)
        if moments.n <= k:
            raise ValueError(
                f"{moments.n} pairs are too few for n_components={k}; "
                f"give more than {k} pairs, or ask for fewer components."
            )
        for name, scatter in (("images", moments.s_xx), ("texts", moments.s_yy)):
            if len(scatter) < k:
                raise ValueError(
                    f"n_components={k} is more than the {len(scatter)} features of {name}; "
                    f"use at most {len(scatter)}."
                )
            if not scatter.trace() > 0:
                raise ValueError(f"every row of {name} is the same: there is nothing to correlate.")


def _project(x, mean, weights):
    """(x - mean) @ weights in the array kind, dtype and device of x, which is checked."""
    wide = at_least_float32(x)
    mean, weights = in_kind_of(wide, mean), in_kind_of(wide, weights)
    return in_kind_of(x, (wide - mean) @ weights)


def fix_signs(image_weights, text_weights):
    """Flip each component so that the image weight of largest size is positive."""
    largest = np.abs(image_weights).argmax(axis=0)
    signs = np.sign(image_weights[largest, np.arange(image_weights.shape[1])])
    signs[signs == 0] = 1
    return image_weights * signs, text_weights * signs
