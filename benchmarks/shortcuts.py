"""Shortcuts in the scenes: what attackers who lack a part of an item get right, with intervals.

Careful scenes beside careless ones, of the same size. All learn from other scenes than those that
they are asked, in the same wording. Chance is .250, of statements .500, of entailment .333, and of
expressions one in as many things as the picture has. Three minutes on one thread.
python -m benchmarks.shortcuts [--scenes 4000] [--objects 6 8]
"""

import argparse
import warnings

from sklearn.exceptions import ConvergenceWarning

from benchmarks.attackers import ATTACKERS
from mmlearn.data import load_scenes


def shortcuts(train, test):
    """{kind: {attacker: (share right, number of items)}} for all that is said of the test's scenes.

    Parameters
    ----------
    train, test : Scenes of the same settings; the test's best with the wording of training
    """
    table = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a few steps do for an attack
        for task, attackers in ATTACKERS.items():
            for name, attack in attackers.items():
                for kind, right in attack(train, test).items():
                    key = kind if task == "questions" else f"{task}, {kind}"
                    table.setdefault(key, {})[name] = float(right.mean()), len(right)
    return table


def main(arguments=()):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", type=int, default=4_000, help="to learn from, half to ask")
    parser.add_argument("--objects", type=int, nargs=2, default=(6, 8))
    given = parser.parse_args(arguments)
    tables = []
    for careless in (False, True):
        settings = {"n_objects": tuple(given.objects), "careless": careless, "wording": "seen"}
        train = load_scenes(given.scenes, seed=1, **settings)
        tables.append(shortcuts(train, load_scenes(given.scenes // 2, 1, "test", **settings)))
    print(f"{'':<60}{'careful':>16}{'careless':>16}")
    for kind, row in tables[0].items():
        for attacker in row:
            cells = (_cell(table.get(kind, {}).get(attacker)) for table in tables)
            print(f"{f'{kind}: {attacker}':<60}" + "".join(f"{c:>16}" for c in cells))


def _cell(found):
    if found is None:
        return "–"
    share, n = found
    return f"{share:.3f} ± {1.96 * (share * (1 - share) / n) ** 0.5:.3f}"


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
