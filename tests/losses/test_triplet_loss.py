"""The triplet loss against its definition, by hand and by brute force."""

import pytest
import torch
from loss_batches import INDICATORS, LABELS, MARGINS, N, embeddings

from mmlearn.losses import (
    triplet_loss,
    triplet_loss_one_way,
)
from mmlearn.mining import relevant_pairs

MININGS = pytest.mark.parametrize("mining", ["all", "semi-hard", "hard"])
ONE_POSITIVE = torch.tensor([[True, False]])


@MININGS
def test_hand_triplet_costs_a_tenth_and_pulls_with_unit_gradients(mining):
    s = torch.tensor([[0.6, 0.5]], dtype=torch.float64, requires_grad=True)
    loss = triplet_loss_one_way(s, ONE_POSITIVE, 0.2, mining)
    loss.backward()
    assert loss.item() == pytest.approx(0.1, abs=1e-12)
    assert s.grad.tolist() == [[-1, 1]]


@MININGS
def test_hand_triplet_beyond_the_margin_costs_nothing_and_pulls_nowhere(mining):
    s = torch.tensor([[0.6, 0.3]], requires_grad=True)
    loss = triplet_loss_one_way(s, ONE_POSITIVE, 0.2, mining)
    loss.backward()
    assert loss.item() == 0
    assert s.grad.tolist() == [[0, 0]]


@MININGS
@pytest.mark.parametrize("labels", [None, LABELS, INDICATORS])
def test_triplet_loss_is_the_mean_of_the_active_triplets_of_both_directions(mining, labels):
    zx, zy = embeddings()
    s = torch.nn.functional.normalize(zx) @ torch.nn.functional.normalize(zy).T
    relevant = relevant_pairs(labels, N)
    expected = (brute_force(s, relevant, mining) + brute_force(s.T, relevant, mining)) / 2
    assert triplet_loss(zx, zy, labels, mining=mining).item() == pytest.approx(expected, rel=1e-9)


def brute_force(s, relevant, mining, margin=0.2):
    """The definition, read aloud in loops."""
    active = []
    for a in range(len(s)):
        row, positives = s[a].tolist(), relevant[a].nonzero()[:, 0].tolist()
        negatives = (~relevant[a]).nonzero()[:, 0].tolist()
        if mining == "all":
            pairs = [(row[p], row[n]) for p in positives for n in negatives]
        elif mining == "hard":
            pairs = [(min(row[p] for p in positives), max(row[n] for n in negatives))]
        else:
            below = {p: [row[n] for n in negatives if row[n] < row[p]] for p in positives}
            pairs = [(row[p], max(below[p])) for p in positives if below[p]]
        active += [margin - s_ap + s_an for s_ap, s_an in pairs if margin - s_ap + s_an > 0]
    return sum(active) / len(active)


@MININGS
def test_similarities_in_half_precision_are_compared_in_full(mining):
    s = torch.tensor([[0.5, 0.375]], dtype=torch.bfloat16, requires_grad=True)
    loss = triplet_loss_one_way(s, ONE_POSITIVE, 0.2, mining)
    loss.backward()
    assert loss.item() == pytest.approx(0.075, abs=1e-6)
    assert s.grad.tolist() == [[-1, 1]]


def test_items_of_the_anchors_class_are_never_pushed_away():
    s = torch.tensor([[0.1, 0.3, 0.2], [0.3, 0.2, 0.1], [0.2, 0.1, 0.3]], requires_grad=True)
    relevant = relevant_pairs(torch.tensor([0, 0, 1]), 3)
    for mining in ("all", "hard", "semi-hard"):
        (gradient,) = torch.autograd.grad(triplet_loss_one_way(s, relevant, 0.2, mining), s)
        assert (gradient[relevant] <= 0).all()
        assert (gradient[~relevant] >= 0).all()
        assert gradient.any()


@MININGS
def test_a_batch_of_one_class_gives_zero_with_the_graph_attached(mining):
    zx, zy = embeddings()
    loss = triplet_loss(zx, zy, torch.zeros(N), mining=mining)
    loss.backward()
    assert loss.item() == 0
    assert not zx.grad.any()


def test_on_collapsed_embeddings_hard_shows_the_margin_and_semi_hard_shows_success():
    z = torch.ones(8, 3, requires_grad=True)
    labels = torch.arange(8) % 2
    hard, semi = (triplet_loss(z, z, labels, mining=m) for m in ("hard", "semi-hard"))
    hard.backward()
    assert hard.item() == pytest.approx(0.2)
    assert z.grad.abs().max() < 1e-7
    assert semi.item() == 0


@pytest.mark.parametrize("mining", ["all", "hard"])
@pytest.mark.parametrize("labels", [LABELS, torch.arange(N)], ids=["classes", "pairs"])
def test_triplet_loss_agrees_with_pytorch_metric_learning(mining, labels):
    reason = "pytorch-metric-learning is not installed"
    pytest.importorskip("pytorch_metric_learning", reason=reason)
    from pytorch_metric_learning import distances, miners
    from pytorch_metric_learning.losses import TripletMarginLoss

    zx, zy = embeddings()
    cosine = distances.CosineSimilarity()
    peer_loss = TripletMarginLoss(0.2, distance=cosine)
    miner = miners.BatchHardMiner(distance=cosine)
    peer, other = 0, labels.clone()
    for a, b in ((zx, zy), (zy, zx)):
        triplets = miner(a, labels, b, other) if mining == "hard" else None
        peer = peer + peer_loss(a, labels, triplets, b, other) / 2
    ours = triplet_loss(zx, zy, labels, mining=mining)
    assert ours.item() == pytest.approx(peer.item(), rel=1e-9)
    ours_grad = torch.autograd.grad(ours, (zx, zy))
    peer_grad = torch.autograd.grad(peer, (zx, zy))
    for a, b in zip(ours_grad, peer_grad, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)


@MININGS
def test_a_matrix_of_equal_margins_is_the_margin(mining):
    zx, zy = embeddings()
    margins = torch.full((N, N), 0.3, dtype=torch.float64)
    ours = triplet_loss(zx, zy, LABELS, mining=mining, margins=margins)
    assert ours.item() == pytest.approx(triplet_loss(zx, zy, LABELS, 0.3, mining).item(), rel=1e-9)


@MININGS
def test_margins_belong_to_anchor_and_negative_in_both_directions(mining):
    zx = torch.eye(3, dtype=torch.float64, requires_grad=True)
    margins = torch.zeros(3, 3)
    margins[0, 2] = 1.5  # image 0 against text 2, and text 0 against image 2: cosine 0
    loss = triplet_loss(zx, zx.detach(), margins=margins, mining=mining)
    assert loss.item() == pytest.approx(0.5)
    assert triplet_loss(zx, zx.detach(), margins=margins.T, mining=mining).item() == 0.5


def test_triplet_loss_refuses_unknown_mining_and_impossible_margins():
    zx, zy = embeddings()
    with pytest.raises(ValueError, match='mining must be "all", "semi-hard" or "hard"'):
        triplet_loss(zx, zy, mining="semihard")
    for margins in (MARGINS[:-1], MARGINS - 1, torch.tensor(0.2)):
        with pytest.raises(ValueError, match="margins must be a matrix"):
            triplet_loss(zx, zy, margins=margins)
