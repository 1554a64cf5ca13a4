"""Run a rebuilt notebook in a process group of its own and return what happened to each cell."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path

from mmlearn.grading.rebuild import RunCell
from mmlearn.grading.sandbox import Run, end_command, kernel_command, prepare
from mmlearn.grading.worker import end_box, remove, sign

STARTUP_TIMEOUT = 60.0
CELL_TIMEOUT = 60.0
# The whole notebook may take five of its slowest cells: a legitimate lab needs less than one.
CELLS_IN_ALL = 5
MAX_PRINTED = 1_000_000  # characters that one cell may print
MAX_SENT = 20_000_000  # characters of all that one cell may show, figures included

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_UNWANTED = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTHONSTARTUP", "PYTHONHOME", "JPY_PARENT_PID")

_running: set[subprocess.Popen] = set()  # workers that a stopped batch must not leave behind
_stopped = threading.Event()  # no further worker is started


@dataclass
class RunReport:
    """Per cell what the worker reported; whether it finished, and why not."""

    cells: dict[int, dict] = field(default_factory=dict)
    finished: bool = False
    out_of_time: bool = False
    trouble: str = ""


def run_notebook(
    cells: list[RunCell], cell_timeout: float = CELL_TIMEOUT, sandbox: str = "none"
) -> RunReport:
    """Run the cells in a fresh kernel; a cell that takes longer than `cell_timeout` s ends the run.

    The kernel's working folder is new and empty. The notebook, the kernel's connection file and
    IPython's profile lie in another folder, which is private and removed afterwards.
    """
    private = Path(tempfile.mkdtemp(prefix="mmlearn-grade-"))
    limit = STARTUP_TIMEOUT + CELLS_IN_ALL * cell_timeout
    run = Run(str(private / "runtime"), seconds=int(limit) + 1)
    try:
        for name in ("runtime", "work", "ipython"):
            (private / name).mkdir(mode=0o700)
        prepare(sandbox, run)
        settings = _settings(private, run, cell_timeout, sandbox)
        Path(settings["ini"]).write_text("[pytest]\n")
        Path(settings["notebook"]).write_text(_notebook(cells), encoding="utf-8")
        return _run_worker(settings, limit)
    finally:
        end_box(end_command(sandbox, run))
        remove(private)


def end_group(pid: int) -> None:
    """Kill a process group that was started for grading; it may have ended already."""
    try:
        if hasattr(os, "killpg"):
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGTERM)
    except (ProcessLookupError, PermissionError):
        pass


def _settings(private: Path, run: Run, cell_timeout: float, sandbox: str) -> dict:
    connection = str(private / "runtime" / "kernel.json")
    kernel = [sys.executable, "-m", "ipykernel_launcher", "-f", connection]
    return {
        "key": secrets.token_hex(32),
        "private": str(private),
        "ini": str(private / "pytest.ini"),
        "notebook": str(private / "graded.ipynb"),
        "work": str(private / "work"),
        "connection": connection,
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
    package_parent = str(Path(__file__).resolve().parents[2])
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [package_parent, env.get("PYTHONPATH")]))
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
                cell.source,
                id=f"cell-{number}",
                metadata={"tags": tags, "mmlearn": ours},
                # nbval compares no cell that was never executed.
                execution_count=number + 1,
                outputs=outputs,
            )
        )
    return writes(notebook)


def _run_worker(settings: dict, limit: float) -> RunReport:
    if _stopped.is_set():
        return RunReport(trouble="grading was stopped")
    worker = subprocess.Popen(
        [sys.executable, "-m", "mmlearn.grading.worker"],
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
        _read(report, out, settings["key"])
    except subprocess.TimeoutExpired as expired:
        report.out_of_time = True
        kernel = _read(report, expired.output or b"", settings["key"])
        _end(worker, kernel)
        out, err = worker.communicate()
        _read(report, out, settings["key"])
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


def _read(report: RunReport, out: bytes, key: str) -> int | None:
    """Add the signed lines of `out` to the report, up to the first that is not; return the kernel's
    process id."""
    kernel = None
    for number, line in enumerate(out.splitlines()):
        try:
            envelope = json.loads(line)
            if not secrets.compare_digest(
                envelope["signature"], sign(key, number, envelope["body"])
            ):
                break
            message = json.loads(envelope["body"])
        except (ValueError, KeyError, TypeError):
            break
        kernel = message.get("kernel", kernel)
        report.trouble = message.get("trouble", report.trouble)
        report.finished = report.finished or "finished" in message
        if "cell" in message:
            report.cells[message["cell"]] = message
    return kernel


def _last_line(err: bytes) -> str:
    lines = err.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:300] if lines else ""
