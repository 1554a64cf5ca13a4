def moved(a, b):
    u, _, vt = np.linalg.svd(a.T @ b)
    q = u @ vt
    return q, 1 - (a @ q * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
