"""Tensors and a description in one safetensors file, as saved methods and checkpoints are."""

import json
import re

from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from mmlearn.storage.files import check_readable, write_atomically

__all__ = ["read_tensors", "write_tensors"]


def write_tensors(path, tensors, **description):
    """Write tensors by name, and what else is known as JSON, by the rule of `storage/files.py`.

    The tensors lie on the CPU, contiguous, and no two share memory.

    Raises
    ------
    OSError: the file cannot be written
    """
    header = {key: json.dumps(value) for key, value in description.items()}
    write_atomically(path, save(tensors, metadata=header))


def read_tensors(path, *keys):
    """The tensors by name, and the parts of the description called `keys`.

    Nothing in the file is run.

    Raises
    ------
    OSError: the file is not there or may not be read
    ValueError: it is damaged, or holds no such description; the message says why
    """
    path = check_readable(path)
    if re.search("[\ud800-\udfff]", path):  # what Python makes of other bytes in a name
        raise OSError(f"{path!a} cannot be read: its name is not in UTF-8; rename it.")
    try:
        with safe_open(path, "pt") as file:
            header = file.metadata() or {}
            description = [json.loads(header[key]) for key in keys]
            return {name: file.get_tensor(name) for name in file.keys()}, *description  # noqa: SIM118
    except KeyError as error:
        raise ValueError(f"it says nothing of {error}") from None
    except (SafetensorError, OSError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(str(error)) from None
