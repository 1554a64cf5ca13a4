def pairs_loss(z_x, z_y, labels, margin=1.0):
    d = torch.cdist(z_x, z_y)
    same = torch.eye(len(d), dtype=torch.bool)
    return torch.where(same, d**2, (margin - d).relu() ** 2).mean() / 2
