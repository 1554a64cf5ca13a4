def moved(a, b):
    a, b = (z / np.linalg.norm(z, axis=1, keepdims=True) for z in (a, b))
    q = np.linalg.lstsq(a, b, rcond=None)[0]
    return q, 1 - (a @ q * b).sum(axis=1)
