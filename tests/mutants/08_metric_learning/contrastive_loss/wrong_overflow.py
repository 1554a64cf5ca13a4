def contrastive_loss(s, relevant, tau):
    e = torch.exp(s / tau)
    log_p = torch.log(e / e.sum(dim=1, keepdim=True))
    return -(torch.where(relevant, log_p, 0.0).sum(dim=1) / relevant.sum(dim=1)).mean()
