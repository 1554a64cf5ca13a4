def total_correlation(Z_x, Z_y, r=0.0):
    Z_x, Z_y = Z_x - Z_x.mean(dim=0), Z_y - Z_y.mean(dim=0)
    n, rI = len(Z_x), r * torch.eye(Z_x.shape[1], dtype=Z_x.dtype)
    L_x = torch.linalg.cholesky(Z_x.T @ Z_x / n + rI)
    L_y = torch.linalg.cholesky(Z_y.T @ Z_y / n + rI)
    M = torch.linalg.solve_triangular(L_x, Z_x.T @ Z_y / n, upper=False)
    return torch.linalg.svdvals(torch.linalg.solve_triangular(L_y, M.T, upper=False)).sum().detach()
