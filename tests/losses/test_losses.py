"""Every loss against answers known in advance, and on the inputs that break others."""

import math
import warnings
from itertools import pairwise

import numpy as np
import pytest
import torch

from mmlearn import losses
from mmlearn.linear import CCA
from mmlearn.losses import (
    adaptive_margin,
    adversary_strength,
    cca_loss,
    class_centroids,
    classification_loss,
    contrastive_pairs_loss,
    correspondence_loss,
    diachronic_inter_loss,
    diachronic_intra_loss,
    info_nce,
    reconstruction_loss,
    reverse_gradient,
    sam_schedule,
    siglip,
    supcon,
    triplet_loss,
    triplet_loss_one_way,
)

N, K = 48, 4
LABELS = torch.arange(N) % 5
INDICATORS = torch.nn.functional.one_hot(LABELS, 6) | torch.nn.functional.one_hot(LABELS // 2, 6)
TIMES = torch.linspace(2010.0, 2018.0, N, dtype=torch.float64).roll(11)  # of no class alone
MARGINS = torch.rand(N, N, generator=torch.Generator().manual_seed(5)) * 0.4


def embeddings(seed=0, n=N, k=K, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    zx = torch.randn(n, k, generator=generator, dtype=torch.float64)
    zy = zx + torch.randn(n, k, generator=generator, dtype=torch.float64)
    return zx.to(dtype).requires_grad_(), zy.to(dtype).requires_grad_()


LOSSES = {
    "reconstruction": reconstruction_loss,
    "reconstruction, rows missing": lambda x, y: reconstruction_loss(x, y, present=LABELS != 2),
    "correspondence": correspondence_loss,
    "cca": cca_loss,
    "cca, sum of correlations": lambda x, y: cca_loss(x, y, power=1),
    "cca, top two": lambda x, y: cca_loss(x, y, n_components=2),
    "classification": lambda x, y: classification_loss(torch.cat([x, y], 1), LABELS),
    "classification, indicators": lambda x, y: classification_loss(
        torch.cat([x, y], 1), torch.nn.functional.one_hot(LABELS, 2 * K)
    ),
    "triplet": triplet_loss,
    "triplet, all": lambda x, y: triplet_loss(x, y, LABELS),
    "triplet, semi-hard": lambda x, y: triplet_loss(x, y, LABELS, mining="semi-hard"),
    "triplet, hard": lambda x, y: triplet_loss(x, y, INDICATORS, mining="hard"),
    "triplet, all, margins": lambda x, y: triplet_loss(x, y, LABELS, margins=MARGINS),
    "triplet, semi-hard, margins": lambda x, y: triplet_loss(
        x, y, LABELS, mining="semi-hard", margins=MARGINS
    ),
    "info_nce": info_nce,
    "siglip": siglip,
    "supcon": lambda x, y: supcon(x, y, LABELS),
    "contrastive pairs": lambda x, y: contrastive_pairs_loss(x, y, LABELS, margin=3.0),
    "diachronic inter": lambda x, y: diachronic_inter_loss(x, y, LABELS, TIMES, window=2),
    "diachronic inter, semi-hard": lambda x, y: diachronic_inter_loss(
        x, y, INDICATORS, TIMES, window=2, mining="semi-hard"
    ),
    "diachronic intra": lambda x, y: diachronic_intra_loss(
        x, y, LABELS, TIMES, window=2, margin=0.9
    ),
}
every_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())


@pytest.fixture(autouse=True)
def _small_batches_are_meant():
    """The tests' batches are small on purpose; the warning has a test of its own."""
    losses._warn_small_batch.cache_clear()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "a batch of .* pairs", UserWarning)
        yield


# ------------------------------------------------------------------------------ of every loss


@every_loss
def test_gradient_agrees_with_finite_differences(loss):
    assert torch.autograd.gradcheck(loss, embeddings())


def whitened(z):
    z = (z - z.mean(dim=0)).detach()
    q, _ = torch.linalg.qr(z)
    return q * math.sqrt(len(z) - 1)


