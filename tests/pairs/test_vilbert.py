"""ViLBERT: its size, what may not matter, its objectives, and that it grounds."""

import numpy as np
import pytest
import torch
from pairs_world import SMALL, answering, late_fusion, vilbert, world
from torch.nn import functional as F

import mmlearn
from mmlearn.pairs import CoAttentionConfig, TwoStreams
from mmlearn.pairs.answers import AnswersQuestions
from mmlearn.pairs.pretraining import (
    PreTraining,
    mask_regions,
    mask_tokens,
    masked_region_loss,
    pretraining_loss,
)

BASE = {  # parameters of ViLBERT's base setting, by hand; d = 768 and 1,024
    "words": 30522 * 768 + 512 * 768 + 2 * 768 + 2 * 768,  # word, position, segment, norm
    # Feature, box and norm as in the paper; and a vector in place of the whole image's box.
    "regions": 2048 * 1024 + 1024 + 5 * 1024 + 1024 + 2 * 1024 + 1024,
    # queries, keys, values and output; feed-forward; two norms
    "text layers": 12 * (4 * (768**2 + 768) + 768 * 3072 + 3072 + 3072 * 768 + 768 + 4 * 768),
    "region layers": 6 * (6 * (1024**2 + 1024) + 4 * 1024),
    "co-attention": 6 * (
        3 * (768 * 1024 + 1024) + 1024 * 768 + 768 + 768 * 3072 + 3072 + 3072 * 768 + 768 + 4 * 768
        + 6 * (1024**2 + 1024) + 4 * 1024
    ),
    "pooled": 768 * 1024 + 1024 + 1024**2 + 1024,
}  # fmt: skip


def streams():
    torch.manual_seed(0)
    return TwoStreams(SMALL, 30, 16).double().eval()


def given(n=6):
    w = world(n)
    images = w.images._with(features=w.images.features.double(), boxes=w.images.boxes.double())
    return images, torch.as_tensor(w.texts[:, 0])


def test_the_papers_size_has_its_shapes_and_its_count_of_parameters():
    with torch.device("meta"):
        base = TwoStreams(CoAttentionConfig.base(), vocabulary=30522, features=2048)
    assert len(base.text_first) + len(base.text_layers) == 12
    assert len(base.region_layers) == len(base.co_layers) == 6
    assert base.co_layers[0].heads == 8
    assert base.co_layers[0].text_qkv.weight.shape == (3 * 1024, 768)
    assert base.co_layers[0].region_qkv.weight.shape == (3 * 1024, 1024)
    assert base.text_layers[0].feed_forward.inner.weight.shape == (3072, 768)
    count = sum(p.numel() for p in base.parameters())
    assert count == sum(BASE.values())


