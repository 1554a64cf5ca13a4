"""Datasets: nothing missing is taken for present; labels and tags may be given by name."""

import io

import numpy as np
import pandas as pd
import pytest
import torch

from mmlearn.data import PairedDataset

NAN, NA, NAT = float("nan"), pd.NA, pd.NaT


def dataset(n=4, **fields):
    vectors = np.arange(3.0 * n).reshape(n, 3)
    fields = {"pictures": None, "captions": None, "image_vectors": vectors} | fields
    return PairedDataset("toy", text_vectors=vectors, **fields)


TEXTS = [
    ["a", None, "b", "c"],
    ["a", NAN, "b", "c"],
    ["a", NA, "b", "c"],
    ["a", "nan", "b", "c"],
    np.array(["a", np.nan, "b", "c"]),
    np.ma.array(["a", "x", "b", "c"], mask=[0, 1, 0, 0]),
    pd.Series(["a", None, "b", "c"]),
    pd.Series(["a", None, "b", "c"], dtype="string"),
    pd.Series(["a", None, "b", "c"], dtype="category"),
]
NUMBERS = [
    [1, None, 2, 3],
    [1.0, NAN, 2, 3],
    [1, NA, 2, 3],
    torch.tensor([1, NAN, 2, 3]),
    np.array([1, NAN, 2, 3], dtype=np.float16),
    np.ma.array([1, 5, 2, 3], mask=[0, 1, 0, 0]),
    pd.Series([1, None, 2, 3], dtype="Int64"),
    [1, NAT, 2, 3],
    np.array(["2001", "NaT", "2002", "2003"], dtype="datetime64[s]"),
    pd.Series(["2001", None, "2002", "2003"], dtype="datetime64[ns]"),
]


@pytest.mark.parametrize("values", TEXTS, ids=str)
@pytest.mark.parametrize("field", ["captions", "titles", "glyphs"])
def test_a_missing_text_is_named_by_its_row(field, values):
    with pytest.raises(ValueError, match=f"^{field} are missing in row 1: none may be missing"):
        dataset(**{field: values})


@pytest.mark.parametrize("values", NUMBERS, ids=str)
def test_a_missing_time_is_named_by_its_row(values):
    with pytest.raises(ValueError, match=r"times must be finite.* got missing ones in row 1; drop"):
        dataset(times=values)


@pytest.mark.parametrize("fold", [None, NAN, NA, "nan", np.ma.masked])
def test_a_missing_fold_is_named_by_its_row(fold):
    with pytest.raises(ValueError, match="folds are missing in row 1"):
        dataset(folds=["train", fold, "test", "train"])


@pytest.mark.parametrize("field", ["label_names", "sublabel_names"])
@pytest.mark.parametrize("name", [None, NAN, NA, "nan"])
def test_a_missing_name_of_a_class_is_named_by_its_place(field, name):
    labels = {field.removesuffix("_names") + "s": [0, 1, 2, 0], field: ["a", name, "b"]}
    with pytest.raises(ValueError, match=f"^{field} are missing in row 1"):
        dataset(**labels)
    with pytest.raises(ValueError, match="tag_names are missing in row 1"):
        dataset(tags=np.zeros((4, 2)), tag_names=["a", name])


@pytest.mark.parametrize(
    "vectors",
    [
        np.array([[1.0, 2], [3, NAN], [5, 6], [7, 8]]),
        np.ma.array(np.ones((4, 2)), mask=[[0, 0], [0, 1], [0, 0], [0, 0]]),
        pd.DataFrame([[1, 2], [3, None], [5, 6], [7, 8]], dtype="Float64"),
        [[1.0, 2], [3, None], [5, 6], [7, 8]],
    ],
    ids=["NaN", "masked", "Float64", "list"],
)
def test_a_missing_number_of_a_vector_is_named_by_its_row(vectors):
    with pytest.raises(ValueError, match=r"image_vectors .* in row 1"):
        dataset(image_vectors=vectors)


def test_an_empty_caption_is_a_text_without_words():
    assert dataset(captions=["a", "", "b", "c"]).captions[1] == ""


def test_a_table_whose_empty_cells_are_missing_is_refused_with_their_rows():
    table = pd.read_csv(io.StringIO('caption,tag\na,x\n"",y\nb,\nc,x\n'))
    with pytest.raises(ValueError, match="captions are missing in row 1"):
        dataset(captions=table.caption)
    with pytest.raises(ValueError, match="labels are missing in row 2"):
        dataset(labels=table.tag)


# -- labels by name ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "labels",
    [
        ["dog", "cat", "dog", "cow"],
        np.array(["dog", "cat", "dog", "cow"], dtype=object),
        np.array([b"dog", b"cat", b"dog", b"cow"]),
        pd.Series(["dog", "cat", "dog", "cow"], dtype="category"),
        pd.Series(["dog", "cat", "dog", "cow"], dtype="string"),
    ],
)
def test_classes_become_indices_into_their_sorted_names(labels):
    data = dataset(labels=labels, sublabels=labels)
    assert data.labels.tolist() == data.sublabels.tolist() == [2, 0, 2, 1]
    assert data.labels.dtype == np.int64
    assert data.label_names == data.sublabel_names == ["cat", "cow", "dog"]
    assert all(type(name) is str for name in data.label_names)
    assert data[[1, 3]].labels.tolist() == [0, 1]  # a part keeps the names of the whole
    assert data[[1, 3]].label_names == data.label_names


