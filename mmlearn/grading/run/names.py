"""Which names a piece of code binds at its top level, and which it needs from elsewhere."""

from __future__ import annotations

import ast
import builtins
import re
import symtable
from collections.abc import Iterator
from typing import NamedTuple

_PYTHONS = frozenset(dir(builtins))
_MAGIC = re.compile(r"^([ \t]*)[%!?].*$", re.MULTILINE)


class Statement(NamedTuple):
    """A statement at the top level: its source, the names it sets or changes, those it needs."""

    source: str
    binds: frozenset[str]
    needs: frozenset[str]


def bound_names(source: str) -> frozenset[str]:
    """Return the names that code binds at its top level; none where it cannot be read.

    >>> sorted(bound_names("import numpy as np\\ndef f(x):\\n    y = x\\n    return y"))
    ['f', 'np']
    """
    return frozenset(
        symbol.get_name()
        for table in _tables(source)
        for symbol in table.get_symbols()
        if _binds(symbol, table)
    )


def needed_names(source: str) -> frozenset[str]:
    """Return the names that code reads, and neither it nor Python defines; none if unreadable.

    >>> sorted(needed_names("def f(x):\\n    y = x + step\\n    return np.sin(y)"))
    ['np', 'step']
    """
    read = {
        symbol.get_name()
        for table in _tables(source)
        for symbol in table.get_symbols()
        if symbol.is_referenced() and (table.get_type() == "module" or symbol.is_global())
    }
    return frozenset(read) - bound_names(source) - _PYTHONS


def statements(source: str) -> list[Statement]:
    """Return the statements at the top level of code; none where it cannot be read."""
    lines = _without_magics(source).split("\n")
    return [_statement(node, lines) for node in parsed(source).body]


def parsed(source: str) -> ast.Module:
    """Return the tree of a cell, without its lines for IPython; an empty one if unreadable."""
    try:
        return ast.parse(_without_magics(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])


def _statement(node: ast.stmt, lines: list[str]) -> Statement:
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
    text = "\n".join(lines[first - 1 : node.end_lineno])
    if ";" in text and not isinstance(node, ast.FunctionDef | ast.ClassDef):
        text = ast.unparse(node)  # several statements may share the line
    return Statement(text, bound_names(text) | frozenset(_changed(node)), needed_names(text))


def _changed(node: ast.stmt) -> Iterator[str]:
    """Yield the names whose object a statement changes: ``a[0] = 1``, ``a.b = 1``, ``a.add()``."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return
    for part in ast.walk(node):
        targets = getattr(part, "targets", [getattr(part, "target", None)])
        if isinstance(part, ast.Expr) and isinstance(part.value, ast.Call):
            targets = [part.value.func]
        for target in targets:
            changes = isinstance(target, ast.Attribute | ast.Subscript)
            while isinstance(target, ast.Attribute | ast.Subscript):
                target = target.value
            if changes and isinstance(target, ast.Name):
                yield target.id


def _binds(symbol: symtable.Symbol, table: symtable.SymbolTable) -> bool:
    sets = symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
    return sets and (table.get_type() == "module" or symbol.is_declared_global())


def _tables(source: str) -> list[symtable.SymbolTable]:
    try:
        waiting = [symtable.symtable(_without_magics(source), "cell", "exec")]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found = []
    while waiting:
        found.append(waiting.pop())
        waiting += found[-1].get_children()
    return found


def _without_magics(source: str) -> str:
    return _MAGIC.sub(r"\1pass", source)
