"""Where the kernel runs: the one seam between grading and a box around the student's code.

Three backends: ``bwrap`` (bubblewrap, Linux), ``container`` (podman or docker) and ``none``. In a
box the kernel sees the Python environment, this package, the data and cache folders (all
read-only), an empty home that vanishes with it, and one folder for its sockets. It sees no network,
no other process, no other submission, no solution and no grade. With ``none`` it runs with the
rights of the person who grades, and every report says so.

Limits, chosen so that torch still imports and trains: RLIMIT_DATA and not RLIMIT_AS, because torch
reserves far more address space than it uses.
"""

from __future__ import annotations

import functools
import os
import shlex
import shutil
import site
import subprocess
import sys
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from mmlearn.doctor import ROOT
from mmlearn.grading.run.limits import (
    DATA,
    FILE_SIZE,
    MEMORY,
    OPEN_FILES,
    PROCESSES,
    SCRATCH,
)
from mmlearn.grading.run.seccomp import filter_program

BACKENDS = ("bwrap", "container", "none")

STAMPS = {
    "bwrap": "boxed by bubblewrap",
    "container": "boxed in a container",
    "none": "not boxed: the code ran with the rights of the person who graded it",
}

HOME = "/home/student"
IMAGE = "mmlearn-course"  # built from the Dockerfile; another one: MMLEARN_IMAGE


@dataclass(frozen=True)
class Run:
    """One run of a kernel: where its sockets lie, and how long it may compute."""

    runtime: str  # the folder of its connection file and sockets, writable for the kernel
    seconds: int  # of processor time, for one process

    @property
    def name(self) -> str:
        """The container's name: that of the run's own folder, which is new and unique."""
        return Path(self.runtime).parent.name

    @property
    def filter(self) -> Path:
        """Where the filter of system calls stands (see `seccomp`)."""
        return Path(self.runtime).parent / "seccomp"

    @property
    def user(self) -> int | None:
        """Whom the kernel runs as where root grades, who is bound by no limit of processes.

        Each run has a number of its own, so that one student's processes never count as another's.
        """
        if not hasattr(os, "geteuid") or os.geteuid() != 0:
            return None
        # A range that distributions leave to users that are made up as needed.
        return 61184 + zlib.crc32(self.runtime.encode()) % 4096


def folder_for_runs(backend: str) -> str | None:
    """Return where the private folders of runs are made; None: where temporary files are.

    A box has a /tmp of its own, in which everything may be written. Landlock, which lets sockets
    alone be made among the sockets, could not tell a folder below it from the rest.
    """
    apart = backend == "bwrap" and not os.environ.get("TMPDIR") and os.access("/var/tmp", os.W_OK)
    return "/var/tmp" if apart else None


def kernel_command(command: list[str], backend: str, run: Run) -> list[str]:
    """Return the command that starts a kernel inside the box of `backend`.

    Raises
    ------
    ValueError
        If there is no such backend.
    """
    if backend == "bwrap":
        return _bwrap(command, run)
    if backend == "container":
        return _container(command, run)
    if backend == "none":
        return command
    raise ValueError(f"Unknown sandbox {backend!r}; known: {', '.join(BACKENDS)}.")


def end_command(backend: str, run: Run) -> list[str]:
    """Return the command that ends what outlives the process that started it: a container.

    Bubblewrap's box ends by itself with the one who started it: then there is no command.
    """
    return [*_engine(), "kill", run.name] if backend == "container" else []


def prepare(backend: str, run: Run) -> None:
    """Write the filter, and give the folder of the sockets to the user that the kernel runs as."""
    if backend == "bwrap":
        run.filter.write_bytes(filter_program())
    if backend != "none" and run.user is not None:
        os.chown(run.runtime, run.user, run.user)


