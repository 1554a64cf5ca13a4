def parts_code(x, encoder):
    e = (x > 0).any(dim=2).float().unsqueeze(2)
    return (e * encoder(x)).sum(dim=1) / e.sum(dim=1).clamp(min=1)
