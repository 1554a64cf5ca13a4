def cfa(X, Y, k):
    U, _, Vt = np.linalg.svd(X.T @ Y, full_matrices=False)
    return U[:, :k], Vt[:k].T
