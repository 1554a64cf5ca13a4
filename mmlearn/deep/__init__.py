"""Methods that embed through networks."""

from mmlearn.deep.acmr import ACMR
from mmlearn.deep.alignment import Displacement, displacement, procrustes
from mmlearn.deep.autoencoders import CorrespondenceAutoencoder, MultimodalAutoencoder
from mmlearn.deep.ccl import CCL
from mmlearn.deep.cmdn import CMDN
from mmlearn.deep.contrastive import InfoNCE, SigLIP, SupCon
from mmlearn.deep.dcca import DCCA
from mmlearn.deep.deep_sm import DeepSM
from mmlearn.deep.diachronic import Diachronic
from mmlearn.deep.dispersion import semantic_dispersion
from mmlearn.deep.drift import (
    counted_drift,
    drift_correlation,
    recovered_drift,
    regression_drift,
)
from mmlearn.deep.joint_fusion import JointFusion
from mmlearn.deep.rbm import RBM
from mmlearn.deep.triplet import SAM, TripletEmbedding

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
    "Displacement",
    "InfoNCE",
    "JointFusion",
    "MultimodalAutoencoder",
    "SigLIP",
    "SupCon",
    "TripletEmbedding",
    "counted_drift",
    "displacement",
    "drift_correlation",
    "procrustes",
    "recovered_drift",
    "regression_drift",
    "semantic_dispersion",
]
