"""ViLBERT's pre-training: masked words, masked regions, and whether text and image go together."""

import torch
from torch import nn
from torch.nn import functional as F

from mmlearn.special_tokens import FIRST_WORD, MASK

__all__ = [
    "PreTraining",
    "Referring",
    "mask_regions",
    "mask_tokens",
    "masked_region_loss",
    "point",
    "pretraining_loss",
    "referring_loss",
]

SHARE = 0.15  # of the words and of the regions that are masked


def mask_tokens(tokens, vocabulary, share=SHARE):
    """Mask `share` of the words, as BERT does: 80 % become [MASK], 10 % another word, 10 % stay.

    Returns the tokens with masks, and the targets: the word where one was chosen, else -100.

    >>> masked, targets = mask_tokens(torch.tensor([[1, 9, 9, 2, 0]]), 12, share=1.0)
    >>> targets
    tensor([[-100,    9,    9, -100, -100]])
    """
    chosen = (torch.rand(tokens.shape, device=tokens.device) < share) & (tokens >= FIRST_WORD)
    fate = torch.rand(tokens.shape, device=tokens.device)
    masked = tokens.masked_fill(chosen & (fate < 0.8), MASK)
    if vocabulary > FIRST_WORD:
        another = torch.randint(FIRST_WORD, vocabulary, tokens.shape, device=tokens.device)
        masked = torch.where(chosen & (fate >= 0.9), another, masked)
    return masked, tokens.masked_fill(~chosen, -100)


def mask_regions(present, share=SHARE):
    """Choose `share` of the regions; (n, R) chosen, and the 90 % of these that are not shown."""
    chosen = (torch.rand(present.shape, device=present.device) < share) & present
    return chosen, chosen & (torch.rand(present.shape, device=present.device) < 0.9)


def masked_region_loss(logits, target, chosen):
    """KL(target || softmax(logits)), the mean over the chosen regions.

    Parameters
    ----------
    logits : (n, R, k)
    target : (n, R, k), each region's distribution over the classes
    chosen : (n, R) booleans

    >>> target = torch.tensor([[[0.5, 0.5]]])
    >>> masked_region_loss(torch.zeros(1, 1, 2), target, torch.ones(1, 1, dtype=torch.bool))
    tensor(0.)
    """
    log_p = logits.float().log_softmax(dim=-1)
    kl = F.kl_div(log_p, target, reduction="none").sum(dim=-1)
    return (kl * chosen).sum() / chosen.sum().clamp(min=1)


class PreTraining(nn.Module):
    """Two streams with the heads of the three objectives.

    The word head ends in the word vectors themselves, as BERT's does. The paper's regions have a
    detector's distribution over 1,601 classes as their target. Here the target is the region's
    known class, a distribution with all its weight on one class: KL is then the cross-entropy.
    """

    def __init__(self, streams, classes):
        super().__init__()
        c = streams.config
        self.streams = streams
        self.word = _transform(c.text_width)
        self.word_bias = nn.Parameter(torch.zeros(streams.words.num_embeddings))
        self.region = nn.Sequential(_transform(c.region_width), nn.Linear(c.region_width, classes))
        self.aligned = nn.Linear(c.width, 1)

    def forward(self, images, tokens, hidden=None):
        """Logits of words (n, T, vocabulary), of regions (n, R, classes), of alignment (n,)."""
        h, g, text, image = self.streams(images, tokens, hidden)
        words = self.word(h) @ self.streams.words.weight.T + self.word_bias
        return words, self.region(g[:, 1:]), self.aligned(text * image).squeeze(1)


class Referring(nn.Module):
    """Which region does an expression mean, and of what class is it?

    ::

        score of region j = w · g_j,   class = W (pooled text × pooled image)
    """

    def __init__(self, streams, classes=0):
        super().__init__()
        c = streams.config
        self.streams = streams
        self.point = nn.Linear(c.region_width, 1)
        self.name = nn.Linear(c.width, classes) if classes else None

    def forward(self, images, tokens):
        """Scores (n, R) of the regions, and of the classes (n, k), or None without classes."""
        _, g, text, image = self.streams(images, tokens)
        names = None if self.name is None else self.name(text * image)
        return point(self.point, g, images.present), names


def point(head, g, present):
    """Scores (n, R) of the regions of a stream g (n, 1 + R, d), whose first is the image."""
    scores = head(g[:, 1:]).squeeze(2)
    return scores.masked_fill(~present, torch.finfo(scores.dtype).min)


def referring_loss(module, images, tokens, regions):
    """Cross-entropy of the region that is meant, and of its class where it is known."""
    scores, names = module(images, tokens)
    pointing = F.cross_entropy(scores, regions)
    if names is None:
        return pointing
    naming = F.cross_entropy(names, images.classes.gather(1, regions[:, None]).squeeze(1))
    return {"loss": pointing + naming, "point": pointing.detach(), "name": naming.detach()}


def _transform(d):
    return nn.Sequential(nn.Linear(d, d), nn.GELU(), nn.LayerNorm(d, eps=1e-12))


def pretraining_loss(module, images, tokens):
    """The sum of the three losses of a batch of images with their captions, and each by name.

    Half of the images get the caption of the next one; whether they did is the alignment
    objective. Words and regions are masked everywhere, but learned from where the caption is the
    image's own only, as 12-in-1 does.
    """
    own = torch.rand(len(tokens), device=tokens.device) < 0.5
    tokens = torch.where(own[:, None], tokens, tokens.roll(1, dims=0))
    vocabulary = module.streams.words.num_embeddings
    masked, targets = mask_tokens(tokens, vocabulary)
    chosen, hidden = mask_regions(images.present)
    words, regions, aligned = module(images, masked, hidden)
    targets = targets.masked_fill(~own[:, None], -100)
    learned = (targets >= 0).sum().clamp(min=1)
    word = F.cross_entropy(words.flatten(0, 1), targets.flatten(), reduction="sum") / learned
    target = F.one_hot(images.classes.clamp(min=0), regions.shape[2]).float()
    region = masked_region_loss(regions, target, chosen & own[:, None])
    alignment = F.binary_cross_entropy_with_logits(aligned, own.to(aligned.dtype))
    return {
        "loss": word + region + alignment,
        "word": word.detach(),
        "region": region.detach(),
        "alignment": alignment.detach(),
    }
