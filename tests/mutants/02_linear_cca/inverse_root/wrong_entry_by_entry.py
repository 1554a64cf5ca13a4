def inverse_root(Sigma):
    return np.sqrt(np.abs(np.linalg.inv(Sigma)))
