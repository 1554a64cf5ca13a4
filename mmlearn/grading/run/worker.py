"""The process that grades one student: reads its orders from stdin, runs nbval, reports on stdout.

The kernel can reach neither channel: it gets no copy of them, and every line of the report is
signed with a key that only this process and the one that started it hold.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time

from mmlearn.grading.imports import skip_slow_imports
from mmlearn.grading.run.channel import Reporter
from mmlearn.grading.run.ending import PREFIX, end_box, remove


def watch_parent(parent: int, folder: str, box: list[str]) -> None:
    """End this process, and with it the kernel, once the process that grades is gone.

    A batch that was killed leaves nothing running, and nothing in the temporary folder.
    """
    while os.getppid() == parent:
        time.sleep(1)
    try:
        clear(folder, box)
    finally:
        if hasattr(os, "killpg"):
            os.killpg(os.getpgrp(), signal.SIGKILL)
        os._exit(1)


def clear(folder: str, box: list[str]) -> None:
    """End what is left of the run; the process that grades may be gone when it would do so."""
    end_box(box)
    remove(folder)


def read_settings() -> dict:
    """Return the settings on stdin; without them the one who grades is gone, and so is the run."""
    try:
        return json.loads(sys.stdin.buffer.read())
    except ValueError:
        if os.path.basename(os.getcwd()).startswith(PREFIX):
            remove(os.getcwd())
        raise SystemExit("the grader ended before it said what to run") from None


def main() -> int:
    """Run the notebook named in the settings on stdin; return pytest's exit status."""
    settings = read_settings()
    channel = os.dup(1)  # not inheritable, unlike 1 itself, which becomes the null device
    os.set_inheritable(channel, False)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    send = Reporter(channel, settings.pop("key"))
    watched = settings["parent"], settings["private"], settings["end_box"]
    threading.Thread(target=watch_parent, args=watched, daemon=True).start()

    skip_slow_imports()
    import pytest

    from mmlearn.grading.run.nbval_plugin import GradingPlugin

    arguments = [
        "--nbval-lax",
        f"--nbval-cell-timeout={settings['cell_timeout']}",
        "--noconftest",
        f"--rootdir={settings['private']}",
        f"--config-file={settings['ini']}",
        "-pno:cacheprovider",
        "--capture=no",
        "--tb=no",
        settings["notebook"],
    ]
    try:
        status = pytest.main(arguments, plugins=[GradingPlugin(settings, send)])
        send({"finished": int(status)})
    finally:
        clear(*watched[1:])
    return 0


if __name__ == "__main__":
    sys.exit(main())
