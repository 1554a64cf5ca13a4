"""One matrix of small whole numbers in every kind of array, and what no array of numbers may be."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy.sparse import csr_array, csr_matrix

FOLDER = tempfile.TemporaryDirectory()  # of the memory map, as long as the tests run


class Own(np.ndarray):
    """A subclass of arrays, as units and labelled arrays are."""


class OwnTensor(torch.Tensor):
    """A subclass of tensors."""


def _read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


def _memory_map(x):
    path = Path(FOLDER.name) / f"{hash(x.tobytes())}.npy"
    if not path.exists():
        np.save(path, x)
    return np.load(path, mmap_mode="r")


def _nullable(x):
    table = pd.DataFrame(x.astype(int)).astype("Int64")
    return table.assign(**{"0": table.pop(0).astype("Float32")})[["0", *range(1, x.shape[1])]]


# Each holds the numbers of x, whole ones from 0 to 15, exactly.
KINDS = {
    **{
        name: lambda x, name=name: x.astype(name)
        for name in (
            "float16", "float32", "float64", "longdouble",
            "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
        )
    },
    **{
        f"torch {name}": lambda x, name=name: torch.as_tensor(x).to(getattr(torch, name))
        for name in ("float16", "bfloat16", "float32", "float64", "int32", "int64", "uint8")
    },
    "nested lists": lambda x: x.tolist(),
    "tuples of arrays": lambda x: tuple(x),
    "list of tensors": lambda x: list(torch.as_tensor(x)),
    "tensor with a graph": lambda x: 1 * torch.as_tensor(x).requires_grad_(),
    "parameter": lambda x: torch.nn.Parameter(torch.as_tensor(x)),
    "transposed tensor": lambda x: torch.as_tensor(x.T.copy()).T,
    "subclass of tensors": lambda x: torch.as_tensor(x).as_subclass(OwnTensor),
    "table": pd.DataFrame,
    "table of nullable columns": _nullable,
    "objects": lambda x: x.astype(object),
    "masked array, nothing masked": lambda x: np.ma.array(x, mask=np.zeros(x.shape, bool)),
    "subclass": lambda x: x.view(Own),
    "negative strides": lambda x: x[::-1, ::-1].copy()[::-1, ::-1],
    "every other row": lambda x: np.repeat(x, 2, axis=0)[::2],
    "Fortran order": np.asfortranarray,
    "read-only": _read_only,
    "read-only float32": lambda x: _read_only(x.astype(np.float32)),
    "memory map": _memory_map,
    "big-endian": lambda x: x.astype(">f4"),
}  # fmt: skip

# A precision that a result may be rounded to on its way back.
TOLERANCE = {"float16": 2e-3, "torch float16": 2e-3, "torch bfloat16": 2e-2}


def spoiled(x, value):
    x = x.copy()
    x[1, 2] = value
    return x


# What cannot be meant, and what the sentence says of it.
REFUSED = {
    "NaN": (lambda x: spoiled(x, np.nan), "NaN or infinite values, first in row 1, column 2"),
    "infinity": (lambda x: spoiled(x, -np.inf), "NaN or infinite values, first in row 1, column 2"),
    "NaN in a tensor": (lambda x: torch.as_tensor(spoiled(x, np.nan)), "first in row 1, column 2"),
    "beyond float64": (
        lambda x: spoiled(x.astype(np.longdouble), np.longdouble("1e4000")),
        "NaN or infinite values, first in row 1, column 2",
    ),
    "masked": (lambda x: np.ma.masked_equal(spoiled(x, 99), 99), "masked.* row 1, column 2"),
    "masked rows": (
        lambda x: list(np.ma.masked_equal(spoiled(x, 99), 99)),
        "masked.* row 1, column 2",
    ),
    "NA": (
        lambda x: pd.DataFrame(spoiled(x, np.nan)).convert_dtypes(),
        "missing values, first in row 1, column 2",
    ),
    "None": (lambda x: spoiled(x.astype(object), None), "missing values, first in row 1, column 2"),
    "complex": (lambda x: x + 0j, "complex numbers"),
    "complex tensor": (lambda x: torch.as_tensor(x + 0j), "complex numbers"),
    "text": (lambda x: x.astype(str), "must be a matrix of numbers, but holds text"),
    "some text": (
        lambda x: spoiled(x.astype(object), "1"),
        "must be a matrix of numbers, but holds '1' in row 1, column 2",
    ),
    "dates": (lambda x: x.astype("M8[D]"), "must be a matrix of numbers, but holds dates"),
    "sparse": (csr_matrix, r"sparse matrix; pass its .toarray\(\)"),
    "sparse array": (csr_array, r"sparse matrix; pass its .toarray\(\)"),
    "sparse tensor": (
        lambda x: torch.as_tensor(x).to_sparse(),
        r"sparse tensor; pass its .to_dense",
    ),
    "ragged": (lambda x: [[1.0, 2.0], [3.0]], "row 0 has 2 entries, row 1 has 1"),
    "nothing": (lambda x: None, "is missing: None was given"),
}
