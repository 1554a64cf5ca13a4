"""Training and test parts of a dataset: drawn, official, or before and after a time."""

import numpy as np
from sklearn.model_selection import train_test_split

__all__ = ["Splits"]


class Splits:
    """The splits of :class:`~mmlearn.data.PairedDataset`, which says what a part is."""

    def split(self, test_size=0.25, seed=0, stratify=True):
        """Split into a training and a test part, both shuffled.

        Parameters
        ----------
        test_size : float in (0, 1), the share of items; or int, their number
        seed : int; the same seed always gives the same split
        stratify : bool; True keeps the share of every label the same in both parts

        Returns
        -------
        train, test : PairedDataset
            Features are fitted on `train` when first read, and `test` uses the same fit.

        Raises
        ------
        ValueError
            If `test_size` leaves a part empty, or a label is too rare to be in both parts.
        """
        n_test = self._count_test(test_size)
        classes = self._classes_to_keep(n_test) if stratify else None
        rows = train_test_split(
            np.arange(len(self)), test_size=n_test, random_state=seed, stratify=classes
        )
        return self._part(*rows)

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
            If the data came without a split, or these items are all of one part.
        """
        if self.folds is None or set(self.folds) != {"train", "test"}:
            why = "came without a split" if self.folds is None else "holds one part of its split"
            raise ValueError(f"{self.name} {why}; use split() instead.")
        in_test = np.array(self.folds) == "test"
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
            If the items have no times, or all lie on one side of `start`.
        """
        if self.times is None:
            raise ValueError(f"{self.name} has no times to split by; use split() instead.")
        later = self.times >= start
        if later.all() or not later.any():
            raise ValueError(
                f"start must leave items before and after it: the times run from "
                f"{self.times.min():g} to {self.times.max():g}, got {start!r}."
            )
        return self._part(np.flatnonzero(~later), np.flatnonzero(later))

    def _count_test(self, test_size):
        n = len(self)
        whole = isinstance(test_size, int | np.integer) and not isinstance(test_size, bool)
        share = isinstance(test_size, float | np.floating) and 0 < test_size < 1
        count = int(test_size) if whole else int(np.ceil(n * test_size)) if share else 0
        if not 0 < count < n:
            raise ValueError(
                f"test_size must be a share between 0 and 1 or a number of items from 1 to "
                f"{n - 1}, got {test_size!r}."
            )
        return count

    def _classes_to_keep(self, n_test):
        if self.labels is None:
            raise ValueError(f"{self.name} has no labels to stratify by; use stratify=False.")
        values, counts = np.unique(self.labels, return_counts=True)
        if counts.min() < 2:
            rare = self.label_names[values[counts.argmin()]]
            raise ValueError(
                f"label {rare!r} has a single item, which cannot be in both parts; "
                "drop it or use stratify=False."
            )
        if min(n_test, len(self) - n_test) < len(values):
            raise ValueError(
                f"{n_test} test items of {len(self)} leave a part with fewer items than the "
                f"{len(values)} labels; change test_size or use stratify=False."
            )
        return self.labels
