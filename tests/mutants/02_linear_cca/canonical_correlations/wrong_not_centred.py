def canonical_correlations(X, Y, r=0.0):
    n = len(X)
    xx, yy = X.T @ X / n + r * np.eye(X.shape[1]), Y.T @ Y / n + r * np.eye(Y.shape[1])
    return np.linalg.svd(root(xx) @ (X.T @ Y / n) @ root(yy), compute_uv=False)
