"""What instructors ask for: groups, extensions, marks for checks, their platform's own tables.

The command runs as it is typed; only the notebooks are not run (each check passes).
"""

import csv
import io
import json
import os
import re

import pytest
from conftest import TinyLab

from mmlearn.grading import GradingError, batch
from mmlearn.grading.report.gradebook import write_reports
from mmlearn.grading.roster.class_list import read_class, read_roster
from mmlearn.grading.roster.groups import share
from mmlearn.grading.single import without_run

MANUAL = "student,lab,grade_id,points,max_points,comment\n"
WORKSHEET = (
    "Identifier,Full name,ID number,Email address,Status,Group,Grade,Maximum grade,"
    "Last modified (submission),Last modified (grade),Feedback comments\n"
    'Participant 17,Anna Müller,700,am@uni.edu,Submitted,,,5.00,"Monday, 30 November 2026, '
    '11:30 PM",-,\n'
    "Participant 18,Ben Lee,701,bl@uni.edu,No submission,,,5.00,-,-,\n"
    'Participant 19,Ben Lee,702,bl2@uni.edu,Submitted,,,5.00,"Tuesday, 1 December 2026, '
    '1:00 AM",-,\n'
)
CANVAS = (
    "Student,ID,SIS User ID,SIS Login ID,Section,Lab 1 (70),Tiny 90 (71),Final Score\n"
    "    Points Possible,,,,,10,10,(read only)\n"
    ",,,,,Manual Posting,,\n"
    '"Müller, Anna",1,u1,am,S1,95,,80\n'
    '"Lee, Ben",95,u2,bl,S1,1,,70\n'
    '"Student, Test",9,,x,S1,,,\n'
)


class Class(TinyLab):
    """A class whose notebooks are not run."""

    def write(self, name, text):
        path = self.root / name
        path.write_text(text, encoding="utf-8")
        return path

    def hand_in_at(self, name, seconds=1_796_000_000, data=None):
        path = self.hand_in(name, self.answer() if data is None else data)
        os.utime(path, (seconds, seconds))

    def run(self, *arguments):
        return self.grade_all("--sandbox", "none", *arguments)

    def rows(self, style="utf-8-sig"):
        text = (self.root / "grades" / "gradebook.csv").read_text(encoding=style)
        return {row["student"]: row for row in csv.DictReader(io.StringIO(text))}

    def page(self, *parts):
        return self.root.joinpath("grades", *parts).read_text(encoding="utf-8")

    def overview(self):
        return self.page("overview", "90_tiny.html")

    def feedback(self, stem):
        return self.page("feedback", "90_tiny", f"{stem}.html")

    @classmethod
    def without_runs(cls, root, monkeypatch):
        """Return a class in which each notebook passes without being run."""
        monkeypatch.setattr(batch, "grade_bytes", cls.stub)
        monkeypatch.setattr(batch, "verify_lab", lambda *a: None)
        return cls(root)

    @staticmethod
    def stub(data, lab, timeout, sandbox):
        found = without_run(lab, "passed", "")
        for check in found["checks"]:
            check["points"] = check["max_points"]
        written = [{"grade_id": "why", "max_points": 4.0, "answer": "Because."}]
        return found | {"points": lab.max_points, "written": written}


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    return Class.without_runs(tmp_path, monkeypatch)


# Marks for checks


@pytest.mark.parametrize(
    ("rows", "points", "cells"),
    [
        ("anna,90_tiny,check_double,1.5,,half\n", "4.5", ("1.5", "3")),
        ("anna,90_tiny,double,0,,copied\n", "3", ("0", "3")),
        ("ANNA,90_tiny,check_mean,1,3,\nanna,90_tiny,why,2,4,\n", "5", ("2", "1")),
        ("anna,90_tiny,bonus,2,,a fine plot\n", "7", ("2", "3")),
    ],
)
def test_a_checks_points_can_be_given_by_hand(tiny, rows, points, cells):
    tiny.hand_in_at("anna")
    assert tiny.run("--manual", tiny.write("m.csv", MANUAL + rows)) == 0
    row = tiny.rows()["anna"]
    assert row["points"] == points
    assert (row["check_double"], row["check_mean"]) == cells
    before = (tiny.root / "grades" / "gradebook.csv").read_bytes()
    assert tiny.run() == 0
    assert (tiny.root / "grades" / "gradebook.csv").read_bytes() == before


