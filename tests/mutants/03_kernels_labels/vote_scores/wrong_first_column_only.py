def vote_scores(z_x, z_y, train_x, train_y, labels, n_classes, k):
    def posteriors(z, train_z):
        distances = (z[:, None, 0] - train_z[None, :, 0]) ** 2
        nearest = np.argsort(distances, axis=1)[:, :k]
        return np.eye(n_classes)[labels][nearest].mean(axis=1)

    return posteriors(z_x, train_x) @ posteriors(z_y, train_y).T
