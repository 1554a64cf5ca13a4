def moved(a, b):
    a = a / np.sqrt((a**2).sum(axis=1))[:, None]
    b = b / np.sqrt((b**2).sum(axis=1))[:, None]
    u, s, vt = np.linalg.svd(b.T @ a)
    q = (u @ vt).T
    return q, np.array([1 - (row @ q) @ other for row, other in zip(a, b, strict=True)])