def test_points_by_hand_are_told_to_the_student_and_in_the_overview(tiny):
    tiny.hand_in_at("anna")
    rows = "anna,90_tiny,check_double,1.5,,<b>half</b>\nanna,90_tiny,bonus,1,,fine\n"
    assert tiny.run("--manual", tiny.write("m.csv", MANUAL + rows)) == 0
    for page in (tiny.feedback("anna"), tiny.overview()):
        assert "1.5 of 2 points" in page
        assert "&lt;b&gt;half" in page
        assert "onus" in page
        assert "fine" in page


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("ana,90_tiny,why,1,4,", "line 3: no student 'ana' in '90_tiny'; there is 'anna'."),
        (
            "anna,90_tiny,check_dubble,1,2,",
            "line 3: no check, exercise or written answer 'check_du",
        ),
        ("anna,91_none,why,1,4,", "line 3: no lab '91_none' was graded here; there is '90_tiny'."),
        ("anna,90_tiny,check_mean,4,,", "line 3: 4 points given, but 0 to 3 are possible"),
        ("anna,90_tiny,check_mean,4,9,", "line 3: 4 points given, but 0 to 3 are possible"),
        ("anna,90_tiny,mean,3.1,,", "line 3: 3.1 points given, but 0 to 3 are possible"),
        ("anna,90_tiny,bonus,-1,,", "line 3: -1 points given, but 0 or more are possible"),
        ("anna,90_tiny,double,1,,", "line 3: .*line 2 gives 'anna' points for 'check_double'"),
        ("ANNA,90_tiny,check_double,1,,", "line 3: .*line 2 gives 'anna' points for"),
    ],
)
@pytest.mark.parametrize("graded", [False, True])
@pytest.mark.parametrize("by_option", [False, True])
def test_a_row_that_fits_nothing_stops_the_run_with_its_line(
    tiny, capsys, row, sentence, graded, by_option
):
    tiny.hand_in_at("anna")
    if graded:
        assert tiny.run() == 0
    (tiny.root / "grades").mkdir(exist_ok=True)
    name = "m.csv" if by_option else "grades/manual.csv"
    path = tiny.write(name, f"{MANUAL}anna,90_tiny,check_double,1,2,\n{row}\n")
    capsys.readouterr()
    assert tiny.run(*(("--manual", path) if by_option else ())) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert re.search(sentence, error), error


def test_a_mark_stands_in_for_a_check_that_the_grader_could_not_grade(tiny, monkeypatch):
    tiny.hand_in_at("anna")
    failing = lambda data, lab, *rest: without_run(lab, "grader-error", "No kernel.")  # noqa: E731
    monkeypatch.setattr(batch, "grade_bytes", failing)
    marks = MANUAL + "anna,90_tiny,check_double,2,,\n"
    tiny.run("--manual", tiny.write("m.csv", marks))
    assert tiny.rows()["anna"]["points"] == ""
    tiny.run("--manual", tiny.write("m.csv", marks + "anna,90_tiny,mean,1,,\n"))
    assert tiny.rows()["anna"]["points"] == "3"


# Groups


def test_one_hand_in_counts_for_all_members_of_a_group(tiny):
    tiny.hand_in_at("anna")
    tiny.hand_in_at("dan")
    roster = tiny.write("r.csv", "student,group\nanna,G1\nben,G1\ncleo,G1\ndan,\neve,\n")
    assert tiny.run("--roster", roster) == 0
    rows = tiny.rows()
    assert [rows[name]["points"] for name in ("anna", "ben", "cleo", "dan", "eve")] == list("55550")
    assert rows["eve"]["status"] == "not-submitted"
    assert "Handed in by anna for the group G1" in tiny.feedback("ben")
    assert "ben</a>: Handed in by anna" in tiny.overview()
    table = list(csv.DictReader(io.StringIO(tiny.page("manual.csv"))))
    assert [row["student"] for row in table] == ["anna", "dan"]


