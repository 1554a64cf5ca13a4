"""`mmlearn doctor`: one verdict on the environment, and what to do where something is missing.

It runs where nothing is installed, on an old Python too: so whatever Python 3.7 lacks is imported
where it is used, once the version is known.
"""

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

__all__ = ["OLDEST", "ROOT", "cure", "examine", "missing", "needed"]

OLDEST = (3, 11)  # as in pyproject.toml, which an old Python cannot read
NAME = "mmlearn-course"
ROOT = (
    Path(__file__).resolve().parents[1]
)  # where the package lies: in a clone, the course's folder
PURPOSES = {None: "the course", "lab": "opening the notebooks", "grade": "grading"}
WINDOWS = os.name == "nt"


def examine():
    """Look at the environment: a list of (status, sentence), status "ok", "note" or "problem"."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        too_old = f"Python {version} is too old: the course needs {wanted} or newer; {_newer()}"
        return [("problem", too_old)]
    findings = [("ok", f"Python {version}"), *_other_python(), *_namesakes()]
    if not _in_clone() and _version(NAME) is None:
        return [*findings, ("problem", f"the course is not installed; {cure()}")]
    findings += _packages()
    return findings if missing(None) else [*findings, *_device(), *_cache()]


def missing(*extras):
    """The packages that this Python lacks of those that extras (None: the course itself) need."""
    return [name for extra in extras for name in needed(extra) if _version(name) is None]


def needed(extra=None):
    """The packages that the course needs, or one of its extras, as it declares them itself."""
    if _in_clone():
        import tomllib

        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        lines = project["optional-dependencies"][extra] if extra else project["dependencies"]
    else:
        from importlib import metadata

        lines = [line for line in metadata.requires(NAME) or () if _extra_of(line) == extra]
    return [re.match(r"[\w.-]+", line).group() for line in lines]


def _extra_of(requirement):
    found = re.search(r"""extra\s*==\s*["'](\w+)""", requirement)
    return found.group(1) if found else None


def cure(extra=None):
    """What to do for what is missing: "run: " and the commands that work from where one is."""
    if not _in_clone():
        address = _repository()
        if address is None:
            return "install it as its README says"
        name = f"{NAME}[{extra}]" if extra else NAME
        return f'run: pip install "{name} @ git+{address}"'
    install = 'pip install -e ".[all]" -c constraints.txt'
    activate = r".venv\Scripts\activate" if WINDOWS else ". .venv/bin/activate"
    if _beside_venv():
        steps = [activate]
    elif _in_environment():
        steps = [install]
    elif WINDOWS:
        steps = ["py -m venv .venv", activate, install]
    else:
        steps = ["make setup", activate]
    return _run(*steps)


def _newer():
    """What to do where Python is too old."""
    if _in_clone() and _beside_venv():
        return cure()
    if _in_clone() and not WINDOWS:
        return f"install one, name it, and {_run('make setup PYTHON=python3.12')}"
    return "install one, and the course with it"


def _run(*steps):
    """The commands in a row, from the folder of the clone."""
    if Path.cwd() != ROOT:
        steps = (f'cd "{ROOT}"', *steps)
    return "run: " + (", then " if WINDOWS else " && ").join(steps)


def _in_clone():
    return (ROOT / "pyproject.toml").is_file()


def _beside_venv():
    """Whether the clone has an environment, and another Python than its own runs."""
    venv = ROOT / ".venv"
    return venv.is_dir() and Path(sys.prefix).resolve() != venv.resolve()


def _in_environment():
    conda = os.environ.get("CONDA_DEFAULT_ENV", "base")
    return sys.prefix != sys.base_prefix or conda != "base"


def _repository():
    """The course's public address, as the installed package declares it."""
    from importlib import metadata

    try:
        links = metadata.metadata(NAME).get_all("Project-URL") or []
    except metadata.PackageNotFoundError:
        links = []
    return dict(link.split(", ", 1) for link in links).get("Repository")


def _version(name):
    from importlib import metadata

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _other_python():
    if _in_clone() and _beside_venv():
        yield "note", f"another Python than that of the course's .venv; for that one, {cure()}"


def _namesakes():
    """Another project's package of the same import name: what is imported is then a mixture."""
    from importlib import metadata

    for name in sorted({*metadata.packages_distributions().get("mmlearn", ())} - {NAME}):
        yield (
            "problem",
            f"{name} {_version(name)} of another project is imported as mmlearn, too: uninstall "
            f"both (pip uninstall {name} {NAME}), then install the course again; {cure()}",
        )


def _packages():
    for extra, purpose in PURPOSES.items():
        lacking = missing(extra)
        if lacking:
            status = "note" if extra else "problem"
            yield status, f"{purpose} needs {', '.join(lacking)}; {cure(extra)}"
        else:
            yield "ok", f"{purpose}: " + ", ".join(f"{n} {_version(n)}" for n in needed(extra))


def _device():
    try:
        import torch
        import torchvision  # noqa: F401 - a build that does not fit torch fails here
    except (ImportError, RuntimeError) as error:
        yield "problem", f"torch and torchvision do not work together: {error}"
        return
    from mmlearn.training.device import pick_device

    device = pick_device()
    name = f" ({torch.cuda.get_device_name()})" if device.type == "cuda" else ""
    yield "ok", f"torch computes on {device.type}{name}, {torch.get_num_threads()} CPU thread(s)"


def _cache():
    from mmlearn.storage.cache import cache_dir

    folder = cache_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            free = shutil.disk_usage(folder).free / 2**30
    except OSError as error:
        yield (
            "problem",
            f"the cache folder {folder} cannot be written ({error}); set MMLEARN_CACHE.",
        )
        return
    status = "ok" if free > 1 else "problem"
    yield (
        status,
        f"cache folder: {folder}, writable, {free:.0f} GiB free"
        + ("" if free > 1 else "; free at least 1 GiB"),
    )
