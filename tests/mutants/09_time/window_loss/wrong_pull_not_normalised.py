def window_loss(s, labels, times, window, margin):
    same = labels[:, None] == labels
    kappa = same * np.maximum(0, 1 - np.abs(times[:, None] - times) / window)
    outside = same & (kappa == 0)
    pull = ((1 - s) * kappa).mean()
    push = np.maximum(0, margin - (1 - s[outside])).mean() if outside.any() else 0
    return kappa, float(pull + push)
