"""The gradebook and the pages, made from records written by hand (no kernels)."""

import csv
import html
import io
import json
import os
import re
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest

from mmlearn.grading import STATUSES, GradingError
from mmlearn.grading.judge.statuses import MEANING
from mmlearn.grading.records import (
    feedback_path,
    read_record,
    record_path,
    write_file,
    write_record,
)
from mmlearn.grading.report import feedback as feedback_module
from mmlearn.grading.report.gradebook import COLUMNS, write_reports
from mmlearn.grading.report.overview import histogram
from mmlearn.grading.report.standing import STUBS, by_name, cohort, duration
from mmlearn.grading.roster.manual import Mark, update_manual

LAB = "90_tiny"
DEADLINE = "2026-11-30T22:59:59Z"
ABOUT = {
    "lab": LAB,
    "max_points": 5.0,
    "checks": [
        {"grade_id": "check_double", "max_points": 2.0},
        {"grade_id": "check_mean", "max_points": 3.0},
    ],
    "written": [{"grade_id": "why", "max_points": 4.0}],
    "deadline": None,
    "penalty": 10.0,
    "roster": None,
    "strangers": [],
    "unknown": [],
}


def check(grade_id, most, status="passed", message="", hidden=False):
    points = {"passed": most, "grader-error": None}.get(status, 0.0)
    return {
        "grade_id": grade_id,
        "status": status,
        "points": points,
        "max_points": most,
        "message": message,
        "exercise": grade_id.removeprefix("check_"),
        "hidden": hidden,
    }


def record(student, status="passed", *, answer="Because.", message="", **more):
    """Return a record: ``check_double`` passed (unless nothing ran), ``check_mean`` as told."""
    whole = status in ("unreadable", "grader-error", "not-submitted")
    checks = [
        check("check_double", 2.0, status if whole else "passed", hidden=True),
        check("check_mean", 3.0, status, message),
    ]
    points = None if status == "grader-error" else sum(c["points"] for c in checks)
    made = {
        "student": student,
        "stem": student,
        "lab": LAB,
        "status": status,
        "points": points,
        "max_points": 5.0,
        "checks": checks,
        "written": [{"grade_id": "why", "max_points": 4.0, "answer": answer}],
        "notes": [],
        "message": message if whole else "",
        "sandbox": "bwrap",
        "grader": "2",
        "key": "k",
        "handed_in": "2026-11-30T12:00:00Z",
    }
    return made | more


class Results:
    """A folder of results, and its files as they are read."""

    def __init__(self, out):
        self.out = out

    def write(self, *records, **about):
        for one in records:
            write_record(self.out, one)
        write_file(self.out / "json" / LAB / "class.json", json.dumps(ABOUT | about))
        return self

    def mark(self, **points):
        marks = {(name, LAB, "why"): Mark(p, f"to {name}", 4.0) for name, p in points.items()}
        update_manual(self.out / "manual.csv", [], marks)
        return self

    def report(self):
        assert write_reports(self.out) == self.out / "gradebook.csv"
        return self

    def rows(self):
        text = (self.out / "gradebook.csv").read_text(encoding="utf-8")
        return {row["student"]: row for row in csv.DictReader(io.StringIO(text))}

    def page(self, *parts):
        return self.out.joinpath(*parts).read_text(encoding="utf-8")

    def overview(self):
        return self.page("overview", f"{LAB}.html")

    def feedback(self, stem):
        return self.page("feedback", LAB, f"{stem}.html")

    def written(self):
        return self.page("written", f"{LAB}.html")


@pytest.fixture
def results(tmp_path):
    return Results(tmp_path / "grades")


def visible(page):
    """Return a page's text as it is read: without tags, with single blanks."""
    text = re.sub(r"<style>.*?</style>|<[^>]*>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(text).split())


# ---------------------------------------------------------------------------------------- records


def test_a_record_is_read_as_it_was_written_and_alone(results):
    one = record("Zo\u00eb")
    write_record(results.out, one)
    path = record_path(results.out, LAB, "Zo\u00eb")
    assert read_record(path) == one
    assert [p for p in results.out.rglob("*") if p.is_file()] == [path]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"checks": []}', "\udcff"])
def test_what_is_no_record_is_none(tmp_path, text):
    path = tmp_path / "x.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert read_record(path) is None
    assert read_record(tmp_path / "absent.json") is None


# -------------------------------------------------------------------------------------- gradebook


