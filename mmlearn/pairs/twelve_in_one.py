"""12-in-1: one network for several tasks, told apart by a token, trained stop-and-go."""

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import nn
from torch.nn import functional as F

from mmlearn.arrays import to_numpy
from mmlearn.labels import check_label_values
from mmlearn.pairs.answers import AnswerHead, answers_of_batch
from mmlearn.pairs.base import (
    ROWS,
    PairMethod,
    check_choices,
    check_images,
    take_weights,
)
from mmlearn.pairs.pretraining import point
from mmlearn.pairs.regions import Regions
from mmlearn.pairs.schedule import StopAndGo
from mmlearn.pairs.streams import CoAttentionConfig, TwoStreams
from mmlearn.pairs.tokens import check_tokens, split_response
from mmlearn.special_tokens import CLS
from mmlearn.training.method import Training

__all__ = ["TASKS", "Task", "TwelveInOne", "task_of"]

TASKS = ("answering", "retrieval", "referring", "verification", "entailment")


@dataclass(eq=False)
class Task:
    """The items of one task.

    Parameters
    ----------
    images : Regions, n of them; for verification a pair (Regions, Regions)
    texts : word ids, or (tokens, tags) whose tags are left out
        "answering", "retrieval": (n, C, T), C texts an item; else (n, T)
    labels : (n,)
        "answering", "retrieval": which of the C texts is right; "referring": which region is
        meant; "verification": 1 true, 0 false; "entailment": 0 entailed, 1 neutral,
        2 contradicted
    """

    images: object
    texts: object
    labels: object


def task_of(name, scenes):
    """A :class:`Task` from :func:`mmlearn.data.load_scenes`."""
    _check_name(name)
    found = {
        "answering": "questions",
        "retrieval": "captions",
        "referring": "expressions",
        "verification": "statements",
    }
    items = getattr(scenes, found.get(name, name))
    if name == "verification":
        images = tuple(Regions.of(scenes, items.scene[:, k]) for k in range(2))
        return Task(images, items.tokens, items.label)
    images = Regions.of(scenes, items.scene)
    if name == "answering":
        return Task(images, items.answer_choices()[0], items.label)
    if name == "retrieval":
        start = np.full((len(items), items.answers.shape[1], 1), CLS, dtype=np.int64)
        return Task(images, np.concatenate([start, items.answers], axis=2), items.label)
    return Task(images, items.tokens, items.label)


class TwelveInOneNetwork(nn.Module):
    """ViLBERT's two streams with a head for each group of tasks, p = pooled text × pooled image.

    ::

        answering     MLP(p) · mean of the answer's words       (see AnswerHead)
        retrieval     w · p
        referring     w' · g_j for each region j
        verification  MLP([p of the first image; p of the second])
        entailment    MLP(p)

    The task's token, one more word of the vocabulary, stands after [CLS].
    """

    def __init__(self, config, vocabulary, features, tasks):
        super().__init__()
        self.tasks, self.vocabulary, d = list(tasks), vocabulary, config.width
        self.streams = TwoStreams(config, vocabulary + len(self.tasks), features)
        heads = {
            "answering": lambda: AnswerHead(config),
            "retrieval": lambda: nn.Linear(d, 1),
            "referring": lambda: nn.Linear(config.region_width, 1),
            "verification": lambda: _two_layers(2 * d, 2 * d, 2),
            "entailment": lambda: _two_layers(d, 2 * d, 3),
        }
        self.heads = nn.ModuleDict({task: heads[task]() for task in self.tasks})
        self.schedule = StopAndGo(self.tasks)

    def read(self, task, images, tokens):
        """The region stream, and the product of the pooled vectors."""
        token = tokens.new_full((len(tokens), 1), self.vocabulary + self.tasks.index(task))
        tokens = torch.cat([tokens[:, :1], token, tokens[:, 1:]], dim=1)
        _, g, text, image = self.streams(images, tokens)
        return g, text * image

    def forward(self, task, images, *texts):
        """Scores (n, C) of choices, (n, R) of regions, (n, 2) or (n, 3) of verdicts."""
        head = self.heads[task]
        if task == "answering":
            question, answers = texts
            return head(self.read(task, images, question)[1], answers, self.streams.words)
        if task == "retrieval":
            (tokens,) = texts
            n, choices, _ = tokens.shape
            p = self.read(task, images.repeat(choices), tokens.flatten(0, 1))[1]
            return head(p).view(n, choices)
        if task == "referring":
            return point(head, self.read(task, images, texts[0])[0], images.present)
        if task == "verification":
            second, tokens = texts
            pair = (self.read(task, i, tokens)[1] for i in (images, second))
            return head(torch.cat([*pair], dim=1))
        return head(self.read(task, images, texts[0])[1])

    def loss(self, task, *items):
        """Cross-entropy of a task; for answering, against all answers of the batch."""
        *given, labels = items
        if task == "answering":
            images, question, answers = given
            answers, labels = answers_of_batch(answers, labels)
            given = images, question, answers
        return F.cross_entropy(self(task, *given), labels)


