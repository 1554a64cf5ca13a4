"""What an answer is made of: what it takes from a library, and its shape without names.

Both are read from the source; nothing is run. They change no points by themselves: calling the
package's own loss solves no exercise that asks for it, but what was meant to be allowed, and who
copied from whom, is for a person to judge.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from itertools import combinations
from math import log

from mmlearn.grading.judge.lab import Lab, Other
from mmlearn.grading.run.cell import RunCell
from mmlearn.grading.run.names import parsed

# Tools to write an answer with; every other library may hold the answer itself.
TOOLS = frozenset({"numpy", "torch", "matplotlib", *sys.stdlib_module_names})
# What in a tool is an answer: torch's losses.
_ANSWERS = re.compile(r"torch\.nn\.(functional\.)?\w*(loss|cross_entropy)\w*", re.IGNORECASE)
# Behind these anything may stand.
_DISGUISES = ("exec", "eval", "__import__", "importlib.import_module", "sys.modules")


def borrowed(source: str, given: str = "", allowed: Iterable[str] = ()) -> list[str]:
    """Return what an answer takes from a library that may solve the exercise, by full names.

    Parameters
    ----------
    source : the answer
    given : code that runs before it, such as the lab's set-up; its imports are known by name
    allowed : full names that are not named, and modules whose names are not

    Returns
    -------
    sorted names, such as ``mmlearn.losses.info_nce``, with ``exec`` and other ways around a name.
    Of a source that is no Python there are none.

    Examples
    --------
    >>> borrowed("def f(x, y):\\n    return info_nce(x, y)", "from mmlearn.losses import info_nce")
    ['mmlearn.losses.info_nce']
    >>> borrowed("import numpy as np\\ndef f(x):\\n    return np.exp(x)")
    []
    """
    reader = _Reader()
    for code in (given, source):
        reader.found.clear()
        reader.visit(parsed(code))
    return sorted(name for name in reader.found if _may_solve(name, tuple(allowed)))


def _may_solve(name: str, allowed: tuple[str, ...]) -> bool:
    if any(f"{name}.".startswith(f"{module}.") for module in allowed):
        return False
    disguised = any(f"{name}.".startswith(f"{way}.") for way in _DISGUISES)
    own = name.partition(".")[0] in TOOLS
    return disguised or not own or bool(_ANSWERS.fullmatch(name))


class _Reader(ast.NodeVisitor):
    """Follow imported names through a source and collect, by full names, what is used of them."""

    def __init__(self):
        self.known: dict[str, str] = {name: name for name in _DISGUISES if "." not in name}
        self.hidden: list[set[str]] = []  # names of functions around, which hide imported ones
        self.found: set[str] = set()

    def visit(self, node):
        with suppress(RecursionError):
            super().visit(node)

    def visit_Import(self, node):
        for alias in node.names:
            full = alias.name if alias.asname else alias.name.partition(".")[0]
            self.known[alias.asname or full] = full

    def visit_ImportFrom(self, node):
        module = node.module or ""
        for alias in node.names:
            if alias.name == "*":
                self.known |= {name: f"{module}.{name}" for name in _exported(module)}
            else:
                self.known[alias.asname or alias.name] = f"{module}.{alias.name}"

    def visit_FunctionDef(self, node):
        if not self.hidden:
            self.known.pop(node.name, None)  # one's own function of that name
        self._within(node, _bound_in(node))

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node):
        self._within(node, {argument.arg for argument in _arguments(node)})

    def _within(self, node, names):
        self.hidden.append(names)
        self.generic_visit(node)
        self.hidden.pop()

    def visit_Assign(self, node):
        self.generic_visit(node)
        full = self._full(node.value)
        for target in node.targets:
            if isinstance(target, ast.Name) and not self.hidden:
                self.known.pop(target.id, None)
                if full:
                    self.known[target.id] = full  # another name for the same thing

    def visit_Name(self, node):
        full = self._full(node)
        if full and isinstance(node.ctx, ast.Load):
            self.found.add(full)

    def visit_Attribute(self, node):
        full = self._full(node)
        if full:
            self.found.add(full)
        else:
            self.generic_visit(node)

    def visit_Call(self, node):
        self.generic_visit(node)
        if self._full(node.func) in ("__import__", "importlib.import_module"):
            names = [a.value for a in node.args if isinstance(a, ast.Constant)]
            self.found |= {name for name in names if isinstance(name, str)}

    def _full(self, node) -> str | None:
        """Return the full name of an imported name or of what is taken from it; else None."""
        parts = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or any(node.id in names for names in self.hidden):
            return None
        root = self.known.get(node.id)
        return root and ".".join([root, *reversed(parts)])


def _arguments(function) -> list[ast.arg]:
    a = function.args
    extra = [one for one in (a.vararg, a.kwarg) if one is not None]
    return [*a.posonlyargs, *a.args, *a.kwonlyargs, *extra]


def _bound_in(function) -> set[str]:
    """Return the names that are a function's own: its arguments, and what it assigns."""
    names = {argument.arg for argument in _arguments(function)}
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names - {name for node in ast.walk(function) for name in _imported_by(node)}


def _imported_by(node) -> list[str]:
    if isinstance(node, ast.Global):
        return node.names
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name.partition(".")[0] for alias in node.names]
    return []


