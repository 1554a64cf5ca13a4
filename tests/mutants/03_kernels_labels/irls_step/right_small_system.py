def irls_step(X, C, group_of_column, r, gamma):
    n = len(X)
    e = 2 * r[group_of_column] / (n * gamma)
    root = np.sqrt(e)[:, None]
    scaled = X * root.T
    W = root * np.linalg.solve(scaled.T @ scaled + np.eye(X.shape[1]), scaled.T @ C)
    squares = np.bincount(group_of_column, (W**2).sum(axis=1), minlength=len(r))
    return W, np.sqrt(squares)
