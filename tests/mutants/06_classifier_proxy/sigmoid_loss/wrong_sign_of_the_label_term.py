def sigmoid_loss(o, t):
    p = np.exp(-np.logaddexp(0, -o))
    return float((np.logaddexp(0, o) + t * o).mean()), (p - t) / o.size
