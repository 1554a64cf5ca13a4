"""How a run ends: its processes, its box and its folder, whatever a student's code made of them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import suppress

PREFIX = "mmlearn-grade-"  # of the private folder of a run


def end_group(pid: int) -> None:
    """Kill a process group that was started for grading; it may have ended already."""
    try:
        if hasattr(os, "killpg"):
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGTERM)
    except (ProcessLookupError, PermissionError):
        pass


def end_box(command: list[str]) -> None:
    """Run the command that ends a kernel's box, where there is one; the box may be gone."""
    if command:
        subprocess.run(command, check=False, capture_output=True)


def remove(folder: str | os.PathLike) -> None:
    """Remove a folder into which a student's code could write: however deep, readable or not."""
    with suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if os.path.isdir(folder) and os.name == "posix":
        for command in (["chmod", "-R", "u+rwX"], ["rm", "-rf"]):
            subprocess.run([*command, "--", str(folder)], check=False, capture_output=True)
