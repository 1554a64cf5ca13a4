def pairs_loss(z_x, z_y, labels, margin=1.0):
    d = torch.cdist(z_x, z_y)
    same = labels[:, None] == labels[None]
    return torch.where(same, d**2, (margin - d).relu() ** 2).mean()
