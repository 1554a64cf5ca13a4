"""Grade what a class handed in: in parallel, resuming what is done, and never stopped by one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from mmlearn.grading.errors import GradingError, UnreadableSubmission
from mmlearn.grading.intake.collect import Handed, collect, read_handed
from mmlearn.grading.judge.rebuild import Lab
from mmlearn.grading.judge.statuses import GRADER_VERSION
from mmlearn.grading.records import read_record, record_path, remove_unfinished, write_record
from mmlearn.grading.report.gradebook import csv_style, read_cohorts, write_reports
from mmlearn.grading.roster.classroom import Rules, attend, class_zone, notice
from mmlearn.grading.roster.manual import Key, Mark, read_manual, update_manual
from mmlearn.grading.run.execute import allow_runs, end_running
from mmlearn.grading.run.sandbox import exposed, unavailable
from mmlearn.grading.single import (
    grade_again,
    grade_bytes,
    key_of,
    needs_another_run,
    verify_lab,
    without_run,
)
from mmlearn.storage.files import make_folder

Log = Callable[[str], None]


def grade_class(
    path: Path,
    lab: Lab,
    out: Path,
    *,
    timeout: float,
    sandbox: str,
    jobs: int = 1,
    executor: Executor | None = None,
    rules: Rules | None = None,
    again: tuple[str, ...] = (),
    log: Log = print,
) -> list[dict]:
    """Grade each submission of a class; return the records, in the order of the students' names.

    Each submission runs in processes of its own, `jobs` at a time; a thread waits for each. Any
    `concurrent.futures.Executor` can be given instead. A result that is stored already for the
    same submission, lab and grader is not made again, unless its student is named in `again`: then
    only those students are graded. The gradebook is made from what is stored, whenever this ends.

    Raises
    ------
    GradingError
        If nothing was handed in, a student in `again` is unknown, a mark by hand is nobody's, the
        box does not work here, or the lab is not fit to be graded (`verify_lab`).
    """
    _refuse_open_box(sandbox, lab, out, path)
    rules = rules or Rules()
    intake = collect(path, lab.unit, out, class_zone(out, lab.unit, rules))
    with only_one(out):
        remove_unfinished(out)
        csv_style(out, rules.csv)
        marks = _marks(out, rules.manual)
        handed = attend(intake, lab, out, rules)
        read_cohorts(out, marks)  # a mark that is nobody's is told before hours of work
        for sentence in intake.unknown:
            log(f"Not a submission: {sentence}")
        kept = {h.stem for h in handed if _stored(h, lab, out, timeout, sandbox) is not None}
        todo = _todo(handed, again, kept)
        if todo:
            log(f"Checking the lab itself: {lab.path} must score 100 %, the empty lab 0 %.")
            verify_lab(lab, out, timeout, sandbox)
        for sentence in _told(handed, todo, kept):
            log(sentence)
        allow_runs()
        pool = executor or ThreadPoolExecutor(max_workers=jobs)
        try:
            failed = _grade_all(todo, lab, out, timeout, sandbox, jobs, pool, log)
            if failed:
                log(f"{len(failed)} could not be graded: once more, one at a time.")
                _grade_all(failed, lab, out, timeout, sandbox, 1, pool, log)
            if len(handed) > 1:
                _grade_starved(todo if again else handed, lab, out, timeout, sandbox, pool, log)
        except BaseException:
            end_running()
            raise
        finally:
            if executor is None:
                pool.shutdown(cancel_futures=True)
            _report(out, lab, handed, marks, log)
        stored = (read_record(record_path(out, lab.unit, h.stem)) for h in handed)
        return [record for record in stored if record is not None]


def _marks(out: Path, given: Path | None) -> dict[Key, Mark]:
    """Return the points of `given`; a table that cannot be read is told before hours of work."""
    if (out / "manual.csv").exists():
        read_manual(out / "manual.csv")
    return read_manual(given) if given is not None else {}


def _report(out: Path, lab: Lab, handed: list[Handed], marks: dict[Key, Mark], log: Log) -> None:
    """Write the reports; a student whose file name changed keeps one result only."""
    stems, notices, stored = {one.student: one.stem for one in handed}, [], set()
    for path in sorted(record_path(out, lab.unit, "x").parent.glob("*.json")):
        record = read_record(path)
        if record is None:
            continue
        name = record["student"]
        stored.add(name)
        if stems.get(name, path.stem) != path.stem:
            path.unlink()
        elif name not in stems:
            file = path.relative_to(out).as_posix()
            notices.append(f"{name}: graded before, but not handed in now; {file} is kept.")
        elif record.get("lab_hash") != lab.hash:
            notices.append(f"{name}: graded with another version of the lab; grade everybody.")
    waiting = [name for name in stems if name not in stored]
    if waiting:
        more = f" and {len(waiting) - 20} more" if len(waiting) > 20 else ""
        names = ", ".join(waiting[:20])
        notices.append(f"Not graded yet: {names}{more}. Run the same command without --student.")
    notice(out, lab, notices, waiting)
    for sentence in notices:
        log(sentence)
    write_reports(out)
    if marks:
        update_manual(out / "manual.csv", (), marks)
        write_reports(out)


def _refuse_open_box(sandbox: str, lab: Lab, out: Path, path: Path) -> None:
    """Refuse a box that does not work here, or through which grades or solutions would be seen."""
    reason = unavailable(sandbox)
    if reason:
        raise GradingError(
            f"The sandbox {sandbox!r} does not work here ({reason}): install it, choose another "
            "with --sandbox, or, for submissions that you trust, say --sandbox none."
        )
    if sandbox == "none":
        return
    for secret in (lab.path.parent, out, path):
        seen = exposed(secret)
        if seen is not None:
            raise GradingError(
                f"{secret} lies in {seen}, which the kernel may read: move it out of there."
            )


def _todo(handed: list[Handed], again: tuple[str, ...], kept: set[str]) -> list[Handed]:
    """Return whom to grade; `kept` are the file names of those who have a result already."""
    if not again:
        return [one for one in handed if one.stem not in kept]
    names = {one.student: one for one in handed} | {one.stem: one for one in handed}
    for name in again:
        if name not in names:
            known = ", ".join(one.student for one in handed[:20])
            raise GradingError(f"--student {name!r} handed nothing in; those who did: {known}.")
    return list(dict.fromkeys(names[name] for name in again))


def _told(handed: list[Handed], todo: list[Handed], kept: set[str]) -> list[str]:
    """Return what becomes of those who are not graded now."""
    others = [one for one in handed if one not in todo]
    done = sum(one.stem in kept for one in others)
    sentences = []
    if done:
        sentences.append(f"{done} of {len(handed)} submissions are graded already: kept.")
    if waiting := len(others) - done:
        sentences.append(f"{waiting} of {len(handed)} submissions are not graded by this run.")
    return sentences


def _grade_all(todo, lab, out, timeout, sandbox, jobs, pool, log) -> list[Handed]:
    """Grade and store; return whom the grader itself failed, as on a machine that is too busy."""
    started, failed = time.monotonic(), set()
    for done, record in enumerate(_results(todo, lab, timeout, sandbox, jobs, pool), 1):
        write_record(out, record)
        if record["status"] == "grader-error":
            failed.add(record["stem"])
        left = (time.monotonic() - started) / done * (len(todo) - done)
        log(f"[{done}/{len(todo)}] {one_line(record)}, about {_duration(left)} left")
    return [one for one in todo if one.stem in failed]


def _grade_starved(handed: list[Handed], lab, out, timeout, sandbox, pool, log) -> None:
    """Run once more, with nothing beside it, what took too long or lost its kernel.

    Another student's code may have held the machine. Each record says whether that was done, so
    that a run that goes on after a stop does it, too.
    """
    starved = []
    for one in handed:
        record = read_record(record_path(out, lab.unit, one.stem))
        if record and not record.get("twice") and needs_another_run(record):
            starved.append((one, record))
    if starved:
        log(f"{len(starved)} took too long or lost their kernel: once more, one at a time.")
    for one, record in starved:
        try:
            found = {"checks": record["checks"], "notes": record["graded_notes"]}
            data = read_handed(one)
            found = pool.submit(grade_again, data, lab, timeout, sandbox, found).result()
        except Exception as error:  # what was found first stays
            log(f"{one.student}: not run again ({type(error).__name__}: {error}).")
            continue
        record |= found | {"twice": True, "graded_notes": found["notes"]}
        write_record(out, _signed(one, record))
        log(one_line(record))


def _results(todo, lab, timeout, sandbox, jobs, pool) -> Iterator[dict]:
    """Yield each record as it is done; few submissions are held in memory at a time."""
    queue, pending = iter(todo), {}
    while True:
        for one in islice(queue, 2 * jobs - len(pending)):
            key, future = _submit(one, lab, timeout, sandbox, pool)
            pending[future] = one, key
        if not pending:
            return
        for future in wait(pending, return_when=FIRST_COMPLETED).done:
            one, key = pending.pop(future)
            yield _record(one, lab, _found(future, lab), sandbox, key)


def _submit(one: Handed, lab, timeout, sandbox, pool: Executor) -> tuple[str, Future]:
    try:
        data = read_handed(one)
        return key_of(lab, data, timeout, sandbox), pool.submit(
            grade_bytes, data, lab, timeout, sandbox
        )
    except UnreadableSubmission as error:
        found = without_run(lab, "unreadable", str(error))
    except Exception as error:  # one student must not stop the batch
        found = without_run(lab, "grader-error", f"{type(error).__name__}: {error}")
    future = Future()
    future.set_result(found)
    return "", future


def _found(future: Future, lab: Lab) -> dict:
    try:
        return future.result()
    except Exception as error:  # the executor lost its worker
        return without_run(lab, "grader-error", f"{type(error).__name__}: {error}")


def _record(one: Handed, lab: Lab, found: dict, sandbox: str, key: str) -> dict:
    record = {
        "lab": lab.unit,
        "max_points": lab.max_points,
        "sandbox": sandbox,
        "grader": GRADER_VERSION,
        "key": key,
        "lab_hash": lab.hash,
        "graded_notes": found["notes"],
    }
    return _signed(one, record | found)


def _signed(one: Handed, record: dict) -> dict:
    """Return a record with what is known of the one who handed in."""
    notes = [*one.notes, *record["graded_notes"]]
    student = {"student": one.student, "stem": one.stem, "handed_in": one.handed_in}
    return record | student | {"notes": notes}


def _stored(one: Handed, lab: Lab, out: Path, timeout: float, sandbox: str) -> dict | None:
    """Return the stored record of just this submission, brought up to date; None: to be graded."""
    record = read_record(record_path(out, lab.unit, one.stem))
    if record is None or record["status"] == "grader-error":
        return None
    try:
        key = key_of(lab, read_handed(one), timeout, sandbox)
    except Exception:
        return None  # cheap to do again
    if record.get("key") != key:
        return None
    renewed = _signed(one, record)
    if renewed != record:
        write_record(out, renewed)
    return renewed


def one_line(record: dict) -> str:
    """Return a record as a line for the terminal."""
    points = "?" if record["points"] is None else f"{record['points']:g}"
    name = record["student"].encode("utf-8", "replace").decode("utf-8")
    return f"{name}: {record['status']}, {points} of {record['max_points']:g}"


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{seconds:.0f} s" if seconds < 90 else f"{minutes} min"


@contextmanager
def only_one(out: Path) -> Iterator[None]:
    """Hold the results folder, so that two runs never write into it at once (not on Windows).

    Raises
    ------
    GradingError
        If another run holds it. The hold ends with the process, however that ends.
    """
    make_folder(out)
    with open(out / ".lock", "w") as file:
        try:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:
            pass
        except OSError as error:
            raise GradingError(
                f"Another run is grading into {out}: wait for it, or give another folder by --out."
            ) from error
        yield
