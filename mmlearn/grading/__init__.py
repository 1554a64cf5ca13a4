"""Grading of labs: rebuild a submission from the instructor's copy, run it, compare what it prints.

Importing this package is light: what needs Jupyter is imported when a notebook is graded.

Modules, in the order in which a submission passes through them: `submission` reads a student's
file as data, `rebuild` makes a new notebook of the instructor's copy and the student's solution
cells, `execute` runs it in a process of its own (`worker`, `nbval_plugin`, `sandbox`), `score`
turns what happened into a status and points per check, `gradebook` writes them down, and `cli`
is the command ``python -m mmlearn grade``.
"""

from mmlearn.grading.compare import compare_text

# Part of every stored result's key: raised whenever the same submission could be graded otherwise.
GRADER_VERSION = "1"

STATUSES = (
    "passed",
    "failed",
    "error",
    "timeout",
    "kernel-died",
    "missing",
    "unreadable",
    "not-submitted",
    "grader-error",
)


class GradingError(Exception):
    """Grading cannot go on; the message is one sentence for the person at the terminal."""


__all__ = ["GRADER_VERSION", "STATUSES", "GradingError", "compare_text"]
