def acmr_loss(z_x, z_y, labels, classifier, discriminator, lam, beta=1.0, margin=0.2):
    total = beta * triplet_loss(z_x, z_y, labels, margin)
    for z, is_image in ((z_x, 1.0), (z_y, 0.0)):
        total = total + F.nll_loss(F.log_softmax(classifier(z), dim=1), labels)
        unit = z / z.norm(dim=1, keepdim=True)
        o = discriminator(-lam * unit + (1 + lam) * unit.detach())[:, 0]
        total = total + F.softplus(o - 2 * is_image * o).mean() / 2
    return total
