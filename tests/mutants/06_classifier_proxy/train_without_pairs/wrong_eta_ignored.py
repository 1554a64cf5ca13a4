def train_without_pairs(X, labels_x, Y, labels_y, c, eta=1.0, steps=100):

    def one_side(X, labels):
        W, b, t = np.zeros((X.shape[1], c)), np.zeros(c), np.eye(c)[labels]
        for _ in range(steps):
            G = (softmax(X @ W + b) - t) / len(X)
            W -= X.T @ G
            b -= G.sum(axis=0)
        return W, b

    return one_side(X, labels_x), one_side(Y, labels_y)
