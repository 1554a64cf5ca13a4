def told_apart(z_x, z_y):
    points = [(v / np.sqrt(v @ v), 0) for v in z_x] + [(v / np.sqrt(v @ v), 1) for v in z_y]
    hits = 0
    for i, (u, kind) in enumerate(points):
        others = [(float(u @ v), k) for j, (v, k) in enumerate(points) if j != i]
        hits += max(others, key=lambda other: other[0])[1] == kind
    return hits / len(points)
