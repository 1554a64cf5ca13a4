"""Checks in a lab, as a student runs them: each says what it found, and a last cell adds up.

A check is plain assertions within ``with check(...)``. What fails is told in one line and does not
stop the notebook, so that *Run all* reaches the tally. For grading, the assertions are run without
it (:func:`mmlearn.notebook.unwrap_check`).
"""

import ast
import inspect
import sys
import textwrap
import traceback
from types import FunctionType

__all__ = ["check", "tally"]

DONE, WRONG, OPEN = "✓", "✗", "○"
_results = {}  # exercise -> (sign, what was said), of this notebook's kernel


class check:
    """Run the assertions of one exercise, say what was found, and remember it for the tally.

    Parameters
    ----------
    exercise : str, the name of the function that the exercise asks for
    points : number, what the check is worth

    Examples
    --------
    >>> double = lambda x: 2 * x
    >>> with check("double", points=3):
    ...     assert double(2) == 4, "double adds where it should multiply."
    ✓ 3 of 3 points
    >>> with check("double", points=3):
    ...     assert double(2) == 5, "2 twice is 4."
    ✗ 0 of 3 points: 2 twice is 4.
    """

    def __init__(self, exercise, points):
        self.exercise, self.points = exercise, points
        self.names = sys._getframe(1).f_globals  # the notebook's, where the function stands

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None and not issubclass(kind, Exception):
            return False  # a student who interrupts means it
        sign, reason = DONE, ""
        if error is not None:
            sign, reason = self._reason(error, trace)
        _results[self.exercise] = sign, reason
        earned = self.points if sign == DONE else 0
        print(f"{sign} {earned:g} of {self.points:g} points" + (f": {reason}" if reason else ""))
        return True

    def _reason(self, error, trace):
        """What is said of a check that failed, and its sign."""
        if isinstance(error, NotImplementedError):
            return OPEN, f"{self.exercise} is not done yet."
        if isinstance(error, NameError) and error.name == self.exercise:
            return OPEN, f"run the cell that defines {self.exercise} first."
        if _returns_nothing(self.names.get(self.exercise)):
            return WRONG, f"{self.exercise} returns nothing: is a `return` missing?"
        if isinstance(error, AssertionError):
            return WRONG, str(error) or f"`{traceback.extract_tb(trace)[-1].line}` does not hold."
        _show(error, trace)
        reason = f"{type(error).__name__}: {error}".rstrip(": ")
        if "NoneType" in reason:
            reason += f" (a value is None: does every path of {self.exercise} end in `return`?)"
        return WRONG, reason


def tally(by_hand=0, **points):
    """Add up what the checks found in this notebook.

    Parameters
    ----------
    by_hand : number, points of written answers, which nobody counts here
    points : what each exercise is worth, by its name

    Examples
    --------
    >>> half = lambda x: x / 2
    >>> with check("half", points=2):
    ...     assert half(4) == 2
    ✓ 2 of 2 points
    >>> tally(half=2, third=1, by_hand=1)
    ✓ half   2 of 2
    ○ third  0 of 1  its check was not run
    Together 2 of 3 points. Written answers (1 point) are marked by your instructor.
    """
    width, total = max(map(len, points)), 0
    for exercise, worth in points.items():
        sign, reason = _results.get(exercise, (OPEN, "its check was not run"))
        earned = worth if sign == DONE else 0
        total += earned
        line = f"{sign} {exercise:<{width}}  {earned:g} of {worth:g}"
        print(f"{line}  {textwrap.shorten(reason, 90, placeholder=' …')}".rstrip())
    written = ""
    if by_hand:
        unit = "point" if by_hand == 1 else "points"
        written = f" Written answers ({by_hand:g} {unit}) are marked by your instructor."
    print(f"Together {total:g} of {sum(points.values()):g} points.{written}")


def _show(error, trace):
    """Show where a student's code stopped, as the notebook shows errors."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None:
        traceback.print_exception(type(error), error, trace, file=sys.stdout)
    else:
        shell.showtraceback((type(error), error, trace))


def _returns_nothing(function):
    """Whether a function was written that has no `return` with a value."""
    if not isinstance(function, FunctionType) or function.__name__ == "<lambda>":
        return False
    try:
        (written,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    except (OSError, TypeError, SyntaxError, ValueError):
        return False
    return not any(_gives_back(node) for node in written.body)


def _gives_back(node):
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
        return False  # what an inner function returns is not returned
    if isinstance(node, ast.Yield | ast.YieldFrom) or (isinstance(node, ast.Return) and node.value):
        return True
    return any(_gives_back(child) for child in ast.iter_child_nodes(node))
