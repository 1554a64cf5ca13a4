"""Exports, opened again by readers that follow what the platforms document of their imports.

Moodle: an assignment's offline grading worksheet and feedback zip (its importers look at columns by
name, at the participant's number, and split a folder's name at the first four underscores). Canvas:
the gradebook's import (fixed columns up to Section, then assignments as "Title (id)").
"""

import csv
import io
import re
import zipfile
from html.parser import HTMLParser

import pytest
from test_wishes import CANVAS, MANUAL, WORKSHEET, Class

from mmlearn.grading.single import without_run


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    return Class.without_runs(tmp_path, monkeypatch)


# Readers


def moodle_worksheet(data):
    """Return {number: (grade, comment)} as Moodle's offline grade importer reads a worksheet."""
    rows = list(csv.reader(io.StringIO(data.decode("utf-8").removeprefix("\ufeff"), newline="")))
    columns = rows[0]
    at = {name: columns.index(name) for name in ("Identifier", "Grade", "Last modified (grade)")}
    comment = columns.index("Feedback comments")
    found = {}
    for row in rows[1:]:
        assert len(row) == len(columns)
        number = row[at["Identifier"]][len("Participant ") :]
        grade = row[at["Grade"]]
        assert number.isdigit()
        assert grade == "" or float(grade) >= 0
        assert row[at["Last modified (grade)"]] == "-"  # else Moodle takes it for stale
        found[int(number)] = (grade, row[comment])
    return found


def moodle_feedback(data, participants):
    """Return {number: {file: content}} as Moodle's importer reads a zip of feedback files."""
    found = {}
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        for name in file.namelist():
            folder, _, rest = name.partition("/")
            assert not rest.startswith((".", "~"))
            info = folder.split("_", 4)
            assert len(info) >= 4
            assert info[1].isdigit()
            assert int(info[1]) in participants
            assert info[2:4] == ["assignsubmission", "file"]
            found.setdefault(int(info[1]), {})[rest] = file.read(name).decode()
    return found


def canvas_gradebook(data):
    """Return (assignment's title, its id, points possible, {student's id: grade})."""
    rows = list(csv.reader(io.StringIO(data.decode("utf-8").removeprefix("\ufeff"), newline="")))
    header, possible, grades = rows[0], None, {}
    assert "Student" in header[0]
    assert "ID" in header[1]
    assert header.index("Section") == len(header) - 2
    title, number = re.fullmatch(r"(.*?)(?: \((\d+)\))?", header[-1]).groups()
    for row in rows[1:]:
        assert len(row) == len(header)
        if "Points Possible" in row[0]:
            possible = row[-1]
        else:
            grades[row[1]] = row[-1]
    return title, number, possible, grades


class Text(HTMLParser):
    """The text of a piece of HTML, all of whose tags are harmless."""

    def __init__(self, page):
        super().__init__()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        assert tag in ("p", "ul", "li", "wbr")
        assert not attrs

    def handle_data(self, data):
        self.text += data


# Moodle


@pytest.fixture
def moodle(tiny):
    """A class of Moodle's: a download of two submissions, and the worksheet of three students."""
    for name in ("Anna Müller_17", "Ben Lee_19"):
        folder = tiny.root / "submissions" / f"{name}_assignsubmission_file_"
        folder.mkdir()
        tiny.hand_in("lab", tiny.answer()).rename(folder / "lab.ipynb")
    return tiny


def exported(tiny, name):
    return (tiny.root / "grades" / "exports" / f"90_tiny.{name}").read_bytes()


def test_moodles_worksheet_comes_back_with_its_grades_and_all_else_as_it_was(moodle):
    sheet = moodle.write("w.csv", WORKSHEET)
    marks = "Anna Müller,90_tiny,why,2.5,4,a &lt; b;=1\n"
    options = ["--export", "moodle", "--manual", moodle.write("m.csv", MANUAL + marks)]
    assert moodle.run("--roster", sheet, *options) == 0
    data = exported(moodle, "moodle.csv")
    found = moodle_worksheet(data)
    # The worksheet's maximum is 5, the lab's 9 points.
    assert {number: grade for number, (grade, _) in found.items()} == {
        17: "4.1667",
        18: "0",
        19: "2.7778",
    }
    text = Text(found[17][1]).text
    assert "9 points so far: passed." in Text(found[19][1]).text
    assert "not-submitted" in Text(found[18][1]).text
    assert "check_double" not in found[18][1]
    assert "7.5 of 9 points: passed." in text
    assert "check_double: passed, 2 of 2" in text
    before = list(csv.DictReader(io.StringIO(WORKSHEET)))
    after = list(csv.DictReader(io.StringIO(data.decode())))
    assert list(before[0]) == list(after[0])
    for old, new in zip(before, after, strict=True):
        changed = {name for name in old if old[name] != new[name]}
        assert changed <= {"Grade", "Feedback comments"}


