"""What a word is: as ever in English, whole in Indic scripts, characters where no spaces are."""

import pickle
import re
import unicodedata

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer

from mmlearn.data import load_emoji
from mmlearn.features import LSA, BagOfWords, TextParts, TfIdf
from mmlearn.features.words import runs_of_words, words

SCIKIT_LEARN = re.compile(CountVectorizer().token_pattern)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Red-car, a 2nd x_y! Don't", "red car 2nd x_y don"),
        ("CAFÉ Straße naïve", "café straße naïve"),
        ("आधुनिक मानक हिन्दी की", "आधुनिक मानक हिन्दी की"),
        ("தமிழ் മലയാളം বাংলা ಕನ್ನಡ తెలుగు ગુજરાતી ਪੰਜਾਬੀ සිංහල", None),
        ("שָׁלוֹם مُحَمَّد", None),
        ("می\u200cخواهم क्\u200dष", None),
        ("\u200dred\u200d car", "red car"),
        ("한국어 문장", "한국어 문장"),
        ("红色的猫。", "红 色 的 猫 红色 色的 的猫"),
        ("iPhone手机 2台", "iphone 手 机 手机 台"),
        ("ねこ・カー", "ね こ ねこ カ ー カー"),
        ("สีแดง", "สี แ ด ง สีแ แด ดง"),
        ("ລາວ", "ລ າ ວ ລາ າວ"),
        ("ខ្មែរ", "ខ្ មែ រ ខ្មែ មែរ"),
        ("မြန်မာ", "မြ န် မာ မြန် န်မာ"),
        ("🚓 1️⃣ ❤️ ok ® “yes”", "ok yes"),
        ("", ""),
    ],
)
def test_words_of_many_scripts(text, expected):
    assert words(text) == (text if expected is None else expected).split()
    for form in ("NFC", "NFD"):
        assert words(unicodedata.normalize(form, text)) == words(text)


def test_english_words_are_those_of_scikit_learn():
    captions = load_emoji().captions
    assert any(not caption.isascii() for caption in captions)
    assert [words(c) for c in captions] == [SCIKIT_LEARN.findall(c.lower()) for c in captions]
    rng = np.random.default_rng(0)
    for _ in range(200):
        text = "".join(map(chr, rng.integers(0, 128, 60)))
        assert words(text) == SCIKIT_LEARN.findall(text.lower())


def test_english_features_are_what_they_were():
    captions = load_emoji().captions
    for ours, theirs in (
        (TfIdf(), {"min_df": 2, "max_features": 2000, "sublinear_tf": True}),
        (BagOfWords(), {"min_df": 2, "max_features": 2000}),
    ):
        peer = type(ours._vectorizer()).__base__(**theirs)
        np.testing.assert_array_equal(
            ours.fit_transform(captions), peer.fit(captions).transform(captions).toarray()
        )
        assert ours.vocabulary_ == peer.get_feature_names_out().tolist()


def test_one_text_in_two_spellings_has_one_vector():
    lsa = LSA(2, min_df=1).fit(["café au lait", "thé vert", "lait vert"])
    composed, decomposed = lsa.transform(["café", "cafe\u0301"])
    assert composed.any()
    np.testing.assert_array_equal(composed, decomposed)


def test_a_text_without_spaces_is_found_by_a_part_of_it():
    bag = BagOfWords(min_df=1).fit(["一只红色的猫", "一只蓝色的狗"])
    x = bag.transform(["红色", "蓝色"]) @ bag.transform(["一只红色的猫", "一只蓝色的狗"]).T
    assert x.argmax(axis=1).tolist() == [0, 1]


def test_a_fitted_vectorizer_can_be_pickled():
    bag = BagOfWords(min_df=1).fit(["हिन्दी की", "红色"])
    again = pickle.loads(pickle.dumps(bag))
    np.testing.assert_array_equal(again.transform(["红色 की"]), bag.transform(["红色 की"]))


@pytest.mark.parametrize("parts", [1, 2, 3, 5])
def test_runs_of_words_are_cut_at_spaces_as_ever(parts):
    for text in [*load_emoji().captions[:200], "", " ", "a  b\nc\td"]:
        expected = [" ".join(run) for run in np.array_split(text.split(), parts)]
        assert runs_of_words(text, parts) == expected


def test_runs_of_characters_where_no_spaces_are():
    assert runs_of_words("我爱红色的猫", 3) == ["我爱", "红色", "的猫"]
    assert runs_of_words("my 红色 สีแดง", 2) == ["my 红色 สี", "แดง"]
    parts = TextParts(BagOfWords(min_df=1), parts=2).fit(["红色", "蓝猫"])
    assert parts.transform(["红色蓝猫"])[0].reshape(3, -1).any(axis=1).all()