AWKWARD = {
    "whitened": whitened,
    "two dead units": lambda z: z.detach() * torch.tensor([1, 1, 0, 0]).to(z),
    "all equal": lambda z: torch.full_like(z, 0.7),
    "all zero": torch.zeros_like,
    "half the rows zero": lambda z: z.detach() * (torch.arange(len(z)) % 2)[:, None],
    "tiny": lambda z: z.detach() * 1e-15,
    "large": lambda z: z.detach() * 1e6,
}


@every_loss
@pytest.mark.parametrize("both", [True, False], ids=["both", "images alone"])
@pytest.mark.parametrize("spoil", AWKWARD.values(), ids=AWKWARD.keys())
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
def test_loss_and_gradients_are_finite_on_awkward_embeddings(loss, spoil, both, dtype):
    zx, zy = embeddings(dtype=dtype)
    zx = spoil(zx).requires_grad_()
    zy = spoil(zy).requires_grad_() if both else zy
    value = loss(zx, zy)
    value.backward()
    assert value.isfinite()
    assert zx.grad.isfinite().all()
    assert zy.grad.isfinite().all()


@every_loss
def test_identical_modalities_have_finite_gradients(loss):
    zx, _ = embeddings()
    loss(zx, zx).backward()
    assert zx.grad.isfinite().all()


@every_loss
def test_precision_is_float32_or_better_and_the_gradient_has_the_dtype_of_the_embeddings(loss):
    exact = loss(*embeddings()).item()
    for dtype, result, tolerance in (
        (torch.float64, torch.float64, 0),
        (torch.float32, torch.float32, 1e-5),
        (torch.bfloat16, torch.float32, 0.05),
        (torch.float16, torch.float32, 0.01),
    ):
        zx, zy = embeddings(dtype=dtype)
        value = loss(zx, zy)
        value.backward()
        assert value.shape == ()
        assert value.dtype == result
        assert zx.grad.dtype == dtype
        assert value.item() == pytest.approx(exact, rel=tolerance)


@every_loss
def test_autocast_changes_nothing(loss):
    zx, zy = embeddings(dtype=torch.float32)
    plain = loss(zx, zy)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert loss(zx, zy).item() == plain.item()


SYMMETRIC = [name for name in LOSSES if not name.startswith(("classification", "reconstruction"))]


@pytest.mark.parametrize("name", SYMMETRIC)
def test_swapping_the_modalities_changes_nothing(name):
    zx, zy = embeddings()
    assert LOSSES[name](zx, zy).item() == pytest.approx(LOSSES[name](zy, zx).item(), rel=1e-12)


BY_LABEL = {
    "triplet": triplet_loss,
    "semi-hard": lambda x, y, labels: triplet_loss(x, y, labels, mining="semi-hard"),
    "hard": lambda x, y, labels: triplet_loss(x, y, labels, mining="hard"),
    "supcon": supcon,
    "contrastive pairs": contrastive_pairs_loss,
    "diachronic inter": lambda x, y, labels: diachronic_inter_loss(x, y, labels, torch.zeros(N)),
    "diachronic intra": lambda x, y, labels: diachronic_intra_loss(x, y, labels, torch.zeros(N)),
}
by_label = pytest.mark.parametrize("loss", BY_LABEL.values(), ids=BY_LABEL.keys())


@by_label
def test_order_of_the_batch_and_names_of_the_classes_do_not_matter(loss):
    zx, zy = embeddings()
    order = torch.randperm(N, generator=torch.Generator().manual_seed(1))
    shuffled = loss(zx[order], zy[order], LABELS[order])
    assert shuffled.item() == pytest.approx(loss(zx, zy, LABELS).item(), rel=1e-12)
    assert loss(zx, zy, 100 - LABELS).item() == loss(zx, zy, LABELS).item()


@by_label
def test_one_hot_indicators_are_the_classes_and_so_is_numpy(loss):
    zx, zy = embeddings()
    by_class = loss(zx, zy, LABELS).item()
    assert loss(zx, zy, torch.nn.functional.one_hot(LABELS)).item() == by_class
    assert loss(zx, zy, LABELS.numpy()).item() == by_class