def test_no_cell_of_moodles_worksheet_runs_as_a_formula(moodle, monkeypatch):
    evil = WORKSHEET.replace("Anna Müller,700", "\"=cmd|' /C calc'!A0\",'=1")
    marks = '"=cmd|\' /C calc\'!A0",90_tiny,why,1,4,"a<=b;=1+1 <b>&"\n'
    sheet = moodle.write("w.csv", evil)
    options = ["--export", "moodle", "--manual", moodle.write("m.csv", MANUAL + marks)]
    assert moodle.run("--roster", sheet, *options) == 0
    data = exported(moodle, "moodle.csv").decode()
    for row in csv.reader(io.StringIO(data)):
        for cell in row:
            assert cell == "-" or cell[:1] not in tuple("=+-@|\t\r\n")
            assert not re.search(r"[;,\t\r\n][ ]*[=@]", cell)
    comment = moodle_worksheet(data.encode())[17][1]
    assert "a<=b;=1+1 <b>&" in Text(comment).text


def test_moodles_feedback_zip_has_a_folder_for_each_participant(moodle):
    sheet = moodle.write("w.csv", WORKSHEET.replace("Anna Müller", "Anna_M/üller"))
    assert moodle.run("--roster", sheet, "--export", "moodle") == 0
    first = exported(moodle, "moodle_feedback.zip")
    found = moodle_feedback(first, participants={17, 18, 19})
    assert set(found) == {17, 19}  # Ben Lee (18) handed in nothing
    (page,) = found[17].values()
    assert page.startswith("<!DOCTYPE html>")
    assert list(found[17]) == ["90_tiny_feedback.html"]
    assert moodle.run("--export", "moodle") == 0
    assert exported(moodle, "moodle_feedback.zip") == first


def test_without_a_worksheet_the_numbers_of_the_download_do(moodle, capsys):
    moodle.hand_in_at("by mail")
    assert moodle.run("--export", "moodle") == 0
    assert set(moodle_worksheet(exported(moodle, "moodle.csv"))) == {17, 19}
    zipped = moodle_feedback(exported(moodle, "moodle_feedback.zip"), participants={17, 19})
    assert set(zipped) == {17, 19}
    out = capsys.readouterr().out
    assert "Not in Moodle's worksheet: by mail." in out
    assert "No feedback for, as Moodle's number is not known: by mail." in out
    assert "3 written answers are not marked yet" in out


def test_without_moodles_numbers_there_is_one_sentence(tiny, capsys):
    tiny.hand_in_at("anna")
    assert tiny.run("--export", "moodle") == 2
    assert "give its grading worksheet as --roster" in capsys.readouterr().err


# Canvas


def test_canvass_import_holds_this_labs_column_alone(tiny, capsys):
    tiny.hand_in_at("mulleranna_1_70001_lab")
    tiny.hand_in_at("leebob_95_70002_lab")
    roster = tiny.write("c.csv", CANVAS)
    assert tiny.run("--roster", roster, "--export", "canvas", "--assignment", "71") == 0
    data = exported(tiny, "canvas.csv")
    assert canvas_gradebook(data) == ("Tiny 90", "71", "10", {"1": "5.5556", "95": "5.5556"})
    assert data.decode().splitlines()[0] == (
        "Student,ID,SIS User ID,SIS Login ID,Section,Tiny 90 (71)"
    )
    assert "Grades were multiplied by 1.111" in capsys.readouterr().out
    assert tiny.run("--export", "canvas", "--assignment", "Tiny 90") == 0
    assert exported(tiny, "canvas.csv") == data


@pytest.mark.parametrize("options", [[], ["--assignment", "Lab"]])
def test_a_column_that_is_not_clear_is_asked_for(tiny, capsys, options):
    tiny.hand_in_at("mulleranna_1_70001_lab")
    assert tiny.run("--roster", tiny.write("c.csv", CANVAS), "--export", "canvas", *options) == 2
    error = capsys.readouterr().err
    assert "Say by --assignment" in error
    assert "'Lab 1 (70)', 'Tiny 90 (71)'" in error


def test_canvass_column_is_found_by_the_labs_name(tiny):
    tiny.hand_in_at("mulleranna_1_70001_lab")
    table = CANVAS.replace("Tiny 90 (71)", "90: Tiny (71)")
    assert tiny.run("--roster", tiny.write("c.csv", table), "--export", "canvas") == 0
    assert canvas_gradebook(exported(tiny, "canvas.csv"))[:2] == ("90: Tiny", "71")


def test_without_canvass_gradebook_the_ids_of_the_download_do(tiny):
    tiny.hand_in_at("mulleranna_1_70001_lab")
    tiny.hand_in_at("leebob_95_70002_lab")
    assert tiny.run("--export", "canvas") == 0
    assert canvas_gradebook(exported(tiny, "canvas.csv")) == (
        "90_tiny",
        None,
        "9",
        {"1": "5", "95": "5"},
    )


def test_a_grade_that_is_not_known_is_left_blank_and_named(tiny, monkeypatch, capsys):
    tiny.hand_in_at("mulleranna_1_70001_lab")
    tiny.hand_in_at("leebob_95_70002_lab", data=b"no notebook")

    def grade(data, lab, *rest):
        return without_run(lab, "grader-error" if data == b"no notebook" else "passed", "")

    monkeypatch.setattr("mmlearn.grading.batch.grade_bytes", grade)
    options = ["--roster", tiny.write("c.csv", CANVAS), "--assignment", "71"]
    assert tiny.run("--export", "canvas", *options) == 1
    assert canvas_gradebook(exported(tiny, "canvas.csv"))[3] == {"1": "0", "95": ""}
    assert "No grade yet, so left blank: Lee, Ben." in capsys.readouterr().out
