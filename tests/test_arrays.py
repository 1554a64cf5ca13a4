"""Arrays in and out: one rule of precision, and the caller's kind and dtype back."""

import numpy as np
import pytest
import torch

from mmlearn.arrays import (
    at_least_float32,
    check_matrix,
    check_pair,
    cosine_similarity,
    in_kind_of,
    inner_products,
    promoted,
)

SINGLE, DOUBLE = np.dtype(np.float32), np.dtype(np.float64)


def test_results_come_back_in_the_kind_given():
    z = np.ones((2, 2))
    assert in_kind_of(np.ones(1, dtype=np.float32), z).dtype == np.float32
    assert in_kind_of(np.ones(1, dtype=np.float16), z).dtype == np.float16
    assert in_kind_of(np.ones(1, dtype=int), z).dtype == np.float64
    assert in_kind_of(torch.ones(1, dtype=torch.bfloat16), z).dtype == torch.bfloat16
    assert in_kind_of(torch.ones(1, dtype=torch.int32), z).dtype == torch.float64


@pytest.mark.parametrize(
    ("given", "computed"),
    [
        (torch.float16, torch.float32),
        (torch.bfloat16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
        (torch.int64, torch.float64),
        (torch.bool, torch.float64),
    ],
)
def test_numbers_are_computed_in_at_least_float32(given, computed):
    z = torch.ones(2, 2, dtype=given)
    assert at_least_float32(z).dtype == computed
    assert cosine_similarity(z, z).dtype == computed
    assert inner_products(z, z).dtype == computed
    if given != torch.bfloat16:  # numpy has none
        array = z.numpy()
        assert at_least_float32(array).dtype == torch.ones((), dtype=computed).numpy().dtype
        assert cosine_similarity(array, array).dtype == at_least_float32(array).dtype


def test_full_precision_is_not_copied():
    x, z = np.ones((2, 2), dtype=np.float32), torch.ones(2, 2, dtype=torch.float64)
    assert at_least_float32(x) is x
    assert at_least_float32(z) is z
    assert promoted(x, x)[0] is x


@pytest.mark.parametrize("compare", [cosine_similarity, inner_products])
def test_two_sides_of_different_dtype_or_kind_meet_in_the_wider(compare, rng):
    a, b = rng.normal(size=(3, 4)), rng.normal(size=(5, 4)).astype(np.float32)
    expected = compare(a, b.astype(np.float64))
    assert expected.dtype == DOUBLE
    for left in (a, torch.as_tensor(a)):
        for right in (b, torch.as_tensor(b)):
            s = compare(left, right)
            assert isinstance(s, torch.Tensor) == (torch.is_tensor(left) or torch.is_tensor(right))
            assert np.asarray(s).dtype == DOUBLE
            np.testing.assert_allclose(s, expected, atol=1e-6)
    assert compare(b, np.ones((1, 4), dtype=np.float16)).dtype == SINGLE


def test_a_large_half_precision_vector_has_a_cosine():
    z = np.full((1, 4), 300, dtype=np.float16)  # its squares overflow
    np.testing.assert_allclose(cosine_similarity(z, -z), [[-1.0]], rtol=1e-6)


def test_gradients_pass_through_a_promotion():
    z = torch.ones(1, 2, requires_grad=True)
    cosine_similarity(z, torch.tensor([[1.0, 0.0]], dtype=torch.float64)).sum().backward()
    assert z.grad.dtype == torch.float32
    assert bool(z.grad.abs().sum() > 0)


def test_pairs_are_checked_in_full_precision_and_a_matrix_stays_as_it_was():
    half = np.ones((3, 2), dtype=np.float16)
    assert [side.dtype for side in check_pair(half, half.astype(int))] == [SINGLE, DOUBLE]
    assert check_matrix(half, "images").dtype == np.float16
