"""Which task trains when: the dynamic stop-and-go scheduler."""

import torch
from torch import nn

__all__ = ["StopAndGo"]


class StopAndGo(nn.Module):
    """The dynamic stop-and-go scheduler: which tasks train in this iteration?

    A task that goes trains in every iteration. It stops after `patience` validations in a row
    without a relative gain of more than `gain` over its best, and then trains in every `gap`-th
    iteration only. It goes again when a validation falls below `resume` times its best.

    Its state are buffers, so that a checkpoint of the network holds it.

    Parameters
    ----------
    tasks : sequence of str
    gain : float, default .001;  patience : int, default 2;  gap : int, default 4
    resume : float, default .995

    References
    ----------
    Lu, Goswami, Rohrbach, Parikh, Lee, 12-in-1: Multi-Task Vision and Language Representation
    Learning, CVPR 2020.

    >>> schedule = StopAndGo(["a"])
    >>> for score in (0.5, 0.5, 0.5):
    ...     schedule.update({"a": score})
    >>> [schedule.step() for _ in range(5)]  # iterations 1 to 5
    [[], [], [], ['a'], []]
    """

    def __init__(self, tasks, gain=1e-3, patience=2, gap=4, resume=0.995):
        super().__init__()
        self.tasks = list(tasks)
        self.gain, self.patience, self.gap, self.resume = gain, patience, gap, resume
        n = len(self.tasks)
        self.register_buffer("iteration", torch.zeros((), dtype=torch.long))
        self.register_buffer("going", torch.ones(n, dtype=torch.bool))
        self.register_buffer("best", torch.full((n,), -torch.inf, dtype=torch.float64))
        self.register_buffer("stale", torch.zeros(n, dtype=torch.long))

    def step(self):
        """Begin the next iteration (the first is 1): the tasks that train in it."""
        self.iteration += 1
        every = int(self.iteration) % self.gap == 0
        return [task for task, going in zip(self.tasks, self.going, strict=True) if going or every]

    def update(self, scores):
        """After a validation: ``{task: score}``, scores not negative, larger is better."""
        for task, score in scores.items():
            i, score = self.tasks.index(task), float(score)
            if score > self.best[i] * (1 + self.gain) or not torch.isfinite(self.best[i]):
                self.best[i], self.stale[i] = score, 0
            else:
                self.stale[i] += 1
            if self.going[i] and self.stale[i] >= self.patience:
                self.going[i] = False
            elif not self.going[i] and score < self.resume * self.best[i]:
                self.going[i], self.stale[i] = True, 0
