"""A small class, graded once by the real command with real kernels: results, reports, second runs.

What hostile or broken submissions get is the business of test_faults.py.
"""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path

import nbformat
import pytest
from conftest import BOX, TinyLab

from mmlearn.grading import batch, single
from mmlearn.grading.batch import grade_class, only_one
from mmlearn.grading.judge.rebuild import load_lab
from mmlearn.grading.records import remove_unfinished

ROOT = Path(__file__).resolve().parents[2]
WRONG_HIDDEN = "def double(x):\n    return min(2 * x, 6)"
EXITS = "import sys\ndef double(x):\n    sys.exit(0)"
ESSAY = "Because <b>the mean</b> is linear."


def without(notebook, *cells):
    notebook.cells = [cell for i, cell in enumerate(notebook.cells) if i not in cells]
    return notebook


def nameless(notebook):
    """The notebook as a tool leaves it that drops the cells' metadata."""
    for cell in notebook.cells:
        cell.metadata = nbformat.NotebookNode()
    return notebook


def with_essay(notebook):
    notebook.cells[6].source = ESSAY
    return notebook


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    lab = TinyLab(tmp_path_factory.mktemp("class"))
    lab.hand_in("right", with_essay(lab.answer()))
    lab.hand_in("wrong", lab.answer(WRONG_HIDDEN, mean="def mean(x):\n    return sum(x) / 2"))
    lab.hand_in("exit and loop", lab.answer(EXITS, mean="def mean(x):\n    while True: pass"))
    lab.hand_in("nameless cells", nameless(lab.answer()))
    lab.hand_in("no double", without(lab.answer(), 2))
    lab.hand_in("<b>merge<", b"<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> theirs\n")
    lab.status = lab.grade_all("--jobs", 2, "--timeout", 5)
    return lab


def record(lab, student):
    folder = lab.root / "grades" / "json" / "90_tiny"
    found = [json.loads(p.read_text()) for p in folder.glob("*.json") if p.name != "class.json"]
    return next(r for r in found if r["student"] == student)


