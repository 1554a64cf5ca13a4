"""What can become of a submission and of each of its checks, and what that means."""

# Part of every stored result's key: raised whenever the same submission could be graded otherwise.
GRADER_VERSION = "3"

MEANING = {
    "passed": "every check passed",
    "failed": "a check found a wrong result, or an exercise was left open",
    "error": "a cell stopped with an exception, or printed too much",
    "timeout": "a cell, or the notebook as a whole, took too long",
    "kernel-died": "the code ended the kernel: os._exit, a crash, or too much memory",
    "missing": "a solution cell is not in the notebook",
    "unreadable": "the file could not be read as a notebook",
    "not-submitted": "nothing was handed in",
    "grader-error": "the grader itself failed, so the points are not known",
}
STATUSES = tuple(MEANING)
