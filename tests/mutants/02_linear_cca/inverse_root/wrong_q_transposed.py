def inverse_root(Sigma):
    lam, Q = np.linalg.eigh(Sigma)
    return Q.T @ np.diag(1 / np.sqrt(lam)) @ Q
