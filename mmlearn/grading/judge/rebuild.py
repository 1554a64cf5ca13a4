"""Build the notebook that is graded: the instructor's copy with the student's solution cells.

From a submission only the *source* of its solution cells is taken. Order, set-up, checks, tags and
reference outputs are the instructor's, so an edited or deleted check changes nothing.
"""

from __future__ import annotations

import difflib
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
from mmlearn.grading.run.cell import RunCell
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


@dataclass(frozen=True)
class Check:
    """A graded check: its visible and hidden source and what it prints for the solution."""

    grade_id: str
    exercise: str | None  # the grade_id of the solution cell that it checks
    points: float
    visible: str
    hidden: str
    reference: str | None  # None: no instructor's copy, nothing to compare with
    rtol: float = RTOL
    atol: float = ATOL


@dataclass(frozen=True)
class Exercise:
    """A solution cell of the instructor's copy."""

    grade_id: str
    source: str


@dataclass(frozen=True)
class Other:
    """A code cell that is neither answered nor graded (set-up, helpers, figures)."""

    source: str


@dataclass(frozen=True)
class Lab:
    """What grading needs of an instructor's copy, in its order."""

    unit: str
    path: Path
    hash: str
    items: tuple[Check | Exercise | Other, ...]
    written: tuple[tuple[str, float], ...]

    @property
    def checks(self) -> list[Check]:
        return [item for item in self.items if isinstance(item, Check)]

    @property
    def exercises(self) -> list[Exercise]:
        return [item for item in self.items if isinstance(item, Exercise)]

    @property
    def max_points(self) -> float:
        return sum(check.points for check in self.checks)


@dataclass
class Rebuilt:
    """The cells to run, the exercises that the submission lacks, and notes for the feedback."""

    cells: list[RunCell] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)


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
    unit = metadata_of(notebook).get("unit") or path.stem
    lab = Lab(str(unit), path, digest(data), tuple(items), tuple(written))
    _refuse_unusable(lab)
    return lab


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
        return Exercise(grade_id, cell.source)
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
    split) are joined. Where the `grade_id` is gone, the cells between the neighbouring unchanged
    cells are taken instead, and a note says so. Exercises without a cell are `missing`.
    """
    rebuilt = Rebuilt(notes=list(submission.notes))
    sources = _solutions(lab, submission, rebuilt.notes)
    for item in lab.items:
        if isinstance(item, Other):
            rebuilt.cells.append(RunCell(item.source, "other"))
        elif isinstance(item, Exercise):
            if item.grade_id in sources:
                source = neutralise(sources[item.grade_id], item.grade_id, rebuilt.notes)
                rebuilt.cells.append(RunCell(source, "solution", item.grade_id))
            else:
                rebuilt.missing.add(item.grade_id)
        elif item.exercise in {e.grade_id for e in lab.exercises} - sources.keys():
            continue  # scored as missing, not run
        else:
            rebuilt.cells.extend(_check_cells(item))
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


def _check_cells(check: Check) -> list[RunCell]:
    # The reference covers what both parts print: its first lines are compared after the visible
    # part, which must be right before hidden tests are run, and all of it after the last part.
    compare = {"reference": check.reference, "rtol": check.rtol, "atol": check.atol}
    has_hidden = bool(check.hidden.strip())
    cells = []
    if check.visible.strip():
        cells.append(RunCell(check.visible, "check", check.grade_id, prefix=has_hidden, **compare))
    if has_hidden:
        cells.append(RunCell(check.hidden, "hidden", check.grade_id, **compare))
    return cells


def _solutions(lab: Lab, submission: Submission, notes: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for exercise in lab.exercises:
        cells = [cell for cell in submission.cells if cell.grade_id == exercise.grade_id]
        code = [cell.source for cell in cells if cell.kind == "code"]
        if code:
            found[exercise.grade_id] = "\n".join(code)
        if len(code) > 1:
            notes.append(f"Cell {exercise.grade_id!r} came in {len(code)} parts: they were joined.")
        elif cells and not code:
            notes.append(f"Cell {exercise.grade_id!r} is no code cell any more.")
    other_unit = submission.unit is not None and submission.unit != lab.unit
    if other_unit:
        notes.append(f"The notebook says that it is {submission.unit!r}, not {lab.unit!r}.")
    lost = [e for e in lab.exercises if e.grade_id not in found]
    if lost and not other_unit:
        found.update(_by_position(lab, submission, lost, notes))
    return found


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
