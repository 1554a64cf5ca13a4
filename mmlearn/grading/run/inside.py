"""Inside the kernel: a check runs among names of its own, and its own prints are told apart.

What a check prints leaves the kernel as messages of a kind of their own, `PRINTED`; what a
student's code prints, logs or shows meanwhile is none of them. That keeps no forger away, and need
not: who sends such messages can send what he could have printed, and the right values of a hidden
check are known outside alone.

A check sees the student's names and those of the lab's own cells, which a student cannot overwrite
for it; what the check itself sets, no student's function sees. The hidden part of a check goes on
where the visible one ended, with the student's names and the settings as they were then.
"""

from __future__ import annotations

import builtins
import io
import os
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from mmlearn.grading.run.settings import remember

PRINTED = "application/x-mmlearn-printed"

_print = builtins.print  # before any student's code could replace it
_pythons = frozenset(dir(builtins)) - {"__builtins__", "__name__", "__doc__"}
_lab: dict[str, Any] = {}  # what the lab's own cells and its checks have set
_checks: dict[str, tuple[dict[str, Any], Moment]] = {}
_first: list[Moment] = []  # before the first exercise that is run by itself


class Moment(NamedTuple):
    """The student's names, those of the lab, and the settings, as they were."""

    names: dict[str, Any]
    lab: dict[str, Any]
    settings: Callable[[], None]


class _Channel:
    """How a check's prints leave the kernel; taken hold of before any student's code runs."""

    publish: Callable = staticmethod(lambda data, metadata: None)


def begin() -> None:
    """Get the kernel ready: nobody looks at figures and warnings, and `quit` ends a cell only."""
    shell = _shell()
    _Channel.publish = shell.display_pub.publish
    shell.display_pub.register_hook(_only_printed)
    shell.ast_node_interactivity = "none"
    sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for name in ("exit", "quit"):
        shell.user_ns[name] = _leave


def keep(*names: str) -> None:
    """Remember what a cell of the lab has set, for the checks."""
    theirs = _shell().user_ns
    _lab.update({name: theirs[name] for name in names if name in theirs})


def check(name: str, source: str, answers: tuple[str, ...]) -> None:
    """Run the visible part of a check; names in `answers` are always the student's."""
    theirs = _shell().user_ns
    # A student's `len = 3` is no business of the check.
    names = {k: v for k, v in theirs.items() if k in answers or k not in _pythons}
    names |= {key: value for key, value in _lab.items() if key not in answers}
    names["print"] = printed
    before = dict(names)
    _checks[name] = names, _now()
    try:
        _run(name, source, names)
    finally:
        _lab.update({k: v for k, v in names.items() if k not in before or v is not before[k]})


def hidden(name: str, source: str) -> None:
    """Run the hidden part of a check, among the names of its visible part."""
    names, moment = _checks[name]
    _return_to(moment)
    _run(name, source, names)


def fresh() -> None:
    """Return to the moment before the first exercise."""
    if not _first:
        _first.append(_now())
    _return_to(_first[0])


def printed(*values, sep=" ", end="\n", file=None, flush=False) -> None:
    """Print for the grader; into a file of one's own as `print` does."""
    if file is not None:
        _print(*values, sep=sep, end=end, file=file, flush=flush)
        return
    text = io.StringIO()
    _print(*values, sep=sep, end=end, file=text)
    _Channel.publish({PRINTED: text.getvalue()}, {})


def _run(name: str, source: str, names: dict[str, Any]) -> None:
    file = f"<check {name}>"
    try:
        code = compile(source, file, "exec")
    except SyntaxError:  # magics, which only IPython understands
        from IPython.core.inputtransformer2 import TransformerManager

        code = compile(TransformerManager().transform_cell(source), file, "exec")
    exec(code, names)


def _now() -> Moment:
    return Moment(dict(_shell().user_ns), dict(_lab), remember())


def _return_to(moment: Moment) -> None:
    for names, then in ((_shell().user_ns, moment.names), (_lab, moment.lab)):
        for name in names.keys() - then.keys():
            del names[name]
        names.update(then)
    moment.settings()


def _only_printed(message: dict) -> dict | None:
    return message if PRINTED in message["content"].get("data", ()) else None


def _leave(*_) -> None:
    raise SystemExit


def _shell():
    from IPython import get_ipython

    return get_ipython()
