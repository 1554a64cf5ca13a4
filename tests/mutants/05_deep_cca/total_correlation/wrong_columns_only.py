def total_correlation(Z_x, Z_y, r=0.0):
    Z_x, Z_y = Z_x - Z_x.mean(dim=0), Z_y - Z_y.mean(dim=0)
    n = len(Z_x)
    p = torch.sqrt((Z_x**2).mean(dim=0) + r)
    q = torch.sqrt((Z_y**2).mean(dim=0) + r)
    return ((Z_x * Z_y).mean(dim=0) / (p * q)).abs().sum()
