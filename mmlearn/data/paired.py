"""Image-text pairs with their labels, and features that are fitted on the training part only."""

import base64
import dataclasses
import html
import io
from dataclasses import dataclass, field

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import train_test_split

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
)


@dataclass(eq=False, repr=False)
class PairedDataset:
    """n pictures, each with its text, and what is known of them.

    Parameters
    ----------
    name : str
    pictures : uint8 array (n, height, width, 3); None where only `image_vectors` are known
    captions : list of n str, the raw texts; None where only `text_vectors` are known
    image_vectors, text_vectors : float arrays (n, d), features that came with the data; or None.
        They are `images` and `texts` until :meth:`features` chooses others.
    titles : list of n str, short names for figures; the captions if not given
    labels : int array (n,), indices into `label_names`; or None
    label_names : list of str
    sublabels, sublabel_names : a second, finer set of labels; or None
    tags, tag_names : bool array (n, t) of tags that items may share; or None
    times : float array (n,), e.g. years; or None
    glyphs : list of n str, the items as characters; or None
    folds : list of n str, "train" or "test", the split that came with the data; or None
    licence, source : str, who must be named and where the data comes from

    Raises
    ------
    ValueError, TypeError
        If lengths differ, pictures are no uint8 RGB, a side has neither raw items nor vectors,
        or labels do not fit their names.

    Examples
    --------
    >>> pictures = np.zeros((4, 8, 8, 3), dtype=np.uint8)
    >>> data = PairedDataset("toy", pictures, ["a", "b", "c", "d"], labels=[0, 0, 1, 1])
    >>> train, test = data.split(test_size=0.5, seed=0)
    >>> len(train), sorted(test.labels.tolist())
    (2, [0, 1])
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
            self.captions = _check_strings(self.captions, "captions")
        self.image_vectors = _check_vectors(self.image_vectors, "image_vectors")
        self.text_vectors = _check_vectors(self.text_vectors, "text_vectors")
        n, of_what = self._count_items()
        if self.titles is None:
            self.titles = self.captions or [f"{self.name} {i}" for i in range(n)]
        self.titles = _check_strings(self.titles, "titles")
        if self.glyphs is not None:
            self.glyphs = _check_strings(self.glyphs, "glyphs")
        self.labels, self.label_names = _check_classes(self.labels, self.label_names, "label")
        self.sublabels, self.sublabel_names = _check_classes(
            self.sublabels, self.sublabel_names, "sublabel"
        )
        self.tags, self.tag_names = _check_tags(self.tags, self.tag_names)
        self.times = _check_times(self.times)
        self.folds = _check_folds(self.folds)
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

        Returns
        -------
        PairedDataset

        Raises
        ------
        ValueError
            For an unknown name, with the list of the known ones; or if the dataset has no raw
            pictures or texts to compute features of.
        """
        from mmlearn.features import make_image_features, make_text_features

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

    # -- split ---------------------------------------------------------------------------------

    def split(self, test_size=0.25, seed=0, stratify=True):
        """Split into a training and a test part, both shuffled.

        Parameters
        ----------
        test_size : float in (0, 1), the share of items; or int, their number
        seed : int; the same seed always gives the same split
        stratify : bool; True keeps the share of every label the same in both parts

        Returns
        -------
        train, test : PairedDataset
            Features are fitted on `train` when first read, and `test` uses the same fit.

        Raises
        ------
        ValueError
            If `test_size` leaves a part empty, or a label is too rare to be in both parts.
        """
        n_test = self._count_test(test_size)
        classes = self._classes_to_keep(n_test) if stratify else None
        rows = train_test_split(
            np.arange(len(self)), test_size=n_test, random_state=seed, stratify=classes
        )
        return self._part(*rows)

    def official_split(self):
        """The training and the test part that came with the data, each in its own order.

        Use :meth:`split` on the training part to choose settings, and leave the test part alone
        until the end.

        Returns
        -------
        train, test : PairedDataset
            Features are fitted on `train` when first read, and `test` uses the same fit.

        Raises
        ------
        ValueError
            If the data came without a split, or these items are all of one part.
        """
        if self.folds is None or set(self.folds) != {"train", "test"}:
            why = "came without a split" if self.folds is None else "holds one part of its split"
            raise ValueError(f"{self.name} {why}; use split() instead.")
        in_test = np.array(self.folds) == "test"
        return self._part(np.flatnonzero(~in_test), np.flatnonzero(in_test))

    def temporal_split(self, start):
        """Train on what lies before the time `start`, test on what comes from then on.

        Parameters
        ----------
        start : float, in the units of `times`, such as the first year of the test part

        Returns
        -------
        train, test : PairedDataset, each in its own order
            Features are fitted on `train` when first read, and `test` uses the same fit.

        Raises
        ------
        ValueError
            If the items have no times, or all lie on one side of `start`.
        """
        if self.times is None:
            raise ValueError(f"{self.name} has no times to split by; use split() instead.")
        later = self.times >= start
        if later.all() or not later.any():
            raise ValueError(
                f"start must leave items before and after it: the times run from "
                f"{self.times.min():g} to {self.times.max():g}, got {start!r}."
            )
        return self._part(np.flatnonzero(~later), np.flatnonzero(later))

    def _part(self, train_rows, test_rows):
        """Two subsets whose features are fitted on the first."""
        train, test = self._take(train_rows), self._take(test_rows)
        image, text = (f and f.transformer for f in (self._image_features, self._text_features))
        train._with_features(image, text)
        test._image_features, test._text_features = train._image_features, train._text_features
        return train, test

    def _count_test(self, test_size):
        n = len(self)
        whole = isinstance(test_size, int | np.integer) and not isinstance(test_size, bool)
        share = isinstance(test_size, float | np.floating) and 0 < test_size < 1
        count = int(test_size) if whole else int(np.ceil(n * test_size)) if share else 0
        if not 0 < count < n:
            raise ValueError(
                f"test_size must be a share between 0 and 1 or a number of items from 1 to "
                f"{n - 1}, got {test_size!r}."
            )
        return count

    def _classes_to_keep(self, n_test):
        if self.labels is None:
            raise ValueError(f"{self.name} has no labels to stratify by; use stratify=False.")
        values, counts = np.unique(self.labels, return_counts=True)
        if counts.min() < 2:
            rare = self.label_names[values[counts.argmin()]]
            raise ValueError(
                f"label {rare!r} has a single item, which cannot be in both parts; "
                "drop it or use stratify=False."
            )
        if min(n_test, len(self) - n_test) < len(values):
            raise ValueError(
                f"{n_test} test items of {len(self)} leave a part with fewer items than the "
                f"{len(values)} labels; change test_size or use stratify=False."
            )
        return self.labels

    # -- looking at it -------------------------------------------------------------------------

    def show(self, n=8):
        """A matplotlib figure of `n` pairs, spread evenly over the dataset."""
        from mmlearn.plotting import show_pairs

        if self.pictures is None:
            raise ValueError(f"{self.name} has no pictures to show, only image vectors.")
        if n < 1:
            raise ValueError(f"n must be at least 1, got {n}.")
        return show_pairs(self, self._spread(n))

    def _spread(self, n):
        return np.unique(np.linspace(0, len(self) - 1, min(n, len(self))).round().astype(int))

    def __repr__(self):
        parts = [f"{self.name!r}, {len(self)} pairs"]
        if self.pictures is not None:
            parts.append("pictures {}×{}".format(*self.pictures.shape[1:3]))
        for what in ("image_vectors", "text_vectors"):
            if getattr(self, what) is not None:
                parts.append(f"{what.replace('_', ' ')} {getattr(self, what).shape[1]}-d")
        if self.labels is not None:
            parts.append(f"{len(self.label_names)} labels")
        for what, features in (("images", self._image_features), ("texts", self._text_features)):
            if features is not None:
                parts.append(f"{what}={features.transformer}")
        return f"PairedDataset({', '.join(parts)})"

    def _repr_html_(self):
        rows = "".join(self._html_row(i) for i in self._spread(4))
        picture = "" if self.pictures is None else "<th>picture</th>"
        return (
            f"<p><b>{html.escape(self.name)}</b>: {len(self):,} image-text pairs</p>"
            f"<table><tr>{picture}<th>text</th><th>label</th></tr>{rows}</table>"
            f"<p><small>{html.escape(self.licence)}</small></p>"
        )

    def _html_row(self, i):
        label = "" if self.labels is None else self.label_names[self.labels[i]]
        text = (self.captions or self.titles)[i]
        text = text if len(text) <= 200 else text[:199] + "…"
        picture = "" if self.pictures is None else f"<td>{self._html_picture(i)}</td>"
        return f"<tr>{picture}<td>{html.escape(text)}</td><td>{html.escape(label)}</td></tr>"

    def _html_picture(self, i):
        alt = html.escape(self.titles[i], quote=True)
        return f'<img width="48" height="48" alt="{alt}" src="{_data_uri(self.pictures[i])}">'


