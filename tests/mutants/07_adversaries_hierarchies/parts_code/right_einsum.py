def parts_code(x, encoder):
    e = (x.abs().sum(dim=2) > 0).float()
    weight = e / e.sum(dim=1, keepdim=True).clamp(min=1)
    return torch.einsum("np,npk->nk", weight, encoder(x))
