def average_decisions(p_x, p_y, a, b):
    p = np.where(a[:, None], p_x, 1.0) * np.where(b[:, None], p_y, 1.0)
    return p / p.sum(axis=1, keepdims=True)
