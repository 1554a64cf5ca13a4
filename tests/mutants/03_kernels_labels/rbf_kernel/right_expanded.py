def rbf_kernel(A, B, width):
    squares = (A**2).sum(axis=1)[:, None] + (B**2).sum(axis=1) - 2 * A @ B.T
    return np.exp(-0.5 * squares / width**2)
