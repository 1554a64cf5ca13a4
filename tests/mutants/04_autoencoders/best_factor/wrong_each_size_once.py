def best_factor(sizes):
    k = np.unique(sizes)
    return float(k.sum() / (k**2).sum())
