def canonical_correlations(X, Y, r=0.0):
    C = np.cov(X, Y, rowvar=False, bias=True)
    d = X.shape[1]
    xx, xy, yy = C[:d, :d] + r * np.eye(d), C[:d, d:], C[d:, d:] + r * np.eye(Y.shape[1])
    squares = np.linalg.eigvals(np.linalg.solve(xx, xy) @ np.linalg.solve(yy, xy.T)).real
    return np.sqrt(np.sort(np.clip(squares, 0, None))[::-1])[: min(d, Y.shape[1])]
