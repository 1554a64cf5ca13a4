"""Two autoencoders of two modalities: one fused code for all, or two codes tied to each other.

Ngiam, Khosla, Kim, Nam, Lee, Ng, Multimodal Deep Learning, ICML 2011; Feng, Wang, Li, Cross-modal
Retrieval with Correspondence Autoencoder, ACM Multimedia 2014.
"""

import copy

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import nn

from mmlearn.arrays import as_float32, check_matrix, in_kind_of, to_numpy
from mmlearn.contract import JointEmbedding, check_number
from mmlearn.deep.base import DeepEmbedding, SizedMethod, TwoEncoders, mlp
from mmlearn.kinds import as_numbers
from mmlearn.losses import correspondence_loss, reconstruction_loss
from mmlearn.training import gather

__all__ = ["CorrespondenceAutoencoder", "MultimodalAutoencoder"]

ROUTES = {
    "plain": (("x", "x"), ("y", "y")),
    "cross": (("y", "x"), ("x", "y")),
    "full": (("x", "x"), ("y", "y"), ("y", "x"), ("x", "y")),
}


class CorrespondenceAutoencoder(SizedMethod, DeepEmbedding):
    r"""Corr-AE: an autoencoder for each modality, their codes pulled together pair by pair.

    With codes h_x = f_x(x), h_y = f_y(y) and decoders g::

        loss = (1 - α) (rec_x + rec_y) + α mean_i ||h_x_i - h_y_i||²

    where rec is the mean squared error of the standardised features (1 for a decoder that always
    says the mean), and what is decoded from what depends on `variant`:

    * "plain": each modality from its own code, x ≈ g(h_x) and y ≈ g(h_y)
    * "cross": each from the other's code, x ≈ g(h_y) and y ≈ g(h_x)
    * "full": each from both codes, by four decoders

    Nothing is shared: the two codes are tied by the penalty alone. That penalty is least when all
    codes are one point, and only the reconstruction speaks against it: as α goes to 1 the codes
    collapse. ``history_.terms`` shows it: "distance" falls, and "variance" falls with it.

    Parameters
    ----------
    n_components : int, default 50: size of the codes, which are the embedding
    alpha : float in [0, 1], default 0.2: α
    variant : "plain" (default), "cross" or "full"
    standardize, hidden, dropout, ... : of network and training, see
        :class:`mmlearn.deep.base.DeepMethod`; a decoder is an encoder turned round

    Attributes
    ----------
    history_ : ``terms`` holds "reconstruction", "distance" (mean ||h_x - h_y||²) and "variance"
        (mean squared distance of a code to the mean code of its modality) by epoch
    module_ : the trained networks

    Raises
    ------
    ValueError: bad arrays, `alpha` outside [0, 1], or an unknown `variant`

    References
    ----------
    Feng, Wang, Li, Cross-modal Retrieval with Correspondence Autoencoder, ACM Multimedia 2014.
    The paper first trains its layers as restricted Boltzmann machines; this starts at random.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 2))
    >>> model = CorrespondenceAutoencoder(n_components=2, epochs=2, device="cpu").fit(x, y)
    >>> model.embed_images(x).shape, sorted(model.history_.terms)
    ((40, 2), ['distance', 'reconstruction', 'variance'])
    """

    def __init__(self, n_components=50, *, alpha=0.2, variant="plain", **settings):
        super().__init__(n_components, **settings)
        self.alpha = alpha
        self.variant = variant

    def _check_settings(self, n):
        super()._check_settings(n)
        check_number(self.alpha, "alpha", 0, 1)
        if self.variant not in ROUTES:
            raise ValueError(
                f"variant must be one of {', '.join(map(repr, ROUTES))}, got {self.variant!r}."
            )

    def _network(self):
        d = {"x": len(self.scalers_[0].mean), "y": len(self.scalers_[1].mean)}
        decoders = {
            source + target: mlp(self.n_components, _turned(self.hidden), d[target], self.dropout)
            for source, target in ROUTES[self.variant]
        }
        return _Correspondence(self._encoder(0), self._encoder(1), decoders)

    def _loss(self, training, module, x, y):
        codes, decoded = module(x, y)
        h_x, h_y, x, y, *decoded = gather(*codes, x, y, *decoded)
        of = {"x": x, "y": y}
        rec = sum(
            reconstruction_loss(of[target], x_hat)
            for (_, target), x_hat in zip(ROUTES[self.variant], decoded, strict=True)
        )
        distance = correspondence_loss(h_x, h_y)
        return {
            "loss": (1 - self.alpha) * rec + self.alpha * distance,
            "reconstruction": rec,
            "distance": distance,
            "variance": (_variance(h_x) + _variance(h_y)) / 2,
        }


