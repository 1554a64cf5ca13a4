def batch_loss(z_x, z_y, labels, margin):
    same = labels[:, None] == labels[None]
    s = torch.nn.functional.cosine_similarity(z_x[:, None], z_y[None], dim=2)
    total = 0 * s.sum()
    for t in (s, s.T):
        cube = margin - t[:, :, None] + t[:, None, :]
        active = same[:, :, None] & ~same[:, None, :] & (cube > 0)
        if active.any():
            total = total + cube[active].mean() / 2
    return total
