"""What a boxed kernel sees, what it may use, and what is said where there is no box."""

import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from mmlearn.grading.run import landlock, sandbox
from mmlearn.grading.run.cell import RunCell
from mmlearn.grading.run.execute import run_notebook
from mmlearn.grading.run.sandbox import (
    BACKENDS,
    Run,
    end_command,
    exposed,
    kernel_command,
    unavailable,
)

ROOT = Path(__file__).resolve().parents[2]
needs_box = pytest.mark.skipif(
    bool(unavailable("bwrap")), reason=f"bubblewrap does not work here: {unavailable('bwrap')}"
)
# The environment of MMLEARN_CONTAINER and MMLEARN_IMAGE says which engine and image to try.
NO_ENGINE = unavailable("container") if os.environ.get("MMLEARN_IMAGE") else "set MMLEARN_IMAGE"
needs_engine = pytest.mark.skipif(bool(NO_ENGINE), reason=f"no container: {NO_ENGINE}")


def boxed(code, runtime=None):
    """Run a few lines of Python in a box; return what they print as JSON."""
    if runtime is None:
        with tempfile.TemporaryDirectory() as folder:
            runtime = Path(folder, "runtime")
            runtime.mkdir()
            return boxed(code, runtime)
    run = Run(str(runtime), 60)
    sandbox.prepare("bwrap", run)
    command = kernel_command([sys.executable, "-c", code], "bwrap", run)
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@needs_box
def test_the_box_shows_the_environment_and_nothing_else():
    seen = boxed("import os, json; print(json.dumps({p: os.listdir(p) for p in ('/', '/home')}))")
    assert seen["/home"] == ["student"]
    assert not {"var", "srv", "mnt", "media", "boot", "sys"} & set(seen["/"])
    course = boxed(f"import os, json; print(json.dumps(os.listdir({str(ROOT)!r})))")
    assert set(course) <= {"mmlearn", Path(sys.prefix).name}


def test_the_process_that_grades_loads_nothing_heavy():
    code = """
import sys
from mmlearn.grading import batch, cli, single
from mmlearn.grading.run import sandbox, worker
sandbox.readable(), sandbox._environment()
heavy = ("torch", "sklearn", "datasets", "pandas", "matplotlib")
print([module for module in heavy if module in sys.modules])
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


@needs_box
def test_the_box_has_a_home_of_its_own_and_few_variables():
    code = "import os, json; print(json.dumps([os.listdir(os.path.expanduser('~')), *os.environ]))"
    home, *names = boxed(code)
    assert home == []
    assert set(names) <= {*sandbox._environment(), "PWD", "LC_CTYPE"}


@needs_box
def test_the_box_has_no_network_and_no_other_processes():
    code = """
import json, os, socket
try:
    socket.create_connection(("127.0.0.1", 80), timeout=1)
except OSError as error:
    reached = type(error).__name__
processes = [int(name) for name in os.listdir("/proc") if name.isdigit()]
print(json.dumps([reached, max(processes), socket.gethostname(), os.getuid()]))"""
    reached, newest, host, user = boxed(code)
    assert reached == "ConnectionRefusedError"  # its own, empty loopback
    assert newest < 10
    assert host == "box"
    assert user not in (0, os.getuid())


@needs_box
def test_nothing_that_is_shown_can_be_written():
    code = f"""
import json, os
written = []
for folder in ("/", "/usr", "/dev", {str(ROOT / "mmlearn")!r}, {sys.prefix!r}):
    try:
        open(os.path.join(folder, "written-by-a-student"), "w")
        written.append(folder)
    except OSError:
        pass
open(os.path.expanduser("~/mine"), "w").write("x")
print(json.dumps(written))"""
    assert boxed(code) == []


@needs_box
def test_the_limits_hold_inside():
    code = """
import json, os, time, resource as r
names = ("RLIMIT_DATA", "RLIMIT_NPROC", "RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_CORE")
limits = [r.getrlimit(getattr(r, name))[1] for name in names]
try:
    open("/tmp/large", "wb").write(bytes(300_000_000))
    stopped = False
except OSError:
    stopped = True
children = 0
try:
    while children < 1000:
        if os.fork() == 0:
            time.sleep(20)
        children += 1
except OSError:
    pass
