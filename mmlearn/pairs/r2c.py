"""R2C: choose the answer to a question about an image, and then the rationale."""

from dataclasses import dataclass

import torch
from sklearn.utils.validation import check_is_fitted
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from mmlearn.pairs.base import (
    PairMethod,
    check_choices,
    check_images,
    choice_accuracy,
    take_weights,
)
from mmlearn.pairs.tokens import check_tokens, split_response
from mmlearn.special_tokens import PAD

__all__ = ["R2C", "R2CConfig"]

DIRECTIONS = ("response_to_regions", "response_to_query")  # whose queries, whose keys


@dataclass(frozen=True)
class R2CConfig:
    """The size of R2C; the defaults train in minutes on two cores.

    Parameters
    ----------
    hidden : int, units of a direction of each LSTM;  width : int, of word and object vectors
    mlp : int, hidden units of the last network
    max_tokens, max_regions : int, the most words and regions an item may have
    dropout : float in [0, 1)
    class_weight : float, of the loss that has objects name their class

    >>> R2CConfig().hidden, R2CConfig.base().hidden
    (64, 256)
    """

    hidden: int = 64
    width: int = 64
    mlp: int = 128
    max_tokens: int = 96
    max_regions: int = 36
    dropout: float = 0.1
    class_weight: float = 0.1

    @classmethod
    def base(cls):
        """The paper's size, but for its 768-d words of BERT: they are learned here."""
        return cls(hidden=256, width=512, mlp=1024, dropout=0.3)


class R2CNetwork(nn.Module):
    """Ground, contextualise, reason.

    ::

        o_j = relu(W f_j + W' box_j)                            an object; o_0, the whole image
        ground:         q_i = biLSTM([word_i; o_tag(i)]),  r_i likewise
        contextualise:  q̂_i = Σ_k softmax_k(r_i A q_k) q_k,  ô_i = Σ_j softmax_j(r_i B o_j) o_j
        reason:         h = biLSTM²([r; ô; q̂])
        score = MLP(max_i [h_i; r_i; q̂_i])

    Parameters
    ----------
    config : R2CConfig
    vocabulary : int, words;  features : int, features a region;  classes : int, of objects, or 0
    """

    def __init__(self, config, vocabulary, features, classes=0):
        super().__init__()
        c = self.config = config
        d = 2 * c.hidden
        self.words = nn.Embedding(vocabulary, c.width, padding_idx=PAD)
        self.features = nn.Linear(features, c.width)
        self.boxes = nn.Linear(5, c.width, bias=False)
        self.classes = nn.Linear(c.width, classes) if classes else None
        self.ground = nn.LSTM(2 * c.width, c.hidden, batch_first=True, bidirectional=True)
        self.to_query = nn.Linear(d, d)  # A
        self.to_objects = nn.Linear(d, c.width)  # B
        self.reason = nn.LSTM(
            2 * d + c.width, c.hidden, num_layers=2, batch_first=True, bidirectional=True
        )
        self.dropout = VariationalDropout(c.dropout)
        drop = nn.Dropout(c.dropout)
        self.mlp = nn.Sequential(
            drop, nn.Linear(3 * d, c.mlp), nn.ReLU(), drop, nn.Linear(c.mlp, 1)
        )
        for lstm in (self.ground, self.reason):
            initialise_lstm(lstm)
        for layer in self.mlp[1::3]:
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def objects(self, images):
        """o (n, 1 + R, width), the whole image first, and which are there (n, 1 + R)."""
        if images.t < images.rows.numel():
            f = F.linear(images.features, self.features.weight)[images.rows]
        else:
            f = F.linear(images.features[images.rows], self.features.weight)
        present = images.present
        o = F.relu(f + self.features.bias + self.boxes(images.boxes)) * present[..., None]
        whole = o.sum(dim=1, keepdim=True) / present.sum(dim=1).clamp(min=1)[:, None, None]
        return torch.cat([whole, o], dim=1), F.pad(present, (1, 0), value=True)

    def read(self, tokens, tags, o):
        """biLSTM over [word; object that it names, or the whole image]: (n, T, 2 hidden)."""
        named = o.gather(1, (tags.clamp(min=-1) + 1)[..., None].expand(-1, -1, o.shape[2]))
        return run_lstm(
            self.ground,
            self.dropout(torch.cat([self.words(tokens), named], -1)),
            (tokens != PAD).sum(dim=1),
        )

    def forward(self, images, query, query_tags, response, response_tags, weights=None):
        """Scores (n, C) of the responses (n, C, T_r) to the queries (n, T_q).

        `weights`, a list, gets the attention of the responses' words to the objects
        (n, C, T_r, 1 + R) and to the query's words (n, C, T_r, T_q).
        """
        n, choices, _ = response.shape
        o, there = self.objects(images)
        q = self.read(query, query_tags, o)
        o, there, q, asked = (t.repeat_interleave(choices, 0) for t in (o, there, q, query != PAD))
        response, response_tags = response.flatten(0, 1), response_tags.flatten(0, 1)
        r, said = self.read(response, response_tags, o), response != PAD
        to_objects = bilinear_weights(self.to_objects(r), o, there)
        to_query = bilinear_weights(self.to_query(r), q, asked)
        o_hat, q_hat = to_objects @ o, to_query @ q
        if weights is not None:
            weights += [w.view(n, choices, *w.shape[1:]) for w in (to_objects, to_query)]
        given = self.dropout(torch.cat([r, o_hat, q_hat], dim=-1))
        h = run_lstm(self.reason, given, said.sum(dim=1))
        seen = torch.cat([h, r, q_hat], dim=-1).masked_fill(~said[..., None], -torch.inf)
        return self.mlp(seen.amax(dim=1)).view(n, choices)

    def class_loss(self, images):
        """Cross-entropy of the objects' classes, from their features: the paper's regulariser."""
        known = images.classes[images.classes >= 0]
        if self.classes is None or known.numel() == 0:
            return self.words.weight.new_zeros(())
        o = self.objects(images)[0][:, 1:]
        return F.cross_entropy(self.classes(o[images.classes >= 0]), known)


