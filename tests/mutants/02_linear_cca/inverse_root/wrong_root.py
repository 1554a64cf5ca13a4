def inverse_root(Sigma):
    lam, Q = np.linalg.eigh(Sigma)
    return (Q * np.sqrt(lam)) @ Q.T
