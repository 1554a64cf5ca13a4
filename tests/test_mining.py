"""The miners against lists of all triplets, and the report that tells collapse from success."""

import numpy as np
import pytest
import torch

from mmlearn.mining import (
    active_counts,
    batch_all,
    batch_hard,
    embedding_health,
    relevant_pairs,
    semi_hard,
)


def random_batch(seed=0, n=24, classes=4, ties=False):
    generator = torch.Generator().manual_seed(seed)
    s = torch.rand(n, n, generator=generator, dtype=torch.float64) * 2 - 1
    if ties:
        s = (s * 4).round() / 4  # exact quarters: many similarities agree
    labels = torch.randint(classes, (n,), generator=generator)
    return s, relevant_pairs(labels, n)


def cube(s, relevant, margin):
    """Masks over all (a, p, n): those that are triplets, and those that violate the margin."""
    valid = relevant[:, :, None] & ~relevant[:, None, :]
    margin = torch.as_tensor(margin, dtype=s.dtype).expand(s.shape)
    return valid, valid & ((s + margin)[:, None, :] > s[:, :, None])


def as_set(triplets):
    found = list(zip(*(t.tolist() for t in triplets), strict=True))
    assert len(set(found)) == len(found)
    return set(found)


def random_margins(n):
    return torch.rand(n, n, generator=torch.Generator().manual_seed(9), dtype=torch.float64) * 0.5


CASES = [
    pytest.param({}, 0.2, id="plain"),
    pytest.param({"ties": True}, 0.25, id="tied similarities"),
    pytest.param({"classes": 1}, 0.2, id="no negatives"),
    pytest.param({"classes": 500}, 0.2, id="own pair the only positive"),
    pytest.param({"ties": True}, random_margins(24), id="a margin for each negative"),
]


def test_the_hand_example_has_the_semi_hard_negative_of_largest_similarity():
    s = torch.tensor([[0.6, 0.7, 0.5, 0.45, 0.3]])
    relevant = torch.tensor([[True, False, False, False, False]])
    assert as_set(semi_hard(s, relevant, 0.2)) == {(0, 0, 2)}
    assert as_set(batch_hard(s, relevant)) == {(0, 0, 1)}
    assert as_set(batch_all(s, relevant, 0.2)) == {(0, 0, 1), (0, 0, 2), (0, 0, 3)}


@pytest.mark.parametrize(("batch", "margin"), CASES)
def test_batch_all_lists_exactly_the_violating_triplets(batch, margin):
    s, relevant = random_batch(**batch)
    _, active = cube(s, relevant, margin)
    assert as_set(batch_all(s, relevant, margin)) == as_set(active.nonzero(as_tuple=True))


@pytest.mark.parametrize(("batch", "margin"), CASES)
def test_active_counts_are_those_of_the_listed_triplets(batch, margin):
    s, relevant = random_batch(**batch)
    _, active = cube(s, relevant, margin)
    c_ap, c_an = active_counts(s, relevant, margin)
    assert torch.equal(c_ap, active.sum(dim=2))
    assert torch.equal(c_an, active.sum(dim=1))


@pytest.mark.parametrize(("batch", "margin"), CASES)
def test_semi_hard_agrees_with_brute_force(batch, margin):
    s, relevant = random_batch(**batch)
    valid, active = cube(s, relevant, margin)
    candidates = active & (s[:, None, :] < s[:, :, None])
    reach = (s + margin)[:, None, :].expand(valid.shape)
    best = reach.masked_fill(~candidates, -torch.inf).amax(dim=2)
    found = as_set(semi_hard(s, relevant, margin))
    assert len(found) == candidates.any(dim=2).sum()
    for a, p, n in found:
        assert candidates[a, p, n]
        assert reach[a, p, n] == best[a, p]


@pytest.mark.parametrize(("batch", "margin"), CASES)
def test_batch_hard_takes_the_triplet_of_largest_violation(batch, margin):
    s, relevant = random_batch(**batch)
    valid, _ = cube(s, relevant, margin)
    violation = ((s + margin)[:, None, :] - s[:, :, None]).masked_fill(~valid, -torch.inf)
    anchor, positive, negative = batch_hard(s, relevant, margin)
    assert torch.equal(anchor, valid.any(dim=2).any(dim=1).nonzero()[:, 0])
    assert valid[anchor, positive, negative].all()
    assert torch.equal(violation[anchor, positive, negative], violation.amax(dim=(1, 2))[anchor])


@pytest.mark.parametrize("mine", [batch_all, semi_hard, batch_hard])
@pytest.mark.parametrize("filler", [True, False])
def test_without_negatives_or_without_positives_there_is_no_triplet(mine, filler):
    s, _ = random_batch()
    triplets = mine(s, torch.full(s.shape, filler), 0.2)
    assert [len(t) for t in triplets] == [0, 0, 0]
    assert all(t.dtype == torch.int64 for t in triplets)
    assert all(not c.any() for c in active_counts(s, torch.full(s.shape, filler), 0.2))


