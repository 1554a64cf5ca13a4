"""Run every benchmark, or those named: python -m benchmarks [cca] [mining] ..."""

import sys
from importlib import import_module

NAMES = (
    "cca", "kcca", "dcca", "mining", "training", "retrieval", "diachronic", "grading",
    "coattention", "scenes", "shortcuts",
)  # fmt: skip

unknown = [name for name in sys.argv[1:] if name not in NAMES]
if unknown:
    sys.exit(f"unknown benchmark {unknown[0]!r}; known: {', '.join(NAMES)}.")
for name in sys.argv[1:] or NAMES:
    import_module(f"benchmarks.{name}").main()
