"""The command line: tables, files, exit codes and sentences."""

import csv
import dataclasses
import json

import numpy as np
import pytest

import mmlearn.data
from mmlearn import scoreboard
from mmlearn.cli import main
from mmlearn.data import PairedDataset
from mmlearn.registry import methods


@pytest.fixture
def tiny(monkeypatch, rng):
    """A small made-up dataset under the name `emoji`."""

    labels = np.arange(240) % 3
    z = np.eye(3)[labels] + 0.3 * rng.normal(size=(240, 3))
    x, y = z @ rng.normal(size=(3, 60)), z @ rng.normal(size=(3, 55))
    x, y = x + 0.1 * rng.normal(size=x.shape), y + 0.1 * rng.normal(size=y.shape)

    data = PairedDataset("toy", None, None, image_vectors=x, text_vectors=y, labels=labels)
    monkeypatch.setattr(mmlearn.data, "load_emoji", lambda: data)
    vectors = scoreboard.Benchmark("load_emoji", image=None, text=None)
    monkeypatch.setitem(scoreboard.BENCHMARKS, "emoji", vectors)
    no_labels = scoreboard.Benchmark("load_emoji", image=None, text=None, relevant="pairs")
    monkeypatch.setitem(scoreboard.BENCHMARKS, "captions", no_labels)


def test_scoreboard_prints_a_table_and_writes_three_files(tiny, tmp_path, capsys):
    files = {kind: tmp_path / f"board.{kind}" for kind in ("json", "csv", "png")}
    arguments = ["scoreboard", "--methods", "cca,cfa", "--seeds", "2"]
    arguments += ["--json", str(files["json"]), "--csv", str(files["csv"])]
    assert main([*arguments, "--plot", str(files["png"])]) == 0
    table = capsys.readouterr().out
    assert "CCA" in table
    assert "chance" in table
    board = json.loads(files["json"].read_text())
    assert list(board) == ["dataset", "chance", "seeds", "rows", "left_out", "relevant"]
    assert [row["method"] for row in board["rows"]] == ["cca", "cfa"]
    assert list(board["rows"][0]) == ["method", "i2t", "t2i", "mean", "mean_sd", "fit_seconds"]
    assert board["rows"][0]["mean"] > board["chance"] + 0.2
    rows = list(csv.DictReader(files["csv"].open()))
    assert [row["method"] for row in rows] == ["cca", "cfa", "chance"]
    assert files["png"].read_bytes().startswith(b"\x89PNG")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["board.csv", "board.json", "board.png"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--methods", "ccca"], "known methods: early_fusion, joint_fusion, cca"),
        (["--dataset", "emojis"], "known datasets: emoji, wikipedia, fashion, captions"),
        (["--dataset", "captions", "--methods", "cca,sm"], "sm cannot learn from pairs alone"),
        (["--labels", "tags", "--methods", "cca,sm"], "sm cannot learn from several labels"),
        (["--labels", "tags", "--methods", "cca"], "no 'tags' to score by"),
        (["--labels", "colours"], "labels must be one of labels, sublabels, tags, pairs"),
        (["--seeds", "0"], "seeds must be at least 1"),
        (["--json", "nowhere/at/all.json"], "does not exist"),
    ],
)
def test_wrong_request_gets_one_sentence_and_exit_code_2(tiny, capsys, arguments, sentence):
    assert main(["scoreboard", *arguments]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert "Traceback" not in error


def test_without_labels_relevance_is_the_pair_and_supervised_methods_are_left_out(tiny):
    board = scoreboard.run("captions", ["cca", "cfa"], seeds=1, progress=False)
    assert board.chance < 0.1  # one relevant item of sixty
    assert board.rows[0].mean > 3 * board.chance
    chosen, left_out = scoreboard.choose(scoreboard.BENCHMARKS["captions"], None)
    assert {"jrl", "deep_sm", "sam"} <= set(left_out)
    assert not set(left_out) & {method.name for method in chosen}


def test_supervised_methods_learn_from_the_labels_that_are_scored_by(tiny, monkeypatch):
    data = mmlearn.data.load_emoji()
    tags = np.eye(3, dtype=bool)[data.labels]
    tagged = dataclasses.replace(data, tags=tags, labels=np.arange(240) % 2, label_names=None)
    monkeypatch.setattr(mmlearn.data, "load_emoji", lambda: tagged)
    board = scoreboard.run("emoji", ["jrl", "cca"], seeds=1, progress=False, labels="tags")
    assert board.rows[0].mean > board.chance + 0.3
    assert "by tags" in str(board)
    chosen, left_out = scoreboard.choose(scoreboard.Benchmark("load_emoji", relevant="tags"), None)
    assert "sm" in left_out
    assert "deep_sm" in {method.name for method in chosen}


def test_wikipedia_shows_what_papers_report_and_marks_what_is_unconfirmed():
    row = scoreboard.Row("cca", 0.2, 0.2, 0.2, 0.0, 0.1)
    text = str(scoreboard.Scoreboard("wikipedia", 0.1, 1, [row]))
    assert "0.223 [1] ?" in text
    assert "[1] Rasiwasia et al." in text
    assert "not\nconfirmed" in text


def test_methods_lists_every_method(capsys):
    assert main(["methods"]) == 0
    shown = capsys.readouterr().out
    assert "Hotelling" in shown
    named = [line.split()[0] for line in shown.splitlines()]
    assert named == [method.name for method in methods(timed=True, pairs=True)]


def test_doctor_gives_one_verdict(capsys):
    code = main(["doctor"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].startswith("Verdict:")
    assert (code == 0) == ("everything" in lines[-1])


def test_doctor_names_what_is_missing(monkeypatch, capsys):
    from mmlearn import doctor

    version = doctor._version
    monkeypatch.setattr(doctor, "_version", lambda n: None if n == "resvg-py" else version(n))
    assert main(["doctor"]) == 1
    assert "the emoji data needs resvg-py" in capsys.readouterr().out


@pytest.mark.parametrize("command", [[], ["scoreboard"], ["grade"], ["doctor"]])
def test_help_helps(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*command, "--help"])
    assert stop.value.code == 0
    assert "usage: python -m mmlearn" in capsys.readouterr().out
