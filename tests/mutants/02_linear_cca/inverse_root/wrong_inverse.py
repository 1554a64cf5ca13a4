def inverse_root(Sigma):
    return np.linalg.inv(Sigma)
