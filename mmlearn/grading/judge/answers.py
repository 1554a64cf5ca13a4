"""Which cells of a submission answer which exercise."""

from __future__ import annotations

import difflib

from mmlearn.grading.intake.submission import Submission
from mmlearn.grading.judge.lab import Check, Exercise, Lab, Other
from mmlearn.grading.run.names import bound_names
from mmlearn.notebook import STUBS, unwrap_check


def answers_of(
    lab: Lab, submission: Submission, notes: list[str], firsts: dict[str, str]
) -> dict[str, str]:
    """Return the source of each answered exercise by its grade_id; notes say what is odd.

    Where a later part defines anew what an earlier one did, the first part goes to `firsts`.
    """
    found: dict[str, str] = {}
    for exercise in lab.exercises:
        cells = [cell for cell in submission.cells if cell.grade_id == exercise.grade_id]
        code = _that_count(lab, submission, exercise.grade_id, notes)
        if code:
            found[exercise.grade_id] = "\n".join(code)
        if len(code) > 1:
            notes.append(f"Cell {exercise.grade_id!r} came in {len(code)} parts: they were joined.")
            if bound_names(code[0]) & frozenset().union(*map(bound_names, code[1:])):
                firsts[exercise.grade_id] = code[0]
        elif cells and not code:
            notes.append(f"Cell {exercise.grade_id!r} is no code cell any more.")
    other_unit = submission.unit is not None and submission.unit != lab.unit
    if other_unit:
        notes.append(f"The notebook says that it is {submission.unit!r}, not {lab.unit!r}.")
    lost = [e for e in lab.exercises if e.grade_id not in found]
    if lost and not other_unit:
        found.update(_by_position(lab, submission, lost, notes))
    return found


def _that_count(lab: Lab, submission: Submission, grade_id: str, notes: list[str]) -> list[str]:
    """Return the sources of an exercise's cells: of several, those answered above its check."""
    checks = {check.grade_id for check in lab.checks if check.exercise == grade_id}
    cells = list(submission.cells)
    at = [n for n, cell in enumerate(cells) if cell.grade_id in checks and cell.kind == "code"]
    found = [n for n, c in enumerate(cells) if c.grade_id == grade_id and c.kind == "code"]
    answered = [n for n in found if not all(line in cells[n].source for line in STUBS["solution"])]
    kept = answered or found[:1]
    kept = [n for n in kept if not at or n < at[0]] or kept
    if len(kept) < len(found):
        left = len(found) - len(kept)
        notes.append(
            f"Cell {grade_id!r} is there {len(found)} times: {left} below its check or without an "
            "answer left out."
        )
    return [cells[n].source for n in kept]


def _by_position(lab: Lab, submission: Submission, lost, notes: list[str]) -> dict[str, str]:
    """Find solution cells that lost their grade_id between the cells that still are the lab's."""
    exercise_ids = {e.grade_id for e in lab.exercises}
    known = {check.grade_id for check in lab.checks} | exercise_ids
    theirs = [cell for cell in submission.cells if cell.kind == "code"]
    lab_keys = [_key(item) for item in lab.items]
    their_keys = [
        ("id", cell.grade_id)
        if cell.grade_id in known
        else ("text", unwrap_check(cell.source).strip())
        for cell in theirs
    ]
    # A check that lost its grade_id as well is known by its text.
    texts = {item.visible.strip(): _key(item) for item in lab.checks}
    their_keys = [texts.get(key[1], key) if key[0] == "text" else key for key in their_keys]
    found = {}
    matcher = difflib.SequenceMatcher(None, lab_keys, their_keys, autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        wanted = [lab.items[i] for i in range(i1, i2) if lab.items[i] in lost]
        candidates = [theirs[j] for j in range(j1, j2) if theirs[j].grade_id not in known]
        if tag != "replace" or not wanted or not candidates:
            continue
        if len(wanted) == 1:
            groups = [[cell.source for cell in candidates]]
        elif len(wanted) == len(candidates):
            groups = [[cell.source] for cell in candidates]
        else:
            continue  # which cell answers which exercise cannot be told
        for exercise, sources in zip(wanted, groups, strict=True):
            found[exercise.grade_id] = "\n".join(sources)
            notes.append(f"Cell {exercise.grade_id!r} lost its name: it was found by its place.")
    return found


def _key(item: Check | Exercise | Other) -> tuple[str, str]:
    return ("text", item.source.strip()) if isinstance(item, Other) else ("id", item.grade_id)
