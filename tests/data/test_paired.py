"""PairedDataset: what it accepts, how it splits, and what its features see."""

import html
import pickle

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin

from mmlearn.data import PairedDataset


def make_dataset(n=40, classes=4, **changes):
    pictures = np.zeros((n, 8, 8, 3), dtype=np.uint8)
    pictures[:, 0, 0, 0] = np.arange(n)  # the first pixel says which item it is
    fields = {
        "name": "toy",
        "pictures": pictures,
        "captions": [f"item{i} thing kind{i % classes}" for i in range(n)],
        "labels": np.arange(n) % classes,
        "label_names": [f"kind {c}" for c in range(classes)],
        "tags": np.eye(classes, dtype=bool)[np.arange(n) % classes],
        "times": np.arange(n),
    }
    return PairedDataset(**(fields | changes))


def ids(dataset):
    return dataset.pictures[:, 0, 0, 0].tolist()


class Spy(TransformerMixin, BaseEstimator):
    """Writes down what it is fitted on; `log` is shared by clones on purpose."""

    log = None

    def __init__(self, name="spy"):
        self.name = name

    def fit(self, X, y=None):
        Spy.log.append(list(X) if isinstance(X, list) else X[:, 0, 0, 0].tolist())
        self.fitted_ = True
        return self

    def transform(self, X):
        return np.zeros((len(X), 2))


@pytest.fixture
def spy_log(monkeypatch):
    monkeypatch.setattr(Spy, "log", [])
    return Spy.log


def test_features_are_fitted_on_training_items_only(spy_log):
    train, test = make_dataset().features(image=Spy(), text=Spy()).split(test_size=0.25, seed=1)
    assert spy_log == []  # lazy: nobody has asked yet
    # Asking for the test part first must fit on the training part all the same.
    assert test.images.shape == (10, 2)
    assert train.images.shape == (30, 2)
    assert test.texts.shape == (10, 2)
    assert spy_log == [ids(train), train.captions]


def test_features_read_before_a_split_are_fitted_again_on_the_training_part(spy_log):
    data = make_dataset().features(image=Spy(), text=None)
    assert data.images.shape == (40, 2)
    train, test = data.split()
    assert len(test.images) == 10
    assert spy_log == [ids(data), ids(train)]


def test_a_split_of_the_training_part_fits_on_the_smaller_training_part(spy_log):
    train, _ = make_dataset().features(image=Spy(), text=None).split()
    small, validation = train.split()
    assert len(validation.images) == 8
    assert spy_log == [ids(small)]


def test_test_words_do_not_enter_the_vocabulary():
    train, test = make_dataset().features(image=None, text="bow").split()
    words = train.text_transformer.vocabulary_
    assert not any(word.startswith("item") for word in words)  # each occurs in one item only
    assert test.text_transformer is train.text_transformer
    assert train.texts.shape[1] == test.texts.shape[1] == len(words)


def test_features_leave_the_dataset_itself_as_it_was():
    data = make_dataset()
    data.features(image="colour", text="bow")
    assert data.images is data.pictures
    assert data.texts is data.captions


def test_a_subset_keeps_the_representation_of_its_parent(spy_log):
    data = make_dataset().features(image=Spy(), text=None)
    subset = data[[3, 1, 2]]
    assert subset.images.shape == (3, 2)
    assert spy_log == [ids(data)]
    assert ids(subset) == [3, 1, 2]
    assert subset.captions[0] == data.captions[3]
    assert subset.times.tolist() == [3, 1, 2]


@pytest.mark.parametrize(
    ("indices", "expected"),
    [
        (slice(0, 3), [0, 1, 2]),
        (np.arange(40) < 2, [0, 1]),
        (5, [5]),
        (-1, [39]),
    ],
)
def test_indexing_takes_slices_masks_and_numbers(indices, expected):
    assert ids(make_dataset()[indices]) == expected


def test_indexing_nothing_is_an_error():
    with pytest.raises(ValueError, match="none of the 40 items"):
        make_dataset()[[]]


def test_split_is_a_partition_and_repeats_with_its_seed():
    data = make_dataset()
    train, test = data.split(test_size=0.25, seed=3)
    assert sorted(ids(train) + ids(test)) == list(range(40))
    assert [ids(part) for part in data.split(0.25, seed=3)] == [ids(train), ids(test)]
    assert ids(data.split(0.25, seed=4)[1]) != ids(test)


