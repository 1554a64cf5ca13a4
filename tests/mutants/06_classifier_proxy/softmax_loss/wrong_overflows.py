def softmax_loss(o, labels):
    n, e = np.arange(len(o)), np.exp(o)
    p = e / e.sum(axis=1, keepdims=True)
    gradient = p.copy()
    gradient[n, labels] -= 1
    return float(-np.log(p[n, labels]).mean()), gradient / len(o)
