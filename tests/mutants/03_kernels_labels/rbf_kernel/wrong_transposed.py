def rbf_kernel(A, B, width):
    squares = ((B[:, None] - A[None]) ** 2).sum(axis=2)
    return np.exp(-squares / (2 * width**2))
