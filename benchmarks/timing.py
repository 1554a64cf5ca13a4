"""Time contenders in turn, so that a noisy moment hits all of them, and print their ratios."""

import statistics
import time

import torch
from threadpoolctl import threadpool_limits

__all__ = ["compare"]


def compare(title, contenders, repeats=5, slow=()):
    """Print the median CPU seconds (one thread) of each contender and its ratio to the first.

    `contenders` maps names to functions; those named in `slow` run once, after the others.
    Returns the medians by name.
    """
    torch.set_num_threads(1)
    seconds = {name: [] for name in contenders}
    with threadpool_limits(1):
        for name, work in contenders.items():
            if name not in slow:
                work()  # warm-up
        for _ in range(repeats):
            for name, work in contenders.items():
                if name not in slow:
                    seconds[name].append(_cpu_seconds(work))
        for name in slow:
            seconds[name].append(_cpu_seconds(contenders[name]))
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    first = next(iter(medians.values()))
    print(f"\n{title}")
    for name, value in medians.items():
        once = "  (one run)" if name in slow else ""
        print(f"  {name:<34}{value:>10.4f} s {value / first:>9.2f} x{once}")
    return medians


def _cpu_seconds(work):
    start = time.process_time()
    work()
    return time.process_time() - start
