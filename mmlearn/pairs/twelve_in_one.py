"""12-in-1: one network for several tasks, told apart by a token, trained stop-and-go."""

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import nn
from torch.nn import functional as F

from mmlearn.arrays import to_numpy
from mmlearn.pairs.answers import AnswerHead, answers_of_batch
from mmlearn.pairs.attention import choose_weights
from mmlearn.pairs.base import ROWS, PairMethod, check_images, take_weights
from mmlearn.pairs.pretraining import point
from mmlearn.pairs.regions import Regions
from mmlearn.pairs.schedule import StopAndGo
from mmlearn.pairs.streams import CoAttentionConfig, TwoStreams
from mmlearn.pairs.tasks import TASKS, Task, check_task, check_task_name, held_out
from mmlearn.pairs.tokens import check_tokens
from mmlearn.training.method import Training

__all__ = ["TwelveInOne"]


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

    def __init__(self, config, vocabulary, features, tasks, schedule=None):
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
        self.schedule = schedule or StopAndGo(self.tasks)

    def read(self, task, images, tokens, weights=None):
        """The region stream, and the product of the pooled vectors; `weights`: see the streams."""
        token = tokens.new_full((len(tokens), 1), self.vocabulary + self.tasks.index(task))
        tokens = torch.cat([tokens[:, :1], token, tokens[:, 1:]], dim=1)
        _, g, text, image = self.streams(images, tokens, weights=weights)
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

    In every iteration the tasks that the scheduler lets train give one batch each, in the order of
    `fit`, and a step is taken after each batch. An epoch is a pass over the largest task; smaller
    ones begin again within it. After every epoch all tasks are validated on held-out items, and
    the scheduler decides which go on (:class:`StopAndGo`); in iterations in which no task trains
    nothing moves. What is kept is the epoch with the best mean accuracy.

    As in the paper and its code: a token for each task, one trunk, the heads, a step a task, the
    scheduler with its settings. What differs: five tasks of one set of scenes instead of twelve
    data sets. All tasks are validated together after an epoch, so that its mean can be compared;
    the code validates each after a pass over its own items, which is the same where tasks are
    equally large. The code weighs each loss by a learning rate of the task's own, with warm-up;
    here all weigh the same and the rate is constant. `clip` bounds the gradient of each step, so
    of one task; the gradient of a sum of five would be held to what one may have.

    The scheduler needs held-out items. Without them all tasks always train, as they do with
    ``stop_and_go=False``, the control: the plain sum of the losses, its terms taken in turn.
    (Kurin et al. take one step of the sum, and find it as good as special optimisers.)

    Parameters
    ----------
    config : CoAttentionConfig, optional: the network's size
    stop_and_go : bool, default True: False leaves all tasks going; they are validated still
    gain, task_patience, gap, resume, cooldown : of the scheduler, see :class:`StopAndGo`
        `task_patience` is its patience.
    whiten, epochs, batch_size, learning_rate, weight_decay, clip, validation_fraction, patience,
    on_epoch, checkpoint, device, random_state, progress : see
        :class:`mmlearn.pairs.base.PairMethod`. Held out is a share of the pictures, not of the
        items (:func:`mmlearn.pairs.tasks.held_out`); how many items a task needs, so that the
        scheduler does not act on noise, is said at :class:`StopAndGo`.

    Attributes
    ----------
    scores_ : {task: [accuracy on its held-out items after each epoch]}
    going_ : {task: [whether it goes on after each epoch]}: in the first all go
    steps_ : {task: [how many steps it has taken in each epoch]}
    n_held_ : {task: how many of its items are held out}
        Without validation `scores_` and `going_` hold empty lists. All epochs are there, also
        those after the one that is kept, and those before a checkpoint that training went on from.

    Raises
    ------
    ValueError
        An unknown task, or one it was not fitted on; more tokens or regions than the config
        holds; lengths that differ; labels that do not fit the task; settings that cannot be met;
        several tasks with a `validation_fraction` and without `pictures`
    TypeError: images that are no :class:`Regions`

    References
    ----------
    Lu, Goswami, Rohrbach, Parikh, Lee, 12-in-1: Multi-Task Vision and Language Representation
    Learning, CVPR 2020. Kurin, De Palma, Kostrikov, Whiteson, Kumar, In defense of the unitary
    scalarization for deep multi-task learning, NeurIPS 2022.

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
    >>> model.steps_["referring"][:3]
    [1, 1, 1]
    """

    supervised = True

    def __init__(
        self,
        config=None,
        *,
        stop_and_go=True,
        gain=1e-3,
        task_patience=1,
        gap=4,
        resume=0.995,
        cooldown=1,
        **settings,
    ):
        super().__init__(**settings)
        self.config = config
        self.stop_and_go = stop_and_go
        self.gain = gain
        self.task_patience = task_patience
        self.gap = gap
        self.resume = resume
        self.cooldown = cooldown

    def _config(self):
        return self.config or CoAttentionConfig()

    def _schedule(self, tasks):
        return StopAndGo(tasks, self.gain, self.task_patience, self.gap, self.resume, self.cooldown)

    def _network(self):
        sizes = self.n_words_, self.scaler_.d, self.tasks_
        return TwelveInOneNetwork(self._config(), *sizes, self._schedule(self.tasks_))

    def fit(self, tasks, start=None, validation=None):
        """Learn several tasks at once.

        Parameters
        ----------
        tasks : ``{name: Task}``, names from ``TASKS``
        start : a ViLBERT after `pretrain`, of the same size, whose streams to begin with, optional
            The paper begins so. From a fresh start, tasks whose answers say little about where to
            look may stay at chance for long.
        validation : ``{name: Task}`` of the same names, optional
            Held-out items of your own, of pictures that no task trains on, in place of a
            `validation_fraction`: networks of one task and of many are then validated alike.
        """
        for name in tasks:
            check_task_name(name)
        if not tasks:
            raise ValueError(f"give at least one task of {', '.join(TASKS)}.")
        kept, held = self._halves(tasks, validation)
        everything = [item for part in (kept, held) for items in part.values() for item in items]
        words = 1 + max(int(t.max()) for t in everything if torch.is_tensor(t) and t.ndim > 1)
        images = [item for item in everything if isinstance(item, Regions)]
        if len({i.d for i in images}) > 1:
            raise ValueError("the images of all tasks must have equally many features a region.")
        if start is None:
            self._learn_scale(max((items[0] for items in kept.values()), key=len))
        elif not hasattr(start, "streams_"):
            raise ValueError("start must be a ViLBERT after pretrain, whose streams to begin with.")
        else:
            self._scale_as(start, images)
            words = max(words, len(start.streams_["words.weight"]))
        self.tasks_, self.n_words_ = list(tasks), words
        self.n_held_ = {name: len(held[name][-1]) if held else 0 for name in tasks}
        self.widths_ = [len(items) for items in kept.values()]
        begin = None if start is None else lambda net: take_weights(net.streams, start.streams_)
        return self._fit_network((self._scaled(kept), self._scaled(held)), begin)

    def _halves(self, tasks, validation):
        """Items that are trained on, and items held out: ``{name: items}``, checked."""
        kept = {name: self._check(name, task, fitted=False) for name, task in tasks.items()}
        fewest = min(len(items[-1]) for items in kept.values())
        self._check_settings(fewest, watched=validation is not None)
        self._schedule(tasks)  # refuses settings that cannot be met
        if validation is not None:
            if set(validation) != set(tasks) or self.validation_fraction:
                raise ValueError(
                    "validation needs the tasks that are trained, each, and validation_fraction=0."
                )
            return kept, {name: self._check(name, validation[name], fitted=False) for name in tasks}
        if not self.validation_fraction:
            return kept, {}
        rows = held_out(tasks, self.validation_fraction, int(self.random_state))
        return tuple(
            {name: [item[rows[name] == out] for item in items] for name, items in kept.items()}
            for out in (False, True)
        )

    def _scaled(self, tasks):
        return [
            [self.scaler_(item) if isinstance(item, Regions) else item for item in items]
            for items in tasks.values()
        ]

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

    def attention(
        self, task, images, texts, *, layer=None, head=None, direction="words_to_regions"
    ):
        """Attention while a task reads a text beside an image, see :meth:`ViLBERT.attention`.

        Parameters
        ----------
        images : Regions, n of them (of verification, either of the two)
        texts : word ids (n, T). The task's token stands after [CLS], so there are T + 1 words.
        layer, head, direction : as there
        """
        check_is_fitted(self)
        check_task_name(task, self.tasks_)
        config = self._config()
        check_images(images, config.max_regions, self.n_features_)
        tokens = check_tokens(texts, "texts", config.max_tokens - 1, self.n_words_)
        if tokens.ndim != 2 or len(tokens) != len(images):
            raise ValueError("attention is shown for one text an image: give texts (n, tokens).")

        def run(images, tokens):
            weights = []
            self.module_.read(task, images, tokens, weights)
            return choose_weights(weights, layer, head, direction)

        return self._in_chunks(run, self.scaler_(images), tokens).numpy()

    def _scores(self, task, images, texts):
        check_is_fitted(self)
        check_task_name(task, self.tasks_)
        *items, _ = self._check(task, Task(images, texts, None))
        first, *rest = items
        second = [self.scaler_(item) if isinstance(item, Regions) else item for item in rest]
        return self._in_chunks(
            lambda *rows: self.module_(task, *rows), self.scaler_(first), *second
        )

    def _check(self, name, task, fitted=True):
        known = (self.n_features_, self.n_words_) if fitted else ()
        items = check_task(name, task, self._config(), *known)
        if not fitted and items[-1] is None:
            raise ValueError(f"the task {name!r} needs labels.")
        return items

    # -- training: item i of the loop is row i of every task, smaller tasks beginning again --------

    def _begin(self, module, items, stage=None):
        kept, held = items
        longest = max(len(task[-1]) for task in kept)
        rows = [torch.arange(longest) % len(task[-1]) for task in kept]
        items = [i[r] for task, r in zip(kept, rows, strict=True) for i in task]
        held = [item for task in held for item in task] or None
        return Training(self, module, everything=kept, items=items, held=held, stage=stage)

    def _by_task(self, items):
        ends = np.cumsum([0, *self.widths_])
        return {t: items[a:b] for t, a, b in zip(self.tasks_, ends, ends[1:], strict=False)}

    def _loss(self, training, module, *batch):
        """The losses of the tasks that train in this iteration, a step each."""
        batch = self._by_task(batch)
        for task in module.schedule.step():
            yield module.loss(task, *batch[task])

    def _metric(self, training, module, *held):
        """The mean accuracy of the tasks; the scheduler learns of each."""
        schedule, scores = module.schedule, {}
        for task, (*items, labels) in self._by_task(held).items():
            hits = 0
            for start in range(0, len(labels), ROWS):
                rows = slice(start, start + ROWS)
                chosen = module(task, *(item[rows] for item in items)).argmax(dim=1)
                hits += int((chosen == labels[rows]).sum())
            scores[task] = hits / len(labels)
        if self.stop_and_go:
            schedule.update(scores)
        told = {"metric": float(np.mean(list(scores.values())))}
        for i, (task, score) in enumerate(scores.items()):
            going, steps = bool(schedule.going[i]), int(schedule.steps[i])
            told |= {f"{task} score": score, f"{task} going": going, f"{task} steps": steps}
        return told

    def _finish(self, training):
        """What the history tells of each task; without validation all always trained."""
        told, epochs = self.history_.validation_terms, len(self.history_.loss)
        totals = training.module.schedule.steps.tolist()
        self.scores_ = {task: told.get(f"{task} score", []) for task in self.tasks_}
        self.going_ = {task: told.get(f"{task} going", []) for task in self.tasks_}
        self.steps_ = {}
        for task, total in zip(self.tasks_, totals, strict=True):
            until = told.get(f"{task} steps") or [total * (e + 1) // epochs for e in range(epochs)]
            self.steps_[task] = np.diff(until, prepend=0).tolist()
