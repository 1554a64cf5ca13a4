"""ViLBERT: a text stream and a region stream that exchange what they know by co-attention."""

from functools import partial

import torch
from sklearn.utils.validation import check_is_fitted
from torch import nn
from torch.nn import functional as F

from mmlearn.arrays import to_numpy
from mmlearn.contract import check_number
from mmlearn.pairs.answers import AnswerHead, AnswersQuestions
from mmlearn.pairs.attention import choose_weights
from mmlearn.pairs.base import choice_accuracy, choice_loss, take_weights
from mmlearn.pairs.pretraining import (
    PreTraining,
    Referring,
    pretraining_loss,
    referring_loss,
)
from mmlearn.pairs.streams import TwoStreams
from mmlearn.training.method import Training
from mmlearn.training.randomness import keeps_random_state, seed_everything

__all__ = ["Alignment", "Answering", "ViLBERT"]


class Alignment(nn.Module):
    """The whole text is read beside the image: score = w · (pooled text × pooled image)."""

    def __init__(self, streams):
        super().__init__()
        self.streams = streams
        self.dropout = nn.Dropout(streams.config.dropout)
        self.score = nn.Linear(streams.config.width, 1)

    def forward(self, images, tokens):
        """Scores (n,) of texts (n, T), or (n, C) of C texts an image (n, C, T)."""
        if tokens.ndim == 3:
            n, choices, _ = tokens.shape
            return self(images.repeat(choices), tokens.flatten(0, 1)).view(n, choices)
        _, _, text, image = self.streams(images, tokens)
        return self.score(self.dropout(text * image)).squeeze(1)


class Answering(nn.Module):
    """The question is read beside the image, and the answers are scored by their words."""

    def __init__(self, streams):
        super().__init__()
        self.streams = streams
        self.head = AnswerHead(streams.config)

    def forward(self, images, question, answers):
        """Scores (n, C) of answers (n, C, T), or (n, u) of the same answers (u, T) for all."""
        _, _, text, image = self.streams(images, question)
        return self.head(text * image, answers, self.streams.words)


