"""What a process of grading leaves out when it imports Jupyter's packages."""

from __future__ import annotations

import sys

# Where it is installed, nbformat's validator imports it, and it builds a grammar of web addresses
# each time: that takes longer than all else that a worker loads, and no notebook needs it.
SLOW = "rfc3987_syntax"


def skip_slow_imports() -> None:
    """Let the import of what is slow and never needed find nothing, in this process."""
    sys.modules.setdefault(SLOW, None)
