"""Every lab of the course: its solution scores all points, the unanswered lab none."""

import csv
import shutil
from pathlib import Path

import pytest
from conftest import BOX

from mmlearn.cli import main
from mmlearn.grading.intake.submission import parse_submission, read_bytes
from mmlearn.grading.judge.rebuild import load_lab, rebuild, solution_of
from mmlearn.grading.single import verify_lab
from mmlearn.notebook import unit_named

ROOT = Path(__file__).resolve().parents[2]
LABS = sorted((ROOT / "labs").glob("*.ipynb"))
TIMEOUT = 60.0


@pytest.mark.parametrize("lab", LABS[1:], ids=unit_named)
def test_the_solution_scores_everything_and_the_empty_lab_nothing(lab, tmp_path):
    copy = load_lab(ROOT / "solutions" / lab.name)
    assert copy.max_points > 0
    # The check of the lab itself, before a class is graded: it runs just these two, in the box.
    verify_lab(copy, tmp_path / "grades", TIMEOUT, BOX)
    handed_in = parse_submission(read_bytes(copy.path))
    assert rebuild(copy, handed_in).cells == rebuild(copy, solution_of(copy)).cells
    assert rebuild(copy, parse_submission(read_bytes(lab))).missing == set()


def test_the_first_lab_is_graded_by_the_command_as_a_class_hands_it_in(tmp_path):
    lab, out, submissions = LABS[0], tmp_path / "grades", tmp_path / "submissions"
    submissions.mkdir()
    shutil.copy(ROOT / "solutions" / lab.name, submissions / "solution.ipynb")
    shutil.copy(lab, submissions / "unanswered.ipynb")
    folder = ["--lab", unit_named(lab), "--out", str(out), "--solutions", str(ROOT / "solutions")]
    assert main(["grade", str(submissions), *folder, "--sandbox", BOX]) == 0
    with open(out / "gradebook.csv", encoding="utf-8", newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    copy = load_lab(ROOT / "solutions" / lab.name)
    assert float(rows["solution"]["automatic"]) == copy.max_points > 0
    assert rows["unanswered"]["automatic"] == "0"
    assert rows["solution"]["sandbox"] == BOX