os.write(1, json.dumps([limits, stopped, children]).encode())
os._exit(0)"""
    limits, stopped, children = boxed(code)
    assert limits == [
        sandbox.DATA,
        sandbox.PROCESSES,
        sandbox.FILE_SIZE,
        sandbox.OPEN_FILES,
        0,
    ]
    assert stopped
    assert 0 < children <= sandbox.PROCESSES


@needs_box
def test_what_leads_around_the_limits_is_denied():
    code = """
import ctypes, json, os
libc = ctypes.CDLL(None, use_errno=True)
def denied(call, *arguments):
    return call(*arguments) == -1 and ctypes.get_errno() == 1
found = [denied(libc.unshare, 0x10000000), denied(libc.memfd_create, b"hoard", 0)]
found += [denied(libc.mount, b"none", b"/tmp", b"tmpfs", 0, None)]
child = os.fork()
if child == 0:
    os._exit(7)
print(json.dumps([*found, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])]))"""
    assert boxed(code) == [True, True, True, 7]


# What a program tries, after `libc` and `fails`: each must be refused.
REFUSED = {
    "a lease on a file that all read": """
file = os.open("/usr/bin/env", os.O_RDONLY)
found = fails(fcntl.fcntl, file, 1024, fcntl.F_RDLCK)""",
    "a watch on a folder": """
found = fails(fcntl.fcntl, os.open("/usr", os.O_RDONLY), 1026, 1) and refused(libc.inotify_init1, 0)
found = found and refused(libc.fanotify_init, 0, 0)""",
    "another processor, another priority": """
found = fails(os.sched_setaffinity, 0, {0}) and fails(os.nice, 1)
found = found and fails(os.sched_setscheduler, 0, os.SCHED_FIFO, os.sched_param(1))
found = found and refused(libc.syscall, 314, 0, ctypes.create_string_buffer(56), 0)""",
    "shared memory without a name": "found = fails(mmap.mmap, -1, 4096)",
    "System V's memory, semaphores, queues": """
found = refused(libc.shmget, 0, 4096, 0o1600) and refused(libc.semget, 0, 9, 0o1600)
found = found and refused(libc.msgget, 0, 0o1600)""",
    "a queue of messages": 'found = refused(libc.mq_open, b"/hoard", 0o102, 0o600, None)',
    "keys": """
found = refused(libc.syscall, 248, b"user", b"hoard", b"x", 1, -3)
found = found and refused(libc.syscall, 250, 0, -3, 0)
found = found and refused(libc.syscall, 249, b"user", b"hoard", 0, 0)""",
    "rings": "found = refused(libc.syscall, 425, 4, ctypes.create_string_buffer(120))",
    "files without a name": """
found = fails(os.open, os.path.expanduser("~"), os.O_TMPFILE | os.O_RDWR)
found = found and refused(libc.syscall, 437, -100, b"/tmp", ctypes.create_string_buffer(24), 24)""",
    "large pipes": "found = fails(fcntl.fcntl, os.pipe()[1], 1031, 1 << 20)",
    "what others have read of a file": """
found = fails(os.posix_fadvise, os.open("/usr/bin/env", os.O_RDONLY), 0, 0, os.POSIX_FADV_DONTNEED)
found = found and refused(libc.mincore, 0, 0, 0)""",
}
TRY = """
import ctypes, fcntl, json, mmap, os
libc = ctypes.CDLL(None, use_errno=True)
def refused(call, *arguments):
    return call(*arguments) == -1 and ctypes.get_errno() in (1, 38)
def fails(call, *arguments):
    try:
        call(*arguments)
    except OSError as error:
        return error.errno in (1, 95)
    return False
"""


@needs_box
@pytest.mark.skipif(platform.machine() != "x86_64", reason="numbers of system calls of x86-64")
@pytest.mark.parametrize("what", REFUSED)
def test_the_filter_refuses(what):
    code = TRY + REFUSED[what] + "\nprint(json.dumps(found))"
    assert boxed(code) is True


WRITER = """
import json, os, socket
from mmlearn.grading.run.enter import WRITABLE
from mmlearn.grading.run.landlock import restrict
folder = {folder!r}
done = [restrict([*WRITABLE, os.path.expanduser("~")], folder)]
os.chdir(folder)
socket.socket(socket.AF_UNIX).bind("s")
def works(call, *arguments):
    try:
        call(*arguments)
    except OSError:
        return False
    return True
