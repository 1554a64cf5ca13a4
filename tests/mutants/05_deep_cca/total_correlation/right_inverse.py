def total_correlation(Z_x, Z_y, r=0.0):
    def factor(Z):
        S = torch.cov(Z.T, correction=0)
        return torch.linalg.inv(torch.linalg.cholesky(S + r * torch.eye(len(S)).to(S)))

    k = Z_x.shape[1]
    C = torch.cov(torch.hstack([Z_x, Z_y]).T, correction=0)[:k, k:]
    return torch.linalg.matrix_norm(factor(Z_x) @ C @ factor(Z_y).T, ord="nuc")
