"""Text features: known answers, unknown words, groups."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mmlearn.features import (
    LSA,
    BagOfWords,
    JoinedFeatures,
    TextParts,
    TfIdf,
    make_image_features,
    make_text_features,
)

TEXTS = ["red car", "red rose", "blue car", "blue rose rose", "red blue"]


@pytest.mark.parametrize(
    "features",
    [BagOfWords(), TfIdf(), LSA(2), JoinedFeatures([BagOfWords(), LSA(2)]), TextParts(LSA(2), 2)],
    ids=repr,
)
def test_contract_of_a_text_transformer(features):
    fitted = clone(features).fit(TEXTS)
    x = fitted.transform(TEXTS)
    assert isinstance(x, np.ndarray)
    assert x.dtype == np.float64
    np.testing.assert_allclose(clone(features).fit_transform(TEXTS), x, atol=1e-12)
    assert fitted.feature_groups_[-1].stop == x.shape[1]
    # Words never met give zeros, not an error.
    assert not fitted.transform(["zebra"]).any()
    assert make_pipeline(features, StandardScaler()).fit_transform(TEXTS).shape == x.shape


def test_bag_of_words_counts():
    bag = BagOfWords().fit(TEXTS)
    assert bag.vocabulary_ == ["blue", "car", "red", "rose"]
    assert bag.transform(["Rose, rose: car!"]).tolist() == [[0, 1, 0, 2]]


def test_tfidf_is_the_documented_formula():
    n = len(TEXTS)
    idf_blue, idf_rose = (1 + np.log((1 + n) / (1 + df)) for df in (3, 2))
    row = np.array([idf_blue, 0, 0, (1 + np.log(2)) * idf_rose])
    expected = row / np.linalg.norm(row)
    np.testing.assert_allclose(TfIdf().fit(TEXTS).transform(["blue rose rose"])[0], expected)


def test_lsa_is_the_svd_of_tfidf():
    weights = TfIdf().fit_transform(TEXTS)
    _, s, vt = np.linalg.svd(weights, full_matrices=False)
    x = LSA(3).fit_transform(TEXTS)
    np.testing.assert_allclose(np.linalg.norm(x, axis=0), s[:3], rtol=1e-6)
    np.testing.assert_allclose(np.abs(x), np.abs(weights @ vt[:3].T), atol=1e-6)


def test_lsa_brings_texts_together_that_share_no_word():
    texts = ["car wheel", "auto wheel", "auto engine", "car engine", "rose petal", "tulip petal"]
    lsa = LSA(2, min_df=1).fit(texts)
    car, auto, rose = lsa.transform(["car", "auto", "rose"])
    cosine = lambda a, b: a @ b / (np.linalg.norm(a) * np.linalg.norm(b) + 1e-12)  # noqa: E731
    assert cosine(car, auto) > 0.9
    assert abs(cosine(car, rose)) < 0.1


def test_lsa_is_deterministic():
    np.testing.assert_array_equal(LSA(2).fit_transform(TEXTS), LSA(2).fit_transform(TEXTS))


@pytest.mark.parametrize("components", [0, 5, 100])
def test_too_many_components_are_named(components):
    with pytest.raises(ValueError, match="5 texts with 4 words; use 1 to 4"):
        LSA(components).fit(TEXTS)


@pytest.mark.parametrize("features", [BagOfWords(), TfIdf(), LSA()], ids=repr)
def test_texts_without_a_common_word_are_explained(features):
    with pytest.raises(ValueError, match="lower min_df or give longer texts"):
        features.fit(["one", "two"])


@pytest.mark.parametrize("texts", ["a single text", [1, 2], [None]])
@pytest.mark.parametrize("features", [BagOfWords(), LSA()], ids=repr)
def test_anything_but_a_list_of_str_is_refused(features, texts):
    with pytest.raises(TypeError, match="list of str"):
        features.fit(texts)


def test_parts_are_runs_of_words_in_order():
    parts = TextParts("bow", parts=3).fit(TEXTS)  # columns: blue, car, red, rose
    x = parts.transform(["red rose  car blue", "blue blue", ""])
    assert parts.feature_groups_ == [slice(4 * i, 4 * i + 4) for i in range(4)]
    whole, *runs = x[0].reshape(4, 4).tolist()
    assert whole == [1, 1, 1, 1]
    assert runs == [[0, 0, 1, 1], [0, 1, 0, 0], [1, 0, 0, 0]]  # two words, one, one
    assert x[1].reshape(4, 4)[:, 0].tolist() == [2, 1, 1, 0]  # too short: the last part is empty
    assert not x[2].any()


def test_parts_of_a_text_live_in_the_space_of_whole_texts():
    parts = TextParts(LSA(2), parts=2).fit(TEXTS)
    x = parts.transform(["red car blue rose"])
    alone = LSA(2).fit(TEXTS).transform(["red car blue rose", "red car", "blue rose"])
    np.testing.assert_allclose(x.reshape(3, 2), alone, atol=1e-12)


class Ones(LSA):
    """Features that make something of nothing."""

    def transform(self, X):
        return np.ones((len(X), self.n_components))


def test_an_empty_part_is_zero_whatever_the_features_make_of_it():
    x = TextParts(Ones(2), parts=3).fit(TEXTS).transform(["red", "red car", " "])
    assert x.reshape(3, 4, 2)[..., 0].tolist() == [[1, 1, 0, 0], [1, 1, 1, 0], [0, 0, 0, 0]]


@pytest.mark.parametrize("parts", [0, 101, 2.0, True])
def test_a_wrong_number_of_parts_is_refused(parts):
    with pytest.raises(ValueError, match="parts must be a whole number from 1 to 100"):
        TextParts(parts=parts).fit(TEXTS)


def test_names_make_transformers():
    assert isinstance(make_text_features("lsa"), LSA)
    assert isinstance(make_text_features("tfidf"), TfIdf)
    joined = make_text_features("bow + lsa")
    assert [type(t) for t in joined.transformers] == [BagOfWords, LSA]
    assert isinstance(make_text_features("lsa_parts"), TextParts)
    assert make_text_features(None) is None
    own = TfIdf(min_df=1)
    assert make_text_features(own) is own


@pytest.mark.parametrize("make", [make_image_features, make_text_features])
def test_unknown_names_get_the_known_ones(make):
    with pytest.raises(ValueError, match=r"unknown .* features 'nope'; known names: "):
        make("nope")
    with pytest.raises(ValueError, match="known names"):
        make("")
    with pytest.raises(TypeError, match="must be a name"):
        make(3)


def test_joining_nothing_is_an_error():
    with pytest.raises(ValueError, match="at least one transformer"):
        JoinedFeatures([]).fit(TEXTS)
