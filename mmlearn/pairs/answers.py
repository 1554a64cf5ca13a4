"""Answering a question about an image: what the methods share that score answers by their words."""

import torch
from sklearn.utils.validation import check_is_fitted
from torch import nn
from torch.nn import functional as F

from mmlearn.kinds import as_tensor
from mmlearn.pairs.base import (
    PairMethod,
    check_choices,
    check_images,
    choice_accuracy,
)
from mmlearn.pairs.streams import CoAttentionConfig
from mmlearn.pairs.tokens import check_tokens, split_response
from mmlearn.special_tokens import PAD, SEP

__all__ = [
    "AnswerHead",
    "AnswersQuestions",
    "answer_accuracy",
    "answer_loss",
    "answers_of_batch",
    "things_named",
    "unsure",
]


class AnswerHead(nn.Module):
    """Score an answer by its words: score = MLP(pooled) · mean of the answer's word vectors.

    It is the two-layer classifier over a vocabulary of answers that ViLBERT uses for visual
    question answering, with the answers' own words as its last layer: an answer of several words,
    or one that was no answer before, has a score too.
    """

    def __init__(self, config):
        super().__init__()
        self.inner = nn.Linear(config.width, 2 * config.width)
        self.outer = nn.Linear(2 * config.width, config.text_width)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, pooled, answers, words):
        """Scores (n, C) of answers (n, C, T) or (n, u) of answers (u, T); `words`: an embedding."""
        z = self.outer(self.dropout(F.relu(self.inner(pooled))))
        counts = ((answers != PAD) & (answers != SEP)).to(z.dtype)
        means = (words(answers) * counts[..., None]).sum(-2) / counts.sum(-1, True).clamp(min=1)
        return z @ means.T if answers.ndim == 2 else (means @ z[..., None]).squeeze(-1)


def answers_of_batch(answers, labels):
    """All different answers (u, T) among (n, C, T), and which of them is each item's right one."""
    every, index = _different(answers)
    return every, index.gather(1, labels[:, None]).squeeze(1)


def _different(answers):
    """The different answers (u, T) among (n, C, T), and which of them each one is (n, C)."""
    every, index = answers.flatten(0, 1).unique(dim=0, return_inverse=True)
    return every, index.view(answers.shape[:2])


def things_named(answers, tags, classes):
    """The class of the object that each answer names, -1 where it names none: (n, C).

    It is known wherever the same answer points at a region in any of the questions.

    Parameters
    ----------
    answers, tags : (n, C, T), words and the regions that they name, -1 for none
    classes : (n, R), of the regions

    >>> answers = torch.tensor([[[7, 2], [8, 2]], [[8, 2], [9, 2]]])
    >>> tags = torch.tensor([[[0, -1], [1, -1]], [[-1, -1], [-1, -1]]])
    >>> things_named(answers, tags, torch.tensor([[4, 5], [4, 6]]))
    tensor([[ 4,  5],
            [ 5, -1]])
    """
    region = tags.amax(dim=-1)
    here = classes.gather(1, region.clamp(min=0)).masked_fill(region < 0, -1)
    every, index = _different(answers)
    return _thing_of_each(len(every), index, here)[index]


def _thing_of_each(u, index, things):
    empty = things.new_full((u,), -1)
    return empty.scatter_reduce(0, index.flatten(), things.flatten(), "amax")


def unsure(classes, answers, things, labels):
    """Which of all answers of a batch may be right beside an item's own right one: (n, u).

    What is left of the dog? Not its four answers alone may be: whatever else is in the picture may
    lie there as well. What is not in the picture? Whatever else is not. So another item's answer
    counts as wrong only where one of the two, it or the right answer, names something that is in
    the picture and the other does not, or where one of them names nothing (a number, a category).

    Parameters
    ----------
    classes : (n, R), of the regions;  answers : (n, C, T);  labels : (n,)
    things : (n, C), see :func:`things_named`
    """
    every, index = _different(answers)
    right = index.gather(1, labels[:, None])
    thing = _thing_of_each(len(every), index, things)
    shown = (classes[:, :, None] == thing).any(dim=1) & (thing >= 0)
    own = torch.zeros_like(shown).scatter(1, index, True)
    alike = shown == shown.gather(1, right)
    return alike & (thing >= 0) & (thing[right] >= 0) & ~own


