"""Deep canonical correlation analysis (Andrew, Arora, Bilmes, Livescu, ICML 2013)."""

from sklearn.utils.validation import check_is_fitted

from mmlearn.arrays import at_least_float32, in_kind_of
from mmlearn.classical import CCA
from mmlearn.deep.base import DeepEmbedding, SizedMethod
from mmlearn.losses import cca_loss
from mmlearn.scaling import Standardizer
from mmlearn.training import gather

__all__ = ["DCCA"]


class DCCA(SizedMethod, DeepEmbedding):
    r"""Deep CCA: two networks whose outputs are as correlated as can be.

    With f_x and f_y networks of n_components outputs, and the covariances of a batch of them::

        T = (Σ_xx + r I)^{-1/2} Σ_xy (Σ_yy + r I)^{-1/2}
        loss = -||T||_F² = -Σ ρ_i²   (power = 2)     loss = -||T||_* = -Σ ρ_i   (power = 1)

    The loss is blind to linear maps of the outputs, so what they mean is settled at the end: a
    linear CCA of the two networks' outputs on all training pairs, whose projections embed. With
    linear networks and one batch of all pairs, that is CCA.

    Two things go wrong easily. A small batch correlates by chance, and the networks learn to
    please it: keep `batch_size` above ten times `n_components`. And the networks over-fit soon:
    trained for long, they correlate even pairs of noise. So a share of the pairs is held out,
    and the epoch is kept whose outputs correlate best on it: by the sum of the correlations, along
    the directions that a linear CCA finds on the other pairs. No label is looked at.

    Parameters
    ----------
    n_components : int, default 10: outputs of each network, and size of the embedding
    ridge : float >= 0, default 1e-3: r, in units of the outputs' variance
    power : 2 (default) or 1 (as in the paper)
    shrinkage : float in [0, 1], default 1e-3: of the linear CCA at the end
    batch_size : int, default 512. A last batch that is not full is left out.
    validation_fraction : float in [0, 1), default 0.2;  patience : int or None, default 10
    standardize, hidden, dropout, epochs, ... : of network and training, see
        :class:`mmlearn.deep.base.DeepMethod`

    Attributes
    ----------
    cca_ : the linear CCA of the two networks' outputs
    correlations_ : (n_components,) its correlations, on the training pairs: they flatter
    history_ : ``validation`` holds the summed held-out correlations by epoch
    module_ : the trained networks

    Raises
    ------
    ValueError
        Bad arrays, a batch (or all pairs that are trained on) no larger than `n_components`, a
        bad `power`, `ridge` or `shrinkage`, or a modality that is constant.

    Warns
    -----
    UserWarning: a batch of fewer than ten pairs a component (see :func:`mmlearn.losses.cca_loss`)

    References
    ----------
    Andrew, Arora, Bilmes, Livescu, Deep Canonical Correlation Analysis, ICML 2013. The paper
    trains by L-BFGS on all pairs, from networks pretrained as autoencoders; this trains by AdamW
    on batches, from random networks. Batches: Wang, Arora, Livescu, Bilmes, On Deep Multi-View
    Representation Learning, ICML 2015.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> z = rng.normal(size=(300, 1))
    >>> x, y = rng.normal(size=(300, 3)) * 0.1 + z, rng.normal(size=(300, 2)) * 0.1 + z**2
    >>> model = DCCA(n_components=1, dropout=0, device="cpu").fit(x, y)
    >>> linear = CCA(n_components=1).fit(x, y)
    >>> bool(max(model.history_.validation) > 0.9), bool(linear.correlations_[0] < 0.2)
    (True, True)
    """

    _drop_last = True  # a short last batch correlates by chance

    def __init__(
        self,
        n_components=10,
        *,
        ridge=1e-3,
        power=2,
        shrinkage=1e-3,
        dropout=0.5,
        batch_size=512,
        learning_rate=3e-3,
        validation_fraction=0.2,
        patience=10,
        **settings,
    ):
        super().__init__(
            n_components,
            dropout=dropout,
            batch_size=batch_size,
            learning_rate=learning_rate,
            validation_fraction=validation_fraction,
            patience=patience,
            **settings,
        )
        self.ridge = ridge
        self.power = power
        self.shrinkage = shrinkage

    @property
    def correlations_(self):
        """Correlations of the training pairs' embeddings, (n_components,), descending."""
        check_is_fitted(self)
        return self.cca_.correlations_

    def embed_images(self, images):
        """Project images (m, d_x) to (m, n_components)."""
        images = self._new_rows(images, "images")
        z = super().embed_images(at_least_float32(images))
        return in_kind_of(images, self.cca_.embed_images(z))

    def embed_texts(self, texts):
        """Project texts (m, d_y) to (m, n_components)."""
        texts = self._new_rows(texts, "texts")
        z = super().embed_texts(at_least_float32(texts))
        return in_kind_of(texts, self.cca_.embed_texts(z))

    def _check_settings(self, n):
        super()._check_settings(n)
        batch = min(self.batch_size, n - self._held_out(n))
        if batch <= self.n_components:
            raise ValueError(
                f"a batch of {batch} pairs correlates perfectly in {self.n_components} dimensions "
                "whatever it holds: batch_size, and the pairs that are not held out, must be more "
                f"than n_components={self.n_components}, better ten times as many."
            )

    def _loss(self, training, module, x, y):
        z_x, z_y = gather(*module(x, y))
        return cca_loss(z_x, z_y, self.ridge, self.power)

    def _metric(self, training, module, x, y):
        """Sum of the correlations of held-out pairs, along the directions of the other pairs."""
        z_x, z_y = self._outputs(*training.everything)
        held, kept = self._split(len(z_x))
        cca = CCA(self.n_components, self.shrinkage).fit(z_x[kept], z_y[kept])
        z_x, z_y = cca.embed_images(z_x[held]), cca.embed_texts(z_y[held])
        z_x, z_y = Standardizer(z_x)(z_x), Standardizer(z_y)(z_y)
        return float((z_x * z_y).mean(axis=0).sum())

    def _finish(self, training):
        self.cca_ = CCA(self.n_components, self.shrinkage).fit(*self._outputs(*training.everything))

    def _outputs(self, x, y):
        """What the two networks give, as float64 arrays."""
        z_x = self._in_chunks(self.module_.encode_images, x)
        z_y = self._in_chunks(self.module_.encode_texts, y)
        return z_x.double().numpy(), z_y.double().numpy()
