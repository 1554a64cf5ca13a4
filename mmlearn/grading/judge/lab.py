"""What grading needs of an instructor's copy: its exercises, its checks, and its other cells."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mmlearn.grading.run.names import bound_names
from mmlearn.notebook import TOLERANCE


@dataclass(frozen=True)
class Check:
    """A graded check: its visible and hidden source and what it prints for the solution."""

    grade_id: str
    exercise: str | None  # the grade_id of the solution cell that it checks
    points: float
    visible: str
    hidden: str
    reference: str | None  # None: no instructor's copy, nothing to compare with
    rtol: float = TOLERANCE["rtol"]
    atol: float = TOLERANCE["atol"]


@dataclass(frozen=True)
class Exercise:
    """A solution cell of the instructor's copy, and what an answer may take from a library."""

    grade_id: str
    source: str
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Other:
    """A code cell that is neither answered nor graded (set-up, helpers, figures)."""

    source: str


@dataclass(frozen=True)
class Lab:
    """What grading needs of an instructor's copy, in its order."""

    unit: str
    path: Path
    hash: str
    items: tuple[Check | Exercise | Other, ...]
    written: tuple[tuple[str, float], ...]
    own_work: bool = False  # an answer that takes more from a library earns nothing

    @property
    def answers(self) -> tuple[str, ...]:
        """The names that the answers define: in a check they are the student's, nobody else's."""
        return tuple(sorted(set().union(*(bound_names(e.source) for e in self.exercises))))

    @property
    def checks(self) -> list[Check]:
        return [item for item in self.items if isinstance(item, Check)]

    @property
    def exercises(self) -> list[Exercise]:
        return [item for item in self.items if isinstance(item, Exercise)]

    @property
    def max_points(self) -> float:
        return sum(check.points for check in self.checks)
