"""mmlearn: the helper package of a hands-on course on multimodal and cross-modal embeddings.

Importing it is cheap: neither torchvision nor transformers nor matplotlib is loaded.

>>> import mmlearn
>>> [m.name for m in mmlearn.methods() if m.kind == "coordinated"]
['cca', 'cfa']
"""

from mmlearn.registry import methods

__all__ = ["__version__", "methods"]
__version__ = "0.1.0"
