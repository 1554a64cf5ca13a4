"""Sources for nbgrader: instructor's copies whose hidden tests assert what ours compare outside.

Our hidden tests only print; the values are compared where the student's code cannot reach them.
nbgrader sees exceptions alone, and would pass every printed value. In its copy each hidden test
therefore carries the values that the solution prints, and asserts them. A student's code runs in
the same kernel and could read them there: use these copies with nbgrader, and nowhere else.
"""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

from mmlearn.grading.errors import GradingError
from mmlearn.grading.judge.rebuild import Check, Lab, load_lab, rebuild, solution_of
from mmlearn.grading.run.execute import run_notebook
from mmlearn.notebook import MARKERS, NBGRADER, OURS, metadata_of

_HIDDEN = """\
{visible}
{begin}
from contextlib import redirect_stdout
from io import StringIO

from mmlearn.grading import compare_text

with redirect_stdout(StringIO()) as printed:
{hidden}
assert compare_text({expected!r}, printed.getvalue(), {rtol!r}, {atol!r}) is None, (
    "the result on fresh inputs differs"
)
{end}"""


def nbgrader_source(path: Path, handed_out: Path, timeout: float = 60.0) -> dict:
    """Return the notebook that nbgrader takes as an assignment's source.

    Parameters
    ----------
    path: the instructor's copy; its own solution is run, with your rights, to see what it prints
    handed_out: the lab of the same name, whose title and introduction students shall see
    timeout: seconds that one cell may take

    Raises
    ------
    GradingError
        If the solution does not run.
    """
    lab = load_lab(path)
    visible = _lines_of_visible_parts(lab, timeout)
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["cells"][0] = json.loads(handed_out.read_text(encoding="utf-8"))["cells"][0]
    notebook["metadata"][OURS]["kind"] = "nbgrader"
    checks = {check.grade_id: check for check in lab.checks if check.hidden.strip()}
    for cell in notebook["cells"]:
        check = checks.get(metadata_of(cell, NBGRADER).get("grade_id"))
        if check is not None:
            cell["source"] = _asserting(check, visible[check.grade_id])
    return notebook


def _lines_of_visible_parts(lab: Lab, timeout: float) -> dict[str, int]:
    rebuilt = rebuild(lab, solution_of(lab))
    report = run_notebook(rebuilt.cells, timeout, "none")
    lines = {check.grade_id: 0 for check in lab.checks}
    for number, cell in enumerate(rebuilt.cells):
        entry = report.cells.get(number, {"status": report.trouble or "not reached"})
        if entry["status"] != "ok":
            where = f"cell {cell.grade_id!r}" if cell.grade_id else "a cell of the lab"
            raise GradingError(f"{lab.path}: its own solution does not run ({where}).")
        if cell.role == "check":
            lines[cell.grade_id] = entry["lines"]
    return lines


def _asserting(check: Check, visible_lines: int) -> str:
    expected = "\n".join(check.reference.rstrip().split("\n")[visible_lines:])
    begin, end = MARKERS["check"]
    return _HIDDEN.format(
        begin=begin,
        end=end,
        visible=check.visible.rstrip(),
        hidden=textwrap.indent(check.hidden.strip("\n"), "    "),
        expected=expected,
        rtol=check.rtol,
        atol=check.atol,
    )
