"""The doctor: it runs where nothing is installed, and names a cure that works from there."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import mmlearn
from mmlearn import doctor
from mmlearn.cli import main

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SETUP = "make setup && . .venv/bin/activate"
INSTALL = 'pip install -e ".[all]" -c constraints.txt'
METADATA = """\
Metadata-Version: 2.1
Name: mmlearn-course
Version: 0.1.0
Project-URL: Repository, https://example.org/course
Requires-Dist: not-there>=1.26
Requires-Dist: neither>=0.11; extra == "grade"
"""

posix = pytest.mark.skipif(os.name == "nt", reason="the commands of Windows differ")


@pytest.fixture
def clone(tmp_path):
    """A clone of the course, as far as the command line needs it."""
    skip = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "mmlearn", tmp_path / "mmlearn", ignore=skip)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.fixture
def installed(clone):
    """A folder of installed packages, with the course and without what it needs."""
    (clone / "pyproject.toml").unlink()
    distribution(clone, "mmlearn_course-0.1.0", METADATA)
    return clone


def distribution(folder, name, text):
    """Make the record of an installed package."""
    info = folder / f"{name}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(text)
    (info / "top_level.txt").write_text("mmlearn\n")


def run(folder, *arguments, python=sys.executable, options=("-S",)):
    """Run the command line in a folder; -S: without any installed package."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "CONDA"))}
    return subprocess.run(
        [python, *options, "-m", "mmlearn", *map(str, arguments)],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
    )


@posix
def test_a_bare_python_in_a_clone_gets_findings_and_the_cure(clone):
    done = run(clone, "doctor")
    assert (done.returncode, done.stderr) == (1, "")
    assert "ok      Python 3" in done.stdout
    (problem,) = re.findall("PROBLEM .*", done.stdout)
    assert problem.startswith("PROBLEM the course needs accelerate, datasets, ")
    assert problem.endswith(f"run: {SETUP}")
    assert done.stdout.splitlines()[-1] == "Verdict: 1 problem to mend, see above."


@posix
def test_a_venv_that_is_there_is_named_where_another_python_runs(clone):
    (clone / ".venv").mkdir()
    done = run(clone, "doctor")
    assert "another Python than that of the course's .venv" in done.stdout
    (problem,) = re.findall("PROBLEM .*", done.stdout)
    assert problem.endswith("run: . .venv/bin/activate")


@posix
def test_the_cure_says_how_to_get_to_the_clone(clone):
    (clone / "elsewhere").mkdir()
    code = f"import sys; sys.path.insert(0, {str(clone)!r}); from mmlearn import doctor"
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"{code}; print(doctor.cure())"],
        cwd=clone / "elsewhere",
        capture_output=True,
        text=True,
    )
    assert done.stdout == f'run: cd "{clone}" && {SETUP}\n'


@posix
def test_within_the_venv_the_cure_is_pip(clone):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", clone / ".venv"], check=True)
    done = run(clone, "doctor", python=clone / ".venv" / "bin" / "python", options=())
    assert "another Python" not in done.stdout
    (problem,) = re.findall("PROBLEM .*", done.stdout)
    assert problem.endswith(f"run: {INSTALL}")


def test_windows_has_commands_of_its_own(monkeypatch, tmp_path):
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(doctor, "ROOT", tmp_path)
    monkeypatch.setattr(doctor, "WINDOWS", True)
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    monkeypatch.delenv("CONDA_DEFAULT_ENV", raising=False)
    activate = r".venv\Scripts\activate"
    assert doctor.cure() == f"run: py -m venv .venv, then {activate}, then {INSTALL}"
    (tmp_path / ".venv").mkdir()
    assert doctor.cure() == f"run: {activate}"


def test_outside_a_clone_the_cure_names_the_repository(installed):
    done = run(installed, "doctor")
    assert (done.returncode, done.stderr) == (1, "")
    cure = 'pip install "mmlearn-course @ git+https://example.org/course"'
    assert f"PROBLEM the course needs not-there; run: {cure}" in done.stdout
    assert (
        'note    grading needs neither; run: pip install "mmlearn-course[grade] @ git+https://ex'
        in done.stdout
    )


