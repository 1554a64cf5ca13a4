"""Where the kernel runs: the one seam between grading and a box around the student's code.

The only backend now is ``none``: the kernel runs as the user who grades, with that user's rights,
and every report says "not boxed". A backend is a name in `BACKENDS` and a branch in
`kernel_command`; nothing else of the grader starts a kernel.
"""

from __future__ import annotations

from dataclasses import dataclass

BACKENDS = ("none",)

STAMPS = {"none": "not boxed: the code ran with the rights of the person who graded it"}


@dataclass(frozen=True)
class Folders:
    """The folders of one run: only these may have to be visible inside a box."""

    work: str  # the kernel's working folder, fresh and empty
    runtime: str  # its connection file


def kernel_command(command: list[str], backend: str, folders: Folders) -> list[str]:
    """Return the command that starts a kernel inside the box of `backend`.

    Raises
    ------
    ValueError
        If there is no such backend.
    """
    if backend not in BACKENDS:
        raise ValueError(f"Unknown sandbox {backend!r}; known: {', '.join(BACKENDS)}.")
    return command
