"""Arrays in and out: checks at the door, conversion, the cosine, and one rule of precision.

**What an array may be** (:mod:`mmlearn.kinds`): lists, numpy arrays of any layout, byte order and
dtype of real numbers, memory maps, tables (pandas' nullable columns too), masked arrays in which
nothing is masked, a table's column of vectors, torch tensors on any device. The caller's array is
never changed.

**The rule of precision**: float16, bfloat16 and whole numbers are computed in at least float32,
longdouble in float64. What a method returns for items comes back in the kind, dtype and device of
what was given (:func:`in_kind_of`; floating-point, also for whole numbers; without a graph). Scores
of pairs of items are float32 or float64: two sides of different dtype meet in the wider of the two
(:func:`promoted`).
"""

import numpy as np
import torch

from mmlearn.kinds import as_numbers, as_numpy, as_tensor, first_of

__all__ = [
    "as_float32",
    "at_least_float32",
    "check_columns",
    "check_finite",
    "check_matrix",
    "check_pair",
    "check_sides",
    "column_names",
    "cosine_similarity",
    "in_kind_of",
    "inner_products",
    "promoted",
    "to_numpy",
    "unit_rows",
]


def to_numpy(array):
    """Return `array` as numpy; a tensor is detached and moved to the CPU first."""
    if isinstance(array, torch.Tensor):
        array = array.detach().cpu()
        return (array.float() if array.dtype == torch.bfloat16 else array).resolve_neg().numpy()
    return as_numpy(array)


# -- precision --------------------------------------------------------------------------------


def in_kind_of(given, z):
    """`z`, an array or a CPU tensor, in the array kind, dtype and device of `given`.

    A number that this dtype is too small for is refused.

    >>> in_kind_of(np.zeros(1, dtype=np.float32), torch.ones(2, dtype=torch.float64)).dtype
    dtype('float32')
    """
    given = as_numbers(given)
    if isinstance(given, torch.Tensor):
        dtype = given.dtype if given.is_floating_point() else torch.float64
        cast = as_tensor(z).to(given.device, dtype)
    else:
        dtype = given.dtype
        with np.errstate(over="ignore"):
            cast = to_numpy(z).astype(dtype if dtype.kind == "f" else np.float64)
    _check_fits(cast, z, "the results")
    return cast


def as_float32(array, name):
    """`array` as a float32 tensor, in which networks compute; numbers too large are refused."""
    array = as_tensor(array, name)
    cast = array.to(torch.float32)
    _check_fits(cast, array, name)
    return cast


def _check_fits(cast, z, name):
    if cast.dtype != z.dtype and not _is_finite(cast) and _is_finite(z):
        dtype = str(cast.dtype).removeprefix("torch.")
        raise ValueError(f"{name} hold numbers too large for {dtype}; scale the features down.")


def at_least_float32(array):
    """`array` as floating-point numbers to compute with: float16 and bfloat16 become float32.

    Whole numbers become float64. A float32 or float64 array comes back as it is.

    >>> at_least_float32(np.ones(1, dtype=np.float16)).dtype
    dtype('float32')
    """
    array = as_numbers(array)
    if isinstance(array, torch.Tensor):
        if not array.is_floating_point():
            return array.double()
        return array.float() if array.dtype.itemsize < 4 else array
    if array.dtype.kind != "f":
        return array.astype(np.float64)
    return array.astype(np.float32) if array.dtype.itemsize < 4 else array


def promoted(a, b):
    """Both arrays in the wider of their two precisions, at least float32, and in one kind.

    An array beside a tensor becomes a tensor on the tensor's device.

    >>> [side.dtype for side in promoted(torch.ones(1), torch.ones(1, dtype=torch.float64))]
    [torch.float64, torch.float64]
    """
    a, b = at_least_float32(a), at_least_float32(b)
    if isinstance(a, torch.Tensor) or isinstance(b, torch.Tensor):
        device = a.device if isinstance(a, torch.Tensor) else b.device
        a, b = as_tensor(a).to(device), as_tensor(b).to(device)
        dtype = torch.promote_types(a.dtype, b.dtype)
        return a.to(dtype), b.to(dtype)
    dtype = np.promote_types(a.dtype, b.dtype)
    return a.astype(dtype, copy=False), b.astype(dtype, copy=False)


# -- checks at the door -----------------------------------------------------------------------


def check_matrix(array, name, n_features=None):
    """Check that `array` is a finite (n, d) matrix of numbers and return it, unchanged in kind.

    A tensor stays a tensor; anything else becomes a floating-point numpy array.
    """
    array = _matrix(array, name)
    if array.shape[0] == 0 or array.shape[1] == 0:
        raise ValueError(f"{name} is empty: its shape is {tuple(array.shape)}.")
    if n_features is not None and array.shape[1] != n_features:
        raise ValueError(
            f"{name} has {array.shape[1]} features, but the method was fitted on {n_features}."
        )
    return check_finite(array, name)


def _matrix(array, name):
    array = as_numbers(array, name)
    if isinstance(array, torch.Tensor):
        array = array if array.is_floating_point() else array.double()
    elif array.dtype.kind != "f":
        array = array.astype(np.float64)
    if array.ndim != 2:
        remedy = "reshape a single item to (1, features)"
        if array.ndim > 2:
            remedy = "dataset.features(...) turns pictures and words into vectors"
        raise ValueError(
            f"{name} must be a matrix of shape (n, features), got shape {tuple(array.shape)}; "
            f"{remedy}."
        )
    return array


