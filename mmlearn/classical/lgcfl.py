"""Local group based consistent feature learning (Kang et al., IEEE Trans. Multimedia 2015)."""

import numpy as np
from scipy.linalg import solve

from mmlearn.arrays import check_matrix, to_numpy
from mmlearn.classical.class_scores import ClassScores, class_indicators
from mmlearn.contract import check_number
from mmlearn.scaling import Standardizer

__all__ = ["LGCFL"]


class LGCFL(ClassScores):
    r"""Local group based consistent feature learning: regress labels on groups of features.

    For each modality v, with standardised features X_v (n_v, d_v), centred class indicators
    Y_v (n_v, c) and the columns cut into groups g, such as the cells of a HOG or the bins of a
    colour histogram::

        minimise  Σ_v 1/n_v ‖X_v W_v - Y_v‖²_F + γ Σ_v Σ_g ‖W_v^(g)‖_F

    The norm of a whole group is not squared, so a group of features that says little about the
    classes vanishes as one. The embedding X_v W_v holds one score for every class, and both
    modalities so share the space of classes. Nothing ties image i to text i: images and texts
    need not be paired, nor be equally many.

    Each step of iteratively reweighted least squares replaces ‖W^(g)‖ by the parabola that
    touches it at the last W, and minimises exactly; the objective never rises::

        E = diag(2 ‖W^(g)‖_F / (n γ)),   W ← E Xᵀ (X E Xᵀ + I)^{-1} Y

    or the equal form with a (d, d) system where that is the smaller.

    **This is our own short form** of the idea, not the paper's objective. Our choices: squared loss
    on 0/1 indicators with an unpenalised intercept; division by n_v, so that γ means the same for
    two modalities of different size; groups not weighted by their width; columns standardised; a
    group for every column where none are given, which makes the penalty the l21 norm of LCFS; and
    the cosine of centred class scores as similarity.

    Parameters
    ----------
    gamma : float above 0, default 0.03: weight of the group penalty
    image_groups, text_groups : list of slices or of integer arrays, optional
        The columns of each group, as in `feature_groups_` of the feature transformers; they
        must hold every column exactly once. None: every column is a group.
    max_iter : int, default 50
    tol : float, default 1e-3: stop when a step lowers the objective by less than this share

    Attributes
    ----------
    classes_ : (c,) the class of every column; with several labels an item, the label numbers
    image_weights_ : (d_x, c), text_weights_ : (d_y, c), for standardised columns
    image_group_norms_, text_group_norms_ : (groups,), ‖W^(g)‖_F; near zero: not used
    objective_ : list of floats, the objective after every step

    Raises
    ------
    ValueError
        Bad arrays, labels missing or of a single class, gamma not above 0, groups that do not
        hold every column exactly once.

    References
    ----------
    Kang, Xiang, Liao, Xu, Pan, Learning Consistent Feature Representation for Cross-Modal
    Multimedia Retrieval, IEEE Transactions on Multimedia 17(3), 2015.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(90) % 3
    >>> x = np.hstack([np.eye(3)[labels], np.zeros((90, 4))]) + 0.3 * rng.normal(size=(90, 7))
    >>> y = np.eye(3)[labels] + 0.3 * rng.normal(size=(90, 3))
    >>> lgcfl = LGCFL(gamma=0.2, image_groups=[slice(0, 3), slice(3, 7)]).fit(x, y, labels)
    >>> lgcfl.image_group_norms_.round(1)  # the second group is noise
    array([0.5, 0. ])
    >>> fewer = LGCFL().fit(x, y[:60], labels=(labels, labels[:60]))  # unpaired
    """

    supervised = True
    multilabel = True

    def __init__(self, gamma=0.03, image_groups=None, text_groups=None, max_iter=50, tol=1e-3):
        self.gamma = gamma
        self.image_groups = image_groups
        self.text_groups = text_groups
        self.max_iter = max_iter
        self.tol = tol

    def fit(self, images, texts, labels=None):
        """Fit on images (n_x, d_x) and texts (n_y, d_y).

        labels: (n,) classes or (n, t) 0/1 indicators of paired rows, or a tuple
        (image_labels, text_labels) where rows are not paired.
        """
        check_number(self.gamma, "gamma", above=0)
        check_number(self.max_iter, "max_iter", 1)
        images, texts, y_x, y_y = self._check(images, texts, labels)
        self.image_scaler_, self.text_scaler_ = Standardizer(images), Standardizer(texts)
        groups_x = _group_of_column(self.image_groups, images.shape[1], "image_groups")
        groups_y = _group_of_column(self.text_groups, texts.shape[1], "text_groups")
        x, y = self.image_scaler_(images), self.text_scaler_(texts)
        problems = _GroupRegression(x, y_x, groups_x), _GroupRegression(y, y_y, groups_y)
        self.objective_ = []
        for _ in range(self.max_iter):
            self.objective_.append(sum(problem.step(self.gamma) for problem in problems))
            if _settled(self.objective_, self.tol):
                break
        self.image_weights_, self.text_weights_ = problems[0].w, problems[1].w
        self.image_group_norms_, self.text_group_norms_ = problems[0].norms, problems[1].norms
        return self

    def _check(self, images, texts, labels):
        if not isinstance(labels, tuple):
            images, texts = self._training_pair(images, texts)
            y, self.classes_ = class_indicators(labels, len(images))
            return images, texts, y - y.mean(axis=0), y - y.mean(axis=0)
        if len(labels) != 2:
            raise ValueError("labels of unpaired data must be a tuple (image_labels, text_labels).")
        self._learn_columns(images=images, texts=texts)
        images = to_numpy(check_matrix(images, "images"))
        texts = to_numpy(check_matrix(texts, "texts"))
        y_x, self.classes_ = class_indicators(labels[0], len(images))
        y_y, text_classes = class_indicators(labels[1], len(texts))
        if not np.array_equal(self.classes_, text_classes):
            raise ValueError("the image labels and the text labels must hold the same classes.")
        return images, texts, y_x - y_x.mean(axis=0), y_y - y_y.mean(axis=0)


