def batch_loss(z_x, z_y, labels, margin):
    same = labels[:, None] == labels[None]
    s = torch.nn.functional.normalize(z_x) @ torch.nn.functional.normalize(z_y).T

    def one_way(s):
        losses = torch.where(same, 0.0, margin - s.diagonal()[:, None] + s).relu()
        return losses.sum() / (losses > 0).sum().clamp(min=1)

    return (one_way(s) + one_way(s.T)) / 2
