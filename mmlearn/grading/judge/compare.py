"""Compare printed text with a reference: numbers within a tolerance, everything else exactly.

A check cell prints values that only a right answer gives. Two right answers rarely print the
same digits (another BLAS, another order of summation), so numbers are compared as numbers; words,
punctuation and line breaks are compared as they stand.
"""

from __future__ import annotations

import math
import re
from typing import NamedTuple

# A number: not glued to a word or to another number ("float32", "x1" and the ".3" of "1.2.3" are
# text). A sign belongs to it only where no operand stands before it, so that "2020-01-05" holds no
# negative number.
_NUMBER = re.compile(
    r"(?<![\w.])[-+\u2212]?"
    r"(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+\u2212]?[0-9]+)?|(?:nan|inf(?:inity)?)(?!\w))",
    re.IGNORECASE,
)
_INTEGER = re.compile(r"([-+]?)([0-9]+)")


class Difference(NamedTuple):
    """The first place where two texts differ: its line (from 1), what was expected and found."""

    line: int
    expected: str | None  # None: nothing was expected (a line too many)
    got: str | None  # None: nothing was printed (a line too few)
    is_number: bool


def compare_text(expected: str, got: str, rtol: float = 1e-3, atol: float = 1e-6) -> str | None:
    """Return None where `got` equals `expected`, else one sentence on the first difference.

    Two numbers e (expected) and g (got) are equal where ``|e - g| <= atol + rtol * |e|``; nan
    equals nan, an infinity equals the same infinity. Where both are written as integers (counts,
    shapes, ranks, years) they must be the same. The blanks that pad a number, trailing blanks and
    trailing empty lines do not count; all other text is exact.

    Raises
    ------
    ValueError
        If a tolerance is negative or not finite.

    Examples
    --------
    >>> compare_text("mAP 0.4000", "mAP 0.4001") is None
    True
    >>> compare_text("mAP 0.4", "mAP 0.5")
    'line 1: expected the number 0.4, got 0.5'
    """
    difference = first_difference(expected, got, rtol, atol)
    if difference is None:
        return None
    line, want, have, is_number = difference
    if want is None:
        return f"line {line}: expected nothing more, got {_short(have)}"
    if have is None:
        return f"line {line}: expected {_short(want)}, got nothing"
    if is_number:
        return f"line {line}: expected the number {want}, got {have}"
    return f"line {line}: expected {_short(want)}, got {_short(have)}"


def first_difference(
    expected: str, got: str, rtol: float = 1e-3, atol: float = 1e-6
) -> Difference | None:
    """Return the first `Difference` of two texts, or None, by the rules of `compare_text`."""
    for name, value in (("rtol", rtol), ("atol", atol)):
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{name} must be a finite number of at least 0, got {value!r}.")
    expected_lines, got_lines = _lines(expected), _lines(got)
    for number, (want, have) in enumerate(zip(expected_lines, got_lines, strict=False), start=1):
        difference = None if want == have else _compare_line(number, want, have, rtol, atol)
        if difference is not None:
            return difference
    shared = min(len(expected_lines), len(got_lines))
    if len(got_lines) < len(expected_lines):
        return Difference(shared + 1, expected_lines[shared], None, False)
    if len(got_lines) > len(expected_lines):
        return Difference(shared + 1, None, got_lines[shared], False)
    return None


def _lines(text: str) -> list[str]:
    # Not splitlines(): that also breaks at form feeds and other marks, part of a line here.
    text = text.replace("\r\n", "\n").rstrip()
    return [line.rstrip() for line in text.split("\n")] if text else []


def _compare_line(line: int, want: str, have: str, rtol: float, atol: float) -> Difference | None:
    want_words, want_numbers = _tokens(want)
    have_words, have_numbers = _tokens(have)
    if want_words != have_words:
        return Difference(line, want, have, False)
    for e, g in zip(want_numbers, have_numbers, strict=True):
        if not _close(e, g, rtol, atol):
            return Difference(line, e, g, True)
    return None


def _tokens(line: str) -> tuple[list[str], list[str]]:
    """Split a line into the words between its numbers (their padding dropped) and the numbers."""
    words = _NUMBER.split(line)
    first, last = 0, len(words) - 1
    stripped = []
    for i, word in enumerate(words):
        word = word.lstrip(" \t") if i > first else word
        stripped.append(word.rstrip(" \t") if i < last else word)
    return stripped, _NUMBER.findall(line)


def _close(expected: str, got: str, rtol: float, atol: float) -> bool:
    expected, got = expected.replace("\u2212", "-"), got.replace("\u2212", "-")
    if expected == got:
        return True
    e_int, g_int = _INTEGER.fullmatch(expected), _INTEGER.fullmatch(got)
    if e_int and g_int:  # digit by digit: a float would round long ones
        e_digits, g_digits = e_int[2].lstrip("0"), g_int[2].lstrip("0")
        same_sign = (e_int[1] == "-") == (g_int[1] == "-") or not e_digits
        return e_digits == g_digits and same_sign
    e, g = float(expected), float(got)
    if math.isnan(e) or math.isnan(g):
        return math.isnan(e) and math.isnan(g)
    if math.isinf(e) or math.isinf(g):
        return e == g
    return abs(e - g) <= atol + rtol * abs(e)


def _short(text: str, limit: int = 120) -> str:
    return repr(text if len(text) <= limit else text[: limit - 3] + "...")
