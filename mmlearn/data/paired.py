"""Image-text pairs with their labels, and features that are fitted on the training part only."""

import dataclasses
from dataclasses import dataclass, field

import numpy as np

from mmlearn.data.checks import (
    check_classes,
    check_folds,
    check_groups,
    check_tags,
    check_times,
    check_vectors,
)
from mmlearn.data.display import Display
from mmlearn.data.splits import Splits
from mmlearn.features import check_pictures, make_image_features, make_text_features
from mmlearn.features.matrices import fit_dense, transformed
from mmlearn.labels import check_strings

__all__ = ["PairedDataset"]

PER_ITEM = (
    "pictures",
    "captions",
    "image_vectors",
    "text_vectors",
    "titles",
    "labels",
    "sublabels",
    "tags",
    "times",
    "glyphs",
    "folds",
    "groups",
)


@dataclass(eq=False, repr=False)
class PairedDataset(Splits, Display):
    """n pictures, each with its text, and what is known of them.

    Parameters
    ----------
    name : str
    pictures : uint8 array (n, height, width, 3); or files, PIL images and arrays of any kinds and
        sizes, see :func:`to_pictures`; None where only `image_vectors` are known
    captions : list of n str, the raw texts; None where only `text_vectors` are known
    image_vectors, text_vectors : float arrays (n, d), features that came with the data; or None.
        They are `images` and `texts` until :meth:`features` chooses others.
    titles : list of n str, short names for figures; the captions if not given
    labels : int array (n,), indices into `label_names`; or the classes themselves, n str; or None
    label_names : list of str; the sorted classes, or numbers for indices, if not given
    sublabels, sublabel_names : a second, finer set of labels; or None
    tags, tag_names : bool array (n, t) of tags that items may share; or n lists or sets of tag
        names; or None
    times : float array (n,), e.g. years; or None
    glyphs : list of n str, the items as characters; or None
    folds : list of n str, "train" or "test", the split that came with the data; or None
    groups : array (n,) of whole numbers or str; items of one group share a picture, as several
        captions of a photo do, and :meth:`split` keeps them on one side; or None
    licence, source : str, who must be named and where the data comes from

    Raises
    ------
    ValueError, TypeError
        If lengths differ, something is missing (None, NaN, ...: the rows are named), a picture
        cannot be read, a side has neither raw items nor vectors, or labels do not fit their names.

    Examples
    --------
    >>> pictures = np.zeros((4, 8, 8, 3), dtype=np.uint8)
    >>> data = PairedDataset("toy", pictures, ["a", "b", "c", "d"], labels=[0, 0, 1, 1])
    >>> train, test = data.split(test_size=0.5, seed=0)
    >>> len(train), sorted(test.labels.tolist())
    (2, [0, 1])
    >>> data = PairedDataset("toy", pictures, list("abcd"), labels=["cow", "cow", "ox", "ox"])
    >>> data.label_names, data.labels.tolist()
    (['cow', 'ox'], [0, 0, 1, 1])
    """

    name: str
    pictures: np.ndarray | None
    captions: list | None
    image_vectors: np.ndarray | None = None
    text_vectors: np.ndarray | None = None
    titles: list | None = None
    labels: np.ndarray | None = None
    label_names: list | None = None
    sublabels: np.ndarray | None = None
    sublabel_names: list | None = None
    tags: np.ndarray | None = None
    tag_names: list | None = None
    times: np.ndarray | None = None
    glyphs: list | None = None
    folds: list | None = None
    groups: np.ndarray | None = None
    licence: str = ""
    source: str = ""
    # How pictures and captions become vectors, and the vectors once somebody has read them.
    _image_features: object = field(default=None, init=False)
    _text_features: object = field(default=None, init=False)
    _computed: dict = field(default_factory=dict, init=False)

    def __post_init__(self):
        if self.pictures is not None:
            self.pictures = check_pictures(self.pictures)
        if self.captions is not None:
            self.captions = check_strings(self.captions, "captions")
        self.image_vectors = check_vectors(self.image_vectors, "image_vectors")
        self.text_vectors = check_vectors(self.text_vectors, "text_vectors")
        n, of_what = self._count_items()
        if self.titles is None:
            self.titles = self.captions or [f"{self.name} {i}" for i in range(n)]
        self.titles = check_strings(self.titles, "titles")
        if self.glyphs is not None:
            self.glyphs = check_strings(self.glyphs, "glyphs")
        self.labels, self.label_names = check_classes(self.labels, self.label_names, "label")
        self.sublabels, self.sublabel_names = check_classes(
            self.sublabels, self.sublabel_names, "sublabel"
        )
        self.tags, self.tag_names = check_tags(self.tags, self.tag_names)
        self.times = check_times(self.times)
        self.folds = check_folds(self.folds)
        self.groups = check_groups(self.groups)
        for key in PER_ITEM:
            value = getattr(self, key)
            if value is not None and len(value) != n:
                raise ValueError(
                    f"{key} must have one entry per {of_what}: got {len(value)} for {n} {of_what}s."
                )

    def _count_items(self):
        """How many items the image side has, and what they are called in a message."""
        if self.pictures is None and self.image_vectors is None:
            raise ValueError("a dataset needs pictures or image_vectors.")
        if self.captions is None and self.text_vectors is None:
            raise ValueError("a dataset needs captions or text_vectors.")
        items, of_what = (
            (self.image_vectors, "image vector")
            if self.pictures is None
            else (self.pictures, "picture")
        )
        if len(items) == 0:
            raise ValueError("a dataset needs at least one pair.")
        return len(items), of_what

    def __len__(self):
        return len(self.titles)

    def __getitem__(self, indices):
        """The items at `indices` (ints, slice or bool mask), with this dataset's features."""
        subset = self._take(indices)
        subset._image_features, subset._text_features = self._image_features, self._text_features
        return subset

    def _take(self, indices):
        rows = np.atleast_1d(np.arange(len(self))[indices])
        if len(rows) == 0:
            raise ValueError(f"these indices pick none of the {len(self)} items.")
        return dataclasses.replace(self, **{key: self._rows(key, rows) for key in PER_ITEM})

    def _rows(self, key, rows):
        value = getattr(self, key)
        if isinstance(value, list):
            return [value[i] for i in rows]
        return None if value is None else value[rows]

    # -- features ------------------------------------------------------------------------------

    def features(self, image="cnn", text="lsa"):
        """A copy whose `images` and `texts` are vectors.

        Nothing is computed until they are read. After :meth:`split`, what has to be learned (a
        vocabulary, an SVD) is fitted on the training part alone and applied to both parts;
        without a split it is fitted on all rows.

        Parameters
        ----------
        image : "colour", "hog", "cnn", "cnn_parts", several joined with "+", a scikit-learn
            transformer of uint8 pictures (n, h, w, 3), or None for the `image_vectors` that came
            with the data or, without such, the raw pictures; "sqrt" or "log" of the vectors
        text : "bow", "tfidf", "lsa", "lsa_parts", several joined with "+", a scikit-learn
            transformer of lists of str, or None for the `text_vectors` that came with the data
            or, without such, the raw captions; "sqrt" or "log" of the vectors

        A scikit-learn transformer, or a pipeline of several, may make a sparse matrix (up to 4 GiB
        when dense), a DataFrame or whole numbers: `images` and `texts` are dense arrays, float32
        or float64, and its columns are one group unless it has `feature_groups_`. It is fitted by
        `fit`, and both parts of a split go through `transform`. A sparse one stands behind
        `text_transformer` in a `Dense`, which has it as `transformer_`.

        Returns
        -------
        PairedDataset

        Raises
        ------
        ValueError
            For an unknown name, with the list of the known ones; if the dataset has no raw
            pictures or texts to compute features of; or, when they are read, if a transformer
            makes no finite matrix of one row an item.
        """
        image, text = make_image_features(image), make_text_features(text)
        return dataclasses.replace(self)._with_features(image, text)

    def _with_features(self, image, text):
        if image is not None:
            raw = _raw(self.name, "image", image, self.pictures, self.image_vectors)
            self._image_features = _Fitted(image, raw)
        if text is not None:
            raw = _raw(self.name, "text", text, self.captions, self.text_vectors)
            self._text_features = _Fitted(text, raw)
        return self

    @property
    def images(self):
        """Features (n, d_x) if :meth:`features` chose some, else `image_vectors` or pictures."""
        return self._represent("images", self._image_features, self.pictures, self.image_vectors)

    @property
    def texts(self):
        """Features (n, d_y) if :meth:`features` chose some, else `text_vectors` or captions."""
        return self._represent("texts", self._text_features, self.captions, self.text_vectors)

    def _represent(self, key, features, raw, vectors):
        if features is None:
            return raw if vectors is None else vectors
        if key not in self._computed:
            of_vectors = getattr(features.transformer, "of_vectors", False)
            self._computed[key] = features.transform(vectors if of_vectors else raw)
        return self._computed[key]

    @property
    def image_transformer(self):
        """The fitted transformer behind `images` (new pictures, `feature_groups_`), or None."""
        return None if self._image_features is None else self._image_features.fitted()

    @property
    def text_transformer(self):
        """The fitted transformer behind `texts` (for new queries), or None."""
        return None if self._text_features is None else self._text_features.fitted()

    def _part(self, train_rows, test_rows):
        """Two subsets whose features are fitted on the first."""
        train, test = self._take(train_rows), self._take(test_rows)
        image, text = (f and f.transformer for f in (self._image_features, self._text_features))
        train._with_features(image, text)
        test._image_features, test._text_features = train._image_features, train._text_features
        return train, test


class _Fitted:
    """A transformer, and the raw rows that it is fitted on the first time it is needed."""

    def __init__(self, transformer, raw):
        self.transformer = transformer  # never fitted itself, so that a split can start afresh
        self._raw = raw
        self._done = None

    def fitted(self):
        if self._done is None:
            self._done = fit_dense(self.transformer, self._raw)
            self._raw = None
        return self._done

    def transform(self, raw):
        return transformed(self.fitted(), raw)


def _raw(name, kind, transformer, raw, vectors):
    """What a transformer works on: the pictures or texts, or the vectors if it is made for them."""
    if getattr(transformer, "of_vectors", False):
        if vectors is None:
            raise ValueError(
                f"{name} has no {kind} vectors, which {transformer} works on; name features of its "
                f"{'pictures' if kind == 'image' else 'texts'} instead."
            )
        return vectors
    if raw is None:
        raise ValueError(
            f"{name} has no {'pictures' if kind == 'image' else 'texts'} here, only {kind} vectors "
            f"of {vectors.shape[1]} numbers: use features({kind}=None) to work with those."
        )
    return raw
