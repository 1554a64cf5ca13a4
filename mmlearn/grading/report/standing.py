"""Where each student of a class stands in a lab: checks, marks, being late, and the sum of all."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mmlearn import notebook
from mmlearn.grading.roster.late import DAY, describe, late_by, penalty
from mmlearn.grading.roster.manual import Key, Mark

# What a lab holds where a written answer belongs; the second is what nbgrader puts there.
STUBS = (*notebook.STUBS["written"], "YOUR ANSWER HERE")


@dataclass(frozen=True)
class Standing:
    """One student's lab: the record, and what marks and the deadline make of it."""

    record: dict
    marks: dict[str, Mark]  # by grade_id
    late: int | None  # seconds; None: nobody knows
    penalty: float | None

    @property
    def student(self) -> str:
        return self.record["student"]

    @property
    def stem(self) -> str | None:
        return self.record["stem"]  # None: nothing was handed in, so there are no files

    @property
    def status(self) -> str:
        return self.record["status"]

    @property
    def automatic(self) -> float | None:
        return self.record["points"]

    @property
    def written(self) -> float:
        return sum((mark.points for mark in self.marks.values()), 0.0)

    @property
    def to_mark(self) -> int:
        """Answers with a text but no mark; nothing is to be read in the others."""
        return sum(
            not is_blank(answer["answer"]) and answer["grade_id"] not in self.marks
            for answer in self.record["written"]
        )

    @property
    def max_points(self) -> float:
        return _most(self.record)

    @property
    def points(self) -> float | None:
        """The sum of everything; None where the checks' points are not known."""
        return None if self.automatic is None else self.automatic + self.written - self.penalty


@dataclass(frozen=True)
class Cohort:
    """A class in one lab: its rules, its students by name, and what belongs to nobody."""

    lab: str
    rule: str  # the deadline and its penalty, as a sentence
    due: bool  # whether there is a deadline
    checks: tuple[str, ...]  # grade_ids in the lab's order
    written: tuple[str, ...]
    standings: tuple[Standing, ...]
    strangers: tuple[str, ...]  # handed in, but not on the roster
    unknown: tuple[str, ...]  # a sentence for each file that is no submission
    notices: tuple[str, ...] = ()  # and for each result that is not of this hand-in

    @property
    def handed_in(self) -> tuple[Standing, ...]:
        return tuple(one for one in self.standings if one.status != "not-submitted")


def cohort(lab: str, records: Iterable[dict], about: dict, marks: Mapping[Key, Mark]) -> Cohort:
    """Return how a class stands in a lab.

    `records` are the students', `about` the class's data ({} where there are none), `marks` the
    points that the instructor gave. A student of the roster without a record gets one with
    status ``not-submitted``.
    """
    records = sorted(records, key=lambda record: by_name(record["student"]))
    deadline, percent = about.get("deadline"), about.get("penalty") or 0.0
    checks, written = (_ids(part, about, records) for part in ("checks", "written"))
    names = {record["student"] for record in records}
    roster = about.get("roster")
    listed = [entry["student"] for entry in roster or []]
    absent = [_not_submitted(lab, name, about) for name in listed if name not in names]
    everybody = sorted([*records, *absent], key=lambda record: by_name(record["student"]))
    strangers = set(about.get("strangers", ()))
    strangers |= names - set(listed) if roster is not None else set()
    return Cohort(
        lab,
        describe(deadline, percent),
        deadline is not None,
        checks,
        written,
        tuple(_standing(record, deadline, percent, marks) for record in everybody),
        tuple(sorted(strangers, key=by_name)),
        tuple(about.get("unknown", ())),
        tuple(about.get("notices", ())),
    )


def by_name(name: str) -> tuple[str, str]:
    """Return a key that sorts names as a reader looks for them: accents and case come last."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    return "".join(c for c in letters if not unicodedata.combining(c)), name


def is_blank(answer: str) -> bool:
    """Tell whether a written answer is none: empty, or the lab's own text."""
    return answer.strip() in ("", *STUBS)


def duration(seconds: int | None) -> str:
    """Return how late a submission is, by its two largest units, rounded down.

    >>> duration(26 * 3600 + 59), duration(61), duration(9), duration(0), duration(None)
    ('1 d 2 h', '1 min', '9 s', '', 'unknown')
    """
    if seconds is None:
        return "unknown"
    days, rest = divmod(seconds, DAY)
    hours, minutes = rest // 3600, rest % 3600 // 60
    if days or hours:
        parts = ((days, "d"), (hours, "h")) if days else ((hours, "h"), (minutes, "min"))
    else:
        parts = ((minutes, "min"),) if minutes else ((seconds, "s"),)
    return " ".join(f"{amount} {unit}" for amount, unit in parts if amount)


def _standing(record: dict, deadline, percent: float, marks: Mapping[Key, Mark]) -> Standing:
    student, lab = record["student"], record["lab"]
    own = {
        answer["grade_id"]: marks[student, lab, answer["grade_id"]]
        for answer in record["written"]
        if (student, lab, answer["grade_id"]) in marks
    }
    absent = record["status"] == "not-submitted"
    late = 0 if absent else late_by(record.get("handed_in"), deadline)
    automatic, cost = record["points"], None
    if automatic is not None:
        reached = automatic + sum(mark.points for mark in own.values())
        cost = penalty(reached, _most(record), late, percent)
    return Standing(record, own, late, cost)


def _most(record: dict) -> float:
    return record["max_points"] + sum(answer["max_points"] for answer in record["written"])


def _ids(part: str, about: dict, records: list[dict]) -> tuple[str, ...]:
    found = [item["grade_id"] for item in about.get(part, ())]
    found += [item["grade_id"] for record in records for item in record[part]]
    return tuple(dict.fromkeys(found))


def _not_submitted(lab: str, student: str, about: dict) -> dict:
    checks = [
        {"status": "not-submitted", "points": 0.0, "message": ""} | check
        for check in about.get("checks", ())
    ]
    return {
        "student": student,
        "stem": None,
        "lab": lab,
        "status": "not-submitted",
        "points": 0.0,
        "max_points": about.get("max_points", 0.0),
        "checks": checks,
        "written": [{"answer": ""} | answer for answer in about.get("written", ())],
        "notes": [],
        "message": "",
        "sandbox": None,
        "handed_in": None,
    }
