def moved(a, b):
    a, b = (z / np.linalg.norm(z, axis=1, keepdims=True) for z in (a, b))
    u, _, vt = np.linalg.svd(a.T @ b)
    q = u @ vt
    return q, 1 - (a * b).sum(axis=1)