def test_a_mark_for_the_hand_in_counts_for_the_group_unless_a_member_has_one(tiny):
    tiny.hand_in_at("anna")
    groups = tiny.write("g.csv", "student,group\nanna,G1\nben,G1\ncleo,G1\n")
    marks = MANUAL + "anna,90_tiny,why,3,4,\ncleo,90_tiny,why,1,4,did little\n"
    assert tiny.run("--groups", groups, "--manual", tiny.write("m.csv", marks)) == 0
    assert [tiny.rows()[name]["points"] for name in ("anna", "ben", "cleo")] == ["8", "8", "6"]


def test_what_a_group_hands_in_under_its_own_name_is_its_members(tiny):
    tiny.hand_in_at("Group 1")
    groups = tiny.write("g.csv", "team;student\nGroup 1;Anna Müller\nGroup 1;Ben\n")
    assert tiny.run("--groups", groups) == 0
    assert set(tiny.rows()) == {"Anna Müller", "Ben"}
    assert tiny.rows()["Ben"]["points"] == "5"


def test_of_several_hand_ins_of_a_group_nobody_loses_their_own(tiny):
    tiny.hand_in_at("anna")
    tiny.hand_in_at("ben", 1_796_000_009, b"no notebook")
    groups = tiny.write("g.csv", "group,student\nG1,anna\nG1,ben\nG1,cleo\n")
    records = [
        {"student": "anna", "stem": "anna", "status": "passed", "notes": [], "handed_in": "1"},
        {"student": "ben", "stem": "ben", "status": "unreadable", "notes": [], "handed_in": "2"},
    ]
    shared, notices, hidden = share(records, {"G1": ["anna", "ben", "cleo"]})
    assert [(r["student"], r["status"]) for r in shared[2:]] == [("cleo", "passed")]
    assert notices == ["Group G1: anna, ben handed in. Each is graded on their own hand-in."]
    assert hidden == set()
    assert tiny.run("--groups", groups) == 0
    assert "Group G1: anna, ben handed in" in tiny.overview()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("group,student\nG1,anna\nG1,annna\n", "line 3: no student 'annna' is on the roster"),
        ("group,student\nG1,anna\nG2,ANNA\n", "line 3: 'ANNA' is in line 2 already"),
        ("group,student\nG1,\n", "line 2: group and student must not be blank"),
        ("student\nanna\n", "must have the columns group and student"),
    ],
)
def test_groups_that_cannot_be_trusted_stop_the_run(tiny, capsys, text, sentence):
    tiny.hand_in_at("anna")
    roster, groups = tiny.write("r.csv", "student\nanna\nben\n"), tiny.write("g.csv", text)
    assert tiny.run("--roster", roster, "--groups", groups) == 2
    assert sentence in capsys.readouterr().err


def test_a_column_of_tutorials_gives_nobody_anothers_points(tiny, capsys):
    tiny.hand_in_at("s0")
    names = "".join(f"s{n},Monday\n" for n in range(30))
    assert tiny.run("--roster", tiny.write("r.csv", "student,group\n" + names)) == 2
    assert "The group 'Monday' has 30 members; at most 10" in capsys.readouterr().err


# Deadlines


