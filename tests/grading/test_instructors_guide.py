"""docs/instructors.md says what is true of the commands, the statuses and the links."""

import re
import shlex
from pathlib import Path

import pytest

from mmlearn.cli import _parser
from mmlearn.grading import STATUSES
from mmlearn.grading.judge.statuses import MEANING
from mmlearn.grading.run.sandbox import BACKENDS

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "instructors.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```[a-z]*\n(.*?)^```", GUIDE, flags=re.DOTALL | re.MULTILINE)
LINES = [line for block in BLOCKS for line in block.splitlines()]
COMMANDS = [line for line in LINES if line.startswith("mmlearn ")]
COMMANDS += re.findall(r"`(mmlearn \w+ [^`]*)`", GUIDE)


@pytest.mark.parametrize("line", COMMANDS)
def test_each_command_is_one_that_there_is(line):
    arguments = shlex.split(line)[1:]
    assert _parser().parse_args(arguments).command


def test_every_option_of_a_class_is_told():
    shown = " ".join(re.findall(r"`[^`]*`", GUIDE) + COMMANDS)
    for option in (
        *("--lab", "--out", "--jobs", "--dask", "--sandbox", "--roster", "--deadline", "--penalty"),
        *("--handed-in", "--manual", "--student", "--timeout", "--solutions", "--lessons", "--zip"),
        *("--zone", "--groups", "--extensions", "--csv", "--export", "--assignment"),
    ):
        assert option in shown, option
    for backend in BACKENDS:
        assert f"| `{backend}`" in GUIDE


def test_every_status_is_told_as_the_reports_tell_it():
    told = dict(re.findall(r"^\| `([a-z-]+)` \| (.*?) \|", GUIDE, flags=re.MULTILINE))
    for status in STATUSES:
        assert told[status].startswith(MEANING[status])


def test_labs_and_files_that_are_named_exist():
    for path in re.findall(r"(?:labs|solutions|source|tests)/[\w/]+\.(?:ipynb|py)", GUIDE):
        assert (ROOT / path).is_file(), path
    for heading in re.findall(r"\]\(#([a-z-]+)\)", GUIDE):
        assert f"## {heading.replace('-', ' ')}" in GUIDE.lower()


def test_each_limit_that_is_told_has_its_test():
    tests = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("*.py"))
    named = re.findall(r"\| `(test_\w+)` \|", GUIDE)
    assert len(named) > 10
    for name in named:
        assert f"def {name}(" in tests, name
