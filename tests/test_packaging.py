"""pyproject.toml, environment.yml and constraints.txt tell one story."""

import re
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONDA_NAMES = {"torch": "pytorch"}


def requirements():
    lines = PROJECT["dependencies"] + [
        line for extra in PROJECT["optional-dependencies"].values() for line in extra
    ]
    found = [Requirement(line) for line in lines]
    return {r.name: str(r.specifier) for r in found if r.name != PROJECT["name"]}


def environment():
    parts = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    pip = next(part["pip"] for part in parts if isinstance(part, dict))
    found = [Requirement(part) for part in (*filter(lambda p: isinstance(p, str), parts), *pip)]
    return {r.name: str(r.specifier) for r in found}


def test_environment_has_every_requirement_with_the_same_range():
    conda = environment()
    wanted = {CONDA_NAMES.get(name, name): spec for name, spec in requirements().items()}
    assert {name: conda.get(name) for name in wanted} == wanted


def test_environment_asks_for_a_python_the_package_allows():
    assert environment()["python"] == PROJECT["requires-python"]


def test_every_requirement_is_pinned_to_a_version_it_allows():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = dict(line.lower().split("==") for line in lines if "==" in line)
    for name, spec in requirements().items():
        pin = pins.get(name.lower())
        assert pin, f"{name} is not pinned in constraints.txt"
        assert Requirement(f"x{spec}").specifier.contains(pin), f"{name}=={pin} is not in {spec}"


def test_core_never_forces_another_torch():
    core = {Requirement(line).name: Requirement(line) for line in PROJECT["dependencies"]}
    for name in ("torch", "torchvision", "numpy"):
        assert re.fullmatch(r">=[\d.]+", str(core[name].specifier))
