"""A file appears whole or not at all, keeps its mode, and never takes the place of a device."""

import contextlib
import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import mmlearn
from mmlearn.classical import CCA
from mmlearn.storage.files import (
    check_readable,
    check_writable,
    make_folder,
    open_atomically,
    write_all,
    write_atomically,
)

ROOT = Path(__file__).parents[2]
posix = pytest.mark.skipif(os.name != "posix", reason="modes, links and devices are POSIX's")


def run(code, *arguments, before=""):
    """The last line that `code` prints in a process of its own, which knows `write` and `path`."""
    lines = ["import os, stat, sys", f"sys.path.insert(0, {str(ROOT)!r})"]
    lines += ["from mmlearn.storage.files import check_readable, write_atomically as write", before]
    lines += ["path = sys.argv[1] if len(sys.argv) > 1 else None", "try:"]
    lines += [f"    {line}" for line in code.splitlines()]
    lines += ["except OSError as error:", "    print(type(error).__name__, error.errno, error)"]
    done = subprocess.run(
        [sys.executable, "-B", "-c", "\n".join(lines), *map(str, arguments)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def mode(path):
    return oct(path.stat().st_mode & 0o7777)


# -- whole or not at all ---------------------------------------------------------------------


def test_text_and_bytes_are_written_as_they_are(tmp_path):
    write_atomically(tmp_path / "a", "é\r\n")
    write_atomically(tmp_path / "b", b"\x00\xff")
    assert (tmp_path / "a").read_bytes() == "é\r\n".encode()
    assert (tmp_path / "b").read_bytes() == b"\x00\xff"


@pytest.mark.parametrize("problem", [KeyboardInterrupt, ValueError, OSError(errno.EIO, "broken")])
def test_an_error_while_writing_leaves_the_old_file_and_no_rest(tmp_path, problem):
    path = tmp_path / "a"
    path.write_text("old")

    def interrupted():
        with open_atomically(path) as file:
            file.write(b"ne")
            raise problem

    with pytest.raises(problem if isinstance(problem, type) else OSError):
        interrupted()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_about_another_file_is_told_as_it_is(tmp_path):
    with pytest.raises(FileNotFoundError, match="elsewhere"), open_atomically(
        tmp_path / "a"
    ):  # fmt: skip
        open(tmp_path / "deep" / "elsewhere").close()


def test_several_files_are_written_together_or_not_at_all(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("old")
    contents = {tmp_path / name: name for name in "abc"}
    calls = []

    def full(number):
        calls.append(number)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="c cannot be written: the disk is full"):
            write_all(contents)
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"a": "old"}
    write_all(contents)
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"a": "a", "b": "b", "c": "c"}


def test_of_many_writers_at_once_the_last_one_wins_whole(tmp_path):
    path = tmp_path / "a"
    contents = [bytes([i]) * 300_000 for i in range(8)]
    threads = [threading.Thread(target=write_atomically, args=(path, c)) for c in contents]
    for thread in threads:
        thread.start()
    seen = set()
    while any(thread.is_alive() for thread in threads):
        with contextlib.suppress(FileNotFoundError):
            seen.add(path.read_bytes())
    assert seen | {path.read_bytes()} <= set(contents)
    assert list(tmp_path.iterdir()) == [path]


# -- mode, owner, links ----------------------------------------------------------------------


@pytest.mark.slow
@posix
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_a_new_file_has_the_mode_of_the_umask_and_an_old_one_keeps_its_own(tmp_path, umask):
    code = f"os.umask({umask})\nwrite(path, 'new')\nprint(oct(stat.S_IMODE(os.stat(path).st_mode)))"
    path = tmp_path / "a"
    assert run(code, path) == oct(0o666 & ~umask)
    for kept in (0o600, 0o664, 0o755):
        path.chmod(kept)
        assert run(code, path) == oct(kept)


@posix
def test_a_saved_model_has_the_mode_of_any_new_file(tmp_path):
    (tmp_path / "any").touch()
    x = np.random.default_rng(0).normal(size=(20, 3))
    mmlearn.save(CCA(2).fit(x, x), tmp_path / "model")
    assert mode(tmp_path / "model") == mode(tmp_path / "any")


@posix
@pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="only root gives files away")
def test_the_owner_stays_where_root_replaces_a_file(tmp_path):
    path = tmp_path / "a"
    path.touch()
    os.chown(path, 65534, 65534)
    write_atomically(path, "new")
    assert (path.stat().st_uid, path.stat().st_gid) == (65534, 65534)


@posix
def test_a_link_stays_and_what_it_names_is_replaced(tmp_path):
    (tmp_path / "folder").mkdir()
    target = tmp_path / "folder" / "target"
    (tmp_path / "link").symlink_to("folder/target")
    (tmp_path / "link of a link").symlink_to(tmp_path / "link")
    for content in ("made", "replaced"):
        write_atomically(tmp_path / "link of a link", content)
        assert target.read_text() == content
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "link of a link").is_symlink()
    assert os.listdir(tmp_path / "folder") == ["target"]


