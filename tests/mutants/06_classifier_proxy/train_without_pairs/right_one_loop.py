def train_without_pairs(X, labels_x, Y, labels_y, c, eta=1.0, steps=100):
    W_x, W_y = np.zeros((X.shape[1], c)), np.zeros((Y.shape[1], c))
    b_x, b_y = np.zeros(c), np.zeros(c)
    t_x, t_y = (np.asarray(v)[:, None] == np.arange(c) for v in (labels_x, labels_y))
    for _ in range(steps):
        G_x = (softmax(X @ W_x + b_x) - t_x) / X.shape[0]
        G_y = (softmax(Y @ W_y + b_y) - t_y) / Y.shape[0]
        W_x, b_x = W_x - eta * X.T @ G_x, b_x - eta * G_x.sum(0)
        W_y, b_y = W_y - eta * Y.T @ G_y, b_y - eta * G_y.sum(0)
    return (W_x, b_x), (W_y, b_y)
