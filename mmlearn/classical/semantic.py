"""Semantic matching, alone and after CCA (Rasiwasia et al., ACM Multimedia 2010)."""

import numpy as np
import torch
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import check_is_fitted

from mmlearn.arrays import (
    at_least_float32,
    cosine_similarity,
    in_kind_of,
    inner_products,
)
from mmlearn.classical.cca import CCA
from mmlearn.classical.kernels import KernelMap, dual_coefficients
from mmlearn.contract import CoordinatedEmbedding, check_number, embedding_sides
from mmlearn.labels import as_plain, check_labels

__all__ = ["SCM", "SM", "KernelLogistic"]


class KernelLogistic:
    r"""Multinomial logistic regression in the feature space of a kernel.

    By the representer theorem the weights lie in the span of the training items, so an ordinary
    logistic regression on features Φ with Φ Φᵀ = K is exact (see :class:`KernelMap`)::

        minimise   -Σ_i log p(label_i | x_i) + ‖W‖²_F / (2C),   p(· | x) = softmax(Wᵀ φ(x) + b)

    Φ is centred and scaled to a total variance of one, so that C means the same for every kernel
    and for features in any unit.

    Parameters: `kernel`, `gamma`, `n_landmarks`, `random_state` of :class:`KernelMap`; C above 0.

    Attributes: map_ (KernelMap), coefficients_ (landmarks, c), intercept_ (c,).

    Raises ValueError for what :class:`KernelMap` refuses and for C not above 0.

    Zhu, Hastie, Kernel Logistic Regression and the Import Vector Machine, Journal of
    Computational and Graphical Statistics 14(1), 2005.

    >>> x, labels = np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.array([0, 0, 1, 1])
    >>> KernelLogistic("linear", C=10).fit(x, labels).posteriors(x).argmax(axis=1)
    array([0, 0, 1, 1])
    """

    def __init__(self, kernel="rbf", gamma=None, C=2.0, n_landmarks=None, random_state=0):
        self.kernel = kernel
        self.gamma = gamma
        self.C = C
        self.n_landmarks = n_landmarks
        self.random_state = random_state

    def fit(self, x, labels, name="images"):
        """Fit on x (n, d) and labels (n,)."""
        check_number(self.C, "C", above=0)
        self.map_ = KernelMap(self.kernel, self.gamma, self.n_landmarks, self.random_state)
        phi, root = self.map_.fit(np.array(x, dtype=np.float64), name)
        mean = phi.mean(axis=0)
        phi -= mean
        scale = np.sqrt(np.einsum("ij,ij->", phi, phi) / len(phi))
        phi /= scale
        # Of two classes scikit-learn penalises the difference of the two weight vectors alone.
        strength = self.C * (2 if len(np.unique(labels)) == 2 else 1)
        model = LogisticRegression(C=strength, solver="newton-cg", tol=1e-6).fit(phi, labels)
        w, b = model.coef_.T / scale, model.intercept_
        if w.shape[1] == 1:  # two classes come as one log-odds
            w, b = np.hstack([-w, w]) / 2, np.array([-b[0], b[0]]) / 2
        self.coefficients_ = dual_coefficients(root, w)
        self.intercept_ = b - mean @ w
        return self

    def posteriors(self, x, name="images"):
        """Probability of every class for x (m, d), shape (m, c); classes in sorted order."""
        return softmax(self.map_(x, name) @ self.coefficients_ + self.intercept_, axis=1)


