"""Start the kernel in its box: ``python -m mmlearn.grading.run.enter -f CONNECTION``.

Before any student's code runs, the process gives up the right to write elsewhere (`landlock`).
"""

from __future__ import annotations

import os
import sys

from mmlearn.grading.run.landlock import restrict

WRITABLE = ["/tmp", "/dev/shm", "/proc", "/dev/null", "/dev/zero", "/dev/full", "/dev/tty"]


def main() -> None:
    """Restrict this process, then become an IPython kernel."""
    if sys.path[0] in ("", os.getcwd()):
        del sys.path[0]  # as ipykernel's own launcher does, which adds it later
    sockets = os.path.dirname(sys.argv[sys.argv.index("-f") + 1])
    restrict([*WRITABLE, os.path.expanduser("~")], sockets)
    from ipykernel.kernelapp import launch_new_instance

    launch_new_instance()


if __name__ == "__main__":
    main()
