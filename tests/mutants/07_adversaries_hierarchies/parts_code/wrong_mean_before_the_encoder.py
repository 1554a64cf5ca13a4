def parts_code(x, encoder):
    e = (x != 0).any(dim=2).float().unsqueeze(2)
    mean = (e * x).sum(dim=1, keepdim=True) / e.sum(dim=1, keepdim=True).clamp(min=1)
    return encoder(mean)[:, 0]