def _exported(module: str) -> list[str]:
    """Return the names that ``from module import *`` gives, of the course's own modules."""
    if module.partition(".")[0] != "mmlearn":
        return []
    with suppress(ImportError):
        return list(getattr(importlib.import_module(module), "__all__", ()))
    return []


def made_of(lab: Lab, cells: Iterable[RunCell]) -> dict[str, dict]:
    """Return, by exercise, what the answers in `cells` take from a library, and their shapes.

    What the instructor's own answer takes is allowed, beside what the exercise says.

    Returns
    -------
    dict: ``library`` {exercise: names}, without those that take nothing; ``shapes`` {exercise: ...}
    """
    setup = "\n".join(item.source for item in lab.items if isinstance(item, Other))
    sources: dict[str, str] = {}
    for cell in cells:
        if cell.role == "solution":
            sources[cell.grade_id] = sources.get(cell.grade_id, "") + cell.source + "\n"
    has_answers = any(check.reference is not None for check in lab.checks)
    library, shapes = {}, {}
    for exercise in lab.exercises:
        own = borrowed(exercise.source, setup) if has_answers else []
        source = sources.get(exercise.grade_id, "")
        if names := borrowed(source, setup, (*exercise.allowed, *own)):
            library[exercise.grade_id] = names
        shapes[exercise.grade_id] = shape(source)
    return {"library": library, "shapes": shapes}


# -- shapes ----------------------------------------------------------------------------------


def shape(source: str) -> list[str]:
    """Return an answer's statements as short hashes that no renaming, comment or layout changes.

    In each statement the names are numbered in the order in which they occur; what comes after a
    dot, keywords and constants stay. Docstrings and annotations are left out.

    >>> shape("def f(x):\\n    y = x + 1\\n    return y") == shape(
    ...     "def g(a):\\n  b = a+1\\n  return b"
    ... )
    True
    """
    statements = [node for node in ast.walk(parsed(source)) if isinstance(node, ast.stmt)]
    kept = (node for node in statements if not _says_nothing(node))
    return [hashlib.sha256(_normal(node).encode()).hexdigest()[:10] for node in kept]


def _says_nothing(node: ast.stmt) -> bool:
    text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return text or isinstance(node, ast.Pass | ast.Import | ast.ImportFrom)


def _normal(statement: ast.stmt) -> str:
    """Return a statement's own line, without those below it, with numbers for names."""
    numbers: dict[str, str] = {}

    def told(value) -> str:
        if isinstance(value, list):
            return ",".join(told(item) for item in value if not isinstance(item, ast.stmt))
        if not isinstance(value, ast.AST):
            return repr(value)
        parts = []
        for field, inner in ast.iter_fields(value):
            if field in ("annotation", "returns", "ctx", "type_comment", "kind"):
                continue
            named = (field == "id" and isinstance(value, ast.Name)) or field == "arg"
            named = named and not isinstance(value, ast.keyword)
            if named or (field == "name" and isinstance(value, ast.stmt)):
                inner = numbers.setdefault(inner, f"v{len(numbers)}")
            parts.append(told(inner))
        return f"{type(value).__name__}({';'.join(parts)})"

    if isinstance(statement, ast.AnnAssign) and statement.value:
        statement = ast.Assign([statement.target], statement.value)
    try:
        return told(statement)
    except RecursionError:
        return type(statement).__name__


def alike(shapes: Mapping[str, list[str]], least: float = 0.8) -> list[tuple[str, str, float, int]]:
    """Return the pairs of students whose answers to one exercise are alike, the likest first.

    Statements that many have in common, such as the only good way to write a sum, count little:
    with n answers, d of them with the statement, it weighs ln(n / d). Two answers are alike by the
    weight that they share, over the weight of both together.

    Parameters
    ----------
    shapes : what :func:`shape` gave, by student
    least : the smallest likeness that is returned

    Returns
    -------
    (student, student, likeness from 0 to 1, statements shared that most do not have)

    >>> alike({"a": ["x", "y", "z"], "b": ["x", "y", "z"], "c": ["x"], "d": ["x"], "e": ["w"]})
    [('a', 'b', 1.0, 2)]
    """
    bags = {name: Counter(parts) for name, parts in shapes.items() if parts}
    having = Counter(part for bag in bags.values() for part in bag)
    weight = {part: log(len(bags) / count) for part, count in having.items()}
    common = max(len(bags) / 2, 2.5)
    found = []
    for one, other in _sharing(bags, {part for part, count in having.items() if count < common}):
        both, either = bags[one] & bags[other], bags[one] | bags[other]
        rare = sum(n for part, n in both.items() if having[part] < common)
        total = sum(weight[part] * n for part, n in either.items())
        if rare >= 2 and total > 0:
            likeness = sum(weight[part] * n for part, n in both.items()) / total
            if likeness >= least:
                found.append((one, other, round(likeness, 3), rare))
    return sorted(found, key=lambda pair: (-pair[2], -pair[3], pair[:2]))


def _sharing(bags: Mapping[str, Counter], rare: set[str]) -> set[tuple[str, str]]:
    """Return the pairs of students who share a rare statement; few do, so few are compared."""
    having: dict[str, list[str]] = {}
    for name in sorted(bags):
        for part in bags[name].keys() & rare:
            having.setdefault(part, []).append(name)
    return {pair for names in having.values() for pair in combinations(names, 2)}
