"""The figures of the longer benchmarks, kept among the scoreboard's stored results."""

import datetime
import json
import platform
from pathlib import Path

from mmlearn.storage.files import write_atomically

__all__ = ["RESULTS", "store"]

RESULTS = Path(__file__).resolve().parents[1] / "mmlearn" / "scoreboard" / "results"


def store(name, part, title, rows, folder=RESULTS, **more):
    """Put a part's figures, ``{row: {column: [a value a seed]}}``, into the file `name`.json.

    What else is given by name stands beside the rows. Other parts of the file stay as they are.
    Without `--store` a benchmark only prints.
    """
    path = Path(folder) / f"{name}.json"
    found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    found[part] = {
        "title": title,
        "device": f"{platform.machine()} CPU, one thread",
        "date": datetime.date.today().isoformat(),
        "rows": rows,
        **more,
    }
    write_atomically(path, json.dumps(found, indent=1, ensure_ascii=False) + "\n")
