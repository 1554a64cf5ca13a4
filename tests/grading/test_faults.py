"""The catalogue of what goes wrong and who cheats: each fault is handed in to one class and graded.

Wherever the answer is wrong and the fault tries to hide it, its check must not pass; wherever the
work is right, it must get all points. Boxed where bubblewrap works; elsewhere the faults that would
harm this machine are left out, and say so.
"""

import base64
import csv
import json
import os
import socket
import threading
import time
import zipfile
import zlib
from pathlib import Path

import nbformat
import pytest
from conftest import BOX, TinyLab, printed
from nbformat import v4

from mmlearn.grading.run.landlock import version
from mmlearn.grading.run.sandbox import folder_for_runs, unavailable

TIMEOUT = 20  # seconds; the hoarders need a few of them to fill their memory
WRONG = "def double(x):\n    return x * x"
FORGED = "twice 6\nfresh 42\n"

PATCHED_TESTING = """\
import numpy.testing
numpy.testing.assert_allclose = lambda *a, **k: None
def mean(x):
    return 7.0"""
PATCHED_TRACEBACK = """\
get_ipython()._showtraceback = lambda *a, **k: None
def double(x):
    raise ValueError"""
CUSTOM_EXCEPTIONS = """\
get_ipython().set_custom_exc((Exception,), lambda *a, **k: None)
def double(x):
    return x"""
INPUT_TRANSFORMER = """\
def rewrite(lines):
    return ['print("twice 6")\\n'] if any("double(" in line for line in lines) else lines
get_ipython().input_transformers_post.append(rewrite)
def double(x):
    return x"""
AST_TRANSFORMER = """\
import ast
class Drop(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.Pass()
get_ipython().ast_transformers.append(Drop())
def double(x):
    return 5"""
FORGED_IDLE = """\
def forge(info):
    kernel = get_ipython().kernel
    parent = kernel.get_parent("shell")
    content = {"execution_state": "idle"}
    kernel.session.send(kernel.iopub_socket, "status", content, parent=parent)
get_ipython().events.register("pre_run_cell", forge)
def double(x):
    return x * x"""
ALWAYS_EQUAL = """\
class Yes:
    def __eq__(self, other): return True
    def __repr__(self): return "6"
def double(x):
    return Yes()"""
FRAME_HACK = """\
import sys
def double(x):
    frame = sys._getframe(1)
    numbers = [c for c in frame.f_code.co_consts if isinstance(c, int)]
    return numbers[-1]"""
STUBBORN_LOOP = """\
def double(x):
    while True:
        try:
            while True: pass
        except BaseException:
            pass"""
FLOOD = """\
def double(x):
    for _ in range(500):
        print("x" * 1_000_000)
    return 2 * x"""
PRINTING_THREAD = """\
import threading
def forever():
    while True:
        print("noise " * 100)
threading.Thread(target=forever, daemon=True).start()
def double(x):
    return 2 * x"""
FORK_BOMB = """\
import os, time
def double(x):
    while True:
        try:
            os.fork()
        except OSError:
            time.sleep(1)"""
MANY_HOARDERS = """\
import os, time
def double(x):
    for _ in range(5):  # 4.5 GB in all, where 3 GB may be held
        if os.fork() == 0:
            hoard = bytearray(900_000_000)
            hoard[::4096] = b"x" * len(hoard[::4096])
            time.sleep(60)
    time.sleep(60)"""
PICKLE = """\
import os, pickle
class Trap:
    def __reduce__(self): return os.system, ("touch {marker}",)
    def __repr__(self): return "6"
data = pickle.dumps(Trap())
display({{"application/x-python-pickle": data.hex(), "text/plain": "trap"}}, raw=True)
def double(x):
    return Trap()"""
DETACHED = """\
import subprocess
forge = "sleep 2; for f in {targets}; do echo forged > $f; done"
subprocess.Popen(["sh", "-c", forge], start_new_session=True)
def double(x):
    return 2 * x"""