def test_an_extension_is_one_students_own_deadline(tiny):
    for name in ("anna", "ben"):
        tiny.hand_in_at(name, 1_796_080_000)  # 2026-11-30 23:06:40 UTC
    roster = "student,extension\nanna,2026-12-03\nben,\n"
    options = ["--deadline", "2026-11-30 23:59", "--zone", "Europe/Berlin", "--penalty", "10"]
    assert tiny.run("--roster", tiny.write("r.csv", roster), *options) == 0
    assert [tiny.rows()[n]["late"] for n in ("anna", "ben")] == ["", "7 min"]
    assert "2026-12-03 23:59:59 Europe/Berlin (2026-12-03 22:59:59 UTC)" in tiny.feedback("anna")
    assert "This is your own deadline" in tiny.feedback("anna")
    assert "2026-11-30 23:59:00 Europe/Berlin (2026-11-30 22:59:00 UTC)" in tiny.feedback("ben")
    assert "own deadline" not in tiny.feedback("ben")
    assert "anna</a>: 2026-12-03 23:59:59 Europe/Berlin" in tiny.overview()
    table = tiny.write("e.csv", "student,extension\nben,2026-12-02 12:00\n")
    assert tiny.run("--extensions", table) == 0
    assert [tiny.rows()[n]["late"] for n in ("anna", "ben")] == ["", ""]


def test_an_extension_for_nobody_is_told(tiny, capsys):
    tiny.hand_in_at("anna")
    table = tiny.write("e.csv", "student,extension\nannna,2026-12-02\n")
    assert tiny.run("--extensions", table) == 0
    assert "annna has an extension, but handed nothing in." in tiny.overview()
    assert tiny.run("--roster", tiny.write("r.csv", "student\nanna\n")) == 2
    assert "e.csv, line 2: no student 'annna' is on the roster" in capsys.readouterr().err


@pytest.mark.parametrize("zone", ["Mars/Olympus", "CEST+1", ""])
def test_a_zone_that_there_is_not_is_one_sentence(tiny, capsys, zone):
    tiny.hand_in_at("anna")
    status = tiny.run("--zone", zone or "../UTC", "--deadline", "2026-11-30")
    assert status == 2
    assert "There is no zone" in capsys.readouterr().err


# Tables of platforms


def test_moodles_worksheet_is_a_class_list_and_says_when(tiny):
    folder = tiny.root / "submissions"
    for name in ("Anna Müller_17", "Ben Lee_19"):
        path = folder / f"{name}_assignsubmission_file_" / "lab.ipynb"
        path.parent.mkdir()
        path.write_bytes(json.dumps({"nbformat": 4, "cells": [], "metadata": {}}).encode())
    sheet = tiny.write("w.csv", "\ufeff" + WORKSHEET)
    options = ["--deadline", "2026-11-30 23:59", "--zone", "Europe/Berlin"]
    assert tiny.run("--roster", sheet, *options) == 0
    rows = tiny.rows()
    assert set(rows) == {"Anna Müller", "Ben Lee (18)", "Ben Lee (19)"}
    assert rows["Anna Müller"]["handed_in"] == "2026-11-30T22:30:00Z"
    assert rows["Ben Lee (19)"]["late"] == "1 h 1 min"
    assert rows["Ben Lee (18)"]["status"] == "not-submitted"
    assert "Not on the roster" not in tiny.overview()


def test_moodles_worksheet_of_a_german_site_and_a_blind_one_are_known(tmp_path):
    path = tmp_path / "w.csv"
    path.write_text(
        "ID,Vollständiger Name,E-Mail-Adresse,Status,Bewertung,Bestwertung,"
        "Zuletzt geändert (Abgabe),Zuletzt geändert (Bewertung),Feedback als Kommentar\n"
        'Teilnehmer/in17,Anna Müller,am@uni.edu,x,,5,"Montag, 30. November 2026, 23:30",-,\n',
        encoding="utf-8",
    )
    (entry,) = read_roster(path)
    assert entry.student == "Anna Müller"
    assert {"am@uni.edu", "Participant 17"} <= set(entry.aliases)
    head = "Identifier,Status,Grade,Maximum Grade,Last modified (grade)\n"
    path.write_text(head + "Participant 17,x,,5,-\n", encoding="utf-8")
    assert [one.student for one in read_roster(path)] == ["Participant 17"]


