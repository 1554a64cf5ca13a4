"""The training loop against the fewest lines that train the same network to the same weights."""

import torch

from benchmarks.timing import compare
from mmlearn.deep.base import TwoEncoders, mlp
from mmlearn.losses import info_nce
from mmlearn.training import fit

N, D_X, D_Y, BATCH, EPOCHS = 10_240, 512, 256, 512, 3


def make_data():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(N, D_X, generator=generator), torch.randn(N, D_Y, generator=generator)


def make_network():
    torch.manual_seed(0)
    return TwoEncoders(mlp(D_X, 512, 64), mlp(D_Y, 512, 64))


def bare(x, y):
    network = make_network()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=0.0)
    generator = torch.Generator().manual_seed(0)
    for _ in range(EPOCHS):
        for rows in torch.randperm(N, generator=generator).split(BATCH):
            optimizer.zero_grad()
            info_nce(*network(x[rows], y[rows])).backward()
            optimizer.step()
    return network


def ours(x, y):
    network = make_network()
    fit(
        network,
        lambda module, x, y: info_nce(*module(x, y)),
        (x, y),
        epochs=EPOCHS,
        batch_size=BATCH,
        device="cpu",
        progress=False,
    )
    return network


def main():
    x, y = make_data()
    for a, b in zip(bare(x, y).parameters(), ours(x, y).parameters(), strict=True):
        assert torch.equal(a, b), "the two loops must do the same work"
    title = f"training loop, {EPOCHS} epochs of {N} pairs, batch {BATCH}, InfoNCE"
    contenders = {"bare loop": lambda: bare(x, y), "mmlearn.training.fit": lambda: ours(x, y)}
    compare(title, contenders, repeats=7)


if __name__ == "__main__":
    main()
