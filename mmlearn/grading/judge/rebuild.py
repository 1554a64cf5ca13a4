"""Build the notebook that is graded: the instructor's copy with the student's solution cells.

From a submission only the *source* of its solution cells is taken. Order, set-up, checks, tags and
reference outputs are the instructor's, so an edited or deleted check changes nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from mmlearn.grading.errors import GradingError, UnreadableSubmission
from mmlearn.grading.intake.submission import (
    Cell,
    Submission,
    digest,
    parse_submission,
    read_bytes,
)
from mmlearn.grading.judge.answers import answers_of
from mmlearn.grading.judge.helpers import helpers_for
from mmlearn.grading.judge.lab import Check, Exercise, Lab, Other
from mmlearn.grading.run.cell import RunCell
from mmlearn.grading.run.names import bound_names
from mmlearn.notebook import (
    MARKERS,
    NBGRADER,
    NOT_GRADED,
    STUBS,
    TOLERANCE,
    metadata_of,
    role_of,
    unwrap_check,
)

RTOL, ATOL = TOLERANCE["rtol"], TOLERANCE["atol"]
MAX_ANSWER = 20_000  # characters of a written answer that are kept

_UNANSWERED = STUBS["solution"][-1]
_HIDDEN_BEGIN, _HIDDEN_END = (
    re.compile(rf"^[ \t]*{marker}[ \t]*$", re.MULTILINE) for marker in MARKERS["check"]
)
_SOLUTION = re.compile(
    r"^(?P<indent>[ \t]*){}[ \t]*\n.*?^[ \t]*{}[ \t]*$".format(*MARKERS["solution"]),
    re.MULTILINE | re.DOTALL,
)
# nbval takes its orders from comments too; every spelling that it knows.
_NBVAL_MARKER = re.compile(
    r"#[#\s]*(NBVAL_(IGNORE_OUTPUT|CHECK_OUTPUT|RAISES_EXCEPTION|SKIP)"
    r"|PYTEST_VALIDATE_IGNORE_OUTPUT)"
)


@dataclass
class Rebuilt:
    """The cells to run, the exercises that the submission lacks, and notes for the feedback."""

    cells: list[RunCell] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    firsts: dict[str, str] = field(default_factory=dict)  # of answers that came twice: the first


def load_lab(path: Path, with_reference: bool = True) -> Lab:
    """Load an instructor's copy; with ``with_reference=False`` a lab's own visible checks.

    Raises
    ------
    GradingError
        If the file is no notebook, has no checks, or a check has no stored output to compare with.
    """
    import nbformat

    path = Path(path)
    try:
        data = read_bytes(path)
        parse_submission(data)
    except UnreadableSubmission as error:
        raise GradingError(f"{path}: {error}") from error
    notebook = nbformat.reads(data.decode("utf-8-sig"), as_version=4)
    items, written = [], []
    for cell in notebook.cells:
        item = _item(cell, path, with_reference)
        if isinstance(item, tuple):
            written.append(item)
        elif item is not None:
            items.append(item)
    if not with_reference:
        items = _without_copies(items)
    unit = metadata_of(notebook).get("unit") or path.stem
    lab = Lab(str(unit), path, digest(data), tuple(items), tuple(written))
    _refuse_unusable(lab)
    return lab


def _without_copies(items: list[Check | Exercise | Other]) -> list[Check | Exercise | Other]:
    """Leave out what a student copied in a notebook of their own: the first of a name counts."""
    seen: set[str] = set()
    kept = []
    for item in items:
        name = getattr(item, "grade_id", None)
        if name is None or name not in seen:
            kept.append(item)
        seen.add(name)
    return kept


def _item(cell, path: Path, with_reference: bool):
    """Return the `Check`, `Exercise`, `Other` or written answer that a cell is, or None."""
    nbgrader, ours = metadata_of(cell, NBGRADER), metadata_of(cell)
    grade_id = nbgrader.get("grade_id")
    role = role_of(cell) or _role_from_nbgrader(cell, nbgrader)
    if role == "written":
        return grade_id, float(nbgrader.get("points", 0))
    if cell.cell_type != "code" or role in NOT_GRADED:
        return None
    if role == "solution":
        return Exercise(grade_id, cell.source, tuple(map(str, ours.get("allow") or ())))
    if role != "check":
        return Other(cell.source)
    source = unwrap_check(cell.source)  # a lab's check holds errors back, which grading must see
    visible, hidden = _split_hidden(source, f"{path}: check {grade_id!r}")
    return Check(
        grade_id,
        ours.get("for"),
        float(nbgrader.get("points", 0)),
        visible,
        hidden,
        _printed(cell) if with_reference else None,
        float(ours.get("rtol", RTOL)),
        float(ours.get("atol", ATOL)),
    )


def _role_from_nbgrader(cell, nbgrader) -> str | None:
    if nbgrader.get("solution"):
        return "solution" if cell.cell_type == "code" else "written"
    return "check" if nbgrader.get("grade") and cell.cell_type == "code" else None


def _printed(cell) -> str:
    return "".join(
        output.text
        for output in cell.outputs
        if output.output_type == "stream" and output.name == "stdout"
    )


def _split_hidden(source: str, where: str) -> tuple[str, str]:
    """Split a check at its hidden tests, so that these reach a kernel only when the rest passed."""
    begin = _HIDDEN_BEGIN.search(source)
    if begin is None:
        return source, ""
    visible, rest = source[: begin.start()], source[begin.end() :]
    end = _HIDDEN_END.search(rest)
    if end is None or rest[end.end() :].strip() or begin.group().startswith((" ", "\t")):
        raise GradingError(
            f"{where}: hidden tests must stand at the end of the cell, not indented, between "
            f"{' and '.join(map(repr, MARKERS['check']))}."
        )
    return visible, rest[: end.start()]


def _refuse_unusable(lab: Lab) -> None:
    if not lab.checks:
        raise GradingError(f"{lab.path} has no check cells, so there is nothing to grade.")
    ids = [item.grade_id for item in lab.checks + lab.exercises]
    for grade_id in ids:
        if not grade_id or ids.count(grade_id) > 1:
            raise GradingError(f"{lab.path}: the grade_id {grade_id!r} is missing or used twice.")
    for check in lab.checks:
        if check.reference is not None and not check.reference.strip():
            raise GradingError(
                f"{lab.path}: check {check.grade_id!r} has no stored printed output to compare "
                "with; execute the instructor's copy and save it with its outputs."
            )


def rebuild(lab: Lab, submission: Submission) -> Rebuilt:
    """Return the notebook to run: the instructor's cells with the submission's solutions.

    A solution cell is found by its `grade_id`; several cells with one `grade_id` (a cell that was
    split) are joined, but for what stands below its check and what is unanswered. Where the
    `grade_id` is gone, the cells between the neighbouring unchanged cells are taken instead. What
    an answer uses of the student's other cells is taken along (`helpers`). Notes say all that.
    Exercises without a cell are `missing`.
    """
    rebuilt = Rebuilt(notes=list(submission.notes))
    sources = answers_of(lab, submission, rebuilt.notes, rebuilt.firsts)
    helpers = _helpers(lab, submission, sources, rebuilt.notes)
    answers = lab.answers
    for item in lab.items:
        if isinstance(item, Other):
            rebuilt.cells.append(RunCell(item.source, "other"))
        elif isinstance(item, Exercise):
            if item.grade_id in sources:
                if item.grade_id in helpers:
                    helper = RunCell(helpers[item.grade_id], "solution", item.grade_id)
                    rebuilt.cells.append(helper)
                source = neutralise(sources[item.grade_id], item.grade_id, rebuilt.notes)
                rebuilt.cells.append(RunCell(source, "solution", item.grade_id))
            else:
                rebuilt.missing.add(item.grade_id)
        elif item.exercise in {e.grade_id for e in lab.exercises} - sources.keys():
            continue  # scored as missing, not run
        else:
            rebuilt.cells.extend(_check_cells(item, answers))
    return rebuilt


def solution_of(lab: Lab) -> Submission:
    """Return the instructor's own solutions as a submission."""
    return Submission(tuple(Cell("code", e.source, e.grade_id) for e in lab.exercises), lab.unit)


