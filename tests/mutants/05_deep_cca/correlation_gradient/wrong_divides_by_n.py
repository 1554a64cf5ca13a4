def correlation_gradient(z_x, z_y):
    z_x, z_y = z_x - z_x.mean(), z_y - z_y.mean()
    u, v = z_x / z_x.std(), z_y / z_y.std()
    rho = (u * v).mean()
    return float(rho), (v - rho * u) / len(u)
