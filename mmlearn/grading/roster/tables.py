"""CSV as spreadsheets write it: read with line numbers, and written so that nothing runs in it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmlearn.grading.errors import GradingError

# How a CSV is written: what parts the cells, and what stands before the first of them. Excel takes
# a file for UTF-8 by its byte order mark, and a German Excel parts cells at semicolons.
STYLES = {"plain": (",", ""), "excel": (",", "\ufeff"), "excel-semicolon": (";", "\ufeff")}

# With what a formula begins, at the start of a cell; and within one, where another program may part
# it at a mark of its own. There a plain number or dash is left alone: "good; -1 for style".
_BLANKS = "[ \u00a0\u2000-\u200b\u3000]*"
_START = rf"'*(?:[\t\r\n]|{_BLANKS}(?:[=@|＝＠]|[+\-＋－](?!\Z)))"  # a dash alone is none
_INSIDE = rf"'*{_BLANKS}(?:[=@＝＠]|[+\-|＋－][^;,\t\r\n]*[(!|])"
_FORMULA = re.compile(rf"^(?={_START})|(?<=[;,\t\r\n])(?={_INSIDE})")
_ESCAPED = re.compile(rf"^'(?={_START})|(?<=[;,\t\r\n])'(?={_INSIDE})")


@dataclass(frozen=True)
class Table:
    """The columns as the header names them, and (line, cells) for each row that is not blank.

    Of two columns of one name, the cells of the last are read.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[int, dict[str, str]], ...]
    delimiter: str
    marked: bool  # the file begins with a byte order mark, which some spreadsheets need


def escape(text: str) -> str:
    """Put ``'`` before what a spreadsheet would run as a formula; `unescape` undoes it.

    >>> escape("=1+1"), unescape(escape("'=1+1")), escape("Anna;=1+1")
    ("'=1+1", "'=1+1", "Anna;'=1+1")
    """
    return _FORMULA.sub("'", text)


def unescape(text: str) -> str:
    """Return what `escape` was given."""
    return _ESCAPED.sub("", text)


def read_table(path: Path) -> Table:
    """Read a CSV with a header, of cells between ``,``, ``;`` or tabs, UTF-8 with or without mark.

    Raises
    ------
    GradingError
        If the file cannot be read, is not UTF-8, has no header or a row longer than it.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise GradingError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError:
        raise GradingError(f"{path} is not UTF-8 text: save it as CSV UTF-8.") from None
    delimiter = max(",;\t", key=lambda mark: len(_header(text, mark)))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        lines = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise GradingError(f"{path}, line {reader.line_num}: not CSV ({error}).") from error
    if not lines:
        raise GradingError(f"{path} is empty: its first line must name the columns.")
    columns = tuple(cell.strip() for cell in lines[0][1])
    rows = tuple((line, _cells(path, line, row, columns)) for line, row in lines[1:])
    return Table(columns, rows, delimiter, data.startswith(b"\xef\xbb\xbf"))


def _header(text: str, delimiter: str) -> list[str]:
    """Return the first row that is not blank, as it is with this delimiter."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        return next((row for row in rows if any(cell.strip() for cell in row)), [])
    except csv.Error:
        return []


def _cells(path: Path, line: int, row: Sequence[str], columns: Sequence[str]) -> dict[str, str]:
    if any(cell.strip() for cell in row[len(columns) :]):
        raise GradingError(
            f"{path}, line {line}: {len(row)} cells under {len(columns)} columns: put quotes "
            "around a cell that holds a comma."
        )
    cells = [unescape(cell) for cell in row] + [""] * len(columns)
    return dict(zip(columns, cells, strict=False))


def table_text(columns: Sequence[str], rows: Iterable[Sequence[str]], delimiter: str = ",") -> str:
    """Return a CSV's text, every cell escaped and quoted where it must be."""
    return "".join(_line([escape(cell) for cell in row], delimiter) for row in (columns, *rows))


def _line(cells: Sequence[str], delimiter: str) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter).writerow(cells)
    return buffer.getvalue()[:-2] + "\n"  # with "\n" from the start, csv would not quote "\r"