@posix
def test_the_other_names_of_a_file_keep_the_old_content(tmp_path):
    (tmp_path / "a").write_text("old")
    os.link(tmp_path / "a", tmp_path / "b")
    write_atomically(tmp_path / "a", "new")
    assert (tmp_path / "b").read_text() == "old"


# -- devices, pipes and open files -----------------------------------------------------------


@posix
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_device_is_written_to_and_never_replaced(tmp_path):
    write_atomically("/dev/null", "gone")
    x = np.random.default_rng(0).normal(size=(20, 3))
    (tmp_path / "link").symlink_to("/dev/full")
    for full in ("/dev/full", tmp_path / "link"):
        with pytest.raises(OSError, match="cannot be written: the disk is full") as raised:
            mmlearn.save(CCA(2).fit(x, x), full)
        assert raised.value.errno == errno.ENOSPC
    assert Path("/dev/null").is_char_device()
    assert Path("/dev/full").is_char_device()


@posix
def test_a_pipe_is_written_to(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    got = []
    reader = threading.Thread(target=lambda: got.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    write_atomically(tmp_path / "pipe", b"x" * 100_000)
    reader.join()
    assert got == [b"x" * 100_000]
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.slow
@posix
@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_what_is_written_to_the_output_stands_between_what_is_printed(tmp_path, name):
    if not os.path.lexists(name):
        pytest.skip(f"there is no {name}")
    code = f"print('before')\nwrite({name!r}, 'written\\n')\nprint('after')"
    assert run(code) == "before\nwritten\nafter"
    with open(tmp_path / "out", "w+") as out:  # into a file, which the shell has open
        lines = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        lines += f"from mmlearn.storage.files import write_atomically as write\n{code}"
        subprocess.run([sys.executable, "-B", "-c", lines], stdout=out, check=True)
        out.seek(0)
        assert out.read() == "before\nwritten\nafter\n"


@pytest.mark.slow
@posix
def test_the_shells_process_substitution_works(tmp_path):
    if not Path("/bin/bash").exists():
        pytest.skip("there is no bash")
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
    code += "from mmlearn.storage.files import write_atomically\n"
    code += "write_atomically(sys.argv[1], 'text')"
    command = '"$0" -B -c "$1" >(cat > "$2") && wait $!; for i in 1 2 3 4 5 6 7 8 9; do '
    command += '[ -s "$2" ] || sleep 0.1; done'
    subprocess.run(["/bin/bash", "-c", command, sys.executable, code, tmp_path / "a"], check=True)
    assert (tmp_path / "a").read_text() == "text"


@posix
def test_a_socket_is_refused(tmp_path, monkeypatch):
    import socket

    monkeypatch.chdir(tmp_path)  # the names of sockets are short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        with pytest.raises(OSError, match="socket cannot be written: it is a socket or a disk"):
            write_atomically("socket", "text")
        assert Path("socket").is_socket()


# -- the true reason, in one sentence --------------------------------------------------------


def loop(folder):
    (folder / "a").symlink_to("b")
    (folder / "b").symlink_to("a")
    return folder / "a"


REFUSED = {
    "missing": (lambda t: t / "nowhere" / "a", FileNotFoundError, "nowhere does not exist; create"),
    "dangling": (
        lambda t: (t / "l").symlink_to("no/file") or t / "l", FileNotFoundError, "no does not exist"
    ),
    "folder": (lambda t: t, IsADirectoryError, "it is a folder; give the name of a file in it"),
    "slash": (lambda t: f"{t}/new/", IsADirectoryError, "it is a folder; give the name of a file"),
    "file": (
        lambda t: (t / "f").touch() or t / "f" / "a", NotADirectoryError, "f is no folder; choose"
    ),
    "name": (lambda t: t / ("a" * 300), OSError, "the name is too long; give a shorter one"),
    "loop": (loop, OSError, "it is a link that leads back to itself; remove it"),
}  # fmt: skip


@posix
@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("write", [check_writable, lambda path: write_atomically(path, "text")])
def test_what_cannot_be_written_gets_its_reason_at_once(tmp_path, case, write):
    make, kind, sentence = REFUSED[case]
    path = make(tmp_path)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(kind, match=sentence) as raised:
        write(path)
    assert str(raised.value).startswith(f"{path} cannot be written: ")
    assert str(raised.value).count(".\n") == 0
    assert raised.value.errno is not None
    assert sorted(tmp_path.iterdir()) == before


def test_a_folder_is_made_with_those_above_it_or_the_reason_is_said(tmp_path):
    for _ in range(2):
        make_folder(tmp_path / "a" / "b")
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError, match="file cannot be written: it is a file; give"):
        make_folder(tmp_path / "file")
    with pytest.raises(OSError, match="file is no folder; choose another"):
        make_folder(tmp_path / "file" / "b")


@posix
@pytest.mark.slow
def test_a_file_that_grows_beyond_a_limit_leaves_the_old_one(tmp_path):
    (tmp_path / "a").write_text("old")
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))"
    said = run("write(path, 'x' * 5000)", tmp_path / "a", before=limit)
    assert said.startswith(f"OSError {errno.EFBIG} {tmp_path / 'a'} cannot be written: it would be")
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"a": "old"}


