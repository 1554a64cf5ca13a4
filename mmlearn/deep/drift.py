"""Planted drift, found again: by a model, by a regression without one, and by counting.

For timelines whose truth is known, as :func:`mmlearn.data.load_timeline` makes them. How drift is
measured here is ours; the paper (arXiv:1909.13689) has no planted truth to measure against.
"""

import numpy as np
from sklearn.linear_model import LogisticRegression

from mmlearn.arrays import to_numpy, unit_rows
from mmlearn.deep.temporal import check_times

__all__ = ["counted_drift", "drift_correlation", "recovered_drift", "regression_drift"]


def recovered_drift(model, timeline, steps=11):
    """How fast a model's pictures of each group leave their own captions for the partner's.

    With C_gh(t) the mean cosine of the pictures of g and the captions of h, all at the time t, each
    emoji once and under its own caption::

        drift_g = slope over t, from 0 to 1, of  C_g,partner(t) - C_gg(t)

    Parameters
    ----------
    model : a fitted :class:`mmlearn.deep.Diachronic`, or what embeds and compares as it does
    timeline : Timeline, whose emoji are embedded: those of training, or new ones
    steps : int >= 2, default 11: times at which they are

    Returns
    -------
    (g,), in the order of ``timeline.velocities``; compare them by :func:`drift_correlation`

    Raises
    ------
    ValueError: data without planted velocities and partners, a group without a caption of its own,
        or fewer than two steps

    >>> from mmlearn.data import load_timeline
    >>> from mmlearn.deep import Diachronic
    >>> data = load_timeline(draws=1).features("colour", "lsa")
    >>> model = Diachronic(8, epochs=1, device="cpu")
    >>> model = model.fit(data.images, data.texts, data.labels, data.times)
    >>> recovered_drift(model, data).shape == data.velocities.shape
    True
    """
    if steps < 2:
        raise ValueError(f"a slope needs two or more steps, got {steps}.")
    bank, g = timeline[_each_once(timeline)], np.arange(len(timeline.partners))
    mean = _averages(bank.labels, len(g))
    times, lead = np.linspace(0, 1, steps), []
    for t in times:
        s = model.similarity(model.embed_images(bank.images, t), model.embed_texts(bank.texts, t))
        c = mean @ to_numpy(s) @ mean.T
        lead.append(c[g, timeline.partners] - c[g, g])
    return np.polyfit(times, lead, 1)[0]


def regression_drift(timeline, test=None, times=None):
    """The same drift without a model: a straight line through each group's captions over time.

    With u the unit-length text vectors and ū_h the mean of the captions of group h::

        S_g     = least-squares slope over t of the captions u that pictures of g come with
        drift_g = S_g · (ū_partner - ū_g)

    A model of time has to be compared with this, and both with :func:`counted_drift`. Like the
    model's measure it is told the partners.

    Parameters
    ----------
    timeline : Timeline, its `texts` vectors
    test : Timeline, optional: new pictures, of which neither captions, times nor groups are used
        but to average. A logistic regression of the training pictures says of which groups a
        picture may be, and its drift is that of those groups, weighted by their probabilities.
    times : (n,), optional: in place of the timeline's, such as shuffled ones

    Returns
    -------
    (g,)

    Raises
    ------
    ValueError: as :func:`recovered_drift`

    >>> from mmlearn.data import load_timeline
    >>> from mmlearn.permutation import permutation_test
    >>> data = load_timeline(draws=4).features(image=None, text="lsa")
    >>> def found(times):
    ...     return drift_correlation(regression_drift(data, times=times), data)
    >>> permutation_test(found, data.times, n=99).p
    0.01
    """
    once, u = _each_once(timeline), _unit(timeline.texts)
    times = check_times(timeline.times if times is None else times, len(timeline))
    own = _averages(timeline.labels[once], len(timeline.partners)) @ u[once]
    slopes = _slopes(timeline.labels, times, u)
    if test is not None:
        fresh, x = _each_once(test), _unit(timeline.images[once])
        groups = LogisticRegression(C=1000, max_iter=300).fit(x, timeline.labels[once])
        taken_for = groups.predict_proba(_unit(test.images[fresh]))
        slopes = _averages(test.labels[fresh], len(own)) @ taken_for @ slopes
    return (slopes * (own[timeline.partners] - own)).sum(axis=1)


def counted_drift(timeline):
    """The slope over time of the share of partner captions, by counting them, (g,).

    It looks at where each caption comes from, which no model is told: the ceiling, below 1 only by
    the chance of the draws.

    >>> from mmlearn.data import load_timeline
    >>> data = load_timeline()
    >>> drift_correlation(counted_drift(data), data) > 0.97
    True
    """
    _check_planted(timeline)
    away = (timeline.labels != timeline.sublabels).astype(float)
    return _slopes(timeline.labels, timeline.times, away[:, None])[:, 0]


def drift_correlation(drift, timeline):
    """Pearson's r of found and planted drift, over the distinct velocities.

    The two groups of a pair have one velocity by construction, so their drifts are averaged first:
    66 groups are 33 velocities, and an r of .92 has a 95 % interval from .84 to .96 (Fisher).

    Parameters
    ----------
    drift : (g,), one a group
    timeline : Timeline

    Raises
    ------
    ValueError: data without planted velocities, or drift that is not (g,)

    >>> from mmlearn.data import load_timeline
    >>> data = load_timeline(draws=1)
    >>> round(drift_correlation(-2 * data.velocities, data), 6)
    -1.0
    """
    _check_planted(timeline)
    drift, partners = np.asarray(drift, dtype=float), timeline.partners
    if drift.shape != partners.shape:
        raise ValueError(f"drift must have one number a group, {partners.shape}: {drift.shape}.")
    first = np.arange(len(partners)) < partners
    pairs = (drift + drift[partners]) / 2
    return float(np.corrcoef(pairs[first], timeline.velocities[first])[0, 1])


def _check_planted(timeline):
    if getattr(timeline, "velocities", None) is None or timeline.partners is None:
        raise ValueError("planted drift is that of load_timeline(): these data have no velocities.")


def _each_once(timeline):
    """Rows of each emoji that was seen with its own caption, once."""
    _check_planted(timeline)
    own = np.flatnonzero(timeline.labels == timeline.sublabels)
    missing = set(range(len(timeline.partners))) - set(timeline.labels[own].tolist())
    if missing:
        raise ValueError(
            f"group {timeline.label_names[min(missing)]!r} is never seen with a caption of its "
            "own; take more draws."
        )
    captions = np.array(timeline.captions)[own]
    return own[np.unique(captions, return_index=True)[1]]


def _averages(labels, n_groups):
    """A matrix (g, n) that takes rows to the mean of each group."""
    member = np.arange(n_groups)[:, None] == labels
    return member / np.maximum(member.sum(axis=1, keepdims=True), 1)


def _slopes(labels, times, rows):
    """Least-squares slope over time of the rows (n, k) of each group, (g, k)."""
    mean = _averages(labels, labels.max() + 1)
    apart = times - (mean @ times)[labels]
    return (mean * apart) @ rows / np.maximum(mean @ apart**2, 1e-12)[:, None]


def _unit(z):
    return unit_rows(to_numpy(z).astype(np.float64))