def test_points_are_checks_and_marks_less_the_penalty(results):
    late = record("late", handed_in="2026-12-02T08:00:00Z")  # the second day has begun
    results.write(record("anna"), late, record("ben"), deadline=DEADLINE).mark(anna=3, late=1.5)
    rows = results.report().rows()
    assert list(rows["anna"].items())[:12] == [
        ("student", "anna"),
        ("lab", LAB),
        ("status", "passed"),
        ("points", "8"),
        ("max_points", "9"),
        ("automatic", "5"),
        ("written", "3"),
        ("to_mark", "0"),
        ("penalty", "0"),
        ("late", ""),
        ("handed_in", "2026-11-30T12:00:00Z"),
        ("sandbox", "bwrap"),
    ]
    assert list(rows["anna"].items())[12:] == [
        ("check_double", "2"),
        ("check_mean", "3"),
        ("why", "3"),
    ]
    assert [rows["late"][k] for k in ("points", "penalty", "late")] == ["4.7", "1.8", "1 d 9 h"]
    assert [rows["ben"][k] for k in ("points", "to_mark", "why")] == ["5", "1", ""]


def test_a_penalty_takes_what_was_reached_and_no_more(results):
    checks = [check("check_mean", 5.0, "failed")]
    very_late = record("a", "failed", checks=checks, points=0.0, handed_in="2027-01-01T00:00:00Z")
    row = results.write(very_late, deadline=DEADLINE).mark(a=2.5).report().rows()["a"]
    assert [row[k] for k in ("points", "written", "penalty")] == ["0", "2.5", "2.5"]


def test_a_grader_error_is_never_a_number(results):
    rows = results.write(record("anna", "grader-error", answer="")).report().rows()
    blank = ["points", "automatic", "penalty", "check_double", "check_mean"]
    assert [rows["anna"][column] for column in blank] == [""] * 5
    assert rows["anna"]["status"] == "grader-error"


def test_a_student_of_the_roster_without_a_record_has_not_submitted(results):
    roster = [{"student": name, "aliases": []} for name in ("anna", "carl")]
    results.write(record("anna"), roster=roster, deadline=DEADLINE)
    row = results.report().rows()["carl"]
    assert [row[k] for k in COLUMNS[2:]] == [
        *("not-submitted", "0", "9", "0", "0", "0", "0", "", "", "")
    ]
    assert not feedback_path(results.out, LAB, "carl").exists()


def test_an_unknown_time_is_said_and_costs_nothing(results):
    row = results.write(record("a", handed_in=None), deadline=DEADLINE).report().rows()["a"]
    assert [row[k] for k in ("late", "penalty", "points")] == ["unknown", "0", "5"]
    assert "when it was handed in is not known" in results.feedback("a")


def test_an_answer_that_was_left_blank_waits_for_no_mark(results):
    stubs = [record(stub, answer=f" {stub}\n", stem=str(i)) for i, stub in enumerate(STUBS)]
    rows = results.write(record("none", answer=""), *stubs).report().rows()
    assert [row["to_mark"] for row in rows.values()] == ["0"] * 3


def test_formulas_commas_and_quotes_stay_text(results):
    names = ["=1+1", "+x", "-x", "@x", 'a,"b"', "\tx"]
    results.write(*(record(name, stem=f"s{i}") for i, name in enumerate(names))).report()
    raw = list(csv.reader(io.StringIO(results.page("gradebook.csv"))))
    assert all(len(row) == len(raw[0]) for row in raw)
    assert {row[0] for row in raw[1:]} == {"'=1+1", "'+x", "'-x", "'@x", 'a,"b"', "'\tx"}


def test_students_are_listed_as_a_reader_looks_for_them(results):
    names = ["Zo\u00eb", "\u00d6mer", "anna", "Bj\u00f6rn", "Olga"]
    results.write(*map(record, names)).report()
    assert list(results.rows()) == ["anna", "Bj\u00f6rn", "Olga", "\u00d6mer", "Zo\u00eb"]
    assert sorted(["b", "\u00c4", "a"], key=by_name) == ["a", "\u00c4", "b"]


def test_a_check_named_like_a_column_takes_no_other_columns_place(results):
    checks = [check("points", 2.0)]
    results.write(record("anna", checks=checks, points=2.0), checks=[], written=[]).report()
    header = results.page("gradebook.csv").splitlines()[0].split(",")
    assert len(header) == len(set(header))
    assert results.rows()["anna"]["points (check)"] == "2"


def test_several_labs_stand_in_one_gradebook(results):
    results.write(record("anna"))
    write_record(results.out, record("anna", "failed", lab="91_other", message="m"))
    text = results.report().page("gradebook.csv")
    assert [row["lab"] for row in csv.DictReader(io.StringIO(text))] == [LAB, "91_other"]
    assert (results.out / "overview" / "91_other.html").exists()


