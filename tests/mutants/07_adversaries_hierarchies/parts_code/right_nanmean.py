def parts_code(x, encoder):
    empty = (x == 0).all(dim=2, keepdim=True)
    h = encoder(x).masked_fill(empty, float("nan")).nanmean(dim=1)
    return torch.where(torch.isnan(h), torch.zeros_like(h), h)
