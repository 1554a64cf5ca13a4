"""Training and test parts of a dataset: drawn, official, or before and after a time."""

import numpy as np
from sklearn.model_selection import train_test_split

from mmlearn.data.checks import check_groups

__all__ = ["Splits"]


class Splits:
    """The splits of :class:`~mmlearn.data.PairedDataset`, which says what a part is."""

    def split(self, test_size=0.25, seed=0, stratify=True, groups=None):
        """Split into a training and a test part, both shuffled.

        Parameters
        ----------
        test_size : float in (0, 1), the share of items; or int, their number; of groups instead
            where there are groups
        seed : int; the same seed always gives the same split
        stratify : bool; True keeps the share of every label the same in both parts, where a group
            counts once, with the label of its first item
        groups : array (n,) of whole numbers or str; None: the dataset's own, where it has any
            Items of one group stay on one side. They hold for this split, the parts keep the
            groups of the dataset; ``groups=range(n)`` parts all items.

        Returns
        -------
        train, test : PairedDataset
            Features are fitted on `train` when first read, and `test` uses the same fit.

        Raises
        ------
        ValueError
            If `test_size` leaves a part empty, a label is too rare to be in both parts, or `groups`
            are not one an item.

        Examples
        --------
        >>> from mmlearn.data import PairedDataset
        >>> vectors = np.eye(6)
        >>> data = PairedDataset("toy", None, None, vectors, vectors, groups=[0, 0, 1, 1, 2, 2])
        >>> train, test = data.split(test_size=1, stratify=False)
        >>> sorted(train.groups.tolist()), test.groups.tolist()
        ([0, 0, 1, 1], [2, 2])
        """
        if not (stratify is None or isinstance(stratify, bool | np.bool_)):
            raise TypeError(
                "stratify must be True or False: what is kept the same is the share of the "
                "dataset's own labels."
            )
        groups = self.groups if groups is None else self._check_groups(groups)
        units = np.arange(len(self)) if groups is None else _first_rows(groups)
        of_what = "items" if groups is None else "groups"
        n_test = _count_test(test_size, len(units), of_what)
        classes = self._classes_to_keep(units, n_test, of_what) if stratify else None
        parts = train_test_split(
            np.arange(len(units)), test_size=n_test, random_state=seed, stratify=classes
        )
        if groups is not None:
            parts = _members(groups, units, parts)
        return self._part(*parts)

    def official_split(self):
        """The training and the test part that came with the data, each in its own order.

        Use :meth:`split` on the training part to choose settings, and leave the test part alone
        until the end.

        Returns
        -------
        train, test : PairedDataset
            Features are fitted on `train` when first read, and `test` uses the same fit.

        Raises
        ------
        ValueError
            If the data came without a split, these items are all of one part, or a group of the
            dataset has items in both.
        """
        if self.folds is None or set(self.folds) != {"train", "test"}:
            why = "came without a split" if self.folds is None else "holds one part of its split"
            raise ValueError(f"{self.name} {why}; use split() instead.")
        in_test = np.array(self.folds) == "test"
        self._refuse_torn_groups(in_test)
        return self._part(np.flatnonzero(~in_test), np.flatnonzero(in_test))

    def temporal_split(self, start):
        """Train on what lies before the time `start`, test on what comes from then on.

        Parameters
        ----------
        start : float, in the units of `times`, such as the first year of the test part

        Returns
        -------
        train, test : PairedDataset, each in its own order
            Features are fitted on `train` when first read, and `test` uses the same fit.

        Raises
        ------
        ValueError
            If the items have no times, all lie on one side of `start`, or a group of the dataset
            has items on both.
        """
        if self.times is None:
            raise ValueError(f"{self.name} has no times to split by; use split() instead.")
        later = self.times >= start
        if later.all() or not later.any():
            raise ValueError(
                f"start must leave items before and after it: the times run from "
                f"{self.times.min():g} to {self.times.max():g}, got {start!r}."
            )
        self._refuse_torn_groups(later)
        return self._part(np.flatnonzero(~later), np.flatnonzero(later))

    def _check_groups(self, groups):
        groups = check_groups(groups)
        if len(groups) != len(self):
            raise ValueError(
                f"groups must have one entry per item: got {len(groups)} for {len(self)} items."
            )
        return groups

    def _classes_to_keep(self, units, n_test, of_what):
        """The label of every item, or of every group's first."""
        if self.labels is None:
            raise ValueError(f"{self.name} has no labels to stratify by; use stratify=False.")
        labels = self.labels[units]
        values, counts = np.unique(labels, return_counts=True)
        if counts.min() < 2:
            rare = self.label_names[values[counts.argmin()]]
            raise ValueError(
                f"label {rare!r} has a single {of_what[:-1]}, which cannot be in both parts; "
                "drop it or use stratify=False."
            )
        if min(n_test, len(units) - n_test) < len(values):
            raise ValueError(
                f"{n_test} test {of_what} of {len(units)} leave a part with fewer {of_what} than "
                f"the {len(values)} labels; change test_size or use stratify=False."
            )
        return labels

    def _refuse_torn_groups(self, in_test):
        """Refuse a split that was not drawn here and has items of one group on both sides."""
        if self.groups is None:
            return
        torn = np.intersect1d(self.groups[in_test], self.groups[~in_test])
        if len(torn):
            more = f", as have {len(torn) - 1} more" if len(torn) > 1 else ""
            raise ValueError(
                f"group {torn[0].item()!r} has items in both parts{more}: what is learnt of one in "
                "training helps with the other in the test; drop these items, or use split()."
            )


def _count_test(test_size, n, of_what):
    if n == 1:
        raise ValueError(f"a dataset of one {of_what[:-1]} cannot be split.")
    whole = isinstance(test_size, int | np.integer) and not isinstance(test_size, bool)
    share = isinstance(test_size, float | np.floating) and 0 < test_size < 1
    count = int(test_size) if whole else int(np.ceil(n * test_size)) if share else 0
    if not 0 < count < n:
        raise ValueError(
            f"test_size must be a share between 0 and 1 or a number of {of_what} from 1 to "
            f"{n - 1}, got {test_size!r}."
        )
    return count


def _first_rows(groups):
    """The first row of every group, in the order in which the groups appear."""
    return np.sort(np.unique(groups, return_index=True)[1])


def _members(groups, first_rows, parts):
    """The rows of each part's groups, group by group."""
    rows_of = {}
    for row, group in enumerate(groups.tolist()):
        rows_of.setdefault(group, []).append(row)
    named = groups[first_rows].tolist()
    return [np.concatenate([rows_of[named[unit]] for unit in part]) for part in parts]
