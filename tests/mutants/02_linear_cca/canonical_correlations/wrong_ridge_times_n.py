def canonical_correlations(X, Y, r=0.0):
    X, Y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    xx, yy = X.T @ X + r * np.eye(X.shape[1]), Y.T @ Y + r * np.eye(Y.shape[1])
    return np.linalg.svd(root(xx) @ (X.T @ Y) @ root(yy), compute_uv=False)
