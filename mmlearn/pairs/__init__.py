"""Transformers that look at an image and a text together: methods that score pairs."""

from mmlearn.pairs.mean_pooling import LateFusion
from mmlearn.pairs.r2c import R2C, R2CConfig, answer_and_rationale, without_query
from mmlearn.pairs.regions import Regions
from mmlearn.pairs.schedule import StopAndGo
from mmlearn.pairs.streams import CoAttentionConfig, TwoStreams
from mmlearn.pairs.tasks import TASKS, Task, task_of
from mmlearn.pairs.twelve_in_one import TwelveInOne
from mmlearn.pairs.vilbert import ViLBERT

__all__ = [
    "R2C",
    "TASKS",
    "CoAttentionConfig",
    "LateFusion",
    "R2CConfig",
    "Regions",
    "StopAndGo",
    "Task",
    "TwelveInOne",
    "TwoStreams",
    "ViLBERT",
    "answer_and_rationale",
    "task_of",
    "without_query",
]