class _Correspondence(TwoEncoders):
    def __init__(self, image_encoder, text_encoder, decoders):
        super().__init__(image_encoder, text_encoder)
        self.decoders = nn.ModuleDict(decoders)  # "xy" decodes y from h_x

    def forward(self, x, y):
        """The codes (h_x, h_y), and what each decoder makes of its code."""
        h = {"x": self.encode_images(x), "y": self.encode_texts(y)}
        return tuple(h.values()), [g(h[route[0]]) for route, g in self.decoders.items()]


def _variance(h):
    return h.detach().var(dim=0, unbiased=False).sum()


def _turned(hidden):
    """The widths of a decoder, for an encoder with `hidden`."""
    return hidden if isinstance(hidden, int | np.integer) else tuple(hidden)[::-1]


class MultimodalAutoencoder(SizedMethod, JointEmbedding):
    r"""Multimodal autoencoder: one code, fused from whatever modalities are there, decodes to all.

    With an encoder f_m and a decoder g_m for each modality m, and S the modalities that are given::

        z = Σ_m f_m(x_m if m in S, else 0),   x̂_m = g_m(z),
        loss = mean over S of mean over m of mean (x_m - x̂_m)²

    The features are standardised, so 0 is a missing modality's training mean. The sum is what one
    linear layer makes of all modalities' hidden units together. Training asks for all modalities
    back from all of them together, from each alone and, where there are more than two, from all
    but one; so it learns to fill in what is missing.

    A modality may be missing in training too: a row of which all values are NaN. It is given as 0,
    and its reconstruction counts for nothing.

    Parameters
    ----------
    n_components : int, default 50: size of z
    standardize, hidden, dropout, ... : of network and training, see
        :class:`mmlearn.deep.base.DeepMethod`. `image_encoder` and `text_encoder` stand for the
        modalities "images" and "texts"; a decoder is a default encoder turned round. A `loss` of
        your own is given (module, *features, present): those of each modality (b, d), 0 where
        missing, and which are there (b, modalities).

    Attributes
    ----------
    modalities_ : list of the modalities' names;  module_ : the trained network
    history_ : ``terms`` holds the reconstruction error of each modality by epoch, in units of its
        variance (1 for always saying the mean)

    Raises
    ------
    ValueError
        Bad arrays, rows partly NaN, an item that is missing in all modalities, an unknown
        modality, or fewer than two to fit on.

    References
    ----------
    Ngiam, Khosla, Kim, Nam, Lee, Ng, Multimodal Deep Learning, ICML 2011. The paper first trains
    its layers as restricted Boltzmann machines; this starts at random.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x, y, sound = (rng.normal(size=(40, d)) for d in (3, 2, 4))
    >>> model = MultimodalAutoencoder(n_components=2, epochs=2, device="cpu")
    >>> model.fit(x, y).embed(texts=y).shape  # of images and texts
    (40, 2)
    >>> y[:10] = np.nan  # ten texts are missing
    >>> model = model.fit_modalities({"images": x, "texts": y, "sound": sound})
    >>> model.embed_modalities({"sound": sound, "images": x}).shape  # a query of two modalities
    (40, 2)
    >>> {name: rows.shape for name, rows in model.reconstruct({"sound": sound}).items()}
    {'images': (40, 3), 'texts': (40, 2), 'sound': (40, 4)}
    """

    def fit(self, images, texts, labels=None):
        """Fit on paired rows: images (n, d_x), texts (n, d_y); `labels` are not used."""
        return self.fit_modalities({"images": images, "texts": texts})

    def fit_modalities(self, modalities):
        """Fit on {name: (n, d_name)}, paired row by row; a row of NaN is missing."""
        if len(modalities) < 2:
            raise ValueError(f"give two modalities or more to fit on, got {len(modalities)}.")
        rows, present = _check_modalities(modalities)
        self._learn_columns(**modalities)
        self._check_settings(len(present))
        self.modalities_ = list(rows)
        self.scalers_ = [
            self._scaler(to_numpy(x)[there])
            for x, there in zip(rows.values(), present.T, strict=True)
        ]
        items = (*self._inputs(rows, present), torch.as_tensor(present))
        return self._fit_network(items, loss=self.loss)

    def embed(self, images=None, texts=None):
        """Embed pairs, or one modality alone: (m, n_components)."""
        given = {"images": images, "texts": texts}
        return self.embed_modalities({m: x for m, x in given.items() if x is not None})

    def embed_modalities(self, modalities):
        """Embed {name: (m, d_name)} of some or all modalities: (m, n_components)."""
        tensors, given = self._given(modalities)
        return in_kind_of(given, self._in_chunks(self.module_.encode, *tensors))

    def reconstruct(self, modalities):
        """Fill in and smooth: from some modalities, all of them in their own units.

        Parameters
        ----------
        modalities : {name: (m, d_name)} of some or all modalities

        Returns
        -------
        {name: (m, d_name)} of all modalities
        """
        tensors, given = self._given(modalities)
        z = self._in_chunks(self.module_.encode, *tensors)
        decoded = {}
        for name, scaler, g in zip(
            self.modalities_, self.scalers_, self.module_.decoders, strict=True
        ):
            x_hat = self._in_chunks(g, z).double().numpy() * scaler.scale + scaler.mean
            decoded[name] = in_kind_of(given, torch.as_tensor(x_hat))
        return decoded

    def _network(self):
        encoders = [self._encoder_of(name) for name in self.modalities_]
        sizes = [len(scaler.mean) for scaler in self.scalers_]
        widths = _turned(self.hidden)
        decoders = [mlp(self.n_components, widths, d, self.dropout) for d in sizes]
        return FusedAutoencoder(encoders, decoders)

    def _encoder_of(self, name):
        own = {"images": self.image_encoder, "texts": self.text_encoder}.get(name)
        if own is not None:
            return copy.deepcopy(own)
        d = len(self.scalers_[self.modalities_.index(name)].mean)
        return mlp(d, self.hidden, self.n_components, self.dropout)

    def _loss(self, training, module, *tensors):
        n_modalities = len(self.modalities_)
        gathered = gather(*tensors, *module(*tensors[:-1]))
        x, present = gathered[:n_modalities], gathered[n_modalities]
        decoded = gathered[n_modalities + 1 :]
        # (n, subsets): whether anything of the subset is there
        something = torch.stack([present[:, s].any(dim=1) for s in _subsets(n_modalities)], dim=1)
        terms = {}
        for m, name in enumerate(self.modalities_):
            counts = something & present[:, m : m + 1]
            x_m = x[m][:, None].expand_as(decoded[m])
            terms[name] = reconstruction_loss(
                x_m.flatten(0, 1), decoded[m].flatten(0, 1), counts.flatten()
            )
        return {"loss": sum(terms.values()) / n_modalities} | terms

    def _metric(self, training, module, *tensors):
        """Minus the reconstruction error of held-out items."""
        return -float(self._loss(training, module, *tensors)["loss"])

    def _inputs(self, rows, present):
        """A standardised tensor for each fitted modality, 0 where it is missing."""
        n = len(present)
        there = dict(zip(rows, present.T, strict=True))
        inputs = []
        for name, scaler in zip(self.modalities_, self.scalers_, strict=True):
            x = torch.zeros(n, len(scaler.mean))
            if name in rows:
                x_there = scaler(to_numpy(rows[name])[there[name]])
                x[torch.as_tensor(there[name])] = as_float32(x_there, name)
            inputs.append(x)
        return inputs

    def _given(self, modalities):
        """Checked inputs of new items, and a modality that was given, for its kind and dtype."""
        check_is_fitted(self)
        unknown = [name for name in modalities if name not in self.modalities_]
        if unknown or not modalities:
            said = f"{unknown[0]!r} is not one of them" if unknown else "neither was given"
            raise ValueError(f"give one or more of {', '.join(self.modalities_)}; {said}.")
        sizes = {
            name: len(scaler.mean)
            for name, scaler in zip(self.modalities_, self.scalers_, strict=True)
        }
        self._check_columns(**modalities)
        rows, present = _check_modalities(modalities, sizes)
        return self._inputs(rows, present), next(iter(rows.values()))


