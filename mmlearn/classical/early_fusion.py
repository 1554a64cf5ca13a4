"""A joint representation by concatenation: early fusion.

Survey: Baltrušaitis, Ahuja, Morency, Multimodal Machine Learning: A Survey and Taxonomy,
IEEE TPAMI 41(2), 2019.
"""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.utils.validation import check_is_fitted

from mmlearn.arrays import in_kind_of
from mmlearn.contract import JointEmbedding
from mmlearn.scaling import BlockScale

__all__ = ["EarlyFusion"]


class EarlyFusion(JointEmbedding):
    r"""Early fusion: one model on the concatenated features, z = PCA([x; y]).

    With ``standardize`` each column is centred and divided by its deviation, and each modality
    is then divided by the root of its number of columns, so that both bring a variance of 1 in
    all. Without it the modality with the larger numbers, or merely with more columns, decides.

    A missing modality is replaced by its training mean: after centring, zeros.

    Parameters
    ----------
    n_components : int, default 50
    standardize : bool, default True

    Attributes
    ----------
    pca_ : the fitted scikit-learn PCA of the concatenated matrix (n, d_x + d_y)

    Raises
    ------
    ValueError: bad arrays, more components than pairs or features, or both modalities missing

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(20, 3)), 100 * rng.normal(size=(20, 2))
    >>> EarlyFusion(n_components=2).fit(x, y).embed(images=x).shape
    (20, 2)
    """

    def __init__(self, n_components=50, standardize=True):
        self.n_components = n_components
        self.standardize = standardize

    def fit(self, images, texts, labels=None):
        """Fit on paired rows: images (n, d_x), texts (n, d_y); `labels` are not used."""
        images, texts = self._training_pair(images, texts)
        most = min(len(images), images.shape[1] + texts.shape[1])
        if not 1 <= self.n_components <= most:
            raise ValueError(
                f"n_components must lie between 1 and {most} (the smaller of pairs and features), "
                f"got {self.n_components}."
            )
        self.blocks_ = BlockScale(images, self.standardize), BlockScale(texts, self.standardize)
        pca = PCA(self.n_components, svd_solver="full").set_output(transform="default")
        self.pca_ = pca.fit(self._concatenate(images, texts))
        return self

    def embed(self, images=None, texts=None):
        """Embed pairs, or one modality alone: (m, n_components)."""
        check_is_fitted(self)
        sizes = [len(block.mean) for block in self.blocks_]
        images, texts, given = self._new_either(images, texts, sizes)
        z = self.pca_.transform(self._concatenate(images, texts))
        return in_kind_of(given, z)

    def modality_variance(self):
        """Share of each component's weight that falls on the images, (n_components,), 0 to 1."""
        check_is_fitted(self)
        d_x = len(self.blocks_[0].mean)
        return (self.pca_.components_[:, :d_x] ** 2).sum(axis=1)

    def _concatenate(self, images, texts):
        n = len(images if texts is None else texts)
        parts = []
        for block, x in zip(self.blocks_, (images, texts), strict=True):
            if x is None:
                parts.append(np.zeros((n, len(block.mean))))
            else:
                parts.append(block(x))
        return np.hstack(parts)
