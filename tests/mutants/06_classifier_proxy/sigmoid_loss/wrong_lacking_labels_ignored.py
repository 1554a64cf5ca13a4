def sigmoid_loss(o, t):
    p = np.exp(-np.logaddexp(0, -o))
    return float((t * np.logaddexp(0, -o)).mean()), t * (p - t) / o.size
