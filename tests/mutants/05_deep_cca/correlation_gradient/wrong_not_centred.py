def correlation_gradient(z_x, z_y):
    length = np.linalg.norm(z_x)
    u, v = z_x / length, z_y / np.linalg.norm(z_y)
    rho = u @ v
    return float(rho), (v - rho * u) / length
