"""Texts as word ids: [CLS] words [SEP], and where a text falls into parts."""

import torch

from mmlearn.kinds import as_tensor
from mmlearn.special_tokens import CLS, PAD, SEP  # noqa: F401 - CLS: for the example

__all__ = ["check_tokens", "segments", "split_response"]


def segments(tokens):
    """0 up to the first [SEP] of a text, 1 after it: (..., T), as BERT tells a pair apart.

    >>> segments(torch.tensor([[CLS, 9, SEP, 8, SEP, PAD]]))
    tensor([[0, 0, 0, 1, 1, 1]])
    """
    ends = tokens == SEP
    return (ends.cumsum(dim=-1) > ends.long()).long()


def check_tokens(tokens, name="texts", max_tokens=None, vocabulary=None):
    """Word ids as a tensor of whole numbers; tags, if they come along, are left out."""
    if isinstance(tokens, tuple):
        tokens = tokens[0]
    tokens = as_tensor(tokens, name)
    if tokens.is_floating_point() or tokens.ndim not in (2, 3) or tokens.numel() == 0:
        raise ValueError(
            f"{name} must be word ids, whole numbers of shape (n, tokens) or (n, choices, tokens); "
            f"got {str(tokens.dtype).removeprefix('torch.')} of shape {tuple(tokens.shape)}."
        )
    tokens = tokens.long()
    if max_tokens is not None and tokens.shape[-1] > max_tokens:
        longest = int((tokens != PAD).sum(dim=-1).max())
        if longest > max_tokens:
            raise ValueError(
                f"a text has {longest} tokens, but the config holds {max_tokens}; shorten the "
                "texts or raise max_tokens."
            )
        tokens = tokens[..., :max_tokens]
    low, high = int(tokens.min()), int(tokens.max())
    if low < 0 or (vocabulary is not None and high >= vocabulary):
        bound = "" if vocabulary is None else f" and {vocabulary - 1}, those it was fitted on"
        raise ValueError(
            f"{name} must hold word ids between 0{bound}; they run from {low} to {high}."
        )
    return tokens


def split_response(tokens, *more):
    """Queries (n, T_q) and responses (n, C, T_r) of texts (n, C, T).

    A text reads "[CLS] query [SEP] response [SEP]". The response is what stands after the last
    but one [SEP]; the C texts of an item must share their query, which so need be read only once.
    Further arrays (n, C, T), such as tags, are split alike, with -1 as their padding: the result
    is a list of two tensors for each array.

    Raises
    ------
    ValueError: a text without two [SEP], texts of an item with different queries

    >>> split_response(torch.tensor([[[1, 7, 2, 5, 2], [1, 7, 2, 6, 2]]]))
    [tensor([[1, 7, 2]]), tensor([[[5, 2],
             [6, 2]]])]
    """
    ends = tokens == SEP
    if not bool((ends.sum(dim=-1) >= 2).all()):
        raise ValueError(
            "texts with choices must read [CLS] query [SEP] response [SEP], with the [SEP] there."
        )
    following = ends.flip(-1).cumsum(dim=-1).flip(-1)  # how many [SEP] from here on
    in_query = following >= 2
    start = in_query.sum(dim=-1, keepdim=True)
    length = (tokens != PAD).sum(dim=-1, keepdim=True) - start
    t_q, t_r = int(start.max()), int(length.max())
    places = start + torch.arange(t_r)
    inside = torch.arange(t_r) < length
    parts = []
    for array in (tokens, *more):
        padding = PAD if array is tokens else -1
        query = array.where(in_query, torch.full_like(array, padding))[..., :t_q]
        response = array.gather(-1, places.clamp(max=array.shape[-1] - 1))
        if array is tokens and not bool((query == query[:, :1]).all()):
            raise ValueError("the texts of an item must share their query: all up to its [SEP].")
        parts += [query[:, 0], response.where(inside, torch.full_like(response, padding))]
    return parts