def test_the_default_size_is_small():
    default = TwoStreams(CoAttentionConfig(), vocabulary=207, features=128)
    assert sum(p.numel() for p in default.parameters()) < 500_000


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"layers": 0}, "layers must be a whole number"),
        ({"width": 2.5}, "width must be a whole number"),
        ({"heads": 5}, "heads must divide width: 5 and 64"),
        ({"region_heads": 5}, "region_heads must divide region_width"),
        ({"dropout": 1.0}, "dropout must be in"),
    ],
)
def test_impossible_sizes_get_one_sentence(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        CoAttentionConfig(**changes)


def test_padding_of_text_and_image_is_inert_and_comes_out_as_zeros():
    (images, tokens), network = given(), streams()
    h, g, text, image = network(images, tokens)
    more = images._with(rows=F.pad(images.rows, (0, 2)), boxes=F.pad(images.boxes, (0, 0, 0, 2)))
    h2, g2, text2, image2 = network(more, F.pad(tokens, (0, 3)))
    torch.testing.assert_close(h2[:, :6], h)
    torch.testing.assert_close(g2[:, :6], g)
    assert (h2[:, 6:] == 0).all()
    assert (g2[:, 6:] == 0).all()
    torch.testing.assert_close(text2, text)
    torch.testing.assert_close(image2, image)


def test_permuting_the_regions_permutes_their_stream_and_nothing_else():
    (images, tokens), network = given(), streams()
    order = torch.tensor([3, 0, 4, 1, 2])
    moved = images._with(rows=images.rows[:, order], boxes=images.boxes[:, order])
    h, g, text, image = network(images, tokens)
    h2, g2, text2, image2 = network(moved, tokens)
    torch.testing.assert_close(h2, h)
    torch.testing.assert_close(g2[:, 1:], g[:, 1:][:, order])
    torch.testing.assert_close(text2, text)
    torch.testing.assert_close(image2, image)


def test_projecting_the_table_first_or_the_regions_first_is_the_same():
    (images, tokens), network = given(), streams()
    assert images.t < images.rows.numel()
    dense = images._with(
        features=torch.cat([images.features, torch.zeros(99, 16).double()]), rows=images.rows
    )
    for a, b in zip(network(images, tokens), network(dense, tokens), strict=True):
        torch.testing.assert_close(a, b)


def test_attention_from_words_sums_to_one_over_the_regions_that_are_there():
    w = world(40)
    model = vilbert().fit(w.images, w.texts, w.labels)
    rows, boxes = w.images.rows.clone(), w.images.boxes.clone()
    rows[:, 3:], boxes[:, 3:] = 0, 0
    weights = model.attention(w.images._with(rows=rows, boxes=boxes), w.texts[:, 0])
    assert weights.shape == (40, 6, 6)  # the whole image first
    np.testing.assert_allclose(weights.sum(axis=2), 1, atol=1e-5)
    assert (weights[:, :, 4:] == 0).all()


@pytest.mark.slow
def test_without_labels_an_image_learns_its_own_text():
    w, t = world(400, names=8), world(80, seed=1, names=8)
    texts = w.texts[np.arange(400), w.labels]
    model = vilbert(epochs=6, learning_rate=3e-3).fit(w.images, texts)
    scores = model.score_pairs(t.images, t.texts[np.arange(80), t.labels])
    others = model.score_pairs(t.images, np.roll(t.texts[np.arange(80), t.labels], 1, axis=0))
    assert scores.shape == (80,)
    assert (scores > others).mean() > 0.6


def test_an_answer_that_was_never_one_has_a_score():
    w = world(40)
    model = answering().fit(w.images, w.texts, w.labels)
    asked = w.texts.copy()
    asked[:, 0, 4] = 5  # the word "row"
    assert np.isfinite(model.score_pairs(w.images, asked)).all()


def test_an_unknown_head_is_refused():
    w = world(20)
    with pytest.raises(ValueError, match="head must be one of alignment, answers"):
        vilbert(head="tail").fit(w.images, w.texts, w.labels)


# -- pre-training -------------------------------------------------------------------------------


def test_masking_leaves_special_words_and_masks_the_share_that_it_should():
    torch.manual_seed(0)
    tokens = torch.randint(5, 30, (400, 50))
    tokens[:, 0], tokens[:, 40], tokens[:, 41:] = 1, 2, 0
    masked, targets = mask_tokens(tokens, 30)
    chosen = targets >= 0
    assert not chosen[:, 0].any()
    assert not chosen[:, 40:].any()
    assert (targets[chosen] == tokens[chosen]).all()
    assert (masked[~chosen] == tokens[~chosen]).all()
    assert abs(float(chosen[:, 1:40].float().mean()) - 0.15) < 0.01
    assert abs(float((masked[chosen] == 3).float().mean()) - 0.8) < 0.02
    assert masked.min() >= 0
    assert masked.max() < 30


def test_only_regions_that_are_there_are_masked():
    torch.manual_seed(0)
    present = torch.arange(10).expand(2000, 10) < 7
    chosen, hidden = mask_regions(present)
    assert not chosen[:, 7:].any()
    assert not (hidden & ~chosen).any()
    assert abs(float(chosen[:, :7].float().mean()) - 0.15) < 0.01
    assert abs(float(hidden[chosen].float().mean()) - 0.9) < 0.02


def test_masked_region_loss_is_kl_and_for_a_known_class_cross_entropy():
    logits = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0))
    chosen = torch.tensor([[1, 0, 0, 1], [0, 0, 0, 0], [0, 1, 1, 0]]).bool()
    classes = torch.arange(12).view(3, 4) % 5
    one_hot = F.one_hot(classes, 5).float()
    expected = F.cross_entropy(logits[chosen], classes[chosen])
    torch.testing.assert_close(masked_region_loss(logits, one_hot, chosen), expected)
    soft = torch.softmax(logits.flip(-1), dim=-1)
    kl = (soft * (soft.log() - logits.log_softmax(-1))).sum(-1)[chosen].mean()
    torch.testing.assert_close(masked_region_loss(logits, soft, chosen), kl)
    assert masked_region_loss(logits, soft, chosen & False) == 0


