"""Arrays in and out: one rule of precision, and the caller's kind and dtype back."""

import numpy as np
import pandas as pd
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
    to_numpy,
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


def _eight_bits(x):
    return torch.as_tensor(x).to(torch.float8_e4m3fn)


@pytest.mark.parametrize(
    "kind",
    [
        lambda x: pd.Series(list(x)),
        lambda x: pd.Series(x.tolist()),
        lambda x: pd.DataFrame({"vector": list(torch.as_tensor(x))})["vector"],
        _eight_bits,
        lambda x: list(_eight_bits(x)),
        lambda x: torch._neg_view(torch.as_tensor(-x)),
    ],
    ids=["column of arrays", "of lists", "of tensors", "float8", "rows of float8", "negative view"],
)
def test_a_column_of_vectors_and_rare_tensors_are_matrices(kind):
    x = np.arange(15.0).reshape(5, 3)
    np.testing.assert_array_equal(to_numpy(check_matrix(kind(x), "x")), x)
    np.testing.assert_array_equal(to_numpy(in_kind_of(kind(x), x)), x)
    np.testing.assert_allclose(to_numpy(cosine_similarity(kind(x), x))[1:].max(1), 1)


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (pd.Series([[1.0, 2.0], None]), "no vector in row 1 but None; drop such rows"),
        (pd.Series([[1.0, 2.0], [1.0]]), "rows of different lengths"),
        (
            torch.nested.nested_tensor([torch.ones(2), torch.ones(3)], layout=torch.jagged),
            "nested tensor",
        ),
        (torch.ones(2, 2, device="meta"), 'device "meta"'),
        ((row for row in np.eye(2)), "is a generator"),
        ({"a": [1.0]}, "is a dict"),
        (np.zeros((2, 8, 8, 3)), "turns pictures and words into vectors"),
    ],
)
def test_what_is_no_matrix_is_refused_by_its_own_name(array, said):
    with pytest.raises((TypeError, ValueError), match=said) as e:
        check_matrix(array, "x")
    assert "\n" not in str(e.value)


@pytest.mark.parametrize("scale", [1e160, 1e-160])
def test_numbers_whose_squares_no_number_holds_are_refused_at_fit(scale):
    """They scored at chance without a word, or were said to be all the same."""
    with pytest.raises(
        ValueError, match=r"largest number in texts is 1e.160, .*scale the features"
    ):
        check_pair(np.eye(3), scale * np.eye(3))