def test_split_keeps_the_share_of_every_label():
    train, test = make_dataset().split(test_size=12)
    assert np.bincount(test.labels).tolist() == [3, 3, 3, 3]
    assert np.bincount(train.labels).tolist() == [7, 7, 7, 7]


def test_every_item_keeps_its_own_caption_label_and_tags():
    for part in make_dataset().split():
        for i, caption, label, tags, time in zip(
            ids(part), part.captions, part.labels, part.tags, part.times, strict=True
        ):
            assert caption.startswith(f"item{i} ")
            assert label == i % 4 == tags.argmax()
            assert time == i


@pytest.mark.parametrize("test_size", [0, 1.0, 40, -1, 0.0, 1.5, True, "half", None, float("nan")])
def test_a_wrong_test_size_is_named(test_size):
    with pytest.raises(ValueError, match="test_size must be a share between 0 and 1"):
        make_dataset().split(test_size=test_size)


def test_a_label_with_one_item_is_named():
    labels = np.array([0] * 20 + [1] * 19 + [2])
    data = make_dataset(labels=labels, label_names=["a", "b", "rare"])
    with pytest.raises(ValueError, match="label 'rare' has a single item"):
        data.split()
    assert len(data.split(stratify=False)[1]) == 10


def test_a_part_smaller_than_the_number_of_labels_is_refused():
    with pytest.raises(ValueError, match="fewer items than the 4 labels"):
        make_dataset().split(test_size=3)


def test_without_labels_only_an_unstratified_split_is_possible():
    data = make_dataset(labels=None, label_names=None)
    with pytest.raises(ValueError, match="toy has no labels to stratify by"):
        data.split()
    assert len(data.split(stratify=False)[0]) == 30


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"captions": ["a"]}, ValueError, "captions must have one entry per picture: got 1 for 40"),
        ({"times": [1.0]}, ValueError, "times must have one entry per picture"),
        ({"pictures": np.full((40, 8, 8, 3), np.nan)}, ValueError, "picture 0 .* holds NaN"),
        ({"pictures": np.zeros((8, 8, 3), np.uint8)}, ValueError, "put one picture into a list"),
        ({"pictures": np.zeros((0, 8, 8, 3), np.uint8)}, ValueError, "at least one pair"),
        ({"captions": [1] * 40}, TypeError, "captions must be a list of str"),
        ({"captions": "x" * 40}, TypeError, "captions must be a list of str"),
        ({"labels": np.full(40, 4)}, ValueError, "indices into the 4 label_names"),
        ({"labels": np.full(40, 0.5)}, ValueError, "labels are no whole numbers in 40 rows"),
        ({"labels": np.zeros((40, 4))}, TypeError, "1-D array, one class an item"),
        ({"tags": np.ones(40, bool)}, ValueError, "tags must have shape"),
    ],
)
def test_wrong_input_is_refused_with_a_sentence(changes, error, message):
    with pytest.raises(error, match=message):
        make_dataset(**changes)


def test_unknown_feature_names_get_the_list_of_known_ones():
    with pytest.raises(ValueError, match="known names: colour, hog, cnn"):
        make_dataset().features(image="sift")
    with pytest.raises(ValueError, match="known names: bow, tfidf, lsa"):
        make_dataset().features(image=None, text="bert")


def test_html_holds_pictures_and_escapes_texts():
    page = make_dataset(captions=["<script>alert(1)</script>"] * 40)._repr_html_()
    assert "<script>" not in page
    assert html.escape("<script>") in page
    assert page.count("data:image/png;base64,") == 4


def test_repr_says_what_it_is():
    text = repr(make_dataset().features(image="hog", text="bow"))
    assert "'toy', 40 pairs" in text
    assert "images=HOG()" in text


def test_show_draws_n_pairs():
    figure = make_dataset().show(3)
    assert sum(bool(axes.images) for axes in figure.axes) == 3
    with pytest.raises(ValueError, match="at least 1"):
        make_dataset().show(0)


def test_pickle_keeps_items_and_features():
    train, _ = make_dataset().features(image="colour", text="bow").split()
    copy = pickle.loads(pickle.dumps(train))
    np.testing.assert_array_equal(copy.images, train.images)
    np.testing.assert_array_equal(copy.texts, train.texts)