class _Fitted:
    """A transformer, and the raw rows that it is fitted on the first time it is needed."""

    def __init__(self, transformer, raw):
        self.transformer = transformer  # never fitted itself, so that a split can start afresh
        self._raw = raw
        self._done = None

    def fitted(self):
        if self._done is None:
            self._done = clone(self.transformer).fit(self._raw)
            self._raw = None
        return self._done

    def transform(self, raw):
        return self.fitted().transform(raw)


def check_pictures(pictures):
    """Check that pictures are uint8 (n, height, width, 3) and return them as an array."""
    pictures = np.asarray(pictures)
    if pictures.dtype != np.uint8 or pictures.ndim != 4 or pictures.shape[3] != 3:
        raise ValueError(
            "pictures must be a uint8 array of shape (n, height, width, 3), "
            f"got {pictures.dtype} {pictures.shape}."
        )
    return pictures


def _check_strings(values, name):
    if isinstance(values, str) or not all(isinstance(value, str) for value in values):
        raise TypeError(f"{name} must be a list of str, one per picture.")
    return list(values)


def _check_vectors(vectors, name):
    if vectors is None:
        return None
    vectors = np.asarray(vectors)
    if vectors.dtype.kind != "f" or vectors.ndim != 2 or not np.isfinite(vectors).all():
        raise ValueError(
            f"{name} must be a finite float array of shape (n, d), "
            f"got {vectors.dtype} {vectors.shape}."
        )
    return vectors


