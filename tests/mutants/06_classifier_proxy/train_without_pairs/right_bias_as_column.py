def train_without_pairs(X, labels_x, Y, labels_y, c, eta=1.0, steps=100):
    def one_side(features, labels):
        ones = np.hstack([features, np.ones((len(features), 1))])
        weights = np.zeros((ones.shape[1], c))
        for _ in range(steps):
            p = softmax(ones @ weights)
            p[np.arange(len(p)), labels] -= 1
            weights = weights - eta / len(p) * ones.T @ p
        return weights[:-1], weights[-1]

    return tuple(one_side(f, labels) for f, labels in ((X, labels_x), (Y, labels_y)))
