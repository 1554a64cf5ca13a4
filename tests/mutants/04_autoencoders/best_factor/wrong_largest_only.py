def best_factor(sizes):
    return float(1 / max(sizes))
