def contrastive_loss(s, relevant, tau):
    s = s / tau
    below = s.masked_fill(relevant, -torch.inf).logsumexp(dim=1, keepdim=True)
    return (torch.where(relevant, below - s, 0.0).sum(dim=1) / relevant.sum(dim=1)).mean()
