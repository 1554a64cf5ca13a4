"""How far items move between two times, once the whole space's turning is taken away."""

from typing import NamedTuple

import numpy as np

from mmlearn.arrays import check_matrix, to_numpy, unit_rows
from mmlearn.kinds import as_numbers

__all__ = ["Displacement", "displacement", "procrustes"]


class Displacement(NamedTuple):
    """How far each item moved, (m,), and the same where time says nothing, (m,).

    Attributes
    ----------
    aligned : 1 - cosine of each item's first and last place, after orthogonal Procrustes
    control : the same of the control
    """

    aligned: np.ndarray
    control: np.ndarray

    @property
    def excess(self):
        """What is left above the mean of the control: the only part that is evidence."""
        return self.aligned - self.control.mean()


def procrustes(a, b):
    """The rotation (or reflection) Q that brings the rows of `a` closest to those of `b`.

    ::

        Q = argmin ||A Q - B||_F  subject to  QᵀQ = I;   Q = U Vᵀ,  A'B = U S Vᵀ

    Two embeddings that differ by a rotation say the same thing, since all cosines agree; places
    can be compared only after it is undone. Where A'B has not full rank the answer is not unique;
    one is returned, orthogonal all the same.

    Parameters
    ----------
    a, b : (n, k), row i of one belonging to row i of the other

    Returns
    -------
    (k, k) orthogonal, float64: ``a @ procrustes(a, b)`` lies on `b` as well as it can

    Raises
    ------
    ValueError: bad arrays, or shapes that differ

    References
    ----------
    Schönemann, A generalized solution of the orthogonal Procrustes problem, Psychometrika 1966;
    for embeddings over time Hamilton, Leskovec, Jurafsky, ACL 2016, arXiv:1605.09096.

    >>> a, quarter_turn = np.array([[1.0, 2.0], [3.0, -1.0]]), np.array([[0.0, 1.0], [-1.0, 0.0]])
    >>> bool(np.allclose(procrustes(a, a @ quarter_turn), quarter_turn))
    True
    """
    a, b = (to_numpy(check_matrix(z, name)).astype(np.float64) for z, name in ((a, "a"), (b, "b")))
    if a.shape != b.shape:
        raise ValueError(f"a and b must have one shape, row by row, got {a.shape} and {b.shape}.")
    u, _, vt = np.linalg.svd(a.T @ b)
    return u @ vt


def displacement(paths, control):
    """How far items move from the first time to the last, beside items that cannot have moved.

    With u(t) the unit-length places of the items, and Q from :func:`procrustes`::

        d_i = 1 - cos(u_i(first) Q, u_i(last))

    Raw movement, without Q, means nothing: a space may turn as a whole from time to time without
    any change of meaning, and a model that was trained on **shuffled** times moves as much. What is
    above the control, after Procrustes, is all that counts as change, so a control is asked for.
    Never correlate movement with the speed that was planted, |v|, either: it goes with it in the
    shuffled control too, where nothing drifts, since |v| sets how mixed a group's captions are.

    Parameters
    ----------
    paths : (m, s, k), m items at s >= 2 times, as ``Diachronic.trajectories(times, ...)`` gives
    control : (m, s, k), the same items and times from the same model, trained on shuffled times

    Returns
    -------
    Displacement, with `aligned` (m,), `control` (m,) and `excess` (m,)

    Raises
    ------
    ValueError: shapes that are not (items, times, dimensions), a single time, or items that differ

    Notes
    -----
    Q is fitted on the items given, and would undo the movement of few: give many more items than
    dimensions. The same m holds for both, so that both lose as much to the fit.

    >>> still = np.random.default_rng(0).normal(size=(50, 1, 3)).repeat(2, axis=1)
    >>> turned = still.copy()
    >>> turned[:, 1] = still[:, 1] @ np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]])
    >>> bool(displacement(turned, still).aligned.max() < 1e-12)
    True
    """
    paths, control = (_paths(z, name) for z, name in ((paths, "paths"), (control, "control")))
    if len(paths) != len(control):
        raise ValueError(
            f"the control must be of the same items, got {len(control)} for {len(paths)}."
        )
    return Displacement(_moved(paths), _moved(control))


def _paths(z, name):
    z = to_numpy(as_numbers(z, name)).astype(np.float64)
    if z.ndim != 3 or z.shape[1] < 2:
        raise ValueError(
            f"{name} must be (items, times, dimensions), with two or more times, got {z.shape}."
        )
    return z


def _moved(z):
    first, last = (unit_rows(z[:, t]) for t in (0, -1))
    return np.maximum(0, 1 - ((first @ procrustes(first, last)) * last).sum(axis=1))
