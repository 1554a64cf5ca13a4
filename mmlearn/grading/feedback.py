"""HTML for reading one by one: each student's feedback, and a lab's written answers."""

from __future__ import annotations

from mmlearn.grading.pages import bullets, escape, link, loud, number, page, plural, section, signed
from mmlearn.grading.sandbox import STAMPS
from mmlearn.grading.standing import MEANING, Cohort, Standing, duration, is_blank

PAGE_SIZE = 400_000  # characters of a page of written answers; a new page follows


def feedback_page(cohort: Cohort, standing: Standing) -> str:
    """Return a student's feedback: points, checks, written answers, and what it was made of.

    It holds nobody else's data and nothing of a hidden check but its outcome.
    """
    record = standing.record
    parts = [
        f"<header>\n<h1>{escape(cohort.lab)}</h1>\n<p>{escape(standing.student)}</p>\n</header>",
        _result(standing),
        loud("What went wrong", _said(record["message"])),
        section("Points", _sums(cohort, standing)),
        section("Checks", _checks(record["checks"])),
        section("Written answers", _answers(standing)),
        section("Notes", bullets(escape(note) for note in record["notes"])),
        _footer(record),
    ]
    title = f"{cohort.lab}: {standing.student}"
    return page(title, f"<main>\n{_joined(parts)}\n</main>")


def _joined(parts: list[str]) -> str:
    return "\n".join(part for part in parts if part)


def _said(text: str) -> str:
    return f'<p class="said">{escape(text)}</p>' if text else ""


def _result(standing: Standing) -> str:
    if standing.points is None:
        return '<p class="lead"><strong>The points are not known yet.</strong></p>'
    so_far = " so far" if standing.to_mark else ""
    return (
        f'<p class="lead"><strong>{number(standing.points)} of {number(standing.max_points)} '
        f"points{so_far}</strong></p>\n<p>{signed(standing.status)}: "
        f"{MEANING[standing.status]}.</p>"
    )


def _sums(cohort: Cohort, standing: Standing) -> str:
    record = standing.record
    rows = [("Checks", _of(standing.automatic, record["max_points"]))]
    if record["written"]:
        most = sum(answer["max_points"] for answer in record["written"])
        waiting = f", {standing.to_mark} not marked yet" if standing.to_mark else ""
        rows.append(("Written answers", _of(standing.written, most) + waiting))
    if cohort.due and standing.late != 0:
        late = "when it was handed in is not known"
        late = late if standing.late is None else f"{duration(standing.late)} late"
        rows.append((f"Deadline ({late})", "−" * bool(standing.penalty) + _plain(standing.penalty)))
    cells = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td class="n">{points}</td></tr>\n'
        for name, points in rows
    )
    rule = f'<p class="soft">{escape(cohort.rule)}</p>' if cohort.due else ""
    return f'<table class="sums">\n{cells}</table>\n{rule}'


def _of(points: float | None, most: float) -> str:
    return f"{number(points, 'not known')} of {number(most)}"


def _plain(points: float | None) -> str:
    return number(points, "not known")


def _checks(checks: list[dict]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(check["grade_id"])}</th>'
        f'<td data-label="Status" class="nb">{signed(check["status"])}</td>'
        f'<td data-label="Points" class="n">{_of(check["points"], check["max_points"])}</td>'
        f'<td class="said">{escape(check["message"])}</td></tr>\n'
        for check in checks
    )
    hidden = [check["grade_id"] for check in checks if check.get("hidden")]
    note = (
        '<p class="soft">Your instructor also runs your functions on fresh inputs; those hidden '
        "checks belong to the checks above and are not shown.</p>"
    )
    return (
        '<table class="cards">\n<thead><tr><th scope="col">Check</th><th scope="col">Status</th>'
        '<th scope="col" class="n">Points</th><th scope="col">Message</th></tr></thead>\n'
        f"<tbody>\n{rows}</tbody>\n</table>\n{note if hidden else ''}"
    )


def _answers(standing: Standing) -> str:
    return _joined([_answer(answer, standing) for answer in standing.record["written"]])