def test_a_damaged_record_is_a_grader_error_and_not_lost(results):
    results.write(record("anna"), record("ben"))
    record_path(results.out, LAB, "ben").write_text("{", encoding="utf-8")
    assert results.report().rows()["ben"]["status"] == "grader-error"
    assert "ben.json cannot be read" in visible(results.overview())


def test_a_damaged_class_or_marks_stop_before_anything_is_written(results):
    results.write(record("anna")).report()
    before = {p: p.read_bytes() for p in results.out.rglob("*") if p.is_file()}
    (results.out / "manual.csv").write_text("x,y\n1,2\n", encoding="utf-8")
    with pytest.raises(GradingError, match=r"manual\.csv, line 1"):
        write_reports(results.out)
    (results.out / "manual.csv").write_bytes(before[results.out / "manual.csv"])
    (results.out / "json" / LAB / "class.json").write_text("{", encoding="utf-8")
    with pytest.raises(GradingError, match="give --roster and --deadline again"):
        write_reports(results.out)
    assert (results.out / "gradebook.csv").read_bytes() == before[results.out / "gradebook.csv"]


# ------------------------------------------------------------------------- same in, same out


def test_the_same_records_give_the_same_bytes_and_nothing_is_rewritten(results, tmp_path):
    people = [record("anna"), record("ben", "failed", message="m"), record("cy", "timeout")]
    results.write(*people, deadline=DEADLINE).mark(ben=1).report()
    files = [p for p in results.out.rglob("*") if p.is_file()]
    first = {p: (p.read_bytes(), p.stat().st_ino) for p in files}
    for path in files:
        os.utime(path, ns=(1, 1))
    results.report()
    assert {p: (p.read_bytes(), p.stat().st_ino) for p in files} == first
    assert all(path.stat().st_mtime_ns == 1 for path in files)
    other = Results(tmp_path / "other").write(*people[::-1], deadline=DEADLINE).mark(ben=1).report()
    same = [p for p in files if p.name != "manual.csv"]
    assert [other.page(p.relative_to(results.out)) for p in same] == [
        p.read_text(encoding="utf-8") for p in same
    ]


def test_a_row_for_each_answer_waits_in_the_table_of_marks(results):
    results.write(record("anna"), record("ben")).report()
    table = list(csv.DictReader(io.StringIO(results.page("manual.csv"))))
    assert [(r["student"], r["grade_id"], r["points"], r["max_points"]) for r in table] == [
        ("anna", "why", "", "4"),
        ("ben", "why", "", "4"),
    ]


def test_a_lab_without_written_answers_makes_no_page_and_no_table_of_marks(results):
    results.write(record("anna", written=[]), written=[]).report()
    assert not (results.out / "manual.csv").exists()
    assert not (results.out / "written").exists()
    assert "Written answers" not in results.feedback("anna") + results.overview()


# ----------------------------------------------------------------------------------- well-made HTML


class Outline(HTMLParser):
    """Check that elements are closed in order; note attributes, headings and links."""

    VOID = ("meta", "br", "path", "rect")

    def __init__(self, page):
        super().__init__()
        self.open, self.headings, self.links, self.text = [], [], [], []
        self.attributes, self.tags = [], []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]
        if tag in ("h1", "h2", "h3"):
            self.headings.append(tag)
        if tag == "a":
            self.links.append(dict(attrs)["href"])
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


NASTY = '<script>alert("x")</script>&amp; \x1b[31m\x00 \u202e'


@pytest.fixture
def nasty(results):
    """Texts from outside that would be markup, in every place that shows one."""
    bad = record(
        NASTY, "failed", stem="nasty #1?", message=NASTY, answer=NASTY, notes=[NASTY, "fine"]
    )
    broken = record("<img>", "grader-error", stem="img", message=NASTY)
    roster = [{"student": NASTY, "aliases": []}, {"student": "<absent>", "aliases": []}]
    results.write(bad, broken, roster=roster, strangers=["<img>"], unknown=[NASTY])
    marks = {(NASTY, LAB, "why"): Mark(1.0, "<i>no</i>", 4.0)}
    update_manual(results.out / "manual.csv", [], marks)
    return results.report()


