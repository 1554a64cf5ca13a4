"""What is handed in, however it comes: nobody is lost, nothing is guessed, nothing is extracted."""

import io
import json
import os
import stat
import struct
import time
import unicodedata
import warnings
import zipfile

import pytest

from mmlearn.grading.errors import GradingError, UnreadableSubmission
from mmlearn.grading.intake import archive
from mmlearn.grading.intake.collect import collect, read_handed
from mmlearn.grading.intake.names import MAX_STEM_BYTES, fold, printable, stems
from mmlearn.grading.intake.submission import MAX_BYTES

UNIT = "90_tiny"


def notebook(unit=UNIT, mark=""):
    return json.dumps(
        {"nbformat": 4, "nbformat_minor": 5, "cells": [], "metadata": {"mmlearn": {"unit": unit}}}
        | {"mark": mark}
    ).encode()


def in_folder(root, files):
    """Write files (a dict of names and bytes) below a folder; return it."""
    root.mkdir(exist_ok=True)
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def zipped(files, **options):
    """Return a zip's bytes; `files` maps names, or ZipInfo, to bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as file:
        for name, data in files.items():
            file.writestr(name, data)
    return buffer.getvalue()


def in_zip(root, files):
    path = root.with_suffix(".zip")
    path.write_bytes(zipped(files))
    return path


def member(name, date=(2026, 11, 30, 12, 0, 0), mode=0o100644):
    info = zipfile.ZipInfo(name, date)
    info.external_attr = mode << 16
    return info


def students(intake):
    return [one.student for one in intake.handed]


def unreadable(handed):
    with pytest.raises(UnreadableSubmission) as caught:
        read_handed(handed)
    message = str(caught.value)
    assert message.endswith(".")
    assert "\n" not in message
    return message


@pytest.fixture(params=[in_folder, in_zip])
def handed_in(request, tmp_path):
    """Put files into a folder, or into a zip, and collect them."""
    return lambda files: collect(request.param(tmp_path / "class", files), UNIT)


@pytest.fixture
def berlin(monkeypatch):
    if not hasattr(time, "tzset"):
        pytest.skip("this system cannot change its zone")
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


# Layouts


def test_notebooks_are_students_named_by_their_files(handed_in):
    intake = handed_in({"ben.ipynb": notebook(mark="b"), "Anna Müller.ipynb": notebook(mark="a")})
    assert students(intake) == ["Anna Müller", "ben"]
    assert [one.stem for one in intake.handed] == ["Anna Müller", "ben"]
    assert read_handed(intake.handed[0]) == notebook(mark="a")
    assert intake.handed[0].notes == ()
    assert intake.unknown == ()


def test_folders_are_students_and_their_notebook_may_lie_two_folders_deeper(handed_in):
    intake = handed_in(
        {
            "anna/lab.ipynb": notebook(mark="a"),
            "ben/x/lab.ipynb": notebook(mark="b"),
            "cleo/x/y/renamed at home.ipynb": notebook(mark="c"),
            "dan/x/y/z/lab.ipynb": notebook(mark="d"),
        }
    )
    assert students(intake) == ["anna", "ben", "cleo", "dan"]
    marks = [json.loads(read_handed(one))["mark"] for one in intake.handed[:3]]
    assert marks == ["a", "b", "c"]
    assert "x/y/z/lab.ipynb lies more than two folders deep" in unreadable(intake.handed[3])


def test_folders_without_end_are_not_walked(tmp_path):
    deep = "anna/" + "/".join("abcdefghij")
    intake = collect(in_folder(tmp_path / "class", {f"{deep}/lab.ipynb": notebook()}), UNIT)
    assert "lies more than two folders deep" in unreadable(intake.handed[0])
    assert intake.unknown == (
        "anna/a/b/c/d/e lies more than two folders deep, so it was not looked at.",
    )


def test_what_systems_leave_behind_is_no_hand_in_and_told_in_one_line(handed_in):
    intake = handed_in(
        {
            "anna/lab.ipynb": notebook(),
            "anna/.ipynb_checkpoints/lab-checkpoint.ipynb": notebook(),
            "__MACOSX/anna/._lab.ipynb": b"\0",
            ".DS_Store": b"\0",
            "._anna.ipynb": b"\0",
        }
    )
    assert students(intake) == ["anna"]
    assert intake.unknown == (
        "Left out, as systems and editors leave such things behind: "
        ".DS_Store, ._anna.ipynb, __MACOSX, anna/.ipynb_checkpoints.",
    )
    assert intake.handed[0].notes == ()


def test_moodle_folders_and_flat_files(handed_in):
    intake = handed_in(
        {
            "Anna Müller_12345_assignsubmission_file_/lab.ipynb": notebook(mark="a"),
            "Ben_2_assignsubmission_file/deep/lab.ipynb": notebook(mark="b"),
            "Cleo_d_3_assignsubmission_file_my_lab.ipynb": notebook(mark="c"),
            "Dan_4_assignsubmission_onlinetext_/onlinetext.html": b"hello",
            "Ben_2_assignsubmission_onlinetext_onlinetext.html": b"hello",
        }
    )
    assert students(intake) == ["Anna Müller", "Ben", "Cleo_d", "Dan"]
    marks = [json.loads(read_handed(one))["mark"] for one in intake.handed[:3]]
    assert marks == ["a", "b", "c"]
    assert "typed into Moodle" in unreadable(intake.handed[3])
    assert [sentence.split(" is ")[0] for sentence in intake.unknown] == [
        "Ben_2_assignsubmission_onlinetext_onlinetext.html",
        "Dan_4_assignsubmission_onlinetext_",
    ]


def test_two_students_of_one_name_are_told_apart_by_moodles_number(handed_in):
    intake = handed_in(
        {
            "Anna Müller_12345_assignsubmission_file_/lab.ipynb": notebook(),
            "Anna Müller_678_assignsubmission_file_lab.ipynb": notebook(),
        }
    )
    assert students(intake) == ["Anna Müller (12345)", "Anna Müller (678)"]


def test_canvas_files_with_its_mark_of_being_late(handed_in):
    intake = handed_in(
        {
            "mulleranna_LATE_12345_67890_lab-1.ipynb": notebook(),
            "lee_1_67891_my_lab.ipynb": notebook(),
            "lee_2_67892_lab.ipynb": notebook(),
            "kim_3_67893_essay.pdf": b"%PDF",
        }
    )
    assert students(intake) == ["kim", "lee (1)", "lee (2)", "mulleranna"]
    assert intake.handed[3].notes == ("Canvas marked it as late.",)
    assert intake.handed[3].aliases == ("12345",)
    assert intake.handed[1].notes == ()
    assert "essay.pdf is no notebook" in unreadable(intake.handed[0])


@pytest.mark.parametrize("name", ["class", "renamed"])
def test_the_folder_that_zipping_adds_is_no_student(tmp_path, name):
    files = {f"{name}/{who}.ipynb": notebook() for who in ("anna", "ben")}
    assert students(collect(in_zip(tmp_path / "class", files), UNIT)) == ["anna", "ben"]
    files = {f"{name}/{who}/lab.ipynb": notebook() for who in ("anna", "ben")}
    assert students(collect(in_zip(tmp_path / "class", files), UNIT)) == ["anna", "ben"]


def test_a_folder_named_like_its_archive_is_no_student(tmp_path):
    path = in_zip(tmp_path / "class", {"class/anna.ipynb": notebook()})
    assert students(collect(path, UNIT)) == ["anna"]


def test_a_lone_students_folder_is_no_wrapper(tmp_path):
    files = {"anna/lab.ipynb": notebook(), "anna/old.ipynb": notebook()}
    assert students(collect(in_folder(tmp_path / "class", files), UNIT)) == ["anna"]
    assert students(collect(in_zip(tmp_path / "one", {"anna/lab.ipynb": b""}), UNIT)) == ["anna"]
    moodle = {"Anna_1_assignsubmission_file_/a_1_2_lab.ipynb": notebook()}
    assert students(collect(in_zip(tmp_path / "two", moodle), UNIT)) == ["Anna"]


def test_a_platforms_download_may_lie_in_a_folder(handed_in):
    files = {f"download/{n}_{n}_assignsubmission_file_/l.ipynb": notebook() for n in range(3)}
    assert students(handed_in(files)) == ["0", "1", "2"]


def test_a_students_own_zip_is_opened_once(handed_in):
    nested = zipped({"lab.ipynb": notebook(mark="too deep")})
    intake = handed_in(
        {
            "anna.zip": zipped({"home/lab.ipynb": notebook(mark="a")}),
            "ben/work.ZIP": zipped({"lab.ipynb": notebook(mark="b"), "data.csv": b"1"}),
            "cleo/work.zip": zipped({"inner.zip": nested}),
            "Dan_7_assignsubmission_file_work.zip": zipped({"lab.ipynb": notebook(mark="d")}),
        }
    )
    assert students(intake) == ["Dan", "anna", "ben", "cleo"]
    assert [json.loads(read_handed(one))["mark"] for one in intake.handed[:3]] == ["d", "a", "b"]
    assert "inner.zip is an archive in an archive" in unreadable(intake.handed[3])
    assert "ben/work.ZIP/data.csv is no notebook (.ipynb), so it was not graded." in intake.unknown


def test_a_class_download_in_a_folder_does_not_become_one_student(tmp_path):
    inner = zipped({f"s{n}_{n}_assignsubmission_file_l.ipynb": notebook() for n in range(2)})
    intake = collect(in_folder(tmp_path / "class", {"download.zip": inner}), UNIT)
    assert "a whole class's download: give this file itself" in unreadable(intake.handed[0])


# What is no submission


def test_what_no_rule_explains_is_named_with_the_reason(handed_in):
    intake = handed_in(
        {"anna.ipynb": notebook(), "a.py": b"", "b.pdf": b"", "c.docx": b"", "d.tar.gz": b""}
    )
    assert students(intake) == ["anna", "d"]
    assert "is an archive of a kind that is not opened" in unreadable(intake.handed[1])
    assert [one.student for one in intake.loose] == ["a", "b", "c"]
    assert "a.py is no notebook (.ipynb), so it was not graded." in unreadable(intake.loose[0])
    assert intake.unknown == (
        "a.py is no notebook (.ipynb), so it was not graded.",
        "b.pdf is no notebook (.ipynb), so it was not graded.",
        "c.docx is no notebook (.ipynb), so it was not graded.",
        "d.tar.gz is an archive of a kind that is not opened: hand in the notebook itself.",
    )


def test_a_student_without_a_notebook_does_not_vanish(handed_in):
    intake = handed_in(
        {"anna/lab.ipynb": notebook(), "ben/essay.pdf": b"", "ben/w.tgz": b"", "cleo/w.zip": b"no"}
    )
    assert students(intake) == ["anna", "ben", "cleo"]
    message = unreadable(intake.handed[1])
    assert message.startswith("No notebook was handed in: essay.pdf is no notebook")
    assert "w.tgz is an archive of a kind" in message
    assert "w.zip cannot be read: the archive is broken" in unreadable(intake.handed[2])
    assert [s.split(" is ")[0] for s in intake.unknown] == ["ben/essay.pdf", "ben/w.tgz"]


def test_an_empty_folder_is_a_student_without_a_notebook(tmp_path):
    root = in_folder(tmp_path / "class", {"anna.ipynb": notebook()})
    (root / "ben").mkdir()
    intake = collect(root, UNIT)
    assert unreadable(intake.handed[1]) == "No notebook was handed in: the folder is empty."
    assert intake.unknown == ("ben: the folder is empty.",)
    path = in_zip(tmp_path / "zip", {"anna.ipynb": notebook(), "ben/": b""})
    assert "the folder is empty" in unreadable(collect(path, UNIT).handed[1])


def test_many_odd_files_of_one_student_are_counted(handed_in):
    files = {f"anna/{number:02}.csv": b"" for number in range(30)}
    intake = handed_in(files | {"anna/lab.ipynb": notebook()})
    assert len(intake.unknown) == 11
    assert "anna: 20 more files were not graded." in intake.unknown
    assert intake.handed[0].notes == (
        "Only the notebook is graded; not looked at: "
        "00.csv, 01.csv, 02.csv, 03.csv, 04.csv and 25 more.",
    )


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("class.tar", b"", "is neither a folder nor a .zip: unpack it"),
        ("class.tgz", b"", "is neither a folder nor a .zip: unpack it"),
        ("class.zip", b"PK broken", "cannot be opened. The archive is broken"),
        ("class.zip", zipped({}), "holds no submissions: put one .ipynb per student"),
        ("class.zip", zipped({"a.py": b""}), "holds no submissions: put one .ipynb per student"),
        ("missing.zip", None, "does not exist"),
    ],
)
def test_a_path_with_nothing_to_grade_is_one_sentence(tmp_path, name, data, sentence):
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(GradingError, match=sentence.replace(".", r"\.")):
        collect(tmp_path / name, UNIT)


# Several notebooks by one student (fault 46)


def test_of_several_notebooks_the_newest_of_this_lab_is_graded_and_a_note_says_so(tmp_path):
    root = in_folder(
        tmp_path / "class",
        {
            "anna/a.ipynb": notebook(mark="old"),
            "anna/b.ipynb": notebook(mark="new"),
            "anna/c.ipynb": notebook(unit="91_other"),
            "anna/d.ipynb": b"{broken",
            "anna/e.zip": zipped({"e.ipynb": notebook(mark="older")}),
        },
    )
    for age, name in enumerate(("d.ipynb", "c.ipynb", "b.ipynb", "a.ipynb", "e.zip")):
        os.utime(root / "anna" / name, (2e9 - age, 2e9 - age))
    (one,) = collect(root, UNIT).handed
    assert json.loads(read_handed(one))["mark"] == "new"
    assert one.notes == (
        "5 notebooks were handed in: b.ipynb was graded, "
        "not a.ipynb, e.ipynb, c.ipynb and d.ipynb.",
    )


def test_of_equal_notebooks_the_first_name_is_graded(tmp_path):
    files = {member(f"anna/{name}.ipynb"): notebook(mark=name) for name in "cab"}
    files[member("ben.ipynb")] = notebook()
    first, _ = collect(in_zip(tmp_path / "class", files), UNIT).handed
    assert json.loads(read_handed(first))["mark"] == "a"


def test_within_a_students_zip_the_newest_is_graded(tmp_path):
    inner = zipped(
        {
            member("a.ipynb", (2026, 1, 1, 0, 0, 0)): notebook(mark="a"),
            member("b.ipynb", (2026, 1, 2, 0, 0, 0)): notebook(mark="b"),
        }
    )
    (one,) = collect(in_folder(tmp_path / "class", {"anna.zip": inner}), UNIT).handed
    assert json.loads(read_handed(one))["mark"] == "b"


def test_no_more_than_twenty_notebooks_of_a_student_are_looked_into(tmp_path, monkeypatch):
    looked = []
    read = archive.Source.read
    monkeypatch.setattr(archive.Source, "read", lambda self: looked.append(1) or read(self))
    files = {f"anna/{number}.ipynb": notebook() for number in range(100)}
    collect(in_folder(tmp_path / "class", files), UNIT)
    assert len(looked) == 20


# Archives that mean harm (fault 41)


def test_members_that_lead_out_of_the_archive_are_named_and_nothing_is_written(tmp_path):
    names = ("/etc/a.ipynb", "../b.ipynb", "anna/../../c.ipynb", "C:\\d.ipynb", "..\\e.ipynb")
    files = {name: notebook(mark="evil") for name in names}
    path = in_zip(tmp_path / "class", files | {"anna.ipynb": notebook(mark="good")})
    before = sorted(tmp_path.rglob("*"))
    intake = collect(path, UNIT)
    assert students(intake) == ["anna"]
    assert json.loads(read_handed(intake.handed[0]))["mark"] == "good"
    assert len(intake.unknown) == len(names)
    assert all("leads out of the archive" in sentence for sentence in intake.unknown)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_students_zip_that_climbs_is_unreadable(handed_in):
    intake = handed_in({"anna.zip": zipped({"../ben.ipynb": notebook()}), "ben.ipynb": notebook()})
    assert "leads out of the archive" in unreadable(intake.handed[0])
    assert students(intake) == ["anna", "ben"]


def test_backslashes_of_old_tools_part_folders(tmp_path):
    files = {"anna\\lab.ipynb": notebook(mark="a"), "ben\\lab.ipynb": notebook(mark="b")}
    intake = collect(in_zip(tmp_path / "class", files), UNIT)
    assert students(intake) == ["anna", "ben"]
    assert json.loads(read_handed(intake.handed[1]))["mark"] == "b"


def test_a_link_in_an_archive_is_not_followed(tmp_path):
    link = member("anna.ipynb", mode=stat.S_IFLNK | 0o777)
    path = in_zip(tmp_path / "class", {link: b"/etc/passwd", "ben.ipynb": notebook()})
    assert "anna.ipynb is a symbolic link" in unreadable(collect(path, UNIT).handed[0])


def test_two_members_of_one_name_are_both_refused(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ("anna.ipynb", "anna.ipynb", "ben/lab.ipynb", "ben//lab.ipynb"):
            file.writestr(name, notebook())
    path = tmp_path / "class.zip"
    path.write_bytes(buffer.getvalue())
    intake = collect(path, UNIT)
    assert students(intake) == ["anna", "ben"]
    assert all("is in the archive twice" in unreadable(one) for one in intake.handed)


def patched(data, name, offset, value):
    """Overwrite two bytes of a member's entry in the central directory and its local header."""
    data = bytearray(data)
    for signature, shift in ((b"PK\x01\x02", 0), (b"PK\x03\x04", -2)):
        start = 0
        while (start := data.find(signature, start)) >= 0:
            size = 46 if shift == 0 else 30
            if data[start + size :].startswith(name.encode()):
                data[start + offset + shift : start + offset + shift + len(value)] = value
            start += 4
    return bytes(data)


