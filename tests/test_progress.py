"""Progress bars: where somebody watches, and nowhere else."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

import mmlearn
from mmlearn.progress import bars, progress_bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


def drawn(monkeypatch, stream, **settings):
    """What is written to stderr while a bar is shown."""
    monkeypatch.setattr(sys, "stderr", stream)
    assert list(progress_bar(range(3), desc="counting", **settings)) == [0, 1, 2]
    return stream.getvalue()


def test_a_terminal_shows_the_bar(monkeypatch):
    assert "counting" in drawn(monkeypatch, Terminal())


def test_a_pipe_or_a_file_gets_nothing(monkeypatch):
    assert drawn(monkeypatch, io.StringIO()) == ""


def test_nothing_is_drawn_where_no_bar_is_wanted(monkeypatch):
    assert drawn(monkeypatch, Terminal(), show=False) == ""
    with bars(False):
        assert drawn(monkeypatch, Terminal()) == ""
        with bars(True):  # who asked for silence around all this keeps it
            assert drawn(monkeypatch, Terminal()) == ""
    assert "counting" in drawn(monkeypatch, Terminal())


def test_a_notebook_shows_the_bar_though_its_stderr_is_no_terminal():
    pytest.importorskip("ipykernel")
    code = """
import ipykernel.zmqshell
from mmlearn.progress import progress_bar
bar = progress_bar(range(3))
print(type(bar).__mro__[1].__name__, "off" if bar.disable else "drawn")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[-2:] == ["tqdm_notebook", "drawn"]


def test_every_bar_of_the_package_is_this_one():
    package = Path(mmlearn.__file__).parent
    users = [p.name for p in package.rglob("*.py") if "tqdm" in p.read_text(encoding="utf-8")]
    assert users == ["progress.py"]
