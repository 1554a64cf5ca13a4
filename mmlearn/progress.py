"""Progress bars: where somebody watches, and nowhere else."""

from contextlib import contextmanager
from contextvars import ContextVar

from tqdm.auto import tqdm

__all__ = ["bars", "progress_bar"]

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
    disable = None if show and _wanted.get() else True  # None: where stderr is no terminal
    return tqdm(items, disable=disable, **settings)


@contextmanager
def bars(show):
    """Within it, no bar is drawn where `show` is false."""
    token = _wanted.set(show and _wanted.get())
    try:
        yield
    finally:
        _wanted.reset(token)
