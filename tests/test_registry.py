"""The list of methods and the published numbers; importing the package is light."""

import subprocess
import sys
from pathlib import Path

import pytest

import mmlearn
from mmlearn.registry import get_method
from mmlearn.scoreboard import measured, published, stored
from tools import results

ROOT = Path(__file__).parents[1]


def test_names_are_unique():
    names = [m.name for m in mmlearn.methods()]
    assert len(names) == len(set(names))


def test_unknown_method_gets_the_list_of_known_ones():
    with pytest.raises(ValueError, match="known methods: early_fusion"):
        get_method("ccca")


def test_every_system_of_the_table_and_the_contrastive_losses_are_there():
    names = "early_fusion joint_fusion multimodal_ae corr_ae cca cfa kcca sm scm lgcfl jrl dcca "
    names += "deep_sm cmdn acmr ccl triplet sam infonce siglip supcon"
    assert set(names.split()) <= {m.name for m in mmlearn.methods()}
    assert {row["method"] for row in published()} == {
        m.webinar_row for m in mmlearn.methods() if m.webinar_row
    }


def test_the_scoreboards_settings_build_the_method_with_the_seed():
    ccl = get_method("ccl")
    settings = ccl.settings("emoji")
    assert settings["features"] == {"image": "cnn_parts", "text": "lsa_parts"}
    model = ccl.build(random_state=7, settings=settings)
    assert (model.code, model.random_state) == (settings["params"]["code"], 7)
    assert "random_state" not in get_method("cca").build(random_state=7).get_params()


def test_the_board_of_wikipedia_prints_the_webinars_numbers_and_says_whose_they_are():
    board = str(stored("wikipedia"))
    cca = next(line for line in board.splitlines() if line.startswith("CCA"))
    assert cca.endswith("0.286")
    assert "webinar: its own table, on other features" in board
    assert "webinar" not in str(stored("emoji"))


def test_webinar_rows_exist_in_the_published_table():
    rows = {row["method"] for row in published()}
    named = {m.webinar_row for m in mmlearn.methods() if m.webinar_row}
    assert named <= rows
    assert len(published()) == 12 * 3


def test_published_means_are_the_means_of_both_directions():
    for row in published():
        assert row["mean"] == pytest.approx((row["i2t"] + row["t2i"]) / 2, abs=1.01e-3), row


def test_importing_the_package_loads_nothing_heavy():
    code = (
        "import sys, mmlearn; "
        "print([m for m in ('torch', 'torchvision', 'transformers', 'matplotlib', 'sklearn') "
        "if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_readme_shows_the_stored_results_of_every_method():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert results.with_tables(readme) == readme
    for dataset in results.DATASETS:
        board = stored(dataset)
        assert [row.method for row in board.rows] == [m.name for m in mmlearn.methods()]
        assert board.seeds >= 3


def test_a_dataset_without_a_stored_run_is_named():
    with pytest.raises(ValueError, match="no run on 'fashion' is stored"):
        stored("fashion")


def test_a_part_that_was_never_measured_is_named_beside_those_that_were():
    assert "chance" in measured("diachronic", "known")["rows"]["diachronic"]
    with pytest.raises(ValueError, match=r"'years' of 'diachronic' is not stored; stored.*'known'"):
        measured("diachronic", "years")
