"""Transformers that look at an image and a text together: methods that score pairs."""

from mmlearn.pairs.captions import CaptionReader, holds
from mmlearn.pairs.controls import without_query, without_subject
from mmlearn.pairs.joint import answer_and_rationale, joint_accuracy, joint_scores
from mmlearn.pairs.mean_pooling import LateFusion
from mmlearn.pairs.probes import occlusion_drop
from mmlearn.pairs.r2c import R2C, R2CConfig
from mmlearn.pairs.regions import Regions
from mmlearn.pairs.rerank import rerank, score_all
from mmlearn.pairs.schedule import StopAndGo
from mmlearn.pairs.streams import CoAttentionConfig, TwoStreams
from mmlearn.pairs.tasks import TASKS, Task, task_of
from mmlearn.pairs.twelve_in_one import TwelveInOne
from mmlearn.pairs.vilbert import ViLBERT
from mmlearn.pairs.winoground import opposite_groups, score_groups, winoground_scores

__all__ = [
    "R2C",
    "TASKS",
    "CaptionReader",
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
    "holds",
    "joint_accuracy",
    "joint_scores",
    "occlusion_drop",
    "opposite_groups",
    "rerank",
    "score_all",
    "score_groups",
    "task_of",
    "winoground_scores",
    "without_query",
    "without_subject",
]
