"""Grading of labs: rebuild a submission from the instructor's copy, run it, compare what it prints.

Importing this package is light: what needs Jupyter is imported when a notebook is graded.

A submission passes through the rooms in this order, and a room imports from those before it only;
`run` and `judge` share three leaves, `run.cell`, `run.names` and `judge.compare`, so that no import
is a circle:

1. `intake`: what each student handed in, and where it is; a notebook is read as data;
2. `judge.rebuild`: a new notebook of the instructor's copy and the student's solution cells, and
   `judge.plan`: which of its cells are run, in which order;
3. `run`: that notebook in a process of its own, its kernel in a box, a signed report per cell;
4. `judge.score`: from what happened to a status and points per check;
5. `roster`: what an instructor says of a class: the class list, the deadline, marks by hand;
6. `report`: where each student stands; the gradebook, and the pages made from its templates.

`single` takes one submission from 2 to 4, `batch` a class through all of it, in parallel and
resumable; `records` keeps what was found. `handout` makes what a class is handed, and `cli` the
command ``mmlearn grade``. `errors` says what stops them, `imports` what they need not load.
"""

from mmlearn.grading.errors import GradingError
from mmlearn.grading.judge.compare import compare_text
from mmlearn.grading.judge.statuses import GRADER_VERSION, STATUSES

__all__ = ["GRADER_VERSION", "STATUSES", "GradingError", "compare_text"]