def test_an_encrypted_member_is_one_sentence(tmp_path):
    data = zipped({"anna.ipynb": notebook(), "ben.ipynb": notebook()})
    path = tmp_path / "class.zip"
    path.write_bytes(patched(data, "anna.ipynb", 8, struct.pack("<H", 1)))
    anna, ben = collect(path, UNIT).handed
    assert "hand it in without a password" in unreadable(anna)
    assert read_handed(ben) == notebook()


def test_a_member_that_says_it_is_huge_is_not_read(tmp_path):
    bomb = zipped({"l.ipynb": b"0" * (MAX_BYTES + 1)}, compression=zipfile.ZIP_DEFLATED)
    assert len(bomb) < MAX_BYTES / 500
    intake = collect(in_folder(tmp_path / "class", {"anna.zip": bomb}), UNIT)
    assert "larger than 20 MB" in unreadable(intake.handed[0])
    intake = collect(in_zip(tmp_path / "class", {"anna.zip": bomb}), UNIT)
    assert "larger than 20 MB" in unreadable(intake.handed[0])


def test_a_member_that_only_says_it_is_huge_is_not_read_either(tmp_path):
    data = zipped({"l.ipynb": notebook()}, compression=zipfile.ZIP_DEFLATED)
    data = patched(data, "l.ipynb", 24, struct.pack("<L", MAX_BYTES + 1))
    (one,) = collect(in_folder(tmp_path / "class", {"anna.zip": data}), UNIT).handed
    assert "larger than 20 MB" in unreadable(one)