class FusedAutoencoder(nn.Module):
    """z = s(Σ_m f_m(x_m)) and its decodings g_m(z), with s an activation that is the identity here.

    >>> encoders, decoders = [nn.Linear(3, 2), nn.Linear(4, 2)], [nn.Linear(2, 3), nn.Linear(2, 4)]
    >>> autoencoder = FusedAutoencoder(encoders, decoders)
    >>> [x_hat.shape for x_hat in autoencoder(torch.zeros(5, 3), torch.zeros(5, 4))]
    [torch.Size([5, 3, 3]), torch.Size([5, 3, 4])]
    """

    def __init__(self, encoders, decoders, activation=None):
        super().__init__()
        self.encoders, self.decoders = nn.ModuleList(encoders), nn.ModuleList(decoders)
        self.activation = activation or nn.Identity()

    def encode(self, *x):
        """The fused code (n, k) of one input a modality, 0 where it is missing."""
        return self.activation(sum(f(x_m) for f, x_m in zip(self.encoders, x, strict=True)))

    def forward(self, *x):
        """For each modality its reconstruction from each of the subsets, (n, subsets, d_m)."""
        given = [f(x_m) for f, x_m in zip(self.encoders, x, strict=True)]
        missing = [f(torch.zeros_like(x_m)) for f, x_m in zip(self.encoders, x, strict=True)]
        z = torch.stack(
            [
                sum(given[m] if m in subset else missing[m] for m in range(len(x)))
                for subset in _subsets(len(x))
            ],
            dim=1,
        )
        return [g(self.activation(z)) for g in self.decoders]


