"""One notebook run from top to bottom: on the CPU, in an empty folder, with downloads blocked."""

from __future__ import annotations

import os
import tempfile
import time

from nbformat import NotebookNode

from tools.course.outputs import code_cells, tidy_outputs

CELL_SECONDS = 300


def execute(notebook) -> tuple[NotebookNode, float, list[str]]:
    """Run a notebook in an empty folder; return it, the seconds taken, and what is wrong."""
    name = "{unit} {kind}".format(**notebook.metadata.mmlearn)
    start = time.perf_counter()
    problems = [f"{name}: {text}" for text in _run(notebook)]
    seconds = time.perf_counter() - start
    for cell in code_cells(notebook):
        problems += [f"{name}, cell {cell.id}: {text}" for text in tidy_outputs(cell)]
    return notebook, seconds, problems


def _run(notebook) -> list[str]:
    """Run the cells in place; return where and why it stopped, if it did."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellControlSignal, DeadKernelError

    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook,
            kernel_name="python3",
            timeout=CELL_SECONDS,
            resources={"metadata": {"path": folder}},
            record_timing=False,
            extra_arguments=["--log-level=ERROR"],
            coalesce_streams=True,
        )
        try:
            client.execute(env=_environment())
        except (CellControlSignal, DeadKernelError) as error:
            started = [cell.id for cell in notebook.cells if cell.get("execution_count")]
            what = (str(error).strip() or type(error).__name__).splitlines()[0]
            if hasattr(error, "ename"):  # a cell raised: its name and message say it best
                what = f"{error.ename}: {error.evalue}"
            return [f"stopped at {(started or ['its start'])[-1]}: {what}"]
    return []


def _environment() -> dict[str, str]:
    nowhere = "http://127.0.0.1:9"  # a closed port: a notebook must not need a download
    env = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "HF_HUB_OFFLINE": "1"}
    env |= {name: nowhere for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")}
    env.pop("MPLBACKEND", None)  # the kernel's own, which stores figures in the notebook
    return env