def written_answers(lab: Lab, submission: Submission) -> dict[str, str]:
    """Return the text of each written answer that the submission holds, by its grade_id."""
    answers: dict[str, list[str]] = {}
    for cell in submission.cells:
        if cell.grade_id in dict(lab.written):
            answers.setdefault(cell.grade_id, []).append(cell.source.strip())
    return {name: "\n\n".join(parts)[:MAX_ANSWER] for name, parts in answers.items()}


def empty_of(lab: Lab) -> Submission:
    """Return the unanswered lab: each solution region raises NotImplementedError instead."""

    def stub(source: str) -> str:
        if not _SOLUTION.search(source):
            return _UNANSWERED
        return _SOLUTION.sub(lambda match: match["indent"] + _UNANSWERED, source)

    return Submission(
        tuple(Cell("code", stub(e.source), e.grade_id) for e in lab.exercises), lab.unit
    )


def neutralise(source: str, grade_id: str = "", notes: list[str] | None = None) -> str:
    """Return a student's source without nbval's comment markers and without cell magics.

    A marker could switch a comparison off, and a magic such as ``%%script false`` the cell.
    """
    kept, removed = [], []
    for line in source.splitlines(keepends=True):
        bare = line.strip()
        magic = not kept and (not bare or bare.startswith("%%"))
        if magic or _NBVAL_MARKER.fullmatch(bare):
            removed += [bare] if bare else []
        else:
            kept.append(line)
    if removed and notes is not None:
        notes.append(f"Cell {grade_id!r}: left out {', '.join(map(repr, removed))}.")
    return "".join(kept)


def _check_cells(check: Check, answers: tuple[str, ...]) -> list[RunCell]:
    # The reference covers what both parts print: its first lines are compared after the visible
    # part, which must be right before hidden tests are run, and all of it after the last part.
    compare = {"reference": check.reference, "rtol": check.rtol, "atol": check.atol}
    compare |= {"grade_id": check.grade_id, "answers": answers}
    has_hidden = bool(check.hidden.strip())
    cells = [RunCell(check.visible, "check", prefix=has_hidden, **compare)]
    if has_hidden:
        cells.append(RunCell(check.hidden, "hidden", **compare))
    return cells


def _helpers(lab: Lab, submission: Submission, sources, notes: list[str]) -> dict[str, str]:
    """Return the statements of the student's other cells that each answer needs."""
    ours = {item.grade_id for item in (*lab.checks, *lab.exercises)}
    others = [c.source for c in submission.cells if c.kind == "code" and c.grade_id not in ours]
    known = set(lab.answers).union(*map(bound_names, sources.values()))
    known = known.union(*(bound_names(i.source) for i in lab.items if isinstance(i, Other)))
    found = {}
    for grade_id, source in sources.items():
        helper, names = helpers_for(source, others, known)
        if helper:
            found[grade_id] = neutralise(helper)
            notes.append(f"Cell {grade_id!r} uses {names} of another cell of yours: taken along.")
    return found
