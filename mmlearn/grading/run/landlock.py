"""Where a boxed process may write, by Landlock (Linux 5.13 and newer): a limit it puts on itself.

The box shows one folder of this machine that can be written: the kernel's sockets stand in it.
Landlock lets sockets be made there, and nothing else: no file, folder or link on the host's disk.
"""

from __future__ import annotations

import ctypes
import os
import struct

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # system calls, the same on all machines
_PATH_BENEATH, _NO_NEW_PRIVILEGES = 1, 38

WRITE_FILE, REMOVE_DIR, REMOVE_FILE = 1 << 1, 1 << 4, 1 << 5
MAKE_SOCKET = 1 << 9
_MAKE = sum(1 << bit for bit in (6, 7, 8, 10, 11, 12))  # device, folder, file, pipe, device, link
_REFER, _TRUNCATE = 1 << 13, 1 << 14
_FILE = WRITE_FILE | _TRUNCATE


def version() -> int:
    """Return which version of Landlock the system's kernel has; 0 where it has none."""
    try:
        return max(0, _call(_CREATE, None, ctypes.c_size_t(0), 1))
    except (OSError, AttributeError):
        return 0


def restrict(writable: list[str], sockets: str) -> bool:
    """Let this process write below some folders only, and in `sockets` make sockets alone.

    It holds for all threads and processes that are started from here, and cannot be taken back.
    False where the system's kernel knows no Landlock.
    """
    known = version()
    if not known:
        return False
    handled = _FILE | _MAKE | MAKE_SOCKET | REMOVE_DIR | REMOVE_FILE | _REFER
    handled &= ~(0 if known >= 2 else _REFER) & ~(0 if known >= 3 else _TRUNCATE)
    rules = _call(_CREATE, struct.pack("=Q", handled), ctypes.c_size_t(8), 0)
    if rules < 0:
        return False
    try:
        for folder in filter(os.path.exists, writable):
            _allow(rules, folder, handled)
        _allow(rules, sockets, (MAKE_SOCKET | REMOVE_FILE) & handled)
        ctypes.CDLL(None).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        return _call(_RESTRICT, rules, 0) == 0
    finally:
        os.close(rules)


def _allow(rules: int, path: str, rights: int) -> None:
    folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not os.path.isdir(path):
            rights &= _FILE
        _call(_ADD, rules, _PATH_BENEATH, struct.pack("=Qi", rights, folder), 0)
    finally:
        os.close(folder)


def _call(number: int, *arguments) -> int:
    return ctypes.CDLL(None, use_errno=True).syscall(number, *arguments)
