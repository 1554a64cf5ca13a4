"""Neural (and early-fusion) embeddings."""

from mmlearn.neural.fusion import EarlyFusion, JointFusion

__all__ = ["EarlyFusion", "JointFusion"]
