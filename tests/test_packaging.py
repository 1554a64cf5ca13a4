"""pyproject.toml, environment.yml, CITATION.cff and MANIFEST.in tell one story."""

import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONDA_NAMES = {"torch": "pytorch"}

# Versions that Colab ships: a lower bound above one would replace it under the learner's feet.
COLAB = {
    "accelerate": "1.0",
    "datasets": "4.0",
    "ipykernel": "6.17.1",
    "ipywidgets": "7.7.1",
    "matplotlib": "3.10",
    "nbformat": "5.10",
    "numpy": "2.0.2",
    "pillow": "11.0",
    "platformdirs": "4.0",
    "pooch": "1.8",
    "psutil": "5.9.5",
    "pytest": "8.0",
    "safetensors": "0.4",
    "scikit-learn": "1.6",
    "scipy": "1.16",
    "torch": "2.8",
    "torchvision": "0.23",
    "tqdm": "4.67",
}


def requirements(*extras):
    """Names and ranges of the core and of extras, of all extras if none is named."""
    optional = PROJECT["optional-dependencies"]
    lines = PROJECT["dependencies"] + [
        line for extra in extras or optional for line in optional[extra]
    ]
    found = [Requirement(line) for line in lines]
    return {r.name: r.specifier for r in found if r.name != PROJECT["name"]}


def environment():
    parts = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    pip = next(part["pip"] for part in parts if isinstance(part, dict))
    found = [Requirement(part) for part in (*filter(lambda p: isinstance(p, str), parts), *pip)]
    return {r.name: r.specifier for r in found}


def test_environment_has_every_requirement_with_the_same_range():
    conda = environment()
    wanted = {CONDA_NAMES.get(name, name): spec for name, spec in requirements().items()}
    assert {name: conda.get(name) for name in wanted} == wanted


def test_environment_asks_for_a_python_the_package_allows():
    assert environment()["python"] == PROJECT["requires-python"]


def test_a_citation_names_the_project_as_it_is():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert cited["version"] == PROJECT["version"]
    assert cited["license"] == PROJECT["license"]
    assert cited["repository-code"] == PROJECT["urls"]["Repository"]
    assert cited["authors"] == PROJECT["authors"]


def test_core_never_forces_another_torch():
    core = {Requirement(line).name: Requirement(line) for line in PROJECT["dependencies"]}
    for name in ("torch", "torchvision", "numpy"):
        assert re.fullmatch(r">=[\d.]+", str(core[name].specifier))


def test_lessons_and_labs_replace_nothing_that_colab_ships():
    asked = requirements("grade")
    assert {name: version for name, version in COLAB.items() if version not in asked[name]} == {}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The files git tracks, and those in a source distribution and a wheel built from a copy."""
    pytest.importorskip("setuptools", "77", reason="building needs setuptools")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    tracked = set(listed.stdout.split("\n")) - {""}
    copy = tmp_path_factory.mktemp("copy")
    for name in tracked:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    left_lying = ["tests/__pycache__/test_files.pyc", "course/.ipynb_checkpoints/00.ipynb"]
    for name in left_lying:
        (copy / name).parent.mkdir(exist_ok=True)
        (copy / name).touch()
    build = "import setuptools.build_meta as b; print(b.{}('dist'))"
    for kind in ("build_sdist", "build_wheel"):
        command = [sys.executable, "-W", "ignore", "-c", build.format(kind)]
        subprocess.run(command, cwd=copy, check=True, capture_output=True)
    with tarfile.open(next(copy.glob("dist/*.tar.gz"))) as archive:
        files = {member.name for member in archive if member.isfile()}
        sdist = {name.partition("/")[2] for name in files}
    with zipfile.ZipFile(next(copy.glob("dist/*.whl"))) as archive:
        wheel = set(archive.namelist())
    return tracked, sdist, wheel


def generated(name):
    return name in ("PKG-INFO", "setup.cfg") or ".egg-info/" in name or ".dist-info/" in name


def test_source_distribution_holds_all_that_git_tracks_but_its_own_settings(built):
    tracked, sdist, _ = built
    wanted = {name for name in tracked if not name.startswith((".git", ".ci/"))}
    assert {name for name in sdist if not generated(name)} == wanted


def test_wheel_holds_the_package_alone(built):
    tracked, _, wheel = built
    package = {name for name in tracked if name.startswith("mmlearn/")}
    assert {name for name in wheel if not generated(name)} == package
