"""Triplet mining against pytorch-metric-learning: time, and the memory of a large batch.

Each contender mines, computes the loss on cosines and goes backward, images to texts and texts to
images. Two things differ in the semi-hard case. The peer keeps every semi-hard triplet, where
mmlearn keeps for each (anchor, positive) the closest negative, as FaceNet does; and the peer lists
all triplets to find them. Batch-hard is the same loss, and the values are checked to be equal; so
is batch-all, whose mean over active triplets needs no list of them.
"""

import subprocess
import sys
from pathlib import Path

import torch

from benchmarks.timing import compare
from mmlearn.losses import triplet_loss

MARGIN = 0.2
KINDS = {"semi-hard": "semihard", "all": "all"}


def make_data(n, classes, k=64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % classes
    centres = torch.randn(classes, k, generator=generator)
    zx, zy = (centres[labels] + 2 * torch.randn(n, k, generator=generator) for _ in range(2))
    return zx.requires_grad_(), zy.requires_grad_(), labels


def ours(zx, zy, labels, mining):
    loss = triplet_loss(zx, zy, labels, MARGIN, mining)
    loss.backward()
    return loss.item()


def metric_learning(zx, zy, labels, mining):
    from pytorch_metric_learning.distances import CosineSimilarity
    from pytorch_metric_learning.losses import TripletMarginLoss
    from pytorch_metric_learning.miners import BatchHardMiner, TripletMarginMiner

    cosine = CosineSimilarity()
    if mining == "hard":
        miner = BatchHardMiner(distance=cosine)
    else:
        miner = TripletMarginMiner(MARGIN, KINDS[mining], distance=cosine)
    loss_of = TripletMarginLoss(MARGIN, distance=cosine)
    other = labels.clone()  # the same object would mean one modality, without the own pair
    loss = 0
    for a, b in ((zx, zy), (zy, zx)):
        triplets = miner(a, labels, b, other)
        loss = loss + loss_of(a, labels, triplets, b, other) / 2
    loss.backward()
    return loss.item()


CONTENDERS = {"mmlearn": ours, "pytorch-metric-learning": metric_learning}


def added_mib(contender, mining, n, classes):
    """MiB that one loss and its gradient add at their peak, in a fresh process (Linux only)."""
    command = [sys.executable, "-m", "benchmarks.mining", contender, mining, str(n), str(classes)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _print_added_mib(contender, mining, n, classes):
    torch.set_num_threads(1)
    CONTENDERS[contender](*make_data(8, 2), mining)  # what loading the libraries takes is no part
    data = make_data(n, classes)
    Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten
    before = _status_kib("VmRSS")
    CONTENDERS[contender](*data, mining)
    print((_status_kib("VmHWM") - before) / 1024)


def _status_kib(field):
    # Not resource.getrusage: its peak is inherited from the process that started this one.
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    raise LookupError(field)


def main():
    for mining, n, classes, repeats, with_peer in (
        ("semi-hard", 512, 10, 3, True),
        ("semi-hard", 2_048, 64, 3, False),  # the peer takes some 7 GiB here
        ("hard", 512, 10, 7, True),
        ("hard", 2_048, 64, 3, True),
        ("all", 512, 10, 3, True),
        ("all", 2_048, 64, 3, False),
    ):
        data = make_data(n, classes)
        peers = {
            name: lambda work=work, data=data, mining=mining: work(*data, mining)
            for name, work in CONTENDERS.items()
            if with_peer or name == "mmlearn"
        }
        if with_peer and mining != "semi-hard":
            values = [work() for work in peers.values()]
            assert abs(values[0] - values[1]) < 1e-5, values
        compare(f"{mining} triplets, batch {n}, {classes} classes", peers, repeats)
        if sys.platform == "linux":
            for name in peers:
                print(f"  {name:<34}{added_mib(name, mining, n, classes):>8.0f} MiB added")


if __name__ == "__main__":
    if sys.argv[1:]:
        _print_added_mib(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        main()