class ViLBERT(AnswersQuestions):
    """Two transformer streams joined by co-attention; one score for an image with a text.

    With h and g the streams after the last layer (:class:`TwoStreams`)::

        p = relu(W h_CLS) × relu(W' g_IMG)
        score = w · p                                    head="alignment"
        score = MLP(p) · mean of the answer's words      head="answers"

    "alignment" reads the whole text beside the image, as the paper does for visual commonsense
    reasoning and caption retrieval, and is trained by cross-entropy over the texts of an item.
    Without labels it learns retrieval: an image's own text against three others of the batch, and
    a text's own image against three others. "answers" reads the question alone, as the paper does
    for visual question answering, and is trained by cross-entropy over all answers of the batch
    that are surely wrong. :meth:`pretrain` gives first weights.

    What differs from the paper: the default network is small, and its words are learned here, not
    taken from BERT; a box goes through two layers (`box_width`); answers are scored by their
    words; in retrieval the other images are drawn, with none that is chosen for being near;
    pre-training is grounding-supervised where `regions` are given. First weights are
    torch's for the small network and the paper's N(0, .02²) for `CoAttentionConfig.base()`, see
    `initial_std`. The learning rate is 1e-3 for far fewer steps, not 4e-5, and constant: the
    paper's rises and falls, which is `warm_up=0.1`. With that the small network takes twice the
    rate; in a training of a hundred steps it leaves the first plateau later than at a constant one.

    Parameters
    ----------
    config : CoAttentionConfig, optional: the network's size
    head : "alignment" or "answers"
    other_images : int, default 0
        With labels and head="alignment", the right text is told from so many other images of the
        batch, too: for retrieval among images, set 3.
    whiten, epochs, batch_size, learning_rate, weight_decay, clip, warm_up, validation_fraction,
    patience, on_epoch, checkpoint, device, random_state, progress : see
        :class:`mmlearn.pairs.base.PairMethod`

    Raises
    ------
    ValueError: more tokens or regions than the config holds, unknown words, lengths that differ
    TypeError: images that are no :class:`Regions`

    References
    ----------
    Lu, Batra, Parikh, Lee, ViLBERT: Pretraining Task-Agnostic Visiolinguistic Representations for
    Vision-and-Language Tasks, NeurIPS 2019.

    Examples
    --------
    Which of two words names what is there? Class 0 is word 5, class 1 is word 6.

    >>> import numpy as np
    >>> from mmlearn.pairs import Regions, ViLBERT
    >>> classes = np.arange(64)[:, None] % 2
    >>> images = Regions(np.eye(2)[classes], boxes=np.zeros((64, 1, 5)))
    >>> texts = np.tile([[1, 5, 2], [1, 6, 2]], (64, 1, 1))  # [CLS] word [SEP]
    >>> model = ViLBERT(epochs=10, device="cpu").fit(images, texts, classes[:, 0])
    >>> model.score(images, texts, classes[:, 0])
    1.0
    """

    def __init__(self, config=None, *, head="alignment", other_images=0, **settings):
        super().__init__(config, **settings)
        self.head, self.other_images = head, other_images

    def _network(self):
        streams = TwoStreams(self._config(), self.n_words_, self.scaler_.d)
        return HEADS[self.head](streams)

    def _learn_sizes(self, images, tokens):
        if not hasattr(self, "streams_"):
            return super()._learn_sizes(images, tokens)
        # The scale is that of the pre-training.
        self.n_words_ = max(int(tokens.max()) + 1, len(self.streams_["words.weight"]))

    def fit(self, images, texts, labels=None):
        """Learn which texts go with which images.

        Parameters
        ----------
        images : Regions, n of them
        texts : word ids (n, C, T) with `labels`, or (n, T) without; (tokens, tags) is fine, too
        labels : (n,), which of an item's C texts is right
        """
        images, tokens, labels = self._check(images, texts, labels, fitted=False)
        if self.head not in HEADS:
            raise ValueError(f"head must be one of {', '.join(HEADS)}, got {self.head!r}.")
        if labels is None and (tokens.ndim == 3 or self.head == "answers"):
            raise ValueError("pass labels, which of an item's texts is the right one.")
        check_number(self.other_images, "other_images", 0, whole=True)
        self._check_settings(len(images))
        self._learn_sizes(images, tokens)
        start = self._start if hasattr(self, "streams_") else None
        if self.head == "answers":
            return self._fit_answers(images, texts, tokens, labels, start)
        seen = self.scaler_(images)
        if labels is None:
            return self._fit_network(
                (seen, tokens), start, loss=matching_loss, metric=matching_accuracy
            )
        items, loss = (seen, tokens, labels), partial(aligned_loss, self.other_images)
        return self._fit_network(items, start, loss=loss, metric=choice_accuracy)

    def _parts(self, tokens):
        """What the network reads: whole texts, or questions and answers apart."""
        return super()._parts(tokens) if self.head == "answers" else [tokens]

    @keeps_random_state
    def pretrain(self, images, captions, regions=None, epochs=10, vocabulary=None):
        """Learn first weights of the two streams from images with their captions, before `fit`.

        The objectives are the paper's: masked words, masked regions and alignment. With `regions`
        the pre-training is grounding-supervised: the captions are expressions, and the objective
        is to point at the region that each means and to tell its class. The paper's is told no
        such thing, so what this gains is not what captions alone would give; 12-in-1 learns from
        referring expressions so. See :mod:`mmlearn.pairs.pretraining`. A clone of the method
        forgets what it learned.

        Parameters
        ----------
        images : Regions, with classes where `regions` is None
        captions : word ids (n, T)
        regions : (n,), the region that each caption means, optional
        epochs : int
        vocabulary : int, optional: words that there are, if `captions` do not hold them all
        """
        images, tokens, _ = self._check(images, captions, fitted=False)
        if tokens.ndim != 2 or (images.classes is None and regions is None):
            raise ValueError("pre-training needs images with classes, and one caption an image.")
        items = (images, tokens) if regions is None else (images, tokens, _pointed(images, regions))
        self._check_settings(len(images))
        seed_everything(self.random_state)
        words = max(vocabulary or 0, int(tokens.max()) + 1)
        self._learn_scale(images)
        streams = TwoStreams(self._config(), words, self.scaler_.d)
        classes = 0 if images.classes is None else int(images.classes.max()) + 1
        if regions is None:
            module, loss = PreTraining(streams, classes), pretraining_loss
        else:
            module, loss = Referring(streams, classes), referring_loss
        pretraining = Training(
            self, module, items=(self.scaler_(images), *items[1:]), stage="pretraining"
        )
        self.pretraining_ = self._run(pretraining, loss, epochs=epochs, checkpoint=None)
        self.streams_ = {name: t.detach().cpu() for name, t in streams.state_dict().items()}
        return self

    def _start(self, network):
        take_weights(network.streams, self.streams_)

    def attention(self, images, texts, *, layer=None, head=None, direction="words_to_regions"):
        """Which share of its attention a word gives to each region, or a region to each word.

        Parameters
        ----------
        images : Regions, n of them;  texts : word ids (n, T): with head="answers" the questions
        layer, head : int from 0 of the co-attention, or None for the mean over all
        direction : "words_to_regions", queries of the words on keys of the regions: (n, T, 1 + R);
            "regions_to_words", queries of the regions on keys of the words: (n, 1 + R, T)

        Returns
        -------
        numpy array whose rows sum to 1; region 0 is the whole image
        """
        check_is_fitted(self)
        images, tokens, _ = self._check(images, texts)
        if tokens.ndim != 2:
            raise ValueError("attention is shown for one text an image: give texts (n, tokens).")

        def run(images, tokens):
            weights = []
            self.module_.streams(images, tokens, weights=weights)
            return choose_weights(weights, layer, head, direction)

        return self._in_chunks(run, self.scaler_(images), tokens).numpy()