PAIRED = [correspondence_loss, triplet_loss, info_nce, siglip]


@pytest.mark.parametrize("loss", [*PAIRED, *BY_LABEL.values()])
def test_embeddings_of_different_shapes_are_refused(loss):
    zx, zy = embeddings()
    extra = () if loss in PAIRED else (LABELS,)
    for a, b in ((zx, zy[:-1]), (zx, zy[:, :-1]), (zx[0], zy[0]), (zx[:0], zy[:0])):
        with pytest.raises(ValueError, match=r"matrices of one shape \(n, k\)"):
            loss(a, b, *extra)


@by_label
def test_labels_of_another_length_are_refused(loss):
    with pytest.raises(ValueError, match="one row per pair"):
        loss(*embeddings(), LABELS[:-1])


@pytest.mark.parametrize("bad", [0, -0.1, math.nan])
def test_margins_and_temperatures_not_above_zero_are_refused(bad):
    z = embeddings()
    for loss in (
        lambda: triplet_loss(*z, margin=bad),
        lambda: contrastive_pairs_loss(*z, LABELS, margin=bad),
        lambda: adaptive_margin(INDICATORS, base=bad),
    ):
        with pytest.raises(ValueError, match="must be above 0"):
            loss()
    for temperature in (bad, torch.tensor(float(bad))):
        for loss in (info_nce, siglip, lambda x, y, temperature: supcon(x, y, LABELS, temperature)):
            with pytest.raises(ValueError, match="temperature must be above 0"):
                loss(*z, temperature=temperature)


# ------------------------------------------------------------ reconstruction and correspondence


def test_reconstruction_is_the_mean_squared_error_of_the_rows_present():
    x = torch.tensor([[1.0, 2.0], [math.nan, 0.0]])
    x_hat = torch.tensor([[1.0, 4.0], [3.0, 3.0]], requires_grad=True)
    loss = reconstruction_loss(x, x_hat, present=np.array([True, False]))
    loss.backward()
    assert loss == 2
    assert x_hat.grad.tolist() == [[0, 2], [0, 0]]


def test_reconstruction_of_nothing_is_zero_with_the_graph_attached():
    x_hat = torch.ones(2, 3, requires_grad=True)
    loss = reconstruction_loss(torch.zeros(2, 3), x_hat, present=torch.zeros(2))
    loss.backward()
    assert loss == 0
    assert not x_hat.grad.any()


def test_reconstruction_refuses_other_shapes_and_masks():
    with pytest.raises(ValueError, match="one shape"):
        reconstruction_loss(torch.ones(2, 3), torch.ones(2, 1))
    with pytest.raises(ValueError, match=r"present must have shape \(2,\)"):
        reconstruction_loss(torch.ones(2, 3), torch.ones(2, 3), present=torch.ones(2, 3))


def test_correspondence_is_the_mean_squared_distance_of_the_pairs():
    zx, zy = torch.zeros(2, 2), torch.tensor([[3.0, 4.0], [0.0, 1.0]])
    assert correspondence_loss(zx, zy) == 13


# ------------------------------------------------------------------------------------------ cca


def test_cca_loss_is_minus_the_sum_of_the_correlations_of_linear_cca():
    zx, zy = embeddings(n=200, k=5)
    rho = CCA(5, shrinkage=0).fit(zx.detach(), zy.detach()).correlations_
    assert cca_loss(zx, zy, ridge=0).item() == pytest.approx(-(rho**2).sum(), rel=1e-12)
    assert cca_loss(zx, zy, 0, power=1).item() == pytest.approx(-rho.sum(), rel=1e-12)
    top_two = cca_loss(zx, zy, 0, power=1, n_components=2)
    assert top_two.item() == pytest.approx(-rho[:2].sum(), rel=1e-12)
    assert cca_loss(zx, zy, 0, n_components=2).item() == pytest.approx(-(rho[:2] ** 2).sum())


