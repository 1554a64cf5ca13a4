"""The Wikipedia benchmark: where its files are looked for, what is checked, what it holds."""

import functools
import hashlib
import http.server
import os
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from mmlearn.data import load_wikipedia, wikipedia

XML = '<document id="{0}" name="Red_&amp;_{0}" cat="29">\n<text>\nA & B &nbsp;of {0}.\n</text>'


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A folder with a benchmark of four documents, whose checksums the loader takes as right."""
    folder = tmp_path / "files" / "wikipedia"
    folder.mkdir(parents=True)
    vectors = {"I_tr": np.eye(3), "T_tr": np.full((3, 2), 0.5)}
    vectors |= {"I_te": np.full((1, 3), 7.0), "T_te": np.full((1, 2), 0.5)}
    savemat(folder / "raw_features.mat", vectors)
    (folder / "trainset_txt_img_cat.list").write_text("a-1\tx\t1\nb-1\ty\t2\nc-1\tz\t2\n")
    (folder / "testset_txt_img_cat.list").write_text("a-2\tw\t1\n")
    (folder / "categories.list").write_text("art\nbiology\n")
    right = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}
    monkeypatch.setattr(wikipedia, "SHA256", {name: right[name] for name in wikipedia.SHA256})
    monkeypatch.setenv("MMLEARN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MMLEARN_DATA", raising=False)
    return folder


@pytest.fixture
def local(files, monkeypatch):
    monkeypatch.setenv("MMLEARN_DATA", str(files.parent))
    return files


@pytest.fixture
def served(files, monkeypatch):
    """The same files from a server on this machine; a list of what was asked for."""
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            asked.append(Path(self.path).name)

    handler = functools.partial(Handler, directory=files)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(wikipedia, "FEATURES_AT", f"http://127.0.0.1:{server.server_port}/")
        yield asked
        server.shutdown()


def add_texts(folder, documents=("a-1", "b-1", "c-1", "a-2")):
    with zipfile.ZipFile(folder / "texts.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for document in documents:
            archive.writestr(f"texts/{document}.xml", XML.format(document))


def test_documents_come_in_the_order_of_the_lists(local):
    data = load_wikipedia()
    assert data.labels.tolist() == [0, 1, 1, 0]
    assert data.label_names == ["art", "biology"]
    train, test = data.official_split()
    np.testing.assert_array_equal(train.images, np.eye(3))
    assert test.images.tolist() == [[7, 7, 7]]
    assert test.texts.tolist() == [[0.5, 0.5]]


def test_without_raw_texts_there_are_topics_only(local):
    data = load_wikipedia()
    assert data.captions is None
    assert data.titles[0] == "document a-1"
    with pytest.raises(ValueError, match="wikipedia has no texts here"):
        data.features(image=None, text="lsa")
    with pytest.raises(FileNotFoundError, match=r"raw texts .* are not on this machine; get the"):
        load_wikipedia(texts=True)


def test_raw_texts_are_read_although_they_are_no_xml(local):
    add_texts(local)
    data = load_wikipedia()
    assert data.captions[0] == "A & B \xa0of a-1."
    assert data.titles == ["Red & a-1", "Red & b-1", "Red & c-1", "Red & a-2"]
    assert load_wikipedia(texts=False).captions is None
    vectors = data.features(image=None, text="tfidf").official_split()[1].texts
    assert vectors.shape[0] == 1
    assert vectors.any()


def test_raw_texts_may_lie_in_a_folder(local):
    add_texts(local)
    with zipfile.ZipFile(local / "texts.zip") as archive:
        archive.extractall(local)
    (local / "texts.zip").unlink()
    assert load_wikipedia(texts=True).titles[3] == "Red & a-2"


def test_a_missing_text_is_named(local):
    add_texts(local, ["a-1", "b-1", "a-2"])
    with pytest.raises(ValueError, match=r"c-1\.xml is missing or damaged"):
        load_wikipedia()


@pytest.mark.parametrize("keep", [0, 20, 0.5])
def test_a_damaged_archive_of_texts_is_refused(local, keep):
    add_texts(local)
    content = (local / "texts.zip").read_bytes()
    (local / "texts.zip").write_bytes(content[: int(keep if keep >= 1 else keep * len(content))])
    with pytest.raises(ValueError, match=r"texts\.zip.* is missing or damaged .*get it anew from"):
        load_wikipedia()


@pytest.mark.parametrize("name", list(wikipedia.SHA256))
def test_a_damaged_local_file_is_refused(local, name):
    with (local / name).open("ab") as file:
        file.write(b"x")
    with pytest.raises(ValueError, match=rf"{name} is damaged or another version"):
        load_wikipedia()


def test_files_are_downloaded_once_and_kept(served, tmp_path):
    first = load_wikipedia()
    assert sorted(served) == sorted(wikipedia.SHA256)
    assert (tmp_path / "cache" / "wikipedia" / "raw_features.mat").is_file()
    np.testing.assert_array_equal(load_wikipedia().images, first.images)
    assert len(served) == 4


def test_a_damaged_file_of_the_cache_is_downloaded_anew(served, tmp_path):
    load_wikipedia()
    (tmp_path / "cache" / "wikipedia" / "categories.list").write_text("half")
    assert load_wikipedia().label_names == ["art", "biology"]


def test_a_download_that_is_another_file_is_refused(served, files, tmp_path):
    (files / "categories.list").write_text("art\nchemistry\n")
    with pytest.raises(ValueError, match=r"categories\.list no longer is the file it was"):
        load_wikipedia()
    assert not (tmp_path / "cache" / "wikipedia" / "categories.list").exists()


def test_without_network_and_files_a_sentence_says_where_to_get_them(files):
    message = r"not on this machine and could not be downloaded .*; get raw_features\.mat, .* from "
    with pytest.raises(FileNotFoundError, match=message):
        load_wikipedia()


# -- the benchmark itself, where it is ------------------------------------------------------------

needs_data = pytest.mark.skipif(
    not (Path(os.environ.get("MMLEARN_DATA", "")) / "wikipedia" / "raw_features.mat").is_file(),
    reason="MMLEARN_DATA has no wikipedia/raw_features.mat",
)


@needs_data
def test_the_benchmark_is_the_published_one():
    train, test = load_wikipedia().official_split()
    assert train.images.shape == (2173, 128)
    assert train.texts.shape == (2173, 10)
    assert test.images.shape == (693, 128)
    assert len(test.label_names) == 10
    assert test.label_names[4] == "literature"


@needs_data
def test_what_the_docstring_warns_of_is_so():
    train, test = load_wikipedia().official_split()
    np.testing.assert_allclose(train.texts.sum(axis=1), 1)
    assert np.linalg.matrix_rank(np.cov(train.texts.T)) == 9
    known = {vector.tobytes() for vector in train.images}
    assert sum(vector.tobytes() in known for vector in test.images) == 3


@needs_data
@pytest.mark.skipif(
    not (Path(os.environ.get("MMLEARN_DATA", "")) / "wikipedia" / "texts.zip").is_file(),
    reason="MMLEARN_DATA has no wikipedia/texts.zip",
)
def test_raw_texts_belong_to_their_documents():
    train, test = load_wikipedia(texts=True).official_split()
    assert sum(title in set(train.titles) for title in test.titles) == 552
    assert train.titles[0] == "Aaron Sorkin"
    assert "Sorkin" in train.captions[0]
    assert train.label_names[train.labels[0]] == "media"
