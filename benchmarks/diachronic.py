"""What the diachronic embedding finds: planted drift, its controls, retrieval at a time, fashion.

Every figure is the mean ± standard deviation over three seeds; seconds are those of `fit`, CPU time
of one thread. "Static" is the same model trained without time (all times equal), so that it has
the same network, losses and settings, but no window; "times shuffled" has the window, too.

r is the correlation of found with planted drift over the 33 distinct velocities. It stands beside a
regression on the captions, counting (the ceiling), and times shuffled: 499 times for the
regression, each time anew for the model, SHUFFLES models a seed, whose r are all kept. p is that of
the worst seed among all shuffles.

python -m benchmarks.diachronic [known] [unseen] ["random quarter"] ["later years"] [--store]

`--store` puts the values of every seed into mmlearn/scoreboard/results/diachronic.json, for
README's table. The seed of a timeline plants other partners, velocities and draws, and splits
otherwise.
"""

import argparse
import sys
import time
from functools import cache, partial

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from benchmarks.stored import store
from mmlearn.data import load_fashion, load_timeline
from mmlearn.deep import (
    Diachronic,
    counted_drift,
    displacement,
    drift_correlation,
    recovered_drift,
    regression_drift,
)
from mmlearn.permutation import p_value, permutation_test
from mmlearn.retrieval import chance_level, cross_modal_map, evaluate_retrieval

SEEDS = 3
BINS = 5  # "at a given time": queries and gallery of one fifth of the timeline
SHUFFLES = 7  # models trained on shuffled times, a seed
SETTINGS = {
    "n_components": 64,
    "standardize": False,
    "epochs": 20,  # as good as the default of 30 at 2e-3, in two thirds of the time
    "learning_rate": 5e-3,
    "device": "cpu",
}
MIN_KNOWN = 20  # training products of a class that counts in the test on fashion


def fit(train, seed, times=None):
    """A fitted model and the CPU seconds that fitting took; `times` in place of the data's own."""
    images, texts = train.images, train.texts  # computed before the clock starts
    model = Diachronic(random_state=seed, **SETTINGS)
    start = time.process_time()
    model.fit(images, texts, train.labels, times=train.times if times is None else times)
    return model, time.process_time() - start


def map_at_a_time(model, test):
    """Mean over equal stretches of time of the mAP within each, both directions."""
    edges = np.linspace(test.times.min(), test.times.max(), BINS + 1)[1:-1]
    bin_of = np.searchsorted(edges, test.times, side="right")
    z = model.embed_images(test.images, test.times), model.embed_texts(test.texts, test.times)
    scores = []
    for b in range(BINS):
        z_x, z_y = (side[bin_of == b] for side in z)
        scores.append(cross_modal_map(model, z_x, z_y, test.labels[bin_of == b])["mean"])
    return np.mean(scores)


def both(seed, train, test):
    """The model with time, and the figures of it and of the static one at their own times."""
    timed, seconds = fit(train, seed)
    static, static_seconds = fit(train, seed, times=0.0)
    at_a_time = [map_at_a_time(model, test) for model in (timed, static)]
    figures = {
        "timed": at_a_time[0],
        "static": at_a_time[1],
        "timed - static": at_a_time[0] - at_a_time[1],
        "chance": chance_level(test.labels, test.labels),
        "seconds": seconds,
        "static seconds": static_seconds,
    }
    return timed, figures


def known(seed):
    """Rows of one timeline, tested on new observations of known emoji."""
    train, test = timeline(seed).split(seed=seed)
    model, figures = both(seed, train, test)
    rng, shuffled, controls = np.random.default_rng(seed), [], []
    for _ in range(SHUFFLES):
        control, _ = fit(train, seed, times=rng.permutation(train.times))
        shuffled.append(drift_correlation(recovered_drift(control, train), train))
        controls.append(map_at_a_time(control, test))

    def by_regression(times):
        return drift_correlation(regression_drift(train, times=times), train)

    regression = permutation_test(by_regression, train.times, n=499)
    figures = {"r": drift_correlation(recovered_drift(model, train), train)} | figures
    return {
        "diachronic": figures,
        "times shuffled": {"r": shuffled, "timed": controls},
        "regression": {
            "r": regression.observed,
            "p": regression.p,
            "shuffled r": regression.shuffled.mean(),
            "shuffled sd": regression.shuffled.std(),
        },
        "counting": {"r": drift_correlation(counted_drift(train), train)},
        **{f"moved, {side}": moved(model, control, test, side) for side in ("images", "texts")},
    }