class VariationalDropout(nn.Module):
    """Dropout that leaves out the same components at every position of an item: x (n, T, d)."""

    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, x):
        return x * F.dropout(torch.ones_like(x[:, :1]), self.p, self.training)


def initialise_lstm(lstm):
    """The paper's first weights: Xavier for inputs, orthogonal for states, open forget gates."""
    for name, parameter in lstm.named_parameters():
        if name.startswith("weight_ih"):
            nn.init.xavier_uniform_(parameter)
        elif name.startswith("weight_hh"):
            nn.init.orthogonal_(parameter)
        else:
            nn.init.zeros_(parameter)
            if name.startswith("bias_hh"):
                parameter.data[lstm.hidden_size : 2 * lstm.hidden_size] = 1.0


def run_lstm(lstm, x, lengths):
    """An LSTM over x (n, T, d), each item to its own length; zeros after it."""
    packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
    return pad_packed_sequence(lstm(packed)[0], batch_first=True, total_length=x.shape[1])[0]


def bilinear_weights(projected, keys, present):
    """softmax_k(r A k), with r A given as `projected` (n, T, d), over keys (n, S, d): (n, T, S)."""
    scores = projected @ keys.transpose(1, 2)
    return scores.masked_fill(~present[:, None], -torch.inf).softmax(dim=-1)


