"""What makes a notebook one of the course's: folders, names, roles, markers, tolerances.

The builder writes them, the grader, the release and the tests read them. A code cell says what it
is for in its metadata, ``{"mmlearn": {"role": ...}}``; the roles stand in :data:`ROLES`. Graded
cells carry nbgrader's metadata beside ours: the name (``grade_id``), the points and the flags.
"""

import ast
import re
import textwrap

__all__ = [
    "ANY_MARKER",
    "FOLDERS",
    "MARKERS",
    "NBGRADER",
    "NOT_GRADED",
    "OURS",
    "ROLES",
    "STUBS",
    "TOLERANCE",
    "file_name",
    "metadata_of",
    "role_of",
    "unit_named",
    "unwrap_check",
    "wrap_check",
]

FOLDERS = {"lesson": "course", "lab": "labs", "solution": "solutions"}
ROLES = {
    "card": "title, minutes, objectives or points",
    "install": "looks for the package; on Colab it installs it",
    "setup": "the imports",
    "widget": "something to move; a static figure stands beside it",
    "solution": "an exercise: the student's function",
    "check": "tests one exercise and prints values that only a right answer gives",
    "written": "an answer in words, marked by hand",
    "experiment": "the student's own, never graded",
    "tally": "adds the points up",
    "footer": "where to go from here",
}
NOT_GRADED = ("install", "experiment", "tally")  # code that no exercise depends on
OURS, NBGRADER = "mmlearn", "nbgrader"  # whose metadata it is: of a notebook and of its cells

# What students never see stands between two lines, by the role of its cell.
_SOLUTION = ("### BEGIN SOLUTION", "### END SOLUTION")
MARKERS = {
    "solution": _SOLUTION,
    "written": _SOLUTION,
    "check": ("### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"),
}
ANY_MARKER = re.compile(r"\b(BEGIN|END)[ \t]+(SOLUTION|HIDDEN)", re.IGNORECASE)  # misspelt, too
STUBS = {  # the lines that stand in a lab in place of an answer
    "solution": ("# YOUR CODE HERE", "raise NotImplementedError"),
    "written": ("*Your answer here.*",),
}

TOLERANCE = {"rtol": 1e-3, "atol": 1e-6}  # of a printed number, unless the check says otherwise
SUFFIX = "_lab"  # labs and solutions; so that a lesson and its lab can lie in one folder

_OPENING = "with check({exercise!r}, points={points:g}):\n"


def file_name(unit, kind):
    """The file of a unit's notebook, without its folder.

    >>> file_name("02_linear_cca", "lesson"), file_name("02_linear_cca", "lab")
    ('02_linear_cca.ipynb', '02_linear_cca_lab.ipynb')
    """
    return f"{unit}{'' if kind == 'lesson' else SUFFIX}.ipynb"


def unit_named(name, units=()):
    """The unit that a lab's name, file or path means; among `units`, its number is enough.

    >>> unit_named("labs/02_linear_cca_lab.ipynb"), unit_named("02", ["02_linear_cca"])
    ('02_linear_cca', '02_linear_cca')
    """
    name = str(name).replace("\\", "/").rstrip("/").rpartition("/")[2]
    name = name.removesuffix(".ipynb").removesuffix(SUFFIX)
    meant = [unit for unit in units if unit.startswith(f"{name}_")]
    return meant[0] if len(meant) == 1 and name not in units else name


def metadata_of(part, whose=OURS):
    """Our metadata of a notebook or of one of its cells, or nbgrader's; {} where there is none.

    Anything else in that place, as in a file that a student handed in, counts as none.

    >>> metadata_of({"metadata": {"nbgrader": {"grade_id": "double"}}}, NBGRADER)
    {'grade_id': 'double'}
    """
    for key in ("metadata", whose):
        part = part.get(key) if isinstance(part, dict) else None
    return part if isinstance(part, dict) else {}


def role_of(cell):
    """The role of a cell, "" for a plain one."""
    return metadata_of(cell).get("role", "")


def wrap_check(source, exercise, points):
    """A check as a student runs it: it reports, and what fails does not stop *Run all*.

    The student's own :func:`mmlearn.exercises.check` says what was found. ValueError where the
    indentation would change the check, as within a string of several lines.

    >>> print(wrap_check("assert double(2) == 4", "double", 3))
    with check("double", points=3):
        assert double(2) == 4
    """
    body = textwrap.indent(source.strip("\n"), "    ")
    wrapped = _OPENING.format(exercise=exercise, points=points).replace("'", '"') + body
    if ast.dump(ast.Module(ast.parse(wrapped).body[0].body, [])) != ast.dump(ast.parse(source)):
        raise ValueError(f"the check of {exercise!r} has a string of several lines: use one line.")
    return wrapped


def unwrap_check(source):
    """The check itself, as :func:`wrap_check` got it; any other source comes back as it is.

    >>> unwrap_check('with check("double", points=3):\\n    assert double(2) == 4')
    'assert double(2) == 4'
    """
    opening, _, body = source.partition("\n")
    if not (opening.startswith('with check("') and opening.endswith("):")):
        return source
    return textwrap.dedent(body)
