"""docs/contributing.md: its steps, followed in a copy, add a method that keeps the contract."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs/contributing.md").read_text(encoding="utf-8")
STEPS = dict(re.findall(r"^<!-- (\S+) -->\n```python\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE))


@pytest.fixture
def copy(tmp_path):
    for name in ("mmlearn", "tests/classical", "tests/conftest.py", "tests/test_methods.py"):
        source, target = ROOT / name, tmp_path / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = tests .\nmarkers = slow\n")
    conftest = tmp_path / "tests/conftest.py"  # whose list of slow files is about all tests
    conftest.write_text(
        re.sub(r"^SLOW = \(.*?^\)", "SLOW = ()", conftest.read_text(), flags=re.S | re.M)
    )
    return tmp_path


def test_three_files_add_a_method_that_keeps_the_contract(copy):
    assert len(STEPS) == 3
    for name, code in STEPS.items():
        path = copy / name
        if path.exists():  # the registry
            text = path.read_text(encoding="utf-8")
            code = text.replace("_METHODS = (\n", f"_METHODS = (\n{code.strip()},\n")
        path.write_text(code, encoding="utf-8")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--doctest-modules"),
            *("mmlearn/classical/procrustes.py", "tests/classical/test_procrustes.py"),
            *("tests/test_methods.py", "-k", "procrustes"),
        ],
        cwd=copy,
        env={"PYTHONPATH": str(copy), "PATH": "", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) > 20


def test_the_example_is_formatted_like_the_rest():
    ruff = [sys.executable, "-m", "ruff", "format", "--check", "--stdin-filename", "x.py", "-"]
    for name, code in STEPS.items():
        if name != "mmlearn/registry.py":
            options = ["--config", str(ROOT / "pyproject.toml")]
            assert subprocess.run([*ruff, *options], input=code.encode()).returncode == 0, name


def test_files_that_the_guides_name_exist():
    for guide in ("architecture.md", "contributing.md"):
        text = (ROOT / "docs" / guide).read_text(encoding="utf-8")
        for path in re.findall(r"`((?:mmlearn|tests|tools|source|docs)/[\w./]+)`", text):
            if "NN" not in path:
                assert (ROOT / path).exists(), f"{guide}: {path}"
