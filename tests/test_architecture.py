"""Who may import whom: no circle, one direction through the rooms, and files that fit on a desk."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "mmlearn"
FILES = sorted(PACKAGE.rglob("*.py"))

# A room imports nothing of a room that stands in a later row.
ROWS = [
    {
        "arrays",
        "kinds",
        "labels",
        "notebook",
        "permutation",
        "progress",
        "scaling",
        "special_tokens",
        "torch_state",
    },
    {"losses", "mining", "retrieval"},
    {"contract"},
    {"training"},
    {"classical", "deep", "pairs"},
    {"scoreboard", "grading", "cli", "doctor", "workspace"},
]
LATER = {room: set().union(*ROWS[i + 1 :]) for i, row in enumerate(ROWS) for room in row}
METHODS = set().union(*ROWS[:5])
# What a room never imports, beside that.
STRANGERS = {
    "features": {"data", *ROWS[4], *ROWS[5]},
    "data": {*ROWS[4], *ROWS[5]},
    "plotting": {"data", "features", *METHODS, *ROWS[5]},
    **{room: {"data", "features", "plotting"} for room in METHODS},
}


def name_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in FILES}


def imports_of(name, text):
    """The modules of the package that a module imports, wherever in its text.

    Importing a.b.c runs a and a.b first, so these count too, but for those that hold the module.
    """
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports by dots; write the full name"
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    above = {other.rsplit(".", i)[0] for other in found for i in range(1, other.count(".") + 1)}
    return {m for m in found | above if m in MODULES and not f"{name}.".startswith(f"{m}.")}


GRAPH = {name: imports_of(name, path.read_text("utf-8")) for name, path in MODULES.items()}


def circle(graph):
    """The modules of one circle, in order, or an empty list."""
    done, path = set(), []

    def visit(name):
        if name in path:
            return path[path.index(name) :]
        if name in done:
            return []
        path.append(name)
        for other in sorted(graph[name]):
            if found := visit(other):
                return found
        done.add(path.pop())
        return []

    return next((found for name in sorted(graph) if (found := visit(name))), [])


def room_of(name):
    return name.split(".")[1] if "." in name else ""


def test_a_planted_circle_is_found():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == ["b", "c"]
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_imports_inside_functions_and_the_packages_above_are_seen():
    text = "def f():\n    from mmlearn.training.loop import fit\n    import mmlearn.cli\n"
    assert imports_of("mmlearn.doctor", text) == {
        "mmlearn.training", "mmlearn.training.loop", "mmlearn.cli"
    }  # fmt: skip
    assert imports_of("mmlearn.training.checkpoint", text) == {
        "mmlearn.training.loop", "mmlearn.cli"
    }  # fmt: skip


def test_no_modules_import_each_other_in_a_circle():
    assert " -> ".join(circle(GRAPH)) == ""


@pytest.mark.parametrize("name", MODULES)
def test_imports_go_one_way_through_the_rooms(name):
    room = room_of(name)
    forbidden = LATER.get(room, set()) | STRANGERS.get(room, set())
    assert {m for m in GRAPH[name] if room_of(m) in forbidden} == set()


def test_no_file_is_longer_than_a_reader_can_hold():
    limits = dict.fromkeys(FILES, 400) | dict.fromkeys((ROOT / "tools").rglob("*.py"), 300)
    too_long = {p for p, limit in limits.items() if p.read_text("utf-8").count("\n") > limit}
    assert {path.relative_to(ROOT).as_posix() for path in too_long} == set()
