def moved(a, b):
    a, b = (z / np.linalg.norm(z, axis=1, keepdims=True) for z in (a, b))
    u, _, vt = np.linalg.svd(b.T @ a)
    q = u @ vt
    return q, 1 - (a @ q * b).sum(axis=1)
