def pairs_loss(z_x, z_y, labels, margin=1.0):
    total = 0.0
    for i in range(len(z_x)):
        for j in range(len(z_y)):
            d = torch.linalg.vector_norm(z_x[i] - z_y[j])
            same = labels[i] == labels[j]
            total = total + (d**2 if same else torch.clamp(margin - d, min=0) ** 2)
    return total / (2 * len(z_x) * len(z_y))
