"""Triplets of an anchor, an item of its class and one of another; and a margin that adapts (SAM).

Schroff, Kalenichenko, Philbin, FaceNet: A Unified Embedding for Face Recognition and Clustering,
CVPR 2015. Semedo, Magalhães, Cross-Modal Subspace Learning with Scheduled Adaptive Margin
Constraints, ACM MM 2019, 75-83, arXiv:1909.13733.
"""

import torch
from torch.nn.functional import normalize

from mmlearn.arrays import to_numpy
from mmlearn.contract import check_number
from mmlearn.deep.base import DeepEmbedding, SizedMethod, class_targets
from mmlearn.losses import (
    adaptive_margin,
    class_centroids,
    extended_labels,
    label_conditionals,
    sam_schedule,
    triplet_loss,
)
from mmlearn.mining import check_mining, embedding_health
from mmlearn.training import gather

__all__ = ["SAM", "TripletEmbedding"]


class TripletEmbedding(SizedMethod, DeepEmbedding):
    r"""Items of one class closer than items of two, by a margin, across the modalities.

    With s the cosine of an image's and a text's embedding, a an anchor of one modality, p a
    positive and n a negative of the other::

        L = mean over the triplets that violate it of max(0, m - s_ap + s_an), both ways

    Positives are all items of the anchor's class (with several labels an item: those that share
    one), negatives all others, so that no item of the anchor's own class is pushed away.

    Parameters
    ----------
    n_components : int, default 50
    margin : float > 0, default 0.2: m, in cosine
    mining : "all" (default), "semi-hard" or "hard": which triplets of a batch are learnt from,
        see :func:`mmlearn.losses.triplet_loss`
    **settings : of network and training, see :class:`mmlearn.deep.base.DeepMethod`

    Attributes
    ----------
    classes_ : (c,) class labels, or 0..t-1 for indicators;  module_ : the trained network
    history_ : losses by epoch; its terms tell learning from collapse: "active", the share of a
        batch's triplets that violate the margin, and "distance", the mean distance of two items
        of a modality on the unit sphere. Active near 1 and distance near 0 is a collapse,
        whatever the mining.

    Raises
    ------
    ValueError: bad arrays, labels missing or of a single class, margin or mining out of range

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(40) % 2
    >>> x, y = rng.normal(size=(40, 3)) + labels[:, None], rng.normal(size=(40, 2))
    >>> model = TripletEmbedding(4, epochs=2, device="cpu").fit(x, y, labels)
    >>> model.embed_images(x).shape, sorted(model.history_.terms)
    ((40, 4), ['active', 'distance'])
    """

    supervised = True
    multilabel = True

    def __init__(
        self,
        n_components=50,
        *,
        margin=0.2,
        mining="all",
        dropout=0.5,
        epochs=30,
        weight_decay=1e-2,
        **settings,
    ):
        super().__init__(
            n_components, dropout=dropout, epochs=epochs, weight_decay=weight_decay, **settings
        )
        self.margin = margin
        self.mining = mining

    def _check_settings(self, n):
        super()._check_settings(n)
        check_number(self.margin, "margin", above=0)
        check_mining(self.mining)

    def _targets(self, labels, n):
        return (class_targets(self, labels, n),)

    def _loss(self, training, module, x, y, labels):
        z_x, z_y, labels = gather(*module(x, y), labels)
        margins = self._margins(training, labels)
        loss = triplet_loss(z_x, z_y, labels, self.margin, self.mining, margins)
        return {"loss": loss} | _health(
            z_x, z_y, labels, self.margin if margins is None else margins
        )

    def _margins(self, training, labels):
        """A margin for each (anchor, negative); None: the same for all."""


