"""Texts from which something is left out: what can be answered without it?"""

import numpy as np  # noqa: F401 - for the examples
import torch

from mmlearn.pairs.tokens import segments, split_response
from mmlearn.special_tokens import CLS, SEP, UNK

__all__ = ["without_query", "without_subject"]


def without_query(texts):
    """The response-only control: texts whose query is left out, but for its [CLS] and [SEP].

    Parameters
    ----------
    texts : (tokens, tags), both (n, C, T): "[CLS] query [SEP] response [SEP]"

    >>> tokens, tags = without_query((np.array([[[1, 7, 8, 2, 9, 2]]]), np.full((1, 1, 6), -1)))
    >>> tokens
    array([[[1, 2, 9, 2]]])
    """
    tokens, tags = (torch.as_tensor(part) for part in texts)
    _, response, _, response_tags = split_response(tokens, tags)
    start = response.new_tensor([CLS, SEP]).expand(*response.shape[:-1], 2)
    tokens = torch.cat([start, response], dim=-1)
    tags = torch.cat([torch.full_like(start, -1), response_tags], dim=-1)
    return tokens.numpy(), tags.numpy()


def without_subject(texts):
    """The subject-blind control: what a question names becomes [UNK], and its tag -1.

    "what is left of the dog ?" is then "what is left of the [UNK] ?". What stands after the
    question's [SEP], answers and rationales, stays. Who is still right did not need the subject.

    Parameters
    ----------
    texts : (tokens, tags), both (..., T), as :meth:`Items.answer_choices` gives them

    >>> tokens, tags = without_subject((np.array([[1, 7, 8, 2, 9, 2]]), [[-1, -1, 0, -1, 3, -1]]))
    >>> tokens, tags
    (array([[1, 7, 4, 2, 9, 2]]), array([[-1, -1, -1, -1,  3, -1]]))
    """
    tokens, tags = (torch.as_tensor(part) for part in texts)
    named = (tags >= 0) & (segments(tokens) == 0)
    return tokens.masked_fill(named, UNK).numpy(), tags.masked_fill(named, -1).numpy()
