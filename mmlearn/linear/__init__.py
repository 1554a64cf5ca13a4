"""Linear cross-modal embeddings."""

from mmlearn.linear.cca import CCA
from mmlearn.linear.cfa import CFA
from mmlearn.linear.kcca import KCCA
from mmlearn.linear.moments import PairMoments

__all__ = ["CCA", "CFA", "KCCA", "PairMoments"]
