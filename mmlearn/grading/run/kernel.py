"""The kernel that nbval runs: watched at every wait, in its box, over sockets in its own folder."""

from __future__ import annotations

import os
import stat
import time
from collections import deque
from contextlib import suppress
from itertools import islice
from queue import Empty

import psutil
from jupyter_client.manager import KernelManager
from nbval.kernel import CURRENT_ENV_KERNEL_NAME, NbvalKernelspecManager, RunningKernel

from mmlearn.grading.run.ending import end_group
from mmlearn.grading.run.inside import PRINTED
from mmlearn.grading.run.limits import ENTRIES, MAX_PRINTED, MAX_SENT, MEMORY, OPEN_IN_ALL

POLL = 0.25  # seconds between two looks at whether the kernel still lives
SOCKETS = 20  # entries in the folder of the sockets; a kernel makes five
_SCRATCH = ("/tmp", "/dev/shm", "/home/student")
AFTER_INTERRUPT = 2.0  # seconds that a cell is given to end once its time is up


class KernelDied(Exception):
    """The kernel's process ended while a cell ran."""


class TooMuchPrinted(Exception):
    """A cell printed more than `MAX_PRINTED` characters."""


class TooMuchSent(Exception):
    """A cell sent more than `MAX_SENT` characters and bytes of anything."""


class TooMuchMemory(Exception):
    """The processes of a run held more than `MEMORY` bytes together."""


class TooManyFiles(Exception):
    """The processes of a run hold too many files open, or made too many."""


class Intruder(Exception):
    """Something else than sockets was written into the folder of the sockets."""


class Malformed(Exception):
    """The kernel sent something that is no message of the protocol."""


class BoxedKernelManager(KernelManager):
    """A kernel manager whose kernel starts by the command that execute.py made, in its box."""

    settings: dict

    def format_kernel_cmd(self, *args, **kwargs):
        return self.settings["kernel"]

    def write_connection_file(self, **kwargs):
        super().write_connection_file(**kwargs)
        if self.settings["user"] is not None:
            os.chown(self.connection_file, self.settings["user"], self.settings["user"])


def kernel_manager(settings: dict) -> BoxedKernelManager:
    """Return a manager whose kernel talks over sockets in its own folder: a box has no network."""
    channel = {}
    if os.name == "posix":
        sockets = os.path.join(os.path.dirname(settings["connection"]), "k")
        channel = {"transport": "ipc", "ip": sockets}
    manager = BoxedKernelManager(
        kernel_name=CURRENT_ENV_KERNEL_NAME,
        kernel_spec_manager=NbvalKernelspecManager(),
        connection_file=settings["connection"],
        **channel,
    )
    manager.settings = settings
    # One message of half a gigabyte would be held several times over before it is looked at, and
    # a thousand of them may wait on a channel that nobody reads.
    manager.context.maxmsgsize = MAX_SENT
    manager.context.rcvhwm = 64
    return manager


class WatchedKernel(RunningKernel):
    """nbval's kernel, asked at every wait whether it still lives and how much it takes.

    Messages that arrive on the output channel while the reply is waited for are taken in at once,
    so that a flood of output is noticed while it comes.
    """

    def __init__(self, settings: dict, send):
        self.km = kernel_manager(settings)
        self.deadline = float("inf")
        self.waiting: deque = deque()  # output messages that came while the reply was waited for
        self.reply: dict = {}
        self.printed = self.sent = 0
        self.looked = 0.0  # when it was last looked after
        self.runtime = os.path.dirname(settings["connection"])
        with open(os.devnull, "w") as null:
            self.km.start_kernel(
                cwd=settings["work"], env=dict(settings["env"]), stdout=null, stderr=null
            )
        self.pid = self.km.provisioner.pid
        send({"kernel": self.pid})
        self.kc = self.km.client()
        self.kc.start_channels()
        self.kc.wait_for_ready(timeout=settings["startup_timeout"])
        self._ensure_iopub_up()
        begun = self.execute_cell_input(settings["begin"], allow_stdin=False)
        self.await_reply(begun, timeout=settings["startup_timeout"])
        if self.reply.get("status") != "ok":
            raise RuntimeError(f"{self.reply.get('ename')}: {self.reply.get('evalue')}")

    def begin_cell(self, seconds: float) -> None:
        """Forget the last cell; whatever it prints, the next one ends after `seconds`."""
        self.printed, self.sent, self.reply = 0, 0, {}
        self.deadline = time.monotonic() + seconds

    def get_message(self, stream, timeout=None):
        if stream == "iopub" and self.waiting:
            return self.waiting.popleft()
        end = time.monotonic() + (float("inf") if timeout is None else timeout)
        while True:
            now = time.monotonic()
            # Without the cell's own deadline, a thread that prints for ever keeps it alive.
            if now > self.deadline:
                raise Empty
            try:
                message = super().get_message(stream, timeout=max(0, min(POLL, end - now)))
                break
            except Empty:
                if not self.is_alive():
                    raise KernelDied from None
                self._look_after(stream)
                if time.monotonic() >= end:
                    raise
        self._look_at(stream, message)
        if time.monotonic() - self.looked > POLL:
            self._look_after(stream)
        return message

    def _look_after(self, stream) -> None:
        """What did the kernel print meanwhile, what does it hold, what did it write?"""
        if stream == "shell":
            with suppress(Empty):
                while time.monotonic() < self.deadline:
                    message = super().get_message("iopub", timeout=0)
                    self._look_at("iopub", message)
                    self.waiting.append(message)
        processes = processes_of(self.pid)
        if memory_of(processes) > MEMORY:
            raise TooMuchMemory
        if too_many_of(processes):
            raise TooManyFiles
        if not _only_sockets(self.runtime):
            raise Intruder
        self.looked = time.monotonic()

    def _look_at(self, stream, message) -> None:
        content = message.get("content")
        if not _is_well_formed(message):
            self.reply = {"ename": "Malformed", "evalue": "the kernel sent no proper message"}
            raise Malformed
        if stream == "shell" and message["msg_type"] == "execute_reply":
            self.reply = content
        kind = message["msg_type"]
        if kind == "stream" and content["name"] == "stderr":
            content["text"] = ""  # warnings, progress bars, logs: nobody reads them
        self.printed += len(content["text"]) if kind == "stream" else 0
        self.sent += len(str(content)) + len(str(message.get("metadata")))
        self.sent += sum(len(buffer) for buffer in message.get("buffers", ()))
        if self.printed > MAX_PRINTED:
            raise TooMuchPrinted
        if self.sent > MAX_SENT:
            raise TooMuchSent
        if kind == "stream":
            content["text"] = ""  # only a check's own prints are compared
        elif kind in ("display_data", "execute_result"):
            content["data"] = {k: v for k, v in content["data"].items() if k == PRINTED}

    def interrupt(self) -> None:
        """End a cell whose time is up; one that swallows the interrupt gets little more."""
        super().interrupt()
        self.deadline = min(self.deadline, time.monotonic() + AFTER_INTERRUPT)

    def stop(self) -> None:
        end_group(self.pid)  # whatever the student's code started in the kernel's group
        super().stop()


