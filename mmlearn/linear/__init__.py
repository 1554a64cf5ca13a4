"""Linear cross-modal embeddings."""

from mmlearn.linear.cca import CCA
from mmlearn.linear.cfa import CFA
from mmlearn.linear.jrl import JRL
from mmlearn.linear.kcca import KCCA
from mmlearn.linear.lgcfl import LGCFL
from mmlearn.linear.moments import PairMoments
from mmlearn.linear.semantic import SCM, SM

__all__ = ["CCA", "CFA", "JRL", "KCCA", "LGCFL", "SCM", "SM", "PairMoments"]
