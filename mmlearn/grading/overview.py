"""HTML for the instructor: how a class did in a lab, what was hard, and who is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from statistics import mean, median

from mmlearn.grading import STATUSES
from mmlearn.grading.feedback import written_name
from mmlearn.grading.pages import (
    bullets,
    escape,
    link,
    loud,
    number,
    page,
    plural,
    section,
    signed,
)
from mmlearn.grading.sandbox import STAMPS
from mmlearn.grading.standing import MEANING, Cohort, Standing, duration

MAX_BARS = 12
MESSAGES = 3  # the most frequent ones that are shown of a check


def overview_page(cohort: Cohort) -> str:
    """Return the overview of a class in a lab; what needs attention comes first."""
    parts = [
        f"<header>\n<h1>{escape(cohort.lab)}: the class</h1>\n"
        f'<p class="soft">{escape(cohort.rule)}</p>\n</header>\n<main>',
        loud("Not graded: the grader failed", _grader_errors(cohort)),
        loud("Not boxed", _unboxed(cohort)),
        _tiles(cohort),
        section("Results to look at", bullets(map(escape, cohort.notices))),
        section("Not on the roster", bullets(map(escape, cohort.strangers))),
        section("Files that are no submission", bullets(map(escape, cohort.unknown))),
        section("Points", _distribution(cohort)),
        section("Statuses", _statuses(cohort)),
        section("Checks, the hardest first", _hardest(cohort)),
        section("Written answers", _written(cohort)),
        section("Late", _late(cohort)),
        section("Not submitted", _absent(cohort)),
        section("Students", _students(cohort)),
        f"</main>\n{_footer(cohort)}",
    ]
    return page(f"{cohort.lab}: the class", "\n".join(part for part in parts if part))


def _known(cohort: Cohort) -> list[Standing]:
    return [one for one in cohort.handed_in if one.points is not None]


def _grader_errors(cohort: Cohort) -> str:
    failed = [one for one in cohort.standings if one.status == "grader-error"]
    if not failed:
        return ""
    rows = bullets(
        f'{_feedback(cohort, one)}: <span class="said">{escape(one.record["message"])}</span>'
        for one in failed
    )
    count = plural(len(failed), "submission has", "submissions have")
    return f"<p>{count} no points. Run the same command again: it grades only these.</p>\n{rows}"


def _unboxed(cohort: Cohort) -> str:
    handed_in = cohort.handed_in
    open_ = sum(one.record["sandbox"] == "none" for one in handed_in)
    if not open_:
        return ""
    return (
        f"<p>{open_} of {plural(len(handed_in), 'submission')} ran without a sandbox, with the "
        "rights of the person who graded them.</p>"
    )


def _tiles(cohort: Cohort) -> str:
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
        tiles.append(("to mark", str(sum(one.to_mark for one in cohort.standings))))
    if cohort.due:
        tiles.append(("late", str(sum(bool(one.late) for one in cohort.handed_in))))
    cells = "\n".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in tiles)
    return f'<dl class="tiles">\n{cells}\n</dl>'


def _distribution(cohort: Cohort) -> str:
    known = _known(cohort)
    if not known:
        return ""
    note = f"{plural(len(known), 'submission')} with known points, as they stand now: checks"
    note += ", marked written answers" if cohort.written else ""
    note += " and penalties" if cohort.due else ""
    most = max(one.max_points for one in known)
    return f'{histogram([one.points for one in known], most)}\n<p class="soft">{note}.</p>'


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
    parts = []
    for tick in range(0, top + 1, up):
        y = floor - tick * unit
        parts.append(f'<path d="M{left} {y:.1f}H{right}" stroke="#d5dbe1"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{tick}</text>')
    for bar in range(bars):
        x, height = left + bar * width, counts[bar] * unit
        if counts[bar]:
            parts.append(
                f'<rect x="{x + 1.5:.1f}" y="{floor - height:.1f}" width="{width - 3:.1f}" '
                f'height="{height:.1f}" fill="#0b5596"/>'
                f'<text x="{x + width / 2:.1f}" y="{floor - height - 5:.1f}" '
                f'text-anchor="middle">{counts[bar]}</text>'
            )
    edges = [min(bar * step, most) for bar in range(bars)] + [most]
    if len(edges) > 2 and edges[-1] - edges[-2] < step / 2:
        edges[-2] = None  # its label would touch the last one's
    for bar, edge in enumerate(edges):
        if edge is not None:
            x = left + bar * width
            parts.append(f'<text x="{x:.1f}" y="208" text-anchor="middle">{number(edge)}</text>')
    middle = (left + right) / 2
    parts.append(f'<text x="{middle:.0f}" y="230" text-anchor="middle">points</text>')
    parts.append(f'<text x="{left - 30}" y="12">students</text>')
    told = "; ".join(
        f"{number(bar * step)} to {number(min((bar + 1) * step, most))}: {counts[bar]}"
        for bar in range(bars)
    )
    drawing = "\n".join(parts)
    return (
        f'<svg viewBox="0 0 470 240" role="img" aria-label="Students by points. {told}.">\n'
        f"{drawing}\n</svg>"
    )


def _step(most: float, steps: int) -> float:
    """Return the smallest of 1, 2, 5, 10, 20, ... that reaches `most` in that many steps."""
    step = 1
    while most / step > steps:
        step = step * 5 // 2 if str(step).startswith("2") else step * 2
    return float(step)


def _statuses(cohort: Cohort) -> str:
    counts = Counter(one.status for one in cohort.standings)
    rows = [
        f'<tr><th scope="row">{signed(status)}</th>'
        f'<td class="n" data-label="students">{counts[status]}</td>'
        f"<td>{_bar(counts[status] / len(cohort.standings))}</td>"
        f'<td class="soft">{MEANING[status]}</td></tr>'
        for status in STATUSES
        if counts[status]
    ]
    return _table("cards", [("status", ""), ("students", "n"), ("", ""), ("meaning", "")], rows)


def _bar(share: float) -> str:
    return f'<span class="bar" aria-hidden="true"><span style="width:{share:.1%}"></span></span>'


def _table(kind: str, heads: Iterable[tuple[str, str]], rows: list[str]) -> str:
    if not rows:
        return ""
    cells = "".join(
        f'<th scope="col" class="{css}">{name}</th>' if name else "<td></td>" for name, css in heads
    )
    body = "\n".join(rows)
    head = f"<thead><tr>{cells}</tr></thead>"
    return f'<table class="{kind}">\n{head}\n<tbody>\n{body}\n</tbody>\n</table>'


def _hardest(cohort: Cohort) -> str:
    outcomes = {grade_id: [] for grade_id in cohort.checks}
    for one in cohort.handed_in:
        for check in one.record["checks"]:
            if check["status"] not in ("grader-error", "unreadable"):  # say nothing of the check
                outcomes[check["grade_id"]].append(check)
    shares = {
        grade_id: sum(check["status"] == "passed" for check in checks) / len(checks)
        for grade_id, checks in outcomes.items()
        if checks
    }
    rows = []
    for grade_id in sorted(shares, key=shares.get):
        checks, share = outcomes[grade_id], shares[grade_id]
        passed = round(share * len(checks))
        rows.append(
            f'<tr><th scope="row">{escape(grade_id)}</th>'
            f'<td class="n" data-label="passed">{share:.0%} ({passed} of {len(checks)})</td>'
            f"<td>{_bar(share)}</td><td>{_messages(checks)}</td></tr>"
        )
    heads = [("check", ""), ("passed", "n"), ("", ""), ("most frequent messages", "")]
    return _table("cards", heads, rows)


def _messages(checks: list[dict]) -> str:
    told = Counter(
        check["message"] or check["status"] for check in checks if check["status"] != "passed"
    )
    common = sorted(told.items(), key=lambda pair: (-pair[1], pair[0]))[:MESSAGES]
    return bullets(
        f'<span class="n">{count} ×</span> <span class="said">{escape(_short(text))}</span>'
        for text, count in common
    )


def _short(text: str) -> str:
    return text if len(text) <= 160 else text[:157] + "..."


def _written(cohort: Cohort) -> str:
    if not cohort.written:
        return ""
    left = sum(one.to_mark for one in cohort.standings)
    state = f"{plural(left, 'answer is', 'answers are')} not marked yet." if left else "All marked."
    where = link("Read them question by question", "..", "written", written_name(cohort.lab, 1))
    return f"<p>{state} {where}; the points go into {link('manual.csv', '..', 'manual.csv')}.</p>"


def _late(cohort: Cohort) -> str:
    if not cohort.due:
        return ""
    rows = []
    for one in cohort.handed_in:
        if one.late is None:
            rows.append(f"{_feedback(cohort, one)}: when it was handed in is not known")
        elif one.late:
            cost = "" if not one.penalty else f", costs {number(one.penalty)} points"
            rows.append(f"{_feedback(cohort, one)}: {duration(one.late)}{cost}")
    return bullets(rows) or "<p>Nobody.</p>"


def _absent(cohort: Cohort) -> str:
    return bullets(escape(s.student) for s in cohort.standings if s.status == "not-submitted")


def _students(cohort: Cohort) -> str:
    heads = [("student", ""), ("status", ""), ("points", "n"), ("checks", "n")]
    heads += [("written", "n"), ("to mark", "n")] if cohort.written else []
    heads += [("late", ""), ("penalty", "n")] if cohort.due else []
    heads += [("record", "")]
    rows = [_student(cohort, one) for one in cohort.standings]
    table = _table("", heads, rows)
    return f'<div class="wide" role="region" aria-label="Students" tabindex="0">\n{table}\n</div>'


def _student(cohort: Cohort, one: Standing) -> str:
    points = f"{number(one.points, '?')} of {number(one.max_points)}"
    cells = [
        f'<th scope="row">{_feedback(cohort, one)}</th>',
        f'<td class="nb">{signed(one.status)}</td>',
        f'<td class="n"><strong>{points}</strong></td>',
        f'<td class="n">{number(one.automatic, "?")}</td>',
    ]
    if cohort.written:
        cells += [f'<td class="n">{number(one.written)}</td>', f'<td class="n">{one.to_mark}</td>']
    if cohort.due:
        cells.append(f'<td class="nb">{duration(one.late)}</td>')
        cells.append(f'<td class="n">{number(one.penalty, "?") if one.penalty != 0 else ""}</td>')
    record = link("JSON", "..", "json", cohort.lab, f"{one.stem}.json") if one.stem else ""
    cells.append(f'<td class="nb">{record}</td>')
    return f"<tr>{''.join(cells)}</tr>"


def _feedback(cohort: Cohort, one: Standing) -> str:
    if one.stem is None:
        return escape(one.student)
    return link(one.student, "..", "feedback", cohort.lab, f"{one.stem}.html")


def _footer(cohort: Cohort) -> str:
    counts = Counter(one.record["sandbox"] for one in cohort.handed_in)
    stamps = "; ".join(
        f"{plural(counts[box], 'submission')} {escape(stamp)}"
        for box, stamp in STAMPS.items()
        if counts[box]
    )
    return f"<footer>{stamps or 'Nothing was handed in'}.</footer>"
