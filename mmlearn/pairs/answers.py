"""Answering a question about an image: what the methods share that score answers by their words."""

import torch
from sklearn.utils.validation import check_is_fitted
from torch import nn
from torch.nn import functional as F

from mmlearn.pairs.base import (
    PairMethod,
    check_choices,
    check_images,
    choice_accuracy,
)
from mmlearn.pairs.streams import CoAttentionConfig
from mmlearn.pairs.tokens import check_tokens, split_response
from mmlearn.special_tokens import PAD, SEP

__all__ = ["AnswerHead", "AnswersQuestions", "answer_loss", "answers_of_batch"]


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
    every, index = answers.flatten(0, 1).unique(dim=0, return_inverse=True)
    return every, index.view(answers.shape[:2]).gather(1, labels[:, None]).squeeze(1)


def answer_loss(module, images, question, answers, labels):
    """Cross-entropy of the right answer against every answer of the batch, not its four alone.

    What is in the picture is then worth learning before how it stands there; with four answers
    from one scene, nothing is learned until everything is (a plateau at chance).
    """
    every, right = answers_of_batch(answers, labels)
    return F.cross_entropy(module(images, question, every), right)


class AnswersQuestions(PairMethod):
    """A method that reads a question beside an image and scores its answers by their words.

    Subclasses write `_network`, which maps (images, questions, answers) to scores. It is trained
    by cross-entropy over all answers of the batch (:func:`answer_loss`).

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
        texts : word ids (n, C, T), "[CLS] question [SEP] answer [SEP]"; (tokens, tags) is fine, too
        labels : (n,), which of an item's C texts is right
        """
        images, tokens, labels = self._check(images, texts, labels, fitted=False)
        if labels is None:
            raise ValueError("pass labels, which of an item's texts is the right one.")
        self._check_settings(len(images))
        self._learn_sizes(images, tokens)
        return self._fit_on(images, self._parts(tokens), labels, answer_loss)

    def _fit_on(self, images, texts, labels, loss, start=None):
        items = (self.scaler_(images), *texts, labels)
        return self._fit_network(items, start, loss=loss, metric=choice_accuracy)

    def _parts(self, tokens):
        """What the network reads: questions, and answers apart."""
        return split_response(tokens)

    def score_pairs(self, images, texts):
        """How well each text goes with its image: (n,) for texts (n, T), (n, C) for (n, C, T)."""
        check_is_fitted(self)
        images, tokens, _ = self._check(images, texts)
        scores = self._in_chunks(self.module_, self.scaler_(images), *self._parts(tokens))
        return scores if torch.is_tensor(texts) else scores.numpy()
