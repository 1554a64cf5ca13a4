"""Methods that are solved in closed form, or nearly: no training loop."""

from mmlearn.classical.cca import CCA
from mmlearn.classical.cfa import CFA
from mmlearn.classical.early_fusion import EarlyFusion
from mmlearn.classical.jrl import JRL
from mmlearn.classical.kcca import KCCA
from mmlearn.classical.lgcfl import LGCFL
from mmlearn.classical.moments import PairMoments
from mmlearn.classical.semantic import SCM, SM

__all__ = ["CCA", "CFA", "JRL", "KCCA", "LGCFL", "SCM", "SM", "EarlyFusion", "PairMoments"]
