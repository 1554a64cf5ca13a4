def acmr_loss(z_x, z_y, labels, classifier, discriminator, lam, beta=1.0, m=0.2):
    margin = m
    label = F.cross_entropy(classifier(z_x), labels) + F.cross_entropy(classifier(z_y), labels)
    z = reverse_gradient(F.normalize(torch.cat([z_x, z_y])), lam)
    t = torch.cat([torch.ones(len(z_x)), torch.zeros(len(z_y))])
    modality = F.binary_cross_entropy_with_logits(discriminator(z).squeeze(1), t)
    return label + beta * triplet_loss(z_x, z_y, labels, margin) + modality
