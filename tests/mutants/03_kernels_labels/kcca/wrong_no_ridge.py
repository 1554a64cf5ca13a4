def kcca(K_x, K_y, kappa, k):
    def filtered(K):
        lam, Q = np.linalg.eigh(K)
        lam = np.maximum(lam, 0)
        return Q * ((lam > 1e-10 * lam.max()) * 1.0) @ Q.T

    F_x, F_y = filtered(K_x), filtered(K_y)
    U, rho, Vt = np.linalg.svd(F_x @ F_y)
    alpha = np.linalg.pinv(K_x, 1e-10) @ F_x @ U
    beta = np.linalg.pinv(K_y, 1e-10) @ F_y @ Vt.T
    return alpha[:, :k], beta[:, :k], rho[:k]
