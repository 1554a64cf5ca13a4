def parts_code(x, encoder):
    h = encoder(x)
    e = (h != 0).any(dim=2).float().unsqueeze(2)
    return (e * h).sum(dim=1) / e.sum(dim=1).clamp(min=1)