for call, *arguments in (
    (open, "file", "w"), (os.mkdir, "folder"), (os.mkfifo, "pipe"), (os.symlink, "/", "link"),
    (os.open, ".", os.O_TMPFILE | os.O_RDWR), (os.link, "s", "t"),
    (open, "/home/student/mine", "w"), (open, "/tmp/mine", "w"), (open, "/dev/null", "w"),
):
    done.append(works(call, *arguments))
print(json.dumps([*done, os.listdir()]))"""


@needs_box
@pytest.mark.skipif(not landlock.version(), reason="this system's kernel has no Landlock")
def test_in_the_sockets_folder_sockets_are_made_and_nothing_else():
    with tempfile.TemporaryDirectory(dir=sandbox.folder_for_runs("bwrap")) as folder:
        runtime = Path(folder, "runtime")
        runtime.mkdir()
        *done, made = boxed(WRITER.format(folder=str(runtime)), runtime)
    assert done == [True, *[False] * 5, True, True, True, True]
    assert sorted(made) == ["s", "t"]  # another name for the socket


@needs_box
def test_torch_imports_and_trains_inside():
    code = """
import json, torch, torchvision, sklearn
w = torch.zeros(3, requires_grad=True)
x, y = torch.eye(3), torch.tensor([1.0, 2.0, 3.0])
for _ in range(200):
    loss = (x @ w - y).square().sum()
    loss.backward()
    with torch.no_grad():
        w -= 0.1 * w.grad
        w.grad = None
print(json.dumps([round(v, 3) for v in w.tolist()]))"""
    assert boxed(code) == [1.0, 2.0, 3.0]


@needs_box
def test_only_the_sockets_folder_of_its_own_run_is_shared(tmp_path):
    mine, other = tmp_path / "mine" / "runtime", tmp_path / "other" / "runtime"
    for folder in (mine, other):
        folder.mkdir(parents=True)
    code = f"""
import json, os
open({str(mine / "socket")!r}, "w").write("x")
print(json.dumps(os.path.exists({str(other)!r})))"""
    assert boxed(code, runtime=mine) is False
    assert (mine / "socket").read_text() == "x"


TOO_MUCH = {  # what a student's code does, and how its run ends
    "an inode for each of many files": (
        "for n in range(60_000):\n    open(f'/tmp/{n}', 'w').close()\ntime.sleep(12)",
        "file-limit",
    ),
    "sockets in many processes": (
        "pairs = []\nfor _ in range(30):\n    if os.fork() == 0:\n        break\n"
        "for _ in range(200):\n    pairs.append(socket.socketpair())\n"
        "    pairs[-1][0].setblocking(False)\n"
        "    try: pairs[-1][0].send(bytes(1000))\n    except OSError: pass\ntime.sleep(12)",
        "file-limit",
    ),
    "many sockets on the host's disk": (
        "from ipykernel.connect import get_connection_file\n"
        "os.chdir(os.path.dirname(get_connection_file()))\n"
        "for n in range(3000):\n    socket.socket(socket.AF_UNIX).bind(f's{n}')\ntime.sleep(12)",
        "intruder",
    ),
    "a folder of the sockets that cannot be read": (
        "from ipykernel.connect import get_connection_file\n"
        "os.chmod(os.path.dirname(get_connection_file()), 0)\ntime.sleep(12)",
        "intruder",
    ),
}


@needs_box
@pytest.mark.parametrize("what", TOO_MUCH)
def test_what_no_limit_of_a_process_counts_is_ended_and_leaves_nothing(what, tmp_path, monkeypatch):
    source, status = TOO_MUCH[what]
    cells = [RunCell("import os, socket, time\n" + source, "solution", "hoard")]
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    if what.endswith("read") and os.geteuid() == 0:
        status = "timeout"  # root reads it all the same
    assert run_notebook(cells, 9, "bwrap").cells[0]["status"] == status
    assert os.listdir(tmp_path) == []


def test_a_box_gets_a_cgroup_where_systemd_grants_one(tmp_path, monkeypatch):
    runner = tmp_path / "systemd-run"
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    runs = 'while [ "$1" != -- ]; do shift; done; shift; "$@"'
    for ends, granted in (("exit 1", False), (runs, True)):
        runner.write_text(f"#!/bin/sh\n{ends}\n")
        runner.chmod(0o755)
        sandbox._scope.cache_clear()
        try:
            words = sandbox._scope()
        finally:
            sandbox._scope.cache_clear()
        assert (f"MemoryMax={sandbox.MEMORY}" in words) == granted
        assert ("MemorySwapMax=0" in words) == granted


def test_a_folder_that_was_made_unreadable_is_removed(tmp_path):
    code = """
