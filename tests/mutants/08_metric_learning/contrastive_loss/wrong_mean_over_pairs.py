def contrastive_loss(s, relevant, tau):
    return -(s / tau).log_softmax(dim=1)[relevant].mean()
