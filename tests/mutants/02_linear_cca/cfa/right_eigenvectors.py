def cfa(X, Y, k):
    C = (X - np.mean(X, axis=0)).T @ (Y - np.mean(Y, axis=0))
    values, vectors = np.linalg.eigh(C @ C.T)
    A = vectors[:, np.argsort(-values)[:k]]
    B = C.T @ A
    return A, B / np.linalg.norm(B, axis=0)
