"""Several processes under ``accelerate launch``: who this one is, and what all of them hold."""

import os
import warnings

import torch

__all__ = ["gather", "prepare", "rank", "world_size"]


def world_size():
    """How many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank():
    """The number of this process, from 0."""
    return int(os.environ.get("RANK", "0"))


def prepare(module, learning_rate, weight_decay, device):
    """What to call for the forward pass, the optimiser, and the device of this process."""
    if world_size() == 1:
        _warn_if_alone()
        module.to(device)
        optimizer = torch.optim.AdamW(module.parameters(), learning_rate, weight_decay=weight_decay)
        return module, optimizer, device
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=device.type == "cpu")
    module.to(accelerator.device)
    optimizer = torch.optim.AdamW(module.parameters(), learning_rate, weight_decay=weight_decay)
    return *accelerator.prepare(module, optimizer), accelerator.device


def _warn_if_alone():
    """Accelerate's launcher, told to use CPUs, starts one process however many were asked for."""
    if "ACCELERATE_USE_CPU" in os.environ and "MASTER_PORT" in os.environ:
        warnings.warn(
            "`accelerate launch` was asked for several processes but started one, as it does on "
            "CPUs; start the script by `torchrun --nproc-per-node 2 script.py` instead.",
            stacklevel=4,
        )


class _Gather(torch.autograd.Function):
    """Rows of all processes; backward, each process gets the gradients that all have for its."""

    @staticmethod
    def forward(ctx, tensor):
        ctx.rows = len(tensor)
        parts = [torch.empty_like(tensor) for _ in range(world_size())]
        torch.distributed.all_gather(parts, tensor.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx, gradient):
        gradient = gradient.contiguous()
        torch.distributed.all_reduce(gradient)
        return gradient[rank() * ctx.rows : (rank() + 1) * ctx.rows]


def gather(*tensors):
    """The rows of every process's share of the batch, in order, with gradients.

    In a single process the tensors come back as they are. A loss that is computed on gathered
    embeddings has the value and, after the averaging over processes, the gradients of the loss on
    the whole batch.

    >>> gather(torch.ones(2), torch.zeros(2))
    (tensor([1., 1.]), tensor([0., 0.]))
    """
    if world_size() == 1:
        return tensors
    return tuple(_Gather.apply(t) for t in tensors)
