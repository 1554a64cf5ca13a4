def rbf_kernel(A, B, width):
    squares = ((A[:, None] - B[None]) ** 2).sum(axis=2)
    return np.exp(-np.sqrt(squares) / (2 * width**2))
