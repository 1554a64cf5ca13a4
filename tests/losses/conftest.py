"""The batches of these tests are small on purpose."""

import warnings

import pytest

from mmlearn.losses import correlation


@pytest.fixture(autouse=True)
def _small_batches_are_meant():
    """The tests' batches are small on purpose; the warning has a test of its own."""
    correlation._warn_small_batch.cache_clear()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "a batch of .* pairs", UserWarning)
        yield