def _two_layers(d_in, d_inner, d_out):
    return nn.Sequential(nn.Linear(d_in, d_inner), nn.GELU(), nn.Linear(d_inner, d_out))


class TwelveInOne(PairMethod):
    """One ViLBERT for question answering, retrieval, referring expressions, verification and
    entailment, with a token for each task and the dynamic stop-and-go scheduler.

    In every iteration each task that the scheduler lets train gives one batch; the losses are
    added up and one step is taken. (The paper takes a step after each task's batch.) An epoch is a
    pass over the largest task; smaller ones begin again within it. Validation comes after every
    epoch, for all tasks; the scheduler needs `validation_fraction` above 0. What is kept is the
    epoch with the best mean accuracy.

    Parameters
    ----------
    config : CoAttentionConfig, optional: the network's size
    whiten, epochs, batch_size, learning_rate, weight_decay, clip, validation_fraction, patience,
    on_epoch, checkpoint, device, random_state, progress : see
        :class:`mmlearn.pairs.base.PairMethod`

    Attributes
    ----------
    scores_ : {task: [accuracy after each epoch]};  going_ : {task: [whether it goes, after each]}

    Raises
    ------
    ValueError
        An unknown task, or one it was not fitted on; more tokens or regions than the config
        holds; lengths that differ; labels that do not fit the task
    TypeError: images that are no :class:`Regions`

    References
    ----------
    Lu, Goswami, Rohrbach, Parikh, Lee, 12-in-1: Multi-Task Vision and Language Representation
    Learning, CVPR 2020.

    Examples
    --------
    Word 5 asks for the object of class 0, word 6 for that of class 1: which region is it?

    >>> import numpy as np
    >>> from mmlearn.pairs import Regions, Task, TwelveInOne
    >>> images = Regions(np.eye(2)[[[0, 1], [1, 0]] * 32], boxes=np.zeros((64, 2, 5)))
    >>> tokens = np.array([[1, 5, 2], [1, 5, 2], [1, 6, 2], [1, 6, 2]] * 16)
    >>> labels = np.array([0, 1, 1, 0] * 16)
    >>> model = TwelveInOne(epochs=20, device="cpu")
    >>> model = model.fit({"referring": Task(images, tokens, labels)})
    >>> model.score("referring", images, tokens, labels)
    1.0
    """

    supervised = True

    def __init__(self, config=None, **settings):
        super().__init__(**settings)
        self.config = config

    def _config(self):
        return self.config or CoAttentionConfig()

    def _network(self):
        return TwelveInOneNetwork(self._config(), self.n_words_, self.scaler_.d, self.tasks_)

    def fit(self, tasks, start=None):
        """Learn several tasks at once.

        Parameters
        ----------
        tasks : ``{name: Task}``, names from ``TASKS``
        start : a ViLBERT after `pretrain`, of the same size, whose streams to begin with, optional
            The paper begins so. From a fresh start, tasks whose answers say little about where to
            look may stay at chance for long.
        """
        for name in tasks:
            _check_name(name)
        if not tasks:
            raise ValueError(f"give at least one task of {', '.join(TASKS)}.")
        checked = {name: self._check(name, task, fitted=False) for name, task in tasks.items()}
        lengths = {name: len(items[-1]) for name, items in checked.items()}
        self._check_settings(min(lengths.values()))
        words = 1 + max(
            int(t.max()) for items in checked.values() for t in items[:-1] if torch.is_tensor(t)
        )
        images = [items[0] for items in checked.values()]
        if start is None:
            self._learn_scale(max(images, key=len))
        elif not hasattr(start, "streams_"):
            raise ValueError("start must be a ViLBERT after pretrain, whose streams to begin with.")
        else:
            self._scale_as(start, images)
            words = max(words, len(start.streams_["words.weight"]))
        self.tasks_, self.n_words_ = list(tasks), words
        self.scores_, self.going_ = ({name: [] for name in tasks} for _ in range(2))
        self.widths_ = [len(items) for items in checked.values()]
        columns = [
            [self.scaler_(item) if isinstance(item, Regions) else item for item in items]
            for items in checked.values()
        ]
        begin = None if start is None else lambda net: take_weights(net.streams, start.streams_)
        return self._fit_network(columns, begin)

    def score_pairs(self, images, texts):
        """The retrieval head: how well each caption goes with its image, (n,) or (n, C)."""
        tokens = check_tokens(texts)
        scores = self._scores("retrieval", images, tokens if tokens.ndim == 3 else tokens[:, None])
        scores = scores if tokens.ndim == 3 else scores.squeeze(1)
        return scores if torch.is_tensor(texts) else scores.numpy()

    def predict(self, task, images, texts):
        """What the task's head chooses: a text, a region or a verdict, (n,)."""
        return to_numpy(self._scores(task, images, texts).argmax(dim=1))

    def score(self, task, images, texts, labels):
        """Accuracy of a task."""
        return float((self.predict(task, images, texts) == to_numpy(labels)).mean())

    def _scores(self, task, images, texts):
        check_is_fitted(self)
        _check_name(task, self.tasks_)
        *items, _ = self._check(task, Task(images, texts, None))
        first, *rest = items
        second = [self.scaler_(item) if isinstance(item, Regions) else item for item in rest]
        return self._in_chunks(
            lambda *rows: self.module_(task, *rows), self.scaler_(first), *second
        )

    def _check(self, name, task, fitted=True):
        """A task's items, checked: images, what the head reads, labels (None for new items)."""
        c, d = self._config(), self.n_features_ if fitted else None
        pair = task.images if name == "verification" else (task.images,)
        if not isinstance(pair, tuple) or len(pair) != 1 + (name == "verification"):
            raise ValueError("verification needs two images a text: images=(first, second).")
        for images in pair:
            check_images(images, c.max_regions, d)
            tokens, _ = check_choices(images, task.texts)
        vocabulary = self.n_words_ if fitted else None
        tokens = check_tokens(tokens, "texts", c.max_tokens - 1, vocabulary)  # the task's own token
        _check_texts(name, tokens)
        texts = split_response(tokens) if name == "answering" else [tokens]
        labels = None if task.labels is None else _check_labels(name, task, tokens)
        if not fitted and labels is None:
            raise ValueError(f"the task {name!r} needs labels.")
        return [*pair, *texts, labels]

    # -- training: item i of the loop is row i of every task, smaller tasks beginning again --------

    def _begin(self, module, columns, stage=None):
        kept, held = [], []
        for items in columns:
            held_rows, kept_rows = self._split(len(items[-1]))
            held += [item[held_rows] for item in items]
            kept.append([item[kept_rows] for item in items])
        longest = max(len(items[-1]) for items in kept)
        rows = [torch.arange(longest) % len(items[-1]) for items in kept]
        items = [i[r] for task, r in zip(kept, rows, strict=True) for i in task]
        watched = held if self.validation_fraction else None
        return Training(self, module, everything=columns, items=items, held=watched, stage=stage)

    def _by_task(self, items):
        ends = np.cumsum([0, *self.widths_])
        return {t: items[a:b] for t, a, b in zip(self.tasks_, ends, ends[1:], strict=False)}

    def _loss(self, training, module, *batch):
        """The sum of the losses of the tasks that train in this iteration."""
        batch, running = self._by_task(batch), module.schedule.step()
        if not running:  # all have stopped, and this is none of their iterations
            return 0.0 * sum(p.sum() for p in module.heads.parameters())
        return sum(module.loss(task, *batch[task]) for task in running)

    def _metric(self, training, module, *held):
        """The mean accuracy of the tasks; the scheduler learns of each."""
        scores = {}
        for task, (*items, labels) in self._by_task(held).items():
            hits = 0
            for start in range(0, len(labels), ROWS):
                rows = slice(start, start + ROWS)
                chosen = module(task, *(item[rows] for item in items)).argmax(dim=1)
                hits += int((chosen == labels[rows]).sum())
            scores[task] = hits / len(labels)
        module.schedule.update(scores)
        for i, (task, score) in enumerate(scores.items()):
            self.scores_[task].append(score)
            self.going_[task].append(bool(module.schedule.going[i]))
        return float(np.mean(list(scores.values())))


