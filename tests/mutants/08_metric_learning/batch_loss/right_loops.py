def batch_loss(z_x, z_y, labels, margin):
    x = z_x / z_x.norm(dim=1, keepdim=True)
    y = z_y / z_y.norm(dim=1, keepdim=True)
    ways = []
    for anchors, others in ((x, y), (y, x)):
        found, total = 0, 0 * anchors.sum() + 0 * others.sum()
        for a in range(len(labels)):
            for p in range(len(labels)):
                for n in range(len(labels)):
                    if labels[a] == labels[p] and labels[a] != labels[n]:
                        one = margin - anchors[a] @ others[p] + anchors[a] @ others[n]
                        if one > 0:
                            total, found = total + one, found + 1
        ways.append(total / max(found, 1))
    return sum(ways) / 2