def _is_well_formed(message: dict) -> bool:
    """Tell whether what is read of a message is there; a hostile kernel sends what it likes."""
    content, kind = message.get("content"), message.get("msg_type")
    if not isinstance(content, dict) or not isinstance(message.get("parent_header"), dict):
        return False
    wanted = {
        "stream": ("name", "text"),
        "status": ("execution_state",),
        "error": ("ename", "evalue"),
        "execute_reply": ("status",),
    }
    if kind in ("display_data", "execute_result"):
        data, about = content.get("data"), content.get("metadata")
        if not (isinstance(data, dict) and isinstance(about, dict)):
            return False
        return isinstance(data.get(PRINTED, ""), str)
    return all(isinstance(content.get(key), str) for key in wanted.get(kind, ()))


def _only_sockets(folder: str) -> bool:
    """Tell whether a kernel kept to its sockets: their folder lies on this machine's disk."""
    try:
        entries = list(islice(os.scandir(folder), SOCKETS + 1))
    except OSError:  # made unreadable
        return False
    if len(entries) > SOCKETS:
        return False
    for entry in entries:
        with suppress(OSError):
            about = entry.stat(follow_symlinks=False)
            small = stat.S_ISREG(about.st_mode) and about.st_size < 10_000
            if not (stat.S_ISSOCK(about.st_mode) or (small and entry.name == "kernel.json")):
                return False
    return True


def memory_of(processes: list[psutil.Process]) -> int:
    """Return the bytes that the processes of a run hold (Linux; elsewhere a little more).

    What processes share, as after a fork, counts once. That is slow to find out, and only done
    where the plain sum is too large. What stands in the box's scratch folders counts as well.
    """
    total = sum(_bytes(process, psutil.Process.memory_info, "rss") for process in processes)
    if total > MEMORY:
        total = sum(_bytes(one, psutil.Process.memory_full_info, "pss") for one in processes)
    return total + sum(used * size for _, used, size in _scratch(processes))


def too_many_of(processes: list[psutil.Process]) -> bool:
    """Tell whether the processes of a run hold too many files open, or made too many."""
    opened = 0
    for process in processes:
        with suppress(psutil.Error, OSError, AttributeError):  # ended, another's, Windows
            opened += process.num_fds()
    return opened > OPEN_IN_ALL or any(files > ENTRIES for files, *_ in _scratch(processes))


def processes_of(pid: int) -> list[psutil.Process]:
    """Return a process and all below it."""
    with suppress(psutil.Error):
        kernel = psutil.Process(pid)
        return [kernel, *kernel.children(recursive=True)]
    return []


def _scratch(processes: list[psutil.Process]) -> list[tuple[int, int, int]]:
    """Return files, blocks and their size of each folder in memory that a box has of its own."""
    for process in reversed(processes):  # the first may stand outside, the last may have ended
        found = {}
        for folder in _SCRATCH:
            with suppress(OSError, AttributeError):
                path = f"/proc/{process.pid}/root{folder}"
                device, about = os.stat(path).st_dev, os.statvfs(path)
                used = about.f_files - about.f_ffree, about.f_blocks - about.f_bfree
                if device != os.stat("/").st_dev and device != _here(folder):
                    found[device] = *used, about.f_frsize
        if found:
            return list(found.values())
    return []


def _here(folder: str) -> int | None:
    return os.stat(folder).st_dev if os.path.isdir(folder) else None


def _bytes(process: psutil.Process, ask, name: str) -> int:
    try:
        memory = ask(process)
    except psutil.Error:  # it has just ended
        return 0
    return getattr(memory, name, memory.rss)
