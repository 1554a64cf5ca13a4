def dispersion(z, items):
    u = z / np.linalg.norm(z, axis=1, keepdims=True)
    u = u[np.unique(items, return_index=True)[1]]
    n = len(u)
    if n < 2:
        return float("nan")
    return float(1 - (u @ u.T)[~np.eye(n, dtype=bool)].mean())
