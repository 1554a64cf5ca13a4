def total_correlation(Z_x, Z_y, r=0.0):
    Z_x, Z_y = Z_x - Z_x.mean(dim=0), Z_y - Z_y.mean(dim=0)
    n, rI = len(Z_x), r * torch.eye(Z_x.shape[1], dtype=Z_x.dtype)

    def root(S):
        lam, Q = torch.linalg.eigh(S)
        return (Q / lam.sqrt()) @ Q.T

    T = root(Z_x.T @ Z_x / n + rI) @ (Z_x.T @ Z_y / n) @ root(Z_y.T @ Z_y / n + rI)
    return torch.linalg.svdvals(T).sum()