def _subsets(n_modalities):
    """All modalities, each alone, and all but each, as lists of their numbers, none twice.

    >>> _subsets(2), len(_subsets(4))
    ([[0, 1], [0], [1]], 9)
    """
    every = range(n_modalities)
    left_out = [[m for m in every if m != out] for out in every]
    subsets = [list(every), *([m] for m in every), *left_out]
    return [subset for i, subset in enumerate(subsets) if subset not in subsets[:i]]


def _check_modalities(modalities, sizes=None):
    """Checked rows by name, with 0 in place of rows of NaN; and which are there, (n, given)."""
    rows, present = {}, []
    for name, x in modalities.items():
        x = as_numbers(x, name, missing=np.nan)
        there = _there(x)
        if not there.all():
            x = in_kind_of(x, np.where(there[:, None], to_numpy(x), 0))
        rows[name] = check_matrix(x, name, n_features=sizes and sizes[name])
        present.append(there)
    lengths = [len(x) for x in rows.values()]
    if len(set(lengths)) > 1:
        counts = " and ".join(f"{n} {name}" for n, name in zip(lengths, rows, strict=True))
        raise ValueError(f"modalities must be paired row by row, got {counts}.")
    present = np.stack(present, axis=1)
    if not present.any(axis=1).all():
        row = int(np.argmin(present.any(axis=1)))
        raise ValueError(f"row {row} is missing (NaN) in every modality that was given; drop it.")
    if sizes is None and not present.any(axis=0).all():
        name = list(rows)[int(np.argmin(present.any(axis=0)))]
        raise ValueError(f"every row of {name} is missing (NaN): there is nothing to learn from.")
    return rows, present


def _there(x):
    """Which rows (n,) are not all NaN."""
    x = to_numpy(x)
    if x.ndim != 2 or x.shape[1] == 0 or x.dtype.kind != "f":
        return np.ones(len(x) if x.ndim else 1, dtype=bool)
    return ~np.isnan(x).all(axis=1)
