"""Linear cross-modal embeddings."""

from mmlearn.linear.cca import CCA
from mmlearn.linear.cfa import CFA
from mmlearn.linear.kcca import KCCA
from mmlearn.linear.moments import PairMoments
from mmlearn.linear.semantic import SCM, SM

__all__ = ["CCA", "CFA", "KCCA", "SCM", "SM", "PairMoments"]
