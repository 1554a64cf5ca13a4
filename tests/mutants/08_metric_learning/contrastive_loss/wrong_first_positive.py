def contrastive_loss(s, relevant, tau):
    log_p = (s / tau).log_softmax(dim=1)
    of_positives = log_p[torch.arange(len(s)), relevant.int().argmax(dim=1)]
    return -of_positives.mean()
