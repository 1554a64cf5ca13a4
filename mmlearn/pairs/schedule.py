"""Which task trains when: the dynamic stop-and-go scheduler."""

import torch
from torch import nn

from mmlearn.contract import check_number

__all__ = ["StopAndGo"]


class StopAndGo(nn.Module):
    """The dynamic stop-and-go scheduler: which tasks train in this iteration?

    A task that goes trains in every iteration, one that has stopped in every `gap`-th. After a
    validation with score s, for each task by itself::

        s > (1 + gain) best:  best = s, misses = 0;  else misses = misses + 1
        in cooldown:          misses = 0, and the cooldown is one validation shorter
        misses > patience:    it stops
        else, if it has stopped and s < resume · best:  it goes again

    After it stops (even if it had stopped before) and after it goes again, `misses` is 0 and the
    next `cooldown` validations count no miss. With `patience` 1 two misses in a row stop a task.
    This is the released code of 12-in-1, rule by rule and with its settings (the paper describes
    it without a cooldown). Scores .5 .5 .5 .4 .4 .4 .4 .4 .4: goes, goes, stops, goes, goes, goes,
    stops, goes, goes.

    **It acts on noise where few items are held out.** Share of runs in which a task that gains .01
    between validations, from .5 on, stops within six of them (simulated; each validation draws its
    items anew, which is the worst case, or keeps them, a tenth of them changing between right and
    wrong)::

        held-out items    153    500   1,000   2,000   4,000   8,000
        drawn anew        .77    .59     .43     .26     .10     .02
        kept              .60    .37     .18     .08     .01     .00

    A task that gains .03 stops in .36, .07 and .01 with 153, 500 and 1,000 items drawn anew; one
    that gains nothing in .91. So hold out 1,000 items a task while they learn fast, and several
    thousands where hundredths count.

    Parameters
    ----------
    tasks : sequence of str
    gain : float, default .001: the relative gain over its best that a task must pass
    patience : int, default 1: so many misses in a row are forgiven
    gap : int, default 4;  resume : float from 0 to 1, default .995;  cooldown : int, default 1

    Attributes
    ----------
    going, best, steps : (n_tasks,) buffers, so that a checkpoint of the network holds them: whether
        a task goes, its best score, and in how many iterations it has trained

    Raises
    ------
    ValueError: a setting that cannot be met

    References
    ----------
    Lu, Goswami, Rohrbach, Parikh, Lee, 12-in-1: Multi-Task Vision and Language Representation
    Learning, CVPR 2020; https://github.com/facebookresearch/vilbert-multi-task.

    >>> schedule = StopAndGo(["a"])
    >>> for score in (0.5, 0.5, 0.5):
    ...     schedule.update({"a": score})
    >>> [schedule.step() for _ in range(5)]  # iterations 0 to 4
    [['a'], [], [], [], ['a']]
    """

    def __init__(self, tasks, gain=1e-3, patience=1, gap=4, resume=0.995, cooldown=1):
        super().__init__()
        check_number(gain, "gain", 0)
        check_number(resume, "resume", 0, 1)
        for name, value, least in (("gap", gap, 1), ("cooldown", cooldown, 0)):
            check_number(value, name, least, whole=True)
        check_number(patience, "the scheduler's patience", 0, whole=True)
        self.tasks = list(tasks)
        self.gain, self.patience, self.gap = gain, patience, gap
        self.resume, self.cooldown = resume, cooldown
        n = len(self.tasks)
        self.register_buffer("iteration", torch.zeros((), dtype=torch.long))
        self.register_buffer("going", torch.ones(n, dtype=torch.bool))
        self.register_buffer("best", torch.full((n,), -torch.inf, dtype=torch.float64))
        for name in ("misses", "cooling", "steps"):
            self.register_buffer(name, torch.zeros(n, dtype=torch.long))

    def step(self):
        """Begin the next iteration (the first is 0): the tasks that train in it."""
        every = int(self.iteration) % self.gap == 0
        running = self.going | every
        self.iteration += 1
        self.steps += running
        return [task for task, runs in zip(self.tasks, running, strict=True) if runs]

    def update(self, scores):
        """After a validation: ``{task: score}``, scores not negative, larger is better."""
        for task, score in scores.items():
            i, score = self.tasks.index(task), float(score)
            if score > self.best[i] * (1 + self.gain):
                self.best[i], self.misses[i] = score, 0
            else:
                self.misses[i] += 1
            if self.cooling[i]:
                self.cooling[i] -= 1
                self.misses[i] = 0
            stops = bool(self.misses[i] > self.patience)
            if stops or (not self.going[i] and score < self.resume * self.best[i]):
                self.going[i] = not stops
                self.misses[i], self.cooling[i] = 0, self.cooldown