def test_a_copy_of_the_package_alone_says_where_to_read_on(clone):
    (clone / "pyproject.toml").unlink()
    done = run(clone, "doctor")
    assert (done.returncode, done.stderr) == (1, "")
    assert "PROBLEM the course is not installed; install it as its README says" in done.stdout


@pytest.mark.parametrize("extra", [None, "lab", "grade"])
def test_what_is_needed_is_read_from_pyproject_and_not_listed_twice(extra):
    lines = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    assert doctor.needed(extra) == [re.split("[><=]", line)[0] for line in lines]


def test_the_oldest_python_is_the_one_that_pyproject_names():
    assert PROJECT["requires-python"] == ">=" + ".".join(map(str, doctor.OLDEST))


@pytest.mark.parametrize(
    "arguments", [("scoreboard", "--methods", "cca"), ("grade", "lab.ipynb")], ids=lambda a: a[0]
)
def test_a_command_without_its_packages_says_so_in_one_sentence(installed, arguments):
    (installed / "lab.ipynb").write_text("{}")
    done = run(installed, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "@ git+https://example.org/course" in done.stderr


def test_release_for_nbgrader_without_its_packages_says_so_in_one_sentence(clone):
    done = run(clone, "release", "all", "--nbgrader", "--out", "out")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "needs accelerate, " in done.stderr


def test_the_package_of_another_project_is_told(installed):
    text = "Metadata-Version: 2.1\nName: mmlearn\nVersion: 0.2.0\n"
    distribution(installed, "mmlearn-0.2.0", text)
    done = run(installed, "doctor")
    assert done.returncode == 1
    assert "PROBLEM mmlearn 0.2.0 of another project is imported as mmlearn, too" in done.stdout
    assert "(pip uninstall mmlearn mmlearn-course), then install the course again" in done.stdout


@pytest.mark.slow
def test_the_doctor_runs_where_another_project_is_imported_as_mmlearn(monkeypatch, capsys):
    monkeypatch.delattr(mmlearn, "__version__")
    main(["doctor"])
    assert "Verdict:" in capsys.readouterr().out


def test_an_old_python_is_told_so_whatever_is_asked(monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 9, 18))
    for command in ("doctor", "scoreboard"):
        assert main([command]) == 1
        shown = capsys.readouterr().out
        assert "PROBLEM Python 3.9.18 is too old: the course needs 3.11 or newer" in shown


@pytest.mark.parametrize("name", ["__init__", "__main__", "cli", "doctor"])
def test_an_old_python_can_read_what_it_is_told_by(name):
    source = (ROOT / "mmlearn" / f"{name}.py").read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 7))


@pytest.mark.parametrize("name", ["python3.8", "python3.9", "python3.10"])
def test_a_real_old_python_is_told_so(clone, name):
    if not shutil.which(name) or subprocess.run([name, "-V"], capture_output=True).returncode:
        pytest.skip(f"there is no {name} here")
    done = run(clone, "doctor", python=name, options=())
    assert (done.returncode, done.stderr) == (1, "")
    assert "is too old: the course needs 3.11 or newer" in done.stdout


def test_importing_mmlearn_is_light_and_methods_is_still_there():
    code = "import sys, mmlearn; print(len(sys.modules)); from mmlearn import methods"
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {code}"],
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    assert int(done.stdout) < 60


def test_doctor_gives_one_verdict(capsys):
    code = main(["doctor"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].startswith("Verdict:")
    assert (code == 0) == ("everything" in lines[-1])


def test_doctor_names_what_is_missing(monkeypatch, capsys):
    version = doctor._version
    monkeypatch.setattr(doctor, "_version", lambda n: None if n == "resvg-py" else version(n))
    assert main(["doctor"]) == 1
    assert "the course needs resvg-py; run: " in capsys.readouterr().out
