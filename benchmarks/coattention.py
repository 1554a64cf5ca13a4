"""A co-attention layer against LXMERT's cross-attention layer: time, memory, and work on a GPU.

Forward and backward, batch 64, 36 regions, 32 tokens, both streams 768 wide, 12 heads, feed-forward
3,072. LXMERT's layer also looks within each stream; that part is left out, so that both do the same
work: both directions of cross-attention and both feed-forward parts. With the same weights they
give the same result, which is checked first. (LXMERT uses one set of weights for both directions,
ViLBERT two: its gradients take up more memory for that. Parameters and their gradients are counted
apart from what the layer adds.)

On a CUDA GPU the same layer runs in bfloat16, and its throughput and share of the card's peak are
printed. PEAKS are the makers' dense bfloat16 figures.
"""

import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import torch

from benchmarks.timing import compare
from mmlearn.pairs.attention import CoAttentionLayer

BATCH, REGIONS, TOKENS, WIDTH, HEADS, FF = 64, 36, 32, 768, 12, 3072
PEAKS = {"H100": 989e12, "H200": 989e12, "A100": 312e12, "L4": 121e12, "T4": 65e12}


def lxmert_layer(layer, h, g, words=None, regions=None):
    """LXMERT's cross-attention in both directions and its feed-forward parts."""
    masks = [None if m is None else _additive(m, h.dtype) for m in (words, regions)]
    (h,), (g,) = layer.cross_att(h, masks[0], g, masks[1])
    return layer.output_fc(h, g)


def _additive(present, dtype):
    return (~present).to(dtype)[:, None, None, :] * torch.finfo(torch.float32).min


def copy_weights(lxmert, ours):
    """Give our layer the weights of LXMERT's, which has one attention for both directions."""
    attention = lxmert.visual_attention
    parts = [getattr(attention.att, name) for name in ("query", "key", "value")]
    for side in ("text", "region"):
        qkv = getattr(ours, f"{side}_qkv")
        qkv.weight.data = torch.cat([part.weight.data for part in parts])
        qkv.bias.data = torch.cat([part.bias.data for part in parts])
        _copy(attention.output.dense, getattr(ours, f"{side}_out"))
        _copy(attention.output.LayerNorm, getattr(ours, f"{side}_norm"))
    for side, theirs in (("text", "lang"), ("region", "visn")):
        feed_forward, output = getattr(ours, f"{side}_feed_forward"), f"{theirs}_output"
        _copy(getattr(lxmert, f"{theirs}_inter").dense, feed_forward.inner)
        _copy(getattr(lxmert, output).dense, feed_forward.outer)
        _copy(getattr(lxmert, output).LayerNorm, feed_forward.norm)


def _copy(a, b):
    b.weight.data, b.bias.data = a.weight.data.clone(), a.bias.data.clone()


def make_layers(dropout):
    from transformers import LxmertConfig
    from transformers.models.lxmert.modeling_lxmert import LxmertXLayer

    torch.manual_seed(0)
    config = LxmertConfig(
        hidden_size=WIDTH,
        num_attention_heads=HEADS,
        intermediate_size=FF,
        attention_probs_dropout_prob=dropout,
        hidden_dropout_prob=dropout,
    )
    theirs = LxmertXLayer(config)
    ours = CoAttentionLayer(WIDTH, WIDTH, WIDTH, HEADS, FF, FF, dropout)
    copy_weights(theirs, ours)
    return {"mmlearn": ours, "transformers LXMERT": theirs}


