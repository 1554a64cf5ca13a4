"""Run a rebuilt notebook in a process group of its own and return what happened to each cell."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from mmlearn.doctor import ROOT
from mmlearn.grading.run.cell import RunCell
from mmlearn.grading.run.channel import RunReport, read_lines
from mmlearn.grading.run.ending import PREFIX, end_box, end_group, remove
from mmlearn.grading.run.limits import CELL_TIMEOUT, CELLS_IN_ALL, STARTUP_TIMEOUT
from mmlearn.grading.run.names import bound_names
from mmlearn.grading.run.sandbox import (
    Run,
    end_command,
    folder_for_runs,
    kernel_command,
    prepare,
)

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_UNWANTED = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTHONSTARTUP", "PYTHONHOME", "JPY_PARENT_PID")

_running: set[subprocess.Popen] = set()  # workers that a stopped batch must not leave behind
_stopped = threading.Event()  # no further worker is started


def longest(cell_timeout: float) -> float:
    """Return the seconds that the grading of one submission may take."""
    return STARTUP_TIMEOUT + CELLS_IN_ALL * cell_timeout


def run_notebook(
    cells: list[RunCell],
    cell_timeout: float = CELL_TIMEOUT,
    sandbox: str = "none",
    seconds: float | None = None,
) -> RunReport:
    """Run the cells in a fresh kernel; a cell that takes longer than `cell_timeout` s ends the run.

    So does the whole, once it takes longer than `seconds` (`longest`, if not given).
    The kernel's working folder is new and empty. The notebook, the kernel's connection file and
    IPython's profile lie in another folder, which is private and removed afterwards.
    """
    notebook = _notebook(cells)
    private = Path(tempfile.mkdtemp(prefix=PREFIX, dir=folder_for_runs(sandbox)))
    limit = longest(cell_timeout) if seconds is None else seconds
    run = Run(str(private / "runtime"), seconds=int(limit) + 1)
    try:
        for name in ("runtime", "work", "ipython"):
            (private / name).mkdir(mode=0o700)
        prepare(sandbox, run)
        settings = _settings(private, run, cell_timeout, sandbox)
        Path(settings["ini"]).write_text("[pytest]\n")
        Path(settings["notebook"]).write_text(notebook, encoding="utf-8")
        return _run_worker(settings, limit)
    finally:
        end_box(end_command(sandbox, run))
        remove(private)


def _settings(private: Path, run: Run, cell_timeout: float, sandbox: str) -> dict:
    connection = str(private / "runtime" / "kernel.json")
    launcher = "ipykernel_launcher" if sandbox == "none" else "mmlearn.grading.run.enter"
    kernel = [sys.executable, "-m", launcher, "-f", connection]
    return {
        "key": secrets.token_hex(32),
        "private": str(private),
        "parent": os.getpid(),
        "ini": str(private / "pytest.ini"),
        "notebook": str(private / "graded.ipynb"),
        "work": str(private / "work"),
        "connection": connection,
        "begin": _call("begin"),
        "kernel": kernel_command(kernel, sandbox, run),
        "end_box": end_command(sandbox, run),
        "user": run.user if sandbox != "none" else None,
        "cell_timeout": float(cell_timeout),
        "startup_timeout": STARTUP_TIMEOUT,
        "env": _environment(private),
    }


def _environment(private: Path) -> dict[str, str]:
    """Return the environment of worker and kernel: one thread, a fresh IPython, this package."""
    env = {key: value for key, value in os.environ.items() if key not in _UNWANTED}
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), env.get("PYTHONPATH")]))
    env.update(dict.fromkeys(_ONE_THREAD, "1"))
    env["JUPYTER_RUNTIME_DIR"] = str(private / "runtime")
    env["IPYTHONDIR"] = str(private / "ipython")
    env["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    env["PYTHONUTF8"] = "1"
    if env.get("MMLEARN_DATA"):
        env["MMLEARN_DATA"] = os.path.abspath(env["MMLEARN_DATA"])
    return env


def _notebook(cells: list[RunCell]) -> str:
    from nbformat import v4, writes

    notebook = v4.new_notebook()
    for number, cell in enumerate(cells):
        ours = {"role": cell.role, "grade_id": cell.grade_id, "rtol": cell.rtol, "atol": cell.atol}
        tags, outputs = [], []
        if cell.reference is not None:
            ours["reference"] = "prefix" if cell.prefix else "whole"
            tags = ["nbval-check-output"]
            outputs = [v4.new_output("stream", name="stdout", text=cell.reference)]
        notebook.cells.append(
            v4.new_code_cell(
                _sent(cell),
                id=f"cell-{number}",
                metadata={"tags": tags, "mmlearn": ours},
                # nbval compares no cell that was never executed.
                execution_count=number + 1,
                outputs=outputs,
            )
        )
    return writes(notebook)


def _sent(cell: RunCell) -> str:
    """Return what the kernel is sent for a cell: checks run by `inside`, answers as they are."""
    if cell.role == "check":
        return _call("check", cell.grade_id, cell.source, cell.answers)
    if cell.role == "hidden":
        return _call("hidden", cell.grade_id, cell.source)
    if cell.role == "fresh":
        return _call("fresh")
    names = sorted(bound_names(cell.source)) if cell.role == "other" else []
    if not names or cell.source.lstrip().startswith("%%"):
        return cell.source
    return f"{cell.source}\n{_call('keep', *names)}"


def _call(function: str, *arguments) -> str:
    module = "__import__('mmlearn.grading.run.inside', fromlist=['_'])"
    return f"{module}.{function}({', '.join(map(repr, arguments))})"


def _run_worker(settings: dict, limit: float) -> RunReport:
    if _stopped.is_set():
        return RunReport(trouble="grading was stopped")
    worker = subprocess.Popen(
        [sys.executable, "-m", "mmlearn.grading.run.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=settings["private"],
        env=settings["env"],
        start_new_session=True,
    )
    orders = json.dumps(settings).encode()
    report = RunReport()
    _running.add(worker)
    try:
        out, err = worker.communicate(orders, timeout=limit)
        read_lines(report, out, settings["key"])
    except subprocess.TimeoutExpired as expired:
        report.out_of_time = True
        kernel = read_lines(report, expired.output or b"", settings["key"])
        _end(worker, kernel)
        out, err = worker.communicate()
        read_lines(report, out, settings["key"])
    finally:
        _running.discard(worker)
        if worker.poll() is None:  # Ctrl-C: leave no process behind
            _end(worker, None)
            worker.wait()
    if not (report.finished or report.out_of_time or report.trouble):
        report.trouble = _last_line(err) or f"the worker ended with status {worker.returncode}"
    return report


def allow_runs() -> None:
    """Take back what `end_running` said: a new batch begins."""
    _stopped.clear()


def end_running() -> None:
    """End every run of this process and start no other; a kernel ends with its worker."""
    _stopped.set()
    for worker in list(_running):
        _end(worker, None)


def _end(worker: subprocess.Popen, kernel: int | None) -> None:
    for pid in filter(None, (kernel, worker.pid)):
        end_group(pid)


def _last_line(err: bytes) -> str:
    lines = err.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:300] if lines else ""
