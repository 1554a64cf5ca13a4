def cfa(X, Y, k):
    X, Y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    U, _, Vt = np.linalg.svd(X.T @ Y, full_matrices=False)
    return U[:, :k], Vt[:, :k]
