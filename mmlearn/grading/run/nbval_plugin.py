"""nbval for grading: the same runner, with tolerances, a watched kernel and a report per cell.

nbval 0.11 compares text exactly, notices a dead kernel only at the cell's timeout, ignores the
reply's status and goes on after a timeout. Each is changed here in the smallest place; everything
else (messages, outputs, interrupts, comparison in the outer process) is nbval's own code.
"""

from __future__ import annotations

import time
from collections import defaultdict
from queue import Empty

import nbformat
import nbval.plugin
import pytest

from mmlearn.grading.judge.compare import first_difference
from mmlearn.grading.run.ending import end_group
from mmlearn.grading.run.inside import PRINTED
from mmlearn.grading.run.kernel import (
    Intruder,
    KernelDied,
    TooManyFiles,
    TooMuchMemory,
    TooMuchPrinted,
    TooMuchSent,
    WatchedKernel,
)

STOPPING = (
    "timeout",
    "kernel-died",
    "print-limit",
    "output-limit",
    "memory-limit",
    "file-limit",
    "intruder",
)  # no further cell is run


class GradedNotebook(nbval.plugin.IPyNbFile):
    """A rebuilt notebook: how its cells are treated stands in the grader's own metadata."""

    grading: GradingPlugin
    stopped: str | None = None  # why no further cell is run
    answered = False  # whether a cell that is not the lab's own has been run

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
        notebook = self.parent
        limit = self._seconds()
        if notebook.stopped:
            self._report(notebook.stopped, reached=False)
            pytest.skip(f"not reached: {notebook.stopped}")
        if self._visible_part_stopped():
            self._report("skipped", reached=False)
            pytest.skip("the check's visible part has failed")
        if not notebook.kernel.is_alive():  # the cell before ended it, as it came to its own end
            notebook.stopped = "kernel-died"
            self._report("kernel-died", reached=False)
            pytest.skip("not reached: kernel-died")
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

    def _seconds(self) -> float:
        """Return how long the cell may take; set-up, which is the lab's, has time to load."""
        settings, notebook = self.parent.grading.settings, self.parent
        notebook.answered |= self.cell.metadata.mmlearn.role != "other"
        seconds = settings["cell_timeout"]
        if not notebook.answered:
            seconds = max(seconds, settings["startup_timeout"])
        self.config.option.nbval_cell_timeout = seconds  # where nbval looks
        return seconds

    def compare_outputs(self, test, ref, skip_compare=None):
        """Compare what the check printed, visible and hidden part together, with the reference."""
        ours = self.cell.metadata.mmlearn
        printed = self.parent.printed[ours.grade_id] + _printed(test)
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
        if isinstance(error, TooMuchPrinted):
            return "print-limit"
        if isinstance(error, TooMuchSent):
            return "output-limit"
        if isinstance(error, TooMuchMemory):
            return "memory-limit"
        if isinstance(error, TooManyFiles):
            return "file-limit"
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
        text = _printed(self.test_outputs or []) if reached else ""
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


def _printed(outputs) -> str:
    """Return what the check printed; what the student's code did is none of it (see `inside`)."""
    return "".join(output.data.get(PRINTED, "") for output in outputs if "data" in output)


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
