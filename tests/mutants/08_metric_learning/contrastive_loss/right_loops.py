def contrastive_loss(s, relevant, tau):
    losses = []
    for row, own in zip(s / tau, relevant):
        losses.append((torch.logsumexp(row, dim=0) - row[own]).mean())
    return torch.stack(losses).mean()
