"""constraints.txt: one set of versions for every Python and system that the course promises."""

import os
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.tags import compatible_tags, cpython_tags, mac_platforms
from packaging.utils import canonicalize_name
from test_packaging import PROJECT, ROOT, requirements

TEXT = (ROOT / "constraints.txt").read_text()
OLDEST = PROJECT["requires-python"].removeprefix(">=")
RENEW = (
    f"uv pip compile pyproject.toml --all-extras --universal --python-version {OLDEST}"
    " --no-annotate -o constraints.txt"
)
PYTHONS = ("3.11.2", "3.12.0", "3.13.0", "3.14.0")  # 3.11.2 is what Debian 12 brings


def manylinux(machine):
    """The platform tags of a Linux with glibc 2.28."""
    old = [f"manylinux{name}_{machine}" for name in ("2014", "2010", "1")]
    return [f"manylinux_2_{minor}_{machine}" for minor in range(28, 4, -1)] + old


def markers(os_name, sys_platform, platform_system, platform_machine):
    """What environment markers see of a system, under CPython."""
    return {**locals(), "implementation_name": "cpython"}


SYSTEMS = {
    "Linux x86_64": (markers("posix", "linux", "Linux", "x86_64"), manylinux("x86_64")),
    "Linux arm64": (markers("posix", "linux", "Linux", "aarch64"), manylinux("aarch64")),
    "Windows x86_64": (markers("nt", "win32", "Windows", "AMD64"), ["win_amd64"]),
    "macOS 14 arm64": (
        markers("posix", "darwin", "Darwin", "arm64"),
        list(mac_platforms((14, 0), "arm64")),
    ),
}


def pins(python=None):
    """Pairs of name and version: all pins, or those whose markers hold for a Python."""
    found = [Requirement(line) for line in TEXT.splitlines() if not line.startswith("#")]
    if python:
        here = {"python_version": python, "python_full_version": python}
        found = [pin for pin in found if pin.marker is None or pin.marker.evaluate(here)]
    return {(canonicalize_name(p.name), str(p.specifier).removeprefix("==")) for p in found}


def installed_for(needs, seen=None):
    """Names of the installed distributions that requirements bring along."""
    seen = set() if seen is None else seen
    for need in needs:
        key = (canonicalize_name(need.name), *sorted(need.extras))
        if key in seen:
            continue
        try:
            further = [Requirement(line) for line in distribution(need.name).requires or ()]
        except PackageNotFoundError:  # an extra that is not installed here
            continue
        seen.add(key)
        installed_for([r for r in further if _applies(r, need.extras or {""})], seen)
    return {name for name, *_ in seen}


def _applies(requirement, extras):
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in extras)


def test_every_requirement_is_pinned_to_versions_it_allows():
    for name, spec in requirements().items():
        found = [version for pinned, version in pins() if pinned == canonicalize_name(name)]
        assert found, f"{name} is not pinned in constraints.txt"
        assert all(version in spec for version in found), f"{name}: {found} is not in {spec}"


def test_every_installed_package_that_the_course_brings_along_is_pinned():
    here = installed_for([Requirement(name) for name in requirements()])
    assert here - {name for name, _ in pins()} == set()


def test_installed_pins_admit_the_oldest_python_unless_a_marker_leaves_them_out():
    refused = []
    for name, version in pins(python=OLDEST):
        try:
            found = distribution(name)
        except PackageNotFoundError:  # of another system
            continue
        asked = found.metadata.get("Requires-Python") or ""
        if found.version == version and OLDEST not in SpecifierSet(asked):
            refused.append(f"{name}=={version} needs Python {asked}")
    assert refused == []


def test_constraints_say_how_they_are_renewed():
    assert RENEW in TEXT


@pytest.fixture(scope="module")
def uv(tmp_path_factory):
    """A function that runs uv in a copy of the project; skips where uv or its index is absent."""
    beside = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    program = shutil.which("uv", path=beside)
    if program is None:
        pytest.skip("uv is not installed: pip install uv")
    copy = tmp_path_factory.mktemp("copy")
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, copy)

    def run(*arguments, **settings):
        python = {"UV_PYTHON": sys.executable, "UV_PYTHON_DOWNLOADS": "never"}
        env = {**os.environ, **python, **settings}
        return subprocess.run(
            [program, *arguments], cwd=copy, env=env, capture_output=True, text=True
        )

    (copy / "probe.txt").write_text("iniconfig")
    quick = {"UV_HTTP_TIMEOUT": "4", "UV_HTTP_RETRIES": "0"}
    probe = run("pip", "compile", "probe.txt", "--no-deps", "--no-cache", **quick)
    if probe.returncode:
        pytest.skip(f"the package index does not answer: {probe.stderr.splitlines()[0]}")
    return run


@pytest.fixture(scope="module")
def lock(uv):
    """The pins as they resolve for every system, with each file that the index lists."""
    pylock = pytest.importorskip("packaging.pylock")
    ask = RENEW.removeprefix("uv ").removesuffix("-o constraints.txt")
    done = uv(*ask.split(), "-c", "constraints.txt", "--format", "pylock.toml")
    assert done.returncode == 0, done.stderr
    return pylock.Pylock.from_dict(tomllib.loads(done.stdout))


def test_pins_are_what_the_course_needs_on_some_system_no_more_no_less(lock):
    assert {(package.name, str(package.version)) for package in lock.packages} == pins()


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_every_pin_has_a_wheel(lock, python, system):
    environment, platforms = SYSTEMS[system]
    here = environment | {"python_version": python[:4], "python_full_version": python}
    version = tuple(map(int, python[:4].split(".")))
    tags = [*cpython_tags(version, platforms=platforms), *compatible_tags(version, None, platforms)]
    chosen = lock.select(environment=here, tags=tags)
    sources = [package.name for package, file in chosen if not file.filename.endswith(".whl")]
    assert sources == []
