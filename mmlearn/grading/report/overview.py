"""The page for the instructor: how a class did in a lab, what was hard, and who is missing."""

from __future__ import annotations

from collections import Counter
from statistics import mean, median

from mmlearn.grading.judge.authorship import alike
from mmlearn.grading.judge.statuses import MEANING, STATUSES
from mmlearn.grading.report.feedback import written_name
from mmlearn.grading.report.pages import number, plural, render
from mmlearn.grading.report.standing import Cohort, Standing, duration
from mmlearn.grading.roster.overrides import BONUS
from mmlearn.grading.run.sandbox import STAMPS

MAX_BARS = 12
MOST_PAIRS = 30
MESSAGES = 3  # the most frequent ones that are shown of a check


def overview_page(cohort: Cohort) -> str:
    """Return the overview of a class in a lab; what needs attention comes first."""
    known = _known(cohort)
    most = max((one.max_points for one in known), default=0.0)
    left = cohort.to_mark
    return render(
        "overview.html",
        cohort=cohort,
        failed=[one for one in cohort.standings if one.status == "grader-error"],
        unboxed=sum(one.record["sandbox"] == "none" for one in cohort.handed_in),
        tiles=_tiles(cohort),
        histogram=histogram([one.points for one in known], most) if known else "",
        counted=_counted(cohort, len(known)),
        statuses=_statuses(cohort),
        hardest=_hardest(cohort),
        to_mark=f"{plural(left, 'answer is', 'answers are')} not marked yet."
        if left
        else "All marked.",
        written=written_name(cohort.lab, 1),
        late=_late(cohort),
        extended=[(one, one.extension) for one in cohort.standings if one.extension],
        noted=[(one, one.record["notes"]) for one in cohort.standings if one.record["notes"]],
        by_hand=_by_hand(cohort),
        absent=[one.student for one in cohort.standings if one.status == "not-submitted"],
        library=_library(cohort),
        alike=_alike(cohort),
        columns=_columns(cohort),
        stamps=_stamps(cohort),
    )


def _known(cohort: Cohort) -> list[Standing]:
    return [one for one in cohort.handed_in if one.points is not None]


def _tiles(cohort: Cohort) -> list[tuple[str, str]]:
    points = [one.points for one in _known(cohort)]
    most = max((one.max_points for one in cohort.standings), default=0.0)
    handed_in = f"{len(cohort.handed_in)} of {len(cohort.standings)}"
    tiles = [("handed in", handed_in)]
    if points:
        tiles.append(("mean", f"{mean(points):.1f} of {number(most)}"))
        tiles.append(("median", f"{median(points):.1f} of {number(most)}"))
        passed = sum(one.status == "passed" for one in cohort.handed_in)
        tiles.append(("all passed", str(passed)))
    if cohort.written:
        tiles.append(("to mark", str(cohort.to_mark)))
    if cohort.due:
        tiles.append(("late", str(sum(bool(one.late) for one in cohort.handed_in))))
    return tiles


def _counted(cohort: Cohort, known: int) -> str:
    """Return what the histogram counts."""
    counted = f"{plural(known, 'submission')} with known points, as they stand now: checks"
    counted += ", marked written answers" if cohort.written else ""
    return counted + (" and penalties" if cohort.due else "")


