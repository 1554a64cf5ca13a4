def contrastive_loss(s, relevant, tau):
    t = relevant.to(s.dtype)
    t = t / t.sum(dim=1, keepdim=True)
    top = s.max(dim=1, keepdim=True).values
    log_z = top / tau + ((s - top) / tau).exp().sum(dim=1, keepdim=True).log()
    return (t * (log_z - s / tau)).sum(dim=1).mean()