def make_vectors(n=12, **changes):
    """A dataset like Wikipedia's: vectors, no pictures, no texts, and a split of its own."""
    fields = {
        "name": "toy",
        "pictures": None,
        "captions": None,
        "image_vectors": np.arange(2.0 * n).reshape(n, 2),
        "text_vectors": np.arange(3.0 * n).reshape(n, 3),
        "labels": np.arange(n) % 2,
        "folds": ["test" if i % 3 == 0 else "train" for i in range(n)],
    }
    return PairedDataset(**(fields | changes))


def test_vectors_that_came_with_the_data_are_its_images_and_texts():
    data = make_vectors()
    assert len(data) == 12
    assert data.images is data.image_vectors
    assert data.texts is data.text_vectors
    assert data[[4, 1]].images[:, 0].tolist() == [8, 2]
    assert data.titles[3] == "toy 3"
    assert data.image_transformer is None


def test_the_official_split_keeps_order_vectors_and_labels():
    train, test = make_vectors().official_split()
    assert (test.images[:, 0] / 2).tolist() == [0, 3, 6, 9]
    assert (train.images[:, 0] / 2).tolist() == [1, 2, 4, 5, 7, 8, 10, 11]
    assert test.texts[1].tolist() == [9, 10, 11]
    assert test.labels.tolist() == [0, 1, 0, 1]


def test_the_training_part_can_be_split_again():
    train, _ = make_vectors().official_split()
    fitting, validation = train.split(test_size=4, seed=0)
    rows = sorted((fitting.images[:, 0] / 2).tolist() + (validation.images[:, 0] / 2).tolist())
    assert rows == [1, 2, 4, 5, 7, 8, 10, 11]
    np.testing.assert_array_equal(validation.texts[:, 0] / 3, validation.images[:, 0] / 2)


def test_features_are_fitted_on_the_official_training_part(spy_log):
    captions = [f"text {i}" for i in range(12)]
    data = make_vectors(captions=captions).features(image=None, text=Spy())
    train, test = data.official_split()
    assert test.texts.shape == (4, 2)  # the chosen features, not the vectors
    assert spy_log == [train.captions]
    assert train.captions[0] == "text 1"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (make_vectors(folds=None), "toy came without a split; use split"),
        (make_vectors().official_split()[0], "toy holds one part of its split; use split"),
    ],
)
def test_without_both_official_parts_there_is_no_official_split(data, message):
    with pytest.raises(ValueError, match=message):
        data.official_split()


def test_features_of_pictures_or_texts_that_are_not_there_are_refused():
    data = make_vectors()
    with pytest.raises(ValueError, match=r"no pictures here, only image vectors of 2 numbers"):
        data.features(image="cnn", text=None)
    with pytest.raises(ValueError, match=r"no texts here, only text vectors of 3 numbers: use fea"):
        data.features(image=None)
    assert data.features(image=None, text=None).texts is data.text_vectors
    with pytest.raises(ValueError, match="no pictures to show"):
        data.show()


def test_a_dataset_without_pictures_says_what_it_is():
    data = make_vectors(captions=["<b>"] * 12)
    assert repr(data) == (
        "PairedDataset('toy', 12 pairs, image vectors 2-d, text vectors 3-d, 2 labels)"
    )
    page = data._repr_html_()
    assert "img" not in page
    assert "picture" not in page
    assert "&lt;b&gt;" in page
    assert "toy 11" in make_vectors()._repr_html_()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_vectors": None}, "needs pictures or image_vectors"),
        ({"text_vectors": None}, "needs captions or text_vectors"),
        ({"text_vectors": np.ones((3, 2))}, "text_vectors must have one entry per image vector"),
        ({"image_vectors": np.ones(12)}, "image_vectors must be a finite float array"),
        ({"image_vectors": np.full((12, 2), np.nan)}, "image_vectors must be a finite float"),
        ({"text_vectors": np.ones((12, 2), int)}, "text_vectors must be a finite float array"),
        ({"folds": ["train", "val"] * 6}, 'folds must be a list of "train" and "test"'),
        ({"folds": ["train"] * 5}, "folds must have one entry per image vector: got 5 for 12"),
    ],
)
def test_wrong_vectors_and_folds_are_refused_with_a_sentence(changes, message):
    with pytest.raises(ValueError, match=message):
        make_vectors(**changes)


def test_pickle_keeps_vectors_and_folds():
    copy = pickle.loads(pickle.dumps(make_vectors()))
    np.testing.assert_array_equal(copy.official_split()[1].texts[:, 0], [0, 9, 18, 27])
