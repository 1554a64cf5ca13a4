def sigmoid_loss(o, t):
    small = np.exp(-np.abs(o))
    p = np.where(o >= 0, 1 / (1 + small), small / (1 + small))
    loss = np.maximum(o, 0) - t * o + np.log1p(small)
    return loss.mean(), (p - t) / np.size(o)
