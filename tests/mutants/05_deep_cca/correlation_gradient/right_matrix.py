def correlation_gradient(z_x, z_y):
    n = len(z_x)
    centre = np.eye(n) - np.ones((n, n)) / n
    a, b = centre @ z_x, centre @ z_y
    aa, bb, ab = a @ a, b @ b, a @ b
    rho = ab / np.sqrt(aa * bb)
    return float(rho), rho * (b / ab - a / aa)
