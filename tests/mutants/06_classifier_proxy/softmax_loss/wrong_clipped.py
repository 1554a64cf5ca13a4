def softmax_loss(o, labels):
    n, e = np.arange(len(o)), np.exp(o - o.max(axis=1, keepdims=True))
    p = np.clip(e / e.sum(axis=1, keepdims=True), 1e-12, 1)
    gradient = p.copy()
    gradient[n, labels] -= 1
    return float(-np.log(p[n, labels]).mean()), gradient / len(o)
