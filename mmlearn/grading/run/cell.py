"""One cell of the notebook that is run."""

from __future__ import annotations

from dataclasses import dataclass

from mmlearn.notebook import TOLERANCE


@dataclass(frozen=True)
class RunCell:
    """A cell of the notebook that is run: its source, and what it is for."""

    source: str
    role: str  # "other", "solution", "check" (the visible part), "hidden" or "fresh" (see inside)
    grade_id: str | None = None
    reference: str | None = None  # compared after this cell with all that its check printed
    answers: tuple[str, ...] = ()  # the names that a check takes from the student alone
    prefix: bool = False  # more is to come: compare only as many lines as were printed
    rtol: float = TOLERANCE["rtol"]
    atol: float = TOLERANCE["atol"]
