"""What the HTML pages share: templates that escape whatever they are given, and small wordings."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from mmlearn.grading.report.standing import duration

_UNWRITABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def render(template: str, **values) -> str:
    """Return a page (or a part of one) made from a file in ``templates/``.

    What is put in is text: nothing in it is markup. What another template made goes in as it is.
    """
    return Markup(_environment().get_template(template).render(values))


def part(template: str, name: str, *values) -> Markup:
    """Return what a template's macro makes of some values."""
    return getattr(_environment().get_template(template).module, name)(*values)


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        finalize=_writable,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"duration": duration, "number": number, "path": _path}
    environment.globals["plural"] = plural
    return environment


def _writable(value):
    """Return text from outside with U+FFFD for what no page can hold; other values as they are."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return _UNWRITABLE.sub("\ufffd", value.encode("utf-8", "replace").decode("utf-8"))


def _path(parts: Iterable[str]) -> str:
    """Return the relative address of the file that the parts of a path name."""
    return "/".join(quote(part, safe="") for part in parts)


def number(value: float | None, unknown: str = "") -> str:
    """Return a number of points without superfluous digits.

    >>> number(2.0), number(1.8000000000000003), number(None, "?")
    ('2', '1.8', '?')
    """
    return unknown if value is None else f"{round(value, 4):.10g}"


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun.

    >>> plural(1, "answer"), plural(2, "answer"), plural(0, "copy", "copies")
    ('1 answer', '2 answers', '0 copies')
    """
    return f"{count} {one if count == 1 else many or one + 's'}"
