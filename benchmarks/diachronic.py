"""What the diachronic embedding finds: planted drift, the control, retrieval at a time, fashion.

Every figure is the mean ± standard deviation over three seeds; seconds are those of `fit`, CPU time
of one thread. "Static" is the same model trained without time (all times equal), so that it has
the same network, losses and settings.

r is the correlation of the recovered with the planted velocities. `--store` puts the values of
every seed into mmlearn/scoreboard/results/diachronic.json, for README's table.

The seed of a timeline plants other partners, velocities and draws, and splits otherwise.
"""

import argparse
import sys
import time

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from benchmarks.stored import store
from mmlearn.data import load_fashion, load_timeline
from mmlearn.deep import Diachronic
from mmlearn.retrieval import chance_level, cross_modal_map, evaluate_retrieval

SEEDS = 3
BINS = 5  # "at a given time": queries and gallery of one fifth of the timeline
SETTINGS = {"n_components": 64, "standardize": False, "device": "cpu"}
MIN_KNOWN = 20  # training products of a class that counts in the test on fashion


def fit(train, seed, timed=True, **settings):
    """A fitted model and the CPU seconds that fitting took."""
    images, texts = train.images, train.texts  # computed before the clock starts
    model = Diachronic(random_state=seed, **SETTINGS | settings)
    start = time.process_time()
    model.fit(images, texts, train.labels, times=train.times if timed else 0.0)
    return model, time.process_time() - start


def map_at_a_time(model, test, bins=BINS):
    """Mean over equal stretches of time of the mAP within each, both directions."""
    edges = np.linspace(test.times.min(), test.times.max(), bins + 1)[1:-1]
    bin_of = np.searchsorted(edges, test.times, side="right")
    z_x, z_y = (
        model.embed_images(test.images, test.times),
        model.embed_texts(test.texts, test.times),
    )
    return np.mean(
        [
            cross_modal_map(model, z_x[bin_of == b], z_y[bin_of == b], test.labels[bin_of == b])[
                "mean"
            ]
            for b in range(bins)
        ]
    )


def recovered_drift(model, part):
    """How fast the pictures of each group leave their own captions for the partner's, (g,).

    With C_gh(t) the mean cosine of the pictures of g and the captions of h, both at the time t:
    the slope over t of C_g,partner(t) - C_gg(t), by least squares.
    """
    own = np.flatnonzero(part.labels == part.sublabels)
    first = own[np.unique(np.array(part.captions)[own], return_index=True)[1]]  # each emoji once
    bank, g = part[first], np.arange(len(part.label_names))
    mean = np.eye(len(g))[bank.labels]
    mean = mean / mean.sum(axis=0)
    times = np.linspace(0, 1, 11)
    lead = []
    for t in times:
        s = model.similarity(model.embed_images(bank.images, t), model.embed_texts(bank.texts, t))
        c = mean.T @ s @ mean
        lead.append(c[g, part.partners] - c[g, g])
    return np.polyfit(times, lead, 1)[0]


def planted(seed, shuffled=False, new_emoji=False):
    """One timeline: the results of the timed model and of the static one, by name."""
    data = load_timeline(seed=seed, shuffled=shuffled).features(image="cnn", text="lsa")
    train, test = data.official_split() if new_emoji else data.split(seed=seed)
    timed, seconds = fit(train, seed)
    static, static_seconds = fit(train, seed, timed=False)
    drift = recovered_drift(timed, test if new_emoji else train)
    return {
        "r": np.corrcoef(drift, data.velocities)[0, 1],
        "timed": map_at_a_time(timed, test),
        "static": map_at_a_time(static, test),
        "chance": chance_level(test.labels, test.labels),
        "seconds": seconds,
        "static seconds": static_seconds,
    }


def fashion(seed, data, cut):
    """mAP on products of the years from `cut` on, or (None) on a random quarter."""
    train, test = data.split(seed=seed) if cut is None else data.temporal_split(cut)
    known = np.bincount(train.labels, minlength=len(data.label_names)) >= MIN_KNOWN
    test = test[known[test.labels]]
    result = {"classes": known.sum(), "n test": len(test)}
    for name, timed in (("timed", True), ("static", False)):
        model, seconds = fit(train, seed, timed)
        result[name] = evaluate_retrieval(model, test)["mean"]
        result["seconds" if timed else "static seconds"] = seconds
    result["chance"] = chance_level(test.labels, test.labels)
    return result


def report(part, title, results, keep):
    """Print every figure: mean ± standard deviation over the seeds, and each seed's own."""
    print(f"\n{title}")
    for result in results:
        result["timed - static"] = result["timed"] - result["static"]
    figures = {name: [float(result[name]) for result in results] for name in results[0]}
    for name, values in figures.items():
        each = "  ".join(f"{value:.3f}" for value in values)
        spread = np.std(values, ddof=1)
        print(f"  {name:<16}{np.mean(values):>9.3f} ± {spread:<9.3f}{each}", flush=True)
    if keep:
        rounded = {name: [round(value, 4) for value in values] for name, values in figures.items()}
        store("diachronic", part, title, {"diachronic": rounded})


def main(arguments=()):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--store", action="store_true", help="keep the figures")
    keep = parser.parse_args(arguments).store
    torch.set_num_threads(1)
    seeds = range(SEEDS)
    timelines = {
        "known": ("timeline, new observations of known emoji", {}),
        "control": ("timeline, times shuffled", {"shuffled": True}),
        "unseen": ("timeline, new emoji", {"new_emoji": True}),
    }
    cuts = {
        "random quarter": ("fashion, a random quarter", None),
        "later years": ("fashion, trained on 2010-2012, tested on 2013-2018", 2013),
    }
    with threadpool_limits(1):
        for part, (title, which) in timelines.items():
            report(part, title, [planted(seed, **which) for seed in seeds], keep)
        try:
            data = load_fashion(years=(2010, 2018)).features(image="cnn", text="lsa")
        except FileNotFoundError as error:
            sys.exit(f"\nfashion left out: {error}")
        for part, (title, cut) in cuts.items():
            report(part, title, [fashion(seed, data, cut) for seed in seeds], keep)


if __name__ == "__main__":
    main(sys.argv[1:])