def answer_loss(module, images, question, answers, things, labels):
    """Cross-entropy of the right answer against every answer of the batch that is surely wrong.

    What is in the picture is then worth learning before how it stands there; with four answers
    from one scene, nothing is learned until everything is (a plateau at chance). What may be right
    as well is left out, see :func:`unsure`; without `things`, all -1, nothing is known to be.
    """
    every, right = answers_of_batch(answers, labels)
    scores = module(images, question, every)
    if images.classes is not None:
        open_ones = unsure(images.classes, answers, things, labels)
        scores = scores.masked_fill(open_ones, torch.finfo(scores.dtype).min)
    return F.cross_entropy(scores, right)


def answer_accuracy(module, images, question, answers, things, labels):
    """Share of the items whose right answer has the highest score of its own four."""
    return choice_accuracy(module, images, question, answers, labels)


class AnswersQuestions(PairMethod):
    """A method that reads a question beside an image and scores its answers by their words.

    Subclasses write `_network`, which maps (images, questions, answers) to scores. It is trained
    by cross-entropy over all answers of the batch (:func:`answer_loss`). Where `texts` are (tokens,
    tags) and the regions have classes, answers of other items that may be right are left out.

    Parameters
    ----------
    config : CoAttentionConfig, optional: the network's size
    **settings : of training, see :class:`mmlearn.pairs.base.PairMethod`
    """

    def __init__(self, config=None, **settings):
        super().__init__(**settings)
        self.config = config

    def _config(self):
        return self.config or CoAttentionConfig()

    def _learn_sizes(self, images, tokens):
        self.n_words_ = int(tokens.max()) + 1
        self._learn_scale(images)

    def _check(self, images, texts, labels=None, fitted=True):
        c = self._config()
        images = check_images(images, c.max_regions, self.n_features_ if fitted else None)
        tokens, labels = check_choices(images, texts, labels)
        vocabulary = self.n_words_ if fitted else None
        return images, check_tokens(tokens, "texts", c.max_tokens, vocabulary), labels

    def fit(self, images, texts, labels=None):
        """Learn which answers are right.

        Parameters
        ----------
        images : Regions, n of them
        texts : word ids (n, C, T), "[CLS] question [SEP] answer [SEP]", or (tokens, tags), by
            which it is known what an answer names
        labels : (n,), which of an item's C texts is right
        """
        images, tokens, labels = self._check(images, texts, labels, fitted=False)
        if labels is None:
            raise ValueError("pass labels, which of an item's texts is the right one.")
        self._check_settings(len(images))
        self._learn_sizes(images, tokens)
        return self._fit_answers(images, texts, tokens, labels)

    def _fit_answers(self, images, texts, tokens, labels, start=None):
        question, answers = split_response(tokens)
        items = self.scaler_(images), question, answers, _things(images, texts, answers), labels
        return self._fit_network(items, start, loss=answer_loss, metric=answer_accuracy)

    def _parts(self, tokens):
        """What the network reads: questions, and answers apart."""
        return split_response(tokens)

    def score_pairs(self, images, texts):
        """How well each text goes with its image: (n,) for texts (n, T), (n, C) for (n, C, T)."""
        check_is_fitted(self)
        images, tokens, _ = self._check(images, texts)
        scores = self._in_chunks(self.module_, self.scaler_(images), *self._parts(tokens))
        return scores if torch.is_tensor(texts) else scores.numpy()


def _things(images, texts, answers):
    """What the answers name, where `texts` come with tags and the regions with classes."""
    if not isinstance(texts, tuple) or images.classes is None:
        return torch.full(answers.shape[:2], -1)
    tokens = check_tokens(texts)
    tags = as_tensor(texts[1], "tags").long()
    if tags.shape != tokens.shape or int(tags.max()) >= images.max_regions:
        raise ValueError(
            "texts must be (tokens, tags) of one shape, with tags from -1 (names no region) to "
            f"{images.max_regions - 1}."
        )
    _, answers, _, answer_tags = split_response(tokens, tags)
    return things_named(answers, answer_tags, images.classes)
