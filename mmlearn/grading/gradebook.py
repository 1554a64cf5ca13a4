"""Write results down: one JSON and one HTML per student, and the gradebook made from the JSONs."""

from __future__ import annotations

import csv
import html
import io
import json
from pathlib import Path

from mmlearn.files import write_atomically
from mmlearn.grading.sandbox import STAMPS

_COLUMNS = ("student", "lab", "status", "points", "max_points")


def write_file(path: Path, text: str) -> None:
    """Write a file whole or not at all, and make its folder first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text)


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
    return record if isinstance(record, dict) and "checks" in record else None


def write_record(out: Path, stem: str, record: dict) -> None:
    """Write a student's feedback, then the record, so that a record means that all is there."""
    write_file(feedback_path(out, record["lab"], stem), feedback_html(record))
    text = json.dumps(record, indent=1, ensure_ascii=True, sort_keys=True)
    write_file(record_path(out, record["lab"], stem), text + "\n")


def write_gradebook(out: Path) -> Path:
    """Rebuild ``gradebook.csv`` from every stored record; return its path."""
    records = []
    for path in sorted(out.glob("json/*/*.json")):
        record = read_record(path)
        if record is not None:
            records.append(record)
    records.sort(key=lambda record: (record["lab"], record["student"]))
    checks = list(dict.fromkeys(c["grade_id"] for record in records for c in record["checks"]))
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([*_COLUMNS, *(_safe(check) for check in checks)])
    for record in records:
        points = {check["grade_id"]: check["points"] for check in record["checks"]}
        row = [_safe(record[key]) for key in ("student", "lab", "status")]
        row += [_number(record["points"]), _number(record["max_points"])]
        writer.writerow(row + [_number(points.get(check)) for check in checks])
    path = out / "gradebook.csv"
    write_file(path, buffer.getvalue())
    return path


def _safe(text: str) -> str:
    # A spreadsheet would run such a cell as a formula.
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem }
td { border-top: 1px solid #ccc }
td.message { white-space: pre-wrap; overflow-wrap: anywhere }
.passed { color: #00695c } .other { color: #a33b00 }
.note { color: #555 }
"""


def feedback_html(record: dict) -> str:
    """Return a student's feedback as one HTML page; every text from outside is escaped."""
    rows = "".join(_row(check) for check in record["checks"])
    by_hand = "".join(
        f"<tr><td>{_e(w['grade_id'])}</td><td>marked by hand</td><td></td>"
        f"<td>of {_number(w['max_points'])}, not counted above</td></tr>"
        for w in record["written"]
    )
    notes = "".join(f"<li>{_e(note)}</li>" for note in record["notes"])
    message = f"<p>{_e(record['message'])}</p>" if record["message"] else ""
    points = "not known" if record["points"] is None else _number(record["points"])
    return f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{_e(record["lab"])}: {_e(record["student"])}</title>
<style>{_STYLE}</style></head>
<body>
<h1>{_e(record["lab"])}</h1>
<p><strong>{_e(record["student"])}</strong>: {_e(points)} of {_number(record["max_points"])} points
({_e(record["status"])})</p>
{message}
<table>
<thead><tr><th>Check</th><th>Status</th><th>Message</th><th>Points</th></tr></thead>
<tbody>{rows}{by_hand}</tbody>
</table>
{f"<h2>Notes</h2><ul>{notes}</ul>" if notes else ""}
<p class="note">Hidden checks run your functions on fresh inputs; they are not shown. Sandbox:
{_e(STAMPS[record["sandbox"]])}.</p>
</body>
</html>
"""


def _row(check: dict) -> str:
    kind = "passed" if check["status"] == "passed" else "other"
    points = "?" if check["points"] is None else _number(check["points"])
    return (
        f'<tr><td>{_e(check["grade_id"])}</td><td class="{kind}">{_e(check["status"])}</td>'
        f'<td class="message">{_e(check["message"])}</td>'
        f"<td>{points} of {_number(check['max_points'])}</td></tr>\n"
    )


def _e(text) -> str:
    return html.escape(str(text).encode("utf-8", "replace").decode("utf-8"))
