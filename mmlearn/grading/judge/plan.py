"""In which order cells are run: the whole notebook, or some exercises, each by itself.

No hidden test reaches the kernel before every visible part has been run. So what a student is told
of a visible part was said by code that had seen no hidden test yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from mmlearn.grading.judge.lab import Check, Lab
from mmlearn.grading.judge.rebuild import Rebuilt, neutralise
from mmlearn.grading.run.cell import RunCell
from mmlearn.grading.run.channel import RunReport
from mmlearn.grading.run.names import bound_names, needed_names

Step = tuple[int | None, RunCell]  # a cell and its number in the rebuilt notebook, if that counts


def whole(rebuilt: Rebuilt) -> list[Step]:
    """Return all cells: the notebook from top to bottom, then its hidden tests."""
    steps = list(enumerate(rebuilt.cells))
    return [s for s in steps if s[1].role != "hidden"] + [s for s in steps if s[1].role == "hidden"]


def alone(rebuilt: Rebuilt, checks: Iterable[Check]) -> list[Step]:
    """Return the lab's own cells, and then each exercise as if there were no other.

    An exercise is its answer and its check, and before them what these need: answers of the
    student's, and cells of the lab that call these. The last exercise comes first, because it is
    the earlier one that may have changed what the later one needs. Of an answer that stands there
    twice the first is taken: the whole notebook has been run with the second.
    """
    steps = list(enumerate(rebuilt.cells))
    late = _late(steps)
    early = [(n, c) for n, c in steps if c.role == "other" and n not in late]
    visible, hidden = list(early), []
    for check in reversed(list(checks)):
        visible.append((None, RunCell("", "fresh")))
        for number, cell in _exercise(steps, check, late):
            first = rebuilt.firsts.get(cell.grade_id) if number is not None else None
            if first is not None and cell.role == "solution":
                cell = replace(cell, source=neutralise(first))
            visible.append((number, cell))
        hidden += [(n, c) for n, c in steps if c.role == "hidden" and c.grade_id == check.grade_id]
    return visible + hidden


def _late(steps: list[Step]) -> set[int]:
    """Return which cells of the lab need an answer, or another such cell."""
    late: set[int] = set()
    names = _bound(steps, "solution") - _bound(steps, "other")
    for n, cell in steps:
        if cell.role == "other" and needed_names(cell.source) & names:
            late.add(n)
            names |= bound_names(cell.source)
    return late


def _bound(steps: list[Step], role: str) -> frozenset[str]:
    return frozenset().union(*(bound_names(cell.source) for _, cell in steps if cell.role == role))


def _exercise(steps: list[Step], check: Check, late: set[int]) -> Iterator[Step]:
    own = {n for n, c in steps if c.role == "solution" and c.grade_id == check.exercise}
    tests = {n for n, c in steps if c.role == "check" and c.grade_id == check.grade_id}
    last = max(tests)
    before = [(n, c) for n, c in steps if n in own or (c.role == "other" and n not in late)]
    known = frozenset().union(*(bound_names(cell.source) for _, cell in before))
    offered = [(n, c) for n, c in steps if n < last and (c.role == "solution" or n in late)]
    needed = needed_names(check.visible) | needed_names(check.hidden)
    needed = needed.union(*(needed_names(steps[n][1].source) for n in own))
    taken, before = set(own), None
    while taken != before:
        before = set(taken)
        for n, cell in offered:
            if n not in taken and bound_names(cell.source) & needed - known:
                taken.add(n)
                needed |= needed_names(cell.source)
    for n, cell in steps:
        if n in taken or n in tests:
            yield (n if n in own or n in tests else None), cell


def numbered(steps: list[Step], report: RunReport) -> RunReport:
    """Return a report of these steps with the cells' numbers in the rebuilt notebook."""
    numbers = [number for number, _ in steps]
    cells = {numbers[at]: entry for at, entry in report.cells.items() if at < len(numbers)}
    cells.pop(None, None)
    return RunReport(cells, report.finished, report.out_of_time, report.trouble)


def exercise_of(lab: Lab, cell: RunCell) -> str | None:
    """Return the exercise to which a cell belongs; None for the lab's own."""
    exercises = {check.grade_id: check.exercise or check.grade_id for check in lab.checks}
    return exercises.get(cell.grade_id, cell.grade_id)
