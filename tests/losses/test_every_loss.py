"""Every loss on the inputs that break others, and what all of them promise."""

import math

import pytest
import torch
from loss_batches import INDICATORS, LABELS, MARGINS, K, N, embeddings

from mmlearn.losses import (
    adaptive_margin,
    cca_loss,
    classification_loss,
    contrastive_pairs_loss,
    correspondence_loss,
    diachronic_inter_loss,
    diachronic_intra_loss,
    info_nce,
    reconstruction_loss,
    siglip,
    supcon,
    triplet_loss,
)

TIMES = torch.linspace(2010.0, 2018.0, N, dtype=torch.float64).roll(11)  # of no class alone


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
