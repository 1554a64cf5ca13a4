"""ViLBERT: its size, what may not matter, its objectives, and that it grounds."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from pairs_world import SMALL, answering, late_fusion, vilbert, world
from torch.nn import functional as F

import mmlearn
from mmlearn.pairs import CoAttentionConfig, TwoStreams
from mmlearn.pairs.answers import AnswersQuestions, answer_loss, unsure
from mmlearn.pairs.pretraining import (
    PreTraining,
    mask_regions,
    mask_tokens,
    masked_region_loss,
    pretraining_loss,
)
from mmlearn.pairs.vilbert import aligned_loss, image_scores, matching_loss

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


def test_first_weights_are_drawn_as_berts_where_that_is_asked_for():
    torch.manual_seed(0)
    network = TwoStreams(replace(SMALL, initial_std=0.02), vocabulary=30, features=16)
    weights = torch.cat(
        [m.weight.detach().flatten() for m in network.modules() if isinstance(m, torch.nn.Linear)]
    )
    assert abs(float(weights.std()) - 0.02) < 0.001
    assert all((m.bias == 0).all() for m in network.modules() if isinstance(m, torch.nn.Linear))
    assert CoAttentionConfig.base().initial_std == 0.02


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"layers": 0}, "layers must be a whole number"),
        ({"width": 2.5}, "width must be a whole number"),
        ({"heads": 5}, "heads must divide width: 5 and 64"),
        ({"region_heads": 5}, "region_heads must divide region_width"),
        ({"dropout": 1.0}, "dropout must be in"),
        ({"initial_std": 0.0}, "initial_std must"),
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


def test_attention_of_a_layer_and_a_head_in_either_direction_averages_to_the_whole():
    w = world(40)
    two = replace(SMALL, layers=2, heads=2)
    model = vilbert(epochs=1).set_params(config=two).fit(w.images, w.texts, w.labels)
    texts = w.texts[:, 0]

    def shown(**which):
        return model.attention(w.images, texts, **which)

    parts = [[shown(layer=a, head=b) for b in range(2)] for a in range(2)]
    np.testing.assert_allclose(shown(), np.mean(parts, axis=(0, 1)), atol=1e-6)
    np.testing.assert_allclose(shown(head=1), np.mean([p[1] for p in parts], axis=0), atol=1e-6)
    assert not np.allclose(parts[0][0], parts[1][0])
    back = shown(layer=0, direction="regions_to_words")
    assert back.shape == (40, 6, 6)
    np.testing.assert_allclose(back.sum(axis=2), 1, atol=1e-5)
    for which, sentence in (
        ({"layer": 2}, "layer must be None or from 0 to 1"),
        ({"head": -1}, "head must be None or from 0 to 1"),
        ({"direction": "up"}, "direction must be one of words_to_regions, regions_to_words"),
    ):
        with pytest.raises(ValueError, match=sentence):
            shown(**which)


def test_the_weights_shown_are_of_queries_of_the_first_stream_on_keys_of_the_second():
    """Identical regions share a word's attention equally; words do not share theirs."""
    w = world(40)
    model = vilbert(epochs=1).fit(w.images, w.texts, w.labels)
    images = w.images._with(
        rows=w.images.rows[:, :1].expand(-1, 5), boxes=w.images.boxes[:, :1].expand(-1, 5, -1)
    )
    to_regions = model.attention(images, w.texts[:, 0])[:, :, 1:]
    np.testing.assert_allclose(to_regions, to_regions[:, :, :1].repeat(5, 2), atol=1e-6)
    to_words = model.attention(images, w.texts[:, 0], direction="regions_to_words")[:, 1:]
    np.testing.assert_allclose(to_words, to_words[:, :1].repeat(5, 1), atol=1e-6)


# -- answers that may be right -------------------------------------------------------------------

# Words 7, 8, 9 name the classes 4, 5, 6; 3 is a number. In the picture are 4 and 5.
ANSWERS = torch.tensor([[[7], [3]], [[8], [9]]])
THINGS = torch.tensor([[4, -1], [5, 6]])  # the different answers, sorted: 3, 7, 8, 9


