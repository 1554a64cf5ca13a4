def perfect_recall(labels, k):
    _, n_c = np.unique(labels, return_counts=True)
    return float(sum(min(n, k) for n in n_c) / n_c.sum())
