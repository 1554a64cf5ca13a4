"""Items that share a picture stay on one side of every split."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.model_selection import train_test_split

from mmlearn.data import PairedDataset


def dataset(n, **fields):
    vectors = np.arange(2.0 * n).reshape(n, 2)  # the first column, halved, says which item it is
    return PairedDataset("toy", None, None, vectors, vectors, **fields)


def ids(part):
    return (part.images[:, 0] / 2).astype(int).tolist()


def random_groups(seed, n=60, n_groups=20):
    """Groups of many sizes, their items spread over the dataset; as numbers or as names."""
    groups = np.random.default_rng(seed).integers(n_groups, size=n)
    return groups if seed % 2 else [f"photo {g}" for g in groups]


@pytest.mark.parametrize("seed", range(50))
@pytest.mark.parametrize("own", [True, False], ids=["of the dataset", "of the split"])
@pytest.mark.parametrize("stratify", [True, False])
def test_no_group_is_on_both_sides(seed, own, stratify):
    groups = random_groups(seed)
    labels = np.random.default_rng(seed).integers(2, size=60)
    data = dataset(60, labels=labels, groups=groups if own else None)
    settings = {"seed": seed, "stratify": stratify, "groups": None if own else groups}
    train, test = data.split(0.3, **settings)
    of_item = np.asarray(groups)
    assert not set(of_item[ids(train)]) & set(of_item[ids(test)])
    assert sorted(ids(train) + ids(test)) == list(range(60))
    assert len(set(of_item[ids(test)])) == np.ceil(0.3 * len(set(of_item)))  # a share of groups
    again = data.split(0.3, **settings)
    assert [ids(part) for part in again] == [ids(train), ids(test)]
    if own:
        assert train.groups.tolist() == of_item[ids(train)].tolist()
    else:
        assert train.groups is None


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("stratify", [True, False])
@pytest.mark.parametrize("test_size", [0.25, 7])
def test_without_groups_or_with_one_an_item_nothing_changes(seed, stratify, test_size):
    labels = np.arange(40) % 3
    n_test = 10 if test_size == 0.25 else 7
    expected = train_test_split(
        np.arange(40), test_size=n_test, random_state=seed, stratify=labels if stratify else None
    )
    shuffled = np.random.default_rng(seed).permutation(40)
    for settings in ({}, {"groups": shuffled}, {"groups": range(40)}):
        parts = dataset(40, labels=labels).split(test_size, seed, stratify, **settings)
        assert [ids(part) for part in parts] == [rows.tolist() for rows in expected]
    parts = dataset(40, labels=labels, groups=shuffled).split(test_size, seed, stratify)
    assert [ids(part) for part in parts] == [rows.tolist() for rows in expected]


def test_groups_of_the_split_go_before_those_of_the_dataset():
    data = dataset(12, groups=np.arange(12) // 3)
    assert len(data.split(1, stratify=False)[1]) == 3
    _, test = data.split(1, stratify=False, groups=np.arange(12) // 6)
    assert (len(test), len(set(test.groups))) == (6, 2)
    assert len(data.split(1, stratify=False, groups=range(12))[1]) == 1


def test_a_group_counts_once_with_the_label_of_its_first_item():
    labels = [0, 1, 1, 1, 0, 0, 1, 1]
    data = dataset(8, labels=labels, groups=[0, 0, 1, 1, 2, 2, 3, 3])  # 0, 1, 0, 1
    for seed in range(10):
        _, test = data.split(2, seed)
        assert sorted(labels[i] for i in ids(test)[::2]) == [0, 1]


def test_items_of_a_group_keep_their_order_side_by_side():
    _, test = dataset(6, groups=["a", "b", "a", "b", "a", "b"]).split(1, stratify=False)
    assert ids(test) in ([0, 2, 4], [1, 3, 5])


@pytest.mark.parametrize(
    "groups",
    [
        ["x", "x", "y", "y"],
        torch.tensor([5, 5, 9, 9]),
        pd.Series(["x", "x", "y", "y"], dtype="category"),
        pd.Series([1, 1, 2, 2], dtype="Int64"),
        [1.0, 1.0, 2.0, 2.0],
    ],
)
def test_groups_of_any_kind_are_kept_as_an_array(groups):
    data = dataset(4, groups=groups)
    assert isinstance(data.groups, np.ndarray)
    assert data[[0, 3]].groups.tolist() == data.groups[[0, 3]].tolist()
    assert ids(data.split(1, stratify=False)[1]) in ([0, 1], [2, 3])
    assert ids(dataset(4).split(1, stratify=False, groups=groups)[1]) in ([0, 1], [2, 3])


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([1, 1, None, 2], "groups are missing in row 2"),
        (["a", "a", "b", float("nan")], "groups are missing in row 3"),
        ([1, 1, 2], "groups must have one entry per .*: got 3 for 4"),
        (np.eye(4), r"groups must have shape \(n,\)"),
        ([0.5, 1, 2, 3], "groups are no whole numbers in row 0"),
        ([1, "a", 2, 3], "groups must be classes of one kind"),
    ],
)
def test_bad_groups_are_refused_where_they_are_given(groups, message):
    with pytest.raises(ValueError, match=message):
        dataset(4, groups=groups)
    with pytest.raises(ValueError, match=message):
        dataset(4).split(stratify=False, groups=groups)


def test_sizes_and_rare_labels_are_those_of_groups():
    data = dataset(8, labels=[0, 0, 1, 1, 1, 1, 0, 0], groups=np.arange(8) // 2)
    with pytest.raises(ValueError, match="a number of groups from 1 to 3, got 4"):
        data.split(4)
    with pytest.raises(ValueError, match="fewer groups than the 2 labels"):
        data.split(1)
    rare = dataset(6, labels=[0, 0, 1, 1, 1, 1], groups=np.arange(6) // 2)
    with pytest.raises(ValueError, match="label '0' has a single group"):
        rare.split(2)


def test_a_split_that_is_not_drawn_refuses_to_tear_a_group():
    times, folds = [1, 2, 3, 4], ["train", "train", "test", "test"]
    whole = dataset(4, times=times, folds=folds, groups=["a", "a", "b", "b"])
    assert ids(whole.official_split()[1]) == ids(whole.temporal_split(3)[1]) == [2, 3]
    torn = dataset(4, times=times, folds=folds, groups=["a", "b", "b", "c"])
    for split in (torn.official_split, lambda: torn.temporal_split(3)):
        with pytest.raises(ValueError, match="group 'b' has items in both parts: what"):
            split()
    mixed = dataset(4, times=times, groups=[7, 8, 7, 8])
    with pytest.raises(ValueError, match="group 7 has items in both parts, as have 1 more: what"):
        mixed.temporal_split(3)


@pytest.mark.parametrize("stratify", [[0, 1] * 3, np.arange(6), "labels"])
def test_labels_of_its_own_are_no_setting_of_a_split(stratify):
    with pytest.raises(TypeError, match=r"stratify must be True or False: .* own labels"):
        dataset(6, labels=[0, 1] * 3).split(stratify=stratify)


def test_one_group_cannot_be_split():
    with pytest.raises(ValueError, match="a dataset of one group cannot be split"):
        dataset(6, groups=[0] * 6).split(stratify=False)
