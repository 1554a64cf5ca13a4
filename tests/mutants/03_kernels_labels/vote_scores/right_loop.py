def vote_scores(z_x, z_y, train_x, train_y, labels, n_classes, k):
    def posteriors(z, train_z):
        rows = []
        for item in z:
            nearest = np.linalg.norm(train_z - item, axis=1).argpartition(k - 1)[:k]
            rows.append(np.bincount(labels[nearest], minlength=n_classes) / k)
        return np.array(rows)

    return np.einsum("ic,jc->ij", posteriors(z_x, train_x), posteriors(z_y, train_y))
