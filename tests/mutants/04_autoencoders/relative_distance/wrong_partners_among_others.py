def relative_distance(h_x, h_y):
    d = ((h_x[:, None] - h_y[None]) ** 2).sum(axis=2)
    return float(np.diag(d).mean() / d.mean()) if d.mean() > 0 else 1.0
