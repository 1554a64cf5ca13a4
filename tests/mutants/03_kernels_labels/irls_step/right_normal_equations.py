def irls_step(X, C, group_of_column, r, gamma):
    n = len(X)
    penalty = np.diag(gamma / (2 * r[group_of_column]))
    W = np.linalg.solve(X.T @ X / n + penalty, X.T @ C / n)
    return W, np.sqrt([(W[group_of_column == g] ** 2).sum() for g in range(len(r))])
