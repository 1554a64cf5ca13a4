"""The figures of the longer benchmarks, as they were last measured and stored."""

import json
from importlib.resources import files

__all__ = ["measured"]


def measured(name, part):
    """What a longer benchmark last measured, without computing anything.

    ``python -m benchmarks scenes tasks --store`` stores the part "tasks" of "scenes".

    Parameters
    ----------
    name, part : str, such as "scenes" and "tasks"

    Returns
    -------
    dict with "title", "date", "device" and "rows", ``{row: {column: [a value a seed]}}``; some
    parts keep more beside the rows

    Raises
    ------
    ValueError: nothing is stored under this name, or no such part

    >>> "rows" in measured("scenes", "tasks")
    True
    """
    path = files("mmlearn.scoreboard") / "results" / f"{name}.json"
    parts = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    if part not in parts or "rows" not in parts[part]:
        known = ", ".join(repr(key) for key in parts if "rows" in parts[key]) or "none"
        raise ValueError(f"{part!r} of {name!r} is not stored; stored parts: {known}.")
    return parts[part]
