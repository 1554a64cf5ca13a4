def moved(a, b):
    a, b = (z / np.linalg.norm(z, axis=1, keepdims=True) for z in (a, b))
    u, s, vt = np.linalg.svd(a.T @ b)
    q = u * s @ vt
    return q, 1 - (a @ q * b).sum(axis=1)
