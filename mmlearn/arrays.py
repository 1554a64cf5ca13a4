"""Arrays in and out: checks at the door, conversion, the cosine, and one rule of precision.

numpy arrays and torch tensors are both welcome. **The rule of precision**: float16, bfloat16 and
whole numbers are computed in at least float32. What a method returns for items comes back in the
kind, dtype and device of what was given (:func:`in_kind_of`; floating-point, also for whole
numbers). Scores of pairs of items are float32 or float64: two sides of different dtype meet in
the wider of the two (:func:`promoted`).
"""

import numpy as np
import torch

__all__ = [
    "at_least_float32",
    "check_either",
    "check_matrix",
    "check_pair",
    "cosine_similarity",
    "in_kind_of",
    "inner_products",
    "promoted",
    "to_numpy",
]


def to_numpy(array):
    """Return `array` as numpy; a tensor is detached and moved to the CPU first."""
    if isinstance(array, torch.Tensor):
        array = array.detach().cpu()
        return (array.float() if array.dtype == torch.bfloat16 else array).numpy()
    return np.asarray(array)


def in_kind_of(given, z):
    """`z`, an array or a CPU tensor, in the array kind, dtype and device of `given`.

    >>> in_kind_of(np.zeros(1, dtype=np.float32), torch.ones(2, dtype=torch.float64)).dtype
    dtype('float32')
    """
    if isinstance(given, torch.Tensor):
        dtype = given.dtype if given.is_floating_point() else torch.float64
        return torch.as_tensor(z).to(given.device, dtype)
    dtype = np.asarray(given).dtype
    return np.asarray(z).astype(dtype if dtype.kind == "f" else np.float64)


def at_least_float32(array):
    """`array` as floating-point numbers to compute with: float16 and bfloat16 become float32.

    Whole numbers become float64. A float32 or float64 array comes back as it is.

    >>> at_least_float32(np.ones(1, dtype=np.float16)).dtype
    dtype('float32')
    """
    if isinstance(array, torch.Tensor):
        if not array.is_floating_point():
            return array.double()
        return array.float() if array.dtype.itemsize < 4 else array
    array = np.asarray(array)
    if array.dtype.kind != "f":
        return array.astype(np.float64)
    return array.astype(np.float32) if array.dtype.itemsize < 4 else array


def promoted(a, b):
    """Both arrays in the wider of their two precisions, at least float32, and in one kind.

    An array beside a tensor becomes a tensor on the tensor's device.

    >>> [side.dtype for side in promoted(torch.ones(1), torch.ones(1, dtype=torch.float64))]
    [torch.float64, torch.float64]
    """
    if isinstance(a, torch.Tensor) or isinstance(b, torch.Tensor):
        device = a.device if isinstance(a, torch.Tensor) else b.device
        a, b = (at_least_float32(torch.as_tensor(side, device=device)) for side in (a, b))
        dtype = torch.promote_types(a.dtype, b.dtype)
        return a.to(dtype), b.to(dtype)
    a, b = at_least_float32(a), at_least_float32(b)
    dtype = np.promote_types(a.dtype, b.dtype)
    return a.astype(dtype, copy=False), b.astype(dtype, copy=False)


def check_matrix(array, name, n_features=None):
    """Check that `array` is a finite (n, d) matrix of numbers and return it, unchanged in kind.

    A tensor stays a tensor; anything else becomes a floating-point numpy array.
    """
    if not isinstance(array, torch.Tensor):
        array = _as_float_array(array, name)
    elif not array.is_floating_point():
        array = array.double()
    if array.ndim != 2:
        raise ValueError(
            f"{name} must be a matrix of shape (n, features), got shape {tuple(array.shape)}; "
            "reshape a single item to (1, features)."
        )
    if array.shape[0] == 0 or array.shape[1] == 0:
        raise ValueError(f"{name} is empty: its shape is {tuple(array.shape)}.")
    if n_features is not None and array.shape[1] != n_features:
        raise ValueError(
            f"{name} has {array.shape[1]} features, but the method was fitted on {n_features}."
        )
    # One sum finds a NaN or an infinity without a mask as large as the data.
    with np.errstate(over="ignore", invalid="ignore"):
        total = array.detach().sum() if isinstance(array, torch.Tensor) else array.sum()
        finite = bool(np.isfinite(float(total)))
    if not finite and not bool(np.isfinite(to_numpy(array)).all()):
        raise ValueError(f"{name} holds NaN or infinite values; fill or drop them first.")
    return array


def _as_float_array(array, name):
    kind = type(array).__name__
    try:
        array = np.asarray(array)
        return array if array.dtype.kind == "f" else array.astype(np.float64)
    except (TypeError, ValueError):
        raise TypeError(
            f"{name} must be a matrix of numbers; this {kind} does not convert. "
            "Use dataset.features(...) to turn pictures and words into vectors."
        ) from None


def check_pair(images, texts):
    """Check two matrices of paired rows and return them as numpy arrays, float32 or float64."""
    images = at_least_float32(to_numpy(check_matrix(images, "images")))
    texts = at_least_float32(to_numpy(check_matrix(texts, "texts")))
    if len(images) != len(texts):
        raise ValueError(
            f"images and texts must be paired row by row, got {len(images)} images "
            f"and {len(texts)} texts."
        )
    return images, texts


def check_either(images, texts, sizes):
    """Check one modality or both, for a joint method; the third result is one that was given."""
    if images is None and texts is None:
        raise ValueError("embed needs images, texts or both; neither was given.")
    if images is not None:
        images = check_matrix(images, "images", n_features=sizes[0])
    if texts is not None:
        texts = check_matrix(texts, "texts", n_features=sizes[1])
    if images is not None and texts is not None:
        check_pair(images, texts)
    return images, texts, images if images is not None else texts


def cosine_similarity(a, b):
    """Cosine of every row of `a` (n, k) with every row of `b` (m, k); a zero row has cosine 0.

    >>> cosine_similarity(np.array([[0.0, 2.0]]), np.array([[0.0, 5.0], [1.0, 0.0]]))
    array([[1., 0.]])
    """
    a, b = promoted(_unit_rows(at_least_float32(a)), _unit_rows(at_least_float32(b)))
    return a @ b.T


def inner_products(a, b):
    """Inner product of every row of `a` (n, k) with every row of `b` (m, k).

    >>> inner_products(np.array([[0, 2]]), np.array([[0.5, 5.0], [1.0, 0.0]]))
    array([[10.,  0.]])
    """
    a, b = promoted(a, b)
    return a @ b.T


def _unit_rows(z):
    if isinstance(z, torch.Tensor):
        norm = torch.linalg.vector_norm(z, dim=1, keepdim=True)
        return z / torch.where(norm > 0, norm, torch.ones_like(norm))
    norm = np.linalg.norm(z, axis=1, keepdims=True)
    return z / np.where(norm > 0, norm, 1)
