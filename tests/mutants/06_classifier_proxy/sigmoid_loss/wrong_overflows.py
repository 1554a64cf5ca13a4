def sigmoid_loss(o, t):
    p = 1 / (1 + np.exp(-o))
    return float((np.log(1 + np.exp(o)) - t * o).mean()), (p - t) / o.size
