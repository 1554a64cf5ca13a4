"""Every lab of the course: its solution scores all points, the unanswered lab none."""

import csv
import shutil
from pathlib import Path

import pytest
from conftest import BOX

from mmlearn.cli import main
from mmlearn.grading.judge.rebuild import load_lab
from mmlearn.notebook import unit_named

ROOT = Path(__file__).resolve().parents[2]
LABS = sorted((ROOT / "labs").glob("*.ipynb"))


@pytest.mark.parametrize("lab", LABS, ids=[unit_named(lab) for lab in LABS])
def test_the_solution_scores_everything_and_the_empty_lab_nothing(lab, tmp_path):
    submissions = tmp_path / "submissions"
    submissions.mkdir()
    shutil.copy(ROOT / "solutions" / lab.name, submissions / "solution.ipynb")
    shutil.copy(lab, submissions / "unanswered.ipynb")
    out = tmp_path / "grades"
    folder = ["--lab", unit_named(lab), "--out", str(out), "--solutions", str(ROOT / "solutions")]
    folder += ["--sandbox", BOX]
    assert main(["grade", str(submissions), *folder]) == 0
    with open(out / "gradebook.csv", encoding="utf-8", newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    copy = load_lab(ROOT / "solutions" / lab.name)
    assert float(rows["solution"]["automatic"]) == copy.max_points > 0
    assert rows["unanswered"]["automatic"] == "0"
    assert rows["solution"]["sandbox"] == BOX
