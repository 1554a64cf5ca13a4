"""`mmlearn lab`: your own copy of the notebooks, opened in JupyterLab.

The notebooks of `course/` and `labs/` are copied to `work/`, which git ignores and where a student
works: what was changed there is never overwritten, and an update of the course meets no changes.
"""

import glob
import hashlib
import json
import os
import platform
import sys
from importlib.util import find_spec
from pathlib import Path

from mmlearn.doctor import ROOT, cure
from mmlearn.storage.files import make_folder, write_atomically

__all__ = ["copy_notebooks", "course_root", "find_lab", "open_lab"]

WORK = "work"
COPIED = ".copied.json"  # what each file held when it was copied
FIRST = "course/00_start_here.ipynb"


def course_root(start="."):
    """The folder of the course that holds `start`, or this package: it has `course/` and `labs/`.

    Raises
    ------
    FileNotFoundError: there is none, as where the package alone was installed
    """
    here = Path(start).resolve()
    for folder in (here, *here.parents, ROOT):
        if (folder / FIRST).is_file() and (folder / "labs").is_dir():
            return folder
    raise FileNotFoundError(
        "the course's folder, with course/ and labs/, is not here: go into your clone of it first."
    )


def copy_notebooks(root):
    """Copy the lessons and labs to `work/`, each once; return a sentence for each that differs.

    A copy that was never changed follows the course; one that was is left as it is, and a sentence
    says where the course has a newer one.
    """
    work = Path(root) / WORK
    copied, notes = _read(work / COPIED), []
    for source in sorted([*root.glob("course/*.ipynb"), *root.glob("labs/*.ipynb")]):
        name = source.relative_to(root).as_posix()
        target, new = work / name, source.read_bytes()
        if target.exists() and _digest(new) == copied.get(name, {}).get("source"):
            continue
        if target.exists() and _digest(target.read_bytes()) != copied.get(name, {}).get("copy"):
            notes.append(f"{WORK}/{name} is yours and stays; the course has a newer {name}.")
            continue
        text = _stamped(new)
        make_folder(target.parent)
        write_atomically(target, text)
        copied[name] = {"source": _digest(new), "copy": _digest(text.encode())}
    write_atomically(work / COPIED, json.dumps(copied, indent=1, sort_keys=True) + "\n")
    return notes


def open_lab(arguments=()):
    """Make the copy and start JupyterLab in the course's folder; this process becomes the server.

    Raises
    ------
    FileNotFoundError: the course's folder is not here
    ValueError: JupyterLab is not installed, or would refuse to start
    """
    root = course_root()
    if find_spec("jupyterlab") is None:
        raise ValueError(f"JupyterLab is not installed here: {cure('lab')}")
    if getattr(os, "geteuid", lambda: 1)() == 0 and "--allow-root" not in arguments:
        raise ValueError(
            "you are root, as whom JupyterLab does not start unless told to. Use an ordinary "
            "account; or, in a container: mmlearn lab --allow-root "
            "(make lab LAB_ARGS=--allow-root)."
        )
    for note in copy_notebooks(root):
        print(note)
    print(f"JupyterLab opens your copies in {root / WORK} (Ctrl-C twice to stop) ...", flush=True)
    config = str(Path(__file__).parent / "jupyter")
    paths = [config, *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(paths)
    os.environ.pop("OMP_NUM_THREADS", None)
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={root}"]
    command += [f"--LabApp.default_url=/lab/tree/{WORK}/{FIRST}", *arguments]
    if os.name == "nt":  # where exec leaves the shell's prompt behind
        import subprocess

        return subprocess.run(command).returncode
    os.execv(sys.executable, command)


def find_lab(name, start="."):
    """The file of a lab that is named by its number or unit: one's own copy before the course's.

    Returns
    -------
    Path, or None where no lab has that name
    """
    root = course_root(start)
    for folder in (root / WORK / "labs", root / "labs"):
        found = sorted(folder.glob(f"{glob.escape(name)}*.ipynb"))
        if len(found) == 1:
            return found[0]
    return None


def _stamped(data):
    """The notebook as JupyterLab here would save it, so that opening it changes nothing."""
    notebook = json.loads(data)
    notebook["metadata"]["language_info"]["version"] = platform.python_version()
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _digest(data):
    return hashlib.sha256(data).hexdigest()


def _read(path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
