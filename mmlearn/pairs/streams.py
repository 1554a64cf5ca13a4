"""The two streams of ViLBERT: their size, and how words and regions come in and out."""

from dataclasses import dataclass, fields

import torch
from torch import nn
from torch.nn import functional as F

from mmlearn.contract import check_number
from mmlearn.deep.base import mlp
from mmlearn.pairs.attention import CoAttentionLayer, SelfAttentionLayer
from mmlearn.pairs.tokens import segments
from mmlearn.special_tokens import PAD

__all__ = ["CoAttentionConfig", "TwoStreams"]


@dataclass(frozen=True)
class CoAttentionConfig:
    """The size of the two streams; the defaults train in minutes on two cores.

    Parameters
    ----------
    layers : int, how often the streams exchange; a layer within each stream follows each time
    text_first : int, layers of the text stream before the first exchange
    text_width, region_width, width : int, of the streams and of the co-attention
    text_heads, region_heads, heads : int, attention heads, each a divisor of its width
    text_ff, region_ff : int, inner widths of the feed-forward parts
    box_width : int, inner width of the network that embeds a box; 0 for a linear map, as in the
        paper, from which places near to each other are harder to tell apart
    max_tokens, max_regions : int, the most words and regions an item may have
    dropout : float in [0, 1)
    initial_std : float, optional: first weights of the streams' linear layers are drawn from
        N(0, initial_std²), their biases 0, as BERT's with .02. None leaves them as torch draws
        them, uniform with a deviation of 1 / √(3 d): .07 for the 64 inputs here, .02 for BERT's 768

    Raises
    ------
    ValueError: a size below 1, heads that do not divide their width

    >>> CoAttentionConfig().layers, CoAttentionConfig.base().layers
    (2, 6)
    """

    layers: int = 2
    text_first: int = 1
    text_width: int = 64
    region_width: int = 64
    width: int = 64
    text_heads: int = 4
    region_heads: int = 4
    heads: int = 4
    text_ff: int = 128
    region_ff: int = 128
    box_width: int = 64
    max_tokens: int = 96
    max_regions: int = 36
    dropout: float = 0.0
    initial_std: float | None = None

    def __post_init__(self):
        for field in fields(self):
            if field.type is not int:
                continue
            value = getattr(self, field.name)
            least = int(field.name not in ("text_first", "box_width"))
            if not isinstance(value, int) or value < least:
                raise ValueError(
                    f"{field.name} must be a whole number of at least {least}, got {value!r}."
                )
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), got {self.dropout}.")
        if self.initial_std is not None:
            check_number(self.initial_std, "initial_std", above=0, below=float("inf"))
        for prefix in ("", "text_", "region_"):
            width, heads = getattr(self, f"{prefix}width"), getattr(self, f"{prefix}heads")
            if width % heads:
                raise ValueError(f"{prefix}heads must divide {prefix}width: {heads} and {width}.")

    @classmethod
    def base(cls):
        """The paper's size: BERT-base beside six region layers of 1,024, six exchanges."""
        return cls(
            layers=6,
            text_first=6,
            text_width=768,
            region_width=1024,
            width=1024,
            text_heads=12,
            region_heads=8,
            heads=8,
            text_ff=3072,
            region_ff=1024,
            box_width=0,
            max_tokens=512,
            max_regions=36,
            dropout=0.1,
            initial_std=0.02,
        )


