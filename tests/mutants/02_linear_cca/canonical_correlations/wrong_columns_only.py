def canonical_correlations(X, Y, r=0.0):
    X, Y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    X, Y = X / np.sqrt(X.var(axis=0) + r), Y / np.sqrt(Y.var(axis=0) + r)
    return np.linalg.svd(X.T @ Y / len(X), compute_uv=False)