def test_planted_correlations_give_their_exact_sum():
    rho = torch.tensor([0.9, 0.5, 0.1], dtype=torch.float64)
    z, _ = embeddings(n=60, k=6)
    q, _ = torch.linalg.qr((z - z.mean(dim=0)).detach())
    zx, zy = q[:, :3], q[:, :3] * rho + q[:, 3:] * (1 - rho**2).sqrt()
    assert cca_loss(zx, zy, ridge=0, power=1).item() == pytest.approx(-1.5, abs=1e-12)
    assert cca_loss(zx, zy, ridge=0).item() == pytest.approx(-1.07, abs=1e-12)


@pytest.mark.parametrize("power", [1, 2])
def test_cca_loss_without_ridge_does_not_change_under_invertible_maps(power):
    zx, zy = embeddings(n=100)
    m, n = embeddings(seed=3, n=K)
    mapped = cca_loss(zx @ m + 5, zy @ n - 3, ridge=0, power=power)
    assert mapped.item() == pytest.approx(cca_loss(zx, zy, 0, power).item(), rel=1e-9)


def test_float32_embeddings_lose_no_precision_in_the_linear_algebra():
    zx, zy = embeddings(n=200)
    shifted = cca_loss((zx + 100).float(), zy.float(), ridge=0)
    assert shifted.item() == pytest.approx(cca_loss(zx, zy, ridge=0).item(), rel=1e-4)


def test_the_two_modalities_may_differ_in_dimension_and_in_ridge():
    zx, zy = embeddings(n=100)
    wide = cca_loss(zx, zy[:, :2], ridge=0)
    rho = CCA(2, shrinkage=0).fit(zx.detach(), zy[:, :2].detach()).correlations_
    assert wide.item() == pytest.approx(-(rho**2).sum())
    heavy = 1e9
    assert abs(cca_loss(zx, zy, ridge=(heavy, 0)).item()) < 1e-6
    assert cca_loss(zx, zy, (0.3, 0.3)).item() == cca_loss(zx, zy, 0.3).item()


@pytest.mark.parametrize(("n", "low", "high"), [(64, 37, 42), (256, 9, 11), (512, 4.4, 5.4)])
def test_independent_modalities_seem_correlated_in_small_batches(n, low, high):
    generator = torch.Generator().manual_seed(0)
    zx, zy = (torch.randn(n, 50, generator=generator) for _ in range(2))
    assert low < -cca_loss(zx, zy).item() < high
    assert low < 50 * 50 / (n - 1) < high  # what the warning states


def test_a_small_batch_is_warned_of_once_and_the_warning_says_why():
    zx, zy = embeddings(n=39)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            cca_loss(zx, zy)
    assert len(caught) == 1
    assert "batch of 39 pairs for 4 dimensions" in str(caught[0].message)
    assert "about 0.4 out of 4 (mini-batch bias)" in str(caught[0].message)
    assert caught[0].filename == __file__


def test_a_batch_of_ten_pairs_a_dimension_is_not_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cca_loss(*embeddings(n=40))


@pytest.mark.parametrize("n", [1, K - 1, K])
def test_a_batch_no_larger_than_the_dimension_is_refused(n):
    with pytest.raises(ValueError, match=f"batch of {n} pairs in 4 dimensions correlates perf"):
        cca_loss(*embeddings(n=n))


def test_a_singular_covariance_without_ridge_is_refused_by_name():
    zx, zy = embeddings()
    with pytest.raises(ValueError, match="covariance of zy is singular"):
        cca_loss(zx, zy * torch.tensor([1, 1, 1, 0]), ridge=0)


def test_cca_loss_refuses_meaningless_parameters():
    zx, zy = embeddings()
    for wrong, message in (
        ({"ridge": -1}, "ridge must not be negative"),
        ({"ridge": (0, -1)}, "ridge must not be negative"),
        ({"power": 3}, "power must be 2"),
        ({"n_components": 5}, "between 1 and 4"),
        ({"n_components": 0}, "between 1 and 4"),
    ):
        with pytest.raises(ValueError, match=message):
            cca_loss(zx, zy, **wrong)
    with pytest.raises(ValueError, match="paired row by row"):
        cca_loss(zx, zy[1:])


