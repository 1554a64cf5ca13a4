"""Neural (and early-fusion) embeddings."""

from mmlearn.neural.deep_sm import DeepSM
from mmlearn.neural.fusion import EarlyFusion, JointFusion

__all__ = [
    "DeepSM",
    "EarlyFusion",
    "JointFusion",
]
