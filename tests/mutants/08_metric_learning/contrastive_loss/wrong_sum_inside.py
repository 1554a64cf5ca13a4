def contrastive_loss(s, relevant, tau):
    s = s / tau
    positives = s.masked_fill(~relevant, -torch.inf)
    return (s.logsumexp(dim=1) - positives.logsumexp(dim=1)).mean()