@pytest.mark.parametrize("power", [1, 2])
def test_gradient_ascent_reaches_the_correlations_of_linear_cca_and_never_passes_them(power):
    x, y = (z.detach() for z in embeddings(n=200, k=6))
    rho = CCA(2, shrinkage=0).fit(x, y).correlations_
    bound = -(rho**power).sum()
    a, b = (
        w.detach().requires_grad_() for w in (torch.eye(6, 2).double(), torch.eye(6, 2).double())
    )
    optimizer = torch.optim.Adam([a, b], lr=0.05)
    for _ in range(400):
        optimizer.zero_grad()
        loss = cca_loss(x @ a, y @ b, ridge=0, power=power)
        loss.backward()
        optimizer.step()
        assert loss.item() >= bound - 1e-9
    assert loss.item() == pytest.approx(bound, abs=1e-3)


# ------------------------------------------------------------------------------- classification


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


# -------------------------------------------------------------------------------------- triplets

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
    relevant = losses.relevant_pairs(labels, N)
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
    relevant = losses.relevant_pairs(torch.tensor([0, 0, 1]), 3)
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


# ------------------------------------------------------------------------------------------- sam


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


# ----------------------------------------------------------------------------------- contrastive


@pytest.mark.parametrize("temperature", [0.07, 1.0])
def test_identical_embeddings_cost_the_logarithm_of_the_batch(temperature):
    z = torch.ones(37, 5)
    for loss in (info_nce, lambda x, y, t: supcon(x, y, torch.arange(37) % 3, t)):
        assert loss(z, z, temperature).item() == pytest.approx(math.log(37), rel=1e-6)


def test_perfectly_separated_pairs_cost_info_nce_nothing():
    assert info_nce(torch.eye(6), torch.eye(6), temperature=0.01).item() == pytest.approx(0)
    far = info_nce(torch.eye(6), torch.eye(6).roll(1, 0), temperature=0.01).item()
    assert far == pytest.approx(100)


def test_info_nce_of_a_hand_example():
    loss = info_nce(torch.eye(2), torch.tensor([[1.0, 0.0], [1.0, 0.0]]), temperature=1.0)
    # Rows (1, 1), (0, 0) and columns (1, 0), (1, 0) of the cosines.
    rows, columns = math.log(2), (math.log(1 + math.exp(-1)) + math.log(1 + math.exp(1))) / 2
    assert loss.item() == pytest.approx((rows + columns) / 2, rel=1e-6)


def test_siglip_at_zero_logits_costs_log_two_a_pair():
    zx, zy = torch.eye(6)[:3], torch.eye(6)[3:]
    assert siglip(zx, zy, bias=0.0).item() == pytest.approx(math.log(2), rel=1e-6)


def test_siglip_is_n_squared_binary_decisions():
    zx, zy = embeddings()
    logits = torch.nn.functional.cosine_similarity(zx[:, None], zy[None], dim=2) / 0.2 - 3
    expected = torch.nn.functional.binary_cross_entropy_with_logits(logits, torch.eye(N).double())
    assert siglip(zx, zy, 0.2, -3.0).item() == pytest.approx(expected.item(), rel=1e-9)


def test_supcon_of_classes_that_occur_once_is_info_nce():
    zx, zy = embeddings()
    assert supcon(zx, zy, torch.arange(N)).item() == pytest.approx(info_nce(zx, zy).item())


def test_supcon_is_least_where_classes_are_points():
    points = torch.eye(5)[LABELS]
    partners = torch.tensor([(c == LABELS).sum() for c in LABELS])
    assert supcon(points, points, LABELS, 0.01).item() == pytest.approx(
        partners.double().log().mean().item(), rel=1e-5
    )


def test_temperature_and_bias_can_be_learnt():
    zx, zy = embeddings()
    temperature = torch.tensor(0.1, requires_grad=True)
    bias = torch.tensor(-10.0, requires_grad=True)
    (siglip(zx, zy, temperature, bias) + info_nce(zx, zy, temperature)).backward()
    assert temperature.grad != 0
    assert bias.grad != 0


