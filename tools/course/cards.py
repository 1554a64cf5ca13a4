"""The first and the last cell of a notebook, and the tables of units and of points."""

from __future__ import annotations

from mmlearn.notebook import FOLDERS, file_name
from tools.course.model import Course, Unit

# Pages made of a notebook cut long lines of code in print; the notebook itself tells them not to.
PRINT = "<style>@media print { .highlight pre { white-space: pre-wrap !important; } }</style>"
OPENMOJI = "Emoji pictures: [OpenMoji](https://openmoji.org), CC BY-SA 4.0"


def card(course: Course, unit: Unit, kind: str, cells: list) -> str:
    """Return the first cell: title, badge, minutes, prerequisites; objectives or points."""
    heading = {"lesson": "", "lab": "Lab ", "solution": "Solutions of lab "}[kind]
    minutes = unit.minutes if kind == "lesson" else unit.lab_minutes
    before = ", ".join(_before(course, unit, kind)) or "nothing"
    if kind == "solution":
        top = "**The instructor's copy**: it holds the solutions and the hidden tests."
    else:
        top = colab_badge(course, unit, kind)
    if kind == "lesson":
        rest = "**Afterwards you can**\n\n" + "\n".join(f"- {text}" for text in unit.objectives)
    else:
        rest = points_table(cells)
    time = f"**Time**: about {minutes} minutes. **Before this**: {before}."
    return "\n\n".join([f"# {heading}{unit.name}", top, time, rest])


def _before(course: Course, unit: Unit, kind: str) -> list[str]:
    """Return what the reader should have done before, in the order to name it."""
    if kind != "lesson":
        return [f"the lesson [{unit.name}]({link(kind, 'lesson', unit.id)})"]
    links = [
        f"[{course.units[name].name}]({link(kind, 'lesson', name)})" for name in unit.prerequisites
    ]
    return [*links, unit.background] if unit.background else links


def colab_badge(course: Course, unit: Unit, kind: str) -> str:
    """Return the badge that opens a notebook on Colab."""
    address = course.repository.removeprefix("https://github.com")
    file = f"{FOLDERS[kind]}/{file_name(unit.id, kind)}"
    picture = "https://colab.research.google.com/assets/colab-badge.svg"
    target = f"https://colab.research.google.com/github{address}/blob/main/{file}"
    return f"[![Open {unit.number} {kind} in Colab]({picture})]({target})"


def points_table(cells: list) -> str:
    """Return how the points of a lab count, one row per exercise and per written answer."""
    rows = [_points_row(cell.metadata, cells) for cell in cells]
    total = sum(
        cell.metadata.points for cell in cells if cell.metadata.role in ("check", "written")
    )
    how = (
        "A check gives all its points or none. Each exercise stands alone: skip one and the next "
        "still works. Your instructor runs every check again on fresh inputs, so an answer must be "
        "right in general. Write each function yourself: what an answer takes from `mmlearn` or "
        "another library, beyond what its exercise allows, is named to you and your instructor.\n\n"
        "| exercise | minutes | points | marked by |\n|---|---|---|---|\n"
    )
    return how + "\n".join([*filter(None, rows), f"| **together** | | **{total:g}** | |"])


def _points_row(keys: dict, cells: list) -> str:
    """Return the row of one cell, "" where it has none."""
    if keys.role == "solution":
        points = sum(c.metadata.points for c in cells if c.metadata.get("for") == keys.solution)
        return f"| `{keys.solution}` | {keys.get('minutes', '')} | {points:g} | its checks |"
    if keys.role == "written":
        by = "your instructor, by the rubric"
        return f"| `{keys.written}` (written) | | {keys.points:g} | {by} |"
    if keys.role == "experiment":
        return f"| `{keys.experiment}` (your own experiment) | | – | nobody: it is yours |"
    return ""


def footer(course: Course, unit: Unit, kind: str) -> str:
    """Return the last cell: where to go from here, and the pictures' licence."""
    links = []
    if kind != "lesson":
        links.append(f"Lesson: [{unit.name}]({link(kind, 'lesson', unit.id)})")
    elif unit.lab_minutes is not None:
        links.append(f"Lab: [{unit.name}]({link(kind, 'lab', unit.id)})")
    for label, step in (("Previous", -1), ("Next", 1)):
        other = course.neighbour(unit, step)
        if other:
            links.append(f"{label}: [{other.name}]({link(kind, 'lesson', other.id)})")
    return "---\n\n" + "\n\n".join(
        [*([" | ".join(links)] if links else []), f"<small>{OPENMOJI}</small>", PRINT]
    )


def link(kind: str, to: str, unit_id: str) -> str:
    folder = "" if FOLDERS[kind] == FOLDERS[to] else f"../{FOLDERS[to]}/"
    return folder + file_name(unit_id, to)


def course_table(course: Course, timings: dict[str, dict[str, float]]) -> str:
    """Return README's table of units; `timings`, the seconds that each notebook took."""
    rows = ["| unit | on Colab | lab | on Colab | minutes | runs in |", "|---|---|---|---|---|---|"]
    for unit in course.units.values():
        lab, lab_badge = "–", ""
        if unit.lab_minutes:
            lab = f"[lab {unit.number}](labs/{file_name(unit.id, 'lab')})"
            lab_badge = colab_badge(course, unit, "lab")
        minutes = f"{unit.minutes} + {unit.lab_minutes}" if unit.lab_minutes else f"{unit.minutes}"
        took = [timings.get(unit.id, {}).get(kind) for kind in ("lesson", "solution")]
        seconds = " + ".join(f"{max(1, round(s))} s" for s in took if s is not None)
        title = f"[{unit.name}](course/{file_name(unit.id, 'lesson')})"
        badge = colab_badge(course, unit, "lesson")
        rows.append(f"| {title} | {badge} | {lab} | {lab_badge} | {minutes} | {seconds or '–'} |")
    return "\n".join(rows)