def test_pages_are_well_formed_self_contained_and_nothing_in_them_runs(nasty):
    pages = sorted(nasty.out.rglob("*.html"))
    assert len(pages) == 4
    for path in pages:
        page = path.read_text(encoding="utf-8")
        outline = Outline(page)
        assert not {"script", "img", "i", "link", "iframe", "object", "form"} & set(outline.tags)
        assert not [a for a in outline.attributes if a[1].startswith("on") or a[1] == "src"]
        assert "http" not in page
        assert not re.search(r"[\x00-\x08\x0b-\x1f]", page)
        assert ("html", "lang", "en") in outline.attributes
        assert outline.headings[0] == "h1"
        assert outline.headings.count("h1") == 1
        assert "width=device-width" in page


def test_every_link_leads_to_a_file(nasty):
    for path in nasty.out.rglob("*.html"):
        for link in Outline(path.read_text(encoding="utf-8")).links:
            assert (path.parent / unquote(urlsplit(link).path)).is_file(), (path, link)


def test_tables_can_be_read_by_a_screen_reader(results):
    results.write(record("anna", "failed", message="m")).report()
    for page in (results.feedback("anna"), results.overview()):
        outline = Outline(page)
        assert ("th", "scope", "row") in outline.attributes
        assert ("th", "scope", "col") in outline.attributes
        assert outline.tags.count("main") == 1
    assert 'role="img" aria-label="Students by points.' in results.overview()


# ----------------------------------------------------------------------------------------- feedback


def test_feedback_tells_each_check_the_marks_and_the_penalty(results):
    late = record(
        "anna", "failed", message="divide by n", handed_in="2026-12-01T00:00:00Z", notes=["A note."]
    )
    results.write(late, record("ben"), deadline=DEADLINE).mark(anna=3).report()
    text = visible(results.feedback("anna"))
    assert "4.1 of 9 points" in text  # 2 + 3 - 10 % of 9
    assert "so far" not in text
    assert "failed : " + MEANING["failed"] in text
    assert "check_double ✓ passed 2 of 2" in text
    assert "check_mean ✗ failed 0 of 3 divide by n" in text
    assert "Deadline (1 h late) −0.9" in text
    assert "each started day after it costs 10 %" in text
    assert "why: 3 of 4 points to anna Because." in text
    assert "A note." in text
    assert "ben" not in text
    assert "not marked yet" in visible(results.feedback("ben"))
    assert "5 of 9 points so far" in visible(results.feedback("ben"))


def test_feedback_on_what_could_not_be_graded_says_why(results):
    results.write(
        record("anna", "unreadable", message="The file is empty."),
        record("ben", "grader-error", message="The grader failed: no kernel."),
    ).report()
    assert "What went wrong The file is empty." in visible(results.feedback("anna"))
    assert "The points are not known yet." in visible(results.feedback("ben"))


def test_feedback_carries_the_sandbox_stamp(results):
    results.write(record("anna", sandbox="none"), record("ben")).report()
    assert "not boxed" in results.feedback("anna")
    assert "boxed by bubblewrap" in results.feedback("ben")


# ----------------------------------------------------------------------------------------- overview


@pytest.fixture
def whole_class(results):
    """Every status, a late one, a stranger, an absent one, an unknown file, one unboxed."""
    statuses = [status for status in STATUSES if status != "not-submitted"]
    people = [record(status, status, message=f"about {status}") for status in statuses]
    people += [record("failed too", "failed", message="about failed")]
    people += [record("late", handed_in="2026-12-01T00:00:00Z", sandbox="none")]
    names = [one["student"] for one in people if one["student"] != "missing"]
    roster = [{"student": name, "aliases": []} for name in [*names, "absent"]]
    results.write(
        *people, roster=roster, deadline=DEADLINE, strangers=["missing"], unknown=["x.txt is odd."]
    )
    return results.report()


def test_the_overview_counts_the_class(whole_class):
    text = visible(whole_class.overview())
    points = [5, 2, 2, 2, 2, 2, 0, 2, 4.1]  # the last one: 5 less 10 % of 9
    mean, median = sum(points) / 9, sorted(points)[4]
    assert f"handed in 10 of 11 mean {mean:.1f} of 9 median {median:.1f} of 9" in text
    assert "all passed 2" in text
    assert "late 1" in text
    for status in STATUSES:
        assert f"{status} {2 if status in ('failed', 'passed') else 1} {MEANING[status]}" in text


def test_the_overview_names_what_needs_attention(whole_class):
    page = whole_class.overview()
    text = visible(page)
    assert "Not graded: the grader failed 1 submission has no points." in text
    assert "1 of 10 submissions ran without a sandbox" in text
    assert page.index("the grader failed") < page.index("Not boxed") < page.index("handed in")
    assert "Not on the roster missing" in text
    assert "Files that are no submission x.txt is odd." in text
    assert "Not submitted absent" in text
    assert "Late late : 1 h, costs 0.9 points" in text