import os, sys
from mmlearn.grading.run.ending import remove
folder = deep = sys.argv[1]
os.makedirs(folder)
for name in "abc":
    deep = os.path.join(deep, name)
    os.mkdir(deep)
    open(os.path.join(deep, "file"), "w").close()
while deep.startswith(folder):
    os.chmod(deep, 0)
    deep = os.path.dirname(deep)
remove(folder)
print(os.path.lexists(folder))"""
    os.chmod(tmp_path, 0o777)
    command = [sys.executable, "-c", code, str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "False\n", done.stderr


def test_a_secret_below_a_readable_folder_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("MMLEARN_DATA", str(tmp_path))
    (tmp_path / "grades").mkdir()
    assert exposed(tmp_path / "grades") == tmp_path
    assert exposed(ROOT / "solutions") is None


def test_grades_that_the_kernel_could_read_are_refused(tiny_lab, monkeypatch, capsys):
    monkeypatch.setattr("mmlearn.grading.batch.unavailable", lambda backend: "")
    monkeypatch.setenv("MMLEARN_DATA", str(tiny_lab.root))
    tiny_lab.hand_in("anna", tiny_lab.answer())
    assert tiny_lab.grade_all("--sandbox", "bwrap") == 2
    assert "which the kernel may read: move it out of there" in capsys.readouterr().err


def test_without_a_box_a_class_is_refused_in_one_sentence(tiny_lab, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tiny_lab.root))
    unavailable.cache_clear()
    try:
        tiny_lab.hand_in("anna", tiny_lab.answer())
        assert tiny_lab.grade_all("--sandbox", "bwrap") == 2
    finally:
        unavailable.cache_clear()
    error = capsys.readouterr().err
    assert "bwrap is not installed" in error
    assert "--sandbox none" in error
    assert error.count("\n") == 1
    assert not (tiny_lab.root / "grades" / "gradebook.csv").exists()


def test_an_unknown_sandbox_is_refused():
    assert kernel_command(["python"], "none", Run("r", 1)) == ["python"]
    with pytest.raises(ValueError, match="known: bwrap, container, none"):
        kernel_command(["python"], "box", Run("r", 1))


def test_each_backend_has_a_stamp():
    assert set(sandbox.STAMPS) == set(BACKENDS)


def test_a_container_has_no_network_few_rights_and_an_end(monkeypatch, tmp_path):
    monkeypatch.setenv("MMLEARN_CONTAINER", "engine --quiet")
    monkeypatch.setenv("MMLEARN_IMAGE", "an-image")
    run = Run(str(tmp_path / "run-7" / "runtime"), 60)
    command = kernel_command(["/here/python", "-m", "ipykernel"], "container", run)
    assert command[:3] == ["engine", "--quiet", "run"]
    assert command[-4:] == ["an-image", "python3", "-m", "ipykernel"]
    assert {"--network=none", "--read-only", "--cap-drop=ALL", "--name=run-7"} <= set(command)
    assert end_command("container", run) == ["engine", "--quiet", "kill", "run-7"]
    assert end_command("bwrap", run) == []


@needs_engine
def test_a_container_grades_like_the_other_boxes(tiny_lab):
    tiny_lab.hand_in("anna", tiny_lab.answer())
    tiny_lab.hand_in("bela", tiny_lab.answer(double="def double(x):\n    import os; os._exit(0)"))
    assert tiny_lab.grade_all("--sandbox", "container") == 0
    rows = (tiny_lab.root / "grades" / "gradebook.csv").read_text()
    assert "anna,90_tiny,passed,5" in rows
    assert "bela,90_tiny,kernel-died,0" in rows