PLANTER = """\
from pathlib import Path
startup = Path.home() / ".ipython/profile_default/startup"
startup.mkdir(parents=True, exist_ok=True)
(startup / "00-planted.py").write_text("def double(x):\\n    return 2 * x")
def double(x):
    return 2 * x"""
NETWORK = """\
import socket
reached = []
for host, port in [("127.0.0.1", {port}), ("1.1.1.1", 53)]:
    try:
        socket.create_connection((host, port), timeout=1)
        reached.append(host)
    except OSError:
        pass
def double(x):
    return 0 if reached else 2 * x"""
SPY = """\
import os, glob
seen = [p for p in {paths} if os.path.exists(p)]
seen += glob.glob({root!r} + "/**/*", recursive=True)
try:
    os.makedirs({root!r} + "/grades", exist_ok=True)
    open({root!r} + "/grades/gradebook.csv", "w").write("forged")  # in the box's own /tmp
except OSError:
    pass
def double(x):
    return 0 if seen else 2 * x"""
SMUGGLER = """\
import base64, zlib
seen = []
get_ipython().events.register("pre_run_cell", lambda info: seen.append(info.raw_cell))
def double(x):
    return 2 * x
def mean(x):
    text = "".join(cell for cell in seen if "secret" in cell)
    raise AssertionError("Z" + base64.b85encode(zlib.compress(text.encode())).decode())"""
BUFFERS = """\
kernel = get_ipython().kernel
def double(x):
    for _ in range(40):
        content = {"data": {}, "metadata": {}}
        parent, flood = kernel.get_parent("shell"), [bytes(5_000_000)] * 4
        kernel.session.send(
            kernel.iopub_socket, "display_data", content, parent=parent, buffers=flood
        )
    return 2 * x"""
FILLS_THE_DISK = """\
import os, pathlib, time
folder = next(pathlib.Path("/").glob("*tmp/**/mmlearn-grade-*/runtime"), None)
folder = folder or next(pathlib.Path("/var/tmp").glob("mmlearn-grade-*/runtime"))
def double(x):
    os.chdir(folder)
    for _ in range(1500):
        os.mkdir("d")
        os.chdir("d")
    time.sleep(30)
    return 2 * x"""
MALFORMED = """\
kernel = get_ipython().kernel
def double(x):
    kernel.session.send(
        kernel.iopub_socket, "stream", {"name": "stdout", "text": ["6"]},
        parent=kernel.get_parent("shell"),
    )
    return 2 * x"""
WARNS = """\
import sys, warnings
double = lambda x: warnings.warn("slow") or print("noise", file=sys.stderr) or x * 2"""

# A folder among the sockets is refused by Landlock; without that it is found, and ends the run.
REFUSED = "error" if version() and folder_for_runs("bwrap") else "kernel-died"
ROOT = hasattr(os, "geteuid") and os.geteuid() == 0

RIGHT = ("passed", "passed", 5)
CAUGHT = ("failed", "passed", 3)  # the exercise with the fault is lost, the other one is not
UNREADABLE = ("unreadable", "unreadable", 0)

