def cfa(X, Y, k):
    X, Y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    a = np.linalg.svd(X, full_matrices=False)[2][:k].T
    b = np.linalg.svd(Y, full_matrices=False)[2][:k].T
    return a, b
