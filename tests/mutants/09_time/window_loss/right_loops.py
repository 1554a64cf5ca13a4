def window_loss(s, labels, times, window, margin):
    n = len(s)
    kappa, top, pushes = np.zeros((n, n)), 0.0, []
    for i in range(n):
        for j in range(n):
            if labels[i] != labels[j]:
                continue
            apart = abs(times[i] - times[j])
            if apart < window:
                kappa[i, j] = 1 - apart / window
                top += kappa[i, j] * (1 - s[i, j])
            else:
                pushes.append(max(0, margin - 1 + s[i, j]))
    return kappa, top / kappa.sum() + (sum(pushes) / len(pushes) if pushes else 0)
