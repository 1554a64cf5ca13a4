def sigmoid_loss(o, t):
    p = np.exp(-np.logaddexp(0, -o))
    q = np.clip(p, 1e-12, 1 - 1e-12)
    return float(-(t * np.log(q) + (1 - t) * np.log(1 - q)).mean()), (p - t) / o.size
