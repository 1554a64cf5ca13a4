"""Answers and rationales together: what both right means, and the score of all pairs."""

import numpy as np
import torch
from pairs_world import world

from mmlearn.pairs import answer_and_rationale, joint_accuracy, joint_scores
from mmlearn.pairs.joint import _every_pair


def test_both_have_to_be_right_for_answer_and_rationale():
    found = answer_and_rationale([0, 1, 2, 3], [0, 1, 2, 0], [1, 1, 0, 0], [1, 0, 0, 0])
    assert found == {"Q→A": 0.75, "QA→R": 0.75, "Q→AR": 0.5}


class ByLastWord:
    """Scores a text by its last word, and remembers what it was asked."""

    def score_pairs(self, images, texts):
        self.images, self.tokens, self.tags = images, *texts
        last = (self.tokens != 0).sum(-1) - 2
        return torch.as_tensor(self.tokens).gather(-1, last[..., None])[..., 0].float()


def rationales():
    """For the two items of `answers` (the second shorter): three rationales after answer 1."""
    tokens = np.array(
        [
            [[1, 9, 2, 6, 2, 8, 2], [1, 9, 2, 6, 2, 5, 2], [1, 9, 2, 6, 2, 7, 2]],
            [[1, 9, 2, 8, 2, 5, 2], [1, 9, 2, 8, 2, 9, 2], [1, 9, 2, 8, 2, 9, 2]],
        ]
    )
    return tokens, np.where(tokens == 5, 3, -1)


def answers():
    tokens = np.array([[[1, 9, 2, 5, 2], [1, 9, 2, 6, 2]], [[1, 9, 2, 7, 2], [1, 9, 2, 8, 2]]])
    return tokens, np.where(tokens == 9, 0, -1)


def test_every_rationale_is_scored_under_every_answer():
    images, reasoner = world(2).images, ByLastWord()
    scores = joint_scores(ByLastWord(), reasoner, images, answers(), rationales())
    assert scores.shape == (2, 2, 3)
    assert reasoner.tokens.tolist()[0] == [  # item 0, its answer 0 with each rationale
        [1, 9, 2, 5, 2, 8, 2], [1, 9, 2, 5, 2, 5, 2], [1, 9, 2, 5, 2, 7, 2]
    ]  # fmt: skip
    assert reasoner.tokens.tolist()[3][0] == [1, 9, 2, 8, 2, 5, 2]  # item 1, answer 1
    assert reasoner.tags.tolist()[0][1] == [-1, 0, -1, -1, -1, 3, -1]
    torch.testing.assert_close(reasoner.images.rows[1], images.rows[0])  # each image twice
    np.testing.assert_allclose(np.exp(scores).sum(axis=(1, 2)), 1, rtol=1e-5)
    p_a = np.exp([5, 6]) / np.exp([5, 6]).sum()
    p_r = np.exp([8, 5, 7]) / np.exp([8, 5, 7]).sum()
    np.testing.assert_allclose(np.exp(scores[0]), np.outer(p_a, p_r), rtol=1e-5)


def test_joined_texts_have_their_padding_last():
    tokens = torch.tensor([[[1, 9, 2, 5, 2], [1, 9, 2, 2, 0]]])
    (joined, tags) = _every_pair((tokens, tokens * 0 - 1), (torch.tensor([[[7, 2]]]),) * 2)
    assert joined[0, :, 0].tolist() == [[1, 9, 2, 5, 2, 7, 2], [1, 9, 2, 2, 7, 2, 0]]
    assert tags[0, 1, 0].tolist() == [-1, -1, -1, -1, 7, 2, -1]


def test_the_order_of_answer_and_rationale_matters_to_the_joint_choice():
    scores = np.zeros((1, 4, 4))
    scores[0, 1, 2] = 1.0
    assert joint_accuracy(scores, [1], [2]) == 1.0
    assert joint_accuracy(scores, [2], [1]) == 0.0


def test_scores_that_say_nothing_are_right_once_in_sixteen():
    rng = np.random.default_rng(0)
    scores, labels = rng.random((8000, 4, 4)), rng.integers(4, size=(2, 8000))
    assert abs(joint_accuracy(scores, *labels) - 1 / 16) < 0.008