def moved(model, control, test, side):
    """Mean movement from first to last time after Procrustes, and that of the control."""
    rows = {side: getattr(test, side)}
    paths = [each.trajectories([0.0, 1.0], **rows) for each in (model, control)]
    found = displacement(*paths)
    return {"aligned": found.aligned.mean(), "control": found.control.mean()}


def unseen(seed):
    """Rows of one timeline, tested on emoji that training never shows."""
    train, test = timeline(seed).official_split()
    model, figures = both(seed, train, test)
    found = {
        "diachronic": recovered_drift(model, test),
        "regression": regression_drift(train, test),
        "regression, groups told": regression_drift(train),
    }
    rows = {name: {"r": drift_correlation(drift, train)} for name, drift in found.items()}
    rows["diachronic"] |= figures
    return rows


def timeline(seed):
    return load_timeline(seed=seed).features(image="cnn", text="lsa")


@cache
def products():
    return load_fashion(years=(2010, 2018)).features(image="cnn", text="lsa")


def fashion(seed, cut):
    """mAP on products of the years from `cut` on, or (None) on a random quarter."""
    data = products()
    train, test = data.split(seed=seed) if cut is None else data.temporal_split(cut)
    in_training = np.bincount(train.labels, minlength=len(data.label_names)) >= MIN_KNOWN
    test = test[in_training[test.labels]]
    figures = {"classes": in_training.sum(), "n test": len(test)}
    shuffled = np.random.default_rng(seed).permutation(train.times)
    for name, times in (("timed", None), ("static", 0.0), ("times shuffled", shuffled)):
        model, seconds = fit(train, seed, times)
        figures[name] = evaluate_retrieval(model, test)["mean"]
        figures[f"{name} seconds"] = seconds
    figures["timed - static"] = figures["timed"] - figures["static"]
    figures["chance"] = chance_level(test.labels, test.labels)
    return {"diachronic": figures}


def report(part, title, results, keep):
    """Print every figure: mean ± standard deviation over the seeds, and each seed's own."""
    print(f"\n{title}")
    rows = {
        row: {
            name: [round(float(v), 4) for result in results for v in np.ravel(result[row][name])]
            for name in figures
        }
        for row, figures in results[0].items()
    }
    if "times shuffled" in rows:
        worst = min(rows["diachronic"]["r"])
        rows["diachronic"]["p"] = [round(p_value(worst, rows["times shuffled"]["r"]), 4)]
    for row, figures in rows.items():
        for name, values in figures.items():
            spread = f" ± {np.std(values, ddof=1):<6.3f}" if len(values) > 1 else " " * 9
            each = "  ".join(f"{value:.3f}" for value in values)
            print(f"  {row:<24}{name:<23}{np.mean(values):>9.3f}{spread} {each}", flush=True)
    if keep:
        store("diachronic", part, title, rows)


PARTS = {
    "known": ("timeline, new observations of known emoji", known),
    "unseen": ("timeline, new emoji", unseen),
    "random quarter": ("fashion, a random quarter", partial(fashion, cut=None)),
    "later years": (
        "fashion, trained on 2010-2012, tested on 2013-2018",
        partial(fashion, cut=2013),
    ),
}


def main(arguments=()):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)}; or all")
    parser.add_argument("--store", action="store_true", help="keep the figures")
    args = parser.parse_args(arguments)
    if unknown := set(args.parts) - set(PARTS):
        parser.error(f"unknown part {min(unknown)!r}; known: {', '.join(PARTS)}.")
    torch.set_num_threads(1)
    with threadpool_limits(1):
        for part in args.parts or PARTS:
            title, rows_of = PARTS[part]
            try:
                report(part, title, [rows_of(seed) for seed in range(SEEDS)], args.store)
            except FileNotFoundError as error:
                sys.exit(f"\nfashion left out: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
