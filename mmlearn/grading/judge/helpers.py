"""What an answer uses of cells that are not read: helpers and imports elsewhere in the notebook.

Only what is needed is taken: the statements at the top level that define or change a name which the
answer reads, which neither the lab nor another answer defines, and what these need in turn.
"""

from __future__ import annotations

from mmlearn.grading.run.names import Statement, needed_names, statements

_EVERYWHERE = {"get_ipython", "display", "In", "Out", "__file__", "__doc__"}


def helpers_for(source: str, others: list[str], known: set[str]) -> tuple[str, str]:
    """Return the statements of `others` that `source` needs, in their order, and the names wanted.

    Parameters
    ----------
    source: an answer
    others: the student's other cells, in their order
    known: names that are defined without these

    Examples
    --------
    >>> helpers_for("def f(x): return twice(x)", ["def twice(x): return 2 * x", "plot = 1"], {"f"})
    ('def twice(x): return 2 * x', "'twice'")
    """
    known = known | _EVERYWHERE
    wanted = needed_names(source) - known
    if not wanted:
        return "", ""
    offered = [statement for other in others for statement in statements(other)]
    defined = frozenset().union(*(statement.binds for statement in offered))
    needed = _closure(wanted, offered, known)
    taken = [s for s in offered if s.binds & needed]
    if wanted - defined:  # perhaps what a star brings
        taken = [s for s in offered if s.binds & needed or _is_star(s)]
    names = sorted(wanted & defined) or (["*"] if taken else [])
    return "\n".join(s.source for s in taken), ", ".join(map(repr, names))


def _closure(wanted: frozenset[str], offered: list[Statement], known: set[str]) -> frozenset[str]:
    """Return the wanted names and all that the statements need which define them."""
    needed, before = wanted, None
    while needed != before:
        before = needed
        for statement in offered:
            if statement.binds & needed:
                needed |= statement.needs - known
    return needed


def _is_star(statement: Statement) -> bool:
    return statement.source.startswith("from ") and statement.source.rstrip().endswith("import *")
