def sigmoid_loss(o, t):
    log_p = o - np.logaddexp.reduce(o, axis=1, keepdims=True)
    return float(-(t * log_p).mean()), (np.exp(log_p) - t) / o.size
