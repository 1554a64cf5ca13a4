"""Paired image-text data: the container and the loaders.

>>> from mmlearn.data import load_emoji
>>> train, test = load_emoji().features(image="cnn", text="lsa").split(test_size=0.25, seed=0)
"""

from mmlearn.data.cache import cache_dir
from mmlearn.data.emoji import load_emoji
from mmlearn.data.paired import PairedDataset
from mmlearn.data.wikipedia import load_wikipedia

__all__ = ["PairedDataset", "cache_dir", "load_emoji", "load_wikipedia"]
