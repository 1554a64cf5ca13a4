"""Neural (and early-fusion) embeddings."""

from mmlearn.neural.acmr import ACMR
from mmlearn.neural.autoencoders import CorrespondenceAutoencoder, MultimodalAutoencoder
from mmlearn.neural.ccl import CCL
from mmlearn.neural.cmdn import CMDN
from mmlearn.neural.contrastive import InfoNCE, SigLIP, SupCon
from mmlearn.neural.dcca import DCCA
from mmlearn.neural.deep_sm import DeepSM
from mmlearn.neural.diachronic import Diachronic
from mmlearn.neural.dispersion import semantic_dispersion
from mmlearn.neural.fusion import EarlyFusion, JointFusion
from mmlearn.neural.rbm import RBM
from mmlearn.neural.triplet import SAM, TripletEmbedding

__all__ = [
    "ACMR",
    "CCL",
    "CMDN",
    "DCCA",
    "RBM",
    "SAM",
    "CorrespondenceAutoencoder",
    "DeepSM",
    "Diachronic",
    "EarlyFusion",
    "InfoNCE",
    "JointFusion",
    "MultimodalAutoencoder",
    "SigLIP",
    "SupCon",
    "TripletEmbedding",
    "semantic_dispersion",
]
