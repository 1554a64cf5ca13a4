"""Grading of labs: rebuild a submission from the instructor's copy, run it, compare what it prints.

Importing this package is light: what needs Jupyter is imported when a notebook is graded.

Modules, in the order in which a submission passes through them:

- `intake`, `archive`, `names`: what each student handed in, and where it is;
- `submission`: a student's file, read as data;
- `rebuild`: a new notebook of the instructor's copy and the student's solution cells;
- `execute`, `worker`, `nbval_plugin`, `sandbox`: run it, the kernel in a box;
- `compare`, `score`: from what happened to a status and points per check;
- `batch`: all this for a class, in parallel and resumable;
- `classroom`, `roster`, `late`, `manual`, `tables`: what an instructor says of a class;
- `standing`, `gradebook`, `overview`, `feedback`, `pages`: what is written down;
- `release`, `nbgrader`: what a class is handed, and sources for those who use nbgrader;
- `cli`: the commands ``mmlearn grade`` and ``release``.
"""

from mmlearn.grading.compare import compare_text

# Part of every stored result's key: raised whenever the same submission could be graded otherwise.
GRADER_VERSION = "2"

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