class SM(CoordinatedEmbedding):
    r"""Semantic matching: the embedding is the vector of class probabilities.

    One classifier for each modality, trained on the class labels, gives::

        z_x = (p(1 | x), ..., p(c | x)),   z_y = (p(1 | y), ..., p(c | y))

    Both modalities so speak of the same c classes, without a correlation between them being
    learned. The classifiers are :class:`KernelLogistic`; with linear kernels they are the
    logistic regressions of the paper.

    How two probability vectors are compared matters as much as the classifiers::

        match="same_class"       Σ_c p(c | x) p(c | y), the probability that both share a class
        match="cosine"           the same after scaling z_x and z_y to length one
        match="centred_cosine"   the same after subtracting the class frequencies first

    Scaling throws away how sure a classifier is: an item of which nothing is known then ranks as
    high as one known for certain. The paper compares by distances and correlation.

    Parameters
    ----------
    image_kernel, text_kernel : "linear", "rbf", "chi2" or "precomputed", default "rbf"
        "chi2" suits histograms: counts of visual words, shares of topics.
    image_gamma, text_gamma : float, optional: None takes one over the mean distance
    image_C, text_C : float above 0, default 2: inverse of the penalty; larger fits more closely
    match : "same_class" (default), "cosine" or "centred_cosine"
    n_landmarks : int, optional: random training items that stand for all (Nyström); None is exact
    random_state : int, default 0: which landmarks are drawn

    Attributes
    ----------
    classes_ : (c,) the class of every column;  class_frequencies_ : (c,)
    image_classifier_, text_classifier_ : KernelLogistic

    Raises
    ------
    ValueError
        Bad arrays, labels missing, of a single class or with several labels an item, an unknown
        kernel or match, C not above 0.

    References
    ----------
    Rasiwasia, Costa Pereira, Coviello, Doyle, Lanckriet, Levy, Vasconcelos, A New Approach to
    Cross-Modal Multimedia Retrieval, ACM Multimedia 2010.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(90) % 3
    >>> x = np.eye(3)[labels] + 0.1 * rng.normal(size=(90, 3))
    >>> y = np.eye(3)[labels] + 0.1 * rng.normal(size=(90, 3))
    >>> sm = SM().fit(x, y, labels)
    >>> z_x, z_y = sm.embed_images(x[:3]), sm.embed_texts(y[:3])
    >>> sm.similarity(z_x, z_y).argmax(axis=1)
    array([0, 1, 2])
    """

    supervised = True

    def __init__(
        self,
        image_kernel="rbf",
        text_kernel="rbf",
        image_gamma=None,
        text_gamma=None,
        image_C=2.0,
        text_C=2.0,
        match="same_class",
        n_landmarks=None,
        random_state=0,
    ):
        self.image_kernel = image_kernel
        self.text_kernel = text_kernel
        self.image_gamma = image_gamma
        self.text_gamma = text_gamma
        self.image_C = image_C
        self.text_C = text_C
        self.match = match
        self.n_landmarks = n_landmarks
        self.random_state = random_state

    def fit(self, images, texts, labels=None):
        """Fit on images (n, d_x), texts (n, d_y) and labels (n,)."""
        images, texts = self._training_pair(images, texts)
        labels = _check_classes(labels, len(images))
        _check_match(self.match)
        self._fit_classifiers(images, texts, labels)
        return self

    def _fit_classifiers(self, images, texts, labels):
        self.classes_, counts = np.unique(labels, return_counts=True)
        self.class_frequencies_ = counts / len(labels)
        settings = self.n_landmarks, self.random_state
        self.image_classifier_ = KernelLogistic(
            self.image_kernel, self.image_gamma, self.image_C, *settings
        ).fit(images, labels, "images")
        self.text_classifier_ = KernelLogistic(
            self.text_kernel, self.text_gamma, self.text_C, *settings
        ).fit(texts, labels, "texts")

    def embed_images(self, images):
        """Class probabilities of images (m, d_x): (m, c), every row sums to one."""
        check_is_fitted(self)
        images = self._new_rows(images, "images")
        return in_kind_of(images, self.image_classifier_.posteriors(images, "images"))

    def embed_texts(self, texts):
        """Class probabilities of texts (m, d_y): (m, c), every row sums to one."""
        check_is_fitted(self)
        texts = self._new_rows(texts, "texts")
        return in_kind_of(texts, self.text_classifier_.posteriors(texts, "texts"))

    def similarity(self, image_embeddings, text_embeddings):
        """Score every image (n, c) against every text (m, c) by `match`, shape (n, m)."""
        _check_match(self.match)
        z_x, z_y = embedding_sides(image_embeddings, text_embeddings)
        if self.match == "same_class":
            return inner_products(z_x, z_y)
        if self.match == "centred_cosine":
            z_x, z_y = self._centred(z_x), self._centred(z_y)
        return cosine_similarity(z_x, z_y)

    def _centred(self, z):
        z = at_least_float32(z)
        frequencies = self.class_frequencies_
        return z - (in_kind_of(z, frequencies) if isinstance(z, torch.Tensor) else frequencies)


class SCM(SM):
    r"""Semantic correlation matching: semantic matching on the projections of CCA.

    CCA first finds the correlated subspaces of the two modalities; classifiers on the projections
    then give class probabilities, compared as in :class:`SM`.

    Parameters
    ----------
    n_components, shrinkage : of :class:`~mmlearn.classical.CCA`; 10 components by default
    image_kernel, text_kernel, image_gamma, text_gamma, image_C, text_C, match, n_landmarks,
    random_state : as for :class:`SM`; "precomputed" and "chi2" do not suit projections of either
        sign

    Attributes
    ----------
    cca_ : the fitted CCA, and those of :class:`SM`

    Raises
    ------
    ValueError: what CCA and SM refuse

    References
    ----------
    Rasiwasia, Costa Pereira, Coviello, Doyle, Lanckriet, Levy, Vasconcelos, A New Approach to
    Cross-Modal Multimedia Retrieval, ACM Multimedia 2010.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(90) % 3
    >>> x = np.eye(3)[labels] + 0.1 * rng.normal(size=(90, 3))
    >>> y = np.eye(3)[labels] + 0.1 * rng.normal(size=(90, 3))
    >>> SCM(n_components=2).fit(x, y, labels).embed_texts(y).shape
    (90, 3)
    """

    def __init__(self, n_components=10, *, shrinkage=0.1, **settings):
        super().__init__(**settings)
        self.n_components = n_components
        self.shrinkage = shrinkage

    def _fit_classifiers(self, images, texts, labels):
        self.cca_ = CCA(self.n_components, self.shrinkage).fit(images, texts)
        super()._fit_classifiers(
            self.cca_.embed_images(images), self.cca_.embed_texts(texts), labels
        )

    def embed_images(self, images):
        """Class probabilities of images (m, d_x): (m, c), every row sums to one."""
        check_is_fitted(self)
        images = self._new_rows(images, "images")
        z = super().embed_images(self.cca_.embed_images(at_least_float32(images)))
        return in_kind_of(images, z)

    def embed_texts(self, texts):
        """Class probabilities of texts (m, d_y): (m, c), every row sums to one."""
        check_is_fitted(self)
        texts = self._new_rows(texts, "texts")
        z = super().embed_texts(self.cca_.embed_texts(at_least_float32(texts)))
        return in_kind_of(texts, z)


def _check_classes(labels, n):
    if labels is not None and as_plain(labels).ndim == 2:
        raise ValueError(
            "semantic matching by softmax takes one class per pair, labels of shape (n,); for "
            "several labels an item use LGCFL, JRL or Deep-SM."
        )
    return check_labels(labels, n)


def _check_match(match):
    if match not in ("same_class", "cosine", "centred_cosine"):
        raise ValueError(
            f'match must be "same_class", "cosine" or "centred_cosine", got {match!r}.'
        )
