"""Run every benchmark: python -m benchmarks [cca] [kcca] [mining] [retrieval]"""

import sys

from benchmarks import cca, kcca, mining, retrieval

KNOWN = {"cca": cca.main, "kcca": kcca.main, "mining": mining.main, "retrieval": retrieval.main}

unknown = [name for name in sys.argv[1:] if name not in KNOWN]
if unknown:
    sys.exit(f"unknown benchmark {unknown[0]!r}; known: {', '.join(KNOWN)}.")
for name in sys.argv[1:] or KNOWN:
    KNOWN[name]()
