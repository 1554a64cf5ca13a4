def softmax_loss(o, labels):
    n = np.arange(len(o))
    o = o - o.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(o).sum(axis=1, keepdims=True))
    gradient = np.exp(o - log_sum)
    gradient[n, labels] -= 1
    return float((log_sum[:, 0] - o[:, labels[0]]).mean()), gradient / len(o)
