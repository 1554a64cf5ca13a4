def dispersion(z, items):
    u = z / np.linalg.norm(z, axis=1, keepdims=True)
    means = np.array([u[items == item].mean(axis=0) for item in np.unique(items)])
    n = len(means)
    if n < 2:
        return 0.0
    return float(1 - (means @ means.T)[~np.eye(n, dtype=bool)].mean())
