def best_factor(sizes):
    k = np.asarray(sizes)
    return float((k**2).sum() / k.sum())
