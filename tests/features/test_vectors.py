"""Roots and logarithms of the vectors that came with a dataset."""

import numpy as np
import pytest

from mmlearn.data import PairedDataset
from mmlearn.features import Logarithm, SquareRoot


def dataset(rng, n=20):
    x, y = rng.dirichlet(np.ones(4), n), rng.dirichlet(np.ones(3), n)
    return PairedDataset(
        "toy", None, None, image_vectors=x, text_vectors=y, labels=np.arange(n) % 2
    )


def test_distances_of_roots_are_hellinger_distances(rng):
    x, z = rng.dirichlet(np.ones(5), 2)
    a, b = SquareRoot().fit_transform(np.array([x, z]))
    affinity = np.sqrt(x * z).sum()
    assert ((a - b) ** 2).sum() == pytest.approx(2 - 2 * affinity)


def test_logarithm_of_a_product_is_the_sum_and_zero_counts_as_the_floor():
    x = np.array([[0.5, 0.1, 0.0]])
    transform = Logarithm(floor=0.01).fit(x)
    np.testing.assert_allclose(transform.transform(x), np.log([[0.5, 0.1, 0.01]]))


def test_a_dataset_gives_its_vectors_to_them_and_keeps_them_through_a_split(rng):
    data = dataset(rng)
    train, test = data.features(image="sqrt", text="log").split(test_size=0.5, seed=0)
    plain_train, plain_test = data.split(test_size=0.5, seed=0)
    np.testing.assert_array_equal(test.images, np.sqrt(plain_test.images))
    np.testing.assert_array_equal(train.texts, np.log(np.maximum(plain_train.texts, 1e-3)))
    assert train.image_transformer.feature_groups_ == [slice(0, 4)]


def test_negative_numbers_and_a_floor_of_zero_are_refused(rng):
    with pytest.raises(ValueError, match="a number is negative"):
        SquareRoot().fit(rng.normal(size=(5, 3)))
    with pytest.raises(ValueError, match="floor must be above 0"):
        Logarithm(floor=0).fit(np.ones((2, 2)))


def test_a_dataset_without_vectors_and_a_mixture_with_pictures_get_one_sentence(rng):
    pictures = np.zeros((4, 8, 8, 3), dtype=np.uint8)
    data = PairedDataset("toy", pictures, ["a", "b", "c", "d"])
    with pytest.raises(ValueError, match=r"no image vectors, which SquareRoot\(\) works on"):
        data.features(image="sqrt", text=None)
    with pytest.raises(ValueError, match="cannot be joined"):
        data.features(image="sqrt+colour", text=None)