def test_a_member_that_lies_about_its_size_is_not_read_beyond_it(tmp_path):
    bomb = zipped({"l.ipynb": b"0" * (3 * MAX_BYTES)}, compression=zipfile.ZIP_DEFLATED)
    bomb = patched(bomb, "l.ipynb", 24, struct.pack("<L", 100))
    (one,) = collect(in_folder(tmp_path / "class", {"anna.zip": bomb}), UNIT).handed
    assert "archive is broken" in unreadable(one)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_method_that_unpacks_all_at_once_is_refused(tmp_path, method):
    data = zipped({"anna.ipynb": notebook()}, compression=method)
    (one,) = collect(in_folder(tmp_path / "class", {"anna.zip": data}), UNIT).handed
    assert "packed by a method that is not read" in unreadable(one)


def test_too_many_members_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MAX_MEMBERS", 3)
    many = zipped({f"{number}.ipynb": notebook() for number in range(4)})
    intake = collect(in_folder(tmp_path / "class", {"a.zip": many, "b.ipynb": b""}), UNIT)
    assert "holds more than" in unreadable(intake.handed[0])
    monkeypatch.setattr(archive, "MAX_CLASS_MEMBERS", 3)
    with pytest.raises(GradingError, match="holds more than"):
        collect(in_zip(tmp_path / "big", {f"{n}.ipynb": b"" for n in range(4)}), UNIT)


