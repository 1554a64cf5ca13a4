"""Attention within a stream and between two: against torch's own, and against hand values."""

import pytest
import torch
from torch import nn

from mmlearn.pairs.attention import (
    CoAttentionLayer,
    SelfAttentionLayer,
    attend,
    attention_weights,
)

N, WORDS, REGIONS, D, HEADS = 3, 5, 7, 16, 4


def rand(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def co_layer(**changes):
    sizes = {"d_text": 12, "d_region": 10, "d": D, "heads": HEADS, "text_ff": 20, "region_ff": 18}
    torch.manual_seed(1)
    return CoAttentionLayer(**sizes | changes).double().eval()


def streams():
    return rand(N, WORDS, 12), rand(N, REGIONS, 10, seed=1)


def masks():
    words = torch.arange(WORDS) < torch.tensor([[5], [3], [1]])
    return words, torch.arange(REGIONS) < torch.tensor([[2], [7], [4]])


def torchs_attention(qkv, out):
    theirs = nn.MultiheadAttention(D, HEADS, batch_first=True).double()
    theirs.in_proj_weight.data, theirs.in_proj_bias.data = qkv.weight.data, qkv.bias.data
    theirs.out_proj.weight.data, theirs.out_proj.bias.data = out.weight.data, out.bias.data
    return theirs


def test_co_attention_on_its_own_stream_is_torchs_multi_head_attention():
    layer = co_layer(d_text=D, d_region=D)
    layer.region_qkv.load_state_dict(layer.text_qkv.state_dict())
    layer.region_out.load_state_dict(layer.text_out.state_dict())
    layer.text_feed_forward = layer.region_feed_forward = nn.Identity()
    h = rand(N, WORDS, D)
    words, _ = masks()
    theirs = torchs_attention(layer.text_qkv, layer.text_out)
    context, weights = theirs(h, h, h, key_padding_mask=~words, average_attn_weights=False)
    ours = []
    text, regions = layer(h, h.clone(), words, words, ours)
    torch.testing.assert_close(text, layer.text_norm(h + context))
    torch.testing.assert_close(regions, text)
    torch.testing.assert_close(ours[0][0], weights)


def test_co_attention_takes_queries_from_one_stream_and_keys_and_values_from_the_other():
    layer = co_layer(d_text=D, d_region=D)
    layer.text_feed_forward = nn.Identity()
    h, g = rand(N, WORDS, D), rand(N, REGIONS, D, seed=1)
    theirs = torchs_attention(layer.region_qkv, layer.text_out)
    theirs.in_proj_weight.data[:D] = layer.text_qkv.weight.data[:D]
    theirs.in_proj_bias.data[:D] = layer.text_qkv.bias.data[:D]
    context, _ = theirs(h, g, g)
    torch.testing.assert_close(layer(h, g)[0], layer.text_norm(h + context))


def test_a_layer_within_a_stream_is_torchs_encoder_layer():
    layer = SelfAttentionLayer(D, HEADS, 24).double().eval()
    theirs = nn.TransformerEncoderLayer(
        D, HEADS, 24, activation="gelu", layer_norm_eps=1e-12, batch_first=True, dropout=0.0
    ).double()
    theirs.self_attn = torchs_attention(layer.qkv, layer.out)
    theirs.norm1.load_state_dict(layer.norm.state_dict())
    theirs.norm2.load_state_dict(layer.feed_forward.norm.state_dict())
    theirs.linear1.load_state_dict(layer.feed_forward.inner.state_dict())
    theirs.linear2.load_state_dict(layer.feed_forward.outer.state_dict())
    h, (words, _) = rand(N, WORDS, D), masks()
    ours = layer(h, words)
    torch.testing.assert_close(ours[words], theirs(h, src_key_padding_mask=~words)[words])


def test_masked_keys_change_nothing():
    layer, (h, g), (words, regions) = co_layer(), streams(), masks()
    other_h = torch.where(words[..., None], h, 1e3)
    other_g = torch.where(regions[..., None], g, -1e3)
    text, region = layer(h, g, words, regions)
    other_text, other_region = layer(other_h, other_g, words, regions)
    torch.testing.assert_close(other_text[words], text[words], rtol=0, atol=0)
    torch.testing.assert_close(other_region[regions], region[regions], rtol=0, atol=0)


def test_masked_keys_get_no_gradient():
    layer, (h, g), (words, regions) = co_layer(), streams(), masks()
    g.requires_grad_()
    layer(h, g, words, regions)[0][words].sum().backward()
    assert (g.grad[~regions] == 0).all()
    assert (g.grad[regions] != 0).any()


def test_permuting_regions_leaves_the_text_and_permutes_the_regions():
    layer, (h, g), (words, regions) = co_layer(), streams(), masks()
    order = torch.tensor([3, 0, 6, 1, 5, 2, 4])
    text, region = layer(h, g, words, regions)
    same_text, moved = layer(h, g[:, order], words, regions[:, order])
    torch.testing.assert_close(same_text, text)
    torch.testing.assert_close(moved, region[:, order])


def test_identical_keys_return_the_mean_of_the_values():
    q, k, v = rand(N, 2, 4, 3), torch.ones(N, 2, 6, 3).double(), rand(N, 2, 6, 3, seed=2)
    mean = v.mean(dim=2, keepdim=True).expand(-1, -1, 4, -1)
    torch.testing.assert_close(attend(q, k, v), mean)
    present = torch.arange(6).expand(N, 6) < 2
    first_two = v[:, :, :2].mean(dim=2, keepdim=True).expand(-1, -1, 4, -1)
    torch.testing.assert_close(attend(q, k, v, present), first_two)


def test_an_item_with_no_key_at_all_gets_zeros_and_finite_gradients():
    q, k, v = (rand(N, 2, 4, 3, seed=s).requires_grad_() for s in range(3))
    present = torch.ones(N, 4, dtype=torch.bool)
    present[1] = False
    context = attend(q, k, v, present)
    assert (context[1] == 0).all()
    assert (attention_weights(q, k, present)[1] == 0).all()
    context.sum().backward()
    assert all(torch.isfinite(t.grad).all() for t in (q, k, v))


@pytest.mark.parametrize("masked", [False, True])
def test_the_weights_shown_are_those_that_were_used(masked):
    q, k, v = (rand(N, 2, 4, 3, seed=s).float() for s in range(3))
    present = torch.tensor([[1, 1, 0, 0], [1, 0, 1, 1], [0, 1, 0, 0]]).bool() if masked else None
    weights = attention_weights(q, k, present)
    torch.testing.assert_close(weights @ v, attend(q, k, v, present), rtol=0, atol=1e-5)
    torch.testing.assert_close(weights.sum(-1), torch.ones(N, 2, 4))


def test_asking_for_weights_changes_no_result():
    layer, (h, g), (words, regions) = co_layer(), streams(), masks()
    weights = []
    for a, b in zip(layer(h, g, words, regions), layer(h, g, words, regions, weights), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)
    assert weights[0][0].shape == (N, HEADS, WORDS, REGIONS)
    assert weights[0][1].shape == (N, HEADS, REGIONS, WORDS)


def test_with_lxmerts_weights_it_gives_lxmerts_result():
    lxmert = pytest.importorskip("transformers.models.lxmert.modeling_lxmert")
    from transformers import LxmertConfig

    from benchmarks.coattention import copy_weights, lxmert_layer

    config = LxmertConfig(hidden_size=D, num_attention_heads=HEADS, intermediate_size=24)
    theirs = lxmert.LxmertXLayer(config).double().eval()
    ours = CoAttentionLayer(D, D, D, HEADS, 24, 24).double().eval()
    copy_weights(theirs, ours)
    h, g, (words, regions) = rand(N, WORDS, D), rand(N, REGIONS, D, seed=1), masks()
    given = h, g, words, regions
    for a, b in zip(ours(*given), lxmert_layer(theirs, *given), strict=True):
        torch.testing.assert_close(a, b)


def test_dropout_leaves_out_attention_weights_and_scales_up_the_others():
    generator = torch.Generator().manual_seed(0)
    q, k = (torch.randn(2, 3, 40, 8, generator=generator) for _ in "qk")
    present = torch.arange(40) < torch.tensor([[30], [0]])
    torch.manual_seed(0)
    dropped = attend(q, k, torch.eye(40).expand(2, 3, 40, 40), present, dropout=0.5)
    weights = attention_weights(q, k, present)
    kept = dropped > 0
    torch.testing.assert_close(dropped[kept], 2 * weights[kept])
    assert 0.45 < kept[0, :, :, :30].float().mean() < 0.55
    assert not dropped[1].any()  # nothing to look at
