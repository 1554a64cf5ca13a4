def relative_distance(h_x, h_y):
    n, near, far = len(h_x), 0.0, 0.0
    for i in range(n):
        for j in range(n):
            squared = float(((h_x[i] - h_y[j]) ** 2).sum())
            near, far = (near + squared, far) if i == j else (near, far + squared)
    return 1.0 if far == 0 else (near / n) / (far / (n * (n - 1)))