def histogram(points: list[float], most: float) -> str:
    """Return an SVG histogram of points from 0 to `most`, in steps of 1, 2, 5, 10, ...

    A step holds its lower end; the last one holds `most`, too.
    """
    step = _step(most or 1.0, MAX_BARS)
    bars = max(1, -int(-(most or 1.0) // step))
    counts = Counter(min(int(max(value, 0.0) // step), bars - 1) for value in points)
    tallest = max(counts.values(), default=1)
    up = max(1, int(_step(tallest, 4)))
    top = -(-tallest // up) * up
    left, right, ceiling, floor = 38, 452, 32, 190
    width, unit = (right - left) / bars, (floor - ceiling) / top
    edges = [min(bar * step, most) for bar in range(bars)] + [most]
    if len(edges) > 2 and edges[-1] - edges[-2] < step / 2:
        edges[-2] = None  # its label would touch the last one's
    return render(
        "histogram.html",
        left=left,
        right=right,
        floor=floor,
        width=width,
        ticks=[(tick, floor - tick * unit) for tick in range(0, top + 1, up)],
        bars=[
            (left + bar * width, counts[bar] * unit, counts[bar])
            for bar in range(bars)
            if counts[bar]
        ],
        edges=[(left + bar * width, edge) for bar, edge in enumerate(edges) if edge is not None],
        told=[
            f"{number(bar * step)} to {number(min((bar + 1) * step, most))}: {counts[bar]}"
            for bar in range(bars)
        ],
    )


def _step(most: float, steps: int) -> float:
    """Return the smallest of 1, 2, 5, 10, 20, ... that reaches `most` in that many steps."""
    step = 1
    while most / step > steps:
        step = step * 5 // 2 if str(step).startswith("2") else step * 2
    return float(step)


def _statuses(cohort: Cohort) -> list[tuple[str, int, float, str]]:
    counts = Counter(one.status for one in cohort.standings)
    return [
        (status, counts[status], counts[status] / len(cohort.standings), MEANING[status])
        for status in STATUSES
        if counts[status]
    ]


def _hardest(cohort: Cohort) -> list[dict]:
    """Return the checks, the one that fewest passed first."""
    outcomes = {grade_id: [] for grade_id in cohort.checks}
    for one in cohort.handed_in:
        for check in one.record["checks"]:
            if check["status"] not in ("grader-error", "unreadable"):  # say nothing of the check
                outcomes[check["grade_id"]].append(check)
    rows = []
    for grade_id, checks in outcomes.items():
        if checks:
            passed = sum(check["status"] == "passed" for check in checks)
            share = passed / len(checks)
            told = f"{share:.0%} ({passed} of {len(checks)})"
            messages = _messages(checks)
            rows.append(
                {"grade_id": grade_id, "share": share, "passed": told, "messages": messages}
            )
    return sorted(rows, key=lambda row: row["share"])


def _messages(checks: list[dict]) -> list[tuple[str, int]]:
    """Return the most frequent messages, and how many students got each."""
    told = Counter(
        check["message"] or check["status"] for check in checks if check["status"] != "passed"
    )
    common = sorted(told.items(), key=lambda pair: (-pair[1], pair[0]))[:MESSAGES]
    return [(_short(text), count) for text, count in common]


def _short(text: str) -> str:
    return text if len(text) <= 160 else text[:157] + "..."


def _library(cohort: Cohort) -> list[tuple[Standing, str, str]]:
    """Return whose answers take something from a library: the student, the exercise, what."""
    return [
        (one, exercise, ", ".join(names))
        for one in cohort.handed_in
        for exercise, names in one.record.get("library", {}).items()
    ]


def _alike(cohort: Cohort) -> list[tuple[Standing, Standing, str]]:
    """Return the pairs whose answers are alike, those with the most such exercises first."""
    by_name = {one.student: one for one in cohort.handed_in}
    shapes: dict[str, dict[str, list[str]]] = {}
    for name, one in by_name.items():
        for exercise, shape in one.record.get("shapes", {}).items():
            shapes.setdefault(exercise, {})[name] = shape
    pairs: dict[tuple[str, str], list[str]] = {}
    for exercise, of_class in shapes.items():
        for one, other, likeness, rare in alike(of_class):
            told = f"{exercise} ({likeness:.0%}, {plural(rare, 'statement')} that few have)"
            pairs.setdefault((one, other), []).append(told)
    likest = sorted(pairs.items(), key=lambda pair: (-len(pair[1]), pair[0]))[:MOST_PAIRS]
    return [(by_name[a], by_name[b], "; ".join(told)) for (a, b), told in likest]


def _late(cohort: Cohort) -> list[tuple[Standing, str]]:
    """Return who was late, and what is said of it."""
    rows = []
    for one in cohort.handed_in:
        if one.late is None:
            rows.append((one, "when it was handed in is not known"))
        elif one.late:
            cost = "" if not one.penalty else f", costs {number(one.penalty)} points"
            rows.append((one, f"{duration(one.late)}{cost}"))
    return rows


def _by_hand(cohort: Cohort) -> list[tuple[Standing, str]]:
    """Return which checks' points were given by hand, and bonus points, with the comments."""
    rows = []
    for one in cohort.standings:
        for check in one.record["checks"]:
            if mark := one.marks.get(check["grade_id"]):
                points = f"{number(mark.points)} of {number(check['max_points'])} points"
                before = f"where the check gave {number(check['points'], 'none')}"
                rows.append((one, f"{check['grade_id']}: {points}, {before}. {mark.comment}"))
        if one.bonus:
            comment = one.marks[BONUS].comment
            rows.append((one, f"bonus: {number(one.bonus)} points. {comment}"))
    return rows


def _columns(cohort: Cohort) -> list[tuple[str, str]]:
    """Return the heads of the students' table: name and kind ("n": numbers)."""
    columns = [("student", ""), ("status", ""), ("points", "n"), ("checks", "n")]
    columns += [("written", "n"), ("to mark", "n")] if cohort.written else []
    columns += [("late", ""), ("penalty", "n")] if cohort.due else []
    return [*columns, ("record", "")]


def _stamps(cohort: Cohort) -> str:
    counts = Counter(one.record["sandbox"] for one in cohort.handed_in)
    return "; ".join(
        f"{plural(counts[box], 'submission')} {stamp}"
        for box, stamp in STAMPS.items()
        if counts[box]
    )