@pytest.mark.parametrize(
    ("right", "open_ones"),
    [
        ((0, 0), [[False, False, True, False], [False, True, False, False]]),  # 7; 8: in it
        ((1, 1), [[False] * 4, [False] * 4]),  # the number; 9, not in the picture
    ],
)
def test_what_is_in_the_picture_as_the_right_answer_is_may_be_right_as_well(right, open_ones):
    found = unsure(torch.tensor([[4, 5], [5, 4]]), ANSWERS, THINGS, torch.tensor(right))
    assert found.tolist() == open_ones


def test_where_an_absent_thing_is_right_other_absent_things_may_be():
    answers = torch.tensor([[[7], [9]], [[8], [6]]])
    things = torch.tensor([[4, 6], [5, 3]])  # sorted words 6, 7, 8, 9 name 3, 4, 5, 6
    found = unsure(torch.tensor([[4, 5], [4, 5]]), answers, things, torch.tensor([1, 0]))
    assert found.tolist() == [[True, False, False, False], [False, True, False, False]]


def test_the_loss_leaves_out_what_may_be_right_and_without_things_nothing():
    w = world(2)
    images = w.images._with(classes=torch.tensor([[4, 5, -1, -1, -1], [5, 4, -1, -1, -1]]))
    labels, scores = torch.tensor([0, 0]), torch.tensor([[0.0, 1.0, 2.0, 3.0]] * 2)

    def module(images, question, answers):
        return scores

    every = F.cross_entropy(scores, torch.tensor([1, 2]))
    none = torch.full_like(THINGS, -1)
    torch.testing.assert_close(answer_loss(module, images, None, ANSWERS, none, labels), every)
    kept = [scores[0, [1, 0, 3]], scores[1, [2, 0, 3]]]
    expected = torch.stack([F.cross_entropy(s, torch.tensor(0)) for s in kept]).mean()
    found = answer_loss(module, images, None, ANSWERS, THINGS, labels)
    torch.testing.assert_close(found, expected)


def test_tags_of_another_shape_are_refused():
    w = world(20)
    with pytest.raises(ValueError, match=r"\(tokens, tags\) of one shape"):
        answering().fit(w.images, (w.texts, w.tags[:, :, :3]), w.labels)


# -- images of others ----------------------------------------------------------------------------


def by_class(images, tokens):
    """A perfect matcher: text [[c]] goes with the image whose first region has class c."""
    tokens = tokens if tokens.ndim == 3 else tokens[:, None]
    scores = 20.0 * (tokens[..., 0] == images.classes[:, :1])
    return scores if scores.shape[1] > 1 else scores[:, 0]


def test_a_text_is_told_from_other_images_and_an_image_from_other_texts():
    images = world(6).images._with(classes=torch.arange(6)[:, None])
    own = torch.arange(6)[:, None]
    assert matching_loss(by_class, images, own) < 1e-6

    def texts_alone(images, tokens):  # says the same of every image
        scores = 20.0 * (tokens[..., 0] == 0)
        return scores

    scores = image_scores(by_class, images, own, others=2)
    assert scores.shape == (6, 3)
    assert (scores[:, 0] == 20).all()
    assert (scores[:, 1:] == 0).all()
    blind = matching_loss(texts_alone, images, own)
    assert blind > np.log(4) / 2 - 1e-6  # the half over images is at chance


def test_with_labels_other_images_are_asked_for():
    images = world(6).images._with(classes=torch.arange(6)[:, None])
    texts = torch.stack([torch.arange(6), torch.arange(6) + 9], dim=1)[..., None]
    labels = torch.zeros(6, dtype=torch.long)
    assert aligned_loss(3, by_class, images, texts, labels) < 1e-6

    def captions_alone(images, tokens):
        scores = 20.0 * (tokens[..., 0] < 6)
        return scores

    assert aligned_loss(0, captions_alone, images, texts, labels) < 1e-6
    found = aligned_loss(3, captions_alone, images, texts, labels)
    assert abs(float(found) - np.log(4)) < 1e-6
    w = world(20)
    with pytest.raises(ValueError, match="other_images must be a whole number"):
        vilbert(other_images=-1).fit(w.images, w.texts, w.labels)


@pytest.mark.slow
def test_without_labels_an_image_learns_its_own_text():
    w, t = world(400, names=8), world(80, seed=1, names=8)
    texts = w.texts[np.arange(400), w.labels]
    model = vilbert(epochs=8, batch_size=32, learning_rate=3e-3).fit(w.images, texts)
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
