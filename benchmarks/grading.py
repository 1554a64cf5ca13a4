"""Grading a class: throughput, overhead against plain pytest --nbval, memory, kill and resume.

python -m benchmarks grading            the class of 100, in about ten minutes
python -m benchmarks.grading 20 3       20 submissions, killed three times
"""

import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat

from mmlearn.grading.run.sandbox import unavailable

ROOT = Path(__file__).parents[1]
LAB = "02_linear_cca"
JOBS = 2

HOSTILE = (
    "import os\nos._exit(0)",
    "import sys\nsys.exit(0)",
    "while True:\n    print('x' * 1000)",
    "while True:\n    pass",
    "hoard = bytearray(10**11)",
    "import os\nfor _ in range(50):\n    os.fork()",
)


def make_class(folder, n, seed=0):
    """Write n submissions: 60 % right, 30 % wrong, 10 % hostile; return the right ones."""
    rng = random.Random(seed)
    wrong = sorted((ROOT / "tests" / "mutants" / LAB).glob("*/wrong_*.py"))
    right = []
    for i in range(n):
        notebook = nbformat.read(ROOT / "labs" / f"{LAB}_lab.ipynb", as_version=4)
        fill(notebook)
        path = folder / f"student {i:03d}.ipynb"
        if i % 10 == 9:
            first(notebook).source = HOSTILE[(i // 10) % len(HOSTILE)]
        elif i % 10 >= 6:
            mistake = rng.choice(wrong)
            cells = {c.metadata.get("nbgrader", {}).get("grade_id"): c for c in notebook.cells}
            cells[mistake.parent.name].source = mistake.read_text()
        else:
            right.append(path)
        nbformat.write(notebook, path)
    return right


def fill(notebook):
    """Put the instructor's solutions into an unanswered lab."""
    solved = nbformat.read(ROOT / "solutions" / f"{LAB}_lab.ipynb", as_version=4)
    sources = {
        cell.metadata.nbgrader.grade_id: cell.source
        for cell in solved.cells
        if cell.metadata.get("mmlearn", {}).get("role") == "solution"
    }
    for cell in notebook.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = sources.get(grade_id, cell.source)


def first(notebook):
    """Return the first cell to fill in."""
    roles = [cell.metadata.get("mmlearn", {}).get("role") for cell in notebook.cells]
    return notebook.cells[roles.index("solution")]


def grade(folder, out, jobs=JOBS):
    box = "none" if unavailable("bwrap") else "bwrap"
    command = [sys.executable, "-m", "mmlearn", "grade", str(folder), "--lab", LAB]
    command += ["--out", str(out), "--jobs", str(jobs), "--timeout", "20", "--sandbox", box]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)


def seconds_of(process):
    started = time.perf_counter()
    if process.wait():
        raise RuntimeError(f"grading ended with status {process.returncode}")
    return time.perf_counter() - started


def plain_nbval(paths):
    """Seconds of pytest --nbval-lax on each notebook, one process and one notebook at a time."""
    started = time.perf_counter()
    for path in paths:
        command = [sys.executable, "-m", "pytest", "-q", "--nbval-lax", "-pno:cacheprovider"]
        command.append(path.name)
        subprocess.run(command, cwd=path.parent, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def overhead(folder, right, scratch, repeats=3):
    """Seconds per submission, ours and plain, one at a time, in turns on the same notebooks."""
    few = scratch / "few"
    few.mkdir()
    chosen = [few / path.name for path in right[:5]]
    for path in chosen:
        path.write_bytes((folder / path.name).read_bytes())
    empty = scratch / "warm"  # the lab itself is checked once, and is not part of a submission
    seconds_of(grade(few, empty, jobs=1))
    ours, plain = [], []
    for i in range(repeats):
        out = scratch / f"few-{i}"
        (out / "json").mkdir(parents=True)
        verified = (empty / "json" / "verified.json").read_bytes()
        (out / "json" / "verified.json").write_bytes(verified)
        ours.append(seconds_of(grade(few, out, jobs=1)) / len(chosen))
        plain.append(plain_nbval(chosen) / len(chosen))
    return min(ours), min(plain)


def kill_and_resume(folder, out, kills, longest, seed=1):
    """Grade, killed with SIGKILL at random moments; return how often it was really killed."""
    rng, killed = random.Random(seed), 0
    while killed < kills:
        process = grade(folder, out)
        try:
            process.wait(timeout=rng.uniform(0.5, longest))
            break  # it came to its end before the moment came
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            killed += 1
    grade(folder, out).wait()
    return killed


def main(n=100, kills=10):
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        folder = scratch / "submissions"
        folder.mkdir()
        right = make_class(folder, n)
        ours, plain = overhead(folder, right, scratch)
        print(f"one right submission of {LAB}, one at a time, one thread:")
        print(f"  graded {ours:.2f} s, plain pytest --nbval-lax {plain:.2f} s, ", end="")
        print(f"overhead {ours - plain:+.2f} s, ratio {ours / plain:.2f}")
        whole = seconds_of(grade(folder, scratch / "whole"))
        print(f"class of {n} (60 % right, 30 % wrong, 10 % hostile), {JOBS} jobs: {whole:.0f} s, ")
        print(f"  {60 * n / whole:.1f} a minute; a class of 300: {300 * whole / n / 60:.0f} min")
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"  largest process: {peak:.0f} MB")
        killed = kill_and_resume(folder, scratch / "resumed", kills, longest=whole / kills)
        same = all(
            (scratch / "whole" / name).read_bytes() == (scratch / "resumed" / name).read_bytes()
            for name in ("gradebook.csv", f"overview/{LAB}.html")
        )
        print(f"  killed {killed} times and resumed: gradebook and overview the same: {same}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
