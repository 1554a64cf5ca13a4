def canonical_correlations(X, Y, r=0.0):
    n = len(X)
    X, Y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    return np.linalg.svd(root(X.T @ X / n) @ (X.T @ Y / n) @ root(Y.T @ Y / n), compute_uv=False)
