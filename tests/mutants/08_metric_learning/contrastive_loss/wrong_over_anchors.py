def contrastive_loss(s, relevant, tau):
    log_p = (s / tau).log_softmax(dim=0)
    of_positives = torch.where(relevant, log_p, 0.0).sum(dim=1)
    return -(of_positives / relevant.sum(dim=1)).mean()
