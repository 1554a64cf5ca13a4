def triplet_step(a, p, n, margin):
    def cosine(u, v):
        return u @ v / np.sqrt(u @ u * (v @ v))

    def slope(u, v):
        return v / np.sqrt(u @ u * (v @ v)) - cosine(u, v) * u / (u @ u)

    loss = max(0.0, margin - cosine(a, p) + cosine(a, n))
    active = float(loss > 0)
    return loss, active * (slope(a, n) - slope(a, p)), -active * slope(p, a), active * slope(n, a)
