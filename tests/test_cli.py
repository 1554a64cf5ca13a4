"""The command line: tables, files, exit codes and sentences."""

import csv
import dataclasses
import io
import json
import os
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import mmlearn.data
from mmlearn import scoreboard
from mmlearn.cli import main
from mmlearn.data import PairedDataset
from mmlearn.registry import methods

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


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
    assert list(board) == ["dataset", "chance", "seeds", "rows", "left_out", "relevant", "stopped"]
    assert [row["method"] for row in board["rows"]] == ["cca", "cfa"]
    columns = ["method", "i2t", "t2i", "mean", "mean_sd", "fit_seconds", "seeds"]
    assert list(board["rows"][0]) == columns
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
        (["--methods", ""], "no method is named; `mmlearn methods` lists them"),
        (["--methods", " , "], "no method is named; `mmlearn methods` lists them"),
        (["--methods", "cca,vilbert,r2c"], "no place on this board for vilbert, r2c: they score"),
        (["--methods", "cca,twelve_in_one"], "for twelve_in_one: they score pairs and have no emb"),
        (["--methods", "cca,diachronic"], "no place on this board for diachronic: they need"),
    ],
)
def test_wrong_request_gets_one_sentence_and_exit_code_2(tiny, capsys, arguments, sentence):
    assert main(["scoreboard", *arguments]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1


def test_one_seed_has_no_spread(tiny, tmp_path, capsys):
    json_file, csv_file, plot = (tmp_path / f"board.{kind}" for kind in ("json", "csv", "svg"))
    arguments = ["--seeds", "1", "--json", str(json_file), "--csv", str(csv_file)]
    assert main(["scoreboard", "--methods", "cca", *arguments, "--plot", str(plot)]) == 0
    assert "±0.000" not in capsys.readouterr().out
    assert json.loads(json_file.read_text())["rows"][0]["mean_sd"] is None
    assert next(csv.DictReader(csv_file.open()))["mean_sd"] == ""


def test_no_progress_draws_nothing_in_a_terminal_either(tiny, monkeypatch):
    drawn = {}
    for option in ([], ["--no-progress"]):
        terminal = io.StringIO()
        terminal.isatty = lambda: True
        monkeypatch.setattr(sys, "stderr", terminal)
        main(["scoreboard", "--methods", "cca", "--seeds", "1", *option])
        drawn[len(option)] = terminal.getvalue()
    assert "scoreboard: 100%" in drawn[0]
    assert drawn[1] == ""


def stop_at_fit(number, monkeypatch):
    """Press Ctrl-C when a method is fitted for the `number`-th time."""
    fit, calls = scoreboard.fit_method, []

    def counted(*arguments):
        calls.append(arguments)
        if len(calls) == number:
            raise KeyboardInterrupt
        return fit(*arguments)

    monkeypatch.setattr(scoreboard.runner, "fit_method", counted)


def test_ctrl_c_keeps_the_rows_that_are_finished(tiny, tmp_path, monkeypatch, capsys):
    stop_at_fit(4, monkeypatch)
    json_file, csv_file = tmp_path / "board.json", tmp_path / "board.csv"
    files = ["--json", str(json_file), "--csv", str(csv_file)]
    assert main(["scoreboard", "--methods", "cca,cfa", "--seeds", "3", *files]) == 130
    shown = capsys.readouterr()
    assert "stopped early; seeds finished of 3: CCA 2, CFA 1" in shown.out
    assert shown.err == "mmlearn: stopped.\n"
    board = json.loads(json_file.read_text())
    assert board["stopped"]
    assert [(row["method"], row["seeds"]) for row in board["rows"]] == [("cca", 2), ("cfa", 1)]
    assert board["rows"][1]["mean_sd"] is None
    rows = list(csv.DictReader(csv_file.open()))
    assert [(row["seeds"], row["seeds_asked"]) for row in rows[:2]] == [("2", "3"), ("1", "3")]


def test_a_file_that_cannot_be_written_is_one_sentence(tiny, tmp_path, monkeypatch, capsys):
    def full(source, target):
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", full)
    arguments = ["--methods", "cca", "--seeds", "1", "--csv", str(tmp_path / "board.csv")]
    assert main(["scoreboard", *arguments]) == 2
    assert capsys.readouterr().err == "mmlearn: no space left\n"


def test_ctrl_c_before_the_first_row_writes_nothing(tiny, tmp_path, monkeypatch, capsys):
    stop_at_fit(1, monkeypatch)
    path = tmp_path / "board.json"
    assert main(["scoreboard", "--methods", "cca,cfa", "--json", str(path)]) == 130
    assert capsys.readouterr().out == ""
    assert not path.exists()


def test_ctrl_c_leaves_out_methods_without_a_finished_row(tiny, monkeypatch):
    stop_at_fit(2, monkeypatch)
    with pytest.raises(scoreboard.Stopped) as stop:
        scoreboard.run("emoji", ["cca", "cfa"], seeds=3)
    assert [row.method for row in stop.value.board.rows] == ["cca"]


def test_stored_boards_are_whole():
    board = scoreboard.stored("emoji")
    assert not board.stopped
    assert {row.seeds for row in board.rows} == {board.seeds}


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


@pytest.mark.parametrize("asked", [[], ["--methods", "all"]])
def test_all_methods_that_have_a_place_are_run_unless_some_are_named(asked, monkeypatch, capsys):
    seen = []
    board = scoreboard.Scoreboard("emoji", 0.1, 1, [])
    monkeypatch.setattr(scoreboard, "run", lambda *settings: seen.append(settings[1]) or board)
    assert main(["scoreboard", *asked]) == 0
    assert seen == [None]


def test_methods_lists_every_method(capsys):
    assert main(["methods"]) == 0
    shown = capsys.readouterr().out
    assert "Hotelling" in shown
    named = [line.split()[0] for line in shown.splitlines()]
    assert named == [method.name for method in methods(timed=True, pairs=True)]


def test_a_reader_that_goes_away_ends_a_command_quietly():
    code = "import sys; from mmlearn.cli import main; sys.exit(main(['methods']))"
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as out:
        done = subprocess.run(
            [sys.executable, "-c", code], stdout=out, stderr=subprocess.PIPE, text=True
        )
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("command", [[], ["scoreboard"], ["grade"], ["release"], ["doctor"]])
def test_help_helps(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*command, "--help"])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    assert shown.startswith("usage: mmlearn")
    assert "python -m" not in shown


def test_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"mmlearn {PROJECT['version']}\n"


def test_the_console_script_is_main():
    module, name = PROJECT["scripts"]["mmlearn"].split(":")
    assert getattr(import_module(module), name) is main
