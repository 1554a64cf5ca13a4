def kcca(K_x, K_y, kappa, k):
    def filtered(K):
        lam, Q = np.linalg.eigh(K)
        return Q * (np.sqrt(lam / (lam + kappa))) @ Q.T

    F_x, F_y = filtered(K_x), filtered(K_y)
    U, rho, Vt = np.linalg.svd(F_x @ F_y)
    alpha = np.linalg.pinv(K_x, 1e-10) @ F_x @ U
    beta = np.linalg.pinv(K_y, 1e-10) @ F_y @ Vt.T
    return alpha[:, :k], beta[:, :k], rho[:k]
