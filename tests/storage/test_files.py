"""A file appears whole or not at all."""

import pytest

from mmlearn.storage.files import atomic_path, write_atomically


def test_text_and_bytes_are_written_as_they_are(tmp_path):
    write_atomically(tmp_path / "a", "é\r\n")
    write_atomically(tmp_path / "b", b"\x00\xff")
    assert (tmp_path / "a").read_bytes() == "é\r\n".encode()
    assert (tmp_path / "b").read_bytes() == b"\x00\xff"


def test_an_error_while_writing_leaves_the_old_file_and_no_rest(tmp_path):
    path = tmp_path / "a"
    path.write_text("old")

    def interrupted():
        with atomic_path(path) as temporary:
            temporary.write_text("ne")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ValueError, match="nowhere does not exist"):
        write_atomically(tmp_path / "nowhere" / "a", "text")