@pytest.fixture
def somebody(tmp_path):
    """What makes a process nobody's, who may look into the test's folder."""
    if os.name != "posix":
        pytest.skip("permissions are POSIX's")
    for folder in (tmp_path, *tmp_path.parents):
        if folder == tmp_path or "pytest" in folder.name:
            folder.chmod(0o755)
    become = "os.setgroups([]); os.setgid(65534); os.setuid(65534)"
    return become if os.geteuid() == 0 else ""


@pytest.mark.slow
def test_a_folder_that_may_not_be_written_says_so(tmp_path, somebody):
    (tmp_path / "shut").mkdir(mode=0o555)
    said = run("write(path, 'text')", tmp_path / "shut" / "a", before=somebody)
    assert said.startswith("PermissionError 13 ")
    assert "cannot be written: you lack the permission" in said


@pytest.mark.slow
def test_a_file_that_is_protected_is_not_replaced_though_its_folder_may_be_written(
    tmp_path, somebody
):
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    path = tmp_path / "open" / "a"
    path.write_text("old")
    path.chmod(0o444)
    assert "PermissionError 13 " in run("write(path, 'text')", path, before=somebody)
    assert path.read_text() == "old"


@pytest.mark.slow
def test_a_file_that_may_not_be_read_is_not_called_damaged(tmp_path, somebody):
    path = tmp_path / "model"
    x = np.random.default_rng(0).normal(size=(20, 3))
    mmlearn.save(CCA(2).fit(x, x), path)
    path.chmod(0o000)
    said = run(
        "mmlearn.storage.models.load(path)",
        path,
        before=f"import mmlearn.storage.models; {somebody}",
    )
    assert "PermissionError" in said
    assert said.endswith("cannot be read: you lack the permission; have it given to you.")


def test_what_is_no_file_is_not_read(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no file"):
        check_readable(tmp_path / "a")
    with pytest.raises(IsADirectoryError, match="is a folder; give the name of a file in it"):
        check_readable(tmp_path)
    if os.name == "posix":
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(OSError, match="is no ordinary file"):
            mmlearn.load(tmp_path / "pipe")


# -- the cache -------------------------------------------------------------------------------

COLD = """
import sys
sys.path.insert(0, {root!r})
import numpy as np
from mmlearn.storage.cache import cache_dir, remember_features, remember_pictures
pictures = np.random.default_rng(0).integers(0, 255, (200, 4, 4, 3)).astype(np.uint8)
def compute(pictures, keep):
    out = pictures.reshape(len(pictures), -1)[:, :3].astype(np.float32)
    for start in range(0, len(out), 5):
        keep(start, start + 5, out[start : start + 5])
    return out
got = remember_pictures(cache_dir() / "p.npz", pictures.shape, lambda: pictures)
assert (got == pictures).all()
x = remember_features("f", pictures, compute, 3)
assert (x == pictures.reshape(200, -1)[:, :3]).all()
"""


@pytest.mark.slow
def test_several_processes_fill_a_cold_cache_at_once(tmp_path):
    command = [sys.executable, "-W", "error", "-c", COLD.format(root=str(ROOT))]
    settings = {"env": {**os.environ, "MMLEARN_CACHE": str(tmp_path / "cache")}}
    started = [subprocess.Popen(command, **settings) for _ in range(3)]
    assert [process.wait() for process in started] == [0, 0, 0]
    assert sorted(os.listdir(tmp_path / "cache")) == ["f.sqlite", "p.npz"]
    subprocess.run(command, check=True, **settings)


# -- what a file may be called ---------------------------------------------------------------


def test_the_home_folder_is_meant_by_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    x = np.random.default_rng(0).normal(size=(20, 3))
    mmlearn.save(CCA(2).fit(x, x), "~/model")
    assert (tmp_path / "model").exists()
    assert mmlearn.load(Path("~/model")).n_components == 2
    assert check_readable("~/model") == str(tmp_path / "model")


@pytest.mark.parametrize("use", [check_writable, check_readable, make_folder, mmlearn.load])
@pytest.mark.parametrize("path", [None, 3, sys.stdin, "", "a\0b"])
def test_what_is_no_name_of_a_file_is_said_so(use, path):
    wanted = "a file is given by its name, str or Path|no file can have the name"
    with pytest.raises((TypeError, ValueError), match=wanted):
        use(path)


@posix
def test_a_name_in_bytes_is_a_name(tmp_path):
    write_atomically(os.fsencode(tmp_path / "a"), "text")
    assert (tmp_path / "a").read_text() == "text"


@posix
def test_a_file_that_cannot_be_looked_up_is_not_called_damaged(tmp_path):
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(OSError, match="loop cannot be read: it is a link that leads back to"):
        mmlearn.load(loop)
    with pytest.raises(OSError, match="cannot be read: the name is too long"):
        mmlearn.load(tmp_path / ("a" * 300))


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_that_is_not_in_utf_8_is_not_called_damaged(tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff")
    write_atomically(path, "text")
    with pytest.raises(OSError, match="its name is not in UTF-8; rename it"):
        mmlearn.load(path)
