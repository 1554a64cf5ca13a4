"""Results on disk: one JSON per student and lab, and how every file of a class is written."""

from __future__ import annotations

import json
import re
from pathlib import Path

from mmlearn.storage.files import make_folder, write_atomically


def write_file(path: Path, text: str) -> None:
    """Write a file whole or not at all, and make its folder first; the same content stays."""
    write_bytes(path, text.encode("utf-8", "replace"))


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file of bytes, as `write_file` does."""
    try:
        if path.read_bytes() == data:
            return
    except OSError:
        make_folder(path.parent)
    write_atomically(path, data)


def remove_unfinished(out: Path) -> None:
    """Remove the temporary files that a run left which was killed while it wrote."""
    for path in out.rglob(".*.tmp"):
        if re.fullmatch(r"\.[0-9a-f]{16}\.tmp", path.name):
            path.unlink(missing_ok=True)


def record_path(out: Path, lab: str, stem: str) -> Path:
    """Return where the JSON of a student's lab stands."""
    return out / "json" / lab / f"{stem}.json"


def feedback_path(out: Path, lab: str, stem: str) -> Path:
    """Return where the HTML feedback of a student's lab stands."""
    return out / "feedback" / lab / f"{stem}.html"


def read_record(path: Path) -> dict | None:
    """Return a stored record, or None where there is none that can be read."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and {"checks", "stem"} <= record.keys() else None


def write_record(out: Path, record: dict) -> None:
    """Write a student's record, and nothing else."""
    text = json.dumps(record, indent=1, ensure_ascii=True, sort_keys=True)
    write_file(record_path(out, record["lab"], record["stem"]), text + "\n")
