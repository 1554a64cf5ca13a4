def kcca(K_x, K_y, kappa, k):
    def features(K):
        lam, Q = np.linalg.eigh(K)
        keep = lam > 1e-10 * lam.max()
        return Q[:, keep] * np.sqrt(lam[keep]), Q[:, keep] / np.sqrt(lam[keep])

    (phi_x, back_x), (phi_y, back_y) = features(K_x), features(K_y)
    C_x = np.linalg.cholesky(phi_x.T @ phi_x + kappa * np.eye(phi_x.shape[1]))
    C_y = np.linalg.cholesky(phi_y.T @ phi_y + kappa * np.eye(phi_y.shape[1]))
    T = np.linalg.solve(C_x, phi_x.T @ phi_y) @ np.linalg.inv(C_y).T
    U, rho, Vt = np.linalg.svd(T, full_matrices=False)
    w_x, w_y = np.linalg.solve(C_x.T, U), np.linalg.solve(C_y.T, Vt.T)
    return (back_x @ w_x)[:, :k], (back_y @ w_y)[:, :k], rho[:k]
