"""Where each student of a class stands in a lab: checks, marks, being late, and the sum of all."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from mmlearn import notebook
from mmlearn.grading.roster.groups import share
from mmlearn.grading.roster.late import DAY, describe, late_by, penalty, shown_time
from mmlearn.grading.roster.manual import Key, Mark
from mmlearn.grading.roster.overrides import BONUS

# What a lab holds where a written answer belongs; the second is what nbgrader puts there.
STUBS = (*notebook.STUBS["written"], "YOUR ANSWER HERE")


@dataclass(frozen=True)
class Standing:
    """One student's lab: the record, and what marks and the deadline make of it."""

    record: dict
    marks: dict[str, Mark]  # by grade_id: written answers, checks, and the bonus
    late: int | None  # seconds; None: nobody knows
    penalty: float | None
    rule: str = ""  # the student's deadline as a sentence; empty: there is none
    extension: str = ""  # until when, where it is the student's own

    @property
    def student(self) -> str:
        return self.record["student"]

    @property
    def stem(self) -> str | None:
        return self.record["stem"]  # None: nothing was handed in, so there are no files

    @property
    def record_stem(self) -> str | None:
        """Return the file name of the stored result, which may be that of another of a group."""
        return self.record.get("shared_stem", self.stem)

    @property
    def status(self) -> str:
        return self.record["status"]

    @property
    def automatic(self) -> float | None:
        """The checks' points, a mark by hand in place of what the grader found."""
        if not any(check["grade_id"] in self.marks for check in self.record["checks"]):
            return self.record["points"]
        points = [self.check_points(check) for check in self.record["checks"]]
        return None if None in points else sum(points)

    def check_points(self, check: dict) -> float | None:
        mark = self.marks.get(check["grade_id"])
        return check["points"] if mark is None else mark.points

    @property
    def written(self) -> float:
        ids = {answer["grade_id"] for answer in self.record["written"]}
        return sum((mark.points for name, mark in self.marks.items() if name in ids), 0.0)

    @property
    def bonus(self) -> float:
        """Points beside those of the lab."""
        own = {part["grade_id"] for part in (*self.record["checks"], *self.record["written"])}
        return self.marks[BONUS].points if BONUS in self.marks and BONUS not in own else 0.0

    @property
    def reached(self) -> float | None:
        """The sum of everything before the penalty."""
        return None if self.automatic is None else self.automatic + self.written + self.bonus

    @property
    def to_mark(self) -> int:
        """Answers with a text but no mark; nothing is to be read in the others."""
        return sum(
            not is_blank(answer["answer"]) and answer["grade_id"] not in self.marks
            for answer in self.record["written"]
        )

    @property
    def is_shared(self) -> bool:
        """Tell the standing of a group's member that another one's hand-in made."""
        return "shared_by" in self.record

    @property
    def max_points(self) -> float:
        return _most(self.record)

    @property
    def points(self) -> float | None:
        """The sum of everything; None where the checks' points are not known."""
        return None if self.reached is None else self.reached - self.penalty


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
    clock: str = "UTC"  # by whose clock times are shown

    @property
    def handed_in(self) -> tuple[Standing, ...]:
        return tuple(one for one in self.standings if one.status != "not-submitted")

    @property
    def to_mark(self) -> int:
        return sum(one.to_mark for one in self.standings if not one.is_shared)


def cohort(lab: str, records: Iterable[dict], about: dict, marks: Mapping[Key, Mark]) -> Cohort:
    """Return how a class stands in a lab.

    `records` are the students', `about` the class's data ({} where there are none), `marks` the
    points that the instructor gave. A student of the roster without a record, or a member of a
    group that handed in nothing, gets one with status ``not-submitted``.
    """
    records = sorted(records, key=lambda record: by_name(record["student"]))
    checks, written = (_ids(part, about, records) for part in ("checks", "written"))
    stored = {record["student"] for record in records}
    records, told, hidden = share(records, about.get("groups", {}))
    roster, waiting = about.get("roster"), set(about.get("waiting", ()))
    listed = [entry["student"] for entry in roster or []]
    members = [name for group in about.get("groups", {}).values() for name in group]
    missing = dict.fromkeys([*listed, *members])
    names = {record["student"] for record in records} | waiting
    absent = [_not_submitted(lab, name, about) for name in missing if name not in names]
    everybody = sorted([*records, *absent], key=lambda record: by_name(record["student"]))
    strangers = set(about.get("strangers", ()))
    strangers |= stored - set(listed) - hidden if roster is not None else set()
    return Cohort(
        lab,
        describe(about.get("deadline"), about.get("penalty") or 0.0, about.get("clock") or "UTC"),
        bool(about.get("deadline") or about.get("extensions")),
        checks,
        written,
        tuple(_standing(record, about, marks) for record in everybody),
        tuple(sorted(strangers, key=by_name)),
        tuple(about.get("unknown", ())),
        (*about.get("notices", ()), *told),
        about.get("clock") or "UTC",
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


def _standing(record: dict, about: dict, marks: Mapping[Key, Mark]) -> Standing:
    student, clock = record["student"], about.get("clock") or "UTC"
    percent, extension = about.get("penalty") or 0.0, about.get("extensions", {}).get(student)
    deadline = extension or about.get("deadline")
    own = _own_marks(record, marks)
    absent = record["status"] == "not-submitted"
    late = 0 if absent else late_by(record.get("handed_in"), deadline)
    rule = describe(deadline, percent, clock) if deadline else ""
    until = shown_time(extension, clock) if extension else ""
    standing = Standing(record, own, late, None, rule, until)
    if standing.reached is None:
        return standing
    return replace(standing, penalty=penalty(standing.reached, standing.max_points, late, percent))


def _own_marks(record: dict, marks: Mapping[Key, Mark]) -> dict[str, Mark]:
    """Return a student's marks by grade_id; a group's member has those of the hand-in, too."""
    ids = [part["grade_id"] for part in (*record["written"], *record["checks"])]
    own = {}
    for name in filter(None, (record.get("shared_by"), record["student"])):
        for grade_id in (*ids, BONUS):
            if mark := marks.get((name, record["lab"], grade_id)):
                own[grade_id] = mark
    return own


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
