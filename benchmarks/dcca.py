"""One epoch of deep CCA against a bare loop and cca-zoo on Lightning: seconds, and peak memory.

The estimator's line holds all of `fit`: standardising, the epoch, and the linear CCA at the end.
"""

import logging
import subprocess
import sys
import warnings
from importlib.util import find_spec

import torch

from benchmarks.timing import compare
from mmlearn.deep import DCCA
from mmlearn.deep.base import TwoEncoders, mlp
from mmlearn.losses import cca_loss
from mmlearn.training import fit

N, D, HIDDEN, COMPONENTS, BATCH = 10_000, 784, 1024, 50, 512


def make_data():
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(N, 30, generator=generator)
    return [
        z @ torch.randn(30, D, generator=generator) + torch.randn(N, D, generator=generator)
        for _ in range(2)
    ]


def networks():
    torch.manual_seed(0)
    return [mlp(D, (HIDDEN, HIDDEN), COMPONENTS) for _ in range(2)]


def bare(x, y):
    """The fewest lines that train an epoch: shuffled batches, the paper's loss by eigh, Adam."""
    f, g = networks()
    optimizer = torch.optim.Adam([*f.parameters(), *g.parameters()], 1e-3)
    eye = 1e-3 * torch.eye(COMPONENTS)

    def inverse_root(s):
        values, vectors = torch.linalg.eigh(s + eye)
        return vectors @ torch.diag(values.rsqrt()) @ vectors.T

    def epoch():
        for rows in torch.randperm(N).split(BATCH):
            if len(rows) < BATCH:
                continue
            optimizer.zero_grad()
            a, b = f(x[rows]), g(y[rows])
            a, b = a - a.mean(dim=0), b - b.mean(dim=0)
            s_xx, s_yy, s_xy = (u.T @ v / (BATCH - 1) for u, v in ((a, a), (b, b), (a, b)))
            t = inverse_root(s_xx) @ s_xy @ inverse_root(s_yy)
            (-torch.linalg.svdvals(t).sum()).backward()
            optimizer.step()

    return epoch


def ours(x, y):
    module = TwoEncoders(*networks())

    def epoch():
        fit(
            module,
            lambda m, a, b: cca_loss(*m(a, b)),
            (x, y),
            epochs=1,
            batch_size=BATCH,
            drop_last=True,
            device="cpu",
            progress=False,
        )

    return epoch


def estimator(x, y):
    x, y = x.numpy(), y.numpy()
    model = DCCA(
        COMPONENTS,
        hidden=(HIDDEN, HIDDEN),
        dropout=0,
        batch_size=BATCH,
        epochs=1,
        validation_fraction=0,
        patience=None,
        device="cpu",
    )
    return lambda: model.fit(x, y)


def cca_zoo(x, y):
    import lightning.pytorch as pl
    from cca_zoo.deep import DCCA as ZooDCCA
    from cca_zoo.deep import MultiviewDataset
    from torch.utils.data import DataLoader

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    loader = DataLoader(
        MultiviewDataset([x.numpy(), y.numpy()]), batch_size=BATCH, shuffle=True, drop_last=True
    )
    model = ZooDCCA(COMPONENTS, networks())

    def epoch():
        pl.Trainer(
            max_epochs=1,
            accelerator="cpu",
            logger=False,
            enable_progress_bar=False,
            enable_checkpointing=False,
            enable_model_summary=False,
        ).fit(model, loader)

    return epoch


CONTENDERS = {
    "bare loop, eigh": bare,
    "mmlearn.training.fit": ours,
    "mmlearn DCCA, all of fit": estimator,
    "cca-zoo on Lightning": cca_zoo,
}


def added_memory(name):
    """Peak memory (MiB) that the first epoch adds to what the data and torch take up.

    What a contender imports, copies and allocates is its own.
    """
    x, y = make_data()
    (x[:BATCH] @ x[:BATCH].T).sum()  # the buffers of matrix products are nobody's
    before = _status("VmRSS")
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the peak starts afresh
    CONTENDERS[name](x, y)()
    return (_status("VmHWM") - before) / 2**20


def _status(field):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(field))


def main():
    warnings.simplefilter("ignore")
    missing = [name for name in ("cca_zoo", "lightning") if find_spec(name) is None]
    names = [name for name in CONTENDERS if not (name.startswith("cca-zoo") and missing)]
    x, y = make_data()
    compare(
        f"deep CCA, an epoch, {N} x {D}-{HIDDEN}-{HIDDEN}-{COMPONENTS}, batches of {BATCH}",
        {name: CONTENDERS[name](x, y) for name in names},
    )
    print("\npeak memory added by it, each in a process of its own")
    floor = None
    for name in names:
        command = [sys.executable, "-m", "benchmarks.dcca", name]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        added = float(output.splitlines()[-1])
        floor = added if floor is None else floor
        print(f"  {name:<34}{added:>10.0f} MiB {added - floor:>+8.0f} MiB")
    if missing:
        print(f"  cca-zoo on Lightning left out: {' and '.join(missing)} not installed")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        torch.set_num_threads(1)
        print(added_memory(sys.argv[1]))
    else:
        main()