def rows(lab):
    with open(lab.root / "grades" / "gradebook.csv", encoding="utf-8", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


@pytest.mark.parametrize(
    ("student", "double", "mean", "points"),
    [
        ("right", "passed", "passed", 5),
        ("wrong", "failed", "failed", 0),
        ("exit and loop", "error", "timeout", 0),
        ("nameless cells", "passed", "passed", 5),
        ("no double", "missing", "passed", 3),
        ("<b>merge<", "unreadable", "unreadable", 0),
    ],
)
def test_each_submission_gets_its_status_and_points(graded, student, double, mean, points):
    found = record(graded, student)
    statuses = {check["grade_id"]: check["status"] for check in found["checks"]}
    assert statuses == {"check_double": double, "check_mean": mean}
    assert found["points"] == points
    assert found["sandbox"] == BOX


def test_the_gradebook_has_a_row_per_student_and_a_column_per_check(graded):
    assert graded.status == 0
    found = rows(graded)
    assert set(found) == {
        "right",
        "wrong",
        "exit and loop",
        "nameless cells",
        "no double",
        "<b>merge<",
    }
    right = found["right"]
    assert [right["points"], right["max_points"], right["to_mark"]] == ["5", "9", "1"]
    assert [right["check_double"], right["check_mean"], right["why"]] == ["2", "3", ""]


def test_hidden_tests_are_never_shown(graded):
    for path in (graded.root / "grades").rglob("*.*"):
        text = path.read_text(encoding="utf-8")
        assert "secret" not in text, path
    checks = record(graded, "wrong")["checks"]
    assert checks[0]["message"] == "the result on fresh inputs differs"


def test_feedback_says_what_to_do(graded):
    def message(student, check):
        return record(graded, student)["checks"][check]["message"]

    assert message("wrong", 1).startswith("line 1 of what the check printed, '3.5', differs")
    assert message("exit and loop", 0).startswith("SystemExit")
    assert message("exit and loop", 1) == "this check ran for more than 5 s"
    assert "'double'" in message("no double", 0)
    assert "merge markers" in record(graded, "<b>merge<")["message"]
    assert "found by its place" in " ".join(record(graded, "nameless cells")["notes"])


def test_written_answers_are_kept_for_the_instructor_and_escaped(graded):
    assert record(graded, "right")["written"][0]["answer"] == ESSAY
    page = (graded.root / "grades" / "written" / "90_tiny.html").read_text(encoding="utf-8")
    assert "Because &lt;b&gt;the mean&lt;/b&gt; is linear." in page
    assert "right,90_tiny,why,,4," in (graded.root / "grades" / "manual.csv").read_text()


def refuse(*args, **kwargs):
    raise AssertionError("a notebook was run again")


def everything(lab):
    files = (path for path in (lab.root / "grades").rglob("*") if path.is_file())
    return {path: path.read_bytes() for path in files}


def test_a_second_run_grades_nothing_again_and_makes_the_same_files(graded, monkeypatch):
    before = everything(graded)
    (graded.root / "grades" / "gradebook.csv").unlink()
    monkeypatch.setattr(single, "run_notebook", refuse)
    assert graded.grade_all("--timeout", 5) == 0
    assert everything(graded) == before


def test_a_changed_submission_alone_is_graded_again(graded, monkeypatch):
    runs = []
    monkeypatch.setattr(single, "run_notebook", lambda cells, *rest: runs.append(cells) or 1 / 0)
    before = graded.root.joinpath("submissions", "right.ipynb").read_bytes()
    graded.hand_in("right", graded.answer(double="def double(x):\n    return 2 * x  #"))
    record_file = graded.root / "grades" / "json" / "90_tiny" / "right.json"
    kept = record_file.read_bytes()
    try:
        assert graded.grade_all("--timeout", 5) == 1
        assert rows(graded)["right"]["points"] == ""  # unknown, and never a silent zero
        assert rows(graded)["right"]["status"] == "grader-error"
    finally:
        graded.hand_in("right", before)
        record_file.write_bytes(kept)
    assert len(runs) == 2  # once more, in case that the machine was only busy


def test_one_student_is_graded_again_and_the_others_are_left(graded, monkeypatch, capsys):
    runs = []
    real = single.run_notebook
    monkeypatch.setattr(single, "run_notebook", lambda *a: runs.append(a) or real(*a))
    assert graded.grade_all("--timeout", 5, "--student", "no double") == 0
    assert len(runs) == 1
    assert rows(graded)["right"]["points"] == "5"
    assert graded.grade_all("--timeout", 5, "--student", "nobody") == 2
    assert "'nobody' handed nothing in; those who did: <b>merge<, exit" in capsys.readouterr().err


def test_roster_deadline_and_marks_stay_for_the_next_run(graded, monkeypatch):
    monkeypatch.setattr(single, "run_notebook", refuse)
    roster, times, marks = (graded.root / name for name in ("r.csv", "t.csv", "m.csv"))
    roster.write_text("student,id\nRight Person,right\nAbsent One,17\n")
    times.write_text("student,time\nRight Person,2026-12-01 01:00Z\nno double,2026-11-29 12:00Z\n")
    marks.write_text(
        "student,lab,grade_id,points,max_points,comment\nRight Person,90_tiny,why,3,4,Good.\n"
    )
    options = ["--roster", roster, "--deadline", "2026-11-30 23:59Z", "--handed-in", times]
    options += ["--penalty", 20, "--manual", marks]
    assert graded.grade_all("--timeout", 5, *options) == 0
    found = rows(graded)
    assert found["Absent One"]["status"] == "not-submitted"
    person = found["Right Person"]
    assert "right" not in found
    assert person["late"] == "1 h 1 min"
    assert float(person["penalty"]) == pytest.approx(0.2 * 9)  # of 5 points and 4 by hand
    assert float(person["points"]) == pytest.approx(5 + 3 - 1.8)
    before = everything(graded)
    assert graded.grade_all("--timeout", 5) == 0
    assert everything(graded) == before
    page = graded.root / "grades" / "feedback" / "90_tiny" / "right.html"
    assert "Good." in page.read_text(encoding="utf-8")


def test_results_of_another_hand_in_or_lab_are_named(graded, monkeypatch, capsys):
    monkeypatch.setattr(single, "run_notebook", refuse)
    submission = graded.root / "submissions" / "wrong.ipynb"
    aside = submission.rename(graded.root / "aside.ipynb")
    try:
        assert graded.grade_all("--timeout", 5) == 0
    finally:
        aside.rename(submission)
    sentence = "wrong: graded before, but not handed in now; json/90_tiny/wrong.json is kept."
    assert sentence in capsys.readouterr().out
    assert rows(graded)["wrong"]["points"] == "0"
    page = graded.root / "grades" / "overview" / "90_tiny.html"
    assert sentence in page.read_text(encoding="utf-8")
    assert graded.grade_all("--timeout", 5) == 0
    assert sentence not in page.read_text(encoding="utf-8")


def test_what_a_killed_run_was_writing_is_removed_by_the_next(tmp_path):
    folder = tmp_path / "json" / "90_tiny"
    folder.mkdir(parents=True)
    names = [f".{'0a' * 8}.tmp", "anna.json", "mine.tmp", ".hidden.tmp"]
    for name in names:
        (folder / name).touch()
    remove_unfinished(tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == sorted(names[1:])


def test_two_runs_never_write_into_one_folder(tiny_lab, capsys):
    pytest.importorskip("fcntl")
    tiny_lab.hand_in("anna", tiny_lab.answer())
    with only_one(tiny_lab.root / "grades"):
        assert tiny_lab.grade_all() == 2
    assert "Another run is grading" in capsys.readouterr().err


def test_results_inside_the_folder_of_submissions_are_no_submission(tiny_lab):
    for name in ("anna", "bela"):
        tiny_lab.hand_in(name, b"no notebook")
    folder = tiny_lab.root / "submissions"
    arguments = [folder, "--lab", "90_tiny", "--out", folder / "grades", "--sandbox", "none"]
    for _ in range(2):
        assert tiny_lab.grade(*arguments) == 0
    text = (folder / "grades" / "gradebook.csv").read_text()
    assert len(text.splitlines()) == 3


def grade_with(executor, lab, jobs=2):
    copy = load_lab(lab.root / "solutions" / "90_tiny.ipynb")
    return grade_class(
        lab.root / "submissions",
        copy,
        lab.root / "grades",
        timeout=5,
        sandbox=BOX,
        jobs=jobs,
        executor=executor,
        log=lambda line: None,
    )


def test_any_executor_can_grade(tiny_lab):
    tiny_lab.hand_in("anna", tiny_lab.answer())
    tiny_lab.hand_in("bela", tiny_lab.answer(double=EXITS))
    with ProcessPoolExecutor(2) as executor:
        records = grade_with(executor, tiny_lab)
    assert [r["points"] for r in records] == [5, 3]


class Broken(ProcessPoolExecutor):
    """An executor that loses what it is given."""

    def submit(self, *args, **kwargs):
        future = Future()
        future.set_exception(RuntimeError("the worker is gone"))
        return future


def test_an_executor_that_loses_its_workers_loses_no_student(tiny_lab, monkeypatch):
    monkeypatch.setattr(batch, "verify_lab", lambda *a: None)
    tiny_lab.hand_in("anna", tiny_lab.answer())
    records = grade_with(Broken(1), tiny_lab)
    assert [r["status"] for r in records] == ["grader-error"]
    assert "the worker is gone" in records[0]["message"]
    row = rows(tiny_lab)["anna"]
    assert row["points"] == ""


def test_dask_workers_can_grade(tiny_lab):
    distributed = pytest.importorskip("distributed", reason="Dask is not installed")
    tiny_lab.hand_in("anna", tiny_lab.answer())
    options = {"n_workers": 1, "threads_per_worker": 2, "processes": False}
    with distributed.LocalCluster(**options, dashboard_address=None) as cluster:
        assert tiny_lab.grade_all("--dask", cluster.scheduler_address) == 0
    assert rows(tiny_lab)["anna"]["points"] == "5"


def test_a_dask_scheduler_that_does_not_answer_is_told(tiny_lab, monkeypatch, capsys):
    distributed = pytest.importorskip("distributed", reason="Dask is not installed")

    def no_answer(*args, **kwargs):
        raise OSError("timed out")

    monkeypatch.setattr(distributed, "Client", no_answer)
    tiny_lab.hand_in("anna", tiny_lab.answer())
    assert tiny_lab.grade_all("--dask", "tcp://127.0.0.1:1") == 2
    assert "No Dask scheduler answers" in capsys.readouterr().err


def test_a_run_that_is_killed_and_resumed_ends_with_the_same_files(tiny_lab):
    if not hasattr(signal, "SIGKILL"):
        pytest.skip("SIGKILL is POSIX's")
    for i in range(6):
        answers = {} if i % 3 else {"double": WRONG_HIDDEN}
        tiny_lab.hand_in(f"student {i}", with_essay(tiny_lab.answer(**answers)))
    command = [sys.executable, "-m", "mmlearn", "grade", str(tiny_lab.root / "submissions")]
    command += ["--lab", "90_tiny", "--solutions", str(tiny_lab.root / "solutions")]
    command += ["--sandbox", BOX, "--timeout", "20", "--jobs", "2", "--out"]
    quiet = {"cwd": ROOT, "stdout": subprocess.DEVNULL}
    killed = 0
    resumed, whole = tiny_lab.root / "grades", tiny_lab.root / "whole"
    for done in (0, 1, 3):  # while the lab is checked, and among the submissions
        process = subprocess.Popen([*command, str(resumed)], **quiet)
        while process.poll() is None and graded_in(resumed) < done:
            time.sleep(0.05)
        time.sleep(0.0 if done else 2.0)
        if process.poll() is None:
            process.kill()
            killed += 1
        process.wait()
    assert killed > 1
    for out in (resumed, whole):
        subprocess.run([*command, str(out)], check=True, **quiet)
    names = sorted(p.relative_to(whole) for p in whole.rglob("*") if p.is_file())
    assert names == sorted(p.relative_to(resumed) for p in resumed.rglob("*") if p.is_file())
    for name in names:
        assert (whole / name).read_bytes() == (resumed / name).read_bytes(), name
    assert not [p for p in resumed.rglob("*") if p.suffix == ".tmp"]


def graded_in(out):
    """How many students have a stored result."""
    return len(list(out.glob("json/90_tiny/student*.json")))


def test_a_worker_whose_grader_ended_before_it_gave_orders_leaves_no_folder(tmp_path):
    folder = tmp_path / "mmlearn-grade-x"
    (folder / "runtime").mkdir(parents=True)
    command = [sys.executable, "-m", "mmlearn.grading.run.worker"]
    for orders in ("", '{"key": "half'):
        folder.mkdir(exist_ok=True)
        env = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, input=orders, text=True, cwd=folder, env=env)
        assert done.returncode == 1
        assert not folder.exists()


def test_nothing_goes_on_running_after_a_kill(tiny_lab):
    if not os.path.isdir("/proc"):
        pytest.skip("looks for processes in /proc")
    mark = f"mark-{os.getpid()}"
    loop = f"def double(x):\n    while True: {mark!r}"
    tiny_lab.hand_in("anna", tiny_lab.answer(double=loop))
    lab = load_lab(tiny_lab.root / "solutions" / "90_tiny.ipynb")
    script = (
        "from pathlib import Path; from mmlearn.grading.single import *; import sys;"
        "from mmlearn.grading.judge.rebuild import load_lab;"
        f"lab = load_lab(Path({str(lab.path)!r}));"
        f"grade_bytes(Path(sys.argv[1]).read_bytes(), lab, 60, {BOX!r})"
    )
    notebook = str(tiny_lab.root / "submissions" / "anna.ipynb")
    env = os.environ | {"TMPDIR": str(tiny_lab.root)}
    process = subprocess.Popen([sys.executable, "-c", script, notebook], env=env, cwd=ROOT)
    until = time.monotonic() + 60
    while not list(tiny_lab.root.glob("mmlearn-grade-*/runtime/k-*")):
        assert time.monotonic() < until
        time.sleep(0.2)
    process.kill()
    process.wait()
    until = time.monotonic() + 20
    while list(tiny_lab.root.glob("mmlearn-grade-*")):
        assert time.monotonic() < until, "the worker did not notice that it is alone"
        time.sleep(0.2)
    time.sleep(1)
    assert not running(str(tiny_lab.root))


def test_a_worker_loads_only_what_it_needs():
    code = "import sys; from mmlearn.grading.imports import skip_slow_imports as skip; skip();"
    code += "import mmlearn.grading.run.nbval_plugin;"
    code += "print(sum(sys.modules.get(name) is not None for name in ('lark', 'torch', 'numpy')))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "0\n", done.stderr


def running(text):
    """Return the commands of all processes that name `text`, but for pytest's own."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if text in command and int(path.parent.name) != os.getpid():
            found.append(command)
    return found