class R2C(PairMethod):
    """Recognition to cognition: which response to a query about an image is right?

    :class:`R2CNetwork` gives the formula. The query is a question and the responses are answers
    (Q→A), or the query is a question with its right answer and the responses are rationales
    (QA→R): two separate models, as in the paper. :func:`answer_and_rationale` counts where both
    are right, and :func:`joint_scores` scores every answer with every rationale.

    First weights and dropout are the paper's: LSTMs begin orthogonal, with open forget gates, and
    dropout leaves out the same components at every position of a text.

    What differs from the paper: words are learned here and not taken from BERT; an object is the
    CNN's feature of its region with its box, for the feature alone would not say where it is; the
    whole image is the mean of its objects and no region of its own; an object's class is not given
    but has to be named (`config.class_weight`); AdamW at a constant 1e-3 for a few epochs and not
    Adam at 2e-4, halved when validation stops to gain. The gradient's norm is clipped at 1, as
    there.

    Parameters
    ----------
    config : R2CConfig, optional: the network's size
    whiten, epochs, batch_size, learning_rate, weight_decay, clip, warm_up, validation_fraction,
    patience, on_epoch, checkpoint, device, random_state, progress : see
        :class:`mmlearn.pairs.base.PairMethod`

    Raises
    ------
    ValueError
        More tokens or regions than the config holds, unknown words, texts without two [SEP], tags
        that point at no region, lengths that differ, missing labels
    TypeError: images that are no :class:`Regions`

    References
    ----------
    Zellers, Bisk, Farhadi, Choi, From Recognition to Cognition: Visual Commonsense Reasoning,
    CVPR 2019.

    Examples
    --------
    Is the object that is asked about (tag 0) of class 0 (word 5) or of class 1 (word 6)?

    >>> import numpy as np
    >>> from mmlearn.pairs import R2C, Regions
    >>> classes = np.arange(64)[:, None] % 2
    >>> images = Regions(np.eye(2)[classes], boxes=np.zeros((64, 1, 5)))
    >>> tokens = np.tile([[1, 7, 2, 5, 2], [1, 7, 2, 6, 2]], (64, 1, 1))
    >>> tags = np.where(tokens == 7, 0, -1)
    >>> model = R2C(epochs=10, device="cpu").fit(images, (tokens, tags), classes[:, 0])
    >>> model.score(images, (tokens, tags), classes[:, 0])
    1.0
    """

    supervised = True

    def __init__(self, config=None, **settings):
        super().__init__(**settings)
        self.config = config

    def _config(self):
        return self.config or R2CConfig()

    def _network(self):
        return R2CNetwork(self._config(), self.n_words_, self.scaler_.d, self.n_classes_)

    def _check(self, images, texts, labels=None, fitted=True):
        c = self._config()
        check_images(images, c.max_regions, self.n_features_ if fitted else None)
        tokens, labels = check_choices(images, texts, labels)
        if tokens.ndim == 2:
            tokens = tokens[:, None]
        vocabulary = self.n_words_ if fitted else None
        length = check_tokens(tokens, "texts", c.max_tokens, vocabulary).shape[-1]
        tags = _check_tags(texts, tokens, images)
        return split_response(tokens[..., :length], tags[..., :length]), labels

    def fit(self, images, texts, labels=None, start=None):
        """Learn which responses are right.

        Parameters
        ----------
        images : Regions, n of them
        texts : (tokens, tags), both (n, C, T): "[CLS] query [SEP] response [SEP]", and the region
            that a token names, -1 for none; or tokens alone, where none is named
        labels : (n,), which of an item's C responses is right
        start : a fitted R2C of the same size whose weights to begin with, optional
            A model of rationales learns sooner if it begins as a model of answers; the paper's two
            models are separate.
        """
        if labels is None:
            raise ValueError("pass labels, which of an item's responses is the right one.")
        (query, response, query_tags, response_tags), labels = self._check(
            images, texts, labels, fitted=False
        )
        self._check_settings(len(images))
        words = int(max(query.max(), response.max())) + 1
        classes = 0 if images.classes is None else int(images.classes.max()) + 1
        if start is None:
            self._learn_scale(images)
        else:
            check_is_fitted(start)
            self._scale_as(start, [images], known=classes <= start.n_classes_)
            words, classes = max(words, start.n_words_), start.n_classes_
        self.n_words_, self.n_classes_ = words, classes
        items = self.scaler_(images), query, query_tags, response, response_tags, labels
        begin = None if start is None else lambda net: take_weights(net, start.module_.state_dict())
        return self._fit_network(items, begin, metric=choice_accuracy)

    def _loss(self, training, module, images, *texts_and_labels):
        *texts, labels = texts_and_labels
        answer = F.cross_entropy(module(images, *texts), labels)
        if self.n_classes_ == 0 or self._config().class_weight == 0:
            return answer
        return answer + self._config().class_weight * module.class_loss(images)

    def score_pairs(self, images, texts):
        """How well each response goes with its query and image: (n, C), or (n,) for (n, T)."""
        check_is_fitted(self)
        (query, response, query_tags, response_tags), _ = self._check(images, texts)
        items = self.scaler_(images), query, query_tags, response, response_tags
        scores = self._in_chunks(self.module_, *items)
        given = texts[0] if isinstance(texts, tuple) else texts
        scores = scores.squeeze(1) if given.ndim == 2 else scores
        return scores if torch.is_tensor(given) else scores.numpy()

    def attention(self, images, texts, *, direction="response_to_regions"):
        """Which share of its attention each word of a response gives to each object or query word.

        Parameters
        ----------
        images, texts : as for `score_pairs`, with C responses an item
        direction : "response_to_regions", (n, C, T_r, 1 + R), region 0 being the whole image; or
            "response_to_query", (n, C, T_r, T_q). Queries are always the response's words; rows
            sum to 1.
        """
        check_is_fitted(self)
        if direction not in DIRECTIONS:
            known = ", ".join(DIRECTIONS)
            raise ValueError(f"direction must be one of {known}, got {direction!r}.")
        (query, response, query_tags, response_tags), _ = self._check(images, texts)

        def run(*items):
            weights = []
            self.module_(*items, weights)
            return weights[DIRECTIONS.index(direction)]

        items = self.scaler_(images), query, query_tags, response, response_tags
        return self._in_chunks(run, *items).numpy()


def _check_tags(texts, tokens, images):
    if not isinstance(texts, tuple):
        return torch.full_like(tokens, -1)
    tags = torch.as_tensor(texts[1]).long().view(tokens.shape) if len(texts) == 2 else None
    if tags is None or int(tags.min()) < -1 or int(tags.max()) >= images.max_regions:
        raise ValueError(
            "texts must be (tokens, tags) of one shape, with tags from -1 (names no region) to "
            f"{images.max_regions - 1}."
        )
    return tags