def test_a_hidden_region_does_not_show_its_features():
    (images, tokens), network = given(), streams()
    hidden = torch.zeros(6, 5, dtype=torch.bool)
    hidden[:, 2] = True
    rows = images.rows.clone()
    rows[:, 2] = rows[:, 2] % 12 + 1  # another object at that place
    for a, b in zip(
        network(images, tokens, hidden), network(images._with(rows=rows), tokens, hidden),
        strict=True,
    ):  # fmt: skip
        torch.testing.assert_close(a, b)


def test_pre_training_reports_its_three_losses_and_all_parameters_learn():
    torch.manual_seed(0)
    w = world(64)
    module = PreTraining(TwoStreams(SMALL, 30, 16), 12)
    losses = pretraining_loss(module, w.images, torch.as_tensor(w.texts[:, 0]))
    assert set(losses) == {"loss", "word", "region", "alignment"}
    parts = losses["word"] + losses["region"] + losses["alignment"]
    torch.testing.assert_close(losses["loss"].detach(), parts)
    losses["loss"].backward()
    assert all(p.grad is not None for p in module.parameters())


@pytest.mark.slow
def test_pre_training_lowers_its_losses_and_training_begins_from_its_weights(tmp_path):
    w = world(300, names=8)
    captions = w.texts[np.arange(300), w.labels]
    model = vilbert(epochs=1, learning_rate=3e-3).pretrain(w.images, captions, epochs=8)
    terms = model.pretraining_.terms
    assert terms["word"][-1] < terms["word"][0]
    assert terms["region"][-1] < terms["region"][0]
    before = model.streams_["features.weight"].clone()
    model.set_params(learning_rate=1e-9, weight_decay=0.0).fit(w.images, w.texts, w.labels)
    torch.testing.assert_close(model.module_.streams.features.weight.data, before)
    mmlearn.save(model, tmp_path / "model")
    again = mmlearn.load(tmp_path / "model")
    np.testing.assert_array_equal(
        again.score_pairs(w.images, w.texts), model.score_pairs(w.images, w.texts)
    )


@pytest.mark.slow
def test_pre_training_by_pointing_learns_which_region_is_meant():
    w = world(1500, names=8)
    model = vilbert(learning_rate=3e-3, batch_size=32)
    model.pretrain(w.images, w.texts[:, 0, :4], w.regions, epochs=2)
    pointing = model.pretraining_.terms["point"]
    assert pointing[1] < 0.3 < 1.0 < pointing[0]
    naming = model.pretraining_.terms["name"]
    assert naming[1] < naming[0]
    model.pretrain(w.images._with(classes=None), w.texts[:, 0, :4], w.regions, epochs=1)
    assert model.pretraining_.terms == {}
    with pytest.raises(ValueError, match="each a region that its image has"):
        model.pretrain(w.images, w.texts[:, 0, :4], w.regions + 3)


def test_pre_training_needs_classes_and_one_caption_an_image():
    w = world(20)
    with pytest.raises(ValueError, match="images with classes"):
        vilbert().pretrain(w.images._with(classes=None), w.texts[:, 0])
    with pytest.raises(ValueError, match="one caption"):
        vilbert().pretrain(w.images, w.texts)


def test_late_fusion_has_neither_attention_nor_streams_to_pretrain():
    assert isinstance(late_fusion(), AnswersQuestions)
    assert isinstance(answering(), AnswersQuestions)
    assert not hasattr(late_fusion(), "attention")
    assert not hasattr(late_fusion(), "pretrain")
    with pytest.raises(ValueError, match="pass labels"):
        late_fusion().fit(world(40).images, world(40).texts)
