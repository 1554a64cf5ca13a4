def sigmoid_loss(o, t):
    p = np.exp(-np.logaddexp(0, -o))
    return float((np.logaddexp(0, o) - t * o).sum(axis=1).mean()), (p - t) / len(o)