class SAM(TripletEmbedding):
    r"""Scheduled adaptive margin: first form the clusters, then keep what they have in common.

    A triplet loss (:class:`TripletEmbedding`) whose margin depends on the anchor a and the
    negative n more and more as training goes on, p being the share of it that is done::

        m_an = (1 - g(p)) m_0 + g(p) m_0 (1 - sim(a, n))

    At first every class is pushed away from every other by m_0, a cat as far from a dog as from
    a car; in the end, related categories may stay close.

    The idea is the paper's: a static margin is smoothly replaced, over the epochs, by one that is
    specific to the triplet and reflects the semantic correlation of its categories. The following
    is **ours**, to be compared with arXiv:1909.13733:

    * g is a sigmoid of the progress, stretched to be 0 at the start and 1 at the end
      (:func:`mmlearn.losses.sam_schedule`);
    * sim(a, n) is the cosine of the centroids of the two classes, 0 where it is negative. A
      centroid is the mean of the unit-length embeddings of the class's images and texts alike,
      less the mean of all centroids: embeddings lie in a narrow cone, and what all classes have
      in common would make all of them similar. The centroids are computed from all training
      pairs before each epoch, and no gradient passes through them;
    * with several labels an item, sim(a, n) is the Jaccard index of the two sets of labels, each
      extended by the labels that tend to go with its own among the training items
      (:func:`mmlearn.losses.extended_labels`): a negative shares no label with its anchor, so
      that the index of the bare sets would always be 0;
    * with two classes, whose centroids are opposite once their mean is taken off, there is nothing
      to adapt to: the margin stays m_0;
    * the margin lies between 0 and m_0, and it acts in the same all-triplets loss both ways.

    Parameters
    ----------
    n_components : int, default 50
    margin : float > 0, default 0.2: m_0
    midpoint : float in [0, 1], default 0.5: the progress at which the margin changes fastest
    steepness : float > 0, default 10: of the sigmoid
    adaptivity : float in [0, 1], default 1
        What g is multiplied by: at 0 the margin stays static, and SAM is the triplet loss.
    schedule : callable ``schedule(progress) -> g``, optional: in place of the sigmoid. The progress
        goes from 0 to below 1, and g must lie between 0 and 1.
    mining, **settings : as for :class:`TripletEmbedding`

    Attributes
    ----------
    centroids_ : (c, n_components) of the classes after training, centred; None with several
        labels an item
    classes_, module_ : as for :class:`TripletEmbedding`
    history_ : losses by epoch; its terms are "active" and "distance", measured at the margins of
        the epoch, and "g"

    Raises
    ------
    ValueError: as :class:`TripletEmbedding`, and midpoint, steepness or adaptivity out of range

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(40) % 3
    >>> x, y = rng.normal(size=(40, 3)) + labels[:, None], rng.normal(size=(40, 2))
    >>> model = SAM(4, epochs=4, device="cpu").fit(x, y, labels)
    >>> np.round(model.history_.terms["g"], 2)
    array([0.  , 0.07, 0.5 , 0.93])
    """

    def __init__(
        self,
        n_components=50,
        *,
        margin=0.2,
        midpoint=0.5,
        steepness=10.0,
        adaptivity=1.0,
        schedule=None,
        **settings,
    ):
        super().__init__(n_components, margin=margin, **settings)
        self.midpoint = midpoint
        self.steepness = steepness
        self.adaptivity = adaptivity
        self.schedule = schedule

    def _check_settings(self, n):
        super()._check_settings(n)
        sam_schedule(0.0, self.midpoint, self.steepness)  # refuses what is out of range
        check_number(self.adaptivity, "adaptivity", 0, 1)

    def _before_epoch(self, training):
        """Move the schedule on, and see where the classes are now.

        Both follow from the progress and the weights alone, so that a training that was
        interrupted goes on as if it had not been.
        """
        training.g = self.adaptivity * self._scheduled(training.progress)
        training.centroids = self._class_centroids(*training.items)
        labels = training.items[2]
        training.conditionals = label_conditionals(labels) if labels.ndim == 2 else None

    def _scheduled(self, progress):
        if self.schedule is None:
            return sam_schedule(progress, self.midpoint, self.steepness)
        g = self.schedule(progress)
        check_number(g, f"schedule({progress:.3g})", 0, 1)
        return g

    def _finish(self, training):
        centroids = self._class_centroids(*training.everything)
        self.centroids_ = None if centroids is None else to_numpy(centroids)

    def _class_centroids(self, x, y, labels):
        """(c, k), centred, of the embeddings of all pairs; None with several labels an item."""
        if labels.ndim == 2:
            return None
        self.module_.eval()
        z_x = self._in_chunks(self.module_.encode_images, x)
        z_y = self._in_chunks(self.module_.encode_texts, y)
        z = normalize(torch.cat([z_x, z_y]))
        centroids = class_centroids(z, torch.cat([labels, labels]).cpu(), len(self.classes_))
        return centroids - centroids.mean(dim=0)

    def _margins(self, training, labels):
        if labels.ndim == 2:
            extended = extended_labels(labels, training.conditionals.to(labels.device))
            return adaptive_margin(extended, None, self.margin, training.g)
        centroids = training.centroids.to(labels.device)
        return adaptive_margin(labels, centroids, self.margin, training.g)

    def _loss(self, training, module, x, y, labels):
        return super()._loss(training, module, x, y, labels) | {"g": training.g}


def _health(z_x, z_y, labels, margin):
    if len(z_x) < 2:
        return {"active": 0.0, "distance": 0.0}  # a last batch of one pair
    health = embedding_health(z_x, z_y, labels, margin)
    return {"active": health["active_share"], "distance": health["mean_distance"]}
