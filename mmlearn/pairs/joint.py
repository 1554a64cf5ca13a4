"""Answers and rationales chosen together: how a joint score is composed."""

import numpy as np  # noqa: F401 - for the example
import torch

from mmlearn.arrays import to_numpy
from mmlearn.kinds import as_tensor
from mmlearn.pairs.tokens import split_response
from mmlearn.special_tokens import PAD

__all__ = ["answer_and_rationale", "joint_accuracy", "joint_scores"]


def answer_and_rationale(answers, answer_labels, rationales, rationale_labels):
    """Accuracy of answers (Q→A), of rationales (QA→R), and of both together (Q→AR).

    This is how visual commonsense reasoning is scored: each rationale is chosen given the right
    answer, and Q→AR counts the items where both choices are right. It is the product of the two
    accuracies only if they err independently. Who may not be told the right answer takes
    :func:`joint_scores`.

    Parameters
    ----------
    answers, rationales : (n,), what was chosen, the rationale given the right answer
    answer_labels, rationale_labels : (n,), what is right

    >>> answer_and_rationale([0, 1, 2, 3], [0, 1, 2, 0], [1, 1, 0, 0], [1, 0, 0, 0])
    {'Q→A': 0.75, 'QA→R': 0.75, 'Q→AR': 0.5}
    """
    a = to_numpy(answers) == to_numpy(answer_labels)
    r = to_numpy(rationales) == to_numpy(rationale_labels)
    return {"Q→A": float(a.mean()), "QA→R": float(r.mean()), "Q→AR": float((a & r).mean())}


def joint_scores(answerer, reasoner, images, answers, rationales):
    """log p(answer) + log p(rationale | answer) of every answer with every rationale: (n, A, R).

    No right answer is told: each rationale is scored under each answer, as submissions to visual
    commonsense reasoning have to.

    Parameters
    ----------
    answerer, reasoner : two fitted methods, of answers and of rationales
    images : Regions, n of them
    answers : (tokens, tags), both (n, A, T): "[CLS] question [SEP] answer [SEP]"
    rationales : (tokens, tags), both (n, R, T): "[CLS] question [SEP] any answer [SEP] rationale
        [SEP]", as :meth:`Items.rationale_choices` gives them; the answer in them is not read

    Returns
    -------
    numpy array; exp of an item's scores sums to 1
    """
    answers, rationales = ([as_tensor(part, "texts") for part in t] for t in (answers, rationales))
    n, a, _ = answers[0].shape
    response = split_response(*rationales)[1::2]
    tokens, tags = _every_pair(answers, response)
    log_a = as_tensor(answerer.score_pairs(images, tuple(answers)), "scores").log_softmax(dim=1)
    given = tokens.flatten(0, 1), tags.flatten(0, 1)
    log_r = as_tensor(reasoner.score_pairs(images.repeat(a), given), "scores").log_softmax(dim=1)
    return (log_a[..., None] + log_r.view(n, a, -1)).numpy()


def joint_accuracy(scores, answer_labels, rationale_labels):
    """Share of the items whose best (answer, rationale) is the right one; chance is 1 / (A R).

    >>> joint_accuracy(np.array([[[0, 1], [2, 3]], [[0, 9], [2, 3]]]), [1, 1], [1, 1])
    0.5
    """
    scores, a, r = to_numpy(scores), to_numpy(answer_labels), to_numpy(rationale_labels)
    best = scores.reshape(len(scores), -1).argmax(axis=1)
    return float((best == a * scores.shape[2] + r).mean())


def _every_pair(texts, responses):
    """(n, A, T) texts and (n, R, T_r) responses joined without gaps: (n, A, R, T + T_r)."""
    (tokens, tags), (response, response_tags) = texts, responses
    a, r = tokens.shape[1], response.shape[1]

    def beside(first, second):
        first = first[:, :, None].expand(-1, -1, r, -1)
        return torch.cat([first, second[:, None].expand(-1, a, -1, -1)], dim=-1)

    joined = beside(tokens, response)
    order = (joined == PAD).long().sort(dim=-1, stable=True).indices  # padding last
    return joined.gather(-1, order), beside(tags, response_tags).gather(-1, order)
