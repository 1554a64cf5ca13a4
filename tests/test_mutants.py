"""The checks of a lab reject planted wrong answers and accept right ones written differently.

`mutants/<unit>/<solution>/wrong_<misconception>.py` and `right_<style>.py` each hold a full
solution cell. Every one is run with the stubs of all other exercises in place, so these tests also
show that no check needs another exercise.
"""

import contextlib
import functools
import io
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from IPython.core.inputtransformer2 import TransformerManager

from mmlearn.grading.judge.compare import compare_text
from mmlearn.notebook import file_name
from mmlearn.notebook import role_of as role
from tools.course.model import load_course

ROOT = Path(__file__).parents[1]
MUTANTS = Path(__file__).parent / "mutants"
COURSE = load_course(ROOT)
LABS = [
    unit.id
    for unit in COURSE.units.values()
    if unit.lab_minutes is not None
    and (ROOT / "solutions" / file_name(unit.id, "solution")).exists()
]


@functools.cache
def cells(folder, unit):
    return nbformat.read(ROOT / folder / file_name(unit, "lab"), as_version=4).cells


def solutions(unit):
    found = [cell for cell in cells("solutions", unit) if role(cell) == "solution"]
    return {cell.metadata.nbgrader.grade_id: cell.source for cell in found}


def planted(unit, exercise, kind):
    return sorted((MUTANTS / unit / exercise).glob(f"{kind}_*.py"))


EXERCISES = [(unit, exercise) for unit in LABS for exercise in solutions(unit)]
ANSWERS = [
    pytest.param(unit, exercise, path, id=f"{unit}-{exercise}-{path.stem}")
    for unit, exercise in EXERCISES
    for kind in ("wrong", "right")
    for path in planted(unit, exercise, kind)
]


class Lab:
    """A lab in this process: everything but the checks was run once, with every exercise a stub."""

    def __init__(self, unit):
        self.unit = unit
        self.names = {"__name__": "__main__"}
        exec("from IPython.display import display", self.names)
        for cell in cells("labs", unit):
            if cell.cell_type == "code" and role(cell) not in ("install", "check", "tally"):
                self.run(cell.source, cell.id)
        self.fresh = dict(self.names)
        self.arrays = {k: v.copy() for k, v in self.names.items() if isinstance(v, np.ndarray)}

    def run(self, source, name):
        """Run one cell and return what it printed."""
        printed, source = io.StringIO(), TransformerManager().transform_cell(source)
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
            exec(compile(source, name, "exec"), self.names)
        return printed.getvalue()

    def verdict(self, exercise, answer):
        """Return None where every check accepts the answer, otherwise why the first does not."""
        # One dictionary throughout: functions of plain cells look names up in it.
        self.names.clear()
        self.names.update(self.fresh)
        self.names.update({name: array.copy() for name, array in self.arrays.items()})
        self.run(answer, exercise)
        for check in cells("solutions", self.unit):
            if role(check) == "check" and check.metadata.mmlearn["for"] == exercise:
                reason = self.check(check)
                if reason:
                    return f"{check.metadata.nbgrader.grade_id}: {reason}"
        return None

    def check(self, cell):
        expected = "".join(out.text for out in cell.outputs if out.get("name") == "stdout")
        if not expected:
            pytest.fail(
                f"{cell.id} stores no reference: run python -m tools.course {self.unit} --execute"
            )
        try:
            printed = self.run(cell.source, cell.id)
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        ours = cell.metadata.mmlearn
        return compare_text(expected, printed, rtol=ours.rtol, atol=ours.atol)


@functools.cache
def lab(unit):
    return Lab(unit)


@pytest.fixture(autouse=True)
def _figures():
    plt.switch_backend("agg")
    yield
    plt.close("all")


@pytest.mark.parametrize(("unit", "exercise"), EXERCISES)
def test_each_exercise_has_three_wrong_answers_and_a_second_right_one(unit, exercise):
    assert len(planted(unit, exercise, "wrong")) >= 3
    assert len(planted(unit, exercise, "right")) >= 1


@pytest.mark.parametrize(("unit", "exercise"), EXERCISES)
def test_the_solution_alone_is_accepted(unit, exercise):
    assert lab(unit).verdict(exercise, solutions(unit)[exercise]) is None


@pytest.mark.parametrize(("unit", "exercise"), EXERCISES)
def test_the_stub_is_rejected(unit, exercise):
    stub = next(
        cell.source
        for cell in cells("labs", unit)
        if cell.metadata.get("nbgrader", {}).get("grade_id") == exercise
    )
    assert lab(unit).verdict(exercise, stub) is not None


@pytest.mark.parametrize(("unit", "exercise", "path"), ANSWERS)
def test_wrong_answers_are_rejected_and_right_ones_accepted(unit, exercise, path):
    verdict = lab(unit).verdict(exercise, path.read_text(encoding="utf-8"))
    if path.stem.startswith("wrong_"):
        assert verdict is not None, f"{path.name} passes every check"
        assert "NameError" not in verdict, f"{path.name} is broken, which proves nothing: {verdict}"
    else:
        assert verdict is None, f"{path.name} is right, but {verdict}"


def test_every_planted_answer_belongs_to_an_exercise():
    folders = {path.parent.relative_to(MUTANTS).parts for path in MUTANTS.rglob("*.py")}
    built = {(unit, exercise) for unit, exercise in EXERCISES}
    assert {parts for parts in folders if parts[0] in LABS} <= built
    assert {parts[0] for parts in folders} <= set(COURSE.units)
