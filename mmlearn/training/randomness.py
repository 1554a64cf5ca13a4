"""The random generators of Python, numpy and torch: seeded, read and put back together."""

import random
from functools import wraps

import numpy as np
import torch

__all__ = ["keeps_random_state", "random_state", "restore_random_state", "seed_everything"]


def seed_everything(seed):
    """Seed Python, numpy and torch."""
    seed = int(seed)
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - libraries still read the global state
    torch.manual_seed(seed)


def random_state():
    """The state of every global generator, as a dict of tensors."""
    _, words, *rest = np.random.get_state()  # noqa: NPY002 - the global state is meant
    tensors = {
        "torch": torch.get_rng_state(),
        "numpy": torch.from_numpy(words.astype(np.int64)),
        "numpy_rest": torch.tensor(rest, dtype=torch.float64, device="cpu"),
        "python": torch.tensor(random.getstate()[1], device="cpu"),
    }
    if torch.cuda.is_available():
        tensors["cuda"] = torch.cuda.get_rng_state()
    return tensors


def restore_random_state(tensors):
    """Put every global generator back to what :func:`random_state` gave."""
    torch.set_rng_state(tensors["torch"])
    words = tensors["numpy"].numpy().astype(np.uint32)
    position, has_gauss, gauss = tensors["numpy_rest"].tolist()
    np.random.set_state(  # noqa: NPY002 - the global state is meant
        ("MT19937", words, int(position), int(has_gauss), gauss)
    )
    random.setstate((3, tuple(tensors["python"].tolist()), None))
    if "cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["cuda"])


def keeps_random_state(function):
    """A function that may seed as it likes: the caller's random numbers go on as if it had not.

    >>> @keeps_random_state
    ... def draw():
    ...     seed_everything(0)
    ...     return torch.rand(())
    >>> first = torch.rand(()), draw()
    >>> second = torch.rand(()), draw()
    >>> first[0] == second[0], first[1] == second[1]
    (tensor(False), tensor(True))
    """

    @wraps(function)
    def kept(*args, **kwargs):
        state = random_state()
        try:
            return function(*args, **kwargs)
        finally:
            restore_random_state(state)

    return kept
