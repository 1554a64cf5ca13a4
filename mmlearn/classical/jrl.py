"""Joint representation learning (Zhai, Peng, Xiao, IEEE Trans. CSVT 2014)."""

import numpy as np
from scipy.linalg import solve
from scipy.sparse import diags, identity
from sklearn.neighbors import kneighbors_graph

from mmlearn.arrays import in_kind_of, promoted, to_numpy
from mmlearn.classical.class_scores import ClassScores, class_indicators
from mmlearn.contract import check_number, embedding_sides
from mmlearn.retrieval.ranking import CELLS
from mmlearn.scaling import Standardizer

__all__ = ["JRL"]


class JRL(ClassScores):
    r"""Joint representation learning: sparse, graph-regularised regression on the classes.

    With standardised features X_v (n, d_v) of the two modalities v = x, y, centred class
    indicators Y (n, c), and L_v the Laplacian of a nearest-neighbour graph::

        minimise  σ Σ_v tr(P_vᵀ X_vᵀ L_v X_v P_v) + μ Σ_v ‖X_v P_v - Y‖²_F
                  + λ ‖X_x P_x - X_y P_y‖²_F + γ Σ_v ‖P_v‖_21

    that is: neighbours get similar scores, labelled items the score of their class, the two
    items of a pair the same score, and features that help neither modality's fit get rows of
    zeros (‖P‖_21 sums the lengths of rows). Items without labels can take part in the graph.

    Each step of iteratively reweighted least squares replaces the length of a row by the parabola
    that touches it at the last P, and solves for P_x and P_y together; the objective never rises.

    The score of the paper is not a cosine: among the `n_votes` training items nearest to an
    embedding the classes are counted, which estimates p(c | ·), and::

        match="vote"     Σ_c p(c | image) p(c | text), the probability that both share a class
        match="cosine"   the cosine of the two embeddings

    Left open by the paper or chosen by us: columns are standardised, the graph is symmetric
    with weights 0 and 1 and its Laplacian normalised, L = I - D^{-1/2} W D^{-1/2}, and neighbours
    vote within their own modality. The default weights are the paper's, for its features; on
    standardised columns smaller ones may do better, so choose sigma and gamma on a validation part.

    Parameters
    ----------
    sigma, gamma : float, default 1000: weight of the graph (0 leaves it out) and of the sparsity
        (above 0)
    mu, lam : float, default 1: weight of the labels (above 0) and of the pairs
    n_neighbors : int, default 100: neighbours in the graph
    n_votes : int, optional: neighbours that vote, fewer than there are training items
        None takes the paper's 100, or the size of the smallest class where that is less: with
        more votes the neighbours of every item are much the same.
    match : "vote" (default) or "cosine"
    max_iter : int, default 5
    tol : float, default 0.02: stop when a step lowers the objective by less than this share

    Attributes
    ----------
    classes_ : (c,) the class of every column; with several labels an item, the label numbers
    image_weights_ : (d_x, c), text_weights_ : (d_y, c), for standardised columns
    objective_ : list of floats, the objective after every step
    votes_ : (n, c), the share of a training item's vote that each class gets
    image_train_, text_train_ : (n, c), the training items' embeddings, which vote

    Raises
    ------
    ValueError
        Bad arrays, labels missing or of a single class, weights below their range, an unknown
        match.

    References
    ----------
    Zhai, Peng, Xiao, Learning Cross-Media Joint Representation with Sparse and Semisupervised
    Regularization, IEEE Transactions on Circuits and Systems for Video Technology 24(6), 2014.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(90) % 3
    >>> x = np.eye(3)[labels] + 0.2 * rng.normal(size=(90, 3))
    >>> y = np.eye(3)[labels] + 0.2 * rng.normal(size=(90, 3))
    >>> jrl = JRL(sigma=1, gamma=1, n_neighbors=10, n_votes=10).fit(x, y, labels)
    >>> jrl.similarity(jrl.embed_images(x[:3]), jrl.embed_texts(y[:3])).argmax(axis=1)
    array([0, 1, 2])
    """

    supervised = True
    multilabel = True

    def __init__(
        self,
        sigma=1000.0,
        mu=1.0,
        lam=1.0,
        gamma=1000.0,
        n_neighbors=100,
        n_votes=None,
        match="vote",
        max_iter=5,
        tol=0.02,
    ):
        self.sigma = sigma
        self.mu = mu
        self.lam = lam
        self.gamma = gamma
        self.n_neighbors = n_neighbors
        self.n_votes = n_votes
        self.match = match
        self.max_iter = max_iter
        self.tol = tol

    def fit(self, images, texts, labels=None, unlabeled_images=None, unlabeled_texts=None):
        """Fit on paired rows: images (n, d_x), texts (n, d_y), labels (n,) or 0/1 (n, t).

        Items without labels, unlabeled_images (u, d_x) and unlabeled_texts (v, d_y), need no
        partner; they enter the graphs alone.
        """
        self._check_settings()
        images, texts = self._training_pair(images, texts)
        indicators, self.classes_ = class_indicators(labels, len(images))
        self.n_votes_ = self._count_votes(indicators)
        self.image_scaler_, self.text_scaler_ = Standardizer(images), Standardizer(texts)
        x, y = self.image_scaler_(images), self.text_scaler_(texts)
        more_x = _with(x, unlabeled_images, self.image_scaler_, "unlabeled_images")
        more_y = _with(y, unlabeled_texts, self.text_scaler_, "unlabeled_texts")
        target = indicators - indicators.mean(axis=0)
        p = self._solve(x, y, target, self._smoothness(more_x), self._smoothness(more_y))
        self.image_weights_, self.text_weights_ = p[: x.shape[1]], p[x.shape[1] :]
        self.image_train_, self.text_train_ = x @ self.image_weights_, y @ self.text_weights_
        self.votes_ = indicators / np.maximum(indicators.sum(axis=1, keepdims=True), 1)
        return self

    def similarity(self, image_embeddings, text_embeddings):
        """Score every image (n, c) against every text (m, c) by `match`, shape (n, m)."""
        _check_match(self.match)
        if self.match == "cosine":
            return super().similarity(image_embeddings, text_embeddings)
        z_x, z_y = embedding_sides(image_embeddings, text_embeddings)
        p_x = self._posteriors(z_x, self.image_train_)
        p_y = self._posteriors(z_y, self.text_train_)
        return in_kind_of(promoted(z_x[:1], z_y[:1])[0], p_x @ p_y.T)

    def _posteriors(self, z, train):
        """Mean vote of the training items nearest to each embedding, (m, c)."""
        z, lengths = to_numpy(z).astype(np.float64), (train**2).sum(axis=1)
        posteriors, step = np.empty((len(z), self.votes_.shape[1])), max(1, CELLS // len(train))
        for i in range(0, len(z), step):
            squares = lengths - 2 * z[i : i + step] @ train.T  # ‖z‖² is the same for all
            nearest = np.argpartition(squares, self.n_votes_ - 1, axis=1)[:, : self.n_votes_]
            posteriors[i : i + step] = self.votes_[nearest].mean(axis=1)
        return posteriors

    def _count_votes(self, indicators):
        n, sizes = len(indicators), indicators.sum(axis=0)
        if self.n_votes is None:
            return int(min(100, sizes[sizes > 0].min(), n - 1))
        if self.n_votes >= n:
            raise ValueError(
                f"n_votes={self.n_votes} of {n} training items: all would vote, and every score "
                "be the same; ask for fewer, such as the size of a class."
            )
        return self.n_votes

    def _solve(self, x, y, target, q_x, q_y):
        """Both weights, stacked (d_x + d_y, c), by reweighted least squares.

        Each step solves (M + γ D) P = R, D = diag(1 / (2 ‖row of P‖)), scaled by the root of
        (γ D)^{-1} on both sides, which stays well conditioned when a row vanishes.
        """
        cross = x.T @ y
        a_x = self.sigma * q_x + (self.mu + self.lam) * x.T @ x
        a_y = self.sigma * q_y + (self.mu + self.lam) * y.T @ y
        m = np.block([[a_x, -self.lam * cross], [-self.lam * cross.T, a_y]])
        r = self.mu * np.vstack([x.T @ target, y.T @ target])
        constant = 2 * self.mu * (target**2).sum()
        lengths, self.objective_ = np.ones(len(m)), []
        for _ in range(self.max_iter):
            root = np.sqrt(2 * lengths / self.gamma)[:, None]
            scaled = root * m * root.T
            scaled[np.diag_indices(len(m))] += 1
            p = root * solve(scaled, root * r, assume_a="pos", overwrite_a=True)
            lengths = np.linalg.norm(p, axis=1)
            quadratic = np.einsum("ij,ij->", p, m @ p - 2 * r) + constant
            self.objective_.append(float(quadratic + self.gamma * lengths.sum()))
            if len(self.objective_) > 1:
                before, after = self.objective_[-2:]
                if before - after < self.tol * before:
                    break
        return p

    def _smoothness(self, x):
        """Xᵀ L X, (d, d), with the normalised Laplacian L of the nearest-neighbour graph."""
        if self.sigma == 0:
            return 0.0
        w = kneighbors_graph(x, min(self.n_neighbors, len(x) - 1), include_self=False)
        w = w.maximum(w.T)
        d = diags(1 / np.sqrt(np.asarray(w.sum(axis=1)).ravel()))
        return x.T @ ((identity(len(x)) - d @ w @ d) @ x)

    def _check_settings(self):
        _check_match(self.match)
        for name in ("gamma", "mu"):
            check_number(getattr(self, name), name, above=0)
        for name in ("sigma", "lam"):
            check_number(getattr(self, name), name, 0)
        for name in ("n_neighbors", "n_votes", "max_iter"):
            if getattr(self, name) is not None:
                check_number(getattr(self, name), name, 1)


def _with(x, unlabeled, scaler, name):
    return x if unlabeled is None else np.vstack([x, scaler.checked(unlabeled, name)])


def _check_match(match):
    if match not in ("vote", "cosine"):
        raise ValueError(f'match must be "vote" or "cosine", got {match!r}.')