def _check_times(times):
    if times is None:
        return None
    times = np.asarray(times, dtype=float)
    if times.ndim != 1 or not np.isfinite(times).all():
        raise ValueError(
            f"times must be finite numbers of shape (n,), one per item, got shape {times.shape}; "
            "drop the items whose time is not known."
        )
    return times


def _check_folds(folds):
    if folds is not None and not set(folds) <= {"train", "test"}:
        raise ValueError('folds must be a list of "train" and "test", one per item.')
    return None if folds is None else list(folds)


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


def _check_classes(labels, names, name):
    if labels is None:
        return None, names
    labels = np.asarray(labels)
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise TypeError(f"{name}s must be a 1-D array of ints, got {labels.dtype} {labels.shape}.")
    names = [str(i) for i in range(labels.max() + 1)] if names is None else list(names)
    if labels.min() < 0 or labels.max() >= len(names):
        raise ValueError(
            f"{name}s must be indices into the {len(names)} {name}_names, "
            f"got values from {labels.min()} to {labels.max()}."
        )
    return labels, names


def _check_tags(tags, names):
    if tags is None:
        return None, names
    tags = np.asarray(tags).astype(bool)
    names = [str(i) for i in range(tags.shape[-1])] if names is None else list(names)
    if tags.ndim != 2 or tags.shape[1] != len(names):
        raise ValueError(
            f"tags must have shape (n, {len(names)}), one column per tag name, got {tags.shape}."
        )
    return tags, names


def _data_uri(picture, size=48):
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(picture).resize((size, size)).save(out, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()
