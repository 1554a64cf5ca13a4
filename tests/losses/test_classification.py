"""Classification of classes and of sets of labels, against answers known in advance."""

import math

import pytest
import torch

from mmlearn.losses import (
    classification_loss,
)


def test_equal_logits_cost_the_logarithm_of_the_classes():
    assert classification_loss(torch.zeros(3, 4), [0, 3, 1]).item() == pytest.approx(math.log(4))
    indicators = torch.tensor([[0, 1, 1], [1, 0, 0]])
    assert classification_loss(torch.zeros(2, 3), indicators).item() == pytest.approx(math.log(2))


def test_confident_right_answers_cost_nothing_and_wrong_ones_their_logit():
    logits = torch.tensor([[20.0, 0.0]])
    assert classification_loss(logits, [0]).item() == pytest.approx(0, abs=1e-6)
    assert classification_loss(logits, [1]).item() == pytest.approx(20)
    assert classification_loss(logits, torch.tensor([[0.0, 0.0]])).item() == pytest.approx(
        (20 + math.log(2)) / 2
    )


@pytest.mark.parametrize("labels", [[0, 1], [[0, 1], [1, 0], [1, 1]], [0, 1, 4], [0, -1, 1]])
def test_labels_that_do_not_fit_the_logits_are_refused(labels):
    with pytest.raises(ValueError, match="labels must be"):
        classification_loss(torch.zeros(3, 4), labels)