def _answer(answer: dict, standing: Standing) -> str:
    mark, blank = standing.marks.get(answer["grade_id"]), is_blank(answer["answer"])
    if mark:
        points = f"{_of(mark.points, answer['max_points'])} points"
        comment = _said(mark.comment)
    else:
        points = f"no answer, 0 of {number(answer['max_points'])} points"
        points = points if blank else f"not marked yet, of {number(answer['max_points'])} points"
        comment = ""
    text = "" if blank else f'<div class="answer said">{escape(answer["answer"])}</div>'
    return f"<h3>{escape(answer['grade_id'])}: {points}</h3>\n{comment}\n{text}"


def _footer(record: dict) -> str:
    handed_in = record.get("handed_in")
    sentences = []
    if handed_in:
        time = handed_in.replace("T", " ").removesuffix("Z")
        sentences.append(f"Handed in {escape(time)} UTC.")
    if record["sandbox"] in STAMPS:
        sentences.append(f"Sandbox: {escape(STAMPS[record['sandbox']])}.")
    return f"<footer>{' '.join(sentences)}</footer>"


def written_pages(cohort: Cohort) -> list[str]:
    """Return a lab's written answers, question by question, in the gradebook's order.

    A page that has grown longer than `PAGE_SIZE` is followed by another. Nothing where the lab
    has no written answers.
    """
    if not cohort.written:
        return []
    bodies, size = [[]], 0
    for grade_id in cohort.written:
        heading = f"<h2>{escape(grade_id)}</h2>\n"
        for number_, block in enumerate(_blocks(cohort, grade_id)):
            if size > PAGE_SIZE:
                bodies.append([] if number_ == 0 else [heading])
                size = 0
            block = heading + block if number_ == 0 else block
            bodies[-1].append(block)
            size += len(block)
    return [
        _written_page(cohort, "\n".join(body), at, len(bodies)) for at, body in enumerate(bodies, 1)
    ]


def written_name(lab: str, at: int) -> str:
    """Return the file name of page `at` (from 1) of a lab's written answers."""
    return f"{lab}.html" if at == 1 else f"{lab}.page{at}.html"


def _blocks(cohort: Cohort, grade_id: str) -> list[str]:
    found, blank, waiting, most = [], [], 0, 0.0
    for standing in cohort.standings:
        for answer in standing.record["written"]:
            if answer["grade_id"] != grade_id:
                continue
            mark, most = standing.marks.get(grade_id), max(most, answer["max_points"])
            if is_blank(answer["answer"]) and mark is None:
                blank.append(standing.student)
            else:
                waiting += mark is None
                found.append(_one_answer(standing, answer))
    count = f"{plural(len(found), 'answer')}, {waiting} to mark; {number(most)} points each."
    tail = f"<p>No answer: {escape(', '.join(blank))}.</p>" if blank else ""
    return [f'<p class="soft">{count}</p>', *found, *([tail] if tail else [])]


def _one_answer(standing: Standing, answer: dict) -> str:
    mark = standing.marks.get(answer["grade_id"])
    marked = "to mark"
    if mark:
        marked = f"{_of(mark.points, answer['max_points'])} points"
        marked += f" · {mark.comment}" if mark.comment else ""
    text = "No answer." if is_blank(answer["answer"]) else answer["answer"]
    return (
        f'<h3>{escape(standing.student)} <span class="soft">({escape(marked)})</span></h3>\n'
        f'<div class="answer said">{escape(text)}</div>'
    )


def _written_page(cohort: Cohort, body: str, at: int, of: int) -> str:
    where = f", page {at} of {of}" if of > 1 else ""
    pages = [link(f"page {n}", written_name(cohort.lab, n)) for n in (at - 1, at + 1)]
    pages = [pages[0]] * (at > 1) + [pages[1]] * (at < of)
    pages.append(link("overview", "..", "overview", f"{cohort.lab}.html"))
    turn = f"<nav>{' · '.join(pages)}</nav>"
    head = (
        f"<header>\n<h1>{escape(cohort.lab)}: written answers{where}</h1>\n"
        "<p>Read down one question, and type the points (and, if you like, a comment) into "
        "<code>manual.csv</code>; run the same command again and they count.</p>\n"
        f"{turn}\n</header>"
    )
    foot = f"<footer>{turn}</footer>"
    return page(f"{cohort.lab}: written answers{where}", f"{head}\n<main>\n{body}\n</main>\n{foot}")
