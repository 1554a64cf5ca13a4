def best_factor(sizes):
    return float(1 / np.mean(sizes))
