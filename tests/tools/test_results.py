"""Renewing the stored boards: all of one, or some methods of it."""

import json
from dataclasses import replace

import pytest

from mmlearn import scoreboard
from mmlearn.scoreboard import Row, Scoreboard
from tools import results

OLD = Scoreboard(
    "tiny",
    chance=0.2,
    seeds=3,
    rows=[Row("cca", 0.3, 0.5, 0.4, 0.01, 1.0, 3), Row("jrl", 0.5, 0.5, 0.5, 0.02, 1.0, 3)],
)
README = "<!-- {0}:begin -->\n<!-- {0}:end -->\n"


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """A folder of results and a README; a run that only notes what it was asked for."""
    calls = []

    def run(dataset, names=None, seeds=3):
        calls.append((dataset, names, seeds))
        rows = [Row(name, 0.6, 0.8, 0.7, None, 2.0, seeds) for name in names or ["cca"]]
        return replace(OLD, seeds=seeds, rows=rows)

    def stored(dataset):
        board = json.loads((tmp_path / f"{dataset}.json").read_text(encoding="utf-8"))
        return Scoreboard(**board | {"rows": [Row(**row) for row in board["rows"]]})

    (tmp_path / "tiny.json").write_text(OLD.to_json(), encoding="utf-8")
    for name, specs in (("diachronic", results.DIACHRONIC), ("scenes", results.SCENES)):
        (tmp_path / f"{name}.json").write_text(json.dumps(made_up(specs)), encoding="utf-8")
    attacked = {"right": [0.5], "items": [1000], "chance": [0.25]}
    parts = {"careful": attacked | {"right": [0.26]}, "careless": attacked}
    parts = {part: {"rows": {"relation: text": row}} for part, row in parts.items()}
    parts["careful"]["rows"]["relation: farthest"] = attacked
    (tmp_path / "shortcuts.json").write_text(json.dumps(parts), encoding="utf-8")
    readme = "".join(map(README.format, ("methods", "scenes", "shortcuts")))
    (tmp_path / "README.md").write_text(readme, encoding="utf-8")
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    monkeypatch.setattr(results, "ROOT", tmp_path)
    monkeypatch.setattr(results, "DATASETS", ("tiny",))
    monkeypatch.setattr(scoreboard, "run", run)
    monkeypatch.setattr(scoreboard, "stored", stored)
    return calls


def made_up(specs):
    """Figures of three seeds for all that the table shows."""
    found = {}
    for *_, figure, others in specs:
        for part, row, column in (figure, *(where for _, *where in others)):
            row = found.setdefault(part, {"rows": {}})["rows"].setdefault(row, {"chance": [0.1]})
            row[column] = [0.5, 0.6, 0.7]
    return found


def rows(folder):
    board = json.loads((folder / "tiny.json").read_text(encoding="utf-8"))
    return [(row["method"], row["mean"]) for row in board["rows"]]


def test_only_the_named_methods_run_and_the_others_keep_their_rows(asked, tmp_path):
    results.main(["--methods", "lgcfl,cca"])
    assert asked == [("tiny", ["lgcfl", "cca"], 3)]
    assert rows(tmp_path) == [("cca", 0.7), ("lgcfl", 0.7), ("jrl", 0.5)]  # the registry's order
    readme = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "| `lgcfl` | LGCFL | labels | 0.700 |" in readme
    assert "| `jrl` | JRL | labels | 0.500 ± 0.020 |" in readme


def test_without_names_the_whole_board_is_renewed(asked, tmp_path):
    results.main(["--seeds", "2"])
    assert asked == [("tiny", None, 2)]
    assert rows(tmp_path) == [("cca", 0.7)]


def test_new_rows_are_run_on_as_many_seeds_as_the_stored_board(asked, tmp_path):
    (tmp_path / "tiny.json").write_text(replace(OLD, seeds=5).to_json(), encoding="utf-8")
    results.main(["--methods", "cca"])
    assert asked == [("tiny", ["cca"], 5)]


def test_rows_of_other_data_are_not_mixed(asked, tmp_path):
    (tmp_path / "tiny.json").write_text(replace(OLD, chance=0.3).to_json(), encoding="utf-8")
    with pytest.raises(SystemExit, match=r"chance is 0\.2 now and 0\.3 in the stored board"):
        results.main(["--methods", "cca"])
    assert rows(tmp_path) == [("cca", 0.4), ("jrl", 0.5)]


@pytest.mark.parametrize(
    ("methods", "message"),
    [("nothing", "unknown method 'nothing'"), ("vilbert", "no place on this board")],
)
def test_a_method_that_has_no_row_is_refused_before_anything_runs(methods, message):
    with pytest.raises(SystemExit, match=message):
        results.main(["--datasets", "emoji", "--methods", methods])


def test_one_stored_seed_has_no_spread(asked, tmp_path):
    for name in ("diachronic", "scenes"):
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(first_seed(json.loads(path.read_text()))), encoding="utf-8")
    results.main(["--table-only"])
    table = (tmp_path / "README.md").read_text(encoding="utf-8").split("scenes:")[1]
    assert "±" not in table
    assert table.count("accuracy") == 3


def test_a_row_with_an_interval_shows_it_and_one_that_is_not_stored_is_left_out(asked, tmp_path):
    path = tmp_path / "scenes.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    found["relation"]["rows"]["co-attention"]["interval"] = {"low": 0.9, "high": 0.95}
    found["relation"]["rows"].pop("co-attention, no question", None)
    path.write_text(json.dumps(found), encoding="utf-8")
    results.main(["--table-only"])
    table = (tmp_path / "README.md").read_text(encoding="utf-8").split("scenes:begin")[1]
    (line,) = [line for line in table.splitlines() if "one-step relations" in line]
    assert "[0.900, 0.950]" in line
    assert "no question" not in line
    assert "None" not in table


def test_attackers_above_chance_are_shown_beside_careless_scenes(asked, tmp_path):
    results.main(["--table-only"])
    table = (tmp_path / "README.md").read_text(encoding="utf-8").split("shortcuts:begin")[1]
    assert "| relation | farthest | 0.250 | 0.500 ± 0.031 | – |" in table
    assert "text" not in table


def first_seed(found):
    """The stored figures with the first of each list alone."""
    if isinstance(found, list):
        return found[:1] if all(isinstance(value, float) for value in found) else found
    return {k: first_seed(v) for k, v in found.items()} if isinstance(found, dict) else found
