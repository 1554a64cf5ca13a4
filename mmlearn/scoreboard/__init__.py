"""The scoreboard: every method, both directions of retrieval, several seeds, one table."""

from mmlearn.scoreboard.benchmarks import BENCHMARKS, Benchmark
from mmlearn.scoreboard.board import Row, Scoreboard, stored
from mmlearn.scoreboard.measured import measured
from mmlearn.scoreboard.papers import published
from mmlearn.scoreboard.runner import Stopped, choose, fit_method, remember_parts, run

__all__ = [
    "BENCHMARKS",
    "Benchmark",
    "Row",
    "Scoreboard",
    "Stopped",
    "choose",
    "fit_method",
    "measured",
    "published",
    "remember_parts",
    "run",
    "stored",
]
