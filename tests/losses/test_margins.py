"""SAM's margins, and their schedule."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from loss_batches import INDICATORS, LABELS, embeddings

from mmlearn.losses import (
    adaptive_margin,
    class_centroids,
    extended_labels,
    label_conditionals,
    sam_schedule,
    triplet_loss,
)


def test_sam_before_it_starts_is_the_static_triplet():
    zx, zy = embeddings()
    centroids = class_centroids(zx, LABELS, 5)
    for labels, known in ((LABELS, centroids), (INDICATORS, None)):
        margins = adaptive_margin(labels, known, base=0.2, g=0)
        sam = triplet_loss(zx, zy, LABELS, margins=margins)
        assert sam.item() == pytest.approx(triplet_loss(zx, zy, LABELS, 0.2).item(), rel=1e-6)


def test_identical_categories_have_no_margin_once_it_is_adaptive():
    same = torch.tensor([[1.0, 2.0], [2.0, 4.0]])  # two classes in one direction
    assert adaptive_margin([0, 1, 1], same, base=0.3).abs().max() < 1e-6
    assert not adaptive_margin(torch.tensor([[1, 0, 1], [1, 0, 1]])).any()


def test_margin_between_classes_falls_with_the_cosine_of_their_centroids():
    centroids = torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [-1.0, 0.0], [0.0, 0.0]])
    margins = adaptive_margin([0, 1, 2, 3, 4], centroids, base=2.0)
    related = 2 * (1 - 0.5**0.5)
    assert margins[0].tolist() == pytest.approx([0, related, 2, 2, 2], abs=1e-6)
    assert torch.equal(margins, margins.T)
    assert not margins.diagonal().any()
    halfway = adaptive_margin([0, 1, 2, 3, 4], centroids, base=2.0, g=0.5)
    torch.testing.assert_close(halfway, (2 + margins) / 2)


def test_margin_between_label_sets_is_one_minus_jaccard():
    labels = torch.tensor([[1, 1, 0, 0], [0, 1, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0]])
    expected = torch.tensor([[0, 0.75, 1, 1], [0.75, 0, 1, 1], [1, 1, 0, 0], [1, 1, 0, 0]])
    torch.testing.assert_close(adaptive_margin(labels, base=1.0), expected)


def test_no_gradient_passes_through_the_margin():
    zx, _ = embeddings()
    centroids = class_centroids(zx, LABELS, 5)
    assert not centroids.requires_grad
    assert not adaptive_margin(LABELS, zx[:5]).requires_grad


def test_centroids_are_the_class_means():
    zx, _ = embeddings()
    centroids = class_centroids(zx, LABELS, 7)
    expected = torch.stack([zx[c == LABELS].mean(dim=0) for c in range(5)])
    torch.testing.assert_close(centroids[:5], expected.detach())
    assert not centroids[5:].any()


def test_sam_refuses_what_does_not_fit_together():
    z = torch.ones(3, 2)
    for call, message in (
        (lambda: adaptive_margin([0, 1, 2]), "together with centroids"),
        (lambda: adaptive_margin(torch.eye(3), z), "together with centroids"),
        (lambda: adaptive_margin([0, 1, 3], z), "from 0 to 2"),
        (lambda: adaptive_margin(torch.eye(3), g=1.5), "g must lie between 0 and 1"),
        (lambda: class_centroids(z, [0, 1], 2), "one class a row"),
        (lambda: class_centroids(z, [0, 1, 2], 2), "from 0 to 1"),
        (lambda: sam_schedule(1.1), "progress must lie between 0 and 1"),
        (lambda: sam_schedule(0.5, midpoint=2), "midpoint must lie between 0 and 1"),
        (lambda: sam_schedule(0.5, steepness=0), "steepness must be above 0"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


@pytest.mark.parametrize("shape", [{}, {"midpoint": 0.2}, {"steepness": 1e5}, {"midpoint": 0}])
def test_schedule_rises_from_exactly_zero_to_exactly_one(shape):
    g = [sam_schedule(p, **shape) for p in np.linspace(0, 1, 21)]
    assert g[0] == 0
    assert g[-1] == 1
    assert all(a <= b for a, b in pairwise(g))


def test_schedule_is_a_sigmoid_about_its_midpoint():
    assert sam_schedule(0.5) == 0.5
    assert sam_schedule(0.3) == pytest.approx(1 - sam_schedule(0.7))
    sigma = [1 / (1 + math.exp(-10 * (p - 0.5))) for p in (0, 0.3, 1)]
    assert sam_schedule(0.3) == pytest.approx((sigma[1] - sigma[0]) / (sigma[2] - sigma[0]))


def test_labels_are_extended_by_those_that_go_with_them_and_own_ones_stay_whole():
    given = torch.tensor([[1, 0, 1], [0, 1, 1], [1, 0, 0], [0, 1, 0]])
    conditionals = label_conditionals(given)
    extended = extended_labels(torch.tensor([[1, 0, 0], [0, 1, 0], [0, 0, 0]]), conditionals)
    expected = torch.tensor([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 0.0]])
    torch.testing.assert_close(extended, expected)
    margins = adaptive_margin(extended[:2], base=0.3)
    torch.testing.assert_close(margins[0, 1].item(), 0.3 * (1 - 0.5 / 2.5))  # Jaccard of degrees
    with pytest.raises(ValueError, match="over the same labels"):
        extended_labels(torch.ones(2, 4), conditionals)
