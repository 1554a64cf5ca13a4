"""Read a submission: a student's notebook is data, and nothing in it is run or trusted here."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from mmlearn.grading.errors import UnreadableSubmission
from mmlearn.notebook import NBGRADER, metadata_of

MAX_CELLS = 2_000
MAX_SOURCE = 200_000  # characters of one cell
MAX_BYTES = 20_000_000  # a lab without outputs is below 100 kB; figures and prints add a few MB


@dataclass(frozen=True)
class Cell:
    """What grading looks at in a cell; the rest (outputs, tags, attachments) is never read."""

    kind: str  # "code", "markdown" or "raw"
    source: str
    grade_id: str | None


@dataclass(frozen=True)
class Submission:
    """The cells of a submission, what it says of itself, and notes for its feedback."""

    cells: tuple[Cell, ...]
    unit: str | None = None  # the lab that it says it is
    notes: tuple[str, ...] = field(default=())
    kind: str | None = None  # "lab", or "solution": the instructor's copy


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a submission; symbolic links, devices and huge files are refused.

    Raises
    ------
    UnreadableSubmission
        If the file is not a regular file, is larger than `MAX_BYTES` or cannot be opened.
    """
    try:
        # lstat for the message; O_NOFOLLOW and fstat because the file may be swapped in between.
        if stat.S_ISLNK(os.lstat(path).st_mode):
            raise UnreadableSubmission("The file is a symbolic link: hand in the notebook itself.")
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        with open(os.open(path, flags | getattr(os, "O_BINARY", 0)), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise UnreadableSubmission("This is not a regular file: hand in the notebook.")
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UnreadableSubmission(f"The file cannot be read: {error.strerror}.") from error
    if len(data) > MAX_BYTES:
        raise UnreadableSubmission(
            f"The file is larger than {MAX_BYTES // 10**6} MB: clear its outputs and save it again."
        )
    return data


def digest(data: bytes) -> str:
    """Return the SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def parse_submission(data: bytes) -> Submission:
    """Parse a notebook's bytes (nbformat 4, or 3 with a note) into the cells that grading reads.

    Raises
    ------
    UnreadableSubmission
        If the bytes are not a notebook; the message says what they are instead.
    """
    text, notes = _decode(data)
    try:
        notebook = json.loads(text)
        major = notebook["nbformat"]
        if major == 3:
            notes.append("The file has the old notebook format 3: it was converted.")
            notebook = _as_format_4(notebook)
        elif major != 4:
            shown = major if isinstance(major, int) and abs(major) < 100 else "of an unknown kind"
            raise UnreadableSubmission(
                f"Notebook format {shown} is not known here: save the notebook as format 4."
            )
        if len(notebook["cells"]) > MAX_CELLS:
            raise UnreadableSubmission(
                f"The notebook has more than {MAX_CELLS:,} cells: remove those that you added."
            )
        cells = tuple(_cell(cell) for cell in notebook["cells"])
        about = metadata_of(notebook)
    except UnreadableSubmission:
        raise
    except (json.JSONDecodeError, RecursionError):
        raise UnreadableSubmission(_why_not_json(text)) from None
    except Exception as error:  # JSON can be malformed as a notebook in many ways
        raise UnreadableSubmission(
            f"The file is JSON but not a notebook that can be read ({type(error).__name__})."
        ) from error
    if any(len(cell.source) > MAX_SOURCE for cell in cells):
        raise UnreadableSubmission(
            f"A cell holds more than {MAX_SOURCE:,} characters: remove data from the code."
        )
    unit, kind = (about.get(key) for key in ("unit", "kind"))
    if kind == "solution":
        notes.append("The notebook says that it is the instructor's copy, not the lab itself.")
    unit, kind = (value if isinstance(value, str) else None for value in (unit, kind))
    return Submission(cells, unit, tuple(notes), kind)


def _as_format_4(notebook: dict) -> dict:
    """Return what is read of a notebook of format 3, as format 4 has it.

    Whoever converts and checks a whole notebook needs minutes for one that was made to be slow;
    this looks at each cell once, and at no more than `MAX_CELLS` + 1 of them.
    """
    sheets = itertools.islice(notebook["worksheets"], MAX_CELLS)
    cells = itertools.chain.from_iterable(sheet.get("cells", ()) for sheet in sheets)
    cells = [_cell_of_format_3(cell) for cell in itertools.islice(cells, MAX_CELLS + 1)]
    return {"cells": cells, "metadata": notebook.get("metadata")}


def _cell_of_format_3(cell: dict) -> dict:
    kind = cell.get("cell_type")
    source = cell.get("input" if kind == "code" else "source", "")
    if kind == "heading":
        text = "".join(map(str, source)) if isinstance(source, list) else str(source)
        level = cell.get("level", 1)
        marks = "#" * level if level in range(1, 7) else "#"
        kind, source = "markdown", f"{marks} {text}"
    return {"cell_type": kind, "source": source, "metadata": cell.get("metadata")}


def _decode(data: bytes) -> tuple[str, list[str]]:
    if not data.strip():
        raise UnreadableSubmission("The file is empty: save the notebook and hand it in again.")
    notes = []
    if data.startswith(b"\xef\xbb\xbf"):
        notes.append("The file starts with a byte order mark: it was ignored.")
    try:
        return data.decode("utf-8-sig"), notes
    except UnicodeDecodeError:
        raise UnreadableSubmission(
            "The file is not UTF-8 text, so it is no notebook: was another file handed in?"
        ) from None


def _why_not_json(text: str) -> str:
    if "<<<<<<<" in text and ">>>>>>>" in text:
        return "The file holds merge markers (<<<<<<<): resolve the conflict and save it again."
    return "The file is not JSON, so it is no notebook: was it cut short or edited by hand?"


def _cell(cell) -> Cell:
    source = cell.get("source", "")
    source = "".join(map(str, source)) if isinstance(source, list) else str(source)
    grade_id = metadata_of(cell, NBGRADER).get("grade_id")
    # Lone surrogates are legal in JSON and can be written to no file.
    source = source.encode("utf-8", "replace").decode("utf-8")
    return Cell(str(cell.get("cell_type")), source, grade_id if isinstance(grade_id, str) else None)