# Each fault: its number in the catalogue, a name, and the statuses and points that are expected.
EXPECTED = {
    "01 check edited": CAUGHT,
    "02 stored output edited": CAUGHT,
    "03 check deleted": CAUGHT,
    "04 check turned raw": CAUGHT,
    "05 all markdown": ("missing", "missing", 0),
    "06 nbval-skip": CAUGHT,
    "07 raises-exception": ("error", "passed", 3),
    "08 nbval comments": CAUGHT,
    "09 null execution count": CAUGHT,
    "10 numpy.testing patched": ("passed", "failed", 2),
    "11 showtraceback patched": ("error", "passed", 3),
    "12 custom exceptions": CAUGHT,
    "13 input transformer": CAUGHT,
    "14 ast transformer": CAUGHT,
    "15 forged idle": CAUGHT,
    "16 always equal": CAUGHT,
    "17 frame hack": CAUGHT,
    "18 script false": CAUGHT,
    "19 sys.exit": ("error", "passed", 3),
    "20 os._exit": ("kernel-died", "passed", 3),
    "20 SIGKILL": ("kernel-died", "passed", 3),
    "21 stubborn loop": ("timeout", "passed", 3),
    # The box's first process cannot be killed from inside: by another user not at all (where root
    # grades), by its own only without effect.
    "22 kills its parent": ("error" if ROOT else "failed", "passed", 3),
    "23 detached process": RIGHT,
    "24 plants a startup file": RIGHT,
    "24 next student": CAUGHT,
    "25 conftest.py beside": CAUGHT,
    "26 pytest.ini beside": CAUGHT,
    "27 fake numpy beside": ("passed", "failed", 2),
    "28 sitecustomize beside": CAUGHT,
    "29 kernelspec swapped": RIGHT,
    "30 bad json": UNREADABLE,
    "30 merge markers": UNREADABLE,
    "30 empty": UNREADABLE,
    "30 byte order mark": RIGHT,
    "30 binary": UNREADABLE,
    "30 nbformat 5": UNREADABLE,
    "31 nbformat 3": RIGHT,
    "32 duplicate cell ids": RIGHT,
    "33 reordered and inserted": RIGHT,
    "34 500 MB of output": ("error", "passed", 3),
    "35 thread that prints": ("error", "passed", 3),
    "36 fork bomb": ("timeout", "passed", 3),
    "37 memory bomb": ("error", "passed", 3),
    "37 many hoarders": ("kernel-died", "passed", 3),
    "38 network": RIGHT,
    "39 spy": RIGHT,
    "40 symbolic link": UNREADABLE,
    "41 zip slip": UNREADABLE,
    "41 zip bomb": UNREADABLE,
    "41 tar links": UNREADABLE,
    "51 smuggles a hidden test": ("passed", "failed", 2),
    "51 smuggles later": ("passed", "failed", 2),
    "52 buffers without end": ("error", "passed", 3),
    "53 fills the sockets folder": (REFUSED, "passed", 3),
    "54 no proper message": ("error", "passed", 3),
    "42 pickle": CAUGHT,
    "43 input": ("error", "passed", 3),
    "44 =cmd(),name": RIGHT,
    "45 renamed": RIGHT,
    "46 two files": RIGHT,
    "47 Zoë 姓 😀": RIGHT,
    "48 warns on stderr": RIGHT,
    "49 written differently": RIGHT,
    "50 split cell": RIGHT,
}
NEEDS_BOX = {
    name for name in EXPECTED if name[:2] in ("22", "23", "24", "36", "37", "38", "39", "53")
}
NAMES = [name for name in EXPECTED if BOX == "bwrap" or name not in NEEDS_BOX]


class FaultyClass(TinyLab):
    """One folder per student; what the tests look for outside lies beside the class."""

    def __init__(self, root):
        super().__init__(root)
        self.marker = root / "marker"
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(0.1)
        self.reached = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while self.listener.fileno() != -1:
            try:
                self.reached.append(self.listener.accept()[1])
            except OSError:
                time.sleep(0.1)

    def folder(self, name):
        path = self.root / "submissions" / name
        path.mkdir(exist_ok=True)
        return path

    def put(self, name, notebook, file="lab.ipynb"):
        """Hand in a notebook, or bytes, as `file` in the student's own folder."""
        path = self.folder(name) / file
        if isinstance(notebook, bytes):
            path.write_bytes(notebook)
        else:
            nbformat.write(notebook, path)


def wrong(lab, change=lambda notebook: None):
    notebook = lab.answer(double=WRONG)
    change(notebook)
    return notebook


def set_source(number, source):
    return lambda notebook: notebook.cells[number].update(source=source)


def retype(kind, *numbers):
    def change(notebook):
        for n in numbers or range(len(notebook.cells)):
            old = notebook.cells[n]
            notebook.cells[n] = nbformat.from_dict(
                {"cell_type": kind, "source": old.source, "metadata": old.metadata, "id": old.id}
            )

    return change


def tag(*tags):
    def change(notebook):
        for cell in notebook.cells:
            cell.metadata["tags"] = list(tags)

    return change


