def cfa(X, Y, k):
    X, Y = X - X.mean(), Y - Y.mean()
    U, _, Vt = np.linalg.svd(X.T @ Y, full_matrices=False)
    return U[:, :k], Vt[:k].T
