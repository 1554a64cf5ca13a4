def batch_loss(z_x, z_y, labels, margin):
    same = labels[:, None] == labels[None]
    s = torch.nn.functional.normalize(z_x) @ torch.nn.functional.normalize(z_y).T
    cubes = [margin - t[:, :, None] + t[:, None, :] for t in (s, s.T)]
    losses = torch.stack(cubes)[:, same[:, :, None] & ~same[:, None, :]].relu()
    return losses.sum() / (losses > 0).sum().clamp(min=1)