def _pointed(images, regions):
    regions = torch.as_tensor(to_numpy(regions)).long()
    there = images.present
    if regions.shape != (len(images),) or not bool(
        ((regions >= 0) & (regions < images.max_regions)).all()
        and there.gather(1, regions[:, None]).all()
    ):
        raise ValueError("regions must be (n,), one a caption, each a region that its image has.")
    return regions


HEADS = {"alignment": Alignment, "answers": Answering}


def matching_choices(tokens, others=3):
    """Each text beside those of the next `others` items of the batch, (n, 1 + others, T)."""
    return torch.stack([tokens.roll(-i, dims=0) for i in range(1 + others)], dim=1)


def image_scores(module, images, tokens, others=3):
    """Each text's score with its own image and with those of `others` items before it.

    (n, 1 + others), the own image first.
    """
    rows = torch.arange(len(tokens), device=tokens.device)
    return torch.stack([module(images[rows.roll(i)], tokens) for i in range(1 + others)], dim=1)


def matching_loss(module, images, tokens):
    """An image's own text against three others, and a text's own image against three others."""
    own = tokens.new_zeros(len(tokens))
    texts = choice_loss(module, images, matching_choices(tokens), own)
    return (texts + F.cross_entropy(image_scores(module, images, tokens), own)) / 2


def matching_accuracy(module, images, tokens):
    """Share of the items whose own text beats those of three others."""
    own = tokens.new_zeros(len(tokens))
    return choice_accuracy(module, images, matching_choices(tokens), own)


def aligned_loss(others, module, images, tokens, labels):
    """The right one of an item's texts; and that text's own image against `others` images."""
    loss = choice_loss(module, images, tokens, labels)
    if not others:
        return loss
    right = tokens[torch.arange(len(labels), device=labels.device), labels]
    scores = image_scores(module, images, right, others)
    return loss + F.cross_entropy(scores, torch.zeros_like(labels))
