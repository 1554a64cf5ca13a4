"""Grade one submission, or a folder of them in parallel, resuming what is done."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from pathlib import Path

from mmlearn.grading import GRADER_VERSION, GradingError
from mmlearn.grading.execute import end_running, run_notebook
from mmlearn.grading.gradebook import (
    read_record,
    record_path,
    write_file,
    write_gradebook,
    write_record,
)
from mmlearn.grading.rebuild import Lab, empty_of, rebuild, solution_of
from mmlearn.grading.score import as_records, overall, score
from mmlearn.grading.submission import (
    Submission,
    UnreadableSubmission,
    digest,
    parse_submission,
    read_bytes,
    student_name,
)


def key_of(lab: Lab, data: bytes, timeout: float, sandbox: str) -> str:
    """Return the key under which a result holds: everything that it depends on, hashed."""
    parts = (GRADER_VERSION, lab.unit, lab.hash, digest(data), f"{timeout:g}", sandbox)
    return digest("\n".join(parts).encode())


def grade_file(path: Path, lab: Lab, timeout: float, sandbox: str = "none") -> dict:
    """Grade one notebook and return its record; whatever happens becomes a status, no exception."""
    record = _blank(path, lab, sandbox)
    try:
        data = read_bytes(path)
        record["key"] = key_of(lab, data, timeout, sandbox)
        submission = parse_submission(data)
    except UnreadableSubmission as error:
        return _without_run(record, lab, "unreadable", str(error))
    except Exception as error:  # a batch must not stop at one student
        return _without_run(record, lab, "grader-error", f"{type(error).__name__}: {error}")
    try:
        return record | grade_submission(submission, lab, timeout, sandbox)
    except Exception as error:
        return _without_run(record, lab, "grader-error", f"{type(error).__name__}: {error}")


def _blank(path: Path, lab: Lab, sandbox: str) -> dict:
    return {
        "student": student_name(Path(path)),
        "lab": lab.unit,
        "max_points": lab.max_points,
        "written": [{"grade_id": name, "max_points": points} for name, points in lab.written],
        "notes": [],
        "message": "",
        "sandbox": sandbox,
        "grader": GRADER_VERSION,
        "key": "",
    }


def grade_submission(submission: Submission, lab: Lab, timeout: float, sandbox: str) -> dict:
    """Rebuild, run and score one submission; return status, points, checks and notes."""
    rebuilt = rebuild(lab, submission)
    report = run_notebook(rebuilt.cells, timeout, sandbox)
    results = score(lab, rebuilt, report, timeout)
    status = overall(results)
    unknown = any(result.points is None for result in results)
    return {
        "status": status,
        "points": None if unknown else sum(result.points for result in results),
        "checks": as_records(results),
        "notes": rebuilt.notes,
        "message": f"The grader failed: {results[0].message}." if unknown else "",
    }


def _without_run(record: dict, lab: Lab, status: str, message: str) -> dict:
    points = None if status == "grader-error" else 0.0
    checks = [
        {
            "grade_id": check.grade_id,
            "status": status,
            "points": points,
            "max_points": check.points,
            "message": "",
            "exercise": check.exercise,
        }
        for check in lab.checks
    ]
    return record | {"status": status, "points": points, "checks": checks, "message": message}


def verify_lab(lab: Lab, out: Path, timeout: float, sandbox: str) -> None:
    """Make sure that the solution scores 100 % and the empty lab 0 %; remembered in `out`.

    Raises
    ------
    GradingError
        If one of them does not: then no submission can be graded fairly.
    """
    empty = _empty_lab(lab)
    stored = out / "json" / "verified.json"
    key = digest(f"{key_of(lab, repr(empty).encode(), 0, sandbox)}".encode())
    try:
        verified = json.loads(stored.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        verified = []
    if key in verified:
        return
    for name, submission, wanted in (("solution", solution_of(lab), True), ("empty", empty, False)):
        result = grade_submission(submission, lab, timeout, sandbox)
        for check in result["checks"]:
            if (check["status"] == "passed") != wanted or check["status"] == "grader-error":
                raise GradingError(_unfit(lab, name, check))
    write_file(stored, json.dumps([*verified, key]) + "\n")


def _unfit(lab: Lab, name: str, check: dict) -> str:
    if check["status"] == "grader-error":
        what = f"the grader cannot run it ({check['message']})"
    elif name == "solution":
        what = f"its own solution gets {check['status']} at check {check['grade_id']!r}"
        what += f" ({check['message']})"
    else:
        what = f"the unanswered lab passes check {check['grade_id']!r}"
    return f"{lab.path}: {what}, so nothing was graded; repair the lab and build it again."


def _empty_lab(lab: Lab) -> Submission:
    """Return the lab as it is handed out, where it stands beside the solutions; else make it."""
    handed_out = lab.path.parent.parent / "labs" / lab.path.name
    try:
        return parse_submission(read_bytes(handed_out))
    except UnreadableSubmission:
        return empty_of(lab)


def grade_folder(
    folder: Path,
    lab: Lab,
    out: Path,
    *,
    timeout: float,
    jobs: int = 1,
    sandbox: str = "none",
    executor: Executor | None = None,
    say: Callable[[str], None] = print,
) -> list[dict]:
    """Grade each notebook of a folder; return the records, in the order of the students' names.

    Each submission runs in a process group of its own, `jobs` at a time; a thread waits for each.
    Any `concurrent.futures.Executor` can be given instead. A result that is stored already for the
    same submission, lab and grader is not made again, and the gradebook is rebuilt from what is
    stored.

    Raises
    ------
    GradingError
        If the folder holds no notebooks, or the lab is not fit to be graded (`verify_lab`).
    """
    paths = submissions_in(folder)
    todo, records = [], {}
    for path in paths:
        stored = _stored(path, lab, out, timeout, sandbox)
        if stored is None:
            todo.append(path)
        else:
            records[path] = stored
    if todo:
        say(f"Checking the lab itself: {lab.path} must score 100 %, the empty lab 0 %.")
        verify_lab(lab, out, timeout, sandbox)
    if records:
        say(f"{len(records)} of {len(paths)} submissions are graded already: kept.")
    started = time.monotonic()
    pool = executor or ThreadPoolExecutor(max_workers=max(1, jobs))
    try:
        futures = {pool.submit(grade_file, path, lab, timeout, sandbox): path for path in todo}
        for done, future in enumerate(as_completed(futures), start=1):
            path = futures[future]
            records[path] = record = _result(future, path, lab, sandbox)
            write_record(out, path.stem, record)
            left = (time.monotonic() - started) / done * (len(todo) - done)
            say(f"[{done}/{len(todo)}] {one_line(record)}, about {left:.0f} s left")
    except KeyboardInterrupt:
        end_running()
        raise
    finally:
        if executor is None:
            pool.shutdown(cancel_futures=True)
        write_gradebook(out)
    return [records[path] for path in paths]


def _result(future: Future, path: Path, lab: Lab, sandbox: str) -> dict:
    try:
        return future.result()
    except Exception as error:  # the executor lost its worker
        message = f"{type(error).__name__}: {error}"
        return _without_run(_blank(path, lab, sandbox), lab, "grader-error", message)


def submissions_in(folder: Path) -> list[Path]:
    """Return the notebooks of a folder, by name.

    Raises
    ------
    GradingError
        If there is none.
    """
    paths = sorted(p for p in Path(folder).glob("*.ipynb") if not p.name.startswith("."))
    if not paths:
        raise GradingError(f"{folder} holds no submissions: put one .ipynb per student into it.")
    return paths


def _stored(path: Path, lab: Lab, out: Path, timeout: float, sandbox: str) -> dict | None:
    record = read_record(record_path(out, lab.unit, path.stem))
    if record is None or record["status"] == "grader-error":
        return None
    try:
        key = key_of(lab, read_bytes(path), timeout, sandbox)
    except UnreadableSubmission:
        return None  # cheap to do again
    return record if record.get("key") == key else None


def one_line(record: dict) -> str:
    """Return a record as a line for the terminal."""
    points = "?" if record["points"] is None else f"{record['points']:g}"
    name = record["student"].encode("utf-8", "replace").decode("utf-8")
    return f"{name}: {record['status']}, {points} of {record['max_points']:g}"
