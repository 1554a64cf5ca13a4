def perfect_recall(labels, k):
    labels = np.asarray(labels)
    n_c = (labels[:, None] == labels).sum(axis=1)
    return np.where(n_c <= k, 1.0, k / n_c).mean()
