"""Paired image-text data: the container and the loaders.

>>> from mmlearn.data import load_emoji
>>> train, test = load_emoji().features(image="cnn", text="lsa").split(test_size=0.25, seed=0)
"""

from mmlearn.data.captions import load_captions
from mmlearn.data.emoji import load_emoji
from mmlearn.data.fashion import load_fashion
from mmlearn.data.paired import PairedDataset
from mmlearn.data.scenes import load_scenes
from mmlearn.data.timeline import Timeline, load_timeline
from mmlearn.data.wikipedia import load_wikipedia
from mmlearn.features.pictures import to_pictures
from mmlearn.storage.cache import cache_dir

__all__ = [
    "PairedDataset",
    "Timeline",
    "cache_dir",
    "load_captions",
    "load_emoji",
    "load_fashion",
    "load_scenes",
    "load_timeline",
    "load_wikipedia",
    "to_pictures",
]