class TwoStreams(nn.Module):
    """ViLBERT's network: words and regions in, both contextualised, and a pooled vector of each.

    ::

        h = norm(word + position + segment),  g = norm(W_f feature + MLP(box))
        text_first times:  h = layer(h)
        layers times:      h, g = co-attention(h, g);  h = layer(h);  g = layer(g)
        pooled:            relu(W h_CLS),  relu(W g_IMG)

    As in the paper a region for the whole image, IMG, stands before the others: the mean of their
    features, and a vector in place of a box. Positions of padding come out as zeros.

    Parameters
    ----------
    config : CoAttentionConfig
    vocabulary : int, words;  features : int, features a region

    References
    ----------
    Lu, Batra, Parikh, Lee, ViLBERT: Pretraining Task-Agnostic Visiolinguistic Representations for
    Vision-and-Language Tasks, NeurIPS 2019.
    """

    def __init__(self, config, vocabulary, features):
        super().__init__()
        c = self.config = config
        self.words = nn.Embedding(vocabulary, c.text_width, padding_idx=PAD)
        self.positions = nn.Embedding(c.max_tokens, c.text_width)
        self.segments = nn.Embedding(2, c.text_width)
        self.text_norm = nn.LayerNorm(c.text_width, eps=1e-12)
        self.features = nn.Linear(features, c.region_width)
        self.boxes = mlp(5, c.box_width, c.region_width)
        self.image_box = nn.Parameter(torch.zeros(c.region_width))
        self.region_norm = nn.LayerNorm(c.region_width, eps=1e-12)
        self.dropout = nn.Dropout(c.dropout)
        self.text_first = nn.ModuleList(self._text_layer() for _ in range(c.text_first))
        self.co_layers = nn.ModuleList(self._co_layer() for _ in range(c.layers))
        self.text_layers = nn.ModuleList(self._text_layer() for _ in range(c.layers))
        self.region_layers = nn.ModuleList(self._region_layer() for _ in range(c.layers))
        self.text_pool = nn.Linear(c.text_width, c.width)
        self.region_pool = nn.Linear(c.region_width, c.width)
        for embedding in (self.words, self.positions, self.segments):
            nn.init.normal_(embedding.weight, std=0.02)
        if c.initial_std is not None:
            for module in self.modules():
                if isinstance(module, nn.Linear):
                    nn.init.normal_(module.weight, std=c.initial_std)
                    nn.init.zeros_(module.bias)

    def _text_layer(self):
        c = self.config
        return SelfAttentionLayer(c.text_width, c.text_heads, c.text_ff, c.dropout)

    def _region_layer(self):
        c = self.config
        return SelfAttentionLayer(c.region_width, c.region_heads, c.region_ff, c.dropout)

    def _co_layer(self):
        c = self.config
        return CoAttentionLayer(
            c.text_width, c.region_width, c.width, c.heads, c.text_ff, c.region_ff, c.dropout
        )

    def embed_text(self, tokens):
        """(n, T) word ids as (n, T, text_width)."""
        positions = self.positions.weight[: tokens.shape[1]]
        h = self.words(tokens) + positions + self.segments(segments(tokens))
        return self.dropout(self.text_norm(h))

    def embed_regions(self, images, hidden=None):
        """n images as (n, 1 + R, region_width), IMG first, and which are present (n, 1 + R).

        `hidden` (n, R) booleans: regions whose features are not shown, for masked modelling.
        """
        if images.t < images.rows.numel():  # project each region that there is once, then look up
            features = F.linear(images.features, self.features.weight)[images.rows]
        else:
            features = F.linear(images.features[images.rows], self.features.weight)
        present = images.present
        if hidden is not None:
            features = features.masked_fill(hidden[..., None], 0.0)
        mean = features.sum(dim=1) / present.sum(dim=1, keepdim=True).clamp(min=1)
        whole = (mean + self.image_box)[:, None]
        features = features + self.boxes(images.boxes) + self.features.bias
        g = torch.cat([whole, features], dim=1)
        return self.dropout(self.region_norm(g)), F.pad(present, (1, 0), value=True)

    def forward(self, images, tokens, hidden=None, weights=None):
        """The streams (n, T, text_width) and (n, 1 + R, region_width), and the two pooled vectors.

        Parameters
        ----------
        images : Regions, n of them;  tokens : (n, T) word ids, 0 for padding
        hidden : (n, R) booleans, regions whose features are not shown
        weights : list, optional: gets each co-attention layer's weights, see CoAttentionLayer
        """
        words = tokens != PAD
        h, (g, regions) = self.embed_text(tokens), self.embed_regions(images, hidden)
        for layer in self.text_first:
            h = layer(h, words)
        for exchange, text, region in zip(
            self.co_layers, self.text_layers, self.region_layers, strict=True
        ):
            h, g = exchange(h, g, words, regions, weights)
            h, g = text(h, words), region(g, regions)
        h, g = h * words[..., None], g * regions[..., None]
        return h, g, F.relu(self.text_pool(h[:, 0])), F.relu(self.region_pool(g[:, 0]))
