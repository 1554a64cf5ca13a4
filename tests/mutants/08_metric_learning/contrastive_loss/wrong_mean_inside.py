def contrastive_loss(s, relevant, tau):
    p = (s / tau).softmax(dim=1)
    return -((p * relevant).sum(dim=1) / relevant.sum(dim=1)).clamp(min=1e-300).log().mean()
