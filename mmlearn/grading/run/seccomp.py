"""Which calls to the system's kernel a boxed program may not make: a filter for bubblewrap (Linux).

Denied is what no lab needs and what leads around the other limits: memory in files without a name
(memfd), which is counted nowhere, and new namespaces, in which a program may mount what it likes.
"""

from __future__ import annotations

import platform
import struct

EPERM, ENOSYS = 1, 38
CLONE_NEWUSER = 0x10000000

# Numbers by machine, from the kernel's tables: the architecture's own, clone, and those denied.
_MACHINES = {
    "x86_64": {
        "arch": 0xC000003E,
        "clone": 56,
        # memfd_create, unshare, setns, mount, keyctl, ptrace, bpf, perf_event_open, userfaultfd
        "denied": (319, 272, 308, 165, 250, 101, 321, 298, 323),
    },
    "aarch64": {
        "arch": 0xC00000B7,
        "clone": 220,
        "denied": (279, 97, 268, 40, 219, 117, 280, 241, 282),
    },
}
_EVERYWHERE = (
    447,
    428,
    429,
    430,
    431,
    432,
    433,
    442,
)  # memfd_secret and the newer calls that mount
_CLONE3 = 435  # its flags cannot be looked at; where it is missing, libraries use clone

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_NUMBER, _ARCH, _FIRST_ARGUMENT = 0, 4, 16  # where they stand in what the filter is given
_X32 = 0x40000000  # a second set of numbers for the same calls


def filter_program() -> bytes:
    """Return the filter as a BPF program; empty on machines whose numbers are not known here."""
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        return b""
    lines = [
        (_LOAD, 0, 0, _ARCH),
        (_EQUAL, 1, 0, machine["arch"]),
        (_RETURN, 0, 0, _ERRNO | EPERM),
        (_LOAD, 0, 0, _NUMBER),
        *_refuse(_AT_LEAST, _X32, ENOSYS),
        *_refuse(_EQUAL, _CLONE3, ENOSYS),
    ]
    for number in (*machine["denied"], *_EVERYWHERE):
        lines += _refuse(_EQUAL, number, EPERM)
    lines += [
        (_EQUAL, 0, 3, machine["clone"]),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        *_refuse(_ANY_BIT, CLONE_NEWUSER, EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *line) for line in lines)


def _refuse(test: int, value: int, error: int) -> list[tuple[int, int, int, int]]:
    return [(test, 0, 1, value), (_RETURN, 0, 0, _ERRNO | error)]