def test_every_way_to_cut_or_flip_an_archive_is_survived(tmp_path):
    data = zipped({"lab.ipynb": notebook()}, compression=zipfile.ZIP_DEFLATED)
    root = tmp_path / "class"
    for position in range(len(data)):
        flipped = bytearray(data)
        flipped[position] ^= 0xFF
        in_folder(root, {"anna.zip": bytes(flipped), "ben.zip": data[:position]})
        intake = collect(root, UNIT)
        assert students(intake) == ["anna", "ben"]
        for one in intake.handed:
            try:
                assert read_handed(one) == notebook()
            except UnreadableSubmission as error:
                assert "\n" not in str(error)  # noqa: PT017


def test_a_zip_larger_than_a_submission_may_be_is_unreadable(tmp_path):
    files = {f"{n}.bin": os.urandom(MAX_BYTES // 2) for n in range(3)}
    files["lab.ipynb"] = notebook()
    (one,) = collect(in_folder(tmp_path / "class", {"anna.zip": zipped(files)}), UNIT).handed
    assert "larger than 20 MB" in unreadable(one)


# Links in folders (fault 40)


def test_links_are_refused_for_their_student_alone(tmp_path):
    secret = in_folder(tmp_path / "secret", {"lab.ipynb": notebook(mark="secret")})
    packed = tmp_path / "packed.zip"
    packed.write_bytes(zipped({"lab.ipynb": notebook(mark="secret")}))
    root = in_folder(tmp_path / "class", {"anna.ipynb": notebook(), "eve/readme.txt": b""})
    (root / "ben.ipynb").symlink_to(secret / "lab.ipynb")
    (root / "cleo").symlink_to(secret)
    (root / "dan.zip").symlink_to(packed)
    (root / "eve" / "sub").symlink_to(secret)
    (root / "loop").symlink_to("loop")
    intake = collect(root, UNIT)
    assert students(intake) == ["anna", "ben", "cleo", "dan", "eve"]
    for one in intake.handed[1:]:
        assert "is a symbolic link: hand in the notebook itself" in unreadable(one)
    assert any(sentence.startswith("loop is a symbolic link") for sentence in intake.unknown)


# Names (fault 47)


ODD = ["CON", "nul.txt", "a:b", "Zoë.", "x" * 240, "ä" * 120, "class", "-x", "=1+1", "a\u202eb"]
ODD += ["Ben\n", "😀", "Anna-0123456789ab", "a\\b", "a ", "#1 100%", "Mu\u0308ller", "e\u200dx"]


def test_odd_names_get_safe_unique_stems_that_others_do_not_change(tmp_path):
    files = {f"{name}.ipynb": notebook(mark=name) for name in ODD}
    intake = collect(in_folder(tmp_path / "class", files), UNIT)
    assert len(intake.handed) == len(ODD)
    for one in intake.handed:
        assert unicodedata.is_normalized("NFC", one.student)
        assert "\n" not in one.student
        assert len(one.stem.encode()) <= MAX_STEM_BYTES
        assert not set(one.stem) & set('<>:"/\\|?*\n')
        assert one.stem == one.stem.strip(" .")
        assert one.stem.split(".")[0].casefold() not in ("con", "nul", "class")
        assert one.stem == stems([one.student])[one.student]
        assert printable(json.loads(read_handed(one))["mark"]) == one.student
    assert len({fold(one.stem) for one in intake.handed}) == len(ODD)


def test_names_that_only_case_tells_apart_have_stems_that_more_does(tmp_path):
    files = {f"{name}.ipynb": notebook() for name in ("Anna", "anna", "ANNA", "ben", "Straße")}
    files |= {"STRASSE.ipynb": notebook()}
    intake = collect(in_zip(tmp_path / "class", files), UNIT)
    assert len({one.stem.upper().casefold() for one in intake.handed}) == 6
    assert dict(zip(students(intake), intake.handed, strict=True))["ben"].stem == "ben"


def test_nobody_can_ask_for_anothers_stem():
    anna = stems(["Anna", "anna"])["Anna"]
    found = stems(["Anna", "anna", anna])
    assert found["Anna"] == anna
    assert len(set(found.values())) == 3


@pytest.mark.parametrize(
    "names",
    [("M\u00fcller", "Mu\u0308ller"), ("Anna", "anna"), ("a b", "a  b"), ("\ufb01n", "\ufb01N")],
)
def test_names_that_only_their_spelling_tells_apart_are_never_made_one(handed_in, names):
    intake = handed_in({f"{name}.ipynb": notebook(mark=name) for name in names})
    assert len(set(students(intake))) == 2
    assert len({one.stem.casefold() for one in intake.handed}) == 2
    marks = {json.loads(read_handed(one))["mark"] for one in intake.handed}
    assert marks == set(names)
    assert all("has the same name but for" in one.notes[0] for one in intake.handed)


def test_names_that_are_no_text_are_kept_apart(tmp_path):
    root = tmp_path / "class"
    root.mkdir()
    try:
        for byte in (b"\xfe", b"\xff"):
            with open(os.path.join(os.fsencode(root), b"J" + byte + b"rg.ipynb"), "wb") as file:
                file.write(notebook(mark=byte.hex()))
    except OSError:
        pytest.skip("this file system takes only text as names")
    intake = collect(root, UNIT)
    assert students(intake) == ["J\ufffdrg", "J\ufffdrg (2)"]
    assert [json.loads(read_handed(one))["mark"] for one in intake.handed] == ["fe", "ff"]
    assert all(one.stem.isascii() for one in intake.handed)


def test_zip_names_are_read_as_they_are_marked(tmp_path):
    data = zipped({"M\u00fcller.ipynb": notebook(), "ben.ipynb": notebook()})
    (tmp_path / "class.zip").write_bytes(data)
    assert "Müller" in students(collect(tmp_path / "class.zip", UNIT))
    data = zipped({"M_ller.ipynb": notebook(), "ben.ipynb": notebook()})
    (tmp_path / "class.zip").write_bytes(data.replace(b"M_ller", b"M\x81ller"))  # cp437
    assert "Müller" in students(collect(tmp_path / "class.zip", UNIT))


def test_the_order_does_not_depend_on_the_archives(tmp_path):
    names = [f"{name}.ipynb" for name in ("b", "ä", "a", "B", "1")]
    one = collect(in_zip(tmp_path / "class", dict.fromkeys(names, notebook())), UNIT)
    two = collect(in_zip(tmp_path / "class", dict.fromkeys(names[::-1], notebook())), UNIT)
    assert one == two
    assert students(one) == ["1", "B", "a", "b", "ä"]


# When


def test_a_files_time_is_when_it_was_handed_in(tmp_path):
    root = in_folder(tmp_path / "class", {"anna.ipynb": notebook()})
    os.utime(root / "anna.ipynb", (1_796_079_599.9, 1_796_079_599.9))
    assert collect(root, UNIT).handed[0].handed_in == "2026-11-30T22:59:59Z"


@pytest.mark.usefixtures("berlin")
def test_an_archives_local_time_is_when_it_was_handed_in(tmp_path):
    files = {
        member("anna.ipynb", (2026, 11, 30, 23, 59, 58)): notebook(),
        member("ben.ipynb", (2026, 7, 1, 0, 0, 0)): notebook(),
        member("cleo.ipynb", (1980, 1, 1, 0, 0, 0)): notebook(),
        member("dan.zip", (2026, 1, 1, 1, 0, 0)): zipped({member("l.ipynb"): notebook()}),
    }
    intake = collect(in_zip(tmp_path / "class", files), UNIT)
    assert [one.handed_in for one in intake.handed] == [
        "2026-11-30T22:59:58Z",
        "2026-06-30T22:00:00Z",
        None,
        "2026-01-01T00:00:00Z",
    ]
