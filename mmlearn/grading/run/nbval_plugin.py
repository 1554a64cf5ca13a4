"""nbval for grading: the same runner, with tolerances, a watched kernel and a report per cell.

nbval 0.11 compares text exactly, notices a dead kernel only at the cell's timeout, ignores the
reply's status and goes on after a timeout. Each is changed here in the smallest place; everything
else (messages, outputs, interrupts, comparison in the outer process) is nbval's own code.
"""

from __future__ import annotations

import os
import stat
import time
from collections import defaultdict, deque
from contextlib import suppress
from queue import Empty

import nbformat
import nbval.plugin
import psutil
import pytest
from jupyter_client.manager import KernelManager
from nbval.kernel import CURRENT_ENV_KERNEL_NAME, NbvalKernelspecManager, RunningKernel

from mmlearn.grading.judge.compare import first_difference
from mmlearn.grading.run.ending import end_group
from mmlearn.grading.run.limits import MAX_PRINTED, MAX_SENT, MEMORY

POLL = 0.25  # seconds between two looks at whether the kernel still lives
STOPPING = (
    "timeout",
    "kernel-died",
    "output-limit",
    "memory-limit",
    "intruder",
)  # no further cell is run


class KernelDied(Exception):
    """The kernel's process ended while a cell ran."""


class TooMuchOutput(Exception):
    """A cell printed more than `MAX_PRINTED` characters, or sent more than `MAX_SENT`."""


class TooMuchMemory(Exception):
    """The processes of a run held more than `MEMORY` bytes together."""


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
        if memory_of(self.pid) > MEMORY:
            raise TooMuchMemory
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
        if message["msg_type"] == "stream":
            self.printed += len(content["text"])
        self.sent += len(str(content)) + len(str(message.get("metadata")))
        self.sent += sum(len(buffer) for buffer in message.get("buffers", ()))
        if self.printed > MAX_PRINTED or self.sent > MAX_SENT:
            raise TooMuchOutput

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
    if kind in ("display_data", "execute_result") and not (
        isinstance(content.get("data"), dict) and isinstance(content.get("metadata"), dict)
    ):
        return False
    return all(isinstance(content.get(key), str) for key in wanted.get(kind, ()))


def _only_sockets(folder: str) -> bool:
    """Tell whether a kernel kept to its sockets: their folder lies on this machine's disk."""
    for entry in os.scandir(folder):
        with suppress(OSError):
            about = entry.stat(follow_symlinks=False)
            small = stat.S_ISREG(about.st_mode) and about.st_size < 10_000
            if not (stat.S_ISSOCK(about.st_mode) or (small and entry.name == "kernel.json")):
                return False
    return True


def memory_of(pid: int) -> int:
    """Return the bytes that a process and all below it hold (Linux; elsewhere a little more).

    What processes share, as after a fork, counts once. That is slow to find out, and only done
    where the plain sum is too large.
    """
    processes = []
    with suppress(psutil.Error):
        kernel = psutil.Process(pid)
        processes = [kernel, *kernel.children(recursive=True)]
    total = sum(_bytes(process, psutil.Process.memory_info, "rss") for process in processes)
    if total <= MEMORY:
        return total
    return sum(_bytes(process, psutil.Process.memory_full_info, "pss") for process in processes)


def _bytes(process: psutil.Process, ask, name: str) -> int:
    try:
        memory = ask(process)
    except psutil.Error:  # it has just ended
        return 0
    return getattr(memory, name, memory.rss)


class GradedNotebook(nbval.plugin.IPyNbFile):
    """A rebuilt notebook: how its cells are treated stands in the grader's own metadata."""

    grading: GradingPlugin
    stopped: str | None = None  # why no further cell is run

    def collect(self):
        self.nb = nbformat.read(str(self.path), as_version=4)
        # It holds the reference outputs: gone before any of the student's code runs.
        self.path.unlink()
        self.printed: dict[str, str] = defaultdict(str)
        for number, cell in enumerate(self.nb.cells):
            compare = "reference" in cell.metadata.mmlearn
            options = defaultdict(bool, check=compare)
            yield GradedCell.from_parent(
                self, name=f"Cell {number}", cell_num=number, cell=cell, options=options
            )

    def setup(self):
        try:
            self.kernel = WatchedKernel(self.grading.settings, self.grading.send)
        except Exception as error:
            trouble = f"the kernel did not start: {type(error).__name__}: {error}"
            self.grading.send({"trouble": trouble[:300]})
            raise

    def teardown(self):
        super().teardown()
        if self.kernel is not None:
            end_group(self.kernel.pid)  # what a kernel that died by itself left behind


