"""Marks for written answers: what an instructor typed is kept, and nothing runs as a formula."""

import csv
import itertools
import os
import re

import pytest

from mmlearn.grading import GradingError
from mmlearn.grading.roster.manual import Mark, read_manual, update_manual
from mmlearn.grading.roster.tables import escape, read_table, table_text, unescape

HEADER = "student,lab,grade_id,points,max_points,comment\n"
ANNA, BEN = ("Anna", "90_tiny", "why"), ("Ben", "90_tiny", "why")
ROWS = [(*ANNA, 4.0), (*BEN, 4.0)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "out" / "manual.csv"


def fill_in(path, text, **options):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, **({"encoding": "utf-8"} | options))
    return path


def test_the_first_run_leaves_a_table_to_fill_in(path):
    assert update_manual(path, ROWS) == []
    assert path.read_text(encoding="utf-8") == (
        HEADER + "Anna,90_tiny,why,,4,\nBen,90_tiny,why,,4,\n"
    )
    assert read_manual(path) == {}


def test_a_second_run_keeps_marks_comments_and_students_who_left(path):
    text = HEADER + 'Left,90_tiny,why,1,4,gone\nBen,90_tiny,why,"2,5",4,"a, ""b""\nc"\n'
    fill_in(path, text + "Anna,90_tiny,why,,4,to be read again\n")
    update_manual(path, [(*ANNA, 4), (*BEN, 4), ("Cleo", "90_tiny", "why", 4)])
    assert path.read_text(encoding="utf-8") == (
        text + "Anna,90_tiny,why,,4,to be read again\nCleo,90_tiny,why,,4,\n"
    )
    assert read_manual(path) == {
        ("Left", "90_tiny", "why"): Mark(1.0, "gone", 4.0),
        BEN: Mark(2.5, 'a, "b"\nc', 4.0),
    }


def test_a_table_that_would_not_change_is_not_written(path):
    text = "\ufeff" + HEADER.replace(",", ";") + "Anna;90_tiny;why;3,5;4;gut\r\n"
    fill_in(path, text, newline="")
    os.utime(path, (1, 1))
    update_manual(path, ROWS[:1])
    assert path.stat().st_mtime == 1
    assert read_manual(path) == {ANNA: Mark(3.5, "gut", 4.0)}


def test_a_spreadsheets_delimiter_and_byte_order_mark_are_kept(path):
    fill_in(path, "\ufeff" + HEADER.replace(",", ";") + "Anna;90_tiny;why;3,5;4;gut\n")
    update_manual(path, ROWS)
    assert path.read_text(encoding="utf-8").splitlines() == [
        "\ufeff" + HEADER.replace(",", ";").strip(),
        "Anna;90_tiny;why;3,5;4;gut",
        "Ben;90_tiny;why;;4;",
    ]


def test_a_lab_that_gives_more_points_updates_the_row_and_keeps_the_mark(path):
    fill_in(path, HEADER + "Anna,90_tiny,why,3,4,\n")
    update_manual(path, [(*ANNA, 6.5)])
    assert read_manual(path) == {ANNA: Mark(3.0, "", 6.5)}
    update_manual(path, [(*ANNA, 2)])
    with pytest.raises(GradingError, match="line 2: 3 points given, but 0 to 2 are possible"):
        read_manual(path)


def test_marks_of_another_table_win_and_those_without_a_row_are_told(path):
    fill_in(path, HEADER + "Anna,90_tiny,why,3,4,old\n")
    extra = {ANNA: Mark(1 / 3, "new", 4.0), ("Ann", "90_tiny", "why"): Mark(2.0, "", 4.0)}
    assert update_manual(path, ROWS, extra) == [("Ann", "90_tiny", "why")]
    marks = read_manual(path)
    assert marks[ANNA].points == pytest.approx(1 / 3, abs=1e-9)
    assert marks[ANNA].comment == "new"
    assert marks["Ann", "90_tiny", "why"] == Mark(2.0, "", 4.0)
    assert BEN not in marks


def test_a_mark_of_another_table_above_the_answers_worth_is_refused(path):
    update_manual(path, ROWS)
    before = path.read_text(encoding="utf-8")
    with pytest.raises(GradingError, match="the mark for Anna, 90_tiny, why: 5 points given, but"):
        update_manual(path, ROWS, {ANNA: Mark(5.0, "", 9.0)})
    assert path.read_text(encoding="utf-8") == before