@pytest.mark.parametrize(
    "loss", [triplet_loss, info_nce, siglip, lambda x, y: supcon(x, y, LABELS)]
)
def test_losses_on_cosines_ignore_the_length_of_embeddings(loss):
    zx, zy = embeddings()
    stretch = torch.linspace(0.1, 10, N)[:, None]
    assert loss(zx * stretch, zy * 3).item() == pytest.approx(loss(zx, zy).item(), rel=1e-9)


def test_contrastive_pairs_of_a_hand_example():
    zx, zy = torch.tensor([[0.0], [2.0]]), torch.tensor([[0.5], [1.75]])
    # d = [[.5, 1.75], [1.5, .25]]; the pairs pay d², the others max(0, 2 - d)².
    loss = contrastive_pairs_loss(zx, zy, torch.tensor([0, 1]), margin=2.0)
    assert loss.item() == pytest.approx((0.25 + 0.0625 + 0.0625 + 0.25) / 8)
    together = contrastive_pairs_loss(zx, zy, torch.tensor([4, 4]), margin=2.0)
    assert together.item() == pytest.approx((0.25 + 3.0625 + 2.25 + 0.0625) / 8)


def test_contrastive_pairs_beyond_the_margin_are_left_alone():
    zx = torch.tensor([[0.0], [9.0]], requires_grad=True)
    contrastive_pairs_loss(zx, zx.detach(), torch.tensor([0, 1])).backward()
    assert not zx.grad.any()


# ------------------------------------------------------------------------------------- adversary


def test_reversed_gradient_is_exactly_minus_strength_times_the_plain_one():
    x, w = embeddings()
    plain = torch.autograd.grad((x * w).sum(), x)[0]
    for strength in (0.0, 0.3, 1.0):
        reverse = reverse_gradient(x, strength)
        assert torch.equal(reverse, x)
        assert torch.equal(torch.autograd.grad((reverse * w).sum(), x)[0], -strength * plain)


def test_reversal_reaches_the_layers_before_it_and_spares_those_after():
    torch.manual_seed(0)
    projector, critic = torch.nn.Linear(3, 2), torch.nn.Linear(2, 1)
    x = torch.randn(5, 3)
    gradients = {}
    for name, between in (("plain", lambda z: z), ("reversed", lambda z: reverse_gradient(z, 0.7))):
        loss = critic(between(projector(x))).square().mean()
        gradients[name] = torch.autograd.grad(loss, (projector.weight, critic.weight))
    assert gradients["plain"][0].any()
    torch.testing.assert_close(gradients["reversed"][0], -0.7 * gradients["plain"][0])
    assert torch.equal(gradients["reversed"][1], gradients["plain"][1])


def test_adversary_grows_from_zero_towards_one():
    assert adversary_strength(0) == 0
    assert adversary_strength(0.1) == pytest.approx(2 / (1 + math.exp(-1)) - 1)
    assert adversary_strength(1) == pytest.approx(1, abs=1e-4)


def test_adversary_refuses_impossible_numbers():
    with pytest.raises(ValueError, match="strength must not be negative"):
        reverse_gradient(torch.ones(2), -1)
    with pytest.raises(ValueError, match="progress must lie between 0 and 1"):
        adversary_strength(-0.1)


def test_labels_are_extended_by_those_that_go_with_them_and_own_ones_stay_whole():
    given = torch.tensor([[1, 0, 1], [0, 1, 1], [1, 0, 0], [0, 1, 0]])
    conditionals = losses.label_conditionals(given)
    extended = losses.extended_labels(torch.tensor([[1, 0, 0], [0, 1, 0], [0, 0, 0]]), conditionals)
    expected = torch.tensor([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 0.0]])
    torch.testing.assert_close(extended, expected)
    margins = losses.adaptive_margin(extended[:2], base=0.3)
    torch.testing.assert_close(margins[0, 1].item(), 0.3 * (1 - 0.5 / 2.5))  # Jaccard of degrees
    with pytest.raises(ValueError, match="over the same labels"):
        losses.extended_labels(torch.ones(2, 4), conditionals)
