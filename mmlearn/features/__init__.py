"""Pictures and texts as vectors: scikit-learn transformers, and their short names.

>>> make_image_features("colour+hog")
JoinedFeatures(transformers=[ColourHistogram(), HOG()])
>>> make_text_features("lsa")
LSA()
"""

from functools import partial

from mmlearn.features.image import HOG, CNNFeatures, ColourHistogram, check_pictures
from mmlearn.features.joined import JoinedFeatures
from mmlearn.features.matrices import Dense
from mmlearn.features.pictures import to_pictures
from mmlearn.features.text import LSA, BagOfWords, TextParts, TfIdf
from mmlearn.features.vectors import Logarithm, SquareRoot

__all__ = [
    "HOG",
    "LSA",
    "BagOfWords",
    "CNNFeatures",
    "ColourHistogram",
    "Dense",
    "JoinedFeatures",
    "Logarithm",
    "SquareRoot",
    "TextParts",
    "TfIdf",
    "check_pictures",
    "make_image_features",
    "make_text_features",
    "to_pictures",
]

VECTORS = {"sqrt": SquareRoot, "log": Logarithm}  # of the vectors that came with the data
IMAGE_FEATURES = {
    "colour": ColourHistogram,
    "hog": HOG,
    "cnn": CNNFeatures,
    "cnn_parts": partial(CNNFeatures, grid=2),
    **VECTORS,
}
TEXT_FEATURES = {
    "bow": BagOfWords,
    "tfidf": TfIdf,
    "lsa": LSA,
    "lsa_parts": TextParts,
    **VECTORS,
}


def make_image_features(name):
    """The unfitted transformer of a name: "colour", "hog", "cnn", "cnn_parts" (the whole picture
    and its four quarters), or several joined with "+"; "sqrt" or "log" of a dataset's own vectors.

    A transformer is given back as it is, and None as None (the raw pictures).

    Raises
    ------
    ValueError
        For an unknown name; the message lists the known ones.
    """
    return _make(name, IMAGE_FEATURES, "image")


def make_text_features(name):
    """The unfitted transformer of a name: "bow", "tfidf", "lsa", "lsa_parts" (the whole text and
    its three thirds), or several joined with "+"; "sqrt" or "log" of a dataset's own vectors.

    A transformer is given back as it is, and None as None (the raw texts).
    """
    return _make(name, TEXT_FEATURES, "text")


def _make(name, known, kind):
    if isinstance(name, type):
        raise TypeError(f"{kind} features must be an object: write {name.__name__}().")
    if name is None or (hasattr(name, "fit") and hasattr(name, "transform")):
        return name
    if not isinstance(name, str):
        raise TypeError(
            f"{kind} features must be a name, a scikit-learn transformer (fit and transform) or "
            f"None, got {type(name).__name__}."
        )
    parts = [part.strip() for part in name.split("+")]
    for part in parts:
        if part not in known:
            raise ValueError(
                f"unknown {kind} features {part!r}; known names: {', '.join(known)} "
                '(join several with "+").'
            )
    if len(parts) > 1 and any(part in VECTORS for part in parts):
        raise ValueError(f"{', '.join(VECTORS)} work on vectors and cannot be joined to others.")
    made = [known[part]() for part in parts]
    return made[0] if len(made) == 1 else JoinedFeatures(made)