class GradedCell(nbval.plugin.IPyNbCell):
    """A cell that reports what happened to it, and compares numbers as numbers."""

    difference = None

    def setup(self):
        """Do nothing: nbval would mark cells after a timeout as expected failures and run them."""

    def runtest(self):
        notebook, limit = self.parent, self.config.option.nbval_cell_timeout
        if notebook.stopped:
            self._report(notebook.stopped, reached=False)
            pytest.skip(f"not reached: {notebook.stopped}")
        if self._visible_part_stopped():
            self._report("skipped", reached=False)
            pytest.skip("the check's visible part has failed")
        notebook.kernel.begin_cell(limit + self.output_timeout + 1)
        started = time.monotonic()
        try:
            super().runtest()
            self._require_ok_reply()
        except Exception as error:
            status = self._why(error)
            if status in STOPPING:
                notebook.stopped = status
                if notebook.kernel.is_alive():
                    notebook.kernel.stop()
            self._report(status, seconds=time.monotonic() - started)
            raise
        self._report("ok", seconds=time.monotonic() - started)

    def compare_outputs(self, test, ref, skip_compare=None):
        """Compare what the check printed, visible and hidden part together, with the reference."""
        ours = self.cell.metadata.mmlearn
        printed = self.parent.printed[ours.grade_id] + _stdout(test)
        reference = _stdout(ref)
        if ours.reference == "prefix":
            reference = "\n".join(reference.split("\n")[: _count_lines(printed)])
        self.difference = first_difference(reference, printed, ours.rtol, ours.atol)
        self.comparison_traceback = [str(self.difference)]
        return self.difference is None

    def _visible_part_stopped(self) -> bool:
        ours = self.cell.metadata.mmlearn
        return ours.role == "hidden" and self.parent.grading.last.get(ours.grade_id, "ok") != "ok"

    def _require_ok_reply(self) -> None:
        # A kernel whose traceback printing was patched still says in its reply that it failed.
        if self.parent.kernel.reply.get("status") != "ok":
            self.raise_cell_error("The kernel's reply says that the cell failed")

    def _why(self, error: Exception) -> str:
        kernel = self.parent.kernel
        if isinstance(error, TooMuchOutput):
            return "output-limit"
        if isinstance(error, TooMuchMemory):
            return "memory-limit"
        if isinstance(error, Intruder):
            return "intruder"
        if self.parent.timed_out or isinstance(error, Empty):
            # An answer without its end: what the cell printed was too large to be taken in.
            return "output-limit" if kernel.reply else "timeout"
        if isinstance(error, KernelDied) or not kernel.is_alive():
            return "kernel-died"
        return "exception" if self.difference is None else "differs"

    def _report(self, status: str, seconds: float = 0.0, reached: bool = True) -> None:
        ours = self.cell.metadata.mmlearn
        text = _stdout(self.test_outputs or []) if reached else ""
        if ours.grade_id:
            self.parent.printed[ours.grade_id] += text
            self.parent.grading.last[ours.grade_id] = status
        error = self.parent.kernel.reply if status == "exception" else {}
        for output in self.test_outputs or []:
            error = output if output.output_type == "error" and status == "exception" else error
        difference = self.difference
        self.parent.grading.send(
            {
                "cell": self.cell_num,
                "status": status,
                "reached": reached,
                "ename": str(error.get("ename", ""))[:200],
                "evalue": str(error.get("evalue", ""))[:2000],
                "lines": _count_lines(text),
                "line": difference and difference.line,
                "got": difference and difference.got and difference.got[:200],
                "expected_more": bool(difference) and difference.expected is not None,
                "seconds": round(seconds, 3),
            }
        )


def _stdout(outputs) -> str:
    return "".join(
        output.text
        for output in outputs
        if output.output_type == "stream" and output.name == "stdout"
    )


def _count_lines(text: str) -> int:
    return len(text.rstrip().split("\n")) if text.strip() else 0


class GradingPlugin:
    """The pytest plugin: nbval's options and set-up, with `GradedNotebook` as collector."""

    def __init__(self, settings: dict, send):
        self.settings = settings
        self.send = send
        self.last: dict[str, str] = {}  # grade_id -> status of the part that ran last

    def pytest_addoption(self, parser):
        nbval.plugin.pytest_addoption(parser)

    def pytest_collect_file(self, file_path, parent):
        if file_path.suffix != ".ipynb":
            return None
        notebook = GradedNotebook.from_parent(parent, path=file_path)
        notebook.grading = self
        return notebook
