def canonical_correlations(X, Y, r=0.0):
    n = len(X)
    X, Y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    Sigma_xx = X.T @ X / n + r * np.eye(X.shape[1])
    return np.linalg.svd(root(Sigma_xx) @ (X.T @ Y / n), compute_uv=False)