@functools.cache
def unavailable(backend: str) -> str:
    """Return why the box of `backend` does not work here, in one line; "" where it does.

    It is found out by starting this Python in it.
    """
    if backend == "none":
        return ""
    try:
        with tempfile.TemporaryDirectory(prefix="mmlearn-box-") as folder:
            run = Run(os.path.join(folder, "runtime"), 60)
            os.mkdir(run.runtime)
            prepare(backend, run)
            command = kernel_command([sys.executable, "-c", "import ipykernel"], backend, run)
            done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    except FileNotFoundError as error:
        return f"{error.filename or error} is not installed"
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{type(error).__name__}: {error}"
    if done.returncode == 0:
        return ""
    lines = done.stderr.strip().splitlines()
    return lines[-1] if lines else f"it ended with status {done.returncode}"


def readable() -> list[Path]:
    """Return the folders that a box shows of this machine, read-only, besides the system's own."""
    from mmlearn.storage.cache import cache_dir

    paths = [Path(sys.prefix), Path(sys.base_prefix)]
    paths += [Path(os.path.realpath(sys.executable)).parents[1]]
    paths += map(Path, site.getsitepackages())
    if site.ENABLE_USER_SITE:
        paths.append(Path(site.getusersitepackages()))
    paths.append(_package())
    paths.append(cache_dir().absolute())
    if os.environ.get("MMLEARN_DATA"):
        paths.append(Path(os.environ["MMLEARN_DATA"]).expanduser().absolute())
    kept: list[Path] = []
    for path in paths:
        if path.is_dir() and not any(path == k or k in path.parents for k in kept):
            kept.append(path)
    return kept


def exposed(secret: Path) -> Path | None:
    """Return the readable folder that would show `secret` inside a box, if there is one."""
    secret = Path(secret).resolve()
    roots = [*readable(), Path("/usr")]
    return next((root for root in roots if secret.is_relative_to(root.resolve())), None)


def _package() -> Path:
    return ROOT / "mmlearn"


def _environment() -> dict[str, str]:
    """Return a boxed kernel's whole environment."""
    from mmlearn.storage.cache import cache_dir

    environment = {
        "HOME": HOME,
        "USER": "student",
        "LOGNAME": "student",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"]),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(_package().parent),
        "PYTHONUTF8": "1",
        "MMLEARN_CACHE": str(cache_dir().absolute()),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }
    if os.environ.get("MMLEARN_DATA"):
        environment["MMLEARN_DATA"] = str(Path(os.environ["MMLEARN_DATA"]).expanduser().absolute())
    return environment


def _bwrap(command: list[str], run: Run) -> list[str]:
    box = [_program("bwrap")]
    if run.filter.is_file() and run.filter.stat().st_size:
        # The filter is handed over as an open file; a shell opens it and becomes bubblewrap.
        opened = 'exec "$@" 9<"$0"'
        box = ["/bin/sh", "-c", opened, str(run.filter), *box, "--seccomp", "9"]
    box += ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    box += ["--die-with-parent", "--new-session", "--clearenv", "--hostname", "box"]
    if run.user is None:
        box += ["--unshare-user", "--uid", "1000", "--gid", "1000"]
        box += _if_known("--disable-userns")
    for folder in ("/bin", "/sbin", "/lib", "/lib32", "/lib64"):
        if os.path.islink(folder):
            box += ["--symlink", os.readlink(folder), folder]
        elif os.path.isdir(folder):
            box += ["--ro-bind", folder, folder]
    box += ["--ro-bind", "/usr", "/usr"]
    for path in ("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime", "/etc/fonts"):
        box += ["--ro-bind-try", path, path]
    box += ["--proc", "/proc", "--dev", "/dev"]
    for folder in ("/tmp", "/dev/shm", HOME):
        box += [*_parents(folder), *_if_known("--size", str(SCRATCH)), "--perms", "1777"]
        box += ["--tmpfs", folder]
    for path in map(str, readable()):
        box += [*_parents(path), "--ro-bind", path, path]
    if os.path.isdir(run.runtime):
        box += [*_parents(run.runtime), "--bind", run.runtime, run.runtime]
    box += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", HOME]
    for name, value in _environment().items():
        box += ["--setenv", name, value]
    return [*_scope(), *box, "--", *_as_user(run.user), *_limits(run), *command]


