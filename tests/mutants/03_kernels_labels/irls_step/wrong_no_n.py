def irls_step(X, C, group_of_column, r, gamma):
    n = len(X)
    E = np.diag(2 * r[group_of_column] / gamma)
    W = E @ X.T @ np.linalg.solve(X @ E @ X.T + np.eye(n), C)
    return W, np.array([np.linalg.norm(W[group_of_column == g]) for g in range(len(r))])
