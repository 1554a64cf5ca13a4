"""Cross-modal factor analysis (Li, Dimitrova, Li, Sethi, ACM Multimedia 2003)."""

import numpy as np

from mmlearn.classical.moments import MomentEmbedding, fix_signs
from mmlearn.scaling import safe_deviations

__all__ = ["CFA"]


class CFA(MomentEmbedding):
    r"""Cross-modal factor analysis: the directions of largest covariance (PLS-SVD).

    With X (n, d_x) and Y (n, d_y) centred::

        minimise ‖X A - Y B‖²_F   subject to   AᵀA = I, BᵀB = I
        XᵀY / n = U diag(s) Vᵀ,   A = U,   B = V,   cut to n_components columns

    Where d_x = d_y and all columns are kept, this brings pairs as close as rotations can. The
    columns kept in a cut have the largest covariance and need not be the closest; CCA keeps the
    largest correlation. Nothing is whitened (that would be CCA), so the scale of a column matters:
    a column ten times larger pulls the axes towards itself.

    Parameters
    ----------
    n_components : int, default 50
    standardize : bool, default False
        Divide every column by its training standard deviation first (a constant column gets
        no weight). The orthogonality then holds for the standardised columns.

    Attributes
    ----------
    image_weights_ : (d_x, n_components), text_weights_ : (d_y, n_components)
    singular_values_ : (n_components,), descending: the covariance of each pair of components
    image_mean_ : (d_x,), text_mean_ : (d_y,)

    Raises
    ------
    ValueError
        NaN or infinity, unequal lengths, arrays that are not matrices, constant data, or more
        components than pairs or features.

    References
    ----------
    Li, Dimitrova, Li, Sethi, Multimedia Content Processing Through Cross-Modal Association,
    ACM Multimedia 2003.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(100, 3))
    >>> r, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    >>> cfa = CFA(n_components=3).fit(x, x @ r)
    >>> bool(np.allclose(cfa.embed_images(x), cfa.embed_texts(x @ r)))
    True
    """

    def __init__(self, n_components=50, standardize=False):
        self.n_components = n_components
        self.standardize = standardize

    @property
    def singular_values_(self):
        """Covariance of each pair of components, (n_components,)."""
        return self._solved()[2]

    def _solve(self, moments):
        k, scale_x, scale_y = self.n_components, 1.0, 1.0
        cross = moments.s_xy / moments.n
        if self.standardize:
            scale_x = _deviations(moments.s_xx, moments.mean_x, moments.n)
            scale_y = _deviations(moments.s_yy, moments.mean_y, moments.n)
            cross = cross / (scale_x * scale_y.T)
        u, s, vt = np.linalg.svd(cross, full_matrices=False)
        a, b = fix_signs(u[:, :k], vt[:k].T)
        return a / scale_x, b / scale_y, s[:k]


def _deviations(scatter, mean, n):
    return safe_deviations(np.sqrt(scatter.diagonal() / n), mean)[:, None]
