"""Losses as pure functions of embeddings, for the course's own loop and for yours.

Each is ``loss(zx, zy, ...) -> scalar tensor``: `zx` (n, k) embeds the images, `zy` (n, k) the
texts, row i of both is pair i. All are computed in float32 or better, whatever the dtype of the
embeddings and inside autocast too, and have finite gradients on collapsed and whitened
embeddings alike. A batch that holds nothing to learn from (no negative, no violated margin) gives
0 with the graph attached, so that ``backward`` works and leaves zero gradients.
"""

from mmlearn.losses.adversary import adversary_strength, reverse_gradient
from mmlearn.losses.classification import classification_loss
from mmlearn.losses.contrastive import contrastive_pairs_loss, info_nce, siglip, supcon
from mmlearn.losses.correlation import cca_loss
from mmlearn.losses.diachronic import (
    diachronic_inter_loss,
    diachronic_intra_loss,
    temporal_alignment,
)
from mmlearn.losses.margins import (
    adaptive_margin,
    class_centroids,
    extended_labels,
    label_conditionals,
    sam_schedule,
)
from mmlearn.losses.reconstruction import correspondence_loss, reconstruction_loss
from mmlearn.losses.triplet import triplet_loss, triplet_loss_one_way

__all__ = [
    "adaptive_margin",
    "adversary_strength",
    "cca_loss",
    "class_centroids",
    "classification_loss",
    "contrastive_pairs_loss",
    "correspondence_loss",
    "diachronic_inter_loss",
    "diachronic_intra_loss",
    "extended_labels",
    "info_nce",
    "label_conditionals",
    "reconstruction_loss",
    "reverse_gradient",
    "sam_schedule",
    "siglip",
    "supcon",
    "temporal_alignment",
    "triplet_loss",
    "triplet_loss_one_way",
]
