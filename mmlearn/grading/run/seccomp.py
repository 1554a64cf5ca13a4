"""Which calls to the system's kernel a boxed program may not make: a filter for bubblewrap (Linux).

Denied is what no lab needs and what leads around the other limits or out of one's turn: memory that
is counted nowhere (without a file, shared without a name, System V's, in rings, as keys), files
without a name, new namespaces, leases on files that all read, the processor's and the scheduler's
favours, watches counted by user, and what tells which pages of a file another run has read.
"""

from __future__ import annotations

import platform
import struct
from typing import NamedTuple

EPERM, ENOSYS, EOPNOTSUPP = 1, 38, 95
CLONE_NEWUSER = 0x10000000
SHARED_AND_ANONYMOUS = 0x21  # MAP_SHARED | MAP_ANONYMOUS
TMPFILE = 0x400000  # the bit of O_TMPFILE that is its own

# Numbers from the kernel's tables: x86-64 and arm64, in this order.
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_DENIED = {
    "memfd_create": (319, 279),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "ptrace": (101, 117),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "inotify_init1": (294, 26),
    "fanotify_init": (300, 262),
    "sched_setaffinity": (203, 122),
    "sched_setattr": (314, 274),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "mincore": (27, 232),
    "fadvise64": (221, 223),
    "vmsplice": (278, 75),
    "memfd_secret": (447, 447),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "cachestat": (451, 451),
    "inotify_init": (253, None),
}
# What cannot be looked at; where these are missing, libraries use the older calls.
_MISSING = {"clone3": (435, 435), "openat2": (437, 437)}


class Refusal(NamedTuple):
    """A call that is refused by one of its arguments, when all of some bits or a value is given."""

    numbers: tuple[int | None, int | None]
    argument: int
    mask: int
    value: int
    error: int = EPERM


_REFUSED = {
    "clone": Refusal((56, 220), 0, CLONE_NEWUSER, CLONE_NEWUSER),
    "mmap": Refusal((9, 222), 3, SHARED_AND_ANONYMOUS, SHARED_AND_ANONYMOUS),
    "open": Refusal((2, None), 1, TMPFILE, TMPFILE, EOPNOTSUPP),
    "openat": Refusal((257, 56), 2, TMPFILE, TMPFILE, EOPNOTSUPP),
    "F_SETLEASE": Refusal((72, 25), 1, 0xFFFFFFFF, 1024),
    "F_NOTIFY": Refusal((72, 25), 1, 0xFFFFFFFF, 1026),
    "F_SETPIPE_SZ": Refusal((72, 25), 1, 0xFFFFFFFF, 1031),
}

_LOAD, _AND, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16  # where they stand in what the filter is given
_X32 = 0x40000000  # a second set of numbers for the same calls


def filter_program() -> bytes:
    """Return the filter as a BPF program; empty on machines whose numbers are not known here."""
    if platform.machine() not in _MACHINES:
        return b""
    column, arch = _MACHINES[platform.machine()]
    lines = [
        (_LOAD, 0, 0, _ARCH),
        (_EQUAL, 1, 0, arch),
        (_RETURN, 0, 0, _ERRNO | EPERM),
        (_LOAD, 0, 0, _NUMBER),
        *_refuse(_AT_LEAST, _X32, ENOSYS),
    ]
    for calls, error in ((_DENIED, EPERM), (_MISSING, ENOSYS)):
        for numbers in calls.values():
            if numbers[column] is not None:
                lines += _refuse(_EQUAL, numbers[column], error)
    for refusal in _REFUSED.values():
        if refusal.numbers[column] is not None:
            lines += _refuse_argument(refusal.numbers[column], refusal)
    lines.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("=HBBI", *line) for line in lines)


def _refuse(test: int, value: int, error: int) -> list[tuple[int, int, int, int]]:
    return [(test, 0, 1, value), (_RETURN, 0, 0, _ERRNO | error)]


def _refuse_argument(number: int, refusal: Refusal) -> list[tuple[int, int, int, int]]:
    return [
        (_EQUAL, 0, 5, number),
        (_LOAD, 0, 0, _ARGUMENTS + 8 * refusal.argument),
        (_AND, 0, 0, refusal.mask),
        *_refuse(_EQUAL, refusal.value, refusal.error),
        (_LOAD, 0, 0, _NUMBER),
    ]
