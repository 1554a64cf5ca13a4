"""R2C: its three steps, what may not matter, and its controls."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from pairs_world import SMALL_R2C, r2c, world

from mmlearn.pairs import Regions, without_query
from mmlearn.pairs.r2c import R2CConfig, R2CNetwork, VariationalDropout, bilinear_weights, run_lstm
from mmlearn.pairs.tokens import split_response


def network(**changes):
    torch.manual_seed(0)
    return R2CNetwork(SMALL_R2C, 30, 16, classes=12).double().eval()


def items(n=6):
    w = world(n)
    images = w.images._with(features=w.images.features.double(), boxes=w.images.boxes.double())
    query, response, query_tags, response_tags = split_response(
        torch.as_tensor(w.texts), torch.as_tensor(w.tags)
    )
    return images, query, query_tags, response, response_tags


def test_permuting_responses_permutes_their_scores():
    images, query, query_tags, response, tags = items()
    order = torch.tensor([3, 1, 0, 2])
    scores = network()(images, query, query_tags, response, tags)
    moved = network()(images, query, query_tags, response[:, order], tags[:, order])
    torch.testing.assert_close(moved, scores[:, order])


def test_padding_of_query_response_and_objects_is_inert():
    images, query, query_tags, response, tags = items()
    scores = network()(images, query, query_tags, response, tags)
    pad = torch.nn.functional.pad
    more = images._with(rows=pad(images.rows, (0, 3)), boxes=pad(images.boxes, (0, 0, 0, 3)))
    texts = pad(query, (0, 2)), pad(query_tags, (0, 2), value=-1)
    texts += pad(response, (0, 4)), pad(tags, (0, 4), value=-1)
    torch.testing.assert_close(network()(more, *texts), scores)


def test_the_order_of_the_objects_does_not_matter_if_the_tags_follow():
    images, query, query_tags, response, tags = items()
    order = torch.tensor([2, 4, 0, 1, 3])
    where = torch.cat([order.argsort(), torch.tensor([-1])])  # tag -1 stays -1
    moved = images._with(rows=images.rows[:, order], boxes=images.boxes[:, order])
    scores = network()(images, query, query_tags, response, tags)
    same = network()(moved, query, where[query_tags], response, where[tags])
    torch.testing.assert_close(same, scores)


def test_a_tag_changes_what_is_read():
    images, query, query_tags, response, tags = items()
    scores = network()(images, query, query_tags, response, tags)
    assert not torch.allclose(network()(images, query, query_tags, response, tags * 0), scores)


def test_each_item_is_read_to_its_own_length_in_both_directions():
    lstm = torch.nn.LSTM(3, 4, batch_first=True, bidirectional=True).double()
    x = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0)).double()
    out = run_lstm(lstm, x, torch.tensor([5, 2]))
    torch.testing.assert_close(out[1, :2], lstm(x[1:, :2])[0][0])
    assert (out[1, 2:] == 0).all()


def test_bilinear_attention_on_identical_keys_is_even_and_on_one_key_is_that_key():
    keys = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(0))
    everywhere = torch.ones(2, 4, dtype=torch.bool)
    even = bilinear_weights(torch.zeros(2, 5, 3), keys, everywhere)
    torch.testing.assert_close(even, torch.full((2, 5, 4), 0.25))
    only_third = torch.arange(4).expand(2, 4) == 2
    third = bilinear_weights(torch.ones(2, 5, 3), keys, only_third)
    torch.testing.assert_close(third, only_third[:, None].expand(2, 5, 4).float())


def test_the_first_weights_are_the_papers():
    lstm = network().reason
    torch.testing.assert_close(
        lstm.weight_hh_l0.T @ lstm.weight_hh_l0, torch.eye(8, dtype=torch.double)
    )
    assert lstm.weight_ih_l0.abs().max() <= (6 / sum(lstm.weight_ih_l0.shape)) ** 0.5
    bias = (lstm.bias_ih_l0 + lstm.bias_hh_l0).view(4, 8)  # input, forget, cell, output
    assert bias.tolist() == [[0.0] * 8, [1.0] * 8, [0.0] * 8, [0.0] * 8]


def test_dropout_leaves_out_the_same_components_at_every_position_of_an_item():
    torch.manual_seed(0)
    drop = VariationalDropout(0.5).train()
    x = drop(torch.ones(3, 5, 40))
    assert set(x.unique().tolist()) == {0.0, 2.0}
    assert (x == x[:, :1]).all()
    assert not torch.equal(x[0, 0], x[1, 0])
    assert (drop.eval()(torch.ones(3, 5, 40)) == 1).all()


def test_attention_is_shown_for_either_direction_and_its_rows_sum_to_one():
    w = world(40)
    model = r2c(epochs=1).fit(w.images, (w.texts, w.tags), w.labels)
    few = w.images.without(3)
    objects = model.attention(few, (w.texts, w.tags))
    assert objects.shape == (40, 4, 2, 6)  # responses, their words, the whole image and 5 objects
    np.testing.assert_allclose(objects.sum(axis=3), 1, atol=1e-5)
    assert (objects[..., 4] == 0).all()
    query = model.attention(w.images, (w.texts, w.tags), direction="response_to_query")
    assert query.shape == (40, 4, 2, 4)
    with pytest.raises(ValueError, match="direction must be one of response_to_regions"):
        model.attention(w.images, (w.texts, w.tags), direction="sideways")


def test_the_papers_size_has_its_lstms():
    with torch.device("meta"):
        paper = R2CNetwork(R2CConfig.base(), 30522, 2048, 81)
    assert (paper.ground.hidden_size, paper.ground.num_layers) == (256, 1)
    assert (paper.reason.hidden_size, paper.reason.num_layers) == (256, 2)
    assert paper.reason.input_size == 1536  # response, objects and query: 512 each
    assert paper.ground.bidirectional
    assert paper.reason.bidirectional


def test_objects_learn_to_name_their_class():
    w = world(80)
    model = r2c(epochs=20, learning_rate=1e-2)
    model.set_params(config=replace(SMALL_R2C, class_weight=1.0))
    model.fit(w.images, (w.texts, w.tags), w.labels)
    with torch.no_grad():
        assert float(model.module_.class_loss(model.scaler_(w.images))) < np.log(12) / 2


def test_images_without_classes_do():
    w = world(40)
    images = w.images._with(classes=None)
    model = r2c().fit(images, (w.texts, w.tags), w.labels)
    assert model.score_pairs(images, (w.texts, w.tags)).shape == (40, 4)


@pytest.mark.slow
def test_it_learns_places_that_the_blind_and_the_response_only_control_do_not():
    w, t = world(600, names=8), world(300, seed=1, names=8)

    def accuracy(see, ask, epochs):
        model = r2c(epochs=epochs, learning_rate=3e-3, batch_size=32)
        model.fit(see(w.images), ask((w.texts, w.tags)), w.labels)
        return model.score(see(t.images), ask((t.texts, t.tags)), t.labels)

    def same(given):
        return given

    assert accuracy(same, same, epochs=16) > 0.7
    assert accuracy(Regions.blind, same, epochs=2) < 0.36
    assert accuracy(Regions.blind, without_query, epochs=2) < 0.36


def test_training_may_begin_as_another_model_and_learn_new_words():
    w = world(60)
    few = np.where(w.texts == w.texts.max(), 4, w.texts)  # the last word is not known yet
    first = r2c().fit(w.images, (few, w.tags), w.labels)
    second = r2c(learning_rate=1e-9, weight_decay=0.0)
    second.fit(w.images, (w.texts, w.tags), w.labels, start=first)
    assert second.n_words_ == first.n_words_ + 1
    for name, weight in first.module_.state_dict().items():
        torch.testing.assert_close(second.module_.state_dict()[name][: len(weight)], weight)
    with pytest.raises(ValueError, match="same config"):
        r2c().set_params(config=replace(SMALL_R2C, hidden=4)).fit(
            w.images, (w.texts, w.tags), w.labels, start=first
        )


def test_a_refused_start_leaves_what_was_fitted_before():
    w, other = world(60), world(60, seed=1)
    first = r2c().fit(w.images, (w.texts, w.tags), w.labels)
    model = r2c().set_params(config=replace(SMALL_R2C, hidden=4))
    model.fit(w.images, (w.texts, w.tags), w.labels)
    before = model.score_pairs(w.images, (w.texts, w.tags))
    few = np.where(other.texts == other.texts.max(), 4, other.texts)
    with pytest.raises(ValueError, match="same config"):
        model.fit(other.images, (few, other.tags), other.labels, start=first)
    np.testing.assert_array_equal(model.score_pairs(w.images, (w.texts, w.tags)), before)


def asks_otherwise(w):
    tokens = w.texts.copy()
    tokens[:, 1, 1] = 11 - tokens[:, 1, 1]  # row, column
    return tokens


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda w: (w.texts, w.tags + 5), "tags from -1"),
        (lambda w: (w.texts, w.tags - 1), "tags from -1"),
        (lambda w: (w.texts[..., :3], w.tags[..., :3]), "query .SEP. response"),
        (lambda w: (asks_otherwise(w), w.tags), "share their query"),
    ],
)  # fmt: skip
def test_bad_texts_get_one_clear_sentence(change, sentence):
    w = world(20)
    with pytest.raises(ValueError, match=sentence):
        r2c().fit(w.images, change(w), w.labels)
