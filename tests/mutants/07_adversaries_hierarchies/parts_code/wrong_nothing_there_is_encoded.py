def parts_code(x, encoder):
    e = (x != 0).any(dim=2).float().unsqueeze(2)
    h = encoder(x)
    return torch.where(e.sum(dim=1) > 0, (e * h).sum(dim=1) / e.sum(dim=1).clamp(min=1), h[:, 0])