def check_finite(array, name, advice="fill or drop them first"):
    """Return `array`, an array or tensor of numbers, if it holds no NaN and no infinity."""
    if not _is_finite(array):
        place = first_of(~np.isfinite(to_numpy(array)))
        raise ValueError(f"{name} holds NaN or infinite values, first in {place}; {advice}.")
    return array


def _is_finite(array):
    # One sum finds a NaN or an infinity without a mask as large as the data.
    with np.errstate(over="ignore", invalid="ignore"):
        total = array.detach().sum() if isinstance(array, torch.Tensor) else array.sum()
    return bool(np.isfinite(float(total))) or bool(np.isfinite(to_numpy(array)).all())


def check_sides(a, b, names=("a", "b")):
    """Check the two sides of a comparison, (n, k) and (m, k): finite numbers, as many columns."""
    a, b = (_matrix(side, name) for side, name in zip((a, b), names, strict=True))
    if a.shape[1] != b.shape[1]:
        raise ValueError(
            f"{names[0]} and {names[1]} must have the same number of columns, got shapes "
            f"{tuple(a.shape)} and {tuple(b.shape)}."
        )
    return check_finite(a, names[0]), check_finite(b, names[1])


def column_names(table):
    """The names of a table's columns, as strings; None for what has none.

    >>> column_names(np.eye(2)) is None
    True
    """
    columns = getattr(table, "columns", None)
    return None if columns is None else [str(column) for column in columns]


def check_columns(table, fitted, name):
    """Refuse a table whose columns are not those, in that order, that were `fitted` on.

    Nothing is compared where either has no names (None).
    """
    found = column_names(table)
    if fitted is None or found is None or len(found) != len(fitted):
        return  # a number of columns that differs is told by check_matrix
    for i, (column, expected) in enumerate(zip(found, fitted, strict=True)):
        if column != expected:
            raise ValueError(
                f"column {i} of {name} is {column!r}, but was {expected!r} in fit; give the same "
                "columns in the same order."
            )


def check_pair(images, texts):
    """Check two matrices of paired rows and return them as numpy arrays, float32 or float64."""
    images = at_least_float32(to_numpy(check_matrix(images, "images")))
    texts = at_least_float32(to_numpy(check_matrix(texts, "texts")))
    if len(images) != len(texts):
        raise ValueError(
            f"images and texts must be paired row by row, got {len(images)} images "
            f"and {len(texts)} texts."
        )
    return _check_range(images, "images"), _check_range(texts, "texts")


def _check_range(rows, name):
    """Refuse numbers whose squares, summed, no float64 can hold: all would be infinite or zero."""
    largest = max(abs(float(rows.max())), abs(float(rows.min())))
    if largest and not _SMALL < largest < _LARGE:
        raise ValueError(
            f"the largest number in {name} is {largest:.0e}, too far from 1 to compute with its "
            "square; scale the features."
        )
    return rows


_SMALL, _LARGE = 1e-100, 1e100

# -- comparison -------------------------------------------------------------------------------


def cosine_similarity(a, b):
    """Cosine of every row of `a` (n, k) with every row of `b` (m, k); a zero row has cosine 0.

    Rows of any length are compared right, also those whose squares no float can hold.

    >>> cosine_similarity(np.array([[0.0, 2.0]]), np.array([[0.0, 5.0], [1.0, 0.0]]))
    array([[1., 0.]])
    """
    a, b = check_sides(a, b)
    a, b = promoted(unit_rows(a), unit_rows(b))
    return a @ b.T


def inner_products(a, b):
    """Inner product of every row of `a` (n, k) with every row of `b` (m, k).

    >>> inner_products(np.array([[0, 2]]), np.array([[0.5, 5.0], [1.0, 0.0]]))
    array([[10.,  0.]])
    """
    a, b = promoted(*check_sides(a, b))
    return a @ b.T


def unit_rows(z):
    """The rows of `z` (n, k), finite, scaled to length one; a row of zeros stays as it is.

    >>> unit_rows(np.array([[3e200, 4e200]]))
    array([[0.6, 0.8]])
    """
    z = at_least_float32(z)
    with np.errstate(over="ignore"):
        norm = _norms(z)
    odd = ~((norm > _LEAST[z.dtype.itemsize]) & (norm < np.inf))
    if bool(odd.any()):  # the squares over- or underflow: the largest entry to one first
        z = _largest_to_one(z, odd)
        norm = _norms(z)
    if isinstance(z, torch.Tensor):
        return z / torch.where(norm > 0, norm, torch.ones_like(norm))
    return z / np.where(norm > 0, norm, 1)


_LEAST = {4: 1e-15, 8: 1e-145}  # shorter rows lose digits when they are squared


def _norms(z):
    if isinstance(z, torch.Tensor):
        return torch.linalg.vector_norm(z, dim=1, keepdim=True)
    return np.linalg.norm(z, axis=1, keepdims=True)


def _largest_to_one(z, odd):
    if not isinstance(z, torch.Tensor):
        largest = np.abs(z).max(axis=1, keepdims=True, initial=0)
        return np.divide(z, largest, out=z.copy(), where=odd & (largest > 0))
    largest = z.detach().abs().amax(dim=1, keepdim=True)
    # The gradient of a row so short would be larger than any number: it has none.
    z = torch.where((largest > 0) & (largest < torch.finfo(z.dtype).tiny), z.detach(), z)
    return z / torch.where(odd & (largest > 0), largest, torch.ones_like(largest))