def forge_outputs(notebook):
    printed(notebook.cells[3], FORGED, 1)
    printed(notebook.cells[5], "mean 2.3333333333333335\n", 2)


def no_counts(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.execution_count, cell.outputs = None, []


def reorder(notebook):
    notebook.cells.reverse()
    notebook.cells.insert(2, v4.new_code_cell("raise ValueError('a cell of my own')"))


def old_format(notebook):
    cells = [
        {
            "cell_type": "code",
            "language": "python",
            "collapsed": False,
            "input": cell.source,
            "metadata": cell.metadata,
            "outputs": [],
        }
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]
    data = {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": cells}]}
    return json.dumps(data).encode()


def duplicate_ids(notebook):
    text = nbformat.writes(notebook)
    for cell in notebook.cells:
        text = text.replace(f'"id": "{cell.id}"', '"id": "same"')
    return text.encode()


def hand_in_forgeries(lab):
    lab.put("01 check edited", wrong(lab, set_source(3, 'print("twice 6")')))
    lab.put("02 stored output edited", wrong(lab, forge_outputs))
    lab.put("03 check deleted", wrong(lab, lambda notebook: notebook.cells.pop(3)))
    lab.put("04 check turned raw", wrong(lab, retype("raw", 3)))
    lab.put("05 all markdown", wrong(lab, retype("markdown")))
    lab.put("06 nbval-skip", wrong(lab, tag("nbval-skip")))
    raises = lab.answer(double="def double(x):\n    raise ValueError(x)")
    tag("raises-exception", "nbval-raises-exception")(raises)
    lab.put("07 raises-exception", raises)
    comments = f"# NBVAL_RAISES_EXCEPTION\n# NBVAL_IGNORE_OUTPUT\n# NBVAL_SKIP\n{WRONG}"
    lab.put("08 nbval comments", lab.answer(double=comments))
    lab.put("09 null execution count", wrong(lab, no_counts))
    lab.put("10 numpy.testing patched", lab.answer(mean=PATCHED_TESTING))
    sources = {
        "11 showtraceback patched": PATCHED_TRACEBACK,
        "12 custom exceptions": CUSTOM_EXCEPTIONS,
        "13 input transformer": INPUT_TRANSFORMER,
        "14 ast transformer": AST_TRANSFORMER,
        "15 forged idle": FORGED_IDLE,
        "16 always equal": ALWAYS_EQUAL,
        "17 frame hack": FRAME_HACK,
        "18 script false": f"%%script false --no-raise-error\n{WRONG}",
    }
    for name, source in sources.items():
        lab.put(name, lab.answer(double=source))


def hand_in_attacks(lab):
    grades = lab.root / "grades"
    targets = f"{grades}/gradebook.csv {grades}/json/90_tiny/*.json"
    secrets = [lab.root / "solutions", lab.root / "submissions", grades, Path("/etc/passwd")]
    secrets += [path for path in Path.home().iterdir() if path.is_file()]
    secrets += [Path(__file__).parents[2] / name for name in ("solutions", "labs", ".git")]
    paths = [str(path) for path in secrets]
    sources = {
        "19 sys.exit": "import sys\ndef double(x):\n    sys.exit(0)",
        "20 os._exit": "import os\ndef double(x):\n    os._exit(0)",
        "20 SIGKILL": "import os\ndef double(x):\n    os.kill(os.getpid(), 9)",
        "21 stubborn loop": STUBBORN_LOOP,
        "22 kills its parent": "import os\ndef double(x):\n    os.kill(os.getppid(), 9)",
        "23 detached process": DETACHED.format(targets=targets),
        "24 plants a startup file": PLANTER,
        "24 next student": WRONG,
        "34 500 MB of output": FLOOD,
        "35 thread that prints": PRINTING_THREAD,
        "36 fork bomb": FORK_BOMB,
        "37 memory bomb": "def double(x):\n    return len(bytearray(10**11)) and 2 * x",
        "37 many hoarders": MANY_HOARDERS,
        "38 network": NETWORK.format(port=lab.listener.getsockname()[1]),
        "39 spy": SPY.format(paths=paths, root=str(lab.root)),
        "52 buffers without end": BUFFERS,
        "53 fills the sockets folder": FILLS_THE_DISK,
        "54 no proper message": MALFORMED,
        "42 pickle": PICKLE.format(marker=lab.marker),
        "43 input": "def double(x):\n    return int(input())",
    }
    for name, source in sources.items():
        lab.put(name, lab.answer(double=source))
    lab.put("51 smuggles a hidden test", lab.answer(mean=SMUGGLER))
    watcher, thief = SMUGGLER.split("def mean")
    lab.put("51 smuggles later", lab.answer(double=watcher, mean="def mean" + thief))


def hand_in_files(lab):
    """Submissions with something beside the notebook, or that are no notebook at all."""
    beside = {
        "25 conftest.py beside": ("conftest.py", "collect_ignore_glob = ['*']"),
        "26 pytest.ini beside": ("pytest.ini", "[pytest]\naddopts = --collect-only"),
        "27 fake numpy beside": ("numpy/testing.py", "assert_allclose = print"),
        "28 sitecustomize beside": ("sitecustomize.py", "import os; os._exit(0)"),
    }
    for name, (file, text) in beside.items():
        path = lab.folder(name) / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        lab.put(name, wrong(lab))
    (lab.folder("27 fake numpy beside") / "numpy/__init__.py").write_text("from . import testing")
    lab.put("27 fake numpy beside", lab.answer(mean="def mean(x):\n    return 7.0"))
    (lab.folder("28 sitecustomize beside") / "x.pth").write_text("import os; os._exit(0)")
    lab.put("30 bad json", b'{"cells": [')
    lab.put("30 merge markers", b"<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> theirs\n")
    lab.put("30 empty", b"")
    lab.put("30 byte order mark", b"\xef\xbb\xbf" + nbformat.writes(lab.answer()).encode())
    lab.put("30 binary", bytes(range(256)) * 100)
    future = nbformat.writes(lab.answer()).replace('"nbformat": 4', '"nbformat": 5')
    lab.put("30 nbformat 5", future.encode())
    link = lab.folder("40 symbolic link") / "lab.ipynb"
    os.symlink(lab.root / "solutions" / "90_tiny.ipynb", link)
    hand_in_archives(lab)


def hand_in_archives(lab):
    notebook = nbformat.writes(lab.answer())
    with zipfile.ZipFile(lab.folder("41 zip slip") / "lab.zip", "w") as file:
        file.writestr("../../escaped.ipynb", notebook)
    bomb = lab.folder("41 zip bomb") / "lab.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("lab.ipynb", b" " * 50_000_000 + notebook.encode())
    (lab.folder("41 tar links") / "lab.tar.gz").write_bytes(b"\x1f\x8b" + bytes(100))


def hand_in_right_work(lab):
    swapped = lab.answer()
    swapped.metadata["kernelspec"] = {"name": "evil", "display_name": "E", "language": "bash"}
    lab.put("29 kernelspec swapped", swapped)
    lab.put("31 nbformat 3", old_format(lab.answer()))
    lab.put("32 duplicate cell ids", duplicate_ids(lab.answer()))
    reordered = lab.answer()
    reorder(reordered)
    lab.put("33 reordered and inserted", reordered)
    lab.put("44 =cmd(),name", lab.answer())
    lab.put("45 renamed", lab.answer(), file="final FINAL (2).ipynb")
    lab.put("46 two files", wrong(lab), file="old.ipynb")
    lab.put("46 two files", lab.answer(), file="new.ipynb")
    os.utime(lab.folder("46 two files") / "old.ipynb", (1e9, 1e9))
    lab.put("47 Zoë 姓 😀", lab.answer())
    lab.put("48 warns on stderr", lab.answer(double=WARNS))
    other = "from operator import add\ndouble = lambda number: add(number, number)"
    lab.put(
        "49 written differently", lab.answer(double=other, mean="import numpy\nmean=numpy.mean")
    )
    split = lab.answer(double="two = 2")
    second = nbformat.from_dict(dict(split.cells[2]))
    second.source, second.id = "def double(x):\n    return two * x", "second-half"
    split.cells.insert(3, second)
    lab.put("50 split cell", split)


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    lab = FaultyClass(tmp_path_factory.mktemp("faults"))
    for hand_in in (hand_in_forgeries, hand_in_attacks, hand_in_files, hand_in_right_work):
        hand_in(lab)
    for path in list((lab.root / "submissions").iterdir()):
        if path.name not in NAMES:
            (path / "lab.ipynb").unlink()
            path.rmdir()
    lab.status = lab.grade_all("--jobs", 2, "--timeout", TIMEOUT)
    time.sleep(3)  # time enough for what was left running to do its harm
    lab.listener.close()
    return lab


def record(lab, name):
    text = (lab.root / "grades" / "json" / "90_tiny" / f"{name}.json").read_text()
    return json.loads(text)


@pytest.mark.parametrize("name", EXPECTED)
def test_each_fault_gets_the_expected_status_and_points(graded, name):
    if name not in NAMES:
        pytest.skip(f"not without a box: {unavailable('bwrap')}")
    (found,) = (r for r in records(graded) if r["student"] == name)
    double, mean, points = EXPECTED[name]
    statuses = {check["grade_id"]: check["status"] for check in found["checks"]}
    assert statuses == {"check_double": double, "check_mean": mean}, found
    assert found["points"] == points


def records(lab):
    folder = lab.root / "grades" / "json" / "90_tiny"
    return [json.loads(p.read_text()) for p in folder.glob("*.json") if p.name != "class.json"]


def test_no_fault_stops_the_batch_or_loses_a_student(graded):
    assert graded.status == 0
    with open(graded.root / "grades" / "gradebook.csv", encoding="utf-8", newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert set(rows) == set(NAMES)
    assert rows["39 spy" if "39 spy" in NAMES else "45 renamed"]["status"] == "passed"


def test_nothing_that_was_tried_outside_the_box_has_happened(graded):
    assert not graded.marker.exists()  # nobody unpickled what a kernel made
    assert not list(graded.root.rglob("escaped.ipynb"))
    for path in (graded.root / "grades").rglob("*.*"):
        assert not path.read_text(encoding="utf-8").startswith("forged"), path
    assert graded.reached == []  # no connection arrived at this machine
    if BOX == "bwrap":
        assert not (Path.home() / ".ipython/profile_default/startup/00-planted.py").exists()


def test_what_was_repaired_or_chosen_is_noted(graded):
    notes = {r["student"]: " ".join(r["notes"]) for r in records(graded)}
    assert "2 parts" in notes["50 split cell"]
    assert "format 3" in notes["31 nbformat 3"]
    assert "byte order mark" in notes["30 byte order mark"]
    assert "new.ipynb" in notes["46 two files"]
    assert "%%script" in notes["18 script false"]
    assert notes["49 written differently"] == ""


def test_no_hidden_test_is_smuggled_into_the_feedback(graded):
    for name in ("51 smuggles a hidden test", "51 smuggles later"):
        found = next(r for r in records(graded) if r["student"] == name)
        message = found["checks"][1]["message"]
        assert message.startswith("Z")
        text = zlib.decompress(base64.b85decode(message[1:])).decode()
        assert "secret_input = 21" not in text  # its own cells it may quote


def test_feedback_names_the_reason(graded):
    def message(name):
        found = next(r for r in records(graded) if r["student"] == name)
        return found["message"] or found["checks"][0]["message"]

    assert "ended the kernel" in message("20 os._exit")
    assert message("21 stubborn loop") == f"this check ran for more than {TIMEOUT} s"
    assert "printed more than" in message("34 500 MB of output")
    assert "printed more than" in message("35 thread that prints")
    assert "symbolic link" in message("40 symbolic link")
    assert "StdinNotImplementedError" in message("43 input")
    assert "proper message" in message("54 no proper message")
    if BOX == "bwrap":
        told = "Permission" if REFUSED == "error" else "sockets"
        assert told in message("53 fills the sockets folder")
        assert "GB of memory" in message("37 many hoarders")
