"""Emoji whose captions change over a continuous time, at speeds that are known. Works offline."""

from dataclasses import dataclass

import numpy as np

from mmlearn.data.emoji import load_emoji
from mmlearn.data.hub import check_count
from mmlearn.data.paired import PairedDataset

__all__ = ["Timeline", "load_timeline"]

MIN_EMOJI = 8  # of a group, so that both parts of the split have two or more
TEST_SHARE = 0.25  # of the emoji of a group


@dataclass(eq=False, repr=False)
class Timeline(PairedDataset):
    """A :class:`~mmlearn.data.PairedDataset` whose drift is known: see :func:`load_timeline`.

    Parameters
    ----------
    velocities : float (g,), v of each group, from -1 to 1; in the order of `label_names`
    partners : int (g,), the group that each group exchanges captions with
    **fields : as for PairedDataset; times (n,) from 0 to 1
    """

    velocities: np.ndarray | None = None
    partners: np.ndarray | None = None

    def share(self, t):
        """α(t), the share of partner captions in every group at time t, (g,).

        >>> timeline = load_timeline()
        >>> bool(np.allclose(timeline.share(0.75) - timeline.share(0.25), timeline.velocities / 2))
        True
        """
        return _share(self.velocities, t)


def load_timeline(draws=8, shuffled=False, seed=0, size=64):
    """Real pictures and real captions of emoji; who goes with whom drifts, as fast as planted.

    The groups are the subgroups of :func:`load_emoji` with at least 8 emoji, an even number of
    them, put into pairs at random. At the time t, from 0 to 1, a picture of group g comes with::

        the caption of the same emoji                      with probability 1 - α_g(t)
        the caption of an emoji of the partner group       with probability α_g(t)

        α_g(t) = v_g t          for v_g >= 0: the captions leave, up to the share v_g
        α_g(t) = -v_g (1 - t)   for v_g < 0:  the share -v_g comes home

    so that dα/dt = v_g at every t. Both groups of a pair have the same velocity v, so that captions
    are as frequent at any time, and all that changes is which pictures they belong to. The
    velocities of the pairs are spread evenly from -1 to 1.

    **Ground truth**: ``velocities``, ``partners`` and ``share(t)``; ``labels`` is the group of the
    picture, ``sublabels`` the group of its caption. What a model should recover: from t = 0 to 1,
    the pictures of g come closer to the captions of the partner and leave their own, in
    proportion to v_g. The two groups of a pair share one v: 66 groups are 33 velocities. Movement
    alone recovers nothing, since |v| also sets how mixed the captions of a group are: a model that
    was trained with times shuffled moves groups of large |v| more
    (:func:`mmlearn.deep.displacement`, :func:`mmlearn.deep.recovered_drift`).

    Every emoji is seen `draws` times, once in each of so many equal stretches of time. The official
    split holds out a quarter of the emoji of every group, pictures and captions; captions are drawn
    within a part only. ``split()`` holds out observations of known emoji.

    For ageing, split first, then take stretches of time: ``train[train.times < 0.4]`` keeps the
    features that were fitted on `train`, so that models of different stretches see the same
    columns; :func:`mmlearn.retrieval.map_by_time` then scores them by class and time. The captions
    of groups with v near 0 never change, and must not age.

    Parameters
    ----------
    draws : int, default 8: observations an emoji
    shuffled : bool, default False
        True: the control. The same pairs, with their times dealt out anew at random, so that time
        says nothing and no drift must be found.
    seed : int, default 0: of the partners, the velocities and all draws
    size : int, default 64: height and width of the pictures in pixels

    Returns
    -------
    Timeline, a PairedDataset with labels, sublabels, times, folds, titles (of the pictures),
    glyphs, velocities and partners

    Raises
    ------
    ValueError
        If `draws` is no whole number from 1 to 1000, or `size` as for :func:`load_emoji`.

    Examples
    --------
    >>> timeline = load_timeline(draws=4)
    >>> train, test = timeline.split()
    >>> len(timeline.label_names), round(timeline.velocities.min()), timeline.times.max() < 1
    (66, -1, np.True_)
    """
    check_count("draws", draws, 1, 1000)
    emoji = load_emoji(size)
    rng = np.random.default_rng(seed)
    groups, velocities, partners = _plan(emoji.sublabels, rng)
    rows = _observe(emoji.sublabels, groups, velocities, partners, draws, rng)
    picture, caption, label, caption_label, times, in_test = map(np.array, zip(*rows, strict=True))
    if shuffled:
        times = rng.permutation(times)
    names = [emoji.sublabel_names[group] for group in groups]
    return Timeline(
        "timeline, times shuffled" if shuffled else "timeline",
        emoji.pictures[picture],
        [emoji.captions[i] for i in caption],
        titles=[emoji.titles[i] for i in picture],
        labels=label,
        label_names=names,
        sublabels=caption_label,
        sublabel_names=names,
        times=times,
        glyphs=[emoji.glyphs[i] for i in picture],
        folds=["test" if test else "train" for test in in_test],
        licence=emoji.licence,
        source=emoji.source + "; the pairing is generated",
        velocities=velocities,
        partners=partners,
    )


def _share(v, t):
    return np.where(v >= 0, v * t, -v * (1 - t))


def _plan(subgroups, rng):
    """Which subgroups take part, in Unicode's order; their velocities, and their partners."""
    large = np.flatnonzero(np.bincount(subgroups) >= MIN_EMOJI)
    groups = np.sort(rng.permutation(large)[: len(large) // 2 * 2])
    first, second = rng.permutation(len(groups)).reshape(2, -1)
    velocities, partners = np.empty(len(groups)), np.empty(len(groups), dtype=int)
    velocities[first] = velocities[second] = rng.permutation(np.linspace(-1, 1, len(first)))
    partners[first], partners[second] = second, first
    return groups, velocities, partners


def _observe(subgroups, groups, velocities, partners, draws, rng):
    """One (picture, caption, its group, the caption's group, time, in the test part) a row."""
    members = []
    for group in groups:
        emoji = rng.permutation(np.flatnonzero(subgroups == group))
        n_test = round(TEST_SHARE * len(emoji))
        members.append((emoji[n_test:], emoji[:n_test]))
    rows = []
    for g, parts in enumerate(members):
        for in_test, part in enumerate(parts):
            for picture in part:
                for t in (np.arange(draws) + rng.random(draws)) / draws:
                    caption, caption_group = picture, g
                    if rng.random() < _share(velocities[g], t):
                        caption_group = partners[g]
                        caption = rng.choice(members[caption_group][in_test])
                    rows.append((picture, caption, g, caption_group, t, bool(in_test)))
    return rows
