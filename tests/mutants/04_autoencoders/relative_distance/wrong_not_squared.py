def relative_distance(h_x, h_y):
    d = np.sqrt(((h_x[:, None] - h_y[None]) ** 2).sum(axis=2))
    others = d[~np.eye(len(d), dtype=bool)].mean()
    return float(np.diag(d).mean() / others) if others > 0 else 1.0
