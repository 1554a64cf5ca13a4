"""Shared by all tests: one torch thread a process, no network, and which of them are slow."""

import os
import socket
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

# Left out of `make check`: files whose tests start kernels, boxes or other processes, run notebooks
# or train for long. Any other test of over a second carries `@pytest.mark.slow` itself.
SLOW = (
    "grading/test_fair.py",
    "grading/test_faults.py",
    "grading/test_grade_class.py",
    "grading/test_grade_command.py",
    "grading/test_library.py",
    "grading/test_nbgrader.py",
    "grading/test_real_labs.py",
    "grading/test_rebuild.py",
    "grading/test_release.py",
    "grading/test_sandbox.py",
    "deep/test_autoencoders.py",
    "deep/test_cmdn.py",
    "test_contributing.py",
    "test_front_door.py",
    "test_mutants.py",
    "test_notebooks.py",
    "test_packaging.py",
    "test_pins.py",
    "pairs/test_benchmark.py",
)


def pytest_collection_modifyitems(items):
    here = Path(__file__).parent
    slow = {here / name for name in SLOW}
    missing = sorted(path.name for path in slow if not path.exists())
    if missing:
        raise pytest.UsageError(f"tests/conftest.py: SLOW names no file: {', '.join(missing)}.")
    for item in items:
        if item.path in slow:
            item.add_marker("slow")
    # Files with slow tests come first: two workers then end together, on quick ones.
    first = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in first)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch):
    """A test that reaches beyond this machine fails at once."""
    connect = socket.socket.connect

    def guarded(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in (
            "127.0.0.1",
            "::1",
            "localhost",
        ):
            raise OSError(f"tests must not use the network, but one connects to {address}")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture
def rng():
    return np.random.default_rng(0)
