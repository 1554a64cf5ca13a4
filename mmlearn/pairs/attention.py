"""The layers of ViLBERT: attention within a stream, and co-attention between two.

Shapes: n items, L positions of a stream (words or regions), width d. Masks are booleans (n, L),
True where there is a word or a region and False at padding.
"""

import torch
from torch import nn
from torch.nn import functional as F

__all__ = [
    "DIRECTIONS",
    "CoAttentionLayer",
    "FeedForward",
    "SelfAttentionLayer",
    "attend",
    "attention_weights",
    "choose_weights",
]

DIRECTIONS = ("words_to_regions", "regions_to_words")  # whose queries, whose keys


def attend(q, k, v, present=None, dropout=0.0):
    """Scaled dot-product attention: softmax(q kᵀ / √d) v over the keys that are present.

    Parameters
    ----------
    q : (n, heads, L, d), k and v : (n, heads, S, d)
    present : (n, S) booleans, or None where all keys are; an item with no key at all gets zeros
    dropout : float, of the attention weights

    Returns
    -------
    (n, heads, L, d)

    >>> v = torch.tensor([[1.0], [5.0], [9.0]]).expand(1, 1, 3, 1)
    >>> attend(torch.ones(1, 1, 1, 1), torch.ones(1, 1, 3, 1), v).item()  # identical keys
    5.0
    """
    if dropout and q.device.type == "cpu":  # a CPU's fused kernel has no dropout
        return F.dropout(attention_weights(q, k, present), dropout) @ v
    mask = None if present is None else present[:, None, None, :]
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=dropout)


def attention_weights(q, k, present=None):
    """The weights of :func:`attend`, mostly never written down: (n, heads, L, S), rows sum to 1.

    An item with no key at all has zeros.
    """
    scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
    if present is None:
        return scores.softmax(dim=-1)
    absent = ~present[:, None, None, :]
    weights = scores.masked_fill(absent, torch.finfo(scores.dtype).min).softmax(dim=-1)
    return weights.masked_fill(absent, 0.0)


def choose_weights(weights, layer=None, head=None, direction=DIRECTIONS[0]):
    """Of the weights that co-attention layers gave, those of one direction, layer and head.

    Parameters
    ----------
    weights : list of pairs, one a layer, as :class:`CoAttentionLayer` adds them
    layer, head : int from 0, or None for the mean over all of them
    direction : whose queries ask whose keys
        "words_to_regions": each word's shares of the regions (n, T, R), rows sum to 1;
        "regions_to_words": each region's shares of the words (n, R, T), rows sum to 1

    Raises
    ------
    ValueError: an unknown direction, or a layer or a head that there is not

    >>> to_regions, to_words = torch.full((1, 2, 3, 4), 0.25), torch.full((1, 2, 4, 3), 1 / 3)
    >>> choose_weights([(to_regions, to_words)], layer=0, direction="regions_to_words").shape
    torch.Size([1, 4, 3])
    """
    if direction not in DIRECTIONS:
        raise ValueError(f"direction must be one of {', '.join(DIRECTIONS)}, got {direction!r}.")
    found = torch.stack([pair[DIRECTIONS.index(direction)] for pair in weights], dim=1)
    for name, index, count in (("layer", layer, found.shape[1]), ("head", head, found.shape[2])):
        if index is not None and (not isinstance(index, int) or not 0 <= index < count):
            raise ValueError(f"{name} must be None or from 0 to {count - 1}, got {index!r}.")
    found = found.mean(dim=1) if layer is None else found[:, layer]
    return found.mean(dim=1) if head is None else found[:, head]


