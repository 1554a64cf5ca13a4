"""Any scikit-learn transformer in `features`: sparse, a frame, whole numbers, or refused."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from mmlearn.classical import CCA
from mmlearn.data import PairedDataset
from mmlearn.features import LSA, Dense, JoinedFeatures, TextParts, make_text_features

CAPTIONS = [
    f"a {c} {t} {i % 4}0" for i, (c, t) in enumerate([("red", "car"), ("blue", "cup")] * 12)
]


@pytest.fixture
def data(rng):
    pictures = rng.integers(0, 255, (24, 16, 16, 3)).astype(np.uint8)
    return PairedDataset("toy", pictures, CAPTIONS, labels=[0, 1] * 12)


class Lengths:
    """No scikit-learn estimator, and `fit` returns nothing."""

    def fit(self, X):
        self.longest = max(map(len, X))

    def transform(self, X):
        return [[len(text), self.longest] for text in X]


class Refitting(TransformerMixin, BaseEstimator):
    """`fit_transform` gives something else than `fit` and `transform`."""

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def fit_transform(self, X, y=None):
        self.fit(X)
        return np.full((len(X), 2), 7)

    def transform(self, X):
        return np.array([[len(text), text.count("r")] for text in X])


def of_texts(function):
    return FunctionTransformer(lambda X: function(np.array([[len(text), 1.5] for text in X])))


FOREIGN = [
    TfidfVectorizer(),
    TfidfVectorizer(dtype=np.float32),
    CountVectorizer(),
    HashingVectorizer(n_features=8),
    make_pipeline(CountVectorizer(), TfidfTransformer()),
    make_pipeline(TfidfVectorizer(), TruncatedSVD(2), StandardScaler()),
    make_pipeline(TfidfVectorizer(), TruncatedSVD(2).set_output(transform="pandas")),
    make_union(TfidfVectorizer(), LSA(2)),
    Lengths(),
    Refitting(),
    of_texts(lambda x: x),
    of_texts(lambda x: x.astype(np.int8)),
    of_texts(lambda x: x > 12),
    of_texts(lambda x: x.astype(np.float16)),
    of_texts(lambda x: x.astype(np.longdouble)),
    of_texts(lambda x: x.astype(object)),
    of_texts(torch.tensor),
    of_texts(pd.DataFrame),
]


@pytest.mark.parametrize("transformer", FOREIGN, ids=lambda t: type(t).__name__)
def test_what_any_transformer_makes_is_a_dense_matrix(data, transformer):
    train, test = data.features(image="colour", text=transformer).split(seed=0)
    for part in (train, test):
        assert type(part.texts) is np.ndarray
        assert part.texts.dtype in (np.float32, np.float64)
        assert len(part.texts) == len(part)
    width = train.texts.shape[1]
    model = CCA(1).fit(train.images, train.texts)
    assert model.embed_texts(test.texts).shape == (len(test), 1)
    again = train.text_transformer.transform(test.captions)  # as for new texts
    np.testing.assert_allclose(model.embed_texts(again), model.embed_texts(test.texts), rtol=1e-3)
    joined = JoinedFeatures([transformer, LSA(2)]).fit(CAPTIONS)
    assert joined.transform(CAPTIONS[:2]).shape == (2, joined.feature_groups_[-1].stop)
    parts = TextParts(transformer, parts=2).fit(train.captions)
    assert parts.transform(test.captions).shape == (len(test), 3 * width)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda x: x[:, 0], r"what FunctionTransformer made must be a matrix"),
        (lambda x: x[:3], "FunctionTransformer made 3 rows of 24 items"),
        (lambda x: x * np.nan, "what FunctionTransformer made holds NaN"),
        (lambda x: x / 0, "what FunctionTransformer made holds NaN or infinite"),
        (lambda x: [["a", "b"]] * len(x), "made must be a matrix of numbers; this list does not"),
        (lambda x: x[:, :0], "what FunctionTransformer made is empty"),
    ],
)
def test_what_is_no_matrix_of_one_row_an_item_is_refused(data, make, sentence):
    chosen = data.features(image="colour", text=of_texts(make))
    with np.errstate(all="ignore"), pytest.raises((TypeError, ValueError), match=sentence):
        chosen.texts  # noqa: B018


def test_a_sparse_matrix_that_would_fill_the_memory_is_refused_first(data):
    chosen = data.features(image="colour", text=HashingVectorizer(n_features=2**26))
    with pytest.raises(ValueError, match=r"HashingVectorizer made .* takes 12 GiB when dense"):
        chosen.texts  # noqa: B018


def test_a_sparse_transformer_stands_behind_the_dense_one(data):
    fitted = data.features(image="colour", text=CountVectorizer()).text_transformer
    assert type(fitted.transform(["a red car"])) is np.ndarray
    assert fitted.transformer_.vocabulary_.keys() >= {"red", "car"}
    assert fitted.feature_groups_ == [slice(0, len(fitted.transformer_.vocabulary_))]
    assert repr(clone(fitted)) == "Dense(transformer=CountVectorizer())"


def test_a_class_and_what_cannot_transform_are_refused():
    with pytest.raises(TypeError, match=r"must be an object: write TfidfVectorizer\(\)"):
        make_text_features(TfidfVectorizer)
    with pytest.raises(TypeError, match="a scikit-learn transformer"):
        make_text_features(CAPTIONS)


def test_a_part_that_is_no_transformer_is_named():
    with pytest.raises(TypeError, match="'lsa' is no transformer: it has no fit"):
        JoinedFeatures(["lsa"]).fit(["red car", "blue car"])


def test_joined_features_and_dense_refuse_a_generator():
    for transformer in (JoinedFeatures([CountVectorizer()]), Dense(CountVectorizer())):
        with pytest.raises(TypeError, match="gives its items once"):
            transformer.fit(text for text in ["red car", "blue car"])
