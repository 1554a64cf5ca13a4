"""Write the notebooks, run those whose code has changed, and renew README's table."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from mmlearn.notebook import FOLDERS, file_name
from tools.course import files
from tools.course.assemble import build_unit
from tools.course.model import Course, load_course, select
from tools.course.outputs import adopt_outputs, code_digest
from tools.course.run import execute


def build(root: Path, names: tuple[str, ...] = (), run=False, force=False, jobs=1) -> list[str]:
    """Write the notebooks of the named units (all by default); return the problems."""
    course = load_course(root)
    pending = []
    for unit in select(course, names):
        for kind, notebook in build_unit(course, unit).items():
            path = root / FOLDERS[kind] / file_name(unit.id, kind)
            stale = kind != "lab" and not adopt_outputs(notebook, files.read_stored(path))
            files.write(path, files.dump(notebook))
            if run and kind != "lab" and (stale or force):
                pending.append((path, notebook))
    problems = _run_all(course, pending, jobs)
    readme = files.readme_text(course)
    if readme:
        files.write(root / "README.md", readme[1])
    return problems + [
        message for name in names or course.units for message in files.too_large(root, name)
    ]


def _run_all(course: Course, pending: list, jobs: int) -> list[str]:
    """Run notebooks, `jobs` at a time, and store those without a problem."""
    problems = []
    with ProcessPoolExecutor(min(jobs, len(pending)) or 1) as pool:
        results = pool.map(execute, [notebook for _, notebook in pending])
        for (path, fresh), (executed, seconds, wrong) in zip(pending, results, strict=True):
            problems += wrong
            if not wrong:
                _store(course, path, fresh, executed, seconds)
    return problems


def _store(course: Course, path: Path, notebook, executed, seconds: float) -> None:
    """Write an executed notebook and the seconds it took."""
    executed.metadata.mmlearn["executed"] = code_digest(executed)
    adopt_outputs(notebook, executed)
    files.write(path, files.dump(notebook))
    which = notebook.metadata.mmlearn
    files.write_timing(course.root, which.unit, which.kind, seconds)
    print(f"{path.relative_to(course.root)}: executed in {seconds:.1f} s", flush=True)
