def acmr_loss(z_x, z_y, labels, classifier, discriminator, lam, beta=1.0, margin=0.2):
    z, both = torch.cat([z_x, z_y]), labels.repeat(2)
    n = len(z_x)
    o = discriminator(reverse_gradient(F.normalize(z, dim=1), lam)).flatten()
    t = (torch.arange(2 * n) < n).float()
    p = torch.sigmoid(o)
    modality = -(t * p.log() + (1 - t) * (1 - p).log()).mean()
    return 2 * F.cross_entropy(classifier(z), both) + beta * triplet_loss(
        z_x, z_y, labels, margin
    ) + modality