def test_canvass_gradebook_is_a_class_list_and_its_other_rows_are_no_students(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text(CANVAS, encoding="utf-8")
    found = read_class(path)
    assert [entry.student for entry in found.entries] == ["Müller, Anna", "Lee, Ben"]
    # Anna's grade in lab 1 is 95, which is Ben's id and must not stand for her.
    assert not any("95" in entry.aliases for entry in found.entries[:1])
    assert "95" in found.entries[1].aliases


# Tables that go out


@pytest.mark.parametrize(
    ("style", "start", "points"),
    [
        ("plain", b"student,lab", "4.5"),
        ("excel", b"\xef\xbb\xbfstudent,lab", "4.5"),
        ("excel-semicolon", b"\xef\xbb\xbfstudent;lab", "4,5"),
    ],
)
def test_a_spreadsheet_opens_the_gradebook_as_it_is_meant(tiny, style, start, points):
    tiny.hand_in_at("Zoë")
    manual = MANUAL + "Zoë,90_tiny,check_double,1.5,,\n"
    assert tiny.run("--csv", style, "--manual", tiny.write("m.csv", manual)) == 0
    data = (tiny.root / "grades" / "gradebook.csv").read_bytes()
    assert data.startswith(start)
    delimiter = ";" if b";" in start else ","
    rows = csv.DictReader(io.StringIO(data.decode("utf-8-sig")), delimiter=delimiter)
    assert [(row["student"], row["points"]) for row in rows] == [("Zoë", points)]
    assert tiny.run() == 0  # the style stays, and manual.csv is read back
    assert (tiny.root / "grades" / "gradebook.csv").read_bytes() == data


# Nobody is said to be graded who is not


def test_one_student_into_a_fresh_folder_is_told_that_the_others_wait(tiny, capsys):
    for name in ("anna", "ben", "cleo"):
        tiny.hand_in_at(name)
    roster = tiny.write("r.csv", "student\nanna\nben\ncleo\ndan\n")
    assert tiny.run("--student", "anna", "--roster", roster) == 0
    out = capsys.readouterr().out
    assert "already" not in out
    assert "2 of 3 submissions are not graded by this run" in out
    assert "Not graded yet: ben, cleo." in tiny.overview()
    assert {name: row["status"] for name, row in tiny.rows().items()} == {
        "anna": "passed",
        "dan": "not-submitted",
    }
    assert tiny.run() == 0
    assert "1 of 3 submissions are graded already: kept." in capsys.readouterr().out
    assert "Not graded yet" not in tiny.overview()


def test_a_file_that_is_no_notebook_is_its_students_hand_in_where_the_list_knows_them(tiny):
    tiny.hand_in_at("ben")
    (tiny.root / "submissions" / "anna.docx").write_bytes(b"x")
    roster = tiny.write("r.csv", "student\nanna\nben\n")
    assert tiny.run("--roster", roster) == 0
    assert tiny.rows()["anna"]["status"] == "unreadable"
    assert "anna.docx is no notebook" in tiny.feedback("anna")


def test_notes_stand_in_the_overview(tiny):
    tiny.hand_in_at("anna")
    tiny.hand_in_at("anna.ipynb (1)", 1_796_000_100)
    (tiny.root / "submissions" / "anna.ipynb (1).ipynb").rename(
        tiny.root / "submissions" / "ben.ipynb.txt"
    )
    assert tiny.run() == 0
    assert "ben</a>: ben.ipynb.txt was read as a notebook" in tiny.overview()


def test_a_lab_whose_name_is_a_pattern_is_graded(tiny):
    name = "90 [bonus]"
    copy = json.loads((tiny.root / "solutions" / "90_tiny.ipynb").read_text())
    copy["metadata"]["mmlearn"]["unit"] = name
    (tiny.root / "solutions" / f"{name}.ipynb").write_text(json.dumps(copy))
    tiny.hand_in_at("anna")
    out = tiny.root / "grades"
    options = ["--out", out, "--sandbox", "none"]
    assert tiny.grade(tiny.root / "submissions", "--lab", name, *options) == 0
    assert tiny.rows()["anna"]["lab"] == name
    assert (out / "overview" / f"{name}.html").exists()
    tiny.write("grades/manual.csv", MANUAL + "anna,other,why,1,4,\n")
    with pytest.raises(GradingError, match="no lab 'other'"):
        write_reports(out)
