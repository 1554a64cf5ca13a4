def relative_distance(h_x, h_y):
    return float(((h_x - h_y) ** 2).sum(axis=1).mean())
