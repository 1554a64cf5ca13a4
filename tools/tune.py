"""Choose the scoreboard's settings on validation parts of the training sets.

    python tools/tune.py --dataset emoji [--methods cca,kcca] [--tries 12] [--write]

For each method, the settings in use and random draws from `tools/grids.toml` are fitted on a part
of the training set and scored on the rest of it, over several splits. The best goes into
`mmlearn/scoreboard/settings.toml` with --write. The test part of a split takes no part in choosing.
Where a dataset has no split of its own (emoji), the splits overlap: an item that is tested in one
of them may have served to choose in another.
"""

import argparse
import random
import sys
import time
import tomllib
from functools import partial
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from mmlearn.registry import methods  # noqa: E402
from mmlearn.retrieval import evaluate_retrieval  # noqa: E402
from mmlearn.scoreboard import BENCHMARKS, choose, fit_method, remember_parts  # noqa: E402
from mmlearn.storage.files import write_atomically  # noqa: E402

SETTINGS = ROOT / "mmlearn" / "scoreboard" / "settings.toml"
GRIDS = ROOT / "tools" / "grids.toml"
VALIDATION_SIZE = 0.25
HEADER = """\
# What the scoreboard uses: chosen on validation parts of the training sets, most by tools/tune.py.
# [method.dataset] holds the method's parameters; `features`, what it asks for in place of the
# dataset's usual features.
"""


def main():
    args = _arguments()
    benchmark = BENCHMARKS[args.dataset]
    if args.write and benchmark.settings != args.dataset:
        sys.exit(
            f"{args.dataset} uses the settings of {benchmark.settings}: tune that, or no --write."
        )
    chosen, _ = choose(benchmark, args.methods.split(",") if args.methods else None)
    data = benchmark.load()
    splits = [
        remember_parts(partial(_validation_split, benchmark, data, seed))
        for seed in range(args.splits)
    ]
    for method in chosen:
        tries = candidates(method, benchmark.settings, args.tries)
        results = [(*_validate(method, t, splits, benchmark), t) for t in tries]
        best = max(results, key=lambda result: result[0])
        print(f"\n{method.name} on {args.dataset}: validation mAP of {len(results)} settings")
        for score, seconds, settings in sorted(results, key=lambda result: -result[0]):
            mark = "*" if settings is best[2] else " "
            in_use = "  (in use)" if settings is tries[0] else ""
            print(f" {mark} {score:.4f} {seconds:6.1f} s  {settings}{in_use}", flush=True)
        if args.write:
            write_settings(method.name, benchmark.settings, best[2])


def _arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", choices=list(BENCHMARKS), default="emoji")
    parser.add_argument("--methods", metavar="A,B", help="all if not given")
    parser.add_argument("--tries", type=int, default=12, help="random draws from the grid; 12")
    parser.add_argument("--splits", type=int, default=3, help="validation splits; 3")
    parser.add_argument("--write", action="store_true", help="put the best into settings.toml")
    return parser.parse_args()


def candidates(method, dataset, tries):
    """The settings in use, then different random draws from the method's grid."""
    grid = tomllib.loads(GRIDS.read_text(encoding="utf-8")).get(method.name, {})
    own = {key: value for key, value in grid.items() if isinstance(value, list)}
    grid = own | grid.get(dataset, {})
    in_use = method.settings(dataset)
    found = [in_use]
    draw = random.Random(0)
    for _ in range(20 * tries):
        if len(found) > tries or not grid:
            break
        picked = {key: draw.choice(values) for key, values in grid.items()}
        features = picked.pop("features", in_use["features"])
        drawn = {"features": features, "params": in_use["params"] | picked}
        if drawn not in found:
            found.append(drawn)
    return found


def _validation_split(benchmark, data, seed, features):
    """Two parts of the training set of split `seed`; the test part is thrown away."""
    train, _ = benchmark.split(data, seed, features)
    return train.split(VALIDATION_SIZE, seed=seed, stratify=data.labels is not None)


def _validate(method, settings, splits, benchmark):
    """Mean validation mAP over the splits, and the seconds it took."""
    start = time.perf_counter()
    scores = []
    for seed, parts in enumerate(splits):
        try:
            model, held_out, _ = fit_method(method, settings, parts, seed)
        except ValueError as error:  # such as a kernel for histograms on features of either sign
            print(f"   refused: {settings}: {error}")
            return -1.0, time.perf_counter() - start
        scores.append(evaluate_retrieval(model, held_out, labels=benchmark.relevant)["mean"])
    return float(np.mean(scores)), time.perf_counter() - start


def write_settings(name, dataset, settings):
    """Replace one entry of settings.toml; entries stand in the order of the registry."""
    everything = tomllib.loads(SETTINGS.read_text(encoding="utf-8"))
    features = {"features": settings["features"]} if settings["features"] else {}
    everything.setdefault(name, {})[dataset] = settings["params"] | features
    lines = [HEADER]
    for method in methods():
        for key, entry in sorted(everything.get(method.name, {}).items()):
            lines += [f"[{method.name}.{key}]"]
            lines += [f"{parameter} = {_toml(value)}" for parameter, value in entry.items()]
            lines += [""]
    write_atomically(SETTINGS, "\n".join(lines))


def _toml(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + " }"
    return repr(value)


if __name__ == "__main__":
    main()
