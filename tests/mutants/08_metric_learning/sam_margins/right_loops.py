def sam_margins(s, labels, kinship, base, g):
    n = len(s)
    margins, active = np.zeros((n, n)), []
    for a in range(n):
        for other in range(n):
            akin = max(0.0, kinship[labels[a], labels[other]])
            margins[a, other] = (1 - g) * base + g * base * (1 - akin)
    for a in range(n):
        for p in np.flatnonzero(labels == labels[a]):
            for other in np.flatnonzero(labels != labels[a]):
                active.append(margins[a, other] - s[a, p] + s[a, other] > 0)
    return margins, np.mean(active)
