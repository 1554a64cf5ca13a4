"""Text features: known answers, unknown words, groups."""

import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mmlearn.data import PairedDataset
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
    with pytest.warns(UserWarning, match="no known word"):  # zeros, not an error
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


@pytest.mark.parametrize("components", [0, 2.5, "all"])
def test_a_number_of_components_that_means_nothing_is_refused(components):
    with pytest.raises(ValueError, match="n_components must be a whole number of at least 1"):
        LSA(components).fit(TEXTS)


@pytest.mark.parametrize("components", [5, 100])
def test_lsa_keeps_the_directions_that_there_are_and_says_so(components):
    with pytest.warns(UserWarning, match="5 texts with 4 words have 4 .* LSA keeps 4") as said:
        lsa = LSA(components).fit(TEXTS)
    assert len(said) == 1
    assert (lsa.n_components_, lsa.feature_groups_) == (4, [slice(0, 4)])
    np.testing.assert_array_equal(lsa.transform(TEXTS), LSA(4).fit(TEXTS).transform(TEXTS))


def test_copies_of_a_text_add_no_direction():
    with pytest.warns(UserWarning, match="LSA keeps 2"):
        x = LSA(4).fit_transform(["red car", "blue rose", "red car", "blue rose"])
    assert x.shape == (4, 2)


@pytest.mark.parametrize("features", [BagOfWords(), TfIdf(), LSA(2)], ids=repr)
def test_where_no_word_stands_in_two_texts_all_are_kept(features):
    with pytest.warns(UserWarning, match="no word stands in two of these 2 texts: all are kept"):
        fitted = clone(features).fit(["one", "two"])
    assert fitted.vocabulary_ == ["one", "two"]


@pytest.mark.parametrize("features", [BagOfWords(3), TfIdf(3), LSA(min_df=3)], ids=repr)
def test_texts_without_a_common_word_are_explained(features):
    with pytest.raises(ValueError, match="lower min_df or give longer texts"):
        features.fit(["one", "two"])


@pytest.mark.parametrize("texts", [["", " "], ["!", "a"], []])
def test_texts_without_a_word_are_explained(texts):
    with pytest.raises(ValueError, match=rf"none of these {len(texts)} texts has a word"):
        LSA().fit(texts)


def test_a_small_set_needs_no_settings(rng):
    captions = [f"a {c} {t}" for c in ("red", "blue", "green") for t in ("car", "cup", "hat")] * 3
    pictures = rng.integers(0, 255, (27, 16, 16, 3)).astype(np.uint8)
    data = PairedDataset("own", pictures, captions, labels=[0, 1, 2] * 9)
    train, test = data.features(image="colour").split(seed=0)
    with pytest.warns(UserWarning, match="LSA keeps 5"):  # 3 colours + 3 things - 1
        assert (train.texts.shape[1], test.texts.shape[1]) == (5, 5)


# -- texts without a known word --------------------------------------------------------------


@pytest.mark.parametrize("features", [BagOfWords(), TfIdf(), LSA(2)], ids=repr)
def test_many_texts_without_a_known_word_are_counted_in_a_warning(features):
    fitted = clone(features).fit(TEXTS)
    known = ["red car"] * 18
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted.transform([*known, "zebra", "lion"])  # a tenth is no reason to worry
    with pytest.warns(UserWarning, match="known word") as said:
        fitted.transform([*known, "zebra", "lion", ""])
    assert [str(w.message) for w in said] == [
        "3 of 21 texts (14%) have no known word and are rows of zeros; lower min_df, or fit on "
        "more texts."
    ]
    assert said[0].filename == __file__


def test_parts_without_a_word_are_natural(rng):
    parts = TextParts("bow", parts=3).fit(TEXTS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parts.transform(["red", "car zebra lion", "blue"])
    with pytest.warns(UserWarning, match=r"1 of 2 texts \(50%\) have no known word"):
        parts.transform(["zebra", "car"])


# -- the rest --------------------------------------------------------------------------------


@pytest.mark.parametrize("texts", ["a single text", [1, 2]])
@pytest.mark.parametrize("features", [BagOfWords(), LSA()], ids=repr)
def test_anything_but_a_list_of_str_is_refused(features, texts):
    with pytest.raises(TypeError, match="list of str"):
        features.fit(texts)


@pytest.mark.parametrize("features", [BagOfWords(), LSA()], ids=repr)
def test_a_missing_text_is_refused_by_its_row(features):
    with pytest.raises(ValueError, match="texts are missing in row 1"):
        features.fit(["red car", None])


def test_parts_are_runs_of_words_in_order():
    parts = TextParts("bow", parts=3).fit(TEXTS)  # columns: blue, car, red, rose
    x = parts.transform(["red rose  car blue", "blue blue", "", *TEXTS, *TEXTS])
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


def test_nan_is_a_word_of_a_text_and_of_a_part_of_it():
    texts = ["nan bread", "red nan"]
    assert BagOfWords().fit(texts).transform(["nan"]).tolist() == [[1]]
    assert TextParts(BagOfWords(), parts=2).fit_transform(texts).shape == (2, 3)


@pytest.mark.parametrize(
    "texts", [pd.DataFrame({"caption": ["red car", "red rose"]}), {"red car": 1}, {"red"}, None]
)
def test_what_is_no_list_of_texts_is_called_by_its_name(texts):
    """A table gives the names of its columns, and a dict its keys, when one goes through it."""
    with pytest.raises(TypeError, match=f"list of str, one per item, got a {type(texts).__name__}"):
        BagOfWords().fit(texts)


@pytest.mark.parametrize("transformer", [BagOfWords(), LSA(), TextParts(), TfIdf()])
def test_a_generator_of_texts_is_refused_since_features_need_them_twice(transformer):
    with pytest.raises(TypeError, match=r"a generator gives its items once, .* give a list"):
        transformer.fit_transform(text for text in ["red car", "red rose"])


def test_a_global_setting_of_scikit_learn_changes_no_features():
    texts = ["red car", "red rose", "blue car"]
    expected = LSA(2, min_df=1).fit_transform(texts)
    with sklearn.config_context(transform_output="pandas"):
        found = LSA(2, min_df=1)
        np.testing.assert_array_equal(found.fit_transform(texts), expected)
        assert type(found.transform(texts)) is np.ndarray
