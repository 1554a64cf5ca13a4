"""What the diachronic embedding finds: planted drift, the control, retrieval at a time, fashion.

Every figure is the mean ± standard deviation over three seeds; seconds are those of `fit`, CPU time
of one thread. "Static" is the same model trained without time (all times equal), so that it has
the same network, losses and settings.

The seed of a timeline plants other partners, velocities and draws, and splits otherwise.
"""

import sys
import time

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from mmlearn.data import load_fashion, load_timeline
from mmlearn.neural import Diachronic
from mmlearn.retrieval import chance_level, cross_modal_map

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


def planted(seed, shuffled, new_emoji=False):
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
        z = model.embed_images(test.images, test.times), model.embed_texts(test.texts, test.times)
        result[name] = cross_modal_map(model, *z, test.labels)["mean"]
        result["seconds" if timed else "static seconds"] = seconds
    result["chance"] = chance_level(test.labels, test.labels)
    return result


def report(title, results):
    """Print every figure: mean ± standard deviation over the seeds, and each seed's own."""
    print(f"\n{title}")
    for result in results:
        result["timed - static"] = result["timed"] - result["static"]
    for name in results[0]:
        values = np.array([result[name] for result in results], dtype=float)
        each = "  ".join(f"{value:.3f}" for value in values)
        print(f"  {name:<16}{values.mean():>9.3f} ± {values.std(ddof=1):<9.3f}{each}", flush=True)


def main():
    torch.set_num_threads(1)
    seeds = range(SEEDS)
    with threadpool_limits(1):
        report(
            "timeline, new observations of known emoji (r: recovered against planted velocity)",
            [planted(seed, shuffled=False) for seed in seeds],
        )
        report(
            "timeline, times shuffled (control)", [planted(seed, shuffled=True) for seed in seeds]
        )
        report(
            "timeline, new emoji (official split)",
            [planted(seed, shuffled=False, new_emoji=True) for seed in seeds],
        )
        try:
            data = load_fashion(years=(2010, 2018)).features(image="cnn", text="lsa")
        except FileNotFoundError as error:
            sys.exit(f"\nfashion left out: {error}")
        report("fashion, a random quarter", [fashion(seed, data, None) for seed in seeds])
        report(
            "fashion, trained on 2010-2012, tested on 2013-2018",
            [fashion(seed, data, 2013) for seed in seeds],
        )


if __name__ == "__main__":
    main()
