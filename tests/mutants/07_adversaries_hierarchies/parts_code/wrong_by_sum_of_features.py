def parts_code(x, encoder):
    e = (x.sum(dim=2) != 0).float().unsqueeze(2)
    return (e * encoder(x)).sum(dim=1) / e.sum(dim=1).clamp(min=1)