def test_numbers_go_into_a_table_of_semicolons_with_a_comma(path):
    fill_in(path, HEADER.replace(",", ";") + "Anna;90_tiny;why;3,50;4,0;\n")
    update_manual(path, [(*ANNA, 4), (*BEN, 4.5)], {ANNA: Mark(3.5, "x"), BEN: Mark(1.5, "")})
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[1:] == ["Anna;90_tiny;why;3,50;4,0;x", "Ben;90_tiny;why;1,5;4,5;"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty"),
        (HEADER.replace("comment", "remark"), "line 1: .*unknown or missing: comment, remark"),
        (HEADER.strip() + ",extra\n", "line 1: .*unknown or missing: extra"),
        (HEADER.strip() + ",lab\n", "line 1: .*one is there twice"),
        ("student,lab\n", "line 1: .*unknown or missing: comment, grade_id, max_points, points"),
        (HEADER + "Anna,90_tiny,why,good,4,\n", "line 2: points 'good' is not a number"),
        (HEADER + "Anna,90_tiny,why,nan,4,\n", "line 2: points 'nan' is not a number"),
        (HEADER + "Anna,90_tiny,why,1_0,40,\n", "line 2: points '1_0' is not a number"),
        (HEADER + "Anna,90_tiny,why,1e0,4,\n", "line 2: points '1e0' is not a number"),
        (HEADER + "Anna,90_tiny,why,1,x,\n", "line 2: max_points 'x' is not a number"),
        (HEADER + "\nAnna,90_tiny,why,5,4,\n", "line 3: 5 points given, but 0 to 4 are possible"),
        (HEADER + "Anna,90_tiny,why,-1,4,\n", "line 2: -1 points given, but 0 to 4 are possible"),
        (HEADER + "Anna,90_tiny,why,2,5,4,gut\n", "line 2: 7 cells under 6 columns"),
        (HEADER + ",90_tiny,why,2,4,\n", "line 2: student, lab and grade_id must not be blank"),
        (HEADER + "Anna,90_tiny,why,1,4,\n" * 2, "line 3: this answer is in line 2 already"),
    ],
)
def test_a_table_that_cannot_be_trusted_is_one_sentence_and_left_alone(path, text, sentence):
    fill_in(path, text)
    for read in (read_manual, lambda path: update_manual(path, ROWS)):
        with pytest.raises(GradingError, match=sentence) as caught:
            read(path)
        assert "\n" not in str(caught.value)
    assert path.read_text(encoding="utf-8") == text


ODD = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "'=1", "''=", "'t Hooft", "a,b", 'a"b', "a\nb"]
ODD += ["a\rb", "a;b", "Ü😀", "'", "a\r\nb", "Anna;=1+1", "a;'=1", "a,@x", "a\n=x", "\n=1", "|x"]
ODD += [
    "＝1+1",
    "＋1",
    "－1",
    "＠x",
    "\u3000=1",
    "a;+cmd|' /C calc'!A0",
    "ok; -1 for style",
    "a\t-x",
]
ODD += [";\n=(", "=;=;=", "';'=", "a;;=1", "a; '=1", "-1;-1!", " \n'=", "a - b"]


def test_every_text_comes_back_as_it_was():
    for length in range(7):
        for letters in itertools.product("'=;-(\n", repeat=length):
            text = "".join(letters)
            assert unescape(escape(text)) == text


def parted(text):
    """The cells that another program may make of one."""
    return re.split(r"[;,\t\r\n]", text)


def test_what_is_no_formula_is_left_as_it_is():
    for text in ("ok; -1 for style", "a - b", "Müller, Anna", "x=1", "a; b", "5 % off", "'t Hooft"):
        assert escape(text) == text


@pytest.mark.parametrize("text", ODD)
def test_what_is_written_runs_as_no_formula_and_is_read_back_as_it_was(path, text):
    assert escape(text)[0] not in "=+-@\t\r\n＝＋－＠|"
    assert not any(part.lstrip()[:1] in ("=", "@", "＝", "＠") for part in parted(escape(text)))
    assert unescape(escape(text)) == text
    student = text.strip()
    mark = Mark(1.0, text, 4.0)
    update_manual(path, [(student, "90_tiny", "why", 4)], {(student, "90_tiny", "why"): mark})
    with path.open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not any(cell.startswith(tuple("=+-@\t\r")) for cell in cells)
    assert read_manual(path) == {(student, "90_tiny", "why"): mark}
    before = path.stat().st_mtime_ns
    update_manual(path, [(student, "90_tiny", "why", 4)])
    assert path.stat().st_mtime_ns == before


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_tables_come_back_as_they_were_whatever_parts_their_cells(tmp_path, delimiter):
    path = tmp_path / "t.csv"
    path.write_bytes(table_text(["a", "b"], [[cell, "x"] for cell in ODD], delimiter).encode())
    assert [row["a"] for _, row in read_table(path).rows] == ODD


def test_a_stop_while_writing_keeps_the_old_table(path, monkeypatch):
    fill_in(path, HEADER + "Anna,90_tiny,why,3,4,\n")

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", stop)
    with pytest.raises(KeyboardInterrupt):
        update_manual(path, ROWS)
    assert read_manual(path) == {ANNA: Mark(3.0, "", 4.0)}
    assert os.listdir(path.parent) == ["manual.csv"]
