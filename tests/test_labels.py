"""Labels: every spelling of a missing one is refused with its row, and nothing else is lost."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

from mmlearn.classical import LGCFL
from mmlearn.data import PairedDataset
from mmlearn.deep import DeepSM
from mmlearn.features import BagOfWords
from mmlearn.labels import (
    check_indicators,
    check_label_pair,
    check_label_values,
    check_labels,
    is_missing,
)
from mmlearn.registry import methods

# Each has row 1 missing, of four.
MISSING_CLASSES = {
    "None": ["a", None, "b", "a"],
    "float nan": ["a", float("nan"), "b", "a"],
    "object nan": np.array(["a", np.nan, "b", "a"], dtype=object),
    "numpy made it text": np.array(["a", np.nan, "b", "a"]),
    "pandas made it text": pd.Series(["a", None, "b", "a"], dtype=object).map(str).tolist(),
    "pandas' NA": ["a", pd.NA, "b", "a"],
    "NA made text": [str(v) for v in ("a", pd.NA, "b", "a")],
    "NaT": [0, pd.NaT, 1, 0],
    "numpy NaT": np.array(["2020", "NaT", "2021", "2020"], dtype="datetime64[Y]"),
    "numbers": [0.0, np.nan, 1.0, 0.0],
    "ints with None": [0, None, 1, 0],
    "bools with None": [True, None, False, True],
    "half precision": np.array([0, np.nan, 1, 0], dtype=np.float16),
    "tensor": torch.tensor([0, torch.nan, 1, 0]),
    "bfloat16": torch.tensor([0, torch.nan, 1, 0], dtype=torch.bfloat16),
    "tensors in a list": [torch.tensor(v) for v in (0.0, torch.nan, 1.0, 0.0)],
    "Int64": pd.Series([0, None, 1, 0], dtype="Int64"),
    "Float64": pd.Series([0, None, 1, 0], dtype="Float64"),
    "boolean": pd.Series([True, None, False, True], dtype="boolean"),
    "string": pd.Series(["a", None, "b", "a"], dtype="string"),
    "category": pd.Series(["a", None, "b", "a"], dtype="category"),
    "Categorical": pd.Categorical(["a", None, "b", "a"]),
    "ints as category": pd.Series([0, None, 1, 0], dtype="category"),
    "Series": pd.Series(["a", None, "b", "a"]),
    "Index": pd.Index(["a", None, "b", "a"]),
    "extension array": pd.array([0, None, 1, 0]),
    "masked ints": np.ma.array([0, 7, 1, 0], mask=[0, 1, 0, 0]),
    "masked text": np.ma.array(["a", "x", "b", "a"], mask=[0, 1, 0, 0]),
    "a masked value": ["a", np.ma.masked, "b", "a"],
    "empty": ["a", "", "b", "a"],
    "blank": ["a", " \t", "b", "a"],
    "empty bytes": np.array([b"a", b"", b"b", b"a"]),
}
SUPERVISED = [method for method in methods(timed=True) if method.supervised]


def fit(method, labels):
    """Fit a method to pairs that have these labels."""
    model = method.cls()
    small = {"n_components": 1, "epochs": 1, "validation_fraction": 0.0, "patience": None}
    model.set_params(**{k: v for k, v in small.items() if k in model.get_params()})
    times = {"times": range(len(labels))} if model.timed else {}
    model.fit(np.eye(len(labels)), np.eye(len(labels)), labels=labels, **times)


def dataset(n, **fields):
    vectors = np.random.default_rng(0).normal(size=(n, 3))
    return PairedDataset("toy", None, None, vectors, vectors, **fields)


@pytest.mark.parametrize("spelling", MISSING_CLASSES)
@pytest.mark.parametrize(
    "use",
    [
        check_label_values,
        lambda labels: check_labels(labels, 4),
        lambda labels: check_labels(labels, 4, multilabel=True),
        lambda labels: check_label_pair(["a"], labels),
        lambda labels: dataset(4, labels=labels),
        lambda labels: dataset(4, sublabels=labels),
        lambda labels: dataset(4, groups=labels),
        *(partial(fit, method) for method in SUPERVISED),
    ],
    ids=["scoring", "fit", "multilabel fit", "pair", "labels", "sublabels", "groups"]
    + [method.name for method in SUPERVISED],
)
def test_a_missing_class_is_refused_with_its_row_wherever_labels_are_used(spelling, use):
    with pytest.raises(ValueError, match=r"(labels|groups) are (missing|empty) in row 1: ") as e:
        use(MISSING_CLASSES[spelling])
    assert "\n" not in str(e.value)


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        (["b", "a", "b"], "U"),
        (("b", "a", "b"), "U"),
        (np.array(["b", "a", "b"]), "U"),
        (np.array(["b", "a", "b"], dtype=object), "U"),
        ([np.str_("b"), "a", "b"], "U"),
        (["NaN-free", "none", "NA"], "U"),
        (pd.Series(["b", "a", "b"]), "U"),
        (pd.Series(["b", "a", "b"], dtype="category"), "U"),
        (pd.Categorical(["b", "a", "b"]), "U"),
        (pd.Series(["b", "a", "b"], dtype="string"), "U"),
        ([b"b", b"a", b"b"], "S"),
        ([1, 0, 1], "i"),
        (range(3), "i"),
        (np.array([1, 0, 1], dtype=np.uint8), "u"),
        (pd.Series([1, 0, 1], dtype="Int64"), "i"),
        (pd.Series([1, 0, 1], dtype="category"), "i"),
        (torch.tensor([1, 0, 1]), "i"),
        ([torch.tensor(1), torch.tensor(0), torch.tensor(1)], "i"),
        (np.ma.array([1, 0, 1]), "i"),
        ([True, False, True], "b"),
        ([np.True_, False, True], "b"),
        ([1.0, 0.0, 1.0], "f"),
        ([1, 0.0, 1], "f"),
        (torch.tensor([1.0, 0.0], dtype=torch.bfloat16), "f"),
    ],
)
def test_classes_of_every_kind_come_back_as_a_plain_array(labels, kind):
    plain = check_label_values(labels)
    assert type(plain) is np.ndarray
    assert plain.dtype.kind == kind
    assert plain.tolist() == [v.item() if hasattr(v, "item") else v for v in list(labels)]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([1, "a"], "classes of one kind, whole numbers or str or bool, got 1 in row 0, 'a' in row"),
        ([True, 2], "got True in row 0, 2 in row 1"),
        (["a", b"a"], "classes of one kind"),
        ([["a"], ["a", "b"]], r"one kind.*got \['a'\] in row 0"),
        ([0.5, 1, 2], "no whole numbers in row 0"),
        ([1, np.inf], "no whole numbers in row 1"),
        ([1j, 2], "one kind"),
        (np.array(["2020", "2021"], dtype="datetime64[Y]"), "one kind"),
        ([10**30, 1], "one kind"),
        ("cat", r"shape \(n,\) or indicators \(n, t\), got \(\)"),
        (np.zeros((2, 2, 2)), r"got \(2, 2, 2\)"),
        (None, "labels are missing: give one an item"),
    ],
)
def test_what_is_no_class_is_refused_not_turned_into_one(labels, message):
    with pytest.raises(ValueError, match=message):
        check_label_values(labels)


def test_many_missing_rows_are_counted_and_the_first_are_named():
    labels = ["cat", "dog", None] * 30
    with pytest.raises(ValueError, match=r"missing in 30 rows \(2, 5, 8, \.\.\.\): none may be"):
        check_label_values(labels)


NAN_AT_1_0 = [[0, 1], [float("nan"), 1]]


@pytest.mark.parametrize(
    "indicators",
    [
        NAN_AT_1_0,
        np.array(NAN_AT_1_0),
        np.array(NAN_AT_1_0, dtype=object),
        torch.tensor(NAN_AT_1_0),
        torch.tensor(NAN_AT_1_0, dtype=torch.bfloat16),
        pd.DataFrame(NAN_AT_1_0),
        pd.DataFrame({"a": [0, None], "b": [True, False]}),
        pd.DataFrame(NAN_AT_1_0).astype("Int64"),
        np.ma.array([[0, 1], [1, 1]], mask=[[0, 0], [1, 0]]),
        [[False, True], [None, True]],
        [[0, 1], [pd.NA, 1]],
        sparse.csr_matrix(np.array(NAN_AT_1_0)),
        [["0", "1"], [None, "1"]],
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "use",
    [
        check_indicators,
        check_label_values,
        lambda t: check_labels(t, 2, multilabel=True),
        lambda t: LGCFL().fit(np.eye(2), np.eye(2), t),
    ],
    ids=["indicators", "scoring", "fit", "LGCFL"],
)
def test_a_missing_indicator_is_refused_with_its_row_and_column(indicators, use):
    with pytest.raises(ValueError, match="labels are missing in row 1, column 0: none may be"):
        use(indicators)


@pytest.mark.parametrize(
    "indicators",
    [
        [[0, 1], [1, 0]],
        [[False, True], [True, False]],
        [[0.0, True], [1, 0]],
        np.array([[0, 1], [1, 0]], dtype=np.uint8),
        np.array([[0, 1], [1, 0]], dtype=object),
        torch.tensor([[0, 1], [1, 0]]).bool(),
        torch.tensor([[0, 1], [1, 0]], dtype=torch.bfloat16),
        pd.DataFrame({"a": [0, 1], "b": [True, False]}),
        pd.DataFrame({"a": [0, 1], "b": [1, 0]}, dtype="Int64"),
        sparse.csr_matrix([[0, 1], [1, 0]]),
    ],
)
def test_indicators_of_every_kind_are_numbers(indicators):
    plain = check_indicators(indicators)
    assert plain.dtype.kind in "biuf"
    np.testing.assert_array_equal(plain.astype(int), [[0, 1], [1, 0]])


@pytest.mark.parametrize("value", [2, -1, 0.5, np.inf, "1", "yes", 1j, [1]])
def test_other_values_are_no_indicators(value):
    indicators = np.zeros((3, 2), dtype=object)
    indicators[2, 1] = value
    with pytest.raises(ValueError, match=r"must be indicators: 0 or 1.* in row 2, column 1"):
        check_label_values(indicators)
    with pytest.raises(ValueError, match="as numbers and not as text; got '0' in 4 places"):
        check_label_values([["0", "1"], ["1", "0"]])


def test_two_sides_have_labels_of_one_kind():
    a, b = check_label_pair(["x", "y"], pd.Series(["y"]))
    assert (a.tolist(), b.tolist()) == (["x", "y"], ["y"])
    check_label_pair([0, 1], [1.0])
    with pytest.raises(ValueError, match="query_labels are text and gallery_labels numbers"):
        check_label_pair(["1"], [1])
    with pytest.raises(ValueError, match="indicator matrices over the same labels"):
        check_label_pair(np.zeros(3), np.zeros((3, 2)))
    with pytest.raises(ValueError, match="image labels are text and text labels numbers"):
        DeepSM(epochs=1).fit(np.eye(2), np.eye(2), (["a", "b"], [0, 1]))


def test_a_picture_is_not_asked_whether_it_equals_itself():
    class Strange:
        def __ne__(self, other):
            raise AssertionError

    assert not is_missing(Strange())


def test_a_column_of_numbers_is_not_taken_for_indicators():
    """Of classes 0 and 1 in one column, the items of class 0 would have no class at all."""
    column = np.array([[0], [1], [0], [1]])
    for use in (check_label_values, check_indicators, lambda c: check_labels(c, 4, True)):
        with pytest.raises(ValueError, match=r"one column, \(4, 1\): give classes as \(n,\)"):
            use(column)
    assert check_indicators(column == 1).ravel().tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("labels", [(c for c in "abab"), {"a", "b"}, {"a": 1}, {"a": 1}.values()])
def test_what_is_no_list_of_classes_is_called_by_its_name(labels):
    with pytest.raises(TypeError, match=rf"a {type(labels).__name__} is no list of values"):
        check_labels(labels, 4)


@pytest.mark.parametrize("method", SUPERVISED, ids=[method.name for method in SUPERVISED])
def test_every_method_learns_from_classes_in_bytes(method):
    fit(method, [b"cat", b"dog", b"cat", b"dog"])


@pytest.mark.parametrize("texts", [["cat", None], ["cat", np.nan], pd.Series(["cat", pd.NA])])
def test_a_missing_text_is_refused_with_its_row_by_features_too(texts):
    with pytest.raises(ValueError, match="texts are missing in row 1: "):
        BagOfWords().fit(texts)