@functools.cache
def _scope() -> tuple[str, ...]:
    """Return what gives a box a cgroup, which counts all memory, where systemd grants one."""
    command = ["systemd-run", "--scope", "--quiet", "--collect"]
    command += [] if os.geteuid() == 0 else ["--user"]
    for limit in (f"MemoryMax={MEMORY}", "MemorySwapMax=0", f"TasksMax={2 * PROCESSES}"):
        command += ["--property", limit]
    command.append("--")
    try:
        done = subprocess.run([*command, "true"], capture_output=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return tuple(command) if done.returncode == 0 else ()


def _parents(path: str) -> list[str]:
    """Make the folders above a mount point readable, as they would not be for another user."""
    above = [p for p in reversed(Path(path).parents) if p != Path("/") and str(p) not in _MADE]
    return [word for p in above for word in ("--perms", "0755", "--dir", str(p))]


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise FileNotFoundError(2, "no such program", name)
    return found


_MADE = ("/tmp", "/dev", "/usr")  # made before, by mounts of their own


@functools.cache
def _if_known(option: str, *values: str) -> list[str]:
    """Return an option that older releases of bubblewrap lack, where this one has it."""
    done = subprocess.run([_program("bwrap"), "--help"], capture_output=True, text=True)
    return [option, *values] if option in done.stdout + done.stderr else []


def _as_user(user: int | None) -> list[str]:
    if user is None:
        return []
    drop = ["--clear-groups", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"]
    return ["setpriv", f"--reuid={user}", f"--regid={user}", *drop]


def _limits(run: Run) -> list[str]:
    return [
        "prlimit",
        f"--data={DATA}",
        f"--nproc={PROCESSES}",
        f"--fsize={FILE_SIZE}",
        f"--nofile={OPEN_FILES}",
        f"--cpu={run.seconds}",
        "--core=0",
        "--rtprio=0",
        "--",
    ]


def _engine() -> list[str]:
    """Return the container engine's command: MMLEARN_CONTAINER, else podman, else docker."""
    chosen = shlex.split(os.environ.get("MMLEARN_CONTAINER", ""))
    if chosen:
        return chosen
    return [shutil.which("podman") or _program("docker")]


def _container(command: list[str], run: Run) -> list[str]:
    """The kernel in a container; its image brings the environment, this package comes from here."""
    user = os.getuid() if run.user is None else run.user
    box = [*_engine(), "run", "--rm", f"--name={run.name}", f"--user={user}:{user}"]
    box += ["--network=none", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
    box += [f"--pids-limit={PROCESSES}", f"--memory={MEMORY}", f"--memory-swap={MEMORY}"]
    box += [f"--ulimit=fsize={FILE_SIZE}:{FILE_SIZE}", "--ulimit=core=0:0"]
    box += [f"--ulimit=nofile={OPEN_FILES}:{OPEN_FILES}"]
    box += [f"--ulimit=nproc={PROCESSES}:{PROCESSES}", f"--ulimit=cpu={run.seconds}:{run.seconds}"]
    for folder in ("/tmp", HOME):
        box.append(f"--tmpfs={folder}:rw,size={SCRATCH},mode=1777")
    environment = _environment() | {"PATH": "/usr/local/bin:/usr/bin:/bin"}
    mounts = [_package(), *(Path(environment[n]) for n in _FOLDERS if n in environment)]
    box += [f"--volume={path}:{path}:ro" for path in mounts if path.is_dir()]
    if os.path.isdir(run.runtime):
        box.append(f"--volume={run.runtime}:{run.runtime}")
    box += [f"--env={name}={value}" for name, value in environment.items()]
    image = os.environ.get("MMLEARN_IMAGE") or IMAGE
    return [*box, f"--workdir={HOME}", image, "python3", *command[1:]]


_FOLDERS = ("MMLEARN_CACHE", "MMLEARN_DATA")