def test_given_names_keep_their_order_and_hold_every_class():
    data = dataset(labels=["dog", "cat", "dog", "cat"], label_names=["dog", "cow", "cat"])
    assert data.labels.tolist() == [0, 2, 0, 2]
    with pytest.raises(ValueError, match=r"among the 2 label_names; 'owl' is not, in rows 1, 3"):
        dataset(labels=["dog", "owl", "cat", "owl"], label_names=["dog", "cat"])
    with pytest.raises(ValueError, match="'dog' is there twice"):
        dataset(labels=[0, 1, 0, 1], label_names=["dog", "dog"])


@pytest.mark.parametrize(
    ("labels", "names", "expected"),
    [
        ([1.0, 0.0, 1.0, 2.0], None, ([1, 0, 1, 2], ["0", "1", "2"])),
        (torch.tensor([1, 0, 1, 2]), ["a", "b", "c"], ([1, 0, 1, 2], ["a", "b", "c"])),
        ([True, False, True, True], None, ([1, 0, 1, 1], ["False", "True"])),
        ([True, False, True, True], ["no", "yes"], ([1, 0, 1, 1], ["no", "yes"])),
    ],
)
def test_whole_numbers_are_indices(labels, names, expected):
    data = dataset(labels=labels, label_names=names)
    assert (data.labels.tolist(), data.label_names) == expected
    assert data.labels.dtype.kind == "i"


def test_small_dtypes_and_numpy_names_are_no_trap():
    data = dataset(labels=np.array([0, 255, 3, 0], dtype=np.uint8))
    assert (len(data.label_names), data.label_names[-1]) == (256, "255")
    names = dataset(labels=["b", "a", "b", "a"], label_names=np.array(["a", "b"])).label_names
    assert all(type(name) is str for name in names)
    with pytest.raises(ValueError, match="labels must have one entry per image vector: got 0 for"):
        dataset(labels=[])


def test_numbers_too_large_for_indices_are_refused_at_once():
    with pytest.raises(ValueError, match="go up to 123456789012; give classes as str"):
        dataset(labels=[0, 1, 2, 123456789012])


# -- tags by name --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tags",
    [
        [["red", "round"], ["red"], [], ["big"]],
        [{"red", "round"}, {"red"}, set(), {"big"}],
        [("round", "red", "red"), ("red",), (), frozenset({"big"})],
        pd.Series([["red", "round"], ["red"], [], ["big"]]),
        [np.array(["red", "round"]), ["red"], np.array([]), {"big"}],
    ],
)
def test_tags_by_name_become_indicators(tags):
    data = dataset(tags=tags)
    assert data.tag_names == ["big", "red", "round"]
    assert data.tags.dtype == bool
    assert data.tags.astype(int).tolist() == [[0, 1, 1], [0, 1, 0], [0, 0, 0], [1, 0, 0]]
    assert data[:2].tags.shape == (2, 3)


def test_tags_are_looked_up_in_given_names():
    data = dataset(tags=[["b"], ["a"], [], ["b"]], tag_names=["b", "c", "a"])
    assert data.tags.astype(int).tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 0], [1, 0, 0]]
    with pytest.raises(ValueError, match="among the 1 tag_names; 'b' is not, in rows 0, 3"):
        dataset(tags=[["b"], ["a"], [], ["b"]], tag_names=["a"])


def test_the_columns_of_a_table_name_the_tags():
    table = pd.DataFrame({"red": [1, 0, 1, 0], "round": [True, True, False, False]})
    data = dataset(tags=table)
    assert data.tag_names == ["red", "round"]
    assert data.tags.sum() == 4


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        (pd.DataFrame([[1, NAN], [0, 1], [1, 1], [0, 0]]), "missing in row 0, column 1: none may"),
        ([[1, None], [0, 1], [1, 1], [0, 0]], "missing in row 0, column 1: none may be missing; 0"),
        (np.ma.array(np.eye(4), mask=np.eye(4)[:, [1, 0, 2, 3]] > 1), None),
        (np.ma.array(np.eye(4), mask=np.eye(4)), r"missing in 4 places \(row 0, column 0; row 1"),
        (np.eye(4) * 2, "must be indicators: 0 or 1"),
        (np.eye(4) - 1, "must be indicators: 0 or 1"),
        ([["0", "1"]] * 4, r"texts '0', '1': indicators must be numbers or bool"),
        (np.array([["0", "1"]] * 4), "as numbers and not as text"),
        (np.array([["red", "big"]] * 4), "as numbers and not as text"),
        ([["red"], None, ["red"], []], "tags are missing in row 1"),
        ([["red"], ["red", None], ["red"], []], "tags are missing in row 1"),
        ([["red"], ["red", NAN], ["red"], []], "tags are missing in row 1"),
        ([["red"], [""], ["red"], []], r"none of them empty; row 1 has \[''\]"),
        ([["red"], ["red", 1], ["red"], []], "tags must be names.*row 1"),
        (
            ["red", "big", "red", "big"],
            r"tags must have shape \(n, t\), or be a list .* \(4,\)",
        ),
        ([["red"]], "tags must have one entry per image vector: got 1 for 4"),
    ],
    ids=str,
)
def test_tags_that_are_not_clear_are_refused(tags, message):
    if message is None:
        assert dataset(tags=tags).tags.sum() == 4
    else:
        with pytest.raises(ValueError, match=message):
            dataset(tags=tags)


def test_items_without_any_tag_are_given_by_names():
    data = dataset(tags=[[], [], [], []], tag_names=["a", "b"])
    assert data.tags.tolist() == [[False, False]] * 4


def test_zero_and_one_may_be_names_where_names_are_given():
    data = dataset(tags=[["0", "1"], ["1"], [], ["0"]], tag_names=["0", "1"])
    assert data.tags.astype(int).tolist() == [[1, 1], [0, 1], [0, 0], [1, 0]]