@pytest.mark.parametrize("mine", [batch_all, semi_hard, batch_hard])
def test_reordering_the_candidates_reorders_the_triplets_alone(mine):
    s, relevant = random_batch()
    order = torch.randperm(len(s), generator=torch.Generator().manual_seed(1))
    a, p, n = mine(s[:, order], relevant[:, order], 0.2)
    assert as_set((a, order[p], order[n])) == as_set(mine(s, relevant, 0.2))


@pytest.mark.parametrize("mine", [batch_all, semi_hard, batch_hard, active_counts])
def test_candidates_need_not_be_as_many_as_anchors(mine):
    s, relevant = random_batch()
    full = mine(s, relevant, 0.2)
    part = mine(s[:5], relevant[:5], 0.2)
    if mine is active_counts:
        assert all(torch.equal(a[:5], b) for a, b in zip(full, part, strict=True))
    else:
        assert as_set(part) == {t for t in as_set(full) if t[0] < 5}


@pytest.mark.parametrize("mine", [batch_all, semi_hard, batch_hard, active_counts])
def test_a_mask_of_another_shape_or_kind_is_refused(mine):
    s, relevant = random_batch()
    for mask in (relevant[:-1], relevant.int()):
        with pytest.raises(ValueError, match="boolean mask of the same shape"):
            mine(s, mask, 0.2)


@pytest.mark.parametrize("mine", [semi_hard, batch_hard, active_counts])
def test_no_gradient_is_needed_to_mine(mine):
    s, relevant = random_batch()
    plain = mine(s, relevant, 0.2)
    traced = mine(s.clone().requires_grad_(), relevant, 0.2)
    assert all(
        torch.equal(a, b) and not b.requires_grad for a, b in zip(plain, traced, strict=True)
    )


@pytest.mark.parametrize("labels", [[0, 1, 0], np.array([0, 1, 0]), torch.tensor([0, 1, 0])])
def test_classes_of_every_kind_are_relevant_when_equal(labels):
    expected = torch.tensor([[1, 0, 1], [0, 1, 0], [1, 0, 1]], dtype=torch.bool)
    assert torch.equal(relevant_pairs(labels, 3), expected)


def test_indicators_are_relevant_when_they_share_a_label_and_always_to_themselves():
    labels = torch.tensor([[1, 1, 0], [0, 1, 1], [0, 0, 1], [0, 0, 0]])
    expected = torch.tensor([[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 1]])
    assert torch.equal(relevant_pairs(labels, 4), expected.bool())


def test_without_labels_each_item_is_relevant_to_itself_alone():
    assert torch.equal(relevant_pairs(None, 3), torch.eye(3).bool())


@pytest.mark.parametrize("labels", [torch.zeros(2), torch.zeros(2, 5), torch.zeros(3, 1, 1)])
def test_labels_that_do_not_match_the_batch_are_refused(labels):
    with pytest.raises(ValueError, match=r"labels must be classes of shape \(3,\)"):
        relevant_pairs(labels, 3)


def test_health_tells_collapse_from_success():
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(40) % 4
    learnt = torch.eye(4)[labels] + 0.01 * torch.randn(40, 4, generator=generator)
    random = torch.randn(40, 4, generator=generator)
    collapsed = torch.ones(40, 4)

    bad, good = (embedding_health(z, z, labels) for z in (collapsed, learnt))
    assert bad == {"mean_distance": 0, "active_share": 1, "semi_hard_share": 0}
    assert good["mean_distance"] > 1
    assert good["active_share"] == 0
    assert good["semi_hard_share"] == 0
    middle = embedding_health(random, random.flip(0), labels)
    assert middle["mean_distance"] > 1
    assert 0.3 < middle["active_share"] < 0.8
    assert middle["semi_hard_share"] > 0.3


def test_health_of_a_hand_example():
    zx = torch.tensor([[1.0, 0.0], [0.0, 3.0]])
    zy = torch.tensor([[1.0, 0.0], [5.0, 0.0]])
    health = embedding_health(zx, zy, margin=0.2)
    assert health["mean_distance"] == pytest.approx(2**0.5 / 2)
    # Image 0: .2 - 1 + 1 > 0. Image 1: .2 - 0 + 0 > 0. Text 0: .2 - 1 + 0 < 0. Text 1: .2 - 0 + 1.
    assert health["active_share"] == 0.75
    assert health["semi_hard_share"] == 0


def test_health_refuses_embeddings_that_are_not_paired():
    with pytest.raises(ValueError, match="one shape"):
        embedding_health(torch.ones(3, 2), torch.ones(4, 2))


def test_health_takes_a_margin_for_each_negative_and_any_dtype():
    generator = torch.Generator().manual_seed(0)
    zx, zy = (torch.randn(24, 3, generator=generator).bfloat16() for _ in range(2))
    plain = embedding_health(zx, zy, margin=0.25)
    assert embedding_health(zx, zy, margin=torch.full((24, 24), 0.25)) == plain
    assert embedding_health(zx, zy, margin=random_margins(24)) != plain
