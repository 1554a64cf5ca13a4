"""Shortcuts in the scenes: what attackers who lack a part of an item get right, with intervals.

Careful scenes beside careless ones, of the same size. All learn from other scenes than those that
they are asked, in the same wording. Chance is .250, of statements .500, of entailment .333, and of
expressions one in as many things as the picture has. Three minutes on one thread.
python -m benchmarks.shortcuts [--scenes 4000] [--objects 6 8] [--store]

`--store` puts the figures into mmlearn/scoreboard/results/shortcuts.json, for README's table.
"""

import argparse
import warnings

from sklearn.exceptions import ConvergenceWarning

from benchmarks.attackers import ATTACKERS
from benchmarks.stored import store
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
    parser.add_argument("--store", action="store_true")
    given = parser.parse_args(arguments)
    tables = {}
    for part, careless in (("careful", False), ("careless", True)):
        settings = {"n_objects": tuple(given.objects), "careless": careless, "wording": "seen"}
        train = load_scenes(given.scenes, seed=1, **settings)
        test = load_scenes(given.scenes // 2, 1, "test", **settings)
        tables[part] = shortcuts(train, test)
        if given.store:
            title = f"What attackers find in {part} scenes"
            store("shortcuts", part, title, _rows(tables[part], given.objects))
    print(f"{'':<60}{'careful':>16}{'careless':>16}")
    for kind, row in tables["careful"].items():
        for attacker in row:
            cells = (_cell(table.get(kind, {}).get(attacker)) for table in tables.values())
            print(f"{f'{kind}: {attacker}':<60}" + "".join(f"{c:>16}" for c in cells))


def chance(kind, n_objects=(6, 8)):
    """What guessing finds: one of four answers, of two truths, of three, or of all things."""
    low, high = n_objects
    things = sum(1 / n for n in range(low, high + 1)) / (high - low + 1)
    shares = {"statements": 1 / 2, "entailment": 1 / 3, "expressions": things}
    return shares.get(kind.split(",")[0], 1 / 4)


def _rows(table, n_objects):
    return {
        f"{kind}: {attacker}": {"right": [share], "items": [n], "chance": [chance(kind, n_objects)]}
        for kind, row in table.items()
        for attacker, (share, n) in row.items()
    }


def _cell(found):
    if found is None:
        return "–"
    share, n = found
    return f"{share:.3f} ± {1.96 * (share * (1 - share) / n) ** 0.5:.3f}"


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
