"""Joint representations: early fusion by concatenation, and joint fusion by encoders.

Survey: Baltrušaitis, Ahuja, Morency, Multimodal Machine Learning: A Survey and Taxonomy,
IEEE TPAMI 41(2), 2019.
"""

import numpy as np
import torch
from sklearn.decomposition import PCA
from sklearn.utils.validation import check_is_fitted
from torch import nn

from mmlearn.base import JointEmbedding, check_labels, check_matrix, check_pair, to_numpy
from mmlearn.training import fit as train

__all__ = ["EarlyFusion", "JointFusion"]


class _Block:
    """Standardisation of one modality: zero mean, unit variance a column, total variance 1."""

    def __init__(self, x, standardize):
        x = x.astype(np.float64)
        self.mean = x.mean(axis=0)
        self.scale = np.ones(x.shape[1])
        if standardize:
            deviation = x.std(axis=0)
            varies = deviation > 1e-12 * max(deviation.max(), 1e-300)
            self.scale = np.where(varies, deviation, 1.0) * np.sqrt(max(varies.sum(), 1))

    def __call__(self, x):
        return (x - self.mean) / self.scale


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
        images, texts = check_pair(images, texts)
        most = min(len(images), images.shape[1] + texts.shape[1])
        if not 1 <= self.n_components <= most:
            raise ValueError(
                f"n_components must lie between 1 and {most} (the smaller of pairs and features), "
                f"got {self.n_components}."
            )
        self.blocks_ = _Block(images, self.standardize), _Block(texts, self.standardize)
        self.pca_ = PCA(self.n_components, svd_solver="full").fit(self._concatenate(images, texts))
        return self

    def embed(self, images=None, texts=None):
        """Embed pairs, or one modality alone: (m, n_components)."""
        check_is_fitted(self)
        images, texts, restore = _check_inputs(images, texts)
        return restore(self.pca_.transform(self._concatenate(images, texts)))

    def modality_variance(self):
        """Share of each component's weight that falls on the images, (n_components,), 0 to 1."""
        check_is_fitted(self)
        d_x = len(self.blocks_[0].mean)
        return (self.pca_.components_[:, :d_x] ** 2).sum(axis=1)

    def _concatenate(self, images, texts):
        n = len(images if texts is None else texts)
        parts = []
        for block, x, name in zip(self.blocks_, (images, texts), ("images", "texts"), strict=True):
            if x is None:
                parts.append(np.zeros((n, len(block.mean))))
            else:
                parts.append(block(check_matrix(x, name, n_features=len(block.mean))))
        return np.hstack(parts)


