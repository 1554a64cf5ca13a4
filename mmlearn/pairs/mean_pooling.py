"""The baseline without attention: each modality is averaged before the two meet."""

import torch
from torch import nn
from torch.nn import functional as F

from mmlearn.pairs.answers import AnswerHead, AnswersQuestions
from mmlearn.pairs.streams import TwoStreams
from mmlearn.special_tokens import PAD

__all__ = ["LateFusion"]


class LateFusionNetwork(nn.Module):
    """Mean of the words, mean of the regions, an MLP on the two.

    ::

        z = MLP([mean_i h_i; mean_j g_j; mean_i h_i × mean_j g_j])
        score = AnswerHead(z)

    with h and g embedded as in :class:`TwoStreams`.
    """

    def __init__(self, config, vocabulary, features):
        super().__init__()
        if config.text_width != config.region_width:
            raise ValueError("late fusion multiplies the streams: give both the same width.")
        d = config.text_width
        self.streams = TwoStreams(config, vocabulary, features)
        for unused in ("text_first", "co_layers", "text_layers", "region_layers"):
            setattr(self.streams, unused, nn.ModuleList())
        self.streams.text_pool = self.streams.region_pool = None
        self.region = nn.Sequential(nn.Linear(d, 4 * d), nn.ReLU(), nn.Linear(4 * d, d))
        self.mlp = nn.Sequential(
            nn.Linear(3 * d, 8 * d), nn.ReLU(), nn.Linear(8 * d, 4 * d), nn.ReLU(),
            nn.Linear(4 * d, config.width),
        )  # fmt: skip
        self.head = AnswerHead(config)

    def forward(self, images, question, answers):
        """Scores (n, C) of answers (n, C, T), or (n, u) of the same answers (u, T) for all."""
        h, (g, regions) = self.streams.embed_text(question), self.streams.embed_regions(images)
        text, image = _mean(h, question != PAD), _mean(self.region(g), regions)
        z = F.relu(self.mlp(torch.cat([text, image, text * image], dim=1)))
        return self.head(z, answers, self.streams.words)


def _mean(h, present):
    return (h * present[..., None]).sum(dim=1) / present.sum(dim=1, keepdim=True).clamp(min=1)


class LateFusion(AnswersQuestions):
    """Late fusion of averaged streams, trained and used as ViLBERT with head="answers".

    Each region goes through a network of its own before the mean; which words and which regions
    belong together is nowhere computed.

    >>> import numpy as np
    >>> from mmlearn.pairs import LateFusion, Regions
    >>> classes = np.arange(64)[:, None] % 2
    >>> images = Regions(np.eye(2)[classes], boxes=np.zeros((64, 1, 5)))
    >>> texts = np.tile([[1, 7, 2, 5, 2], [1, 7, 2, 6, 2]], (64, 1, 1))
    >>> model = LateFusion(epochs=10, device="cpu").fit(images, texts, classes[:, 0])
    >>> model.score(images, texts, classes[:, 0])
    1.0
    """

    supervised = True

    def _network(self):
        return LateFusionNetwork(self._config(), self.n_words_, self.scaler_.d)
