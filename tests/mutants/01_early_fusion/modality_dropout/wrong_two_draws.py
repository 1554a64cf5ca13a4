def modality_dropout(u, p):
    other = torch.rand(len(u), generator=torch.Generator().manual_seed(0))
    return u >= p / 2, other < 1 - p / 2
