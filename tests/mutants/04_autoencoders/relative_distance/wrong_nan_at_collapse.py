def relative_distance(h_x, h_y):
    d = ((h_x[:, None] - h_y[None]) ** 2).sum(axis=2)
    with np.errstate(invalid="ignore"):
        return float(np.diag(d).mean() / d[~np.eye(len(d), dtype=bool)].mean())
