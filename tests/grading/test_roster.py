"""The class list: whose a submission is, exactly or not at all."""

import unicodedata
from pathlib import Path

import pytest

from mmlearn.grading import GradingError
from mmlearn.grading.intake.archive import Source
from mmlearn.grading.intake.collect import Handed
from mmlearn.grading.roster.class_list import Entry, match, read_roster


def handed(student, *aliases):
    return Handed(student, student, Source(Path(student)), None, ("A note.",), aliases)


def roster(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "roster.csv"
    path.write_bytes(text.encode(encoding))
    return read_roster(path)


def names(match):
    return [one.student for one in match.handed]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_any_spreadsheets_csv_is_read(tmp_path, encoding, delimiter, newline):
    lines = [["Student", "ID", "Email"], ['"Müller, Anna"', "7", "am@uni.edu"], ["", "", ""]]
    entries = roster(tmp_path, newline.join(map(delimiter.join, lines)), encoding)
    aliases = ("Anna Müller", "Müller Anna", "MüllerAnna", "7", "am@uni.edu")
    assert entries == [Entry("Müller, Anna", aliases)]


def test_first_and_last_name_are_a_name_where_there_is_none(tmp_path):
    text = "First name,Last name,Email address\nAnna Maria,Müller,am@uni.edu\n"
    assert roster(tmp_path, text) == [
        Entry(
            "Anna Maria Müller",
            ("Müller Anna Maria", "Müller, Anna Maria", "MüllerAnnaMaria", "am@uni.edu"),
        )
    ]


def test_a_column_of_names_alone_is_a_roster(tmp_path):
    assert roster(tmp_path, "name\nAnna\nBen\n") == [Entry("Anna", ()), Entry("Ben", ())]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty: its first line must name the columns"),
        ("\n\n", "is empty: its first line must name the columns"),
        ("student,id\n", "names no student below its header"),
        ("id,email\n1,a@b\n", "must have a column student, or first name and last name"),
        ("student,id\nAnna,1\n,2\n", "line 3: no student is named"),
        ("student,id\nAnna,1\n\nanna,2\n", "line 4: student 'anna' is in line 2, too"),
        ("student,id\nAnna,1\nBen,1\n", "line 3: id '1' is in line 2, too"),
        ("student,e-mail\nAnna,A@b\nBen,a@b\n", "line 3: e-mail 'a@b' is in line 2, too"),
        ("student,id\nMüller, Anna,1\n", "line 2: 3 cells under 2 columns: put quotes"),
    ],
)
def test_a_roster_that_cannot_be_trusted_is_one_sentence(tmp_path, text, sentence):
    with pytest.raises(GradingError, match=sentence) as caught:
        roster(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_a_roster_in_another_encoding_or_place_is_one_sentence(tmp_path):
    with pytest.raises(GradingError, match="is not UTF-8 text: save it as CSV UTF-8"):
        roster(tmp_path, "student\nMüller\n", "latin-1")
    with pytest.raises(GradingError, match="cannot be read"):
        read_roster(tmp_path / "none.csv")


def test_names_match_whatever_their_case_blanks_and_normal_form():
    decomposed = unicodedata.normalize("NFD", "anna  MÜLLER")
    result = match([handed(decomposed)], [Entry("Anna Müller", ())])
    assert names(result) == ["Anna Müller"]
    assert result.handed[0].stem == decomposed
    assert result.handed[0].notes == ("A note.",)
    assert (result.missing, result.strangers) == ([], [])


@pytest.mark.parametrize("name", ["12345", "AM7", "am7@uni.edu", "Müller Anna"])
def test_an_alias_matches_and_a_note_says_so(name):
    entry = Entry("Anna Müller", ("12345", "am7@uni.edu", "Müller Anna"))
    result = match([handed(name)], [entry])
    assert names(result) == ["Anna Müller"]
    assert f"Handed in as {name!r}, matched to the roster by" in result.handed[0].notes[1]


def test_what_the_platform_calls_a_student_is_an_alias():
    entries = [Entry("Anna Lee", ("12345",)), Entry("Bob Lee", ("67890",))]
    result = match([handed("lee (12345)", "12345"), handed("lee (67890)", "67890")], entries)
    assert names(result) == ["Anna Lee", "Bob Lee"]


@pytest.mark.parametrize("name", ["Ana Müller", "Anna", "Anna Muller", "Müller", "am7@other.edu"])
def test_nothing_is_matched_by_likeness(name):
    entry = Entry("Anna Müller", ("am7@uni.edu",))
    result = match([handed(name)], [entry])
    assert (names(result), result.strangers, result.missing) == ([name], [name], [entry])


def test_an_alias_of_two_students_is_nobodys():
    entries = [Entry("Anna", ("group 1", "a@x.edu")), Entry("Ben", ("group 1", "a@y.edu"))]
    result = match([handed("group 1"), handed("a")], entries)
    assert result.strangers == ["a", "group 1"]
    assert result.missing == entries


def test_a_name_wins_over_anothers_alias():
    entries = [Entry("Anna", ("Ben",)), Entry("Ben", ())]
    result = match([handed("Ben")], entries)
    assert names(result) == ["Ben"]
    assert result.missing == entries[:1]


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_submissions_by_one_student_neither_is_lost(order):
    both = [handed("ANNA"), handed("Anna"), handed("7")][::order]
    result = match(both, [Entry("Anna", ("7",))])
    assert names(result) == ["7", "ANNA", "Anna"]
    assert result.strangers == ["7", "ANNA"]
    assert result.handed[2].notes == ("A note.",)
    assert "Anna of the roster has handed in twice" in result.handed[0].notes[1]


def test_missing_students_keep_the_rosters_order():
    entries = [Entry(name, ()) for name in ("Zoe", "Anna", "Ben")]
    assert match([handed("Anna")], entries).missing == [entries[0], entries[2]]
