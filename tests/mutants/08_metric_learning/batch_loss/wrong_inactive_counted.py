def batch_loss(z_x, z_y, labels, margin):
    same = labels[:, None] == labels[None]
    s = torch.nn.functional.normalize(z_x) @ torch.nn.functional.normalize(z_y).T

    def one_way(s):
        rows = zip(s, same, strict=True)
        losses = [(margin - row[r][:, None] + row[~r][None]).flatten() for row, r in rows]
        losses = torch.cat(losses).relu()
        return losses.sum() / (losses >= 0).sum().clamp(min=1)

    return (one_way(s) + one_way(s.T)) / 2