def _split(qkv, heads):
    """(n, L, 3 d) as queries, keys and values, each (n, heads, L, d / heads)."""
    n, length, width = qkv.shape
    return qkv.view(n, length, 3, heads, width // (3 * heads)).permute(2, 0, 3, 1, 4)


def _join(context):
    """(n, heads, L, d) as (n, L, heads d)."""
    return context.transpose(1, 2).flatten(2)


class FeedForward(nn.Module):
    """h ↦ norm(h + W₂ gelu(W₁ h)): width d, inner width d_ff."""

    def __init__(self, d, d_ff, dropout=0.0):
        super().__init__()
        self.inner = nn.Linear(d, d_ff)
        self.outer = nn.Linear(d_ff, d)
        self.norm = nn.LayerNorm(d, eps=1e-12)
        self.dropout = nn.Dropout(dropout)

    def forward(self, h):
        return self.norm(h + self.dropout(self.outer(F.gelu(self.inner(h)))))


class SelfAttentionLayer(nn.Module):
    """A transformer layer within one stream, as BERT has it: norm(h + attention), feed-forward.

    Parameters
    ----------
    d : int, width;  heads : int, divides d;  d_ff : int, inner width of the feed-forward part
    dropout : float

    References
    ----------
    Devlin et al., BERT, NAACL 2019.

    >>> SelfAttentionLayer(8, 2, 16)(torch.zeros(3, 5, 8)).shape
    torch.Size([3, 5, 8])
    """

    def __init__(self, d, heads, d_ff, dropout=0.0):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(d, 3 * d)
        self.out = nn.Linear(d, d)
        self.norm = nn.LayerNorm(d, eps=1e-12)
        self.dropout = nn.Dropout(dropout)
        self.feed_forward = FeedForward(d, d_ff, dropout)

    def forward(self, h, present=None):
        q, k, v = _split(self.qkv(h), self.heads)
        context = attend(q, k, v, present, self.dropout.p if self.training else 0.0)
        h = self.norm(h + self.dropout(self.out(_join(context))))
        return self.feed_forward(h)


class CoAttentionLayer(nn.Module):
    """ViLBERT's connection layer: each stream asks with its own queries what the other holds.

    For the text stream h and the region stream g (and the same with the two exchanged)::

        h ← norm(h + W_o attention(Q = W_q h, K = W'_k g, V = W'_v g))
        h ← norm(h + W₂ gelu(W₁ h))

    Both directions are computed from the streams as they come in. The three projections of a
    stream are one matrix product, `text_qkv` or `region_qkv`: queries for its own use, keys and
    values for the other stream's.

    Parameters
    ----------
    d_text, d_region : int, widths of the streams
    d : int, width of the attention;  heads : int, divides d
    text_ff, region_ff : int, inner widths of the feed-forward parts
    dropout : float

    References
    ----------
    Lu, Batra, Parikh, Lee, ViLBERT: Pretraining Task-Agnostic Visiolinguistic Representations for
    Vision-and-Language Tasks, NeurIPS 2019.

    >>> layer = CoAttentionLayer(8, 12, 16, 2, 8, 12)
    >>> h, g = layer(torch.zeros(3, 5, 8), torch.zeros(3, 7, 12))
    >>> h.shape, g.shape
    (torch.Size([3, 5, 8]), torch.Size([3, 7, 12]))
    """

    def __init__(self, d_text, d_region, d, heads, text_ff, region_ff, dropout=0.0):
        super().__init__()
        self.heads = heads
        self.text_qkv = nn.Linear(d_text, 3 * d)
        self.region_qkv = nn.Linear(d_region, 3 * d)
        self.text_out = nn.Linear(d, d_text)
        self.region_out = nn.Linear(d, d_region)
        self.text_norm = nn.LayerNorm(d_text, eps=1e-12)
        self.region_norm = nn.LayerNorm(d_region, eps=1e-12)
        self.dropout = nn.Dropout(dropout)
        self.text_feed_forward = FeedForward(d_text, text_ff, dropout)
        self.region_feed_forward = FeedForward(d_region, region_ff, dropout)

    def forward(self, h, g, words=None, regions=None, weights=None):
        """Text (n, T, d_text) and regions (n, R, d_region), each having looked at the other.

        Parameters
        ----------
        h, g : the two streams
        words : (n, T), regions : (n, R) booleans, what is present; None for all
        weights : list, optional
            The attention weights are added to it: a pair, from words to regions
            (n, heads, T, R) and from regions to words (n, heads, R, T).
        """
        from_regions, from_words = self._exchange(h, g, words, regions, weights)
        h = self.text_norm(h + self.dropout(from_regions))
        g = self.region_norm(g + self.dropout(from_words))
        return self.text_feed_forward(h), self.region_feed_forward(g)

    def _exchange(self, h, g, words, regions, weights):
        """What each stream takes from the other; queries, keys and values live no longer."""
        q_h, k_h, v_h = _split(self.text_qkv(h), self.heads)
        q_g, k_g, v_g = _split(self.region_qkv(g), self.heads)
        if weights is not None:
            to_regions = attention_weights(q_h, k_g, regions)
            weights.append((to_regions, attention_weights(q_g, k_h, words)))
        p = self.dropout.p if self.training else 0.0
        from_regions = self.text_out(_join(attend(q_h, k_g, v_g, regions, p)))
        return from_regions, self.region_out(_join(attend(q_g, k_h, v_h, words, p)))
