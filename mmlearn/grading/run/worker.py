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
from mmlearn.grading.run.ending import end_box, remove


def watch_parent(folder: str, box: list[str]) -> None:
    """End this process, and with it the kernel, once the process that grades is gone.

    A batch that was killed leaves nothing running, and nothing in the temporary folder.
    """
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(1)
    try:
        end_box(box)
        remove(folder)
    finally:
        if hasattr(os, "killpg"):
            os.killpg(os.getpgrp(), signal.SIGKILL)
        os._exit(1)


def main() -> int:
    """Run the notebook named in the settings on stdin; return pytest's exit status."""
    settings = json.loads(sys.stdin.buffer.read())
    channel = os.dup(1)  # not inheritable, unlike 1 itself, which becomes the null device
    os.set_inheritable(channel, False)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    send = Reporter(channel, settings.pop("key"))
    threading.Thread(
        target=watch_parent, args=(settings["private"], settings["end_box"]), daemon=True
    ).start()

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
    status = pytest.main(arguments, plugins=[GradingPlugin(settings, send)])
    send({"finished": int(status)})
    return 0


if __name__ == "__main__":
    sys.exit(main())