class _GroupRegression:
    """min 1/n ‖X W - Y‖² + γ Σ_g ‖W^(g)‖, one reweighted step at a time."""

    def __init__(self, x, y, group_of_column):
        self.x, self.y, self.group_of_column = x, y, group_of_column
        self.norms = np.ones(group_of_column.max() + 1)
        self.wide = x.shape[1] > len(x)
        if not self.wide:
            self.scatter, self.cross = x.T @ x, x.T @ y

    def step(self, gamma):
        n = len(self.x)
        # Scaled by the root of E the systems stay well conditioned when a group vanishes.
        root = np.sqrt(2 * self.norms[self.group_of_column] / (n * gamma))
        if self.wide:
            scaled = self.x * root
            self.w = root[:, None] * (scaled.T @ _solve_plus_one(scaled @ scaled.T, self.y))
        else:
            a, b = root[:, None] * self.scatter * root, root[:, None] * self.cross
            self.w = root[:, None] * _solve_plus_one(a, b)
        squares = np.bincount(self.group_of_column, (self.w**2).sum(axis=1), len(self.norms))
        self.norms = np.sqrt(squares)
        return float(((self.x @ self.w - self.y) ** 2).sum() / n + gamma * self.norms.sum())


def _solve_plus_one(a, b):
    """(A + I)^{-1} B for a symmetric, positive semi-definite A, which is overwritten."""
    a[np.diag_indices(len(a))] += 1
    return solve(a, b, assume_a="pos", overwrite_a=True, check_finite=False)


def _settled(objective, tol):
    return len(objective) > 1 and objective[-2] - objective[-1] <= tol * objective[-2]


def _group_of_column(groups, d, name):
    """The number of the group that each of the d columns is in, (d,)."""
    if groups is None:
        return np.arange(d)
    owner, count = np.zeros(d, dtype=int), np.zeros(d, dtype=int)
    for number, group in enumerate(groups):
        columns = np.arange(d)[group] if isinstance(group, slice) else np.asarray(group, dtype=int)
        beyond = group.stop if isinstance(group, slice) else columns.max(initial=-1) + 1
        if beyond is not None and beyond > d:
            raise ValueError(f"{name} name column {beyond - 1}, but there are only {d} columns.")
        owner[columns] = number
        np.add.at(count, columns, 1)
    if (count != 1).any():
        column = int(np.flatnonzero(count != 1)[0])
        raise ValueError(
            f"{name} must hold every one of the {d} columns exactly once, but column {column} "
            f"is in {count[column]} groups."
        )
    return owner
