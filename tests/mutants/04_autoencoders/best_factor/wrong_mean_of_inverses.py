def best_factor(sizes):
    return float(np.mean(1 / np.asarray(sizes)))
