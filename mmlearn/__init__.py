"""mmlearn: the helper package of a hands-on course on multimodal and cross-modal embeddings.

Importing it loads nothing: what a function needs is imported when it is called. It comes with the
distribution mmlearn-course; another project's distribution, mmlearn, has the same import name.

>>> import mmlearn
>>> [m.name for m in mmlearn.methods() if m.kind == "joint"]
['early_fusion', 'joint_fusion', 'multimodal_ae']
"""

__all__ = ["__version__", "load", "methods", "save"]
__version__ = "0.1.0"


def methods(timed=False, pairs=False):
    """List the methods of the course: see :func:`mmlearn.registry.methods`."""
    from mmlearn.registry import methods

    return methods(timed, pairs)


def save(model, path):
    """Save a fitted method, alone or with its features: see :func:`mmlearn.storage.models.save`."""
    from mmlearn.storage.models import save

    save(model, path)


def load(path, **encoders):
    """Load what was saved: see :func:`mmlearn.storage.models.load`."""
    from mmlearn.storage.models import load

    return load(path, **encoders)
