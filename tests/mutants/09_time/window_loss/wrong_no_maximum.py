def window_loss(s, labels, times, window, margin):
    same = labels[:, None] == labels
    kappa = same * np.maximum(0, 1 - np.abs(times[:, None] - times) / window)
    outside = same & (kappa == 0)
    pull = np.average(1 - s, weights=kappa)
    push = (margin - (1 - s[outside])).mean() if outside.any() else 0
    return kappa, float(pull + push)