def _check_name(name, known=TASKS):
    if name not in known:
        raise ValueError(f"unknown task {name!r}; known tasks: {', '.join(known)}.")


def _check_texts(name, tokens):
    choices = name in ("answering", "retrieval")
    if (tokens.ndim == 3) != choices:
        shape = "(n, choices, tokens)" if choices else "(n, tokens)"
        raise ValueError(f"the task {name!r} takes texts {shape}, got {tuple(tokens.shape)}.")


def _check_labels(name, task, tokens):
    labels = check_label_values(task.labels, f"labels of the task {name!r}")
    n_classes = {
        "answering": lambda: tokens.shape[1],
        "retrieval": lambda: tokens.shape[1],
        "referring": lambda: task.images.max_regions,
        "verification": lambda: 2,
        "entailment": lambda: 3,
    }[name]()
    if labels.shape != (len(tokens),) or labels.dtype.kind not in "biu":
        raise ValueError(f"the task {name!r} needs one whole number a text as its label.")
    labels = torch.as_tensor(labels)
    if int(labels.min()) < 0 or int(labels.max()) >= n_classes:
        raise ValueError(f"labels of the task {name!r} must lie from 0 to {n_classes - 1}.")
    if name == "referring" and not bool(
        task.images.present.gather(1, labels.long()[:, None]).all()
    ):
        raise ValueError("a label of the task 'referring' names a region that is not there.")
    return labels.long()
