def centre_new(k, K):
    n = len(K)
    H = np.eye(n) - np.ones((n, n)) / n
    return (k - np.ones((len(k), n)) @ K / n) @ H