def test_the_overview_tells_the_hardest_checks_and_their_messages(whole_class):
    text = visible(whole_class.overview())
    hard, easy = text.index("check_mean 25% (2 of 8)"), text.index("check_double 100% (8 of 8)")
    assert hard < easy  # neither the unreadable file nor the grader's failure says anything
    assert "2 × about failed 1 × about error 1 × about kernel-died" in text


def test_a_class_without_anything_has_an_overview(results):
    roster = [{"student": "anna", "aliases": []}]
    text = visible(results.write(roster=roster).report().overview())
    assert "handed in 0 of 1" in text
    assert "Nothing was handed in." in text
    assert results.rows()["anna"]["status"] == "not-submitted"


def test_quiet_sections_are_left_out(results):
    text = visible(results.write(record("anna", written=[]), written=[]).report().overview())
    for absent in ("Not boxed", "Not graded", "roster", "no submission", "Late", "to mark"):
        assert absent not in text
    assert "1 submission boxed by bubblewrap." in text


def bars(points, most):
    svg = histogram(points, most)
    told = re.search(r"Students by points\. (.*?)\.\"", svg).group(1)
    assert svg.count("<rect") == len(re.findall(r": [1-9]", told))
    return dict(part.rsplit(": ", 1) for part in told.split("; "))


def test_the_histogram_counts_every_student_once():
    assert bars([0, 1, 1.5, 18, 17, 16], 18) == {
        **{f"{n} to {n + 2}": "0" for n in range(0, 18, 2)},
        "0 to 2": "3",
        "16 to 18": "3",
    }
    assert bars([5.0], 5.0)["4 to 5"] == "1"
    assert bars([0.3], 0.5) == {"0 to 0.5": "1"}
    assert bars([0.0], 0.0)
    assert len(bars([100.0, 3], 100)) == 10
    assert bars([7.4], 7.5)["7 to 7.5"] == "1"


# ---------------------------------------------------------------------------------- written answers


def test_written_answers_are_read_down_one_question(results):
    results.write(
        record("cy", answer="Third."),
        record("anna", answer="First\n  indented."),
        record("ben", answer=""),
        written=[{"grade_id": "why", "max_points": 4.0}],
    ).mark(cy=2)
    page = results.report().written()
    assert "First\n  indented." in page
    assert page.index("First") < page.index("Third")
    text = visible(page)
    assert "2 answers, 1 to mark; 4 points each." in text
    assert "anna (to mark)" in text
    assert "cy (2 of 4 points · to cy)" in text
    assert "No answer: ben." in text


def test_a_long_page_of_answers_is_split_and_none_is_lost(results, monkeypatch):
    monkeypatch.setattr(feedback_module, "PAGE_SIZE", 1000)
    names = [f"student{i:02d}" for i in range(20)]
    results.write(*(record(name, answer=f"text of {name} " * 10) for name in names)).report()
    pages = [results.written()]
    while (results.out / "written" / f"{LAB}.page{len(pages) + 1}.html").exists():
        pages.append(results.page("written", f"{LAB}.page{len(pages) + 1}.html"))
    assert len(pages) > 3
    for page in pages:
        assert len(page) < 1000 + 6000  # the style, and the answer that crosses the border
        assert "<h2>why</h2>" in page
        assert all((results.out / "written" / link).exists() for link in Outline(page).links)
    shown = [name for page in pages for name in re.findall(r"<h3>(\w+)", page)]
    assert shown == names
    monkeypatch.undo()
    results.report()
    assert [p.name for p in (results.out / "written").iterdir()] == [f"{LAB}.html"]


# ----------------------------------------------------------------------------------------- standing


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, ""),
        (59, "59 s"),
        (60, "1 min"),
        (3600, "1 h"),
        (3660, "1 h 1 min"),
        (86_399, "23 h 59 min"),
        (86_400, "1 d"),
        (89_999, "1 d"),
        (93_600, "1 d 2 h"),
        (None, "unknown"),
    ],
)
def test_being_late_is_told_by_its_two_largest_units(seconds, text):
    assert duration(seconds) == text


def test_a_submission_that_is_not_on_the_roster_is_a_stranger_and_keeps_its_points():
    roster = [{"student": "anna", "aliases": []}]
    made = cohort(LAB, [record("zed")], ABOUT | {"roster": roster}, {})
    assert made.strangers == ("zed",)
    assert [(one.student, one.points) for one in made.standings] == [("anna", 0.0), ("zed", 5.0)]
    assert cohort(LAB, [record("zed")], ABOUT, {}).strangers == ()