class JointFusion(JointEmbedding):
    r"""Joint (late) fusion: an encoder for each modality, merged, trained on a task.

    With f_x, f_y and g small networks and W a linear classifier::

        z = g([f_x(x); f_y(y)]),   loss = cross-entropy(W z, label)

    A missing modality contributes a code of zeros in place of f(·). The network copes with that
    only if it has met it: with ``modality_dropout`` p, each training item loses its image with
    probability p/2 and its text with probability p/2.

    "Late fusion" also names the averaging of two classifiers' decisions; that is not this method.

    Parameters
    ----------
    n_components : int, default 50: size of z
    hidden : int, default 128: width of each encoder's code
    modality_dropout : float in [0, 1), default 0
    epochs, batch_size, learning_rate, weight_decay : of the training loop
    device : "cuda", "mps", "cpu" or None for the best there is
    random_state : int, default 0
    progress : bool, default False

    Attributes
    ----------
    classes_ : (c,) class labels;  history_ : losses by epoch;  module_ : the trained network

    Raises
    ------
    ValueError: bad arrays, labels missing or of a single class, or both modalities missing

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(40) % 2
    >>> x, y = rng.normal(size=(40, 3)) + labels[:, None], rng.normal(size=(40, 2))
    >>> model = JointFusion(n_components=4, epochs=2, device="cpu").fit(x, y, labels)
    >>> model.embed(x, y).shape, model.predict(texts=y).shape
    ((40, 4), (40,))
    """

    def __init__(
        self,
        n_components=50,
        hidden=128,
        modality_dropout=0.0,
        epochs=30,
        batch_size=64,
        learning_rate=1e-3,
        weight_decay=1e-2,
        device=None,
        random_state=0,
        progress=False,
    ):
        self.n_components = n_components
        self.hidden = hidden
        self.modality_dropout = modality_dropout
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.device = device
        self.random_state = random_state
        self.progress = progress

    def fit(self, images, texts, labels=None):
        """Fit on paired rows: images (n, d_x), texts (n, d_y), labels (n,)."""
        images, texts = check_pair(images, texts)
        labels = check_labels(labels, len(images))
        if not 0 <= self.modality_dropout < 1:
            raise ValueError(f"modality_dropout must be in [0, 1), got {self.modality_dropout}.")
        self.classes_, targets = np.unique(labels, return_inverse=True)
        self.blocks_ = _Block(images, True), _Block(texts, True)
        torch.manual_seed(self.random_state)
        self.module_ = _FusionNetwork(
            images.shape[1], texts.shape[1], self.hidden, self.n_components, len(self.classes_)
        )
        self.history_ = train(
            self.module_,
            self._loss,
            (*self._tensors(images, texts), torch.as_tensor(targets)),
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            seed=self.random_state,
            device=self.device,
            progress=self.progress,
        )
        return self

    def embed(self, images=None, texts=None):
        """Embed pairs, or one modality alone: (m, n_components)."""
        return self._forward(images, texts)[0]

    def predict(self, images=None, texts=None):
        """The likeliest class of each pair, or of one modality alone: (m,)."""
        _, logits = self._forward(images, texts)
        return self.classes_[np.asarray(torch.as_tensor(logits).argmax(dim=1).cpu())]

    def _loss(self, module, images, texts, targets):
        drop = torch.rand(len(targets), 1, device=targets.device)
        has_image = drop >= self.modality_dropout / 2
        has_text = drop < 1 - self.modality_dropout / 2
        _, logits = module(images, texts, has_image, has_text)
        return nn.functional.cross_entropy(logits, targets)

    @torch.no_grad()
    def _forward(self, images, texts):
        check_is_fitted(self)
        images, texts, restore = _check_inputs(images, texts)
        x, y = self._tensors(images, texts)
        device = next(self.module_.parameters()).device
        has_image = torch.full((len(x), 1), images is not None, device=device)
        has_text = torch.full((len(x), 1), texts is not None, device=device)
        z, logits = self.module_(x.to(device), y.to(device), has_image, has_text)
        return restore(z.cpu().numpy()), restore(logits.cpu().numpy())

    def _tensors(self, images, texts):
        n = len(images if texts is None else texts)
        tensors = []
        for block, x, name in zip(self.blocks_, (images, texts), ("images", "texts"), strict=True):
            d = len(block.mean)
            rows = np.zeros((n, d)) if x is None else block(check_matrix(x, name, n_features=d))
            tensors.append(torch.as_tensor(rows * np.sqrt(d), dtype=torch.float32))
        return tensors


class _FusionNetwork(nn.Module):
    def __init__(self, d_x, d_y, hidden, n_components, n_classes):
        super().__init__()
        self.f_x = nn.Sequential(nn.Linear(d_x, hidden), nn.ReLU())
        self.f_y = nn.Sequential(nn.Linear(d_y, hidden), nn.ReLU())
        self.g = nn.Sequential(nn.Linear(2 * hidden, n_components), nn.Tanh())
        self.classifier = nn.Linear(n_components, n_classes)

    def forward(self, x, y, has_image, has_text):
        """z (n, n_components) and class logits (n, c); a missing modality's code is zero."""
        h = torch.cat([self.f_x(x) * has_image, self.f_y(y) * has_text], dim=1)
        z = self.g(h)
        return z, self.classifier(z)


def _check_inputs(images, texts):
    """Numpy versions of what was given, and how to turn the result back into the caller's kind."""
    given = images if images is not None else texts
    if given is None:
        raise ValueError("embed needs images, texts or both; neither was given.")

    def restore(z):
        if torch.is_tensor(given):
            return torch.as_tensor(z, dtype=given.dtype, device=given.device)
        return z

    if images is not None and texts is not None:
        return *check_pair(images, texts), restore
    if images is not None:
        return to_numpy(check_matrix(images, "images")), None, restore
    return None, to_numpy(check_matrix(texts, "texts")), restore
