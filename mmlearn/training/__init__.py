"""The one training loop: every deep method of the course is trained by :func:`fit`.

The same script runs in one process, or in several under ``accelerate launch``: each process then
takes its share of every batch, and a loss that compares the items of a batch with one another
calls :func:`gather` first, so that it sees the whole batch.
"""

from mmlearn.training.loop import History, fit
from mmlearn.training.processes import gather
from mmlearn.training.randomness import seed_everything

__all__ = ["History", "fit", "gather", "seed_everything"]