def make_batch(device="cpu", dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    h = torch.randn(BATCH, TOKENS, WIDTH, generator=generator).to(device, dtype)
    g = torch.randn(BATCH, REGIONS, WIDTH, generator=generator).to(device, dtype)
    words = torch.arange(TOKENS) < torch.randint(8, TOKENS + 1, (BATCH, 1), generator=generator)
    regions = torch.arange(REGIONS) < torch.randint(
        10, REGIONS + 1, (BATCH, 1), generator=generator
    )
    return h.requires_grad_(), g.requires_grad_(), words.to(device), regions.to(device)


def run(layer, batch):
    forward = layer if isinstance(layer, CoAttentionLayer) else lambda *b: lxmert_layer(layer, *b)
    h, g = forward(*batch)
    (h.mean() + g.mean()).backward()
    return h, g


def check(layers, batch):
    results = [run(layer.eval(), batch) for layer in layers.values()]
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
    for layer in layers.values():
        layer.train()


def added_mib(contender, dropout):
    """MiB that a forward and backward pass add at their peak, in a fresh process (Linux only).

    Every block above 1 MB goes back to the system when it is freed, so that what is counted is in
    use, and not holes that the C library keeps.
    """
    command = [sys.executable, "-m", "benchmarks.coattention", contender, str(dropout)]
    env = os.environ | {"MALLOC_MMAP_THRESHOLD_": "1000000"}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=env)
    return float(done.stdout)


def _print_added_mib(contender, dropout):
    torch.set_num_threads(1)
    layer, batch = make_layers(dropout)[contender], make_batch()
    for parameter in layer.parameters():  # gradients are there from the second step on
        parameter.grad = torch.zeros_like(parameter)
    small = [t[:1].detach() for t in batch]
    run(layer, [t.requires_grad_(t.is_floating_point()) for t in small])
    Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten
    before = _status_kib("VmRSS")
    run(layer, batch)
    print((_status_kib("VmHWM") - before) / 1024)


def _status_kib(field):
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    raise LookupError(field)


def multiply_adds():
    """Of a forward pass, by hand: projections, attention and feed-forward of both streams."""
    positions = BATCH * (TOKENS + REGIONS)
    linear = positions * (4 * WIDTH**2 + 2 * WIDTH * FF)
    attention = 2 * 2 * BATCH * TOKENS * REGIONS * WIDTH  # scores and values, both directions
    return linear + attention


def throughput(device, dtype, seconds=5.0):
    """Samples a second of forward and backward."""
    layer = CoAttentionLayer(WIDTH, WIDTH, WIDTH, HEADS, FF, FF).to(device, dtype)
    batch = make_batch(device, dtype)
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    for _ in range(3):
        run(layer, batch)
    wait()
    start, steps = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        for _ in range(10):
            run(layer, batch)
        wait()
        steps += 10
    return steps * BATCH / (time.perf_counter() - start)


def report(card, samples_a_second):
    """A line of throughput, and of the share of the peak where the card's is known."""
    flops = 3 * 2 * multiply_adds() / BATCH * samples_a_second  # backward is two forwards
    peak = next((peak for name, peak in PEAKS.items() if name in card), None)
    share = "peak unknown" if peak is None else f"{flops / peak:.1%} of the peak"
    return (
        f"{time.strftime('%Y-%m-%d')} {card}, bfloat16: {samples_a_second:,.0f} samples/s, "
        f"{flops / 1e12:.1f} TFLOP/s, {share}"
    )


def main():
    for dropout in (0.0, 0.1):
        layers, batch = make_layers(dropout), make_batch()
        check(layers, batch)
        title = (
            f"co-attention, batch {BATCH}, {REGIONS} regions, {TOKENS} tokens, dropout {dropout}"
        )
        work = {name: partial(run, layer, batch) for name, layer in layers.items()}
        compare(title, work, repeats=7)
        if sys.platform == "linux":
            for name in layers:
                print(f"  {name:<34}{added_mib(name, dropout):>8.0f} MiB added")
    if torch.cuda.is_available():
        print(report(torch.cuda.get_device_name(), throughput("cuda", torch.bfloat16)))
    else:
        print("no CUDA device: throughput in bfloat16 was not measured")


if __name__ == "__main__":
    if sys.argv[1:]:
        _print_added_mib(sys.argv[1], float(sys.argv[2]))
    else:
        main()
