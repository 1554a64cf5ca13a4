def dispersion(z, items):
    u = z / np.linalg.norm(z, axis=1, keepdims=True)
    means = u
    n = len(means)
    if n < 2:
        return float("nan")
    return float(1 - (means @ means.T)[~np.eye(n, dtype=bool)].mean())
