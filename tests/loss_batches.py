"""Small batches of embeddings with their labels, on which the losses are tested."""

import torch

N, K = 48, 4
LABELS = torch.arange(N) % 5
INDICATORS = torch.nn.functional.one_hot(LABELS, 6) | torch.nn.functional.one_hot(LABELS // 2, 6)
MARGINS = torch.rand(N, N, generator=torch.Generator().manual_seed(5)) * 0.4


def embeddings(seed=0, n=N, k=K, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    zx = torch.randn(n, k, generator=generator, dtype=torch.float64)
    zy = zx + torch.randn(n, k, generator=generator, dtype=torch.float64)
    return zx.to(dtype).requires_grad_(), zy.to(dtype).requires_grad_()
