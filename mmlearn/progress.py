"""Progress bars: where somebody watches, and nowhere else."""

import sys
from contextlib import contextmanager
from contextvars import ContextVar

from tqdm.asyncio import tqdm as plain_tqdm
from tqdm.auto import tqdm

__all__ = ["bars", "progress_bar", "watched"]

IN_NOTEBOOK = tqdm is not plain_tqdm
_wanted = ContextVar("_wanted", default=True)


def progress_bar(items=None, *, show=True, **settings):
    """tqdm's bar, in a notebook or a terminal; silent where stderr is a file or a pipe.

    Parameters
    ----------
    items : iterable, or None for a bar that is moved by hand
    show : bool: False for no bar at all
    settings : tqdm's own, such as `desc`

    Examples
    --------
    >>> [2 * i for i in progress_bar(range(3), desc="doubling")]
    [0, 2, 4]
    """
    return tqdm(items, disable=not (show and watched()), **settings)


def watched():
    """Whether somebody sees a bar and wants it: in a notebook, or where stderr is a terminal."""
    return _wanted.get() and (IN_NOTEBOOK or sys.stderr.isatty())


@contextmanager
def bars(show):
    """Within it, no bar is drawn where `show` is false."""
    token = _wanted.set(show and _wanted.get())
    try:
        yield
    finally:
        _wanted.reset(token)
