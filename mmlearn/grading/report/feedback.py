"""Pages for reading one by one: each student's feedback, and a lab's written answers."""

from __future__ import annotations

from markupsafe import Markup

from mmlearn.grading.judge.statuses import MEANING
from mmlearn.grading.report.pages import number, part, render
from mmlearn.grading.report.standing import Cohort, Standing, duration, is_blank
from mmlearn.grading.roster.late import shown_time
from mmlearn.grading.roster.overrides import BONUS
from mmlearn.grading.run.sandbox import STAMPS

PAGE_SIZE = 400_000  # characters of a page of written answers; a new page follows


def feedback_page(cohort: Cohort, standing: Standing) -> str:
    """Return a student's feedback: points, checks, written answers, and what it was made of.

    It holds nobody else's data and nothing of a hidden check but its outcome.
    """
    record = standing.record
    return render(
        "feedback.html",
        lab=cohort.lab,
        one=standing,
        record=record,
        meaning=MEANING[standing.status],
        sums=_sums(cohort, standing),
        rule=standing.rule,
        hidden=any(check.get("hidden") for check in record["checks"]),
        checks=[_check(check, standing) for check in record["checks"]],
        answers=[_answer(answer, standing) for answer in record["written"]],
        sentences=_sentences(record, cohort.clock),
    )


def _sums(cohort: Cohort, standing: Standing) -> list[tuple[str, str]]:
    """Return of what the points are the sum: a name and the points of each."""
    record = standing.record
    rows = [("Checks", _of(standing.automatic, record["max_points"]))]
    if record["written"]:
        most = sum(answer["max_points"] for answer in record["written"])
        waiting = f", {standing.to_mark} not marked yet" if standing.to_mark else ""
        rows.append(("Written answers", _of(standing.written, most) + waiting))
    if standing.bonus:
        told = standing.marks[BONUS].comment
        rows.append((f"Bonus ({told})" if told else "Bonus", f"+{number(standing.bonus)}"))
    if standing.rule and standing.late != 0:
        late = "when it was handed in is not known"
        late = late if standing.late is None else f"{duration(standing.late)} late"
        cost = "−" * bool(standing.penalty) + number(standing.penalty, "not known")
        rows.append((f"Deadline ({late})", cost))
    return rows


def _of(points: float | None, most: float) -> str:
    return f"{number(points, 'not known')} of {number(most)}"


def _check(check: dict, standing: Standing) -> dict:
    """Return a check as the student sees it, with what was given by hand in place of its points."""
    mark, message = standing.marks.get(check["grade_id"]), check["message"].strip()
    if not message and check["status"] != "passed":
        message = f"{MEANING.get(check['status'], 'not passed')}."  # a result never says nothing
    if mark:
        by_hand = f"By hand: {_of(mark.points, check['max_points'])} points. {mark.comment}"
        message = f"{message}\n{by_hand.strip()}".strip()
    return check | {"points": standing.check_points(check), "message": message}


def _answer(answer: dict, standing: Standing) -> dict:
    """Return a written answer as the student sees it: its points, the comment and the text."""
    mark, blank = standing.marks.get(answer["grade_id"]), is_blank(answer["answer"])
    if mark:
        points = f"{_of(mark.points, answer['max_points'])} points"
    elif blank:
        points = f"no answer, 0 of {number(answer['max_points'])} points"
    else:
        points = f"not marked yet, of {number(answer['max_points'])} points"
    return {
        "grade_id": answer["grade_id"],
        "points": points,
        "comment": mark.comment if mark else "",
        "text": "" if blank else answer["answer"],
    }


def _sentences(record: dict, clock: str) -> list[str]:
    """Return what the feedback was made of: when it was handed in, and how it was boxed."""
    sentences = []
    if handed_in := record.get("handed_in"):
        sentences.append(f"Handed in {shown_time(handed_in, clock)}.")
    if record["sandbox"] in STAMPS:
        sentences.append(f"Sandbox: {STAMPS[record['sandbox']]}.")
    return sentences


def written_pages(cohort: Cohort) -> list[str]:
    """Return a lab's written answers, question by question, in the gradebook's order.

    A page that has grown longer than `PAGE_SIZE` is followed by another. Nothing where the lab
    has no written answers.
    """
    if not cohort.written:
        return []
    pages, size = [[]], 0
    for grade_id in cohort.written:
        heading = part("answers.html", "heading", grade_id)
        for place, block in enumerate(_blocks(cohort, grade_id)):
            if size > PAGE_SIZE:
                pages.append([] if place == 0 else [heading])
                size = 0
            block = heading + block if place == 0 else block
            pages[-1].append(block)
            size += len(block)
    return [_written_page(cohort, page, at, len(pages)) for at, page in enumerate(pages, 1)]


def written_name(lab: str, at: int) -> str:
    """Return the file name of page `at` (from 1) of a lab's written answers."""
    return f"{lab}.html" if at == 1 else f"{lab}.page{at}.html"


def _blocks(cohort: Cohort, grade_id: str) -> list[Markup]:
    """Return the answers to a question, between a line that counts them and one of who has none."""
    found, blank, waiting, most = [], [], 0, 0.0
    for standing in cohort.standings:
        for answer in standing.record["written"]:
            if answer["grade_id"] != grade_id or standing.is_shared:
                continue  # what a group handed in is read once
            mark, most = standing.marks.get(grade_id), max(most, answer["max_points"])
            if is_blank(answer["answer"]) and mark is None:
                blank.append(standing.student)
            else:
                waiting += mark is None
                found.append(_one_answer(standing, answer))
    count = part("answers.html", "count", len(found), waiting, most)
    return [count, *found, *([part("answers.html", "nobody", blank)] if blank else [])]


def _one_answer(standing: Standing, answer: dict) -> Markup:
    mark = standing.marks.get(answer["grade_id"])
    marked = "to mark"
    if mark:
        marked = f"{_of(mark.points, answer['max_points'])} points"
        marked += f" · {mark.comment}" if mark.comment else ""
    text = "No answer." if is_blank(answer["answer"]) else answer["answer"]
    return part("answers.html", "answer", standing.student, marked, text)


def _written_page(cohort: Cohort, blocks: list[Markup], at: int, of: int) -> str:
    where = f", page {at} of {of}" if of > 1 else ""
    beside = [n for n in (at - 1, at + 1) if 1 <= n <= of]
    links = [(f"page {n}", [written_name(cohort.lab, n)]) for n in beside]
    links.append(("overview", ["..", "overview", f"{cohort.lab}.html"]))
    title = f"{cohort.lab}: written answers{where}"
    return render("written.html", title=title, blocks=blocks, links=links)
