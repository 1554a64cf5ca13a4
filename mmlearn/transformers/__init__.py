"""Transformers that look at an image and a text together: methods that score pairs."""

from mmlearn.transformers.coattention import ViLBERT
from mmlearn.transformers.late_fusion import LateFusion
from mmlearn.transformers.multitask import TASKS, Task, TwelveInOne, task_of
from mmlearn.transformers.reasoning import R2C, R2CConfig, answer_and_rationale, without_query
from mmlearn.transformers.regions import Regions
from mmlearn.transformers.schedule import StopAndGo
from mmlearn.transformers.streams import CoAttentionConfig, TwoStreams

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
