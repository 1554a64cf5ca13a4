def moved(a, b):
    a, b = (z / np.linalg.norm(z, axis=1, keepdims=True) for z in (a, b))
    u, _, vt = np.linalg.svd(a.T @ b)
    q = u @ vt
    return q, ((a @ q - b) ** 2).sum(axis=1)
