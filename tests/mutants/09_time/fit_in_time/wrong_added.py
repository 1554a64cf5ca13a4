def expand(x, phi):
    return np.hstack([x, *(x + column[:, None] for column in phi.T)])


def fit_in_time(x, u, phi, ridge):
    m = expand(x, phi)
    return np.linalg.solve(m.T @ m / len(m) + ridge * np.eye(m.shape[1]), m.T @ u / len(m))
