def canonical_correlations(X, Y, r=0.0):
    n = len(X)
    X, Y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    xx, yy = X.T @ X / n + r * np.eye(X.shape[1]), Y.T @ Y / n
    return np.linalg.svd(root(xx) @ (X.T @ Y / n) @ root(yy), compute_uv=False)
