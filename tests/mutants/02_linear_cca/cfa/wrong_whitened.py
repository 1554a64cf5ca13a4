def cfa(X, Y, k):
    X, Y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    xx, yy = root(X.T @ X / len(X)), root(Y.T @ Y / len(Y))
    U, _, Vt = np.linalg.svd(xx @ (X.T @ Y / len(X)) @ yy, full_matrices=False)
    return xx @ U[:, :k], yy @ Vt[:k].T
