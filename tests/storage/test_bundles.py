"""A model saved with its features takes new raw pictures and texts; what a file may hold."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sklearn.decomposition import NMF, PCA, TruncatedSVD
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    StandardScaler,
)
from torch import nn

import mmlearn
from mmlearn.classical import CCA, SM
from mmlearn.data import PairedDataset
from mmlearn.deep import InfoNCE
from mmlearn.features import LSA, CNNFeatures, JoinedFeatures, TextParts
from mmlearn.registry import PARTS, SCIKIT_LEARN

FORMAT_2 = Path(__file__).parent / "format_2"
WORDS = ("red", "blue", "green", "fruit", "car", "cup", "hat")


@pytest.fixture
def data(rng):
    captions = [" ".join(rng.choice(WORDS, size=4)) + f" café {i % 3}0" for i in range(32)]
    pictures = rng.integers(0, 255, (32, 40, 40, 3)).astype(np.uint8)
    vectors = rng.random((32, 4))
    return PairedDataset("toy", pictures, captions, vectors, vectors, labels=[0, 1] * 16)


def saved(value, tmp_path):
    mmlearn.save(value, tmp_path / "saved")
    return mmlearn.load(tmp_path / "saved")


IMAGE = ["colour", "hog", "cnn", "cnn_parts", "colour + hog", "sqrt", "log"]
TEXT = ["bow", "tfidf", "lsa", "lsa_parts", "bow+tfidf + lsa", "sqrt", "log"]


@pytest.mark.parametrize(("image", "text"), list(zip(IMAGE, TEXT, strict=True)))
@pytest.mark.filterwarnings("ignore:.*LSA keeps")
def test_a_saved_bundle_takes_new_raw_pictures_and_texts(data, tmp_path, image, text):
    train, test = data.features(image=image, text=text).split(seed=0)
    model = CCA(2).fit(train.images, train.texts)
    whole = {"model": model, "image": train.image_transformer, "text": train.text_transformer}
    again = saved(whole, tmp_path)
    assert list(again) == ["model", "image", "text"]
    raw = (test.image_vectors, test.text_vectors)
    raw = raw if image in ("sqrt", "log") else (test.pictures, ["red fruit", *test.captions])
    for bundle in (whole, again):
        bundle["z"] = (
            bundle["model"].embed_images(bundle["image"].transform(raw[0])),
            bundle["model"].embed_texts(bundle["text"].transform(raw[1])),
        )
    for z, expected in zip(again["z"], whole["z"], strict=True):
        np.testing.assert_array_equal(z, expected)
    for side in ("image", "text"):
        assert repr(again[side]) == repr(whole[side])
        assert again[side].feature_groups_ == whole[side].feature_groups_


def test_a_transformer_alone_is_saved_and_can_be_fitted_again(data, tmp_path):
    lsa = LSA(2, min_df=1).fit(data.captions)
    again = saved(lsa, tmp_path)
    assert again.vocabulary_ == lsa.vocabulary_
    np.testing.assert_array_equal(again.transform(data.captions), lsa.transform(data.captions))
    np.testing.assert_array_equal(
        again.fit_transform(data.captions[:9]), lsa.fit_transform(data.captions[:9])
    )


FOREIGN = [
    CountVectorizer(ngram_range=(1, 2), max_features=9),
    CountVectorizer(dtype=np.int32, vocabulary=["red", "car"], stop_words="english"),
    TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 3), dtype=np.float32),
    TfidfVectorizer(use_idf=False, stop_words=["red"]),
    HashingVectorizer(n_features=16),
    make_pipeline(CountVectorizer(), TfidfTransformer(sublinear_tf=True), Normalizer("l1")),
    make_pipeline(TfidfVectorizer(), TruncatedSVD(3, random_state=0), StandardScaler()),
    make_pipeline(TfidfVectorizer(), TruncatedSVD(3), PCA(2, whiten=True), MinMaxScaler()),
    make_pipeline(CountVectorizer(), MaxAbsScaler(), NMF(2, random_state=0, max_iter=500)),
    make_union(TfidfVectorizer(), LSA(2)),
    JoinedFeatures([TfidfVectorizer(), LSA(2)]),
    TextParts(TfidfVectorizer(), parts=2),
]


@pytest.mark.parametrize("transformer", FOREIGN, ids=lambda t: type(t).__name__)
def test_scikit_learns_usual_transformers_are_saved(data, tmp_path, transformer):
    train, test = data.features(image="colour", text=transformer).split(seed=0)
    fitted = train.text_transformer
    again = saved({"text": fitted}, tmp_path)["text"]
    assert repr(again.get_params()) == repr(fitted.get_params())
    made, expected = (t.transform(test.captions) for t in (again, fitted))
    assert made.dtype == expected.dtype
    np.testing.assert_array_equal(made, expected)


def test_a_pipeline_of_pictures_is_saved(data, tmp_path):
    scaled = make_pipeline(CNNFeatures(), PCA(5, random_state=0).set_output(transform="pandas"))
    train, test = data.features(image=scaled, text=None).split(seed=0)
    again = saved(train.image_transformer, tmp_path)
    np.testing.assert_array_equal(again.transform(test.pictures), test.images)
    assert type(again.transform(test.pictures)).__name__ == "DataFrame"


def test_a_bundle_holds_arrays_names_and_settings_as_well(tmp_path, rng):
    x = rng.normal(size=(20, 3))
    frame = np.array(["a", "b"], dtype=object)
    bundle = {"models": [CCA(1).fit(x, x), SM().fit(x, x, np.arange(20) % 2)]}
    bundle |= {"names": frame, "shape": (1, 2), "rate": 0.1, "none": None, "x": x, "a.b": {"c": x}}
    again = saved(bundle, tmp_path)
    assert list(again) == list(bundle)
    assert again["names"].tolist() == ["a", "b"]
    assert (again["shape"], again["rate"], again["none"]) == ((1, 2), 0.1, None)
    np.testing.assert_array_equal(again["a.b"]["c"], x)
    for model, expected in zip(again["models"], bundle["models"], strict=True):
        np.testing.assert_array_equal(model.embed_images(x), expected.embed_images(x))


def test_encoders_of_ones_own_are_given_again_for_a_bundle(data, tmp_path):
    train, test = data.features(image="colour", text="bow").split(seed=0)
    width = train.images.shape[1]
    encoder = nn.Linear(width, 2)
    model = InfoNCE(2, image_encoder=encoder, hidden=4, epochs=1, device="cpu")
    model.fit(train.images, train.texts)
    mmlearn.save({"model": model, "text": train.text_transformer}, tmp_path / "both")
    with pytest.raises(ValueError, match=r"pass them again: load\(path, image_encoder=...\)"):
        mmlearn.load(tmp_path / "both")
    with pytest.raises(ValueError, match="the encoders given are not those"):
        mmlearn.load(tmp_path / "both", image_encoder=nn.Linear(width, 5))
    again = mmlearn.load(tmp_path / "both", image_encoder=nn.Linear(width, 2))
    np.testing.assert_array_equal(
        again["model"].embed_texts(again["text"].transform(test.captions)),
        model.embed_texts(test.texts),
    )


# -- what cannot be saved --------------------------------------------------------------------


def tokens(text):
    return text.split()


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (
            CountVectorizer(tokenizer=tokens, token_pattern=None),
            r"model\['x'\].tokenizer is a func",
        ),
        (CountVectorizer(analyzer=tokens), r"model\['x'\].analyzer is a function"),
        (FunctionTransformer(tokens), r"\['x'\] is a sklearn.preprocessing._function_transformer"),
        (nn.Linear(2, 2), r"model\['x'\] is a torch.nn.modules.linear.Linear"),
        ({1, 2}, r"model\['x'\] is a builtins.set"),
        (tokens, r"model\['x'\] is a function"),
        (np.array([None]), r"model\['x'\] is an array of object"),
    ],
)
def test_what_cannot_be_saved_is_named(tmp_path, value, sentence):
    if hasattr(value, "fit"):
        value.fit(["red car"])
    with pytest.raises(ValueError, match=f"{sentence}.*cannot be saved: only methods and features"):
        mmlearn.save({"x": value}, tmp_path / "saved")
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_fitted_or_nothing_of_ours_is_refused(tmp_path):
    with pytest.raises(NotFittedError):
        mmlearn.save({"text": [LSA()]}, tmp_path / "saved")
    for value in (3, "model", None, np.zeros(3)):
        with pytest.raises(TypeError, match="save takes a fitted method or transformer, or a dict"):
            mmlearn.save(value, tmp_path / "saved")


# -- files of others -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cca", [-1.0939206193162874, 0.6356146184107389]),
        ("infonce", [-0.0007205009460449219, -0.02525418996810913]),
    ],
)
def test_a_file_of_format_2_is_still_read(name, expected):
    rng = np.random.default_rng(0)
    _, y = rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
    model = mmlearn.load(FORMAT_2 / f"{name}.safetensors")
    np.testing.assert_allclose(model.embed_texts(y[:1])[0], expected, rtol=1e-4)


def test_no_two_classes_of_a_file_share_a_name_or_a_place():
    names = [*PARTS, *SCIKIT_LEARN, *(m.name for m in mmlearn.methods(timed=True, pairs=True))]
    assert len(names) == len(set(names))


def nested(depth):
    value = 0
    for _ in range(depth):
        value = [value]
    return value


OBJECT = {"$object": "cca", "state": {}, "own_encoders": []}
HOSTILE = [
    [],
    "text",
    {},
    {"format": 3},
    {"format": [3], "model": None},
    {"format": 3, "model": {}},
    {"format": 3, "model": {"$eval": "1"}},
    {"format": 3, "model": {"$array": "nothing"}},
    {"format": 3, "model": {"$array": ["x"]}},
    {"format": 3, "model": {"$dict": [[1]]}},
    {"format": 3, "model": {"$dict": [[{"$dict": []}, 1]]}},
    {"format": 3, "model": {"$slice": [1, 2, 3, 4]}},
    {"format": 3, "model": {"$tuple": 3}},
    {"format": 3, "model": {"$dtype": "os.system"}},
    {"format": 3, "model": {**OBJECT, "state": [1]}},
    {"format": 3, "model": {"$object": "cca"}},
    {"format": 3, "model": {"$object": ["cca"], "state": {}, "own_encoders": []}},
    {"format": 3, "model": {"$estimator": "cca", "params": {}, "fitted": {}}},
    {"format": 3, "model": {"$estimator": "os:system", "params": {}, "fitted": {}}},
    {"format": 3, "model": {"$estimator": "pipeline", "params": {}, "fitted": {}}},
    {"format": 3, "model": {"$estimator": "pca", "params": 3, "fitted": {}}},
    {"format": 3, "model": {
        "$object": "infonce", "state": {"module_": {"$module": "x"}, "hidden": "ten"},
        "own_encoders": [],
    }},
]  # fmt: skip


@pytest.mark.parametrize("description", HOSTILE, ids=range(len(HOSTILE)))
def test_a_description_that_makes_no_sense_gets_one_sentence(tmp_path, description):
    save_file({"x": torch.zeros(1)}, tmp_path / "a", metadata={"mmlearn": json.dumps(description)})
    with pytest.raises(ValueError, match=r"damaged or no saved method|has format|the file names"):
        mmlearn.load(tmp_path / "a")


@pytest.mark.parametrize("text", ["{", "", "[" * 100_000, json.dumps(nested(500))])
def test_a_description_that_is_no_json_or_too_deep_gets_one_sentence(tmp_path, text):
    save_file({"x": torch.zeros(1)}, tmp_path / "a", metadata={"mmlearn": text})
    with pytest.raises(ValueError, match="a is damaged or no saved method"):
        mmlearn.load(tmp_path / "a")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\xff" * 100, b"\x80\x04K\x01."])
def test_what_is_no_safetensors_file_gets_one_sentence(tmp_path, content):
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(ValueError, match="a is damaged or no saved method"):
        mmlearn.load(tmp_path / "a")


def test_a_file_cut_anywhere_gets_one_sentence(tmp_path):
    whole = (FORMAT_2 / "cca.safetensors").read_bytes()
    for length in range(0, len(whole), 97):
        (tmp_path / "a").write_bytes(whole[:length])
        with pytest.raises(ValueError, match="a is damaged or no saved method"):
            mmlearn.load(tmp_path / "a")


def test_a_pipeline_from_a_file_has_no_cache_of_pickles(tmp_path):
    pipeline = make_pipeline(CountVectorizer(), memory=str(tmp_path / "pickles")).fit(["red car"])
    assert saved(pipeline, tmp_path).memory is None
    params = {"steps": [{"$tuple": ["a", "passthrough"]}], "memory": str(tmp_path / "pickles")}
    model = {"$estimator": "pipeline", "params": params, "fitted": {"transform": 1, "memory": "x"}}
    description = {"format": 3, "model": model}
    save_file({"x": torch.zeros(1)}, tmp_path / "a", metadata={"mmlearn": json.dumps(description)})
    again = mmlearn.load(tmp_path / "a")
    assert again.memory is None
    assert "transform" not in vars(again)


def test_settings_of_another_version_are_left_out(tmp_path):
    params = {"n_components": 1, "long_gone": 3}
    model = {"$estimator": "truncated_svd", "params": params, "fitted": {}}
    description = {"format": 3, "model": model}
    save_file({"x": torch.zeros(1)}, tmp_path / "a", metadata={"mmlearn": json.dumps(description)})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert mmlearn.load(tmp_path / "a").n_components == 1


@pytest.mark.parametrize("dtype", [">f8", ">i2", "longdouble", "float16"])
def test_an_array_of_any_byte_order_and_width_is_saved(dtype, tmp_path):
    x = np.arange(6).reshape(2, 3).astype(dtype)
    mmlearn.save({"x": x}, tmp_path / "x")
    np.testing.assert_array_equal(mmlearn.load(tmp_path / "x")["x"], x)


def test_masked_values_are_not_saved_as_if_they_were_there(tmp_path):
    with pytest.raises(ValueError, match="has masked values, first in entry 1"):
        mmlearn.save({"x": np.ma.masked_equal([0, 1], 1)}, tmp_path / "x")
    with pytest.raises(ValueError, match="is an array of complex128, which cannot be saved"):
        mmlearn.save({"x": np.array([1j])}, tmp_path / "x")


@pytest.mark.parametrize("compiled", [(True, False), (False, True), (True, True)])
def test_an_encoder_is_the_same_whether_compiled_or_not(compiled, tmp_path):
    def encoder(number):
        network = nn.Sequential(nn.Linear(3, 2))
        return torch.compile(network, backend="eager") if compiled[number] else network

    x = np.random.default_rng(0).normal(size=(20, 3))
    model = InfoNCE(2, epochs=1, device="cpu", image_encoder=encoder(0)).fit(x, x)
    mmlearn.save(model, tmp_path / "model")
    again = mmlearn.load(tmp_path / "model", image_encoder=encoder(1))
    np.testing.assert_array_equal(again.embed_images(x), model.embed_images(x))
