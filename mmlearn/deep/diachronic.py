"""An embedding that depends on time: where an image or a text stands, and how it moves.

Semedo, Magalhães, Diachronic Cross-modal Embeddings, ACM MM 2019, arXiv:1909.13689.
"""

import math
from typing import NamedTuple

import numpy as np
import torch

from mmlearn.arrays import cosine_similarity, in_kind_of, to_numpy
from mmlearn.contract import check_number
from mmlearn.deep.base import SIDES, DeepEmbedding, SizedMethod, class_targets
from mmlearn.deep.dispersion import semantic_dispersion
from mmlearn.deep.temporal import (
    TemporalLayer,
    TimedEncoder,
    TimedEncoders,
    check_steps,
    check_times,
)
from mmlearn.kinds import as_numbers
from mmlearn.losses import diachronic_inter_loss, diachronic_intra_loss
from mmlearn.mining import check_mining
from mmlearn.retrieval import cross_modal_map
from mmlearn.training import gather

__all__ = ["Diachronic", "Neighbour"]


class Neighbour(NamedTuple):
    """An item of a trajectory's summary: when it was first near, which it is, and how near."""

    time: float
    index: int
    similarity: float


class Diachronic(SizedMethod, DeepEmbedding):
    r"""Images and texts at a time t in one space: the same image moves as t goes on.

    With h the last hidden layer of a modality's encoder, and t scaled so that the training times
    run from -1 to 1::

        τ(t)    = tanh(W φ(t))                                  the temporal layer, shared
        z_x(t)  = V_x (h_x ⊙ (1 + G_x τ(t))) + b_x + B_x τ(t)   and likewise z_y(t)
        L       = L_inter + λ L_intra

        L_inter: triplets (a, p, n) over the modalities, max(0, m - s_ap + s_an): p of a's category
                 within the window |t_a - t_p| < w, n of another category, of any time
        L_intra: pairs of one category: (1 - s) weighted by κ = 1 - |Δt|/w inside the window,
                 max(0, m - (1 - s)) outside it

    The idea is the paper's: a layer structures the space by a continuous time, shared by the two
    projections; a ranking loss has an inter and an intra term; and a temporal alignment window
    keeps the order of time. The following is **ours**, to be compared with arXiv:1909.13689:

    * φ(t) is t and K pairs of sine and cosine; W has no bias, so that τ = 0 in the middle of the
      training times. τ scales the last hidden layer and shifts the embedding (as FiLM does:
      Perez et al., AAAI 2018); G and B start at 0, and training with them at the static model;
    * times outside the training range count as its nearest end: nothing was learnt beyond. Trained
      on early years and tested on later ones, it is therefore a static model of the last year, and
      that time adds nothing there is nearly built in;
    * positives of L_inter are of the anchor's window, and L_intra is over image-text pairs; κ is a
      triangle; one margin m serves both terms; cosines throughout;
    * categories are the labels; with several labels an item, two items that share one.

    If all times are equal, τ is 0 for ever: the method is then the static triplet embedding (with
    L_intra pulling categories together, in an infinite window), and no trajectory moves. The fair
    control is the method itself on **shuffled times**: the same network, window and losses.

    What it finds is to be read beside :func:`regression_drift`, a straight line through each
    group's captions, which on planted drift does as well, and beside controls: movement alone, even
    of a model trained on shuffled times, is large and means nothing (:func:`displacement`).

    On pictures of unseen emoji that regression, with a classifier of pictures in front, does
    better than this method. Both then hang on whether a new picture is taken for its own group:
    about 55 % are, of 66 groups. Told the groups, the regression is as good as on known emoji; with
    half of the emoji to learn from it falls by .02 to .07, with a quarter by .1 to .17. More
    dropout, more epochs or more L_intra did not help (one seed each).

    Parameters
    ----------
    n_components : int, default 50
    window : float > 0, optional
        w, in the units of the times; None: half of the range of the training times
    intra : float >= 0, default 0.1: λ
    margin : float > 0, default 0.2: m, in cosine
    mining : "all", "semi-hard" (default) or "hard": the triplets of L_inter. What drifts shows in
        the closest negatives, which "all" drowns among the others.
    n_frequencies : int >= 0, default 1: K; more follow faster changes, and more noise
    epochs, learning_rate : default 30, 2e-3. With 5e-3 20 epochs find as much of a planted drift,
        and 12 most of it (r .92 and .86 on :func:`~mmlearn.data.load_timeline`, seed 0).
    **settings : of network and training, see :class:`mmlearn.deep.base.DeepMethod`. An encoder
        of your own is modulated before its last layer, if it is an ``nn.Sequential`` that ends in
        ``nn.Linear``, else at its output.

    Attributes
    ----------
    classes_ : (c,) class labels, or 0..t-1 for indicators;  module_ : the trained network
    time_range_ : (2,) first and last training time;  window_ : w, infinite if these are equal
    history_ : losses by epoch, with the terms "inter" and "intra"

    Raises
    ------
    ValueError: bad arrays, labels missing or of a single class, times missing or not finite,
        settings out of range

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> labels, times = np.arange(60) % 3, rng.uniform(2000, 2020, 60)
    >>> x, y = rng.normal(size=(60, 3)) + labels[:, None], rng.normal(size=(60, 2))
    >>> model = Diachronic(4, epochs=2, device="cpu").fit(x, y, labels, times)
    >>> model.embed_images(x, times).shape, model.embed_texts(y[:5], 2015.0).shape
    ((60, 4), (5, 4))
    >>> model.trajectories(model.time_grid(10), images=x[:2]).shape
    (2, 10, 4)
    """

    supervised = True
    multilabel = True
    timed = True

    def __init__(
        self,
        n_components=50,
        *,
        window=None,
        intra=0.1,
        margin=0.2,
        mining="semi-hard",
        n_frequencies=1,
        dropout=0.1,
        epochs=30,
        batch_size=256,
        learning_rate=2e-3,
        weight_decay=1e-2,
        **settings,
    ):
        super().__init__(
            n_components,
            dropout=dropout,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            **settings,
        )
        self.window = window
        self.intra = intra
        self.margin = margin
        self.mining = mining
        self.n_frequencies = n_frequencies

    # -- fitting -----------------------------------------------------------------------------

    def fit(self, images, texts, labels=None, times=None):
        """Fit on paired rows: images (n, d_x), texts (n, d_y), labels (n,), times (n,) numbers."""
        images, texts = self._training_pair(images, texts)
        self._check_settings(len(images))
        targets = self._targets(labels, len(images))
        times = check_times(times, len(images))
        self.time_range_ = np.array([times.min(), times.max()])
        self.window_ = self._window_of(np.ptp(self.time_range_))
        self.scalers_ = self._scaler(images), self._scaler(texts)
        x, y = self._standardized(images, 0), self._standardized(texts, 1)
        items = (x, y, *targets, self._scaled(times))
        return self._fit_network(items, loss=self.loss)

    def _check_settings(self, n):
        super()._check_settings(n)
        for name in ("window", "margin"):
            if getattr(self, name) is not None:
                check_number(getattr(self, name), name, above=0)
        if not 0 <= self.intra < math.inf:
            raise ValueError(f"intra must not be negative, got {self.intra}.")
        check_mining(self.mining)
        check_number(self.n_frequencies, "n_frequencies", 0, whole=True)

    def _targets(self, labels, n):
        return (class_targets(self, labels, n),)

    def _window_of(self, time_span):
        if time_span == 0:
            return math.inf  # no time is apart from another
        return float(time_span / 2 if self.window is None else self.window)

    def _network(self):
        image_encoder, text_encoder = self._encoder(0), self._encoder(1)
        return TimedEncoders(
            TimedEncoder(image_encoder, self.n_components),
            TimedEncoder(text_encoder, self.n_components),
            TemporalLayer(self.n_frequencies),
        )

    def _loss(self, training, module, x, y, labels, t):
        z_x, z_y, labels, t = gather(*module(x, y, t), labels, t)
        span = np.ptp(self.time_range_)
        window = 2 * self.window_ / span if span else math.inf  # in units of the scaled times
        inter = diachronic_inter_loss(z_x, z_y, labels, t, window, self.margin, self.mining)
        intra = diachronic_intra_loss(z_x, z_y, labels, t, window, self.margin)
        loss = inter + self.intra * intra if self.intra else inter
        return {"loss": loss, "inter": inter, "intra": intra}

    def _metric(self, training, module, x, y, labels, t):
        z_x, z_y = to_numpy(module.encode_images(x, t)), to_numpy(module.encode_texts(y, t))
        return cross_modal_map(self, z_x, z_y, to_numpy(labels))["mean"]

    def _scaled(self, times):
        """Times as the network has them: the training range is [-1, 1], and nothing lies outside.

        One training time alone is 0, and so is then every other.
        """
        first, last = self.time_range_
        if first == last:
            return torch.zeros(len(times))
        scaled = 2 * (times - first) / (last - first) - 1
        return torch.as_tensor(np.clip(scaled, -1, 1), dtype=torch.float32)

    # -- inference ---------------------------------------------------------------------------

    def embed_images(self, images, times=None):
        """Project images (m, d_x), each at its time (m,) or all at one, to (m, n_components)."""
        return self._embed_at(images, times, 0)

    def embed_texts(self, texts, times=None):
        """Project texts (m, d_y), each at its time (m,) or all at one, to (m, n_components)."""
        return self._embed_at(texts, times, 1)

    def _embed_at(self, rows, times, side):
        encode = self._encode(SIDES[side])
        rows = self._new_rows(rows, SIDES[side], len(self.scalers_[side].mean))
        t = self._scaled(check_times(times, len(rows)))
        x = torch.cat([self._standardized(rows, side), t[:, None]], dim=1)
        return in_kind_of(rows, self._in_chunks(lambda part: encode(part[:, :-1], part[:, -1]), x))

    def score(self, images, texts, labels, times=None):
        """Mean of the two mean average precisions, each item at its own time."""
        z_x, z_y = self.embed_images(images, times), self.embed_texts(texts, times)
        return cross_modal_map(self, z_x, z_y, labels)["mean"]

    # -- what time does ----------------------------------------------------------------------

    def time_grid(self, n=20):
        """`n` times, evenly spread over those of the training, (n,)."""
        self._encode("images")  # refuses a method that is not fitted
        return np.linspace(*self.time_range_, n)

    def trajectories(self, times, images=None, texts=None):
        """Where each image, or each text, stands at every one of the times.

        Parameters
        ----------
        times : (s,) such as ``time_grid()``
        images : (m, d_x), or texts : (m, d_y)

        Returns
        -------
        (m, s, n_components)
        """
        rows, embed = self._one_side(images, texts)
        times = check_steps(times)
        steps = [embed(rows, t) for t in times]
        stack = torch.stack if isinstance(rows, torch.Tensor) else np.stack
        return stack(steps, 1)

    def dispersion(
        self, labels, times, images=None, texts=None, bins=10, items=None, corrected=True
    ):
        """:func:`semantic_dispersion` of images or of texts at their times, one of the two."""
        rows, embed = self._one_side(images, texts)
        z = to_numpy(embed(rows, times))
        return semantic_dispersion(z, labels, check_times(times, len(z)), bins, items, corrected)

    def summary(
        self,
        times,
        image=None,
        text=None,
        *,
        images=None,
        texts=None,
        gallery_times=None,
        names=None,
        k=1,
    ):
        """The trajectory of one image or text, told by its nearest neighbours, each named once.

        Parameters
        ----------
        times : (s,), the steps, such as ``time_grid()``
        image : (d_x,), or text : (d_y,), whose trajectory it is
        images : (m, d_x), or texts : (m, d_y), the gallery of neighbours
        gallery_times : (m,) or one number, optional: the gallery stands at its own times.
            None: at each step it is embedded at the time of the step
        names : m str, optional: items of one name count as the same, such as equal captions
        k : int, default 1: neighbours a step

        Returns
        -------
        list of :class:`Neighbour`, in the order of the steps; an item that was among the `k`
        nearest at an earlier step is left out
        """
        item, embed = self._one_side(image, text, "image", "text")
        item = item.reshape(1, -1) if item.ndim == 1 else item
        if len(item) != 1:
            raise ValueError(f"a summary is of one image or text, got {len(item)}.")
        rows, embed_gallery = self._one_side(images, texts)
        if k < 1:
            raise ValueError(f"k must be at least 1, got {k}.")
        names = range(len(rows)) if names is None else list(names)
        if len(names) != len(rows):
            raise ValueError(f"names must have one entry per item: {len(names)} for {len(rows)}.")
        z = None if gallery_times is None else embed_gallery(rows, gallery_times)
        told, seen = [], set()
        for t in check_steps(times):
            at_t = embed_gallery(rows, t) if z is None else z
            s = to_numpy(cosine_similarity(embed(item, t), at_t))[0]
            nearest = {}
            for i in np.argsort(-s, kind="stable"):
                nearest.setdefault(names[i], i)
                if len(nearest) == k:
                    break
            told += [
                Neighbour(float(t), int(i), float(s[i]))
                for name, i in nearest.items()
                if name not in seen
            ]
            seen.update(nearest)
        return told

    def _one_side(self, images, texts, *names):
        a, b = names or SIDES
        if (images is None) == (texts is None):
            raise ValueError(f"pass either {a}=... or {b}=..., one of the two.")
        rows, embed = (texts, self.embed_texts) if images is None else (images, self.embed_images)
        return as_numbers(rows, b if images is None else a), embed
