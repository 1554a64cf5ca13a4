def pairs_loss(z_x, z_y, labels, margin=1.0):
    d = torch.cdist(z_x, z_y)
    same = labels[:, None] == labels[None]
    pull, push = d[same] ** 2, (margin - d[~same]).clamp(min=0) ** 2
    return (pull.sum() + push.sum()) / (2 * d.numel())
